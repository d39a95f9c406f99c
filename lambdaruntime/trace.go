package lambdaruntime

import "context"

// Tracer makes spans of the program's operations, with a tracing library that the program
// chooses. It must be safe for concurrent use.
//
// With OpenTelemetry it is a few lines: make the context of the remote parent from
// Operation.TraceHeader with the X-Ray propagator, start a span of Operation.Name,
// and end it with the error recorded. See the example.
type Tracer interface {
	// Start is called before an operation's handler, which gets the returned context. end
	// is called once, when the handler has returned or was abandoned; err is its error,
	// an [ErrTimeout], or a panic as an error.
	Start(ctx context.Context, op Operation) (traced context.Context, end func(err error))
}

// Operation is one request, WebSocket event, job, schedule run or further event of the
// program.
type Operation struct {
	// Kind is the event's kind.
	Kind Kind
	// Name is the same for all operations of one sort: request, WebSocket message, job of
	// queue "captures", schedule "nightly", sns event.
	Name string
	// TraceHeader is the X-Ray trace header of the invocation or, for a job, of
	// its message: Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5;Parent=…;Sampled=1.
	// It is "" where there is none.
	// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html (2026-11)
	TraceHeader string
}

// traceKey is the context key, a plain string, under which aws-lambda-go stores the
// invocation's trace header.
const traceKey = "x-amzn-trace-id"

func traceHeader(ctx context.Context) string {
	if m, ok := MessageFromContext(ctx); ok && m.TraceHeader != "" {
		return m.TraceHeader
	}
	header, _ := ctx.Value(traceKey).(string)
	return header
}

// startSpan starts a span with the App's Tracer, which must not be nil.
func (r *router) startSpan(ctx context.Context, name string) (context.Context, func(error)) {
	traced, end := r.app.Tracer.Start(ctx, operationOf(ctx, name))
	if traced == nil {
		traced = ctx
	}
	if end == nil {
		end = func(error) {}
	}
	return traced, end
}

func operationOf(ctx context.Context, name string) Operation {
	return Operation{Kind: kindOf(ctx), Name: name, TraceHeader: traceHeader(ctx)}
}

// Middleware wraps the program's jobs, schedule runs, WebSocket events and further
// events, for their common needs: a deadline, a transaction, a metric. It calls next
// once, or not at all, and returns the operation's error. [Queue.Consume] describes the
// effect of a job's error. [MessageFromContext] returns a job's message. HTTP requests
// have their own middleware: wrap [App.HTTP].
//
// It must be safe for concurrent use.
type Middleware func(ctx context.Context, op Operation, next func(ctx context.Context) error) error
