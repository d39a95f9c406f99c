// Package dev is the command hearth dev: it synthesizes an app, runs it on the
// local engine, and follows what is saved.
package dev

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/constructs/checks"
	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/project"
	"github.com/lambdahearth/hearth/local"
)

// DefaultPort is where hearth dev serves.
const DefaultPort = 3000

// stateFile is where a running hearth dev is noted, in the assembly's folder, so that
// other commands find it. Each has its own, by the id of its process.
func stateFile(folder string, pid int) string {
	return filepath.Join(folder, fmt.Sprintf("hearth-dev-%d.json", pid))
}

// Options are what hearth dev is told.
type Options struct {
	// Local is passed on to the engine, with the addresses, folders and variables that
	// the fields below and the project say.
	Local local.Options
	// Dir is the folder of cdk.json.
	Dir string
	// Assembly is a folder to run in place of what the app synthesizes, "" for none.
	Assembly string
	// Port is where the engine serves on loopback, 0 to 65535; 0 picks a free port.
	Port int
	// Env are lines as .env has them.
	Env []string
	// RawLogs prints the log records of the programs as they are.
	RawLogs bool
	// NoWatch does not follow what is saved.
	NoWatch bool
}

// server is one run of hearth dev.
type server struct {
	Options
	project *project.Project
	out     *terminal.Terminal
	engine  *local.Engine

	infra    *inputs
	handlers map[string]*inputs // by the program's folder
}

// Run is the command: it returns when ctx ends, or when the app cannot be started.
func Run(ctx context.Context, opts Options, stdout io.Writer) error {
	s := &server{Options: opts, out: terminal.New(stdout), handlers: map[string]*inputs{}}
	if opts.Port < 0 || opts.Port > 65535 {
		return fmt.Errorf("dev: --port must be 0 to 65535, got %d", opts.Port)
	}
	s.Local.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port))
	s.Local.Environ = os.Environ()
	s.Local.Clock = local.NewShiftedClock() // the page moves it
	s.Local.Cache = cacheDir()
	s.Local.Output = newLogWriter(s.out, opts.RawLogs)
	s.Local.Log = func(line string) { fmt.Fprintln(s.out, "hearth:", line) }

	var err error
	if s.project, err = readProject(opts.Dir); err != nil {
		if opts.Assembly == "" {
			return fmt.Errorf("dev: %w", err)
		}
		abs, _ := filepath.Abs(opts.Dir) // it fails only where there is no working folder
		s.project = &project.Project{Dir: abs}
	}
	s.Local.Dir, s.Local.Assembly = s.project.Dir, cmp.Or(opts.Assembly, s.project.Output)
	if err := s.readEnv(); err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	ctx, cancel := withParent(ctx)
	defer cancel()
	return s.run(ctx)
}

// cacheDir is where built programs are kept, "" for nowhere.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "hearth")
}

// readProject reads a project whose compiled app is kept.
func readProject(dir string) (*project.Project, error) {
	p, err := project.Read(dir)
	if err == nil {
		p.Cache = cacheDir()
	}
	return p, err
}

// envFile is the file of variables in the project's folder. One whose name goes on with
// a dot and a function's logical id or name has variables of that function alone.
const envFile = ".env"

// isEnvFile reports whether a file has variables.
func (s *server) isEnvFile(path string) bool {
	name := filepath.Base(path)
	return filepath.Dir(path) == s.project.Dir && (name == envFile || strings.HasPrefix(name, envFile+"."))
}

// readEnv reads .env, .env.FUNCTION and --env, and takes the database from them.
func (s *server) readEnv() error {
	env := &Env{values: map[string]string{}}
	if err := env.readEnvFile(filepath.Join(s.project.Dir, envFile)); err != nil {
		return err
	}
	s.Local.FunctionEnv = map[string]map[string]string{}
	files, err := os.ReadDir(s.project.Dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		function, found := strings.CutPrefix(file.Name(), envFile+".")
		if !found || file.IsDir() {
			continue
		}
		own := &Env{values: map[string]string{}}
		if err := own.readEnvFile(filepath.Join(s.project.Dir, file.Name())); err != nil {
			fmt.Fprintln(s.out, "hearth:", err) // it may be another program's file
			continue
		}
		s.Local.FunctionEnv[function] = own.values
	}
	for _, text := range s.Env {
		if err := env.add(text); err != nil {
			return fmt.Errorf("--env: %w", err)
		}
	}
	s.Local.Env = env.values
	if s.Local.Database == "none" {
		s.Local.Database = ""
		return nil
	}
	for _, url := range []string{env.values["DATABASE_URL"], os.Getenv("DATABASE_URL")} {
		// One that no RDS Proxy can lead to is the programs' own affair.
		if scheme, _, _ := strings.Cut(url, "://"); s.Local.Database == local.DatabaseAuto && slices.Contains([]string{"postgres", "postgresql", "mysql"}, scheme) {
			s.Local.Database = url
		}
	}
	return nil
}

func (s *server) run(ctx context.Context) (err error) {
	started := time.Now()
	if err := checkPort(s.Local.Addr); err != nil {
		return err
	}
	if s.Assembly == "" {
		if err := s.synth(ctx); err != nil {
			return quiet(ctx, err)
		}
	}
	fmt.Fprintln(s.out, "building the handlers and starting")
	if s.engine, err = local.Start(ctx, s.Local); err != nil {
		return quiet(ctx, err)
	}
	defer func() {
		stopping := time.Now()
		s.engine.Stop()
		fmt.Fprintf(s.out, "stopped (%s)\n", seconds(stopping))
	}()
	if err := s.note(); err != nil {
		return err
	}
	defer os.Remove(stateFile(s.Local.Assembly, os.Getpid())) //nolint:errcheck // a synth may have emptied the folder
	printState(s.out, s.engine.State(), seconds(started), true)
	if s.NoWatch {
		<-ctx.Done()
		return nil
	}
	return quiet(ctx, s.watch(ctx))
}

// checkPort finds a port that is in use before the synth, which may take minutes.
func checkPort(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("dev: %w; stop what serves there, or choose another port with --port", err)
	}
	return l.Close()
}

// quiet makes the end of ctx, which is Ctrl-C, no error.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}

func seconds(since time.Time) string { return fmt.Sprintf("%.1f s", time.Since(since).Seconds()) }

func (s *server) synth(ctx context.Context) error {
	fmt.Fprintf(s.out, "synthesizing with %q\n", s.project.App)
	if err := s.project.Synth(ctx, s.out); err != nil {
		return err
	}
	s.check()
	return nil
}

// check prints what hearth check finds in what was synthesized. The app runs anyway.
func (s *server) check() {
	findings, err := checks.Paths(s.project.Output)
	if err == nil {
		file := filepath.Join(s.project.Dir, checks.SilencesFile)
		var silences []checks.Silence
		switch silences, err = checks.ReadSilences(file); {
		case err == nil:
			findings = checks.Apply(silences, file, findings)
		case errors.Is(err, os.ErrNotExist):
			err = nil
		}
	}
	if err != nil {
		fmt.Fprintln(s.out, "hearth: check:", err)
	}
	for _, f := range findings {
		if rel, err := filepath.Rel(s.project.Dir, f.File); err == nil {
			f.File = rel
		}
		color := terminal.Yellow
		if f.Severity == checks.Error {
			color = terminal.Red
		}
		s.out.WriteColored("check: "+f.String()+"\n", string(f.Severity)+":", color) //nolint:errcheck // a terminal
	}
}

// note writes where this run serves, and the token for actions, for this user alone.
func (s *server) note() error {
	data, err := json.Marshal(Running{URL: s.engine.URL(), Token: s.engine.Token(), PID: os.Getpid(), Started: s.engine.State().Started})
	if err != nil {
		return err
	}
	return os.WriteFile(stateFile(s.Local.Assembly, os.Getpid()), data, 0o600)
}

// Running is a hearth dev that runs.
type Running struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"` // what the header X-Hearth of actions must be
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// Find returns the hearth dev that runs the app in a folder: the one that was started
// last, where there are several.
func Find(dir string) (*Running, error) {
	p, err := project.Read(dir)
	if err != nil {
		return nil, err
	}
	notes, _ := filepath.Glob(filepath.Join(p.Output, "hearth-dev-*.json")) // a bad pattern finds none
	found := &Running{}
	for _, path := range notes {
		var note Running
		data, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(data, &note) != nil || note.URL == "" || !process.Alive(note.PID) {
			continue // it was killed
		}
		if note.Started.After(found.Started) {
			found = &note
		}
	}
	if found.URL == "" {
		return nil, fmt.Errorf("hearth dev does not run in %s; start it there, or name its URL with --url", p.Dir)
	}
	return found, nil
}

// watch follows changes until ctx ends.
func (s *server) watch(ctx context.Context) error {
	w, err := newWatcher()
	if err != nil {
		return err
	}
	defer w.fs.Close() //nolint:errcheck // nothing is left to watch
	if err := w.add(s.project.Dir); err != nil {
		return err
	}
	s.listInputs(ctx, w)
	fmt.Fprint(s.out, s.followed())
	for {
		changed, err := w.next(ctx)
		if err != nil {
			return err
		}
		if s.apply(ctx, changed) {
			s.listInputs(ctx, w)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// followed says what is followed when it is saved, and what is not.
func (s *server) followed() string {
	var b strings.Builder
	relative := func(dir string) string {
		if rel, err := filepath.Rel(s.project.Dir, dir); err == nil && filepath.IsLocal(rel) {
			return "./" + rel
		}
		return dir
	}
	var yes []string
	for _, dir := range s.engine.Sources() {
		if s.handlers[dir] != nil {
			yes = append(yes, relative(dir))
		}
	}
	switch {
	case s.Assembly != "":
		fmt.Fprintln(&b, "not followed: the infrastructure; the assembly was named with --assembly")
	case s.infra != nil:
		yes = append(yes, relative(s.project.GoProgram()))
	default:
		fmt.Fprintf(&b, "not followed: the infrastructure; %q is no Go program that is understood (go run DIR), so save cdk.json to synthesize again\n", s.project.App)
	}
	for _, f := range s.engine.State().Functions {
		if f.Source == "" {
			fmt.Fprintf(&b, "not followed: the function %s, which runs as deployed; name the folder of its Go program with --handler %s=DIR\n", f.Name, f.LogicalID)
		}
	}
	if len(yes) > 0 {
		fmt.Fprintf(&b, "followed when saved: %s, .env\n", strings.Join(yes, ", "))
	}
	return b.String()
}

// listInputs finds what the programs are built from and watches it.
func (s *server) listInputs(ctx context.Context, w *watcher) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	list := func(dir, tags string, keep func(*inputs)) {
		wg.Go(func() {
			in, err := listInputs(ctx, dir, tags)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				keep(in)
				err = w.add(in.folders()...)
			}
			if err != nil && ctx.Err() == nil {
				fmt.Fprintln(s.out, "hearth:", err)
			}
		})
	}
	for _, dir := range s.engine.Sources() {
		list(dir, local.BuildTags, func(in *inputs) { s.handlers[dir] = in })
	}
	if dir := s.project.GoProgram(); dir != "" && s.Assembly == "" {
		list(dir, "", func(in *inputs) { s.infra = in })
	}
	wg.Wait()
}

// apply does what changed files ask for. It reports whether what the programs are
// built from may have changed.
func (s *server) apply(ctx context.Context, changed []string) bool {
	var programs []string
	var names []string
	synth, env := false, false
	for _, path := range changed {
		hit := false
		for _, dir := range s.engine.Sources() {
			if s.handlers[dir].has(path) {
				hit = true
				if !slices.Contains(programs, dir) {
					programs = append(programs, dir)
				}
			}
		}
		if s.Assembly == "" && (s.infra.has(path) || path == filepath.Join(s.project.Dir, "cdk.json") || path == filepath.Join(s.project.Dir, "cdk.context.json")) {
			hit, synth = true, true
		}
		if s.isEnvFile(path) {
			hit, env = true, true
		}
		if hit {
			name := path
			if rel, err := filepath.Rel(s.project.Dir, path); err == nil {
				name = rel
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return false
	}
	slices.Sort(names)
	fmt.Fprintf(s.out, "\n%s changed\n", strings.Join(names, ", "))
	if len(programs) > 0 {
		started := time.Now()
		rebuilt, err := s.engine.Rebuild(ctx, programs...)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(s.out, "%v\n", err)
		}
		switch {
		case rebuilt != nil && len(rebuilt.Functions) > 0:
			fmt.Fprintf(s.out, "new code serves (%s): %s\n", seconds(started), strings.Join(rebuilt.Functions, ", "))
		case err == nil:
			fmt.Fprintf(s.out, "the program is the same (%s)\n", seconds(started))
		}
		if rebuilt != nil && rebuilt.Wiring && s.Assembly == "" {
			fmt.Fprintln(s.out, "the program serves something else than before")
			synth = true
		}
	}
	if env {
		if err := s.readEnv(); err != nil {
			fmt.Fprintln(s.out, err)
			return false
		}
		s.engine.SetEnv(s.Local.Env, s.Local.FunctionEnv)
	}
	if synth || env {
		s.reload(ctx, synth)
	}
	return true
}

// reload synthesizes, if asked to, and lets the engine read the assembly again.
func (s *server) reload(ctx context.Context, synth bool) {
	started := time.Now()
	if synth {
		p, err := readProject(s.project.Dir)
		if err == nil {
			s.project = p
			err = s.synth(ctx)
		}
		if err != nil {
			if ctx.Err() == nil {
				fmt.Fprintf(s.out, "%v\n", err)
			}
			return
		}
	}
	if err := s.engine.Reload(ctx); err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(s.out, "%v\n", err)
		}
		return
	}
	if err := s.note(); err != nil { // a synth may have emptied the folder
		fmt.Fprintln(s.out, err)
	}
	printState(s.out, s.engine.State(), seconds(started), false)
}

// parentPoll is how often a program that "go run" started looks after it.
const parentPoll = 300 * time.Millisecond

// withParent ends a context with "go run", which passes on Ctrl-C but dies alone
// of SIGTERM.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	self, err := os.Executable()
	if err != nil || !strings.Contains(self, "go-build") {
		return ctx, cancel
	}
	parent := os.Getppid()
	go func() {
		ticker := time.NewTicker(parentPoll)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if os.Getppid() != parent {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}
