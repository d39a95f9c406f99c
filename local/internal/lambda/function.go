package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

const (
	// Latest is the version that changes, which an invocation without a qualifier
	// runs.
	Latest = "$LATEST"

	// DefaultConcurrency is how many invocations all functions together may
	// handle at once. An AWS account begins with 1,000, for which a laptop has no
	// room.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	DefaultConcurrency = 100

	// DefaultIdle is after which time an instance that has nothing to do is
	// retired. Lambda does not say when it does.
	DefaultIdle = 10 * time.Minute

	// provisionPause is how long to wait before a provisioned instance that did
	// not start is started again; it doubles up to provisionMaxPause.
	provisionPause    = time.Second
	provisionMaxPause = time.Minute
)

// Host is what all functions of an engine share.
type Host struct {
	// Clock measures idle times and pauses between tries. Nil means the machine's.
	Clock clock.Clock
	// Concurrency is the account's concurrency. 0 means [DefaultConcurrency].
	Concurrency int
	// Idle is when idle instances are retired. 0 means [DefaultIdle].
	Idle time.Duration
	// Freeze and ColdStart are those of [Options].
	Freeze    bool
	ColdStart time.Duration
	// Debug names the process of each instance in the log, and lifts the limit of the
	// init phase.
	Debug bool
	// Log gets a line for what users should know of. Nil discards it.
	Log func(format string, args ...any)
	// Observer is told what happens. Nil is nobody.
	Observer Observer
	// Faults are what goes wrong on purpose. Nil is nothing.
	Faults Faults

	serial atomic.Int64 // the id of the instance that was made last

	mu       sync.Mutex
	reserved int // of all functions together
	busy     int // unreserved executions
}

// Config is how a function is set up.
type Config struct {
	// Name is the function's name, Program the path of its program.
	Name, Program string
	// Region and Account are where it is.
	Region, Account string
	// Env, MemoryMB and Timeout are those of [Options].
	Env      map[string]string
	MemoryMB int
	Timeout  time.Duration
	// PerInstance is how many invocations an instance handles at the same time, as on
	// Lambda Managed Instances; 0 means one.
	PerInstance int
	// Handler, LogGroup, LogFormat and LogLevel are those of [Options].
	Handler, LogGroup, LogFormat, LogLevel string
	// Reserved is the reserved concurrency; nil means none, 0 stops the function.
	Reserved *int
	// Aliases are versions by alias.
	Aliases map[string]string
	// Provisioned is the provisioned concurrency by version. Aliases of one
	// version share its instances.
	Provisioned map[string]int
	// Async says what becomes of asynchronous invocations that fail.
	Async Async
	// Output gets what the instances write. Nil discards it.
	Output io.Writer
}

// ThrottleError is a TooManyRequestsException: an invocation found no instance and
// none may be started.
type ThrottleError struct {
	// Reason is what AWS calls it, such as
	// "ReservedFunctionConcurrentInvocationLimitExceeded".
	Reason string

	first bool // since the last line about throttles
}

// Error implements error.
func (e *ThrottleError) Error() string { return "TooManyRequestsException: Rate Exceeded. " + e.Reason }

// Throttled tells a throttled invocation from one that failed.
func (e *ThrottleError) Throttled() bool { return true }

// ErrNoQualifier says that a function has no such version or alias.
var ErrNoQualifier = errors.New("ResourceNotFoundException: the function has no such version or alias")

// Function is a Lambda function: it starts instances as invocations need them.
//
// As in AWS, an invocation through an alias goes to a provisioned instance of its
// version if one is free, else to an idle one, else to a new one, which it waits
// for; and reserved concurrency, or else the account's, bounds all of them. It
// differs in that concurrency may grow at any speed (AWS adds 1,000 instances every
// 10 seconds), aliases do not split traffic, a version is always made from the
// present program and configuration, and scaling policies of provisioned
// concurrency do not run: the template's initial number stays.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html (2026-11)
type Function struct {
	host *Host
	name string

	updating sync.Mutex // held while an update runs

	mu       sync.Mutex
	config   *Config
	epoch    int // grows when the program or configuration changes
	set      map[*environ]bool
	busy     int // on-demand executions
	all      int // executions
	counters Counters
	silent   *int          // throttles since the last line about them; nil if that is long ago
	wake     chan struct{} // tells the janitor that something is idle
	stopped  bool

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// environ is an instance and what the function knows of it.
type environ struct {
	id          int
	instance    *Instance // nil until it has started
	config      *Config
	version     string
	epoch       int
	provisioned bool
	active      int  // invocations that it handles now
	gone        bool // an invocation found that its process has ended
	idleSince   time.Time
	started     time.Time
	invocations int
	pause       time.Duration // before it was started, because one before it had ended early
	account     int           // invocations that it handles with the account's concurrency
	killed      string        // why the user or a fault has ended it, "" for neither
}

// newEnviron makes an instance that has yet to start.
func (h *Host) newEnviron(config *Config, version string, epoch int) *environ {
	return &environ{id: int(h.serial.Add(1)), config: config, version: version, epoch: epoch}
}

// NewFunction makes a function; [Function.Provision] starts its provisioned
// instances. The caller stops it.
func NewFunction(host *Host, config Config) *Function {
	if host.Clock == nil {
		host.Clock = clock.Real{}
	}
	f := &Function{host: host, name: config.Name, config: &config, set: map[*environ]bool{}, wake: make(chan struct{}, 1)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	host.reserve(config.Reserved, +1)
	f.tasks.Go(f.retire)
	return f
}

func (h *Host) reserve(n *int, sign int) {
	if n != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.reserved += sign * *n
	}
}

func (h *Host) logf(format string, args ...any) {
	if h.Log != nil {
		h.Log(format, args...)
	}
}

// take takes one of the account's unreserved executions.
func (h *Host) take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	limit := h.Concurrency
	if limit == 0 {
		limit = DefaultConcurrency
	}
	if h.busy >= limit-h.reserved && h.busy >= 1 { // one is always possible
		return false
	}
	h.busy++
	return true
}

func (h *Host) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy--
}

// Config returns how the function is set up. It must not be changed.
func (f *Function) Config() Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.config
}

// ARN returns the function's ARN with a qualifier, or without one for "".
func (f *Function) ARN(qualifier string) string {
	c := f.Config()
	arn := "arn:aws:lambda:" + c.Region + ":" + c.Account + ":function:" + c.Name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// Invoke invokes a version or alias, "" for [Latest], and waits for the response.
// It fails with a [*ThrottleError], a [*FunctionError], or ctx's cause when that
// ends first; the invocation then goes on without a caller.
func (f *Function) Invoke(ctx context.Context, qualifier string, event Invocation) ([]byte, error) {
	if event.ARN == "" {
		event.ARN = f.ARN(qualifier)
	}
	if event.RequestID == "" {
		event.RequestID = NewRequestID()
	}
	watch := f.arrived(&event)
	for {
		env, onDemand, err := f.acquire(qualifier)
		if err != nil {
			watch.Ended(nil, err)
			return nil, err
		}
		watch.Acquired(env.id, env.use(onDemand))
		type result struct {
			response []byte
			err      error
		}
		done := make(chan result, 1)
		go func() {
			defer f.tasks.Done()
			response, err := f.run(env, onDemand, event, watch)
			done <- result{response, err}
		}()
		select {
		case r := <-done:
			if errors.Is(r.err, ErrStopped) && f.ctx.Err() == nil {
				continue // it ended while it was idle, and has not seen the event
			}
			return r.response, r.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// run handles an event on an instance, which it starts if need be.
func (f *Function) run(env *environ, onDemand bool, event Invocation, watch Watch) ([]byte, error) {
	var err error
	if env.instance == nil {
		err = f.launch(env)
	}
	var response []byte
	if err == nil {
		watch.Running()
		f.inject(env)
		response, err = env.instance.Do(f.ctx, event)
	}
	if f.ctx.Err() != nil {
		err = ErrStopped
	}
	if errors.Is(err, ErrStopped) && f.ctx.Err() == nil {
		watch.Lost()
	} else {
		watch.Ended(response, err)
	}
	f.release(env, onDemand, err)
	if env.instance != nil {
		f.report(event.RequestID, err)
	}
	return response, err
}

// acquire finds an instance for an invocation, or makes room for a new one. The
// caller gives it back with release, and then ends the task that acquire began.
func (f *Function) acquire(qualifier string) (env *environ, onDemand bool, err error) {
	env, onDemand, err = f.find(qualifier)
	var throttle *ThrottleError
	if errors.As(err, &throttle) && throttle.first {
		f.host.logf("%s: throttled: Rate Exceeded. %s", f.Config().Name, throttle.Reason)
	}
	return env, onDemand, err
}

func (f *Function) find(qualifier string) (env *environ, onDemand bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return nil, false, ErrStopped
	}
	version := qualifier
	if v, ok := f.config.Aliases[qualifier]; ok {
		version = v
	}
	if version == "" {
		version = Latest
	}
	if version != Latest && f.config.Provisioned[version] == 0 && !f.hasVersion(version) {
		return nil, false, fmt.Errorf("%w: %q", ErrNoQualifier, qualifier)
	}
	if f.config.Reserved != nil && *f.config.Reserved == 0 || f.host.Faults != nil && f.host.Faults.Throttle(f.config.Name) {
		return nil, false, f.throttled(throttleReserved)
	}
	var idle *environ
	for e := range f.set {
		if e.active >= max(e.config.PerInstance, 1) || e.gone || e.instance == nil || e.version != version || e.epoch != f.epoch {
			continue
		}
		if idle == nil || e.before(idle) {
			idle = e
		}
	}
	if idle == nil || !idle.provisioned {
		if reason := f.room(); reason != "" {
			return nil, false, f.throttled(reason)
		}
		f.busy++
		onDemand = true
		if f.config.Provisioned[version] > 0 {
			f.counters.Spillover++
		}
	} else {
		f.counters.Provisioned++
	}
	if idle == nil {
		idle = f.host.newEnviron(f.config, version, f.epoch)
		f.set[idle] = true
	}
	if onDemand && f.config.Reserved == nil {
		idle.account++
	}
	f.tasks.Add(1)
	idle.active++
	idle.invocations++
	f.all++
	f.counters.Invocations++
	f.counters.MaxConcurrent = max(f.counters.MaxConcurrent, f.all)
	return idle, onDemand, nil
}

// before reports whether an instance takes an invocation rather than another one:
// provisioned ones first, those with less to do, and the one used last, so that the
// others retire.
func (env *environ) before(other *environ) bool {
	switch {
	case env.provisioned != other.provisioned:
		return env.provisioned
	case env.active != other.active:
		return env.active < other.active
	}
	return env.idleSince.After(other.idleSince)
}

// hasVersion reports whether an alias, or nothing at all, names a version: a
// function without aliases has whichever version is asked for.
func (f *Function) hasVersion(version string) bool {
	if len(f.config.Aliases) == 0 {
		return strings.Trim(version, "0123456789") == ""
	}
	for _, v := range f.config.Aliases {
		if v == version {
			return true
		}
	}
	return false
}

// room takes one of the on-demand executions that the function may have: what is
// reserved for it less what is provisioned, or a part of the account's. It returns ""
// or the reason why there is none.
func (f *Function) room() (throttle string) {
	if f.config.Reserved == nil {
		if !f.host.take() {
			return throttleAccount
		}
		return ""
	}
	if f.busy >= *f.config.Reserved-f.provisioned() {
		return throttleReserved
	}
	return ""
}

// What AWS calls the reasons of throttles.
const (
	throttleAccount  = "ConcurrentInvocationLimitExceeded"
	throttleReserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
)

func (f *Function) provisioned() int {
	n := 0
	for _, p := range f.config.Provisioned {
		n += p
	}
	return n
}

// release takes an instance back after an invocation that ended with err.
func (f *Function) release(env *environ, onDemand bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	env.idleSince = f.host.Clock.Now()
	f.all--
	env.active--
	if onDemand {
		f.busy--
		if env.account > 0 {
			env.account--
			f.host.give()
		}
	}
	var failure *FunctionError
	if errors.Is(err, ErrStopped) {
		// The event is tried again elsewhere.
		env.gone = true
		f.counters.Invocations--
		if !onDemand {
			f.counters.Provisioned--
		} else if env.config.Provisioned[env.version] > 0 {
			f.counters.Spillover--
		}
		if f.stopped {
			f.discard(env, EndStopped)
		}
		return
	}
	if errors.As(err, &failure) {
		f.counters.Errors++
		if failure.Type == "Sandbox.Timedout" {
			f.counters.Timeouts++
		}
	}
	if env.active > 0 {
		return
	}
	if env.instance == nil || env.epoch != f.epoch || f.stopped {
		f.discard(env, EndReplaced)
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// discard forgets an instance and stops it in the background. f.mu is held.
func (f *Function) discard(env *environ, why string) {
	delete(f.set, env)
	if env.instance != nil {
		f.tasks.Go(env.instance.Stop)
		if env.killed != "" {
			why = env.killed
		}
		f.tell(env, Ended, why)
	}
}

// Stop ends all instances and waits until they are gone.
func (f *Function) Stop() {
	f.mu.Lock()
	if !f.stopped {
		f.stopped = true
		f.host.reserve(f.config.Reserved, -1)
		f.cancel()
		for env := range f.set {
			f.discard(env, EndStopped)
		}
	}
	f.mu.Unlock()
	f.tasks.Wait()
}
