package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is the time to wait for further changes after a change: editors and version
// control save in several steps.
const settle = 30 * time.Millisecond

// inputs are the source folders and embedded files of a Go program, without the standard
// library and downloaded modules.
type inputs struct {
	dirs  map[string]bool
	files map[string]bool
}

// listInputs asks the go command for the inputs of a program.
func listInputs(ctx context.Context, dir, tags string) (*inputs, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-e", "-tags", tags,
		"-json=Dir,Standard,Module,EmbedFiles,DepOnly", ".")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list what %s is built from: %w\n%s", dir, err, bytes.TrimSpace(stderr.Bytes()))
	}
	in := &inputs{dirs: map[string]bool{dir: true}, files: map[string]bool{}}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			Dir        string
			Standard   bool
			EmbedFiles []string
			Module     *struct {
				Main    bool
				Dir     string
				GoMod   string
				Replace *struct{ Version string }
			}
		}
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			return in, nil
		} else if err != nil {
			return nil, fmt.Errorf("list what %s is built from: %w", dir, err)
		}
		local := pkg.Module != nil && (pkg.Module.Main || pkg.Module.Replace != nil && pkg.Module.Replace.Version == "")
		if pkg.Standard || !local || pkg.Dir == "" {
			continue
		}
		in.dirs[pkg.Dir] = true
		for _, f := range pkg.EmbedFiles {
			in.files[filepath.Join(pkg.Dir, f)] = true
		}
		if pkg.Module.GoMod != "" {
			in.files[pkg.Module.GoMod] = true
			in.files[filepath.Join(filepath.Dir(pkg.Module.GoMod), "go.sum")] = true
		}
	}
}

// has reports whether the file can be an input of the program.
func (in *inputs) has(path string) bool {
	if in == nil {
		return false
	}
	if in.files[path] {
		return true
	}
	name := filepath.Base(path)
	return in.dirs[filepath.Dir(path)] && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name[0] != '.' && name[0] != '_'
}

// folders returns the folders to watch.
func (in *inputs) folders() []string {
	var list []string
	for dir := range in.dirs {
		list = append(list, dir)
	}
	for file := range in.files {
		list = append(list, filepath.Dir(file))
	}
	return list
}

// watcher reports changed files.
type watcher struct {
	fs      *fsnotify.Watcher
	watched map[string]bool
}

func newWatcher() (*watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &watcher{fs, map[string]bool{}}, nil
}

// add adds folders to the watched ones.
func (w *watcher) add(folders ...string) error {
	for _, folder := range folders {
		if w.watched[folder] {
			continue
		}
		if err := w.fs.Add(folder); err != nil {
			return fmt.Errorf("watch %s: %w", folder, err)
		}
		w.watched[folder] = true
	}
	return nil
}

// modified returns the files in the watched folders that changed after a time.
func (w *watcher) modified(after time.Time) []string {
	var list []string
	for folder := range w.watched {
		entries, _ := os.ReadDir(folder) // a removed folder has no files
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && !info.IsDir() && info.ModTime().After(after) {
				list = append(list, filepath.Join(folder, entry.Name()))
			}
		}
	}
	return list
}

// next waits for changes. It returns the changed files once no change has come for settle.
func (w *watcher) next(ctx context.Context) ([]string, error) {
	changed := map[string]bool{}
	var timer <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case event, ok := <-w.fs.Events:
			if !ok {
				return nil, errors.New("watch files: the watcher has ended")
			}
			if event.Op != fsnotify.Chmod {
				changed[event.Name] = true
				timer = time.After(settle)
			}
		case err, ok := <-w.fs.Errors:
			if !ok {
				return nil, errors.New("watch files: the watcher has ended")
			}
			return nil, fmt.Errorf("watch files: %w", err)
		case <-timer:
			var list []string
			for path := range changed {
				list = append(list, path)
			}
			return list, nil
		}
	}
}
