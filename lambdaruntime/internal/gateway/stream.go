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

// Sink passes a streamed response on to Lambda.
type Sink interface {
	// Write sends bytes at once. It blocks while Lambda does not read them, and fails if
	// it never will.
	io.Writer
	// SetWriteDeadline makes a Write fail that lasts until t, even one already blocked.
	SetWriteDeadline(t time.Time) error
}

const (
	// streamPiece is how many bytes are sent without a Flush. A smaller response goes out
	// in one piece, as it does from net/http's server.
	streamPiece = 4 << 10
	// streamBuffer is how many bytes of one write are sent at once.
	streamBuffer = 32 << 10
	// lastWrite is how long a write may block when the response must end.
	lastWrite = 100 * time.Millisecond
)

// Stream is a streamed response: the status, headers and cookies as JSON, eight zero
// bytes, and the body while the handler writes it. Its lock is for handlers that outlive
// their request: after Close or the end of the request's context, it refuses every write.
type Stream struct {
	head   Response      // the header alone
	lock   chan struct{} // full while one goroutine writes or ends the response
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

// Begin sets the context of the response's request.
func (s *Stream) Begin(ctx context.Context) { s.head.ctx = ctx }

// Header implements [http.ResponseWriter].
func (s *Stream) Header() http.Header { return s.head.header }

// WriteHeader implements [http.ResponseWriter]. It drops informational responses (1xx): a
// Lambda response cannot carry them.
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

// FlushError serves [http.ResponseController.Flush].
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
		if !s.sent { // to sniff the Content-Type
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

// send sends the buffer, and the header before it.
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

// Finish sends the rest of a response whose handler has returned. It returns an error if
// the response is incomplete.
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

// Close ends a response before its handler has finished it. If none of it has been sent,
// Close sends a message in its place. Otherwise it returns false, the response is cut
// off, and unsent bytes are lost, as in net/http.
func (s *Stream) Close(status int, text string) (whole bool) {
	s.closed.Store(true)
	select {
	case s.lock <- struct{}{}:
	default: // the handler is writing, and perhaps Lambda does not read
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

// messageStream is a streamed response that the runtime itself makes.
func messageStream(status int, text string) []byte {
	b := formatV2.header(formatV2.begin(nil, status), "Content-Type", "application/json")
	return append(append(b, "}}"+wire.ResponseStreamDelimiter...), messageBody(text)...)
}
