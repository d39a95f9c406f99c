package lambdaruntime

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
)

// Event is the event that a handler's context belongs to.
type Event struct {
	// Kind is the event's kind.
	Kind Kind
	// Payload is the event's JSON as Lambda delivered it. For an HTTP request it also
	// holds the data that [http.Request] has no field for, such as requestContext.
	Payload string
	// ColdStart reports that this is the first event of this instance.
	ColdStart bool
	// Deadline is when Lambda ends the invocation and kills code that still runs. The
	// deadline of a handler's context is earlier: see [App.RequestTimeout] and
	// [Queue.Timeout]. It is zero where the invocation has none, as in some tests.
	Deadline time.Time

	requestID string
	tenantID  string
	init      time.Duration
	envelope  event.Envelope
}

type eventKey struct{}

// eventContext is an invocation's context together with its event.
type eventContext struct {
	context.Context
	event Event
}

func (c *eventContext) Value(key any) any {
	if key == (eventKey{}) {
		return &c.event
	}
	return c.Context.Value(key)
}

// EventFromContext returns the event of a handler's context.
func EventFromContext(ctx context.Context) (*Event, bool) {
	e, ok := ctx.Value(eventKey{}).(*Event)
	return e, ok
}

func kindOf(ctx context.Context) Kind {
	if e, ok := EventFromContext(ctx); ok {
		return e.Kind
	}
	return KindUnknown
}

// newEvent reads an event and makes the context of its handlers.
func (r *router) newEvent(ctx context.Context, payload string) (*eventContext, error) {
	ec := &eventContext{Context: ctx, event: Event{Payload: payload}}
	err := ec.event.envelope.Read(payload)
	ec.event.Kind = ec.event.envelope.Kind
	ec.event.Deadline, _ = ctx.Deadline()
	if !r.invoked.Load() {
		ec.event.ColdStart = !r.invoked.Swap(true)
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		ec.event.requestID, ec.event.tenantID = lc.AwsRequestID, lc.TenantID
	}
	if ec.event.ColdStart {
		ec.event.init = r.started.initDuration
		r.metrics.coldStart(r.started)
	}
	return ec, err
}
