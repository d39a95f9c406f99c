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
// that outlive their request: once closed, everything they write is refused.
type responseWriter struct {
	format responseFormat
	head   bool // a HEAD request: no body
	header http.Header

	mu      sync.Mutex
	closed  bool
	status  int      // 0 until the header is written
	out     []byte   // the response up to its headers, which are still open
	cookies []string // where the format has a place of its own for them
	typed   bool     // there is a Content-Type, or none is wanted
	encoded bool     // there is a Content-Encoding: the body is not text
	body    []byte
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
		w.commit(status, 0)
	}
}

// responseRoom is the size of a response without its header and body. With quotes to
// escape in them or a Content-Type to add, the response moves once.
const responseRoom = len(`{"statusCode":200,"multiValueHeaders":{},"body":"","isBase64Encoded":false}`) + 32

// commit writes the header as it is now; later changes to it have no effect.
// It leaves room for a body of the given size.
func (w *responseWriter) commit(status, body int) {
	if w.status != 0 || w.closed {
		return
	}
	w.status = status
	var space [16]string
	keys, size := space[:0], responseRoom+body+body/8
	for key, values := range w.header {
		keys = append(keys, key)
		for _, v := range values {
			size += len(key) + len(v) + len(`"":"",`)
		}
	}
	w.out = w.format.open(make([]byte, 0, size), status)
	slices.Sort(keys) // the same response for the same header
	for _, key := range keys {
		values := w.header[key]
		switch key {
		case "Content-Type":
			w.typed = true
		case "Content-Encoding":
			w.encoded = len(values) > 0 && values[0] != ""
		}
		switch {
		case len(values) == 0 || !validHeaderKey(key):
		case !w.format.multiValue() && len(key) == len(setCookie) && strings.EqualFold(key, setCookie):
			w.cookies = append(w.cookies, values...)
		default:
			w.out = w.format.header(w.out, key, values...)
		}
	}
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(s string) (int, error) { return write(w, s) }

func write[S string | []byte](w *responseWriter, p S) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, http.ErrHandlerTimeout
	}
	w.commit(http.StatusOK, len(p))
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
	w.commit(http.StatusOK, 0)
}

// sniffLen is how much of a body [http.DetectContentType] looks at.
const sniffLen = 512

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// close makes the writer refuse whatever its handler still writes.
func (w *responseWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// finish renders the response and returns it with its size; a response over
// maxPayloadBytes is not rendered to the end. What goroutines that the handler
// left behind still write comes too late.
func (w *responseWriter) finish() ([]byte, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(http.StatusOK, 0)
	w.closed = true
	b := w.closeHeader(w.body)
	if w.head {
		w.body = nil
	}
	return w.appendBody(b)
}

// closeHeader ends the header, of which the Content-Type may be missing, and writes
// the cookies.
func (w *responseWriter) closeHeader(body []byte) []byte {
	b := w.out
	if !w.typed && !w.encoded && len(body) > 0 {
		b = w.format.header(b, "Content-Type", http.DetectContentType(body))
	}
	if w.format == formatALB {
		b = appendCookieHeaders(b, w.format, w.cookies)
	}
	b = append(b, '}')
	if w.format == formatV2 && len(w.cookies) > 0 {
		b = append(b, `,"cookies":[`...)
		for i, c := range w.cookies {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonscan.AppendString(b, oneLine(c))
		}
		b = append(b, ']')
	}
	return b
}

// appendBody ends the response with its body: as text where that is faithful
// and fits, and in base64 otherwise.
func (w *responseWriter) appendBody(b []byte) ([]byte, int) {
	const textEnd, base64End = `,"isBase64Encoded":false}`, `,"isBase64Encoded":true}`
	b = append(b, `,"body":`...)
	encoded := len(b) + 2 + base64.StdEncoding.EncodedLen(len(w.body)) + len(base64End)
	if len(w.body) == 0 || !w.encoded && utf8.Valid(w.body) {
		b = slices.Grow(b, min(len(w.body)+len(w.body)/8, maxPayloadBytes)+len(textEnd)+2)
		if len(b)+len(w.body) <= maxPayloadBytes || encoded <= maxPayloadBytes {
			text := append(jsonscan.AppendBytes(b, w.body), textEnd...)
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
	for i, c := range cookies {
		spelled := []byte(setCookie)
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

// setCookie is the one header whose values cannot be joined. Handlers may spell it in
// any case, by writing to the map of the header themselves.
const setCookie = "set-cookie"

// validHeaderKey leaves out what net/http's server leaves out too: trailers
// declared by prefix, and keys that are not tokens (RFC 9110, section 5.6.2).
func validHeaderKey(key string) bool {
	for i := range len(key) {
		if !tokenByte[key[i]] {
			return false // the colon of the prefix as well
		}
	}
	return key != ""
}

var tokenByte = func() (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
	}
	return t
}()
