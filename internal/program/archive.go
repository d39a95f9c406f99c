package program

import (
	"archive/zip"
	"bytes"
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

// Archive returns a ZIP archive with the program as "bootstrap" and files beside it.
// files maps a path in the archive, with "/", to a file or folder of this machine. Order,
// modes and times are fixed, so the same files give the same bytes on every machine. So
// even a system without executable bits deploys a program that Lambda can run.
func Archive(binary []byte, files map[string]string) ([]byte, error) {
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
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, mode fs.FileMode, content io.Reader) error {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime}
		header.SetMode(mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, content)
		return err
	}
	if err := add("bootstrap", 0o755, bytes.NewReader(binary)); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		f, err := os.Open(entries[name])
		if err != nil {
			return nil, err
		}
		// Every file is executable: a machine without executable bits cannot tell.
		err = add(name, 0o755, f)
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
