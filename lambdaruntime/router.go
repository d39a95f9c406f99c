package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/work"
)

// Times kept back from an invocation's deadline. Shorter deadlines give up a
// smaller part: a quarter of what is left at most.
const (
	// responseMargin is left for encoding and posting the response.
	responseMargin = 500 * time.Millisecond
	// cancelGrace is how long a cancelled job or run may take to return before it
	// counts as abandoned.
	cancelGrace = 500 * time.Millisecond
)

// maxPayloadBytes is the size limit of a synchronous invocation's request and
// response: 6 MB.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxPayloadBytes = 6*1024*1024 + 100

// ErrTimeout is the cause of a context whose request, job or run took too long:
//
//	errors.Is(context.Cause(ctx), lambdaruntime.ErrTimeout)
var ErrTimeout = errors.New("timed out")

// timeoutError is an ErrTimeout that says what took how long.
type timeoutError struct {
	what  string
	after time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("%s: %s after %s", e.what, ErrTimeout, e.after.Round(time.Millisecond))
}

func (e *timeoutError) Is(target error) bool { return target == ErrTimeout }

// NewHandler returns the router that [Start] runs, as a handler of aws-lambda-go:
// an event's JSON in, the response's JSON out. It loads nothing ahead; resources
// load at their first use. A mistake in the App is returned as an error that
// names every broken field.
//
// The handler is safe for concurrent use and keeps nothing of the payload it is
// given. When its context is cancelled rather than at its deadline, a handler that
// does not heed that is given up on within 100 ms.
//
// It must not be called on a goroutine that is locked to its thread
// ([runtime.LockOSThread]): Go ends the process then. [Start] sees to that itself.
// Handlers may lock theirs; what they leave locked, up to eight times, is unlocked
// after them.
func NewHandler(app *App) (lambda.Handler, error) { return newRouter(app) }

type router struct {
	app        *App
	log        *slog.Logger
	metrics    *metrics
	queues     []*consumerState
	schedules  map[string]Schedule
	workers    workers
	coroutines coroutines
	invoked    atomic.Bool
	started    startInfo
}

// startInfo is what Start measured before the first event.
type startInfo struct {
	initDuration time.Duration
	warmUp       time.Duration
}

func newRouter(app *App) (*router, error) {
	if app == nil {
		return nil, errors.New("lambdaruntime: the App is nil")
	}
	if err := app.validate(); err != nil {
		return nil, err
	}
	r := &router{app: app, log: app.Logger, schedules: map[string]Schedule{}, metrics: &metrics{}}
	if r.log == nil {
		r.log = slog.New(newLogHandler(os.Stdout))
	} else {
		r.log = slog.New(contextHandler{r.log.Handler()})
	}
	if name := lambdacontext.FunctionName; name != "" {
		r.metrics = &metrics{w: os.Stdout, function: name}
	}
	for _, c := range app.Queues {
		r.queues = append(r.queues, newConsumerState(c))
	}
	for _, s := range app.Schedules {
		r.schedules[s.Name] = s
	}
	return r, nil
}

// Event is the invocation that a handler's context belongs to.
type Event struct {
	// Kind is the event's kind.
	Kind Kind
	// Payload is the event's JSON as Lambda delivered it; for HTTP requests it
	// holds what [http.Request] has no place for, such as
	// requestContext.authorizer.
	Payload string
	// ColdStart says that this is the first event of this instance.
	ColdStart bool

	requestID string
	init      time.Duration
}

type eventKey struct{}

// eventContext is an invocation's context together with its event.
type eventContext struct {
	context.Context
	event Event
	workContext
}

func (c *eventContext) Value(key any) any {
	switch key {
	case eventKey{}:
		return &c.event
	case workKey{}:
		return &c.workContext
	case work.Key{}:
		return c.work
	}
	return c.Context.Value(key)
}

// workContext has the context of an event's or a job's handler, for those who know
// only one that was derived from it; see [work.Of]. It is set before the handler runs.
type workContext struct{ work context.Context }

type workKey struct{}

// beginWork makes ctx the context of the work that it is for.
func beginWork(ctx context.Context) {
	if w, ok := ctx.Value(workKey{}).(*workContext); ok {
		w.work = ctx
	}
}

// EventFromContext returns the event that ctx was made for.
func EventFromContext(ctx context.Context) (*Event, bool) {
	e, ok := ctx.Value(eventKey{}).(*Event)
	return e, ok
}

// Invoke routes one event. The payload is copied once, here: aws-lambda-go
// reuses its buffer after the response, and an abandoned handler may still read.
func (r *router) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e envelope
	if err := e.read(string(payload)); err != nil {
		return nil, fmt.Errorf("lambdaruntime: read event: %w", err)
	}
	return r.route(r.eventContext(ctx, &e), &e)
}

// eventContext makes the context of an event's handlers.
func (r *router) eventContext(ctx context.Context, e *envelope) context.Context {
	ec := &eventContext{Context: ctx, event: Event{Kind: e.kind, Payload: e.payload}}
	if !r.invoked.Load() {
		ec.event.ColdStart = !r.invoked.Swap(true)
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		ec.event.requestID = lc.AwsRequestID
	}
	if ec.event.ColdStart {
		ec.event.init = r.started.initDuration
		r.metrics.coldStart(r.started)
	}
	return ec
}

func (r *router) route(ctx context.Context, e *envelope) ([]byte, error) {
	switch {
	case e.kind == KindHTTPv2 || e.kind == KindHTTPv1 || e.kind == KindALB:
		if r.app.HTTP != nil {
			return r.serveHTTP(ctx, e), nil
		}
	case e.kind == KindWebSocket:
		if r.app.WebSocket != nil {
			return r.serveWebSocket(ctx, e)
		}
	case e.kind == KindSQS:
		if len(r.queues) > 0 {
			return r.serveQueue(ctx, e)
		}
	case e.kind == KindSchedule:
		if len(r.schedules) > 0 {
			return r.serveSchedule(ctx, e)
		}
	}
	if h := r.app.Events[e.kind]; h != nil {
		return r.custom(ctx, h, e)
	}
	if r.app.Fallback != nil {
		return r.custom(ctx, r.app.Fallback, e)
	}
	return nil, r.unserved(e)
}

// custom calls a handler of the user's own, which gets a payload of its own.
func (r *router) custom(ctx context.Context, h lambda.Handler, e *envelope) (response []byte, err error) {
	if r.app.Tracer != nil {
		var end func(error)
		ctx, end = r.startSpan(ctx, e.kind.String()+" event")
		defer func() { end(err) }()
	}
	defer func() {
		if v := recover(); v != nil {
			response, err = nil, r.panicked(ctx, "event handler", v, debug.Stack())
		}
	}()
	response, err = h.Invoke(ctx, []byte(e.payload))
	return response, readable(err)
}

func (r *router) unserved(e *envelope) error {
	remedy := "handled kinds are http-v2, http-v1, alb, websocket, sqs, schedule, eventbridge, sns, s3, dynamodb, kinesis and authorizer; set App.Fallback for any other event"
	switch e.kind {
	case KindHTTPv2, KindHTTPv1, KindALB:
		remedy = "set App.HTTP"
	case KindWebSocket:
		remedy = "set App.WebSocket"
	case KindSQS:
		remedy = "add a consumer to App.Queues"
	case KindSchedule:
		remedy = "add a schedule to App.Schedules"
	case KindUnknown:
	default:
		remedy = fmt.Sprintf("set App.Events[%s] or App.Fallback", e.kind)
	}
	return fmt.Errorf("lambdaruntime: nothing handles this event: got %s; %s", e.seen(), remedy)
}

// limitBefore returns how long work may take: want, or less where the
// invocation's deadline, less the margin kept back from it, comes earlier. A
// want of 0 asks for all there is; a result of 0 means no limit.
func limitBefore(ctx context.Context, want, margin time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return want
	}
	left := time.Until(deadline)
	left = max(left-min(margin, left/4), time.Nanosecond)
	if want == 0 || left < want {
		return left
	}
	return want
}

// graceBefore returns how long a cancelled job may take to return: half of what
// limitBefore keeps back from the deadline for a batch or a run, so that the other
// half is left for the answer.
func graceBefore(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return cancelGrace
	}
	return max(min(cancelGrace, time.Until(deadline)/8), time.Nanosecond)
}

// call is one call of a handler's code.
type call struct {
	what  string        // names it in errors and logs: request, queue "jobs"
	limit time.Duration // cancels its context; 0 means no limit of its own
	grace time.Duration // how long it may take to return after that
	fn    func(ctx context.Context) error
	ended func() // called when fn has really returned; may be nil

	// Made by begin.
	ctx     context.Context // of fn
	cancel  context.CancelFunc
	endSpan func(error)   // or nil
	first   time.Duration // until somebody looks whether it has ended
	bubble  bool          // it is in a bubble of testing/synctest
}

// call runs c.fn and returns its error. When its context ends first and the grace
// passes too, the call is abandoned: the code goes on running, unheard, until it
// returns by itself.
func (r *router) call(ctx context.Context, c call) (err error, abandoned bool) {
	c.begin(ctx, r)
	return r.run(&c)
}

// begin makes the call's context. Either run or end must follow.
func (c *call) begin(ctx context.Context, r *router) {
	if r.app.Tracer != nil {
		ctx, c.endSpan = r.startSpan(ctx, c.what)
	}
	now := time.Now()
	c.bubble, c.first = inBubble(now), firstLook
	if deadline, ok := ctx.Deadline(); ok {
		c.first = min(c.first, max(deadline.Sub(now), 0))
	}
	if c.limit > 0 {
		c.first = min(c.first, c.limit)
		c.ctx, c.cancel = context.WithDeadlineCause(ctx, now.Add(c.limit), &timeoutError{c.what, c.limit})
	} else {
		c.ctx, c.cancel = context.WithCancel(ctx)
	}
	beginWork(c.ctx)
}

// end ends the call's context and its span.
func (c *call) end(err error) {
	c.cancel()
	if c.endSpan != nil {
		c.endSpan(err)
	}
}

// run runs a call that has begun, and ends it.
func (r *router) run(c *call) (err error, abandoned bool) {
	if err, abandoned = r.coroutines.run(r, c); abandoned {
		err = context.Cause(c.ctx)
	} else {
		err = causeOf(c.ctx, err)
	}
	c.end(err)
	return err, abandoned
}

// readable reads an error once, where its panic is still the handler's: the methods of
// a nil pointer that was returned as an error do panic.
func readable(err error) error {
	if err != nil {
		_ = err.Error()
		_ = errors.Is(err, ErrTimeout)
		_ = isDrop(err)
	}
	return err
}

// causeOf gives the reason for the error of code whose context has ended: it
// stopped because it was told to. A decision to drop a job stands.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || isDrop(err) {
		return err
	}
	return context.Cause(ctx)
}

// panicError is a panic in a handler, as an error.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (r *router) panicked(ctx context.Context, what string, v any, stack []byte) error {
	switch v {
	case nil:
		v = "the handler ended its goroutine (runtime.Goexit)"
	case http.ErrAbortHandler: // a handler's own way to give up, which net/http does not log either
		return &panicError{v}
	}
	r.log.ErrorContext(ctx, "panic in "+what, "panic", fmt.Sprint(v), "stack", string(stack))
	return &panicError{v}
}
