package lambdaruntime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/wire"
)

// StreamHandler is what [NewHandler] returns, with the method that tests use for a
// function whose function URL streams.
type StreamHandler interface {
	lambda.Handler

	// InvokeStream is Invoke for a function whose function URL has the invoke mode
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

// SetPartialResponses says whether the event source mappings of all queues take partial
// batch responses, whatever the environment says. Package lambdatest calls it.
func (r *router) SetPartialResponses(on bool) {
	for _, c := range r.queues {
		c.partial = on
	}
}

// errNotTaken ends a stream that nobody reads to the end.
var errNotTaken = errors.New("request: Lambda no longer takes the response")

// InvokeStream implements [StreamHandler].
func (r *router) InvokeStream(ctx context.Context, event []byte) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	read, write := io.Pipe()
	sink := &pipeSink{PipeWriter: write, begun: make(chan struct{})}
	answers := make(chan answer, 1)
	text := string(event)
	go func() {
		if a, ok := r.serve(ctx, text, sink, func(a answer) { answers <- a }); ok {
			answers <- a
		}
	}()
	stream := &pipeReader{PipeReader: read, cancel: func() { cancel(errNotTaken) }}
	select {
	case <-sink.begun:
		go func() { write.CloseWithError((<-answers).err) }()
		return stream, nil
	case a := <-answers:
		cancel(nil)
		if a.streamed {
			write.CloseWithError(a.err)
			return stream, nil
		}
		return io.NopCloser(bytes.NewReader(a.body)), a.err
	}
}

// pipeSink takes a streamed response for a reader in the same process.
type pipeSink struct {
	*io.PipeWriter
	once  sync.Once
	begun chan struct{}
}

// Write implements [io.Writer].
func (s *pipeSink) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.begun) })
	return s.PipeWriter.Write(p)
}

// SetWriteDeadline implements [gateway.Sink].
func (s *pipeSink) SetWriteDeadline(t time.Time) error {
	time.AfterFunc(time.Until(t), func() { s.CloseWithError(ErrTimeout) })
	return nil
}

type pipeReader struct {
	*io.PipeReader
	cancel func()
}

// Close implements [io.Closer].
func (r *pipeReader) Close() error {
	r.cancel()
	return r.PipeReader.Close()
}

// ContentType is the Content-Type with which the Runtime API gets the response.
func (*pipeReader) ContentType() string { return wire.ResponseStreamType }
