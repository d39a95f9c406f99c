package lambdaruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
)

// StreamHandler is the result of [NewHandler], with a method to test a function whose
// function URL streams.
type StreamHandler interface {
	lambda.Handler

	// InvokeStream is Invoke for a function whose function URL has the invoke mode
	// RESPONSE_STREAM. With HEARTH_RESPONSE_STREAM_REST=true it also serves a REST API
	// with the transfer mode STREAM. It answers such a request in Lambda's streaming
	// form: status, headers and cookies as JSON, eight zero bytes, and then the body
	// while the handler writes it. A body needs no base64 and may be larger than 6 MB:
	// Lambda's limit is 200 MB, at 2 MB/s after the first 6. A Read fails if the handler
	// did not finish the response. Every other event is answered as by Invoke.
	//
	// The result has a method ContentType() string if it is in the streaming form. Close
	// the result: that cancels the context of a handler that still runs.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
	InvokeStream(ctx context.Context, event []byte) (io.ReadCloser, error)
}

var _ StreamHandler = (*router)(nil)

// streamed states which requests' responses are streamed, and where to.
type streamed struct {
	sink      gateway.Sink
	url, rest bool // those of function URLs, and of REST APIs
}

// streamWays reads the variables that say whether function URLs and REST APIs stream.
func streamWays() (s streamed, err error) {
	for name, on := range map[string]*bool{wire.EnvResponseStream: &s.url, wire.EnvResponseStreamREST: &s.rest} {
		switch value := os.Getenv(name); value {
		case "true":
			*on = true
		case "", "false":
		default:
			err = errors.Join(err, fmt.Errorf("lambdaruntime: %s must be true or false, got %q", name, value))
		}
	}
	return s, err
}

// SetPartialResponses states whether the event source mappings of all queues take partial
// batch responses, and overrides the environment. Package lambdatest calls it.
func (r *router) SetPartialResponses(on bool) {
	for _, c := range r.queues {
		c.partial = on
	}
}

// errNotTaken ends a stream whose reader stopped before the end.
var errNotTaken = errors.New("request: Lambda no longer takes the response")

// InvokeStream implements [StreamHandler].
func (r *router) InvokeStream(ctx context.Context, event []byte) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := newPipe(func() { cancel(errNotTaken) })
	answers := make(chan answer, 1)
	text := string(event)
	ways := streamed{sink: p, url: true, rest: r.streamREST}
	go func() {
		if a, ok := r.serve(ctx, text, ways, func(a answer) { answers <- a }); ok {
			answers <- a
		}
	}()
	select {
	case <-p.begun:
		go func() { p.end((<-answers).err) }()
		return p, nil
	case a := <-answers:
		cancel(nil)
		if a.streamed {
			p.end(a.err)
			return p, nil
		}
		return io.NopCloser(bytes.NewReader(a.body)), a.err
	}
}

// pipeRoom is how many unread bytes of a response make its handler wait for the reader.
const pipeRoom = 32 << 10

// pipe hands a streamed response to a reader in the same process. The reader can still
// read the written part after the end.
type pipe struct {
	cancel func()
	begun  chan struct{} // closed at the first Write

	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	err     error // at the end of buf; nil while there may be more
	closed  bool  // by the reader
	expired bool  // no Write waits any more
}

func newPipe(cancel func()) *pipe {
	p := &pipe{cancel: cancel, begun: make(chan struct{})}
	p.changed.L = &p.mu
	return p
}

// Write implements [gateway.Sink].
func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.begun:
	default:
		close(p.begun)
	}
	for len(p.buf) >= pipeRoom && !p.closed && !p.expired {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, errNotTaken
	case len(p.buf) >= pipeRoom:
		return 0, ErrTimeout
	}
	p.buf = append(p.buf, b...)
	p.changed.Broadcast()
	return len(b), nil
}

// SetWriteDeadline implements [gateway.Sink].
func (p *pipe) SetWriteDeadline(t time.Time) error {
	time.AfterFunc(time.Until(t), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.expired = true
		p.changed.Broadcast()
	})
	return nil
}

// end ends the response, with nil for a whole one.
func (p *pipe) end(err error) {
	if err == nil {
		err = io.EOF
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.changed.Broadcast()
}

// Read implements [io.Reader].
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && p.err == nil && !p.closed {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, io.ErrClosedPipe
	case len(p.buf) == 0:
		return 0, p.err
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	p.changed.Broadcast()
	return n, nil
}

// Close implements [io.Closer].
func (p *pipe) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.changed.Broadcast()
	return nil
}

// ContentType is the Content-Type that the Runtime API gets with the response.
func (*pipe) ContentType() string { return wire.ResponseStreamType }
