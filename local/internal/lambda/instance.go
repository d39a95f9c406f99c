// Package lambda simulates AWS Lambda on this machine: execution environments
// that are real processes, each with a Runtime API of its own on loopback.
package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// Lambda's limits.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const (
	maxPayloadBytes = 6*1024*1024 + 100

	// initTimeoutOnDemand ends an init phase; with provisioned concurrency it may
	// take 130 seconds, or the function's timeout if that is longer.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
	initTimeoutOnDemand    = 10 * time.Second
	initTimeoutProvisioned = 130 * time.Second

	// DebugTimeout is what a time limit is where a debugger may hold a process.
	DebugTimeout = 24 * time.Hour

	defaultTimeout  = 60 * time.Second
	defaultMemoryMB = 512
	defaultRegion   = "us-east-1"
	defaultAccount  = "000000000000"

	// shutdownGrace is how long a process with an internal extension has after
	// SIGTERM; one without gets SIGKILL at once.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown (2026-11)
	shutdownGrace = 500 * time.Millisecond
)

// Options says how an instance runs. Program is required.
type Options struct {
	// Program is the path of the built handler program.
	Program string
	// Env adds to and overrides the environment that Lambda gives a function.
	// Nothing of this process's own environment is passed on.
	Env map[string]string
	// FunctionName is the function's name. "" means "function".
	FunctionName string
	// MemoryMB is what AWS_LAMBDA_FUNCTION_MEMORY_SIZE says, in MB; it is not
	// enforced. 0 means 512.
	MemoryMB int
	// Timeout is the function's timeout: an invocation that takes longer kills
	// the process. 0 means 60 seconds.
	Timeout time.Duration
	// InitTimeout bounds the init phase. 0 means Lambda's own limit.
	InitTimeout time.Duration
	// Concurrency is how many invocations the instance handles at the same time, as on
	// Lambda Managed Instances. 0 means one. Several are never frozen.
	Concurrency int
	// Handler is what _HANDLER says. "" means "bootstrap".
	Handler string
	// LogGroup, LogFormat and LogLevel are those of the function's logging
	// configuration: "" means /aws/lambda/{name}, Text and none. A level is for JSON
	// alone.
	LogGroup, LogFormat, LogLevel string
	// Provisioned says that the instance is one of provisioned concurrency.
	Provisioned bool
	// Version is the function's version. "" means "1".
	Version string
	// Region and Account are where the function is. "" means us-east-1 and
	// 000000000000.
	Region, Account string
	// Freeze stops the process (SIGSTOP) between invocations, as Lambda does:
	// goroutines that a handler leaves behind do not run on.
	Freeze bool
	// ColdStart is added to the time that the instance takes to start.
	ColdStart time.Duration
	// Output gets what the program writes to standard output and standard
	// error. Nil discards it.
	Output io.Writer
	// ID is a number that tells the instance from others. The program's access key id
	// has it, so that what it sends can be told from what others send. 0 means none.
	ID int
}

// FunctionError is what a function reported instead of a response, or what
// Lambda reports for it when it cannot.
type FunctionError struct {
	// Type is the error's type, such as "errorString" or "Sandbox.Timedout".
	Type string
	// Message is the error's message.
	Message string
	// Payload is the JSON of the error as the invoker sees it.
	Payload []byte
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// ErrStopped is returned for invocations of an instance whose process has ended.
var ErrStopped = errors.New("the instance has stopped")

// Instance is one execution environment: one process that handles one invocation
// at a time, or as many as [Options.Concurrency] says. It is safe for concurrent use.
//
// It differs from Lambda's in that the process is frozen between invocations only
// if [Options.Freeze] asks for it, that neither memory nor CPU nor the file system
// are limited, that a failed init phase is reported at once instead of being tried
// again at the first invocation, and that time is the machine's own. Of extensions
// only internal ones are known, which is how programs ask for SIGTERM.
type Instance struct {
	opts   Options
	api    *runtimeAPI
	server *http.Server
	cmd    *exec.Cmd

	turn   chan struct{} // holds a token for each invocation that may run: whoever has one may invoke
	exited chan struct{} // closed when the process has ended
	exit   error         // its cmd.Wait; read after exited is closed
	stop   sync.Once

	freezer freezer

	blamed atomic.Bool // an invocation has failed because of the process's end
	late   atomic.Bool // the process was killed because an invocation timed out
}

// Start starts the program and waits until its init phase is over. An error that
// the program reports to /runtime/init/error is returned as a [*FunctionError].
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
		if opts.Provisioned {
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
	i.server = &http.Server{Handler: loopback.Exactly(listener.Addr().String(), i.api.handler())}
	go i.server.Serve(listener) //nolint:errcheck // it ends when Stop closes it

	i.cmd = exec.Command(program)
	i.cmd.Dir = filepath.Dir(program)
	i.cmd.Env = environment(opts, listener.Addr().String(), i.cmd.Dir)
	i.cmd.Stdout, i.cmd.Stderr = opts.Output, opts.Output
	process.Group(i.cmd)
	i.cmd.WaitDelay = time.Second // for what a child outside the group keeps open
	if err := i.cmd.Start(); err != nil {
		i.server.Close()
		return nil, fmt.Errorf("start instance: %w", err)
	}
	go func() {
		i.exit = i.cmd.Wait()
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
		err = newFunctionError("Sandbox.Timedout", fmt.Sprintf("the init phase timed out after %.2f seconds", opts.InitTimeout.Seconds()))
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	i.Stop()
	return nil, err
}

// environment is what Lambda sets, plus the function's own variables.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (2026-11)
func environment(opts Options, api, taskRoot string) []string {
	initialization := "on-demand"
	if opts.Provisioned {
		initialization = "provisioned-concurrency"
	}
	env := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        opts.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     opts.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(opts.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  initialization,
		"AWS_LAMBDA_LOG_GROUP_NAME":       cmp.Or(opts.LogGroup, "/aws/lambda/"+opts.FunctionName),
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[" + opts.Version + "]" + hex.EncodeToString(randomBytes(16)),
		"AWS_LAMBDA_LOG_FORMAT":           cmp.Or(opts.LogFormat, "Text"),
		"AWS_REGION":                      opts.Region,
		"AWS_DEFAULT_REGION":              opts.Region,
		"AWS_ACCESS_KEY_ID":               accessKey(opts.ID),
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"AWS_EC2_METADATA_DISABLED":       "true", // no credentials of the machine's own
		"_HANDLER":                        cmp.Or(opts.Handler, "bootstrap"),
		"LAMBDA_TASK_ROOT":                taskRoot,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PATH":                            os.Getenv("PATH"),
	}
	if opts.Concurrency > 1 {
		env["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(opts.Concurrency)
	}
	if opts.LogLevel != "" {
		env["AWS_LAMBDA_LOG_LEVEL"] = opts.LogLevel
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
	// ARN is the function's ARN as the caller gave it, with its qualifier. "" is
	// that of the function without one.
	ARN string
	// Trace is the X-Amzn-Trace-Id header of what caused the event. "" starts a
	// new trace.
	Trace string
	// RequestID is the id of the request. "" makes one.
	RequestID string
	// Source says where the event comes from, for the [Observer].
	Source string
	// Queued is when it was queued before it came to the function; zero for not at all.
	Queued time.Time

	stream *Stream // takes the response while it comes
}

// Invoke sends one event; see [Instance.Do].
func (i *Instance) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return i.Do(ctx, Invocation{Payload: payload})
}

// Do sends one event and waits for its response; invocations wait for their
// turn. An error that the function reports, a timeout and a crash are returned
// as a [*FunctionError]; after the last two the instance has stopped. When ctx
// ends first, Do returns its cause; the event itself is then still being handled,
// and the next Do waits for it.
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
		response, err := i.invoke(event)
		i.turn <- struct{}{}
		done <- result{response, err}
	}()
	select {
	case r := <-done:
		return r.response, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (i *Instance) invoke(event Invocation) ([]byte, error) {
	select {
	case <-i.exited: // a request for an event may be left, whose process is not there to take it
		return nil, ErrStopped
	default:
	}
	inv := &invocation{
		id: event.RequestID, payload: event.Payload, arn: event.ARN, deadline: time.Now().Add(i.opts.Timeout),
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
	timer := time.NewTimer(i.opts.Timeout)
	defer timer.Stop()
	next := i.api.next
	for {
		select {
		case next <- inv:
			next = nil // it was fetched; now for its response
		case <-inv.done:
			if inv.cutOff {
				return nil, i.whyCutOff(inv, timer.C)
			}
			if inv.failure != nil {
				return nil, inv.failure
			}
			return inv.response, nil
		case <-timer.C:
			return nil, i.timedOut(inv)
		case <-i.exited:
			select { // aws-lambda-go reports a panic just before it exits
			case <-inv.done:
				continue
			default:
			}
			if next != nil {
				return nil, ErrStopped
			}
			return nil, i.exitError("RequestId: " + inv.id + " Error: ")
		}
	}
}

// timedOut ends the process of an invocation whose time is over.
func (i *Instance) timedOut(inv *invocation) error {
	i.blamed.Store(true)
	i.late.Store(true)
	i.Stop()
	return newFunctionError("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, i.opts.Timeout.Seconds()))
}

func (i *Instance) exitError(prefix string) error {
	i.blamed.Store(true)
	return newFunctionError("Runtime.ExitError", prefix+"Runtime exited with error: "+i.exitStatus())
}

// exitStatus is how the process ended, such as "exit status 1". Exited must be closed.
func (i *Instance) exitStatus() string {
	reason := "exit status 0"
	if i.exit != nil {
		reason = i.exit.Error()
	}
	return reason
}

// endedAlone waits until the invocations of a process that has ended are over, and
// reports whether none of them failed because of that: it ended while it was idle, or
// after it had answered.
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

// Exited is closed when the process has ended.
func (i *Instance) Exited() <-chan struct{} { return i.exited }

// Stop kills the process and its children and waits until it has ended. It may
// be called more than once.
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
		i.server.Close()
	})
	<-i.exited
}

// crash kills the process and leaves it to others to notice.
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

// PID is the id of the process, which leads a group of its own.
func (i *Instance) PID() int { return i.cmd.Process.Pid }

// freezer stops and continues the process of an instance.
type freezer struct {
	mu      sync.Mutex
	pid     int  // 0 until the process has started
	busy    bool // there is an event for the process
	waiting bool // the process waits for its next event
	frozen  bool
	byHand  bool // freeze it until the next event, whatever Options.Freeze says
}

// started notes that the process has started.
func (i *Instance) started(pid int) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.pid = pid
	i.freeze()
}

// waits notes whether the process waits for an event.
func (i *Instance) waits(waiting bool) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.waiting = waiting
	i.freeze()
}

// works notes whether there is an event for the process, and wakes it if so.
func (i *Instance) works(busy bool) {
	i.freezer.mu.Lock()
	defer i.freezer.mu.Unlock()
	i.freezer.busy = busy
	if busy {
		i.thaw()
	}
	i.freeze()
}

// thaw continues a process that was frozen. i.freezer.mu is held.
func (i *Instance) thaw() {
	i.freezer.byHand = false
	if i.freezer.frozen {
		i.freezer.frozen = false
		process.Thaw(i.freezer.pid)
	}
}

// setFrozen freezes a process that has nothing to do, until its next event, or thaws
// it. It reports whether it could.
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

// freeze stops a process that has nothing to do.
func (i *Instance) freeze() {
	if f := &i.freezer; (i.opts.Freeze || f.byHand) && f.pid != 0 && f.waiting && !f.busy && !f.frozen {
		f.frozen = true
		process.Freeze(f.pid)
	}
}

// NewTrace makes a trace header: an unsampled trace of its own.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader (2026-11)
func NewTrace() string {
	b := randomBytes(20)
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}

// NewRequestID makes a UUID of version 4.
func NewRequestID() string { return uuid.NewString() }
