package dev

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/lambdahearth/hearth/internal/within"
)

// writeFiles writes files below a folder.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInputs: what can change a program, with files and folders that are not there yet.
func TestInputs(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"go.work":    "go 1.24\n\nuse (\n\t./app\n\t./shared\n)\n",
		"app/go.mod": "module example.com/app\n\ngo 1.24\n\nrequire example.com/outside v0.0.0\n\nreplace example.com/outside => ../outside\n",
		"app/main.go": `package main

import (
	"embed"

	"example.com/app/internal/x"
	_ "example.com/app/notyet"
	"example.com/outside"
	"example.com/shared"
)

//go:embed static *.tmpl
var files embed.FS

//go:embed all:hidden
var hidden embed.FS

func main() { x.X(); outside.X(); shared.X() }
`,
		"app/static/a/index.html": "", "app/page.tmpl": "", "app/hidden/.a": "",
		"app/internal/x/x.go": "package x\n\nfunc X() {}\n",
		"outside/go.mod":      "module example.com/outside\n\ngo 1.24\n", "outside/x.go": "package outside\n\nfunc X() {}\n",
		"shared/go.mod": "module example.com/shared\n\ngo 1.24\n", "shared/x.go": "package shared\n\nfunc X() {}\n",
	})
	in, err := listInputs(t.Context(), filepath.Join(root, "app"), "", ".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"app/main.go": true, "app/new.go": true, "app/asm_amd64.s": true, "app/x.h": true, "app/go.mod": true, "app/go.sum": true, "go.work": true, "go.work.sum": true,
		"app/internal/x/x.go": true, "app/internal/x": true, "outside/x.go": true, "outside/go.mod": true, "shared/new.go": true,
		"app/notyet": true, "app/notyet/n.go": true, // imported, but not written
		"app/static/new.html": true, "app/static/a/b/c.html": true, "app/static/new": true, "app/other.tmpl": true, "app/hidden/.b": true,
		"app/main_test.go": false, "app/.main.go": false, "app/README.md": false, "app/static/.index.html.swp": false, "app/static2/x": false, "app/internal/x/y.tmpl": false,
		"app/else/x.go": false, "main.go": false,
	} {
		if got := in.has(filepath.Join(root, name)); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	folders := in.folders()
	for _, name := range []string{"", "app", "app/static", "app/static/a", "app/hidden", "app/internal/x", "app/notyet", "outside", "shared"} {
		if !slices.Contains(folders, filepath.Join(root, name)) {
			t.Errorf("%q is not watched", name)
		}
	}
}

// TestWatchedFolders: a folder that goes and comes back is followed again.
func TestWatchedFolders(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, sub, later := filepath.Join(root, "pkg"), filepath.Join(root, "pkg", "sub"), filepath.Join(root, "a", "b", "later")
	writeFiles(t, root, map[string]string{"pkg/x.go": "", "pkg/sub/y.go": ""})
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.fs.Close()
	if err := w.add(dir, sub, later); err != nil {
		t.Fatal(err)
	}
	// await waits until one of the paths is reported.
	await := func(what string, paths ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), within.Limit)
		defer cancel()
		for {
			changed, err := w.next(ctx)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if slices.ContainsFunc(changed, func(path string) bool { return slices.Contains(paths, path) }) {
				return
			}
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	// edited checks that a saved file is reported, and nothing of before hides it.
	edited := func(what, path string) {
		t.Helper()
		for quiet := false; !quiet; {
			ctx, cancel := context.WithTimeout(t.Context(), 3*settle)
			_, err := w.next(ctx)
			quiet = err != nil
			cancel()
		}
		if err := os.WriteFile(path, []byte("//"), 0o644); err != nil {
			t.Fatal(err)
		}
		await(what, path)
	}

	move(dir, filepath.Join(root, "old"))
	await("renamed", dir)
	move(filepath.Join(root, "old"), dir)
	await("renamed back", dir)
	edited("after the renaming", filepath.Join(dir, "x.go"))
	edited("below, after the renaming", filepath.Join(sub, "y.go"))

	// At once, as a change of the branch does it: the new folder may get the old inode.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, root, map[string]string{"pkg/x.go": "", "pkg/sub/y.go": ""})
	await("written again", dir, filepath.Join(dir, "x.go"))
	edited("after the deletion", filepath.Join(dir, "x.go"))
	edited("below, after the deletion", filepath.Join(sub, "y.go"))

	writeFiles(t, root, map[string]string{"a/b/later/z.go": ""})
	await("created later", later)
	edited("in a folder that is created later", filepath.Join(later, "z.go"))
}

// TestLostEvents: if the system loses events, the changed files are found by their times.
func TestLostEvents(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.fs.Close()
	if err := w.add(root); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, root, map[string]string{"x.go": ""})
	w.since = time.Now().Add(-time.Minute)
	if err := w.fs.Remove(root); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within.Limit)
	defer cancel()
	go func() { w.fs.Errors <- fsnotify.ErrEventOverflow }()
	changed, err := w.next(ctx)
	if err != nil || !slices.Contains(changed, filepath.Join(root, "x.go")) {
		t.Errorf("%v, %v", changed, err)
	}
}
