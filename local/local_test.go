package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuildError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module broken\n", "main.go": "package main\n\nfunc main() { undefinedName() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Build(t.Context(), dir, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "./main.go:3:15: undefined: undefinedName") {
		t.Errorf("want the compiler's own words, got %v", err)
	}
}
