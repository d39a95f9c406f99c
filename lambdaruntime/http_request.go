package lambdaruntime

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// request makes the request that the client sent, as net/http's server would
// give it to a handler.
func (e *envelope) request() (*http.Request, error) {
	req := &http.Request{
		Method: e.method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Host: e.ctx.domain,
	}
	if e.kind == KindHTTPv2 {
		req.Method = e.ctx.method
	}
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	if major, minor, ok := http.ParseHTTPVersion(e.ctx.protocol); ok {
		req.Proto, req.ProtoMajor, req.ProtoMinor = e.ctx.protocol, major, minor
	}
	if err := e.readHeaders(req); err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	query, err := e.queryString()
	if err != nil {
		return nil, fmt.Errorf("read query string: %w", err)
	}
	req.URL = requestURL(e.clientPath(), query)
	req.RequestURI = req.URL.RequestURI()
	if ip := e.clientIP(req.Header); ip != "" {
		req.RemoteAddr = net.JoinHostPort(ip, "0") // no event says the port
	}
	if err := e.readBody(req); err != nil {
		return nil, err
	}
	return req, nil
}

// clientPath is the path that the client asked for, less the stage's name, which
// an HTTP API puts before it on its own domain unless the stage is $default; the
// other kinds of events leave it out, and so routes need not know their stage.
func (e *envelope) clientPath() string {
	path := e.path
	if path == "" && e.kind == KindHTTPv2 {
		path = e.ctx.httpPath
	}
	if e.kind == KindHTTPv2 && e.ctx.stage != "" && e.ctx.stage != "$default" && strings.Contains(e.ctx.domain, ".execute-api.") {
		if rest, ok := strings.CutPrefix(path, "/"+e.ctx.stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// requestURL makes a URL whose EscapedPath is path, with any byte that may not
// stand in an escaped path escaped: some events bring paths already decoded, and
// so a "%" that starts no escape stands for itself.
func requestURL(path, query string) *url.URL {
	u := &url.URL{RawQuery: query}
	escaped, usual := escapePath(path)
	u.Path = escaped
	if usual {
		return u
	}
	if p, err := url.PathUnescape(escaped); err == nil {
		u.Path = p
		if u.EscapedPath() != escaped {
			u.RawPath = escaped
		}
	}
	return u
}

// How a byte may stand in an escaped path: RFC 3986, section 3.3, and "[", "]",
// which net/url accepts too.
const (
	pathEscape  = iota // only escaped
	pathAllowed        // as it is, but net/url escapes it by default
	pathUsual          // as it is
)

var pathByte = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		switch {
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~$&+,;=:@/", b) >= 0:
			t[c] = pathUsual
		case strings.IndexByte("!'()*[]", b) >= 0:
			t[c] = pathAllowed
		}
	}
	return t
}()

// escapePath escapes what may not stand in an escaped path. usual says that path
// is what net/url would make of it, unescaped and escaped alike.
func escapePath(path string) (escaped string, usual bool) {
	usual, clean := true, true
	for i := 0; i < len(path); i++ {
		usual = usual && pathByte[path[i]] == pathUsual
		clean = clean && pathByte[path[i]] != pathEscape
	}
	if clean {
		return path, usual
	}
	const upperHex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(path) + 16)
	for i := 0; i < len(path); i++ {
		c := path[i]
		if pathByte[c] != pathEscape || c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String(), false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// readHeaders fills the request's header and host. The values of all headers
// share one array, as they do in net/textproto.
func (e *envelope) readHeaders(req *http.Request) error {
	var values []string
	one := func(v string) []string {
		if len(values) == cap(values) {
			values = make([]string, 0, 32)
		}
		values = append(values, v)
		return values[len(values)-1 : len(values) : len(values)]
	}
	add := func(key, v string) {
		key = http.CanonicalHeaderKey(key)
		if have, ok := req.Header[key]; ok {
			req.Header[key] = append(have, v)
		} else {
			req.Header[key] = one(v)
		}
	}
	var d jsonscan.Decoder
	if raw := e.rawMVHeaders; raw != "" && raw != "null" {
		d = jsonscan.NewDecoder(raw)
		eachPair(&d, func(key string) {
			for more := d.Array(); more && d.Elem(); {
				add(key, d.String())
			}
		})
	} else if e.rawHeaders != "" {
		d = jsonscan.NewDecoder(e.rawHeaders)
		eachPair(&d, func(key string) { add(key, d.String()) })
	}
	if err := d.Err(); err != nil {
		return err
	}
	if e.rawCookies != "" {
		var cookies []string
		d = jsonscan.NewDecoder(e.rawCookies)
		for more := d.Array(); more && d.Elem(); {
			cookies = append(cookies, d.String())
		}
		if err := d.Err(); err != nil {
			return fmt.Errorf("cookies: %w", err)
		}
		if len(cookies) > 0 {
			req.Header["Cookie"] = one(strings.Join(cookies, "; "))
		}
	}
	if host := req.Header["Host"]; len(host) > 0 {
		req.Host = host[0]
		delete(req.Header, "Host")
	}
	return nil
}

// eachPair calls value for each key of an object; value consumes the key's
// value.
func eachPair(d *jsonscan.Decoder, value func(key string)) {
	for more := d.Object(); more; {
		var key string
		if key, more = d.Key(); more {
			value(key)
		}
	}
}

// queryString rebuilds what followed the question mark. API Gateway decodes the
// parameters of a 1.0 event; a load balancer hands them on as they came.
func (e *envelope) queryString() (string, error) {
	if e.kind == KindHTTPv2 {
		return e.query, nil
	}
	escape := url.QueryEscape
	if e.kind == KindALB {
		escape = func(s string) string { return s }
	}
	var b strings.Builder
	add := func(key, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(key))
		b.WriteByte('=')
		b.WriteString(escape(value))
	}
	var d jsonscan.Decoder
	if raw := e.rawMVQuery; raw != "" && raw != "null" {
		d = jsonscan.NewDecoder(raw)
		eachPair(&d, func(key string) {
			for more := d.Array(); more && d.Elem(); {
				add(key, d.String())
			}
		})
	} else if e.rawQuery != "" {
		d = jsonscan.NewDecoder(e.rawQuery)
		eachPair(&d, func(key string) { add(key, d.String()) })
	}
	return b.String(), d.Err()
}

// clientIP is the address of the client: the gateway says it, a load balancer
// appends it to X-Forwarded-For.
func (e *envelope) clientIP(h http.Header) string {
	if e.kind != KindALB {
		return e.ctx.sourceIP
	}
	forwarded := h["X-Forwarded-For"]
	if len(forwarded) == 0 {
		return ""
	}
	last := forwarded[len(forwarded)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

func (e *envelope) readBody(req *http.Request) error {
	if e.rawBody == "" {
		return nil
	}
	d := jsonscan.NewDecoder(e.rawBody)
	body := d.String()
	if err := d.Err(); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if body == "" {
		return nil
	}
	if !e.base64 {
		req.Body = &stringBody{Reader: strings.NewReader(body)}
		req.ContentLength = int64(len(body))
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return errBody
	}
	if len(data) > 0 {
		req.Body = &stringBody{Reader: strings.NewReader(string(data))}
		req.ContentLength = int64(len(data))
	}
	return nil
}

// stringBody is a request's body. It has no WriteTo, which would hide reads from
// middleware that wraps it.
type stringBody struct{ *strings.Reader }

func (*stringBody) Close() error { return nil }
