package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/project"
	"github.com/lambdahearth/hearth/local"
)

// start synthesizes the app and starts the engine.
func (s *server) start(ctx context.Context) (err error) {
	if s.Assembly == "" {
		if err := s.synth(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "building the handlers and starting")
	s.engine, err = local.Start(ctx, s.Local)
	return err
}

// canMend reports whether a save may mend the error of a start: a program does not build,
// or the app, a Go program, does not build or synthesize.
func (s *server) canMend(err error) bool {
	var build *program.BuildError
	var app *project.Failure
	return errors.As(err, &build) || errors.As(err, &app) && s.project.GoProgram() != ""
}

// awaitSave prints the error of a start, and waits until a file is saved that may mend it.
// Files that were saved since the start began count too.
func (s *server) awaitSave(ctx context.Context, failed error, since time.Time) error {
	s.out.WriteColored("hearth: "+failed.Error()+"\n", "hearth:", terminal.Red) //nolint:errcheck // a terminal
	w, err := newWatcher()
	if err != nil {
		return err
	}
	defer w.fs.Close() //nolint:errcheck // nothing is left to watch
	if err := w.add(s.project.Dir); err != nil {
		return err
	}
	programs := s.mendableInputs(ctx, failed)
	for _, in := range programs {
		if err := w.add(in.folders()...); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "waiting: save a Go file, cdk.json or .env to start again, or stop it with Ctrl-C")
	// The app itself may have written a followed file again.
	changed := slices.DeleteFunc(w.modified(since), s.unchanged)
	for {
		var names []string
		for _, path := range changed {
			if s.isEnvFile(path) || s.isAppFile(path) || slices.ContainsFunc(programs, func(in *inputs) bool { return in.has(path) }) {
				names = append(names, s.name(path))
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(s.out, "\n%s changed\n", strings.Join(names, ", "))
			if err = s.readAgain(); err == nil {
				return nil
			}
			fmt.Fprintln(s.out, "hearth:", err)
		}
		if changed, err = w.next(ctx); err != nil {
			return err
		}
	}
}

// readAgain reads cdk.json and .env again.
func (s *server) readAgain() error {
	if s.Assembly == "" {
		p, err := readProject(s.project.Dir)
		if err != nil {
			return err
		}
		s.project, s.Local.Assembly = p, p.Output
	}
	return s.readEnv()
}

// mendableInputs lists the inputs of all Go packages of the project. Without an assembly,
// nothing says which of them are programs.
func (s *server) mendableInputs(ctx context.Context, failed error) (list []*inputs) {
	folders := map[string]string{} // with the packages to list there
	var build *program.BuildError
	if errors.As(failed, &build) {
		folders[build.Dir] = "."
	}
	if s.Assembly == "" {
		if dir := s.project.GoProgram(); dir != "" {
			folders[dir] = "."
		}
		for _, module := range s.modules() {
			folders[module] = "./..."
		}
	}
	for dir, packages := range folders {
		if in, err := listInputs(ctx, dir, local.BuildTags, packages); err == nil {
			list = append(list, in)
		}
	}
	return list
}

// modules are the project's folder, which may be part of a module, and the folders of the
// modules below it.
func (s *server) modules() []string {
	list := []string{s.project.Dir}
	filepath.WalkDir(s.project.Dir, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // what cannot be read is left out
		if err != nil {
			return fs.SkipDir
		}
		name, dir := entry.Name(), filepath.Dir(path)
		switch {
		case path == s.project.Dir:
		case path == s.project.Output, entry.IsDir() && (name == "node_modules" || name[0] == '.'):
			return fs.SkipDir
		case name == "go.mod" && dir != s.project.Dir:
			list = append(list, dir)
		}
		return nil
	})
	return list
}
