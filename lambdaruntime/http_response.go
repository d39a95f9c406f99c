package lambdaruntime

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// responseWriter collects a handler's response. The lock is there for handlers
// that outlive their request: once abandoned, everything they write is refused.
type responseWriter struct {
	format responseFormat
	head   bool // a HEAD request: no body
	header http.Header

	mu        sync.Mutex
	abandoned bool
	status    int         // 0 until the header is written
	sent      http.Header // the header as it was then
	body      []byte
}

func newResponseWriter(format responseFormat, head bool) *responseWriter {
	return &responseWriter{format: format, head: head, header: http.Header{}}
}

// Header implements [http.ResponseWriter].
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Informational responses (1xx)
// have no place in a Lambda response and are dropped.
func (w *responseWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("lambdaruntime: status code must be 100 to 999, got %d", status))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if status >= 200 {
		w.commit(status)
	}
}

func (w *responseWriter) commit(status int) {
	if w.status == 0 && !w.abandoned {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(s string) (int, error) { return write(w, s) }

func write[S string | []byte](w *responseWriter, p S) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.abandoned {
		return 0, http.ErrHandlerTimeout
	}
	w.commit(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if !w.head {
		w.body = append(w.body, p...)
	} else if len(w.body) < sniffLen { // what HEAD leaves out still has a type
		w.body = append(w.body, p[:min(len(p), sniffLen)]...)
	}
	return len(p), nil
}

// Flush implements [http.Flusher] for handlers that insist on one. Lambda takes
// the response as a whole, so it only sends the header.
func (w *responseWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(http.StatusOK)
}

// sniffLen is how much of a body [http.DetectContentType] looks at.
const sniffLen = 512

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// abandon makes the writer refuse whatever its handler still writes.
func (w *responseWriter) abandon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned = true
}

// finish renders the response and returns it with its size; a response over
// maxPayloadBytes is not rendered to the end.
func (w *responseWriter) finish() ([]byte, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(http.StatusOK)
	w.abandoned = true // goroutines that the handler left behind come too late
	keys := make([]string, 0, len(w.sent)+1)
	for key, values := range w.sent {
		if len(values) > 0 && (key != "Set-Cookie" || w.format == formatV1 || w.format == formatALBMVH) && validHeaderKey(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)

	b := make([]byte, 0, 256+len(w.body)+len(w.body)/8)
	b = w.format.open(b, w.status)
	for _, key := range keys {
		b = w.format.header(b, key, w.sent[key]...)
	}
	if _, typed := w.sent["Content-Type"]; !typed && len(w.body) > 0 && w.sent.Get("Content-Encoding") == "" {
		b = w.format.header(b, "Content-Type", http.DetectContentType(w.body))
	}
	cookies := w.sent["Set-Cookie"]
	if w.format == formatALB {
		b = appendCookieHeaders(b, w.format, cookies)
	}
	b = append(b, '}')
	if w.format == formatV2 && len(cookies) > 0 {
		b = append(b, `,"cookies":[`...)
		for i, c := range cookies {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonscan.AppendString(b, c)
		}
		b = append(b, ']')
	}
	if w.head {
		w.body = nil
	}
	return w.appendBody(b)
}

// appendBody ends the response with its body: as text where that is faithful
// and fits, and in base64 otherwise.
func (w *responseWriter) appendBody(b []byte) ([]byte, int) {
	const textEnd, base64End = `,"isBase64Encoded":false}`, `,"isBase64Encoded":true}`
	b = append(b, `,"body":`...)
	encoded := len(b) + 2 + base64.StdEncoding.EncodedLen(len(w.body)) + len(base64End)
	if len(w.body) == 0 || w.sent.Get("Content-Encoding") == "" && utf8.Valid(w.body) {
		if len(b)+len(w.body) <= maxPayloadBytes || encoded <= maxPayloadBytes {
			text := append(jsonscan.AppendString(b, w.body), textEnd...)
			if len(text) <= maxPayloadBytes || len(text) <= encoded {
				return text, len(text)
			}
		}
	}
	if encoded > maxPayloadBytes {
		return nil, encoded
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, w.body)
	b = append(b, '"')
	b = append(b, base64End...)
	return b, len(b)
}

// appendCookieHeaders gives a load balancer without multi-value headers each
// cookie under a spelling of its own of Set-Cookie, whose case clients ignore:
// one header name carries one value there, and cookies cannot be joined.
func appendCookieHeaders(b []byte, f responseFormat, cookies []string) []byte {
	name := []byte("set-cookie")
	for i, c := range cookies {
		spelled := slices.Clone(name)
		for bit, at := 0, 0; at < len(spelled); at++ {
			if spelled[at] == '-' {
				continue
			}
			if i>>bit&1 == 1 {
				spelled[at] -= 'a' - 'A'
			}
			bit++
		}
		b = f.header(b, string(spelled), c)
	}
	return b
}

// validHeaderKey leaves out what net/http's server leaves out too: trailers
// declared by prefix, and keys that are not tokens.
func validHeaderKey(key string) bool {
	return key != "" && !strings.HasPrefix(key, http.TrailerPrefix) && !strings.ContainsAny(key, " \t\r\n:")
}
