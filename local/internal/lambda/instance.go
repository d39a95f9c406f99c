// Package lambda simulates AWS Lambda on this machine. Its execution environments are
// real processes, each with its own Runtime API on loopback.
package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// Lambda's limits.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const (
	maxPayloadBytes = 6*1024*1024 + 100

	// initTimeoutOnDemand is Lambda's limit of an init phase. With provisioned
	// concurrency and on managed instances the limit is 130 seconds, or the function's timeout if that is longer.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
	initTimeoutOnDemand    = 10 * time.Second
	initTimeoutProvisioned = 130 * time.Second

	// DebugTimeout replaces time limits when a debugger may hold a process.
	DebugTimeout = 24 * time.Hour

	defaultTimeout  = 60 * time.Second
	defaultMemoryMB = 512
	defaultRegion   = "us-east-1"
	defaultAccount  = "000000000000"

	// shutdownGrace is the time between SIGTERM and SIGKILL for a process with an
	// internal extension. A process without one gets SIGKILL at once.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown (2026-11)
	shutdownGrace = 500 * time.Millisecond
)

// Options configures an instance. Program is required.
type Options struct {
	// Program is the path of the built handler program.
	Program string
	// Env adds to and overrides the environment that Lambda gives a function. The process
	// gets nothing of this process's own environment.
	Env map[string]string
	// FunctionName is the function's name. "" means "function".
	FunctionName string
	// MemoryMB is the value of AWS_LAMBDA_FUNCTION_MEMORY_SIZE, in MB; it is not
	// enforced. 0 means 512.
	MemoryMB int
	// Timeout is the function's timeout: the process of a longer invocation is killed. 0
	// means 60 seconds.
	Timeout time.Duration
	// InitTimeout bounds the init phase. 0 means Lambda's own limit.
	InitTimeout time.Duration
	// Concurrency is how many invocations the instance handles at the same time, as on
	// Lambda Managed Instances. 0 means one. An instance with more than one is never
	// frozen, and a timeout ends neither its process nor the code that is late.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html (2026-11)
	Concurrency int
	// Handler is the value of _HANDLER. "" means "bootstrap".
	Handler string
	// LogGroup, LogFormat and LogLevel are the function's logging configuration. "" means
	// /aws/lambda/{name}, Text and no level. Only JSON has a level.
	LogGroup, LogFormat, LogLevel string
	// Provisioned says that the instance belongs to provisioned concurrency.
	Provisioned bool
	// Version is the function's version. "" means "1".
	Version string
	// Region and Account are the function's. "" means us-east-1 and 000000000000.
	Region, Account string
	// Freeze suspends the process (SIGSTOP) between invocations, as Lambda does.
	// Goroutines that a handler leaves behind are suspended too.
	Freeze bool
	// ColdStart is added to the instance's start time.
	ColdStart time.Duration
	// Output gets the program's standard output and standard error. Nil discards them.
	Output io.Writer
	// ID is a number that no other instance has. The program's access key id contains it,
	// so that the engine recognizes the program's requests. 0 means none.
	ID int
}

// FunctionError is the error that a function reported instead of a response, or that
// Lambda reports for it.
type FunctionError struct {
	// Type is the error's type, such as "errorString" or "Sandbox.Timedout".
	Type string
	// Message is the error's message.
	Message string
	// Payload is the error's JSON, as the invoker gets it.
	Payload []byte
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// ErrorMessage returns the message that the function itself gave.
func (e *FunctionError) ErrorMessage() string { return e.Message }

// typeTimeout is the type of the error of an invocation or init phase that took too long.
const typeTimeout = "Sandbox.Timedout"

// typeEntrypoint is the type of the error of a program that cannot run.
// https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/develop/internal/lambda/fatalerror/fatalerror.go (2026-11)
const typeEntrypoint = "Runtime.InvalidEntrypoint"

// ErrStopped is returned for invocations of an instance whose process has ended.
var ErrStopped = errors.New("the instance has stopped")

// Instance is one execution environment: one process that handles one invocation at a
// time, or [Options.Concurrency] invocations. It is safe for concurrent use.
//
// It differs from Lambda's: the process is frozen between invocations only if
// [Options.Freeze] is set. Memory, CPU and the file system are not limited. A failed init
// phase is reported at once; Lambda runs it again at the first invocation. [Function] does
// so too after a time-out. Time is the machine's own. Only internal extensions are supported; programs use them to get
// SIGTERM.
type Instance struct {
	opts   Options
	api    *runtimeAPI
	server *http.Server
	cmd    *exec.Cmd

	turn   chan struct{} // one token for each invocation that may run; its holder may invoke
	exited chan struct{} // closed when the process has ended
	exit   error         // its cmd.Wait; read after exited is closed
	strays []int         // processes that had left its group, and that Stop has killed
	stop   sync.Once

	freezer freezer

	overdue atomic.Int64 // invocations whose code runs on after their timeout
	blamed  atomic.Bool  // an invocation failed because the process ended
	late    atomic.Bool  // the process was killed because an invocation timed out
}

// Start starts the program and waits for the end of its init phase. An error that the
// program reports to /runtime/init/error is returned as a [*FunctionError].
func Start(ctx context.Context, opts Options) (*Instance, error) {
	if process.Supported != nil {
		return nil, fmt.Errorf("start instance: %w", process.Supported)
	}
	if opts.FunctionName == "" {
		opts.FunctionName = "function"
	}
	if opts.MemoryMB == 0 {
		opts.MemoryMB = defaultMemoryMB
	}
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.InitTimeout == 0 {
		opts.InitTimeout = initTimeoutOnDemand
		if opts.Provisioned || opts.Concurrency > 1 {
			opts.InitTimeout = max(initTimeoutProvisioned, opts.Timeout)
		}
	}
	opts.Concurrency = max(opts.Concurrency, 1)
	if opts.Concurrency > 1 {
		opts.Freeze = false
	}
	if opts.Output == nil {
		opts.Output = io.Discard
	}
	if opts.Version == "" {
		opts.Version = "1"
	}
	if opts.Region == "" {
		opts.Region = defaultRegion
	}
	if opts.Account == "" {
		opts.Account = defaultAccount
	}
	if opts.ColdStart > 0 {
		select {
		case <-time.After(opts.ColdStart):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	program, err := filepath.Abs(opts.Program)
	if err != nil {
		return nil, fmt.Errorf("start instance: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start instance: %w", err)
	}
	i := &Instance{opts: opts, api: newRuntimeAPI(opts), turn: make(chan struct{}, opts.Concurrency), exited: make(chan struct{})}
	for range opts.Concurrency {
		i.turn <- struct{}{}
	}
	i.api.waits = i.waits
	i.server = &http.Server{Addr: listener.Addr().String(), Handler: loopback.Exactly(listener.Addr().String(), i.api.handler())}
	go i.server.Serve(listener) //nolint:errcheck // it ends when Stop closes it

	i.cmd = exec.Command(program)
	i.cmd.Dir = filepath.Dir(program)
	i.cmd.Env = environment(opts, i.server.Addr, i.cmd.Dir)
	i.cmd.Stdout, i.cmd.Stderr = opts.Output, opts.Output
	process.Group(i.cmd)
	i.cmd.WaitDelay = time.Second // a child outside the process group may keep the output open
	if err := i.cmd.Start(); err != nil {
		i.server.Close()
		return nil, newFunctionError(typeEntrypoint, err.Error()+hintFor(program, err))
	}
	go func() {
		i.exit = i.cmd.Wait()
		if w, ok := opts.Output.(*lineWriter); ok {
			w.flush()
		}
		close(i.exited)
	}()
	i.started(i.cmd.Process.Pid)

	timer := time.NewTimer(opts.InitTimeout)
	defer timer.Stop()
	select {
	case <-i.api.ready:
		return i, nil
	case failure := <-i.api.initFailed:
		err = failure
	case <-i.exited:
		select { // an init error comes just before the exit
		case failure := <-i.api.initFailed:
			err = failure
		default:
			err = i.exitError("")
		}
	case <-timer.C:
		err = newFunctionError(typeTimeout, fmt.Sprintf("the init phase timed out after %.2f seconds", opts.InitTimeout.Seconds()))
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	i.Stop()
	return nil, err
}

// hintFor explains errors of the operating system that do not name their cause.
func hintFor(program string, err error) string {
	info, missing := os.Stat(program)
	switch {
	case missing != nil:
		return ""
	case errors.Is(err, syscall.ENOEXEC):
		return "; it is built for another machine"
	case errors.Is(err, fs.ErrNotExist):
		return "; the program is there, but not the loader or interpreter that it needs, such as another C library's; build it with CGO_ENABLED=0"
	case errors.Is(err, fs.ErrPermission) && info.Mode()&0o111 == 0:
		return "; it is not executable"
	case errors.Is(err, fs.ErrPermission):
		return "; is its folder mounted noexec? set TMPDIR to another folder"
	}
	return ""
}

// EnvTaskRoot is the variable with the folder of an instance's program.
const EnvTaskRoot = "LAMBDA_TASK_ROOT"

// envRuntimeAPI is the variable of the Runtime API's address.
const envRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"

// environment returns the variables that Lambda sets and the function's own variables.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (2026-11)
func environment(opts Options, api, taskRoot string) []string {
	initialization := "on-demand"
	if opts.Provisioned {
		initialization = "provisioned-concurrency"
	}
	env := map[string]string{
		envRuntimeAPI:                     api,
		"AWS_LAMBDA_FUNCTION_NAME":        opts.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     opts.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(opts.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  initialization,
		"AWS_LAMBDA_LOG_GROUP_NAME":       cmp.Or(opts.LogGroup, "/aws/lambda/"+opts.FunctionName),
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[" + opts.Version + "]" + hex.EncodeToString(randomBytes(16)),
		"AWS_REGION":                      opts.Region,
		"AWS_DEFAULT_REGION":              opts.Region,
		"AWS_ACCESS_KEY_ID":               accessKey(opts.ID),
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"AWS_EC2_METADATA_DISABLED":       "true", // no credentials of the machine's own
		"_HANDLER":                        cmp.Or(opts.Handler, "bootstrap"),
		EnvTaskRoot:                       taskRoot,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LD_LIBRARY_PATH":                 taskRoot + ":" + taskRoot + "/lib", // without the folders of Lambda's own machines
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000", // nothing listens there, unless a daemon runs on this machine
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PATH":                            os.Getenv("PATH"),
	}
	if opts.Concurrency > 1 {
		env["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(opts.Concurrency)
	}
	if opts.LogFormat == "JSON" { // for Text, Lambda sets no format; source: LocalStack's captures of AWS, 2026-03
		env["AWS_LAMBDA_LOG_FORMAT"] = opts.LogFormat
	}
	if opts.LogLevel != "" {
		env["AWS_LAMBDA_LOG_LEVEL"] = opts.LogLevel
	}
	if opts.Env["AWS_ACCESS_KEY_ID"] != "" { // the user's own key
		delete(env, "AWS_SESSION_TOKEN")
	}
	for k, v := range opts.Env {
		env[k] = v
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}

// Invocation is one event for an instance.
type Invocation struct {
	// Payload is the event.
	Payload []byte
	// ARN is the function's ARN with the caller's qualifier. "" means the ARN without a
	// qualifier.
	ARN string
	// Trace is the event's X-Amzn-Trace-Id header. "" starts a new trace.
	Trace string
	// RequestID is the id of the request. "" means a new one.
	RequestID string
	// Source names the sender of the event, for the [Observer].
	Source string
	// Queued is when the event was queued; zero if it never was.
	Queued time.Time
	// Arrived is called when the [Observer] knows of the event; nil for none.
	Arrived func()

	stream *Stream       // gets the response while the function writes it
	spent  time.Duration // of the function's timeout, before the event was sent
}

// Invoke sends one event; see [Instance.Do].
func (i *Instance) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return i.Do(ctx, Invocation{Payload: payload})
}

// Do sends one event and waits for its response; invocations wait for their turn. An
// error that the function reports, a timeout and a crash are returned as a
// [*FunctionError]; after a crash the instance has stopped, and after a timeout too if it
// handles one invocation at a time. If it handles several, the code runs on and keeps its
// turn until it returns. If ctx ends first, Do returns its cause. The process then still
// handles the event, and the next Do waits for it.
func (i *Instance) Do(ctx context.Context, event Invocation) ([]byte, error) {
	if len(event.Payload) > maxPayloadBytes {
		return nil, fmt.Errorf("invoke: payload must be at most %d bytes, got %d", maxPayloadBytes, len(event.Payload))
	}
	select {
	case <-i.turn:
	case <-i.exited:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	type result struct {
		response []byte
		err      error
	}
	done := make(chan result, 1)
	go func() {
		i.invoke(event, func(response []byte, err error) { done <- result{response, err} })
		i.turn <- struct{}{}
	}()
	select {
	case r := <-done:
		return r.response, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// invoke sends an event and calls answer once. It returns when the process can take the
// next event.
func (i *Instance) invoke(event Invocation, answer func([]byte, error)) {
	select {
	case <-i.exited: // the ended process may have left a request for an event
		answer(nil, ErrStopped)
		return
	default:
	}
	inv := &invocation{
		id: event.RequestID, attempt: NewRequestID(), payload: event.Payload, arn: event.ARN, deadline: time.Now().Add(i.opts.Timeout - event.spent),
		trace: event.Trace, done: make(chan struct{}), stream: event.stream,
	}
	if inv.id == "" {
		inv.id = NewRequestID()
	}
	if inv.arn == "" {
		inv.arn = i.api.functionARN
	}
	if inv.trace == "" {
		inv.trace = NewTrace()
	}
	i.works(true)
	defer i.works(false)
	timer := time.NewTimer(i.opts.Timeout - event.spent)
	defer timer.Stop()
	next := i.api.next
	for {
		select {
		case next <- inv:
			next = nil // the process has fetched it; now wait for its response
		case <-inv.done:
			switch {
			case inv.cutOff:
				answer(nil, i.whyCutOff(inv, timer.C))
			case inv.failure != nil:
				answer(nil, inv.failure)
			default:
				answer(inv.response, nil)
			}
			return
		case <-timer.C:
			if i.opts.Concurrency == 1 {
				answer(nil, i.timedOut(inv))
				return
			}
			i.overdue.Add(1)
			defer i.overdue.Add(-1)
			answer(nil, newFunctionError(typeTimeout, i.timeout()))
			if next == nil {
				i.api.expire(inv)
				select {
				case <-inv.done:
				case <-i.exited:
				}
			}
			return
		case <-i.exited:
			select { // aws-lambda-go reports a panic just before it exits
			case <-inv.done:
				continue
			default:
			}
			if next != nil {
				answer(nil, ErrStopped)
			} else {
				answer(nil, i.exitError("RequestId: "+inv.id+" Error: "))
			}
			return
		}
	}
}

// timedOut kills the process of an invocation that has exceeded its timeout.
func (i *Instance) timedOut(inv *invocation) error {
	i.blamed.Store(true)
	i.late.Store(true)
	i.Stop()
	return newFunctionError(typeTimeout, "RequestId: "+inv.id+" Error: "+i.timeout())
}

func (i *Instance) timeout() string {
	return fmt.Sprintf("Task timed out after %.2f seconds", i.opts.Timeout.Seconds())
}

func (i *Instance) exitError(prefix string) error {
	i.blamed.Store(true)
	return newFunctionError("Runtime.ExitError", prefix+i.exitMessage())
}

// exitMessage describes the process's end in Lambda's words. Exited must be closed.
// https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/develop/internal/lambda/rapid/handlers.go (2026-11)
func (i *Instance) exitMessage() string {
	if i.exit == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + i.exit.Error()
}

// endedAlone waits for the invocations of a process that has ended. It reports whether
// none of them failed because of that end: the process was idle, or had answered.
func (i *Instance) endedAlone() bool {
	for range cap(i.turn) {
		<-i.turn
	}
	blamed := i.blamed.Load()
	for range cap(i.turn) {
		i.turn <- struct{}{}
	}
	return !blamed
}

// Exited returns a channel that is closed when the process has ended.
func (i *Instance) Exited() <-chan struct{} { return i.exited }

// Stop kills the process and its children and waits until it has ended. On Linux this
// reaches children that have left the process group (setsid). It may be called more than
// once.
func (i *Instance) Stop() {
	i.stop.Do(func() {
		if i.api.extended.Load() {
			process.Thaw(i.cmd.Process.Pid)
			process.Terminate(i.cmd.Process.Pid)
			select {
			case <-i.exited:
			case <-time.After(shutdownGrace):
			}
		}
		process.Kill(i.cmd.Process.Pid)
		<-i.exited
		i.strays = process.KillMarked(envRuntimeAPI + "=" + i.server.Addr) // no other instance has this address
		i.server.Close()
	})
	<-i.exited
}

// crash kills the process. The instance's watcher notices the end.
func (i *Instance) crash() {
	select {
	case <-i.exited:
	default:
		process.Kill(i.cmd.Process.Pid)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// PID returns the id of the process, which leads its own process group.
func (i *Instance) PID() int { return i.cmd.Process.Pid }

// freezer suspends and continues the process of an instance.
type freezer struct {
	mu      sync.Mutex
	pid     int  // 0 until the process has started
	busy    bool // there is an event for the process
	waiting bool // the process waits for its next event
	frozen  bool
	byHand  bool // freeze until the next event, even without Options.Freeze
}

// started records the id of the started process.
func (i *Instance) started(pid int) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.pid = pid
	i.freeze()
}

// waits records whether the process waits for an event.
func (i *Instance) waits(waiting bool) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.waiting = waiting
	i.freeze()
}

// works records whether the process has an event, and continues the process if so.
func (i *Instance) works(busy bool) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.busy = busy
	if busy {
		i.thaw()
	}
	i.freeze()
}

// thaw continues a frozen process. i.freezer.mu is held.
func (i *Instance) thaw() {
	i.freezer.byHand = false
	if i.freezer.frozen {
		i.freezer.frozen = false
		process.Thaw(i.freezer.pid)
	}
}

// setFrozen freezes an idle process until its next event, or thaws it. It reports whether
// it could.
func (i *Instance) setFrozen(frozen bool) bool {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	if !frozen {
		i.thaw()
		return true
	}
	i.freezer.byHand = true
	i.freeze()
	i.freezer.byHand = i.freezer.frozen
	return i.freezer.frozen
}

func (i *Instance) frozen() bool {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	return i.freezer.frozen
}

// freeze suspends an idle process.
func (i *Instance) freeze() {
	if f := &i.freezer; (i.opts.Freeze || f.byHand) && f.pid != 0 && f.waiting && !f.busy && !f.frozen {
		f.frozen = true
		process.Freeze(f.pid)
	}
}

// NewTrace returns a trace header for a new, unsampled trace.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader (2026-11)
func NewTrace() string {
	b := randomBytes(20)
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}

// NewRequestID returns a UUID of version 4.
func NewRequestID() string { return uuid.NewString() }
