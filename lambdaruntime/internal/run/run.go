package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// ErrTimeout is the cause of a context whose operation took too long.
var ErrTimeout = errors.New("timed out")

// TimeoutError is an ErrTimeout with the operation's name and duration.
type TimeoutError struct {
	Name  string
	After time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: %s after %s", e.Name, ErrTimeout, e.After.Round(time.Millisecond))
}

// Is makes it an [ErrTimeout].
func (e *TimeoutError) Is(target error) bool { return target == ErrTimeout }

// PanicError is a panic of a handler as an error.
type PanicError struct{ Value any }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Aborted reports whether the handler panicked with [http.ErrAbortHandler], which means
// that it gives up on purpose. net/http does not log that either.
func (e *PanicError) Aborted() bool {
	return e.Value == http.ErrAbortHandler //nolint:errorlint // as net/http compares it
}

// goexit is the value of the PanicError for a handler that called [runtime.Goexit].
const goexit = "the handler ended its goroutine (runtime.Goexit)"

// Runner runs all operations of a program. Its fields must not change after its first
// Run.
type Runner struct {
	// Start starts the span of an operation; nil for none.
	Start func(ctx context.Context, name string) (context.Context, func(error))
	// Panicked is called at each panic, except for [http.ErrAbortHandler].
	Panicked func(ctx context.Context, name string, p *PanicError, stack []byte)
	// Health counts abandoned operations.
	Health *Health
	// Watchdog watches the operations of a whole process; nil for a timer each.
	Watchdog *Watchdog
}

// Op is an operation to run.
type Op struct {
	// Name names it in errors and logs: request, job of queue "jobs".
	Name string
	// Limit is how long it may take before its context ends; 0 means no limit of its own,
	// so only the parent context ends it.
	Limit time.Duration
	// Grace is how long it may then take to return before it is abandoned.
	Grace time.Duration
	// Pool is the group of operations that it belongs to; see [Health].
	Pool *Pool
}

// Outcome is how an operation ended.
type Outcome struct {
	// Err is the handler's error, possibly a *PanicError, or nil.
	Err error
	// Cause is why the operation's context had ended before the handler returned, or nil
	// if it had not ended.
	Cause error
	// Abandoned means that the handler has not returned.
	Abandoned bool
}

// Failure is the operation's error. If the context had ended before the handler failed or
// was abandoned, it is the cause of that.
func (o Outcome) Failure() error {
	if o.Cause != nil && (o.Err != nil || o.Abandoned) {
		return o.Cause
	}
	return o.Err
}

// Run runs fn on the caller's goroutine and returns how it ended, with true.
//
// The operation's time is over when its context has ended and the grace has passed. If fn
// has not returned by then, it is abandoned: Run calls late once, on another goroutine.
// Run then returns false once fn returns, and the caller must do nothing more, since late
// has done it. The same holds if fn ends its goroutine.
func (r *Runner) Run(ctx context.Context, op Op, fn func(ctx context.Context) error, late func(Outcome)) (Outcome, bool) {
	c := &call{r: r, op: op, late: late, timeout: TimeoutError{op.Name, op.Limit}}
	if r.Start != nil {
		ctx, c.endSpan = r.Start(ctx, op.Name)
	}
	c.parent, c.cause = ctx, &c.timeout
	if op.Limit > 0 {
		c.deadline = time.Now().Add(op.Limit)
	}
	c.scope.Name = op.Name
	c.scope.enlist()
	c.watch()
	return c.do(fn)
}

// call is one operation while it runs, and its context.
type call struct {
	opContext
	scope   Scope
	timeout TimeoutError
	r       *Runner
	op      Op
	late    func(Outcome)
	endSpan func(error)
	unwatch func() bool // of the parent's end; nil if the parent never ends

	mu    sync.Mutex
	state state
	timer *time.Timer // until the call is abandoned; nil without one of its own
}

// state is the state of a call. The goroutine that changes it from running makes the
// answer.
type state uint8

const (
	running state = iota
	returned
	abandoned
)

// Value implements [context.Context].
func (c *call) Value(key any) any {
	if key == (scopeKey{}) {
		return &c.scope
	}
	return c.opContext.Value(key)
}

func (c *call) do(fn func(context.Context) error) (out Outcome, ok bool) {
	finished := false
	defer func() {
		if finished {
			return
		}
		p, ended := &PanicError{recover()}, false
		if p.Value == nil { // or panic(nil), with GODEBUG=panicnil=1
			p.Value, ended = goexit, true
		}
		defer func() { // even if Panicked panics
			if out, ok = c.finish(p); ok && ended {
				ok = false
				go c.late(out)
			}
		}()
		if !p.Aborted() {
			c.r.Panicked(c, c.op.Name, p, debug.Stack())
		}
	}()
	err := Readable(fn(c))
	finished = true
	return c.finish(err)
}

// finish ends a call whose handler has returned. ok is false when it was abandoned
// before.
func (c *call) finish(err error) (out Outcome, ok bool) {
	out = Outcome{Err: err, Cause: context.Cause(c)}
	if !c.settle(returned) {
		c.r.Health.returned(c)
		return Outcome{}, false
	}
	c.r.Health.note(c.op.Pool, out)
	c.end(nil, out)
	return out, true
}

// settle changes the call's state from running.
func (c *call) settle(to state) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != running {
		return false
	}
	c.state = to
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.r.Watchdog != nil {
		c.r.Watchdog.remove(c)
	}
	if to == abandoned { // under the lock, so that the handler's return sees it
		c.r.Health.abandon(c)
	}
	return true
}

// watch makes sure that the call is abandoned when its time is over: after its limit and
// the grace, or after its parent's end and the grace.
func (c *call) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.op.Limit <= 0:
	case c.r.Watchdog != nil:
		c.r.Watchdog.add(c, c.deadline.Add(c.op.Grace))
	default:
		c.timer = time.AfterFunc(c.op.Limit+c.op.Grace, c.abandon)
	}
	if c.parent.Done() != nil {
		c.unwatch = context.AfterFunc(c.parent, c.expire)
	}
}

// expire is called when the call's parent has ended.
func (c *call) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != running {
		return
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(c.op.Grace, c.abandon)
}

func (c *call) abandon() {
	<-c.Done() // ends at once: the limit has passed
	if !c.settle(abandoned) {
		return
	}
	cause := context.Cause(c)
	out := Outcome{Cause: cause, Abandoned: true}
	c.end(cause, out)
	c.late(out)
}

func (c *call) end(cause error, out Outcome) {
	if c.unwatch != nil {
		c.unwatch()
	}
	c.scope.End(cause)
	c.opContext.end()
	if c.endSpan != nil {
		c.endSpan(out.Failure())
	}
}

// Readable calls the error's methods once, while a panic still counts as the handler's:
// the methods of a nil pointer returned as an error panic.
func Readable(err error) error {
	if err != nil {
		_ = err.Error()
		_ = errors.Is(err, ErrTimeout)
	}
	return err
}
