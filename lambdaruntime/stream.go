package lambdaruntime

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/lambdahearth/hearth/internal/wire"
)

const (
	// streamPiece is how much a handler writes before it is sent without a Flush, so
	// that a small response goes out in one piece, as it does from net/http's server.
	streamPiece = 4 << 10
	// streamBuffer is the most that waits for Lambda to take it, once as what is
	// being read and once as what is being written.
	streamBuffer = 32 << 10
)

// errNotTaken ends a stream that nobody reads to the end.
var errNotTaken = errors.New("request: Lambda no longer takes the response")

// streamError ends a response that has begun, by the name that Lambda gets for it.
type streamError struct {
	kind string
	error
}

func (e *streamError) Unwrap() error { return e.error }

// stream is a response on its way from a handler, which writes it, to Lambda, which
// reads it. Its lock is there for handlers that outlive their request too: once it
// is closed, everything they write is refused.
type stream struct {
	ctx       context.Context // the handler's
	cancel    context.CancelCauseFunc
	unwatch   func() bool
	span      func(error)
	abandoned func(sent bool) // told when the handler has taken too long

	mu      sync.Mutex
	changed sync.Cond
	head    responseWriter // the header alone
	noBody  bool           // a HEAD request
	dropped int            // what that has left out
	in, out []byte         // written, and being read
	taken   int            // of out
	sent    bool           // the header is in out, or has been
	flushed bool           // in is to be sent
	closed  bool           // the handler's writes are refused
	ended   bool           // there is nothing to be read but in and out
	err     error          // how it ended
}

// watch gives the handler its context and ends the stream with it. A handler that is
// blocked in a write, and a reader that is blocked elsewhere, would not notice.
func (s *stream) watch(ctx context.Context, cancel context.CancelCauseFunc, span func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx, s.cancel, s.span = ctx, cancel, span
	s.unwatch = context.AfterFunc(ctx, func() { s.abandon(context.Cause(ctx)) })
}

func newStream(noBody bool) *stream {
	s := &stream{noBody: noBody, head: responseWriter{format: formatV2, header: http.Header{}}}
	s.changed.L = &s.mu
	return s
}

func (s *stream) writeHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status >= 200 && !s.closed {
		s.head.commit(status, 0)
	}
}

// writeStream writes for the handler. It blocks while streamBuffer bytes wait.
func writeStream[S string | []byte](s *stream, p S) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, http.ErrHandlerTimeout
	}
	s.head.commit(http.StatusOK, 0)
	switch {
	case !bodyAllowed(s.head.status):
		return 0, http.ErrBodyNotAllowed
	case s.noBody:
		if !s.sent { // what HEAD leaves out still has a type
			s.in = append(s.in, p[:min(len(p), max(sniffLen-len(s.in), 0))]...)
			if s.dropped += len(p); s.dropped >= streamPiece {
				s.send()
			}
		}
		return len(p), nil
	}
	for {
		for len(s.in) >= streamBuffer && !s.closed {
			s.changed.Wait()
		}
		if s.closed {
			return n, http.ErrHandlerTimeout
		}
		m := min(len(p)-n, streamBuffer-len(s.in))
		s.in = append(s.in, p[n:n+m]...)
		n += m
		if len(s.in) >= streamPiece {
			s.send()
		}
		if n == len(p) {
			return n, nil
		}
	}
}

func (s *stream) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return http.ErrHandlerTimeout
	}
	s.head.commit(http.StatusOK, 0)
	s.send()
	return nil
}

// send lets the reader have what is written, and the header before it.
func (s *stream) send() {
	if !s.sent {
		s.sent = true
		s.out = append(s.head.closeHeader(s.in), "}"+wire.ResponseStreamDelimiter...)
		if !s.noBody {
			s.out = append(s.out, s.in...)
		}
		s.in = s.in[:0]
	}
	s.flushed = len(s.in) > 0
	s.changed.Broadcast()
}

// finish ends the response when the handler has returned, or panicked with err.
func (s *stream) finish(err error) {
	if cause := context.Cause(s.ctx); cause != nil {
		// A response that is finished too late may be that of a handler which was
		// told to stop.
		s.abandon(cause)
		return
	}
	if _, first := s.close(); !first {
		return
	}
	defer s.end(func() {
		switch {
		case err == nil:
			s.head.commit(http.StatusOK, 0)
			s.send()
		case s.sent:
			s.fail(panickedStream(err))
		default:
			s.message(http.StatusInternalServerError, "internal error")
		}
	})
	s.cleanUp(err)
}

// panickedStream does not say what the panic said: callers of the function's API
// would see it.
func panickedStream(err error) error {
	var p *panicError
	if errors.As(err, &p) {
		switch p.value {
		case http.ErrAbortHandler:
			return &streamError{"Hearth.RequestAborted", errors.New("request: the handler gave the response up")}
		}
	}
	return &streamError{"Hearth.RequestPanicked", errors.New("request: the handler panicked; the function's log has the stack")}
}

// abandon ends the response before its handler has.
func (s *stream) abandon(cause error) {
	sent, first := s.close()
	if !first {
		return
	}
	defer s.end(func() {
		if sent {
			s.fail(&streamError{"Hearth.RequestTimedOut", cause})
		} else {
			s.message(http.StatusGatewayTimeout, cause.Error())
		}
	})
	if !errors.Is(cause, errNotTaken) {
		s.abandoned(sent)
	}
	s.cleanUp(cause)
}

// close refuses further writes. The first to call it ends the stream.
func (s *stream) close() (sent, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = !s.closed
	s.closed = true
	s.changed.Broadcast()
	return s.sent, first
}

// cleanUp does what must be done before Lambda has the whole response: it may freeze
// the process then.
func (s *stream) cleanUp(err error) {
	s.unwatch()
	s.cancel(err)
	s.span(err)
}

// end lets the reader come to the end, whose last part is what last does.
func (s *stream) end(last func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last()
	s.ended = true
	s.changed.Broadcast()
}

// fail ends a response that has begun. What was not flushed is lost, as it would
// be in net/http.
func (s *stream) fail(err error) {
	s.err = err
	if !s.flushed {
		s.in = nil
	}
}

// awaitHeader returns when there is something to read.
func (s *stream) awaitHeader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.sent {
		s.changed.Wait()
	}
}

// read reads what has been sent, as much as there is.
func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.taken < len(s.out):
			n := copy(p, s.out[s.taken:])
			s.taken += n
			return n, nil
		case len(s.in) > 0 && (s.flushed || s.ended):
			s.in, s.out, s.taken, s.flushed = s.out[:0], s.in, 0, false
			s.changed.Broadcast()
		case s.ended && s.err != nil:
			return 0, s.err
		case s.ended:
			return 0, io.EOF
		default:
			s.changed.Wait()
		}
	}
}
