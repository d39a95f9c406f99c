package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local/internal/plan"
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

// TestBuildsAreBounded: a build waits for its turn, as long as its context lasts.
func TestBuildsAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module small\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := &builder{root: t.TempDir(), built: map[string]*build{}, slots: make(chan struct{}, 1)}
	b.slots <- struct{}{} // another build
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, _, err := b.build(ctx, plan.Source{Dir: dir})
		failed <- err
	}()
	enough := errors.New("enough")
	cancel(enough)
	if err := within.Receive(t, failed); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	within.Receive(t, b.slots)
	for range 2 {
		if _, _, err := b.build(t.Context(), plan.Source{Dir: dir}); err != nil {
			t.Error(err)
		}
	}
}
