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
	// Latest is the mutable version, which an invocation without a qualifier runs.
	Latest = "$LATEST"

	// DefaultConcurrency is how many invocations all functions together may handle at
	// once. An AWS account begins with 1,000, too many for a laptop.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	DefaultConcurrency = 100

	// DefaultIdle is the idle time after which an instance is retired. Lambda does not
	// document its own.
	DefaultIdle = 10 * time.Minute

	// provisionPause is the pause before a provisioned instance that did not start is
	// started again; it doubles up to provisionMaxPause.
	provisionPause    = time.Second
	provisionMaxPause = time.Minute
)

// Host holds the settings and the concurrency that all functions of an engine share.
type Host struct {
	// Clock measures idle times and pauses between retries. Nil means the machine's
	// clock.
	Clock clock.Clock
	// Concurrency is the account's concurrency limit. 0 means [DefaultConcurrency].
	Concurrency int
	// Idle is the idle time after which instances are retired. 0 means [DefaultIdle].
	Idle time.Duration
	// Freeze and ColdStart have the meaning that [Options] gives them.
	Freeze    bool
	ColdStart time.Duration
	// Debug logs the process id of each instance, and lifts the time limit of the init
	// phase.
	Debug bool
	// Log gets a line for each event that users should know of. Nil discards the lines.
	Log func(format string, args ...any)
	// Observer gets the events of all functions. Nil means no observer.
	Observer Observer
	// Faults decide the deliberate failures. Nil means no faults.
	Faults Faults

	serial atomic.Int64 // the id of the newest instance

	// initTimeout and initPatience replace the constants of these names in tests.
	initTimeout, initPatience time.Duration

	mu       sync.Mutex
	reserved int // sum of all reserved concurrency
	busy     int // unreserved executions
}

// Config is a function's configuration.
type Config struct {
	// Name is the function's name, Program the path of its program.
	Name, Program string
	// Region and Account are the function's.
	Region, Account string
	// Env, MemoryMB and Timeout have the meaning that [Options] gives them.
	Env      map[string]string
	MemoryMB int
	Timeout  time.Duration
	// PerInstance is how many invocations an instance handles at the same time, as on
	// Lambda Managed Instances; 0 means one.
	PerInstance int
	// Handler, LogGroup, LogFormat and LogLevel have the meaning that [Options] gives
	// them.
	Handler, LogGroup, LogFormat, LogLevel string
	// Reserved is the reserved concurrency; nil means none, 0 refuses all invocations.
	Reserved *int
	// Aliases maps an alias to its version.
	Aliases map[string]string
	// Provisioned is the provisioned concurrency by version. The aliases of one version
	// share its instances.
	Provisioned map[string]int
	// Async configures failed asynchronous invocations.
	Async Async
	// Output gets the output of the instances. Nil discards it.
	Output io.Writer
}

// ThrottleError is a TooManyRequestsException: an invocation found no free instance, and
// Lambda may start no new one.
type ThrottleError struct {
	// Reason is AWS's name for the reason, such as
	// "ReservedFunctionConcurrentInvocationLimitExceeded".
	Reason string

	first bool // the first since the last log line about throttles
}

// Error implements error.
func (e *ThrottleError) Error() string { return "TooManyRequestsException: Rate Exceeded. " + e.Reason }

// Throttled returns true. It marks an invocation as throttled, not failed.
func (e *ThrottleError) Throttled() bool { return true }

// ErrNoQualifier says that a function has no such version or alias.
var ErrNoQualifier = errors.New("ResourceNotFoundException: the function has no such version or alias")

// Function is a Lambda function: it starts instances when invocations need them.
//
// As in AWS, an invocation through an alias goes to a free provisioned instance of its
// version, or else to an idle instance. If there is neither, the function starts an
// instance, and the invocation waits for it. Reserved concurrency, or else the account's,
// limits all of them. It differs from AWS:
//
//   - Concurrency may grow at any speed; AWS adds 1,000 instances every 10 seconds.
//   - Aliases do not split traffic.
//   - A version always has the present program and configuration.
//   - Scaling policies of provisioned concurrency do not run: the template's initial
//     number stays.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html (2026-11)
type Function struct {
	host *Host
	name string

	updating sync.Mutex // held while an update runs

	mu       sync.Mutex
	config   *Config
	epoch    int                // grows when the program or configuration changes
	endEpoch context.CancelFunc // ends the starts of the epoch's provisioned instances; nil before the first
	set      map[*environ]bool
	busy     int // on-demand executions
	all      int // all executions
	counters Counters
	silent   *int          // throttles since the last line about them; nil if none is recent
	wake     chan struct{} // tells the janitor that an instance is idle
	stopped  bool

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// environ is an instance with the function's own records about it.
type environ struct {
	id          int
	instance    *Instance // nil until it has started
	config      *Config
	version     string
	epoch       int
	provisioned bool
	active      int  // invocations in progress
	gone        bool // an invocation found that its process has ended
	idleSince   time.Time
	started     time.Time
	invocations int
	account     int           // its invocations that use the account's unreserved concurrency
	killed      string        // why the user or a fault ended it, "" for neither
	supply      *supply       // replaces it; nil unless it is provisioned
	spent       time.Duration // of its first invocation's time, in the init phase
	watched     chan struct{} // closed when the function knows of the process's end
}

// newEnviron makes an instance that has not started yet.
func (h *Host) newEnviron(config *Config, version string, epoch int) *environ {
	return &environ{id: int(h.serial.Add(1)), config: config, version: version, epoch: epoch, watched: make(chan struct{})}
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

// take acquires one of the account's unreserved executions.
func (h *Host) take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	limit := h.Concurrency
	if limit == 0 {
		limit = DefaultConcurrency
	}
	if h.busy >= limit-h.reserved && h.busy >= 1 { // at least one may always run
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

// Config returns the function's configuration. The caller must not change it.
func (f *Function) Config() Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.config
}

// ARN returns the function's ARN with a qualifier; "" means without.
func (f *Function) ARN(qualifier string) string {
	c := f.Config()
	arn := "arn:aws:lambda:" + c.Region + ":" + c.Account + ":function:" + c.Name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// Invoke invokes a version or alias, "" for [Latest], and waits for the response. It
// fails with a [*ThrottleError], a [*FunctionError], or the cause of ctx. If ctx ends
// first, the invocation continues without a caller.
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

// run handles an event on an instance, and starts the instance first if necessary.
func (f *Function) run(env *environ, onDemand bool, event Invocation, watch Watch) ([]byte, error) {
	var err error
	if env.instance == nil {
		if err = f.launch(f.ctx, env); err != nil && f.ctx.Err() == nil {
			f.host.logf("%s: an instance did not start: %v", f.name, err)
			err = ofRequest(err, event.RequestID)
		}
		event.spent, env.spent = env.spent, 0
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

// acquire finds an instance for an invocation, or makes room for a new one. The caller
// returns it with release, and then ends the task that acquire began.
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
	version, err := f.versionOf(qualifier)
	if err != nil {
		return nil, false, err
	}
	if f.config.Reserved != nil && *f.config.Reserved == 0 || f.host.Faults != nil && f.host.Faults.Throttle(f.config.Name) {
		return nil, false, f.throttled(throttleReserved)
	}
	var idle *environ
	for e := range f.set {
		if e.gone || e.instance == nil || e.version != version || e.epoch != f.epoch || e.full() {
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

// versionOf returns the version of a qualifier, or [ErrNoQualifier]. f.mu is held.
func (f *Function) versionOf(qualifier string) (string, error) {
	version := qualifier
	if v, ok := f.config.Aliases[qualifier]; ok {
		version = v
	}
	if version == "" {
		version = Latest
	}
	if version != Latest && f.config.Provisioned[version] == 0 && !f.hasVersion(version) {
		return "", fmt.Errorf("%w: %q", ErrNoQualifier, qualifier)
	}
	return version, nil
}

// before reports whether env gets an invocation rather than other. Provisioned instances
// come first, then instances with fewer invocations, then the one used last, so that the
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

// full reports whether an instance can take no further invocation. Late code keeps its
// place.
func (env *environ) full() bool {
	return env.active+int(env.instance.overdue.Load()) >= max(env.config.PerInstance, 1)
}

// hasVersion reports whether the function has a version: one that an alias names, or any
// number if the function has no aliases.
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

// room acquires one of the function's on-demand executions: from its reserved concurrency
// less the provisioned one, or else from the account's. It returns "" or the reason for
// the throttle.
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

// AWS's names for the reasons of throttles.
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

// release returns an instance after an invocation that ended with err.
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
		// The event goes to another instance.
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
		if failure.Type == typeTimeout {
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

// discard removes an instance from the function and stops it in the background. f.mu is
// held.
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

// Stop ends all instances and waits for their end.
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
