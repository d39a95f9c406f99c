package local

import (
	"archive/zip"
	"os"
	"path/filepath"
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
	data, err := program.Archive([]byte("binary"), map[string]string{"config/rates.json": rates})
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

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := filepath.Join(dir, "asset.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	if _, err := z.Create("../evil"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := unpack(archive, filepath.Join(dir, "out")); err == nil {
		t.Error("a path that leads out must be refused")
	}
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("a file was written outside")
	}
}
