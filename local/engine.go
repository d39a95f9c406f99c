package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/dynamodb"
	"github.com/lambdahearth/hearth/local/internal/faults"
	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
	"github.com/lambdahearth/hearth/local/internal/sqs"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// stopGrace is how long requests and batches in flight may still run when the engine
// stops.
const stopGrace = 500 * time.Millisecond

// Engine runs the app of a cloud assembly. [Start] makes it; it is safe for concurrent
// use.
//
// Each simulator's type says how it differs from AWS: [lambda.Function] and
// [lambda.Instance] for functions, [httpapi.API] for HTTP APIs, [httpapi.URLKind] for
// Function URLs, [Stream] for streamed responses, [websocket.API] for WebSocket APIs,
// [SQS] for queues, [dynamodb.Service] for tables, [scheduler.Service] for schedules. Two
// differences are common to all: there is no IAM, so everything may call everything; and
// Stop discards all data.
type Engine struct {
	opts    Options
	dir     string // paths in the assembly are relative to it
	work    string // a temporary folder for builds
	region  string // of the first stack, like account
	account string
	builder *builder

	database  *database
	queues    *sqs.Service
	sqs       *sqs.Server
	tables    *dynamodb.Service
	host      *lambda.Host
	scheduler *scheduler.Service
	history   *history.History
	faults    *faults.Set
	token     string // control API actions need it
	control   http.Handler
	started   time.Time
	sampling  chan struct{} // closed when Stop begins
	sampled   chan struct{} // closed when sampling has ended; nil before it starts

	changing sync.Mutex      // held while Rebuild or Reload runs
	checked  map[string]bool // programs whose build information was read

	retired    sync.WaitGroup  // mappings that no longer poll
	retiring   context.Context // ends the batches of retired mappings
	endRetired context.CancelFunc

	inspection inspection

	mu         sync.Mutex
	plan       *plan.Plan
	functions  map[string]*lambda.Function // by name
	mappings   map[string]*mapping         // by stack and logical id
	httpAPIs   map[string]*httpapi.API     // by API id
	webSockets map[string]*websocket.API
	listeners  map[string]*listener // of APIs that have a port of their own, and of the tables
	main       *listener
	stopped    bool
}

type mapping struct {
	*sqs.Mapping
	plan *plan.Mapping
}

// Start starts the app of a cloud assembly: it builds the programs, starts the
// provisioned instances and listens. A program that does not start is not an error: the
// engine logs it and tries again. ctx bounds only the start itself. The caller stops the
// engine.
func Start(ctx context.Context, opts Options) (_ *Engine, err error) {
	if opts.Assembly == "" {
		return nil, errors.New("start: Options.Assembly must be set")
	}
	e := &Engine{
		opts: opts, account: assembly.DefaultAccount, started: time.Now(), plan: &plan.Plan{At: &plan.Addresses{}},
		functions: map[string]*lambda.Function{}, mappings: map[string]*mapping{}, httpAPIs: map[string]*httpapi.API{},
		checked: map[string]bool{}, webSockets: map[string]*websocket.API{}, listeners: map[string]*listener{},
		history: history.New(), faults: faults.New(time.Now, uint64(time.Now().UnixNano())), token: newToken(), sampling: make(chan struct{}),
	}
	e.retiring, e.endRetired = context.WithCancel(context.Background())
	e.opts.Log = e.noted(opts.Log)
	e.control = e.newControl()
	if process.Supported != nil {
		return nil, fmt.Errorf("start: %w", process.Supported)
	}
	if err := e.faults.Replace(opts.Faults); err != nil {
		return nil, fmt.Errorf("start: Options.Faults: %w", err)
	}
	if left := append(process.Sweep(enginePrefix, lambda.EnvTaskRoot), process.Sweep(databasePrefix, "")...); len(left) > 0 {
		e.opts.logf("killed processes %v, which an engine that was killed had left", left)
	}
	defer func() {
		if err != nil {
			e.Stop()
		}
	}()
	if e.dir, err = filepath.Abs(opts.Dir); err == nil && opts.Dir == "" {
		if e.dir, err = filepath.Abs(opts.Assembly); err == nil {
			e.dir = filepath.Dir(e.dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if e.work, err = process.TempDir(enginePrefix); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	e.builder = &builder{root: e.work, debug: opts.Debug, cache: opts.Cache, built: map[string]*build{}, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if opts.Database == DatabaseAuto {
		app, err := e.load()
		if err != nil {
			return nil, err
		}
		opts.Database = autoDatabase(app)
	}
	if e.database, err = openDatabase(ctx, opts.Database); err != nil {
		return nil, err
	}
	if err = e.database.reachThrough(e.faults.DatabaseGone); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if err := e.readEnvironment(); err != nil {
		return nil, err
	}
	clk := opts.clock()
	e.queues = sqs.New(sqs.Options{Clock: clk, Region: e.region, Account: e.account, Log: e.opts.logf, Observer: recorder{e.history}})
	if e.sqs, err = sqs.Serve(e.queues, orAnyPort(opts.SQSAddr)); err != nil {
		return nil, err
	}
	e.tables = dynamodb.New(clk)
	e.host = &lambda.Host{Clock: clk, Concurrency: opts.Concurrency, Idle: opts.Idle, Freeze: opts.Freeze, Debug: opts.Debug, ColdStart: opts.ColdStart, Log: e.opts.logf, Observer: recorder{e.history}, Faults: e.faults}
	e.scheduler = scheduler.New(target{e, history.SourceSchedule}, clk, e.opts.logf)
	if e.main, err = listen(orAnyPort(opts.Addr), http.HandlerFunc(e.serve)); err != nil {
		return nil, err
	}
	if err := e.Reload(ctx); err != nil {
		return nil, err
	}
	e.sampled = make(chan struct{})
	go e.sample()
	return e, nil
}

// load reads the stacks of the assembly that the options select.
func (e *Engine) load() (*assembly.App, error) {
	app, err := assembly.Load(e.opts.Assembly, e.opts.Parameters)
	if err != nil {
		return nil, err
	}
	return app, app.Select(e.opts.Stacks)
}

// readEnvironment reads the app's region and account from its first stack.
func (e *Engine) readEnvironment() error {
	app, err := e.load()
	if err != nil {
		return err
	}
	e.region = assembly.DefaultRegion
	if len(app.Stacks) > 0 {
		e.region, e.account = app.Stacks[0].Region, app.Stacks[0].Account
	}
	return nil
}

// SetEnv replaces [Options.Env] and [Options.FunctionEnv]. It takes effect with the next
// Reload.
func (e *Engine) SetEnv(env map[string]string, functions map[string]map[string]string) {
	e.changing.Lock()
	defer e.changing.Unlock()
	e.opts.Env, e.opts.FunctionEnv = env, functions
}

// Reload reads the assembly again and changes the running app to match it. Queues keep
// their messages, tables their items, WebSocket APIs their connections, and unchanged
// functions their instances. On an error everything continues as before, except the parts
// that the error names.
func (e *Engine) Reload(ctx context.Context) error {
	e.changing.Lock()
	defer e.changing.Unlock()
	if e.isStopped() {
		return errStopped
	}
	p, opened, err := e.prepare()
	if err != nil {
		return err
	}
	programs, err := e.buildAll(ctx, p)
	if err == nil {
		e.database.makeDatabases(ctx, p.Databases, e.opts.logf)
	}
	if err == nil {
		err = e.defineQueues(p)
	}
	if err != nil {
		closeAll(opened)
		return err
	}
	e.warnOfLosses(p)
	if err := e.defineTables(p); err != nil {
		closeAll(opened)
		return err
	}
	e.mu.Lock()
	old := e.plan
	e.plan = p
	unused := e.adopt(p, opened)
	if l := e.listeners[tablesPort]; l != nil {
		l.serve() // programs may use their tables while they start
	}
	e.mu.Unlock()
	for _, warning := range p.Warnings {
		if !slices.Contains(old.Warnings, warning) {
			e.opts.logf("%s", warning)
		}
	}
	e.warnOfSDKs(p, programs)
	errs := []error{e.changeFunctions(ctx, p, programs), e.changeAPIs(p), e.changeMappings(p)}
	var schedules []scheduler.Schedule
	for _, s := range p.Schedules {
		schedules = append(schedules, s.Schedule)
	}
	errs = append(errs, e.scheduler.Configure(schedules))
	e.mu.Lock()
	e.main.serve()
	for _, l := range e.listeners {
		l.serve()
	}
	e.mu.Unlock()
	for _, q := range old.Queues {
		if !p.HasQueue(q.Definition.Name) {
			if queue := e.queues.Queue(q.Definition.Name); queue != nil {
				errs = append(errs, e.queues.DeleteQueue(queue))
			}
		}
	}
	e.dropTables(old, p)
	closeAll(unused)
	return errors.Join(errs...)
}

// prepare reads the assembly and makes a plan of it. It opens ports, but does not serve
// on them yet, and changes nothing in the engine.
func (e *Engine) prepare() (_ *plan.Plan, opened map[string]*listener, err error) {
	app, err := e.load()
	if err != nil {
		return nil, nil, err
	}
	if err := app.CheckNames(); err != nil {
		return nil, nil, err
	}
	addresses, opened, err := e.reserve(app)
	if err != nil {
		return nil, nil, err
	}
	o := &e.opts
	p, err := plan.Make(app, plan.Inputs{
		Region: e.region, Account: e.account, Dir: e.dir, Addresses: addresses, Database: e.database.at(), Unpack: e.builder.unpack,
		Debug: o.Debug, Programs: o.Programs, Handlers: o.Handlers, Env: o.Env, FunctionEnv: o.FunctionEnv, Environ: o.Environ, Issuers: o.Issuers, Parameters: o.Parameters,
	})
	if err != nil {
		closeAll(opened)
		return nil, nil, err
	}
	return p, opened, nil
}

var errStopped = errors.New("the engine has stopped")

func (e *Engine) isStopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopped
}

// announceBuild is the shortest build that gets a log line. An up-to-date program takes
// less.
const announceBuild = 100 * time.Millisecond

// buildAll builds the programs of all functions, each source once.
func (e *Engine) buildAll(ctx context.Context, p *plan.Plan) (map[string]*build, error) {
	builds := map[string]*build{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	started := map[string]bool{}
	for _, f := range p.Functions {
		key := f.Source.Key()
		if f.Source.Program != "" {
			key = f.Source.Program
		}
		if started[key] {
			continue
		}
		started[key] = true
		wg.Go(func() {
			began := time.Now()
			b, err := e.builder.last(ctx, f.Source)
			if took := time.Since(began); err == nil && f.Source.Dir != "" && took > announceBuild {
				e.opts.logf("built %s (%.1f s)", f.Source.Dir, took.Seconds())
			}
			if f.Source.Program != "" {
				b, err = &build{program: f.Source.Program}, nil
			}
			mu.Lock()
			defer mu.Unlock()
			builds[key] = b
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	byName := map[string]*build{}
	for _, f := range p.Functions {
		key := f.Source.Key()
		if f.Source.Program != "" {
			key = f.Source.Program
		}
		byName[f.Config.Name] = builds[key]
	}
	return byName, nil
}

// warnOfSDKs warns once of each program whose SDK would call AWS.
func (e *Engine) warnOfSDKs(p *plan.Plan, programs map[string]*build) {
	for _, f := range p.Functions {
		b := programs[f.Config.Name]
		if e.checked[b.program] {
			continue
		}
		e.checked[b.program] = true
		for _, why := range sdkWarnings(b.program, f.Config.Env) {
			e.opts.logf("%s: %s", f.Resource, why)
		}
	}
}

// warnOfLosses names the queues and tables whose messages and items the plan deletes, as
// CloudFormation does: it replaces a table whose keys change.
func (e *Engine) warnOfLosses(next *plan.Plan) {
	for _, q := range e.plan.Queues {
		name := q.Definition.Name
		queue := e.queues.Queue(name)
		if queue == nil || next.HasQueue(name) {
			continue
		}
		if c := queue.Counters(); c.Visible+c.InFlight+c.Delayed > 0 {
			e.opts.logf("queue %s is no longer in the app; its %d messages are deleted", name, c.Visible+c.InFlight+c.Delayed)
		}
	}
	for _, t := range e.plan.Tables {
		name := t.Definition.Name
		items := e.tables.Counters(name).Items
		i := slices.IndexFunc(next.Tables, func(t *plan.Table) bool { return t.Definition.Name == name })
		switch {
		case items == 0:
		case i < 0:
			e.opts.logf("table %s is no longer in the app; its %d items are deleted", name, items)
		case !slices.Equal(next.Tables[i].Definition.Keys, t.Definition.Keys):
			e.opts.logf("table %s has other keys, so it is a new table; its %d items are deleted", name, items)
		}
	}
}

func (e *Engine) defineQueues(p *plan.Plan) error {
	var definitions []sqs.Definition
	for _, q := range p.Queues {
		definitions = append(definitions, q.Definition)
	}
	return e.queues.Define(definitions)
}

// changeFunctions starts, updates and stops functions to match the plan.
func (e *Engine) changeFunctions(ctx context.Context, p *plan.Plan, programs map[string]*build) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	names := map[string]bool{}
	for _, f := range p.Functions {
		config := f.Config
		config.Program, config.Output = programs[config.Name].program, e.opts.Output
		e.addDestinations(&config, f)
		names[config.Name] = true
		existing := e.function(config.Name)
		if existing == nil {
			fn := lambda.NewFunction(e.host, config)
			e.mu.Lock()
			e.functions[config.Name] = fn
			e.mu.Unlock()
			wg.Go(func() { fn.Provision(ctx) }) //nolint:errcheck // it was logged, and is tried again
			continue
		}
		if sameConfig(existing.Config(), config) {
			continue
		}
		wg.Go(func() {
			if err := existing.Update(ctx, config); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: the new program or configuration does not start, the old one goes on: %w", config.Name, err))
			}
		})
	}
	wg.Wait()
	e.mu.Lock()
	var gone []*lambda.Function
	for name, fn := range e.functions {
		if !names[name] {
			gone = append(gone, fn)
			delete(e.functions, name)
		}
	}
	e.mu.Unlock()
	for _, fn := range gone {
		fn.Stop()
	}
	return errors.Join(errs...)
}

// sameConfig compares the settings whose change requires new instances.
func sameConfig(a, b lambda.Config) bool {
	a.Async, b.Async = lambda.Async{}, lambda.Async{}
	a.Output, b.Output = nil, nil
	return reflect.DeepEqual(a, b)
}

func (e *Engine) changeAPIs(p *plan.Plan) error {
	var errs []error
	e.mu.Lock()
	ids := map[string]bool{}
	for _, h := range p.HTTPAPIs {
		id := h.Config.ID
		ids[id] = true
		if e.httpAPIs[id] == nil {
			e.httpAPIs[id] = httpapi.New(invoker{e, history.SourceHTTP}, e.opts.logf)
		}
		errs = append(errs, e.httpAPIs[id].Configure(h.Config))
	}
	for _, w := range p.WebSockets {
		id := w.Config.ID
		ids[id] = true
		if e.webSockets[id] == nil {
			e.webSockets[id] = websocket.New(invoker{e, history.SourceWebSocket}, e.opts.clock(), e.opts.logf)
			e.webSockets[id].Observe(func(connection, kind string, text []byte) { e.history.Frame(id, connection, kind, text) })
		}
		e.webSockets[id].Configure(w.Config)
	}
	for id := range e.httpAPIs {
		if !ids[id] {
			delete(e.httpAPIs, id)
		}
	}
	var gone []*websocket.API
	for id, w := range e.webSockets {
		if !ids[id] {
			gone = append(gone, w)
			delete(e.webSockets, id)
		}
	}
	e.mu.Unlock()
	for _, w := range gone {
		w.Stop()
	}
	return errors.Join(errs...)
}

// Stop ends everything: it disconnects clients, kills processes with their children, and
// removes files. It first waits for a Reload or Rebuild in progress, and returns when
// everything has ended. It may be called more than once.
func (e *Engine) Stop() {
	e.changing.Lock()
	defer e.changing.Unlock()
	e.mu.Lock()
	if e.stopped {
		e.mu.Unlock()
		return
	}
	e.stopped = true
	close(e.sampling)
	var webSockets []*websocket.API
	for _, w := range e.webSockets {
		webSockets = append(webSockets, w)
	}
	mappings := map[string]*mapping{}
	for id, m := range e.mappings {
		mappings[id] = m
	}
	listeners := []*listener{}
	if e.main != nil {
		listeners = append(listeners, e.main)
	}
	for _, l := range e.listeners {
		listeners = append(listeners, l)
	}
	var functions []*lambda.Function
	for _, fn := range e.functions {
		functions = append(functions, fn)
	}
	e.mu.Unlock()

	var wg sync.WaitGroup
	if e.scheduler != nil {
		wg.Go(e.scheduler.Stop)
	}
	for id, m := range mappings {
		e.retireMapping(id, m)
	}
	wg.Go(func() {
		grace := time.AfterFunc(stopGrace, e.endRetired)
		e.retired.Wait()
		grace.Stop()
		e.endRetired()
	})
	for _, w := range webSockets {
		wg.Go(w.Stop)
	}
	wg.Wait()
	for _, l := range listeners {
		wg.Go(l.stop)
	}
	if e.sqs != nil {
		wg.Go(e.sqs.Stop)
	}
	for _, fn := range functions {
		wg.Go(fn.Stop)
	}
	wg.Wait()
	if e.sampled != nil {
		<-e.sampled
	}
	e.database.stop()
	if e.work != "" {
		os.RemoveAll(e.work)
	}
}
