package local

import (
	"archive/zip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/program"
)

// TestUnpack: the files that the constructs put into an archive are beside the program.
func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rates := filepath.Join(dir, "rates.json")
	if err := os.WriteFile(rates, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := program.Archive([]byte("binary"))
	if err != nil {
		t.Fatal(err)
	}
	data, err = program.AddFiles(data, map[string]string{"config/rates.json": rates})
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "asset.zip")
	if err := os.WriteFile(archive, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := unpack(archive, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"bootstrap": "binary", "config/rates.json": "{}"} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(out, "bootstrap")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("bootstrap: got %v, %v", info, err)
	}
}

// writeArchive writes an archive of files with their modes and contents.
func writeArchive(t *testing.T, path string, files []archived) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate}
		header.SetMode(file.mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, io.MultiReader(strings.NewReader(file.text), io.LimitReader(zeros{}, file.zeros))); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

type archived struct {
	name  string
	mode  fs.FileMode
	text  string
	zeros int64 // bytes after the text
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestUnpackOdd: names, links and sizes as other tools write them.
func TestUnpackOdd(t *testing.T) {
	t.Parallel()
	const link = fs.ModeSymlink | 0o777
	for name, c := range map[string]struct {
		files []archived
		want  string // of the error
	}{
		"parent":              {[]archived{{"../evil", 0o644, "", 0}}, `"../evil" leads out of the archive`},
		"absolute":            {[]archived{{"/evil", 0o644, "", 0}}, `"/evil" leads out of the archive`},
		"link to a parent":    {[]archived{{"a/l", link, "../../evil", 0}}, `the link "a/l" leads out of the archive, to "../../evil"`},
		"absolute link":       {[]archived{{"l", link, "/etc/passwd", 0}}, `the link "l" leads out of the archive, to "/etc/passwd"`},
		"through a link":      {[]archived{{"a/b", link, "..", 0}, {"a/c", link, "b/..", 0}, {"a/c/evil", 0o644, "", 0}}, "path escapes from parent"},
		"too large":           {[]archived{{"big", 0o644, "", maxUnpackedBytes/2 + 1}, {"more", 0o644, "", maxUnpackedBytes / 2}}, "its files have more than Lambda's 250 MB"},
		"a file and a folder": {[]archived{{"a", 0o644, "", 0}, {"a/b", 0o644, "", 0}}, "a"},
		"fine": {[]archived{{"lib/", fs.ModeDir | 0o500, "", 0}, {"lib/real", 0o400, "text", 0}, {"lib/real", 0o400, "text", 0}, {"lib/link", link, "real", 0},
			{"up", link, "lib/../lib/real", 0}, {"./a/./b", 0o755, "", 0}, {"none", 0, "", 0}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive, out := filepath.Join(dir, "asset.zip"), filepath.Join(dir, "x", "out")
			writeArchive(t, archive, c.files)
			err := unpack(archive, out)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			for _, path := range []string{filepath.Join(dir, "evil"), filepath.Join(dir, "x", "evil"), "/evil"} {
				if _, err := os.Lstat(path); err == nil {
					t.Errorf("%s was written", path)
				}
			}
			if c.want != "" {
				return
			}
			for _, file := range []string{"lib/real", "lib/link", "up"} {
				if got, err := os.ReadFile(filepath.Join(out, file)); err != nil || string(got) != "text" {
					t.Errorf("%s: got %q, %v", file, got, err)
				}
			}
			if info, err := os.Stat(filepath.Join(out, "a/b")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("a/b: got %v, %v", info, err)
			}
		})
	}
}

// TestUnpackTwice: an archive that is written again is unpacked again, and two archives of
// one name are two.
func TestUnpackTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &builder{root: filepath.Join(dir, "work")}
	read := func(archive string) string {
		t.Helper()
		out, err := b.unpack(archive)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, "f"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for i, text := range []string{"one", "other", "one again"} {
		archive := filepath.Join(dir, strconv.Itoa(i%2), "asset.zip")
		if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
			t.Fatal(err)
		}
		writeArchive(t, archive, []archived{{"f", 0o644, text, 0}})
		for range 2 {
			if got := read(archive); got != text {
				t.Errorf("got %q, want %q", got, text)
			}
		}
	}
}
