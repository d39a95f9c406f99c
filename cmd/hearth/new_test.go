package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNew checks that hearth new prints the next commands.
func TestNew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	out := &bytes.Buffer{}
	if err := run(t.Context(), []string{"new", "--template", "api", dir}, nil, out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{dir + " is there: HTTP alone", "\n  cd " + dir + "\n", "\n  go mod tidy ", "\n  hearth dev ", "\n  go test ./... ", "\n  curl localhost:3000/hello/anna\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output has no %q:\n%s", want, out)
		}
	}
	if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.HasPrefix(string(mod), "module shop\n") {
		t.Errorf("go.mod: %v\n%s", err, mod)
	}
	if err := run(t.Context(), []string{"new"}, nil, io.Discard, io.Discard); err == nil || err.Error() != "new takes the name of the project, got 0 arguments; see hearth new --help" {
		t.Errorf("got %v", err)
	}
}
