// Package dev is the command hearth dev: it synthesizes an app, runs it on the local
// engine, and reloads it when a file changes.
package dev

import (
	"cmp"
	"context"
	"crypto/sha256"
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

// DefaultPort is the default port of hearth dev.
const DefaultPort = 3000

// stateFile returns the path of the file from which other commands find a running hearth
// dev. It lies in the assembly's folder; each process has its own file.
func stateFile(folder string, pid int) string {
	return filepath.Join(folder, fmt.Sprintf("hearth-dev-%d.json", pid))
}

// Options are the options of [Run].
type Options struct {
	// Local has the options of the engine. Run sets its addresses, folders and variables
	// from the fields below and the project.
	Local local.Options
	// Dir is the folder of cdk.json.
	Dir string
	// Assembly is a cloud assembly to run instead of synthesizing the app; "" is none.
	Assembly string
	// Port is the port of the engine on loopback, 0 to 65535; 0 picks a free port.
	Port int
	// Env has the values of --env, in the syntax of .env lines.
	Env []string
	// RawLogs prints the log records of the programs unchanged.
	RawLogs bool
	// NoWatch turns off reloading when a file changes.
	NoWatch bool
}

// server is the state of one run of hearth dev.
type server struct {
	Options
	project *project.Project
	out     *terminal.Terminal
	engine  *local.Engine

	infra    *inputs
	handlers map[string]*inputs           // by the program's folder
	contents map[string][sha256.Size]byte // of followed files that were saved
	rewired  bool                         // a program serves something else than at the last synth
}

// Run runs the command. It returns when ctx ends, or when the app cannot start.
func Run(ctx context.Context, opts Options, stdout io.Writer) error {
	s := &server{Options: opts, out: terminal.New(stdout), handlers: map[string]*inputs{}, contents: map[string][sha256.Size]byte{}}
	if opts.Port < 0 || opts.Port > 65535 {
		return fmt.Errorf("dev: --port must be 0 to 65535, got %d", opts.Port)
	}
	s.Local.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port))
	s.Local.Environ = os.Environ()
	s.Local.Clock = local.NewShiftedClock() // the page shifts it
	s.Local.Cache = cacheDir()
	s.Local.Output = newLogWriter(s.out, opts.RawLogs)
	s.Local.Log = func(line string) { fmt.Fprintln(s.out, "hearth:", line) }

	var err error
	if s.project, err = readProject(opts.Dir); err != nil {
		if opts.Assembly == "" {
			return fmt.Errorf("dev: %w", err)
		}
		abs, _ := filepath.Abs(opts.Dir) // Abs fails only without a working folder
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

// cacheDir returns the folder that caches built programs; "" is none.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "hearth")
}

// readProject reads a project and sets the cache for its compiled app.
func readProject(dir string) (*project.Project, error) {
	p, err := project.Read(dir)
	if err == nil {
		p.Cache = cacheDir()
	}
	return p, err
}

// envFile is the file of variables in the project's folder. A file such as .env.NAME sets
// variables of one function only; NAME is its logical id or name.
const envFile = ".env"

// isEnvFile reports whether a file is .env or .env.NAME in the project's folder.
func (s *server) isEnvFile(path string) bool {
	name := filepath.Base(path)
	return filepath.Dir(path) == s.Local.Dir && (name == envFile || strings.HasPrefix(name, envFile+"."))
}

// isAppFile reports whether a file has settings of the app's synthesis.
func (s *server) isAppFile(path string) bool {
	return path == filepath.Join(s.Local.Dir, "cdk.json") || path == filepath.Join(s.Local.Dir, "cdk.context.json")
}

// name returns the name of a file for users.
func (s *server) name(path string) string {
	if rel, err := filepath.Rel(s.Local.Dir, path); err == nil {
		return rel
	}
	return path
}

// readEnv reads .env, .env.NAME and --env, and takes the database's URL from them.
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
			fmt.Fprintln(s.out, "hearth:", err) // the file may belong to another program
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
		// RDS Proxy supports only these databases. The programs connect to any other
		// database themselves.
		if scheme, _, _ := strings.Cut(url, "://"); s.Local.Database == local.DatabaseAuto && slices.Contains([]string{"postgres", "postgresql", "mysql"}, scheme) {
			s.Local.Database = url
		}
	}
	return nil
}

func (s *server) run(ctx context.Context) error {
	if err := s.checkPorts(); err != nil {
		return err
	}
	started := time.Now()
	for err := s.start(ctx); err != nil; err = s.start(ctx) {
		if s.NoWatch || ctx.Err() != nil || !s.canMend(err) {
			return quiet(ctx, err)
		}
		if err := s.awaitSave(ctx, err, started); err != nil {
			return quiet(ctx, err)
		}
		started = time.Now()
	}
	defer func() {
		stopping := time.Now()
		s.engine.Stop()
		fmt.Fprintf(s.out, "stopped (%s)\n", seconds(stopping))
	}()
	if err := s.note(); err != nil {
		fmt.Fprintf(s.out, "hearth: %v; hearth send and other commands for this app need --url %s\n", err, s.engine.URL())
	}
	defer os.Remove(stateFile(s.Local.Assembly, os.Getpid())) //nolint:errcheck // a synth may have emptied the folder
	printState(s.out, s.engine.State(), seconds(started), true)
	if s.NoWatch {
		<-ctx.Done()
		return nil
	}
	return quiet(ctx, s.watch(ctx, started))
}

// checkPorts reports a port that is in use, or that is given twice, before the synthesis,
// which may take minutes.
func (s *server) checkPorts() error {
	flags := map[string]string{} // by port
	for _, p := range []struct{ flag, addr string }{
		{"--port", s.Local.Addr}, {"--sqs-port", s.Local.SQSAddr}, {"--dynamodb-port", s.Local.DynamoDBAddr}, {"--api-port", s.Local.APIAddr},
	} {
		_, port, err := net.SplitHostPort(p.addr)
		if err != nil || port == "0" {
			continue
		}
		if other := flags[port]; other != "" {
			return fmt.Errorf("dev: %s must be another port than %s, got %s for both", p.flag, other, port)
		}
		flags[port] = p.flag
		l, err := net.Listen("tcp", p.addr)
		if err != nil {
			return fmt.Errorf("dev: %w; stop what serves there, or choose another port with %s", err, p.flag)
		}
		l.Close() //nolint:errcheck // only whether it is free counts
	}
	return nil
}

// quiet returns nil for the error that comes from the end of ctx, such as after Ctrl-C.
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

// check prints the findings of hearth check for the synthesized app. The app runs anyway.
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

// note writes the state file, with the URL of this run and the token for actions. Only this
// user can read it.
func (s *server) note() error {
	data, err := json.Marshal(Running{URL: s.engine.URL(), Token: s.engine.Token(), PID: os.Getpid(), Started: s.engine.State().Started})
	if err != nil {
		return err
	}
	return os.WriteFile(stateFile(s.Local.Assembly, os.Getpid()), data, 0o600)
}

// Running describes a running hearth dev.
type Running struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"` // the value of the header X-Hearth for actions
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// Find returns the hearth dev that runs the app, or the assembly, in a folder. If there
// are several, it returns the one that started last.
func Find(dir string) (*Running, error) {
	outputs := []string{dir, filepath.Join(dir, "cdk.out")}
	p, unread := project.Read(dir)
	if unread == nil {
		outputs = append(outputs, p.Output)
	}
	var notes []string
	for _, output := range outputs {
		found, _ := filepath.Glob(filepath.Join(output, "hearth-dev-*.json")) // an invalid pattern finds none
		notes = append(notes, found...)
	}
	found := &Running{}
	for _, path := range notes {
		var note Running
		data, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(data, &note) != nil || note.URL == "" || !process.Alive(note.PID) {
			continue // a killed process left the file
		}
		if note.Started.After(found.Started) {
			found = &note
		}
	}
	if found.URL == "" && unread != nil {
		return nil, unread
	}
	if found.URL == "" {
		return nil, fmt.Errorf("hearth dev does not run in %s; start it there, or name its URL with --url", p.Dir)
	}
	return found, nil
}

// watch applies file changes until ctx ends: those since a time before the synthesis, for
// the programs may have been compiled without them.
func (s *server) watch(ctx context.Context, since time.Time) error {
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
	interrupted := 0 // times in a row
	for changed := w.modified(since); ; {
		quiet := time.Duration(0)
		if interrupted >= maxInterrupts {
			quiet = quietAfterInterrupts
		}
		done, err := s.applyUntilNext(ctx, w, changed, quiet)
		if err != nil {
			return err
		}
		interrupted++
		if done {
			changed, interrupted = nil, 0
		}
		more, err := w.next(ctx)
		if err != nil {
			return err
		}
		changed = append(changed, more...)
	}
}

// An app may itself write files that are followed, such as generated code. After
// maxInterrupts in a row, nothing is interrupted for a while.
const (
	maxInterrupts        = 3
	quietAfterInterrupts = 10 * time.Second
)

// applyUntilNext applies changes, until the next ones come after quiet. done says that
// nothing is left to apply of them.
func (s *server) applyUntilNext(ctx context.Context, w *watcher, paths []string, quiet time.Duration) (done bool, err error) {
	c := s.classify(paths)
	if len(c.names) == 0 {
		return true, nil
	}
	for _, path := range c.paths {
		s.unchanged(path)
	}
	step, interrupt := context.WithCancel(ctx)
	defer interrupt()
	applied := make(chan struct{})
	go func() {
		defer close(applied)
		s.apply(step, c)
	}()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go func() {
		<-applied
		stopWatching()
	}()
	err = w.wait(watching, quiet, func(path string) bool {
		if len(s.classify([]string{path}).names) == 0 {
			return false
		}
		if s.unchanged(path) { // written again, perhaps by the app itself
			delete(w.changed, path)
			return false
		}
		return true
	})
	interrupted := err == nil
	interrupt()
	<-applied
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil && watching.Err() == nil {
		return false, err
	}
	s.listInputs(ctx, w)
	return !interrupted, nil
}

// followed lists the watched files, and the programs that are not watched.
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

// listInputs finds the source folders of the programs and watches them.
func (s *server) listInputs(ctx context.Context, w *watcher) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	list := func(dir, tags string, keep func(*inputs)) {
		wg.Go(func() {
			in, err := listInputs(ctx, dir, tags, ".")
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

// unchanged reports whether a file has the content that it had when this was last asked.
func (s *server) unchanged(path string) bool {
	data, _ := os.ReadFile(path) // a removed file has no content
	now := sha256.Sum256(data)
	before, known := s.contents[path]
	s.contents[path] = now
	return known && before == now
}

// changes are changed files, by what they are inputs of.
type changes struct {
	programs   []string // folders
	synth, env bool
	paths      []string // of the files
	names      []string // for users
}

// classify finds the files that matter.
func (s *server) classify(paths []string) changes {
	var c changes
	for _, path := range paths {
		hit := false
		for _, dir := range s.engine.Sources() {
			if s.handlers[dir].has(path) {
				hit = true
				if !slices.Contains(c.programs, dir) {
					c.programs = append(c.programs, dir)
				}
			}
		}
		if s.Assembly == "" && (s.infra.has(path) || s.isAppFile(path)) {
			hit, c.synth = true, true
		}
		if s.isEnvFile(path) {
			hit, c.env = true, true
		}
		if hit {
			c.paths, c.names = append(c.paths, path), append(c.names, s.name(path))
		}
	}
	slices.Sort(c.names)
	c.names = slices.Compact(c.names)
	return c
}

// apply rebuilds or reloads after file changes, until ctx ends.
func (s *server) apply(ctx context.Context, c changes) {
	fmt.Fprintf(s.out, "\n%s changed\n", strings.Join(c.names, ", "))
	if len(c.programs) > 0 {
		started := time.Now()
		rebuilt, err := s.engine.Rebuild(ctx, c.programs...)
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
			s.rewired = true
		}
	}
	if c.env {
		if err := s.readEnv(); err != nil {
			fmt.Fprintln(s.out, err)
			c.env = false // the old variables stay
		} else {
			s.engine.SetEnv(s.Local.Env, s.Local.FunctionEnv)
		}
	}
	if synth := c.synth || s.rewired; (synth || c.env) && ctx.Err() == nil {
		s.reload(ctx, synth)
		s.rewired = s.rewired && ctx.Err() != nil
	}
}

// reload synthesizes the app if synth is true, and lets the engine read the assembly again.
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

// parentPoll is the interval at which a program started by "go run" checks that its parent
// is alive.
const parentPoll = 300 * time.Millisecond

// withParent returns a context that ends when "go run" ends. "go run" passes on Ctrl-C, but
// not SIGTERM.
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
