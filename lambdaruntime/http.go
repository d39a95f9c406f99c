package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// httpOp is one HTTP event, whole or streamed. Every failure becomes a response, as in
// net/http: if Lambda got an error, the client would get the gateway's own 500 or 502,
// without a reason.
type httpOp struct {
	r      *router
	ctx    context.Context // of the event
	e      *event.Envelope
	limit  time.Duration
	x      gateway.Exchange
	stream *gateway.Stream // nil for a response that is sent whole
}

func (r *router) serveHTTP(ctx context.Context, e *event.Envelope, ways streamed, late func(answer)) (answer, bool) {
	h := &httpOp{r: r, ctx: ctx, e: e, limit: limitBefore(ctx, r.app.requestTimeout(), responseMargin)}
	h.x.Open(e)
	if ways.url && e.IsFunctionURL() || ways.rest && e.IsREST() {
		h.stream = gateway.NewStream(e, ways.sink)
	}
	if len(e.Payload) > gateway.MaxPayload {
		return h.message(http.StatusRequestEntityTooLarge, fmt.Sprintf("request of %d bytes is over the limit of %d bytes", len(e.Payload), gateway.MaxPayload)), true
	}
	out, ok := r.runner.Run(ctx, run.Op{Name: "request", Limit: h.limit, Grace: graceBefore(ctx, requestGrace), Pool: &r.requests}, h.handle, func(out run.Outcome) { late(h.answer(out)) })
	if !ok {
		return answer{}, false
	}
	return h.answer(out), true
}

// handle calls the program's handler.
func (h *httpOp) handle(ctx context.Context) error {
	h.r.warnOdd(ctx, h.x.Read(ctx, h.e))
	if h.stream != nil {
		h.stream.Begin(ctx)
		h.r.app.HTTP.ServeHTTP(h.stream, &h.x.Request)
	} else {
		h.r.app.HTTP.ServeHTTP(&h.x.Response, &h.x.Request)
	}
	// After a timeout the response may come from a handler that was told to stop, so it
	// does not count.
	return context.Cause(ctx)
}

func (h *httpOp) answer(out run.Outcome) answer {
	err := out.Failure()
	panicked, _ := err.(*run.PanicError) //nolint:errorlint // run wraps none
	switch {
	case panicked != nil:
		return h.cutOff(http.StatusInternalServerError, "internal error", panickedStream(panicked))
	case err != nil:
		a := h.cutOff(http.StatusGatewayTimeout, err.Error(), &typedError{"Hearth.RequestTimedOut", err})
		if !errors.Is(err, errNotTaken) {
			h.log("request timed out", "limitMs", milliseconds(h.limit), "abandoned", out.Abandoned, "responseBegun", a.err != nil)
			h.r.metrics.timeout(h.e.Kind)
		}
		return a
	}
	if h.stream != nil {
		if err := h.stream.Finish(); err != nil {
			h.log("response cut off", "error", err.Error())
			return answer{streamed: true, err: &typedError{"Hearth.ResponseCutOff", err}}
		}
		return answer{streamed: true}
	}
	body, err := h.x.Response.Finish()
	if err != nil {
		h.log("response not sent", "error", err.Error())
		return h.message(http.StatusBadGateway, err.Error())
	}
	return answer{body: body}
}

func (h *httpOp) log(what string, more ...any) {
	h.r.log.ErrorContext(h.ctx, what, append([]any{"method", gateway.Method(h.e), "path", h.e.Path}, more...)...)
}

// message is a response that the runtime itself makes. The handler must have returned, or
// never been called.
func (h *httpOp) message(status int, text string) answer {
	return h.cutOff(status, text, nil)
}

// cutOff ends a response before its handler has finished it. If none of it has been sent,
// the client gets the message instead.
func (h *httpOp) cutOff(status int, text string, cause error) answer {
	if h.stream == nil {
		return answer{body: h.x.Response.Message(status, text)}
	}
	if h.stream.Close(status, text) {
		return answer{streamed: true}
	}
	return answer{streamed: true, err: cause}
}

// panickedStream leaves the panic's text out: callers of the Lambda API would see it.
func panickedStream(p *run.PanicError) error {
	if p.Aborted() {
		return &typedError{"Hearth.RequestAborted", errors.New("request: the handler gave the response up")}
	}
	return &typedError{"Hearth.RequestPanicked", errors.New("request: the handler panicked; the function's log has the stack")}
}

// typedError is an error with the error type that Lambda gets for it.
type typedError struct {
	kind string
	error
}

func (e *typedError) Unwrap() error { return e.error }
