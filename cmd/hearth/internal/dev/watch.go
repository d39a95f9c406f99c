package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	dirs   map[string]bool
	files  map[string]bool
	embeds []embed
}

// embed is a pattern of a go:embed directive.
type embed struct {
	dir     string // the folder of the package
	pattern string // a file, a folder, or a glob
	all     bool   // files whose names begin with "." or "_" count too
}

// matches reports whether the pattern embeds the file or folder, which may be new.
func (e *embed) matches(path string) bool {
	rel, err := filepath.Rel(e.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		return false
	}
	name := filepath.Base(rel)
	for at := rel; at != "."; at = filepath.Dir(at) {
		if ok, _ := filepath.Match(e.pattern, at); ok {
			return at == rel || e.all || name[0] != '.' && name[0] != '_'
		}
	}
	return false
}

// listInputs asks the go command for the inputs of a program in a folder, or of all
// packages below it.
func listInputs(ctx context.Context, dir, tags, packages string) (*inputs, error) {
	out, err := goOutput(ctx, dir, "list", "-deps", "-e", "-tags", tags, "-json=Dir,ImportPath,Standard,Module,EmbedFiles,EmbedPatterns,DepOnly", packages)
	if err != nil {
		return nil, err
	}
	in := &inputs{dirs: map[string]bool{dir: true}, files: map[string]bool{}}
	modules := map[string]string{} // the folders of the modules that are not downloaded
	var missing []string
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			Dir, ImportPath           string
			Standard                  bool
			EmbedFiles, EmbedPatterns []string
			Module                    *struct {
				Main             bool
				Path, Dir, GoMod string
				Replace          *struct{ Version string }
			}
		}
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("list what %s is built from: %w", dir, err)
		}
		if pkg.Dir == "" && !pkg.Standard {
			missing = append(missing, pkg.ImportPath)
		}
		local := pkg.Module != nil && (pkg.Module.Main || pkg.Module.Replace != nil && pkg.Module.Replace.Version == "")
		if pkg.Standard || !local || pkg.Dir == "" {
			continue
		}
		in.dirs[pkg.Dir] = true
		for _, f := range pkg.EmbedFiles {
			in.files[filepath.Join(pkg.Dir, f)] = true
		}
		for _, pattern := range pkg.EmbedPatterns {
			pattern, all := strings.CutPrefix(pattern, "all:")
			in.embeds = append(in.embeds, embed{pkg.Dir, filepath.FromSlash(pattern), all})
		}
		modules[pkg.Module.Path] = pkg.Module.Dir
		if pkg.Module.GoMod != "" {
			in.files[pkg.Module.GoMod] = true
			in.files[filepath.Join(filepath.Dir(pkg.Module.GoMod), "go.sum")] = true
		}
	}
	for _, path := range missing { // a package that is not written yet
		for module, folder := range modules {
			if rest, ok := strings.CutPrefix(path, module+"/"); ok && folder != "" {
				in.dirs[filepath.Join(folder, filepath.FromSlash(rest))] = true
			}
		}
	}
	workspace, err := goOutput(ctx, dir, "env", "GOWORK")
	if path := strings.TrimSpace(string(workspace)); err == nil && filepath.IsAbs(path) {
		in.files[path], in.files[path+".sum"] = true, true
	}
	return in, nil
}

func goOutput(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list what %s is built from: %w\n%s", dir, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// sourceSuffixes are the suffixes of the files that the go command compiles.
var sourceSuffixes = map[string]bool{
	".go": true, ".s": true, ".S": true, ".syso": true, ".c": true, ".h": true, ".cc": true, ".cpp": true, ".cxx": true, ".hh": true, ".hpp": true, ".hxx": true,
}

// has reports whether the file or folder can be an input of the program.
func (in *inputs) has(path string) bool {
	if in == nil {
		return false
	}
	if in.files[path] || in.dirs[path] {
		return true
	}
	for i := range in.embeds {
		if in.embeds[i].matches(path) {
			return true
		}
	}
	name := filepath.Base(path)
	return in.dirs[filepath.Dir(path)] && sourceSuffixes[filepath.Ext(name)] && !strings.HasSuffix(name, "_test.go") && name[0] != '.' && name[0] != '_'
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
	for _, e := range in.embeds { // also the folders that have no files yet
		found, _ := filepath.Glob(filepath.Join(e.dir, e.pattern))
		for _, path := range found {
			filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // what cannot be read is not embedded
				if err == nil && entry.IsDir() {
					list = append(list, path)
				}
				return nil
			})
		}
	}
	return list
}

// watcher reports changed files. It follows folders by their paths: one that is removed or
// renamed is followed again when a folder of its path appears.
type watcher struct {
	fs      *fsnotify.Watcher
	watched map[string]os.FileInfo // nil for a folder that is not there
	since   time.Time              // when the last changes were reported
	changed map[string]bool        // files that changed since then
}

func newWatcher() (*watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &watcher{fs, map[string]os.FileInfo{}, time.Now(), map[string]bool{}}, nil
}

// add adds folders to the watched ones.
func (w *watcher) add(folders ...string) error {
	for _, folder := range folders {
		if _, known := w.watched[folder]; known {
			continue
		}
		if _, err := w.follow(folder); err != nil {
			return err
		}
	}
	return nil
}

// follow watches what is at the folder's path now. It reports whether that is another
// folder than before. If there is none, it watches the nearest parent folder.
func (w *watcher) follow(folder string) (fresh bool, err error) {
	before := w.watched[folder]
	now, err := os.Stat(folder)
	if err != nil || !now.IsDir() {
		w.watched[folder] = nil
		for parent := filepath.Dir(folder); ; parent = filepath.Dir(parent) {
			if info, err := os.Stat(parent); err == nil && info.IsDir() || parent == filepath.Dir(parent) {
				return false, w.fs.Add(parent)
			}
		}
	}
	if before != nil && os.SameFile(before, now) {
		return false, nil
	}
	if before != nil {
		w.fs.Remove(folder) //nolint:errcheck // the old folder may be gone
	}
	w.watched[folder] = now
	if err := w.fs.Add(folder); err != nil {
		return false, fmt.Errorf("watch %s: %w", folder, err)
	}
	return true, nil
}

// appeared returns the folders that have been created or replaced.
func (w *watcher) appeared() (list []string) {
	for folder := range w.watched {
		if fresh, err := w.follow(folder); err == nil && fresh {
			list = append(list, folder)
		}
	}
	return list
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
	for {
		var timer <-chan time.Time
		if len(w.changed) > 0 {
			timer = time.After(settle)
		}
		path, err := w.receive(ctx, timer)
		if err != nil {
			return nil, err
		}
		if path != "" {
			continue
		}
		w.since = time.Now()
		for _, folder := range w.appeared() {
			w.changed[folder] = true
		}
		list := slices.Collect(maps.Keys(w.changed))
		clear(w.changed)
		return list, nil
	}
}

// wait waits until a file changes that matters, but at least for quiet. The following next
// returns that file.
func (w *watcher) wait(ctx context.Context, quiet time.Duration, matters func(path string) bool) error {
	var timer <-chan time.Time
	if quiet > 0 {
		timer = time.After(quiet)
	}
	for changed := false; !changed || timer != nil; {
		path, err := w.receive(ctx, timer)
		switch {
		case err != nil:
			return err
		case path == "":
			timer = nil
		case matters(path):
			changed = true
		}
	}
	return nil
}

// receive waits for a change and records it. It returns the file's path, or "" when the
// timer has fired.
func (w *watcher) receive(ctx context.Context, timer <-chan time.Time) (path string, err error) {
	for {
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-timer:
			return "", nil
		case event, ok := <-w.fs.Events:
			if !ok {
				return "", errors.New("watch files: the watcher has ended")
			}
			if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
				if _, known := w.watched[event.Name]; known {
					w.watched[event.Name] = nil // a new folder may get the inode of this one
				}
			}
			if event.Op != fsnotify.Chmod {
				w.changed[event.Name] = true
				return event.Name, nil
			}
		case err, ok := <-w.fs.Errors:
			if !ok {
				return "", errors.New("watch files: the watcher has ended")
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return "", fmt.Errorf("watch files: %w", err)
			}
			for _, path := range w.modified(w.since) { // events are lost
				w.changed[path] = true
			}
			for path := range w.changed {
				return path, nil
			}
		}
	}
}
