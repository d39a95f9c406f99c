package gateway

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
)

// Sink takes a streamed response on its way to Lambda.
type Sink interface {
	// Write sends bytes at once. It blocks while they are not taken, and fails when
	// they never will be.
	io.Writer
	// SetWriteDeadline makes a Write fail that lasts until t, also one that blocks.
	SetWriteDeadline(t time.Time) error
}

const (
	// streamPiece is how much a handler writes before it is sent without a Flush, so
	// that a small response goes out in one piece, as it does from net/http's server.
	streamPiece = 4 << 10
	// streamBuffer is how much of one write is sent at once.
	streamBuffer = 32 << 10
	// lastWrite is how long a write may block when the response must end.
	lastWrite = 100 * time.Millisecond
)

// Stream is the response of a request whose way in takes it while it is written: the
// status, headers and cookies as JSON, eight zero bytes, and the body. Its lock is
// there for handlers that outlive their request: once closed, or once the request's
// context has ended, everything they write is refused.
type Stream struct {
	head   Response      // the header alone
	lock   chan struct{} // holds the one who writes or ends the response
	sink   Sink
	noBody bool // a HEAD request
	buf    []byte
	sent   bool
	err    error // of the sink
	closed atomic.Bool
}

// NewStream returns the streamed response of an event.
func NewStream(e *event.Envelope, sink Sink) *Stream {
	s := &Stream{sink: sink, lock: make(chan struct{}, 1), noBody: Method(e) == http.MethodHead}
	s.head.open(formatV2, s.noBody)
	return s
}

// Begin gives the response its request's context.
func (s *Stream) Begin(ctx context.Context) { s.head.ctx = ctx }

// Header implements [http.ResponseWriter].
func (s *Stream) Header() http.Header { return s.head.header }

// WriteHeader implements [http.ResponseWriter]. Informational responses (1xx)
// have no place in a Lambda response and are dropped.
func (s *Stream) WriteHeader(status int) {
	checkStatus(status)
	s.lock <- struct{}{}
	defer s.unlock()
	if status >= 200 && !s.refuses() {
		s.head.commit(status, 0)
	}
}

// Write implements [http.ResponseWriter].
func (s *Stream) Write(p []byte) (int, error) { return writeStream(s, p) }

// WriteString implements [io.StringWriter].
func (s *Stream) WriteString(p string) (int, error) { return writeStream(s, p) }

// Flush implements [http.Flusher].
func (s *Stream) Flush() { _ = s.FlushError() }

// FlushError is what [http.ResponseController.Flush] calls.
func (s *Stream) FlushError() error {
	s.lock <- struct{}{}
	defer s.unlock()
	if s.refuses() {
		return http.ErrHandlerTimeout
	}
	s.head.commit(http.StatusOK, 0)
	return s.send()
}

func (s *Stream) unlock() { <-s.lock }

func (s *Stream) refuses() bool { return s.closed.Load() || s.head.refuses() }

func writeStream[S string | []byte](s *Stream, p S) (int, error) {
	s.lock <- struct{}{}
	defer s.unlock()
	if s.refuses() {
		return 0, http.ErrHandlerTimeout
	}
	s.head.commit(http.StatusOK, 0)
	if err := s.head.admit(len(p)); err != nil {
		return 0, err
	}
	if s.noBody {
		if !s.sent { // what HEAD leaves out still has a type
			s.buf = append(s.buf, p[:min(len(p), max(sniffLen-len(s.buf), 0))]...)
		}
		return len(p), nil
	}
	for n := 0; ; {
		m := min(len(p)-n, streamBuffer)
		s.buf = append(s.buf, p[n:n+m]...)
		if len(s.buf) >= streamPiece {
			if err := s.send(); err != nil {
				return n, err
			}
		}
		if n += m; n == len(p) {
			return n, nil
		}
		if s.refuses() {
			return n, http.ErrHandlerTimeout
		}
	}
}

// send sends what is written, and the header before it.
func (s *Stream) send() error {
	if s.err != nil {
		return s.err
	}
	if !s.sent {
		s.sent = true
		b := append(s.head.closeHeader(s.buf), "}"+wire.ResponseStreamDelimiter...)
		if !s.noBody {
			b = append(b, s.buf...)
		}
		s.buf = b
	}
	if len(s.buf) > 0 {
		_, s.err = s.sink.Write(s.buf)
		s.buf = s.buf[:0]
	}
	return s.err
}

// Finish sends what is left of a response whose handler has returned. An error says
// that the response is not whole.
func (s *Stream) Finish() error {
	s.lock <- struct{}{}
	defer s.unlock()
	s.closed.Store(true)
	s.head.commit(http.StatusOK, 0)
	if err := s.send(); err != nil {
		return err
	}
	return s.head.short()
}

// Close ends a response before its handler has finished it. Where none of it has been
// sent, a message is sent in its place; otherwise Close returns false, and the response
// is cut off. What was written and not sent is lost, as it would be in net/http.
func (s *Stream) Close(status int, text string) (whole bool) {
	s.closed.Store(true)
	select {
	case s.lock <- struct{}{}:
	default: // the handler is writing, and perhaps nobody reads
		_ = s.sink.SetWriteDeadline(time.Now().Add(lastWrite))
		s.lock <- struct{}{}
	}
	defer s.unlock()
	if s.sent {
		return false
	}
	s.sent = true
	_, s.err = s.sink.Write(messageStream(status, text))
	return s.err == nil
}

// messageStream is a streamed response of the runtime's own.
func messageStream(status int, text string) []byte {
	b := formatV2.header(formatV2.begin(nil, status), "Content-Type", "application/json")
	return append(append(b, "}}"+wire.ResponseStreamDelimiter...), messageBody(text)...)
}
