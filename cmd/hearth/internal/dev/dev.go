package dev

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
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

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local"
)

// DefaultPort is where hearth dev serves.
const DefaultPort = 3000

// stateFile is where a running hearth dev is noted, in the assembly's folder, so that
// other commands find it. Each has its own, by the id of its process.
func stateFile(folder string, pid int) string {
	return filepath.Join(folder, fmt.Sprintf("hearth-dev-%d.json", pid))
}

// server is one run of hearth dev.
type server struct {
	options  local.Options
	project  *project
	envFlags []string
	noSynth  bool
	noWatch  bool
	out      io.Writer
	engine   *local.Engine

	infra    *inputs
	handlers map[string]*inputs // by the program's folder
}

// Run is the command: it returns when ctx ends, or when the app cannot be started.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := &server{out: NewTerminal(stdout), handlers: map[string]*inputs{}}
	flags := flag.NewFlagSet("dev", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	port := flags.Int("port", DefaultPort, "")
	dir := flags.String("dir", ".", "")
	assembly := flags.String("assembly", "", "")
	rawLogs := flags.Bool("json", false, "")
	flags.StringVar(&s.options.Database, "database", local.DatabaseAuto, "")
	flags.BoolVar(&s.options.Debug, "debug", false, "")
	flags.BoolVar(&s.options.Freeze, "freeze", false, "")
	flags.DurationVar(&s.options.ColdStart, "cold-start", 0, "")
	flags.IntVar(&s.options.Concurrency, "concurrency", 0, "")
	flags.BoolVar(&s.noWatch, "no-watch", false, "")
	flags.Func("env", "", func(text string) error { s.envFlags = append(s.envFlags, text); return nil })
	flags.Func("stack", "", func(name string) error { s.options.Stacks = append(s.options.Stacks, name); return nil })
	s.options.Issuers = map[string]local.Issuer{}
	for name, addr := range map[string]*string{"sqs-port": &s.options.SQSAddr, "dynamodb-port": &s.options.DynamoDBAddr, "api-port": &s.options.APIAddr} {
		flags.Func(name, "", func(text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > 65535 {
				return errors.New("must be 0 to 65535")
			}
			*addr = net.JoinHostPort("127.0.0.1", text)
			return nil
		})
	}
	flags.Func("issuer", "", func(text string) error {
		id, rest, ok := strings.Cut(text, "=")
		parts := strings.Split(rest, ",")
		if !ok || id == "" || len(parts) < 2 || parts[0] == "" {
			return errors.New("must be LOGICAL_ID=URL,AUDIENCE")
		}
		s.options.Issuers[id] = local.Issuer{Issuer: parts[0], Audience: parts[1:]}
		return nil
	})
	flags.Func("host", "", func(name string) error { s.options.Hosts = append(s.options.Hosts, name); return nil })
	s.options.Handlers = map[string]string{}
	flags.Func("handler", "", func(text string) error {
		id, folder, ok := strings.Cut(text, "=")
		if !ok || id == "" || folder == "" {
			return errors.New("must be LOGICAL_ID=DIR")
		}
		s.options.Handlers[id] = folder
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("dev: %w; see hearth dev --help", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("dev takes no arguments, got %q; see hearth dev --help", flags.Arg(0))
	}
	if *port < 0 || *port > 65535 {
		return fmt.Errorf("dev: --port must be 0 to 65535, got %d", *port)
	}
	s.options.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(*port))
	s.options.Environ = os.Environ()
	s.options.Clock = local.NewShiftedClock() // the page moves it
	if cache, err := os.UserCacheDir(); err == nil {
		s.options.Cache = filepath.Join(cache, "hearth")
	}
	s.options.Output = newLogWriter(s.out, *rawLogs)
	s.options.Log = func(line string) { fmt.Fprintln(s.out, "hearth:", line) }

	var err error
	if s.project, err = readProject(*dir); err != nil {
		if *assembly == "" {
			return fmt.Errorf("dev: %w", err)
		}
		abs, _ := filepath.Abs(*dir) // it fails only where there is no working folder
		s.project = &project{dir: abs}
	}
	s.options.Dir, s.options.Assembly = s.project.dir, s.project.output
	if *assembly != "" {
		s.noSynth, s.options.Assembly = true, *assembly
	}
	if err := s.readEnv(); err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	ctx, cancel := withParent(ctx)
	defer cancel()
	return s.run(ctx, stderr)
}

// readEnv reads .env and --env, and takes the database from them.
func (s *server) readEnv() error {
	env := &Env{values: map[string]string{}}
	if err := env.readEnvFile(filepath.Join(s.project.dir, ".env")); err != nil {
		return err
	}
	for _, text := range s.envFlags {
		if err := env.add(text); err != nil {
			return fmt.Errorf("--env: %w", err)
		}
	}
	s.options.Env = env.values
	if s.options.Database == "none" {
		s.options.Database = ""
		return nil
	}
	for _, url := range []string{env.values["DATABASE_URL"], os.Getenv("DATABASE_URL")} {
		// One that no RDS Proxy can lead to is the programs' own affair.
		if scheme, _, _ := strings.Cut(url, "://"); s.options.Database == local.DatabaseAuto && slices.Contains([]string{"postgres", "postgresql", "mysql"}, scheme) {
			s.options.Database = url
		}
	}
	return nil
}

func (s *server) run(ctx context.Context, stderr io.Writer) (err error) {
	started := time.Now()
	if err := checkPort(s.options.Addr); err != nil {
		return err
	}
	if !s.noSynth {
		if err := s.synth(ctx); err != nil {
			return quiet(ctx, err)
		}
	}
	fmt.Fprintln(s.out, "building the handlers and starting")
	if s.engine, err = local.Start(ctx, s.options); err != nil {
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
	defer os.Remove(stateFile(s.options.Assembly, os.Getpid())) //nolint:errcheck // a synth may have emptied the folder
	printState(s.out, s.engine.State(), seconds(started), true)
	if s.noWatch {
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
	started := time.Now()
	fmt.Fprintf(s.out, "synthesizing with %q\n", s.project.app)
	if err := s.project.synth(ctx, s.out); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "synthesized (%s)\n", seconds(started))
	return nil
}

// note writes where this run serves, and the token for actions, for this user alone.
func (s *server) note() error {
	data, err := json.Marshal(Running{URL: s.engine.URL(), Token: s.engine.Token(), PID: os.Getpid(), Started: s.engine.State().Started})
	if err != nil {
		return err
	}
	return os.WriteFile(stateFile(s.options.Assembly, os.Getpid()), data, 0o600)
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
	p, err := readProject(dir)
	if err != nil {
		return nil, err
	}
	notes, _ := filepath.Glob(filepath.Join(p.output, "hearth-dev-*.json")) // a bad pattern finds none
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
		return nil, fmt.Errorf("hearth dev does not run in %s; start it there, or name its URL with --url", p.dir)
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
	if err := w.add(s.project.dir); err != nil {
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
		if rel, err := filepath.Rel(s.project.dir, dir); err == nil && filepath.IsLocal(rel) {
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
	case s.noSynth:
		fmt.Fprintln(&b, "not followed: the infrastructure; the assembly was named with --assembly")
	case s.infra != nil:
		yes = append(yes, relative(s.project.goProgram()))
	default:
		fmt.Fprintf(&b, "not followed: the infrastructure; %q is no Go program that is understood (go run DIR), so save cdk.json to synthesize again\n", s.project.app)
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
	if dir := s.project.goProgram(); dir != "" && !s.noSynth {
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
		if !s.noSynth && (s.infra.has(path) || path == filepath.Join(s.project.dir, "cdk.json") || path == filepath.Join(s.project.dir, "cdk.context.json")) {
			hit, synth = true, true
		}
		if path == filepath.Join(s.project.dir, ".env") {
			hit, env = true, true
		}
		if hit {
			name := path
			if rel, err := filepath.Rel(s.project.dir, path); err == nil {
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
		if rebuilt != nil && rebuilt.Wiring && !s.noSynth {
			fmt.Fprintln(s.out, "the program serves something else than before")
			synth = true
		}
	}
	if env {
		if err := s.readEnv(); err != nil {
			fmt.Fprintln(s.out, err)
			return false
		}
		s.engine.SetEnv(s.options.Env)
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
		p, err := readProject(s.project.dir)
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
