package lambdaruntime

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// blankRequest is what requests are made of: only WithContext gives one a context.
var blankRequest http.Request

// read makes the request that the client sent, as net/http's server would give it to
// a handler.
func (x *exchange) read(ctx context.Context, e *envelope) (*http.Request, error) {
	req := &x.request
	*req = *blankRequest.WithContext(ctx)
	req.Method, req.Proto, req.ProtoMajor, req.ProtoMinor = e.method, "HTTP/1.1", 1, 1
	req.Body, req.Host, req.URL = http.NoBody, e.ctx.domain, &x.url
	if e.kind == KindHTTPv2 {
		req.Method = e.ctx.method
	}
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	if p := e.ctx.protocol; p != "" && p != req.Proto {
		if major, minor, ok := http.ParseHTTPVersion(p); ok {
			req.Proto, req.ProtoMajor, req.ProtoMinor = p, major, minor
		}
	}
	var err error
	if req.Header, req.Host, err = e.headers(x.values[:0]); err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	query, err := e.queryString()
	if err != nil {
		return nil, fmt.Errorf("read query string: %w", err)
	}
	req.RequestURI = setURL(&x.url, e.clientPath(), query)
	req.RemoteAddr = e.remoteAddr(req.Header)
	body, err := e.bodyString()
	if err != nil {
		return nil, err
	}
	if body != "" {
		x.body.Reset(body)
		req.Body, req.ContentLength = &x.body, int64(len(body))
	}
	return req, nil
}

// clientPath is the path that the client asked for, less the stage's name, which
// an HTTP API puts before it on its own domain unless the stage is $default, in both
// payload formats; the other kinds of events leave it out, and so routes need not
// know their stage. Those of a REST API, which otherwise are like format 1.0, have no
// version.
func (e *envelope) clientPath() string {
	path := e.path
	if path == "" && e.kind == KindHTTPv2 {
		path = e.ctx.httpPath
	}
	if (e.kind == KindHTTPv2 || e.kind == KindHTTPv1 && e.version == "1.0") && e.ctx.stage != "" && e.ctx.stage != "$default" && strings.Contains(e.ctx.domain, ".execute-api.") {
		if rest, ok := strings.CutPrefix(path, "/"+e.ctx.stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// setURL makes u a URL whose EscapedPath is path, with any byte that may not
// stand in an escaped path escaped: some events bring paths already decoded, and
// so a "%" that starts no escape stands for itself. It returns u.RequestURI().
func setURL(u *url.URL, path, query string) (requestURI string) {
	escaped, usual := escapePath(path)
	u.Path, u.RawQuery = escaped, query
	if !usual {
		if p, err := url.PathUnescape(escaped); err == nil {
			u.Path = p
			if u.EscapedPath() != escaped {
				u.RawPath = escaped
			}
		}
	}
	if query == "" {
		return escaped
	}
	return escaped + "?" + query
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

// headers reads the request's headers and its host. The headers' values take
// their place in values, as they share an array in net/textproto.
func (e *envelope) headers(values []string) (h http.Header, host string, err error) {
	// Host and, in other formats, Cookie are not among the fields.
	r := headerReader{header: make(http.Header, max(e.pairCount, 0)), values: values, host: e.ctx.domain}
	var d jsonscan.Decoder
	if raw := e.rawMVHeaders; raw != "" && raw != "null" {
		d = jsonscan.NewDecoder(raw)
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			for list := d.Array(); list && d.Elem(); {
				r.add(key, d.String())
			}
		}
	} else if e.pairCount >= 0 {
		if pairs := e.pairs[:e.pairCount]; !r.set(pairs) {
			for _, p := range pairs {
				r.add(p.key, p.value)
			}
		}
	} else {
		d = jsonscan.NewDecoder(e.rawHeaders)
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			r.add(key, d.String())
		}
	}
	if err := d.Err(); err != nil {
		return nil, "", err
	}
	if e.rawCookies != "" {
		var space [8]string
		list := space[:0]
		d = jsonscan.NewDecoder(e.rawCookies)
		for more := d.Array(); more && d.Elem(); {
			list = append(list, d.String())
		}
		if err := d.Err(); err != nil {
			return nil, "", fmt.Errorf("cookies: %w", err)
		}
		cookies := strings.Join(list, "; ")
		if cookies != "" {
			r.header["Cookie"] = r.one(cookies)
		}
	}
	return r.header, r.host, nil
}

type headerReader struct {
	header http.Header
	values []string
	host   string // net/http keeps it out of the header
}

// set sets an empty header to pairs, unless two of them have the same key: to look for
// each key first would take as long again.
func (r *headerReader) set(pairs []pair) bool {
	n := 0
	for _, p := range pairs {
		canonical := canonicalHeader(p.key)
		if canonical == "Host" {
			r.host = p.value
			continue
		}
		r.header[canonical] = r.one(p.value)
		n++
	}
	if len(r.header) == n {
		return true
	}
	clear(r.header)
	return false
}

func (r *headerReader) add(key, v string) {
	canonical := canonicalHeader(key)
	if canonical == "Host" {
		r.host = v
		return
	}
	if have, ok := r.header[canonical]; ok {
		r.header[canonical] = append(have, v)
	} else {
		r.header[canonical] = r.one(v)
	}
}

func (r *headerReader) one(v string) []string {
	if len(r.values) == cap(r.values) {
		r.values = make([]string, 0, 32)
	}
	r.values = append(r.values, v)
	n := len(r.values)
	return r.values[n-1 : n : n]
}

// canonicalHeader is http.CanonicalHeaderKey with the headers that gateways and
// browsers send at hand, which saves making their canonical spelling anew.
func canonicalHeader(key string) string {
	if len(key) >= 2 {
		if usual := &usualHeaders[headerSlot(key)]; usual.key == key {
			return usual.value
		}
	}
	return http.CanonicalHeaderKey(key)
}

// headerSlot tells the usual headers apart: no two of them have the same.
func headerSlot(key string) uint8 {
	n := len(key)
	return uint8(n) + key[0]*2 + key[n-2]*13 + key[n-1]
}

// usualHeaders has each usual header, as it is sent, with its canonical spelling.
var usualHeaders = func() (slots [256]pair) {
	for _, canonical := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Length", "Content-Type", "Cookie",
		"Dnt", "Host", "If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Priority", "Range", "Referer",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
		"Traceparent", "Tracestate", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Amz-Cf-Id", "X-Amzn-Trace-Id", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
		"X-Request-Id", "X-Requested-With",
	} {
		key := strings.ToLower(canonical) // HTTP APIs send them so
		slots[headerSlot(key)] = pair{key, canonical}
	}
	return slots
}()

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
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			for list := d.Array(); list && d.Elem(); {
				add(key, d.String())
			}
		}
	} else if e.rawQuery != "" {
		d = jsonscan.NewDecoder(e.rawQuery)
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			add(key, d.String())
		}
	}
	return b.String(), d.Err()
}

// remoteAddr is the address of the client: the gateway says it, a load balancer
// appends it to X-Forwarded-For. Of the port only a load balancer tells, and only
// with the attribute routing.http.xff_client_port.enabled; it is 0 otherwise.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html (2026-11)
func (e *envelope) remoteAddr(h http.Header) string {
	ip := e.ctx.sourceIP
	if e.kind == KindALB {
		ip = ""
		if forwarded := h["X-Forwarded-For"]; len(forwarded) > 0 {
			last := forwarded[len(forwarded)-1]
			ip = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		}
		if _, err := netip.ParseAddrPort(ip); err == nil {
			return ip
		}
	}
	if ip == "" {
		return ""
	}
	return net.JoinHostPort(ip, "0")
}

// bodyString is the body that the client sent.
func (e *envelope) bodyString() (string, error) {
	if e.rawBody != "" {
		d := jsonscan.NewDecoder(e.rawBody)
		if _, err := d.String(), d.Err(); err != nil {
			return "", fmt.Errorf("read body: %w", err)
		}
	}
	if !e.base64 || e.body == "" {
		return e.body, nil
	}
	data, err := base64.StdEncoding.DecodeString(e.body)
	if err != nil {
		return "", errBody
	}
	return string(data), nil
}

// stringBody is a request's body. It hides the reader's WriteTo, past which
// middleware that wraps the body could not see.
type stringBody struct{ r strings.Reader }

func (b *stringBody) Reset(s string)             { b.r.Reset(s) }
func (b *stringBody) Read(p []byte) (int, error) { return b.r.Read(p) }
func (b *stringBody) Close() error               { return nil }
