package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Response collects a handler's response. The lock is there for handlers that outlive
// their request: once closed, or once the request's context has ended, everything they
// write is refused.
type Response struct {
	format Format
	head   bool // a HEAD request: no body
	header http.Header
	ctx    context.Context // of the request; nil until there is one

	mu       sync.Mutex
	closed   bool
	status   int      // 0 until the header is written
	out      []byte   // the response up to its headers, which are still open
	cookies  []string // where the format has a place of its own for them
	typed    bool     // there is a Content-Type, or none is wanted
	encoded  bool     // there is a Content-Encoding: the body is not text
	declared int64    // the Content-Length that the handler has set, or -1
	written  int64    // by the handler
	body     []byte
}

func (w *Response) open(format Format, head bool) {
	w.format, w.head, w.header, w.declared = format, head, http.Header{}, -1
}

// Header implements [http.ResponseWriter].
func (w *Response) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Informational responses (1xx)
// have no place in a Lambda response and are dropped.
func (w *Response) WriteHeader(status int) {
	checkStatus(status)
	w.mu.Lock()
	defer w.mu.Unlock()
	if status >= 200 && !w.refuses() {
		w.commit(status, 0)
	}
}

func checkStatus(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("lambdaruntime: status code must be 100 to 999, got %d", status))
	}
}

// refuses reports whether it is too late to write. A handler that waits for its
// context's end and writes then always comes too late.
func (w *Response) refuses() bool { return w.closed || w.ctx != nil && w.ctx.Err() != nil }

// responseRoom is the size of a response without its header and body. With quotes to
// escape in them or a Content-Type to add, the response moves once.
const responseRoom = len(`{"statusCode":200,"multiValueHeaders":{},"body":"","isBase64Encoded":false}`) + 32

// commit writes the header as it is now; later changes to it have no effect.
// It leaves room for a body of the given size.
func (w *Response) commit(status, body int) {
	if w.status != 0 {
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
	w.out = w.format.begin(make([]byte, 0, size), status)
	slices.Sort(keys) // the same response for the same header
	for _, key := range keys {
		values := w.header[key]
		switch key {
		case "Content-Type":
			w.typed = true
		case "Content-Encoding":
			w.encoded = len(values) > 0 && values[0] != ""
		case "Content-Length":
			if !w.declare(values) {
				continue
			}
		case "Connection", "Keep-Alive", "Proxy-Connection", "Trailer", "Transfer-Encoding":
			continue // of the handler's connection, which there is none of
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

// declare reads a Content-Length. Like net/http's server, it drops one that is no
// number.
func (w *Response) declare(values []string) bool {
	if len(values) == 0 {
		return false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(values[0]), 10, 64)
	if err != nil || n < 0 {
		return false
	}
	w.declared = n
	return true
}

// Write implements [http.ResponseWriter].
func (w *Response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements [io.StringWriter].
func (w *Response) WriteString(s string) (int, error) { return write(w, s) }

func write[S string | []byte](w *Response, p S) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses() {
		return 0, http.ErrHandlerTimeout
	}
	w.commit(http.StatusOK, len(p))
	if err := w.admit(len(p)); err != nil {
		return 0, err
	}
	if !w.head {
		w.body = append(w.body, p...)
	} else if len(w.body) < sniffLen { // what HEAD leaves out still has a type
		w.body = append(w.body, p[:min(len(p), sniffLen)]...)
	}
	return len(p), nil
}

// admit says whether the handler may write n more bytes of the body.
func (w *Response) admit(n int) error {
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	if w.declared >= 0 && w.written+int64(n) > w.declared {
		return http.ErrContentLength
	}
	w.written += int64(n)
	return nil
}

// short returns an error when the handler has promised more than it wrote.
func (w *Response) short() error {
	if w.declared <= w.written || w.head || !bodyAllowed(w.status) {
		return nil
	}
	return fmt.Errorf("the handler has set a Content-Length of %d bytes and written %d", w.declared, w.written)
}

// Flush implements [http.Flusher] for handlers that insist on one. Lambda takes
// the response as a whole, so it only sends the header.
func (w *Response) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.refuses() {
		w.commit(http.StatusOK, 0)
	}
}

// sniffLen is how much of a body [http.DetectContentType] looks at.
const sniffLen = 512

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Close makes the response refuse what its handler still writes.
func (w *Response) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// Message closes the response and returns one of the runtime's own in its place.
func (w *Response) Message(status int, text string) []byte {
	w.Close()
	return w.format.message(status, text)
}

// Finish renders the response. An error says why that cannot be sent: it is over the
// limit of its way in, or its body is shorter than its Content-Length. What goroutines
// that the handler left behind still write comes too late.
func (w *Response) Finish() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(http.StatusOK, 0)
	w.closed = true
	if err := w.short(); err != nil {
		return nil, err
	}
	b := w.closeHeader(w.body)
	if w.head {
		w.body = nil
	}
	return w.appendBody(b)
}

// closeHeader ends the header, of which the Content-Type may be missing, and writes
// the cookies.
func (w *Response) closeHeader(body []byte) []byte {
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
func (w *Response) appendBody(b []byte) ([]byte, error) {
	const textEnd, base64End = `,"isBase64Encoded":false}`, `,"isBase64Encoded":true}`
	limit := w.format.limit()
	b = append(b, `,"body":`...)
	size := len(b) + 2 + base64.StdEncoding.EncodedLen(len(w.body)) + len(base64End)
	if len(w.body) == 0 || !w.encoded && utf8.Valid(w.body) {
		b = slices.Grow(b, min(len(w.body)+len(w.body)/8, limit)+len(textEnd)+2)
		if len(b)+len(w.body) <= limit || size <= limit {
			text := append(jsonscan.AppendBytes(b, w.body), textEnd...)
			if len(text) <= limit {
				return text, nil
			}
			size = min(size, len(text))
		}
		size = min(size, len(b)+2+len(w.body)+len(textEnd)) // at least
	}
	if size > limit {
		return nil, fmt.Errorf("response of %d bytes is over %s limit of %d bytes", size, w.format.whose(), limit)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, w.body)
	b = append(b, '"')
	return append(b, base64End...), nil
}

// appendCookieHeaders gives a load balancer without multi-value headers each
// cookie under a spelling of its own of Set-Cookie, whose case clients ignore:
// one header name carries one value there, and cookies cannot be joined.
func appendCookieHeaders(b []byte, f Format, cookies []string) []byte {
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
