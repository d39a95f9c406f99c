package lambdaruntime

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// StreamHandler is what [NewHandler] returns, with the method that [Start] uses on
// a function whose Function URL streams.
type StreamHandler interface {
	lambda.Handler

	// InvokeStream is Invoke for a function whose Function URL has the invoke mode
	// RESPONSE_STREAM. It answers a request that came through such a URL as soon as
	// there is something to send, in Lambda's streaming form: the response's status,
	// headers and cookies as JSON, eight zero bytes, and the body while the handler
	// writes it. A body needs no base64 and may be larger than 6 MB: Lambda's limit is
	// 200 MB, at 2 MB/s after the first 6. A Read that fails says that the handler
	// did not finish the response. Every other event is answered as by Invoke.
	//
	// The result has a method ContentType() string if it is in the streaming form.
	// Close it: that cancels the context of a handler that still runs.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
	InvokeStream(ctx context.Context, event []byte) (io.ReadCloser, error)
}

var _ StreamHandler = (*router)(nil)

// InvokeStream implements [StreamHandler].
func (r *router) InvokeStream(ctx context.Context, event []byte) (io.ReadCloser, error) {
	return r.invokeStream(ctx, string(event))
}

func (r *router) invokeStream(ctx context.Context, payload string) (io.ReadCloser, error) {
	var e envelope
	if err := e.read(payload); err != nil {
		return nil, fmt.Errorf("lambdaruntime: read event: %w", err)
	}
	ctx = r.eventContext(ctx, &e)
	if e.kind == KindHTTPv2 && r.app.HTTP != nil && strings.Contains(e.ctx.domain, wire.FunctionURLDomain) {
		return streamReader{r.serveStream(ctx, &e)}, nil
	}
	out, err := r.route(ctx, &e)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(out)), nil
}

// serveStream answers one request of a streaming Function URL. It returns when the
// response's header is ready.
func (r *router) serveStream(ctx context.Context, e *envelope) *stream {
	if len(e.payload) > maxPayloadBytes {
		return messageStream(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("request of %d bytes is over the limit of %d bytes", len(e.payload), maxPayloadBytes))
	}
	limit := limitBefore(ctx, r.app.requestTimeout(), responseMargin)
	traced, span := ctx, func(error) {}
	if r.app.Tracer != nil {
		traced, span = r.startSpan(ctx, "request")
	}
	base, cancel := context.WithCancelCause(traced)
	call, release := context.WithTimeoutCause(base, limit, &timeoutError{"request", limit})
	beginWork(call)
	x := &exchange{}
	req, err := x.read(call, e)
	if err != nil {
		release()
		cancel(err)
		span(err)
		r.log.WarnContext(ctx, "unreadable HTTP event", "error", err.Error())
		return messageStream(http.StatusBadRequest, err.Error())
	}
	s := newStream(req.Method == http.MethodHead)
	method, path, kind := req.Method, req.URL.Path, e.kind // an abandoned handler may still change the request
	s.abandoned = func(sent bool) {
		r.log.ErrorContext(ctx, "request timed out", "method", method, "path", path, "limitMs", milliseconds(limit), "responseBegun", sent)
		r.metrics.timeout(kind)
	}
	s.watch(call, cancel, span)
	r.workers.run(func() {
		defer release()
		returned := false
		defer func() {
			if !returned { // it panicked, or called runtime.Goexit
				s.finish(r.panicked(call, "request", recover(), debug.Stack()))
			}
		}()
		r.app.HTTP.ServeHTTP(streamWriter{s}, req)
		s.finish(nil)
		returned = true
	})
	// Let the handler run: when it waits for nothing, its response is there afterwards,
	// and this goroutine need not be parked.
	runtime.Gosched()
	s.awaitHeader()
	return s
}

// messageStream is a response of the runtime's own.
func messageStream(status int, text string) *stream {
	s := newStream(false)
	s.message(status, text)
	s.closed, s.ended = true, true
	return s
}

// message makes a response of the runtime's own the whole response.
func (s *stream) message(status int, text string) {
	b := formatV2.header(formatV2.open(nil, status), "Content-Type", "application/json")
	b = append(b, "}}"+wire.ResponseStreamDelimiter+`{"message":`...)
	s.out = append(jsonscan.AppendString(b, text), '}')
	s.in, s.sent = nil, true
}

// streamWriter is the handler's side of a stream.
type streamWriter struct{ s *stream }

// Header implements [http.ResponseWriter].
func (w streamWriter) Header() http.Header { return w.s.head.header }

// WriteHeader implements [http.ResponseWriter]. Informational responses (1xx)
// have no place in a Lambda response and are dropped.
func (w streamWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("lambdaruntime: status code must be 100 to 999, got %d", status))
	}
	w.s.writeHeader(status)
}

// Write implements [http.ResponseWriter].
func (w streamWriter) Write(p []byte) (int, error) { return writeStream(w.s, p) }

// WriteString implements [io.StringWriter].
func (w streamWriter) WriteString(p string) (int, error) { return writeStream(w.s, p) }

// Flush implements [http.Flusher].
func (w streamWriter) Flush() { _ = w.s.flush() }

// FlushError is what [http.ResponseController.Flush] calls.
func (w streamWriter) FlushError() error { return w.s.flush() }

// streamReader is Lambda's side of a stream.
type streamReader struct{ s *stream }

// Read implements [io.Reader].
func (r streamReader) Read(p []byte) (int, error) { return r.s.read(p) }

// Close implements [io.Closer].
func (r streamReader) Close() error {
	r.s.abandon(errNotTaken)
	return nil
}

// ContentType is the Content-Type with which the Runtime API gets the response.
func (streamReader) ContentType() string { return wire.ResponseStreamType }
