package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// ErrTimeout is the cause of a context whose request, job or run took too long:
//
//	errors.Is(context.Cause(ctx), lambdaruntime.ErrTimeout)
var ErrTimeout = run.ErrTimeout

// NewHandler returns the router that [Start] runs, as a handler of aws-lambda-go: an
// event's JSON in, the response's JSON out. It loads nothing ahead; resources load at
// their first use. It returns an error that names every broken field of the App.
//
// The handler is safe for concurrent use and does not keep the payload. It also has the
// methods of [StreamHandler].
//
// Code that ignores the end of its context runs on after its event was answered. If such
// code blocks later events, Start ends the process after the answer. A handler cannot: it
// fails the next event instead, with an error on which aws-lambda-go's lambda.Start ends
// the process.
func NewHandler(app *App) (lambda.Handler, error) { return newRouter(app) }

// router takes each event to its handler in the App.
type router struct {
	app                   *App
	log                   *slog.Logger
	metrics               *metricWriter
	queues                []*consumer
	schedules             map[string]Schedule
	runner                run.Runner
	health                run.Health
	requests              run.Pool
	streamURL, streamREST bool
	others                run.Pool
	invoked               atomic.Bool
	started               startInfo
}

// startInfo is what Start measured before the first event.
type startInfo struct {
	initDuration time.Duration
	warmUp       time.Duration
}

// spareRequests is how many abandoned requests may still run in a process.
const spareRequests = 4

func newRouter(app *App) (*router, error) {
	if app == nil {
		return nil, errors.New("lambdaruntime: the App is nil")
	}
	if err := app.validate(); err != nil {
		return nil, err
	}
	r := &router{app: app, log: app.Logger, schedules: map[string]Schedule{}, metrics: newMetricWriter()}
	if r.log == nil {
		r.log = slog.New(newLogHandler(os.Stdout))
	} else {
		r.log = slog.New(contextHandler{r.log.Handler()})
	}
	ways, err := streamWays()
	if err != nil {
		return nil, err
	}
	r.streamURL, r.streamREST = ways.url, ways.rest
	r.requests = run.Pool{Name: "requests", Spare: spareRequests}
	r.others = run.Pool{Name: "schedules and other events"}
	r.runner = run.Runner{Health: &r.health, Panicked: r.panicked}
	if app.Tracer != nil {
		r.runner.Start = r.startSpan
	}
	known, err := wire.ParseQueues(os.Getenv(wire.EnvQueues))
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: %w", err)
	}
	urls := map[string]string{}
	for _, q := range known {
		urls[q.Name] = q.URL
	}
	partial := os.Getenv(wire.EnvPartialResponses)
	for _, c := range app.Queues {
		r.queues = append(r.queues, newConsumer(c, urls[c.name], wire.TakesPartialResponses(partial, c.name, urls[c.name])))
	}
	for _, s := range app.Schedules {
		r.schedules[s.Name] = s
	}
	return r, nil
}

// warnOfQueues logs the consumers without a queue URL, in a function that runs jobs.
func (r *router) warnOfQueues(role string) {
	if role != "" && role != wire.RoleJobs {
		return
	}
	for _, c := range r.queues {
		if c.url == "" && c.name != wire.RelayQueueName {
			r.log.Warn("a consumer does not know its queue's address; it gets messages only of a queue that has its name", "queue", c.name,
				"remedy", "add {name}={queue URL} to "+wire.EnvQueues+", as hearth.Backend and hearth.Queue do")
		}
	}
}

// answer is the answer to an invocation.
type answer struct {
	body     []byte
	err      error
	streamed bool // err is why the response is incomplete, or nil
}

// Invoke implements [lambda.Handler]. It copies the payload once: aws-lambda-go reuses
// its buffer after the response, and an abandoned handler may still read it.
func (r *router) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if pool, held := r.health.Sick(); pool != nil {
		r.logSick(pool, held)
		return nil, messages.InvokeResponse_Error{
			Type: "Hearth.Abandoned", Message: "lambdaruntime: the instance ends, since abandoned code keeps its " + pool.Name + " from running", ShouldExit: true,
		}
	}
	answers := make(chan answer, 1)
	text := string(payload)
	go func() {
		if a, ok := r.serve(ctx, text, streamed{}, func(a answer) { answers <- a }); ok {
			answers <- a
		}
	}()
	a := <-answers
	return a.body, a.err
}

// serve answers one event. If the handler does not return in time, serve calls late with
// the answer, on another goroutine. It then returns false once the handler has returned.
func (r *router) serve(ctx context.Context, payload string, ways streamed, late func(answer)) (answer, bool) {
	ec, err := r.newEvent(ctx, payload)
	if err != nil {
		return r.failed(ec, fmt.Errorf("lambdaruntime: read event: %w", err)), true
	}
	return r.route(ec, &ec.event.envelope, ways, late)
}

func (r *router) route(ctx context.Context, e *event.Envelope, ways streamed, late func(answer)) (answer, bool) {
	switch e.Kind {
	case KindHTTPv2, KindHTTPv1, KindALB:
		if r.app.HTTP != nil {
			return r.serveHTTP(ctx, e, ways, late)
		}
	case KindWebSocket:
		if r.app.WebSocket != nil {
			return r.serveWebSocket(ctx, e, late)
		}
	case KindSQS:
		if len(r.queues) > 0 {
			return r.serveQueue(ctx, e, late)
		}
	case KindSchedule:
		if len(r.schedules) > 0 {
			return r.serveSchedule(ctx, e, late)
		}
	}
	h := r.app.Events[e.Kind]
	if h == nil {
		h = r.app.Fallback
	}
	if h == nil {
		return r.failed(ctx, unserved(e)), true
	}
	return r.custom(ctx, h, e, late)
}

// custom calls one of the program's own handlers, with its own copy of the payload.
func (r *router) custom(ctx context.Context, h lambda.Handler, e *event.Envelope, late func(answer)) (answer, bool) {
	var response []byte
	op := run.Op{Name: e.Kind.String() + " event", Limit: limitBefore(ctx, 0, responseMargin+cancelGrace), Grace: graceBefore(ctx, cancelGrace), Pool: &r.others}
	out, ok := r.run(ctx, op, func(ctx context.Context) (err error) {
		response, err = h.Invoke(ctx, []byte(e.Payload))
		return err
	}, func(out run.Outcome) { late(r.failed(ctx, out.Failure())) })
	if !ok {
		return answer{}, false
	}
	if err := out.Failure(); err != nil {
		return r.failed(ctx, err), true
	}
	return answer{body: response}, true
}

// run runs one operation inside the middleware; see [run.Runner.Run].
func (r *router) run(ctx context.Context, op run.Op, fn func(context.Context) error, late func(run.Outcome)) (run.Outcome, bool) {
	return r.runner.Run(ctx, op, r.wrap(op.Name, fn), late)
}

// wrap puts the middleware around an operation's function.
func (r *router) wrap(name string, fn func(context.Context) error) func(context.Context) error {
	for _, m := range slices.Backward(r.app.Middleware) {
		inner := fn
		fn = func(ctx context.Context) error { return m(ctx, operationOf(ctx, name), inner) }
	}
	return fn
}

// warnOdd logs what makes an event one that no AWS service sends.
func (r *router) warnOdd(ctx context.Context, odd []string) {
	if len(odd) > 0 {
		r.log.WarnContext(ctx, "no way in sends such an event; it is served all the same", "because", strings.Join(odd, "; "))
	}
}

// failed logs an event's error and makes it the answer. It does not log a panic, which is
// already in the log with its stack.
func (r *router) failed(ctx context.Context, err error) answer {
	if errors.Is(err, ErrTimeout) {
		r.metrics.timeout(kindOf(ctx))
	}
	if !isLogged(err) {
		r.log.ErrorContext(ctx, "event failed", "error", err.Error())
	}
	return answer{err: err}
}

// isLogged reports whether err is a panic that is in the log already, with its stack:
// all are but http.ErrAbortHandler.
func isLogged(err error) bool {
	var p *run.PanicError
	return errors.As(err, &p) && !p.Aborted()
}

func unserved(e *event.Envelope) error {
	remedy := "handled kinds are http-v2, http-v1, alb, websocket, sqs, schedule, eventbridge, sns, s3, dynamodb, kinesis and authorizer; set App.Fallback for any other event"
	switch e.Kind {
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
		remedy = fmt.Sprintf("set App.Events[%s] or App.Fallback", e.Kind)
	}
	return fmt.Errorf("lambdaruntime: nothing handles this event: got %s; %s", e.Seen(), remedy)
}

// Time reserved before an invocation's deadline. A short deadline reserves less: at most
// a quarter of the time left.
const (
	// responseMargin is left for encoding and posting the response.
	responseMargin = 500 * time.Millisecond
	// cancelGrace is how long a cancelled job or run may take to return before it counts
	// as abandoned. requestGrace is the same for a request, whose client waits.
	cancelGrace  = 500 * time.Millisecond
	requestGrace = 100 * time.Millisecond
)

// limitBefore returns how long an operation may take: want, or less if the invocation's
// deadline, less the margin, comes earlier. A want of 0 asks for all the time left; a
// result of 0 means no limit.
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

// graceBefore returns how long a cancelled operation may take to return: want, or at most
// half of the time that limitBefore reserves for a batch or a run. The other half is for
// the answer.
func graceBefore(ctx context.Context, want time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return want
	}
	return max(min(want, time.Until(deadline)/8), time.Nanosecond)
}

func (r *router) panicked(ctx context.Context, name string, p *run.PanicError, stack []byte) {
	r.log.ErrorContext(ctx, "panic in "+name, "panic", fmt.Sprint(p.Value), "stack", string(stack))
}

// logSick logs why the process must end: the abandoned code, and since when it runs.
func (r *router) logSick(pool *run.Pool, held []run.Held) {
	r.metrics.healed(pool.Name)
	r.log.Error("the instance ends: abandoned code keeps its "+pool.Name+" from running; Lambda starts a fresh one", "abandoned", len(held))
	for _, h := range held {
		r.log.ErrorContext(h.Ctx, h.Name+" was abandoned and still runs", "since", h.Since.UTC().Format(time.RFC3339Nano), "forMs", milliseconds(time.Since(h.Since)))
	}
}

// listNames lists the names of the App's queues or schedules, for errors.
func listNames[T any](items []T, name func(T) string) string {
	if len(items) == 0 {
		return "none"
	}
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = fmt.Sprintf("%q", name(item))
	}
	return strings.Join(quoted, ", ")
}

// functionName returns the Lambda function's name, "" outside Lambda.
func functionName() string { return lambdacontext.FunctionName }
