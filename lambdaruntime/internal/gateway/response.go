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

// Response collects a handler's response. Its lock is for handlers that outlive their
// request: after Close or the end of the request's context, it refuses every write.
type Response struct {
	format Format
	head   bool // a HEAD request: no body
	header http.Header
	ctx    context.Context // of the request; nil until there is one

	mu       sync.Mutex
	closed   bool
	status   int      // 0 until the header is written
	out      []byte   // the response up to its headers, which are still open
	cookies  []string // if the format has a separate field for them
	typed    bool     // the handler has set a Content-Type, possibly to none
	encoded  bool     // the handler has set a Content-Encoding: the body is not text
	declared int64    // the Content-Length that the handler has set, or -1
	written  int64    // by the handler
	body     []byte
}

func (w *Response) open(format Format, head bool) {
	w.format, w.head, w.header, w.declared = format, head, http.Header{}, -1
}

// Header implements [http.ResponseWriter].
func (w *Response) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. It drops informational responses (1xx): a
// Lambda response cannot carry them.
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

// refuses reports whether it is too late to write. A handler that waits for its context's
// end before it writes is always too late.
func (w *Response) refuses() bool { return w.closed || w.ctx != nil && w.ctx.Err() != nil }

// responseRoom is the size of a response without its header and body. If quotes must be
// escaped or a Content-Type added, the response is reallocated once.
const responseRoom = len(`{"statusCode":200,"multiValueHeaders":{},"body":"","isBase64Encoded":false}`) + 32

// commit fixes the header as it is now; later changes to it have no effect. It reserves
// space for a body of the given size.
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
	slices.Sort(keys) // the same header always gives the same response
	for _, key := range keys {
		values := w.header[key]
		switch http.CanonicalHeaderKey(key) { // a handler may write any spelling to the map
		case "Content-Type":
			if w.typed = true; status == http.StatusNotModified {
				continue // as net/http does
			}
		case "Content-Encoding":
			w.encoded = len(values) > 0 && values[0] != ""
		case "Content-Length":
			if !w.declare(values) || !bodyAllowed(status) {
				continue
			}
			if values = values[:1]; values[0][0] < '0' || values[0][len(values[0])-1] > '9' { // "+3", " 3 "
				values = []string{strconv.FormatInt(w.declared, 10)}
			}
		case "Connection", "Keep-Alive", "Proxy-Connection", "Trailer", "Transfer-Encoding":
			continue // about a connection, which a Lambda response does not have
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

// declare reads a Content-Length, which must be sent once. Like net/http's server, it
// drops one that is not a number, and all but the first value.
func (w *Response) declare(values []string) bool {
	if len(values) == 0 || w.declared >= 0 {
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
	} else if len(w.body) < sniffLen { // to sniff the Content-Type
		w.body = append(w.body, p[:min(len(p), sniffLen)]...)
	}
	return len(p), nil
}

// admit returns an error unless the handler may write n more bytes of the body.
func (w *Response) admit(n int) error {
	if n == 0 {
		return nil
	}
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	if w.declared >= 0 && w.written+int64(n) > w.declared {
		return http.ErrContentLength
	}
	w.written += int64(n)
	return nil
}

// short returns an error when the handler wrote less than its Content-Length.
func (w *Response) short() error {
	if w.declared <= w.written || w.head || !bodyAllowed(w.status) {
		return nil
	}
	return fmt.Errorf("the handler has set a Content-Length of %d bytes and written %d", w.declared, w.written)
}

// Flush implements [http.Flusher] for handlers that require one. Lambda takes the
// response as a whole, so Flush only fixes the header.
func (w *Response) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.refuses() {
		w.commit(http.StatusOK, 0)
	}
}

// sniffLen is how many bytes of a body [http.DetectContentType] reads.
const sniffLen = 512

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Close makes the response refuse later writes of its handler.
func (w *Response) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// Message closes the response and returns one that the runtime makes in its place.
func (w *Response) Message(status int, text string) []byte {
	w.Close()
	return w.format.message(status, text)
}

// Finish renders the response. It returns an error if the response is over the size
// limit, or if the body is shorter than its Content-Length. It refuses later writes from
// goroutines that the handler left behind.
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

// closeHeader ends the header, with a sniffed Content-Type if the handler set none, and
// writes the cookies.
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

// appendBody ends the response with its body: as text if that is lossless and fits, else
// in base64.
func (w *Response) appendBody(b []byte) ([]byte, error) {
	const textEnd, base64End = `,"isBase64Encoded":false}`, `,"isBase64Encoded":true}`
	limit := w.format.limit()
	b = append(b, `,"body":`...)
	inBase64 := len(b) + 2 + base64.StdEncoding.EncodedLen(len(w.body)) + len(base64End)
	size := inBase64 // of the smaller form, at least
	if len(w.body) == 0 || !w.encoded && utf8.Valid(w.body) {
		if plain := len(b) + 2 + len(w.body) + len(textEnd); plain > limit {
			size = min(size, plain)
		} else {
			b = slices.Grow(b, min(len(w.body)+len(w.body)/8, limit)+len(textEnd)+2)
			text := append(jsonscan.AppendBytes(b, w.body), textEnd...)
			if len(text) <= limit {
				return text, nil
			}
			size = min(size, len(text))
		}
	}
	if inBase64 > limit {
		return nil, fmt.Errorf("response of %d bytes is over %s limit of %d bytes", size, w.format.whose(), limit)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, w.body)
	b = append(b, '"')
	return append(b, base64End...), nil
}

// appendCookieHeaders gives each cookie its own spelling of Set-Cookie, for a load
// balancer without multi-value headers. There one header name has one value, cookies
// cannot be joined, and clients ignore the name's case.
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

// setCookie is the one header whose values cannot be joined. Handlers that write to the
// header's map may spell it in any case.
const setCookie = "set-cookie"

// validHeaderKey rejects the keys that net/http's server leaves out: trailers declared by
// prefix, and keys that are not tokens (RFC 9110, section 5.6.2).
func validHeaderKey(key string) bool {
	for i := range len(key) {
		if !tokenByte[key[i]] {
			return false // also the colon of the trailer prefix
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
