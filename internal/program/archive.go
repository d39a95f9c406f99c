package program

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// archiveTime is the time of every file in an archive: the earliest in the format.
var archiveTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archives caches the archives of programs, because the CDK deletes each one after copying
// it.
var archives memo[Source, []byte]

// Archive returns the program, built for Lambda, in a ZIP archive; see [Archive].
func (s Source) Archive() ([]byte, error) {
	return archives.get(s, func() ([]byte, error) {
		binary, err := s.ForLambda()
		if err != nil {
			return nil, err
		}
		return Archive(binary)
	})
}

// Archive returns a ZIP archive with the program as "bootstrap". Its mode and time are
// fixed, so the same program gives the same bytes on every machine. So even a system
// without executable bits deploys a program that Lambda can run.
func Archive(binary []byte) ([]byte, error) {
	var out bytes.Buffer
	z := newZip(&out)
	if err := add(z, "bootstrap", bytes.NewReader(binary)); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// newZip returns a writer of archives. The default level of compression takes two and a
// half times as long for archives of programs that are a tenth smaller. No other part of a
// synth that Hearth adds takes as long.
func newZip(out io.Writer) *zip.Writer {
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return z
}

// add adds a file, which is executable: a machine without executable bits cannot tell.
func add(z *zip.Writer, name string, content io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

// AddFiles returns an archive of [Archive] with files beside the program. files maps a
// path in the archive, with "/", to a file or folder of this machine. Their order, modes
// and times are fixed too.
func AddFiles(archive []byte, files map[string]string) ([]byte, error) {
	if len(files) == 0 {
		return archive, nil
	}
	entries := map[string]string{}
	for name, source := range files {
		source, err := filepath.EvalSymlinks(source)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() && file != source {
				return err
			}
			switch info, err := os.Stat(file); { // Stat follows links
			case err != nil || file == source && info.IsDir():
				return err
			case info.IsDir():
				return fmt.Errorf("%s must be a file or a folder, got a link to a folder; name that folder", file)
			}
			inside, err := filepath.Rel(source, file)
			if err == nil {
				entries[path.Join(name, filepath.ToSlash(inside))] = file
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	program, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := newZip(&out)
	for _, entry := range program.File {
		if err := z.Copy(entry); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		f, err := os.Open(entries[name])
		if err != nil {
			return nil, err
		}
		err = add(z, name, f)
		f.Close() //nolint:errcheck // it is only read
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Unpacked returns the size of the files in an archive, in bytes.
func Unpacked(archive []byte) (uint64, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return 0, err
	}
	var sum uint64
	for _, file := range z.File {
		sum += file.UncompressedSize64
	}
	return sum, nil
}
