// Package gateway turns the HTTP events of API Gateway, function URLs and load
// balancers into the requests that net/http's server would make. It turns responses into
// the bytes that each of these services takes.
package gateway

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Exchange is a request and its response. It holds the parts of a request too, so that
// one allocation serves them all.
type Exchange struct {
	Request  http.Request
	Response Response

	url    url.URL
	body   stringBody
	values [16]string // of the headers
}

// blankRequest is the start of every request: only WithContext can set a context.
var blankRequest http.Request

// Open prepares x.Response in the format of the service that sent the event.
func (x *Exchange) Open(e *event.Envelope) {
	x.Response.open(formatOf(e), Method(e) == http.MethodHead)
}

// Method returns the request's method.
func Method(e *event.Envelope) string {
	switch {
	case e.Kind == event.KindHTTPv2 && e.Context.Method != "":
		return e.Context.Method
	case e.Method != "":
		return e.Method
	}
	return http.MethodGet
}

// Read fills x.Request with the client's request. odd lists oddities of the event that do
// not keep it from being served.
func (x *Exchange) Read(ctx context.Context, e *event.Envelope) (odd []string) {
	req := &x.Request
	*req = *blankRequest.WithContext(ctx)
	x.Response.ctx = ctx
	req.Method, req.Proto, req.ProtoMajor, req.ProtoMinor = Method(e), "HTTP/1.1", 1, 1
	req.Body, req.Host, req.URL = http.NoBody, e.Context.Domain, &x.url
	if p := e.Context.Protocol; p != "" && p != req.Proto {
		if major, minor, ok := http.ParseHTTPVersion(p); ok {
			req.Proto, req.ProtoMajor, req.ProtoMinor = p, major, minor
		}
	}
	req.Header, req.Host = readHeaders(e, x.values[:0])
	query := QueryString(e)
	path := clientPath(e)
	if e.IsHTTPAPI() {
		req.RequestURI = setDecodedURL(&x.url, path, query)
	} else {
		req.RequestURI = setURL(&x.url, path, query)
	}
	req.RemoteAddr = remoteAddr(e, req.Header)
	odd = e.Oddities()
	body, plain := Body(e)
	if plain {
		odd = append(odd, "isBase64Encoded is true, but its body is plain text")
	}
	if body != "" {
		x.body.Reset(body)
		req.Body, req.ContentLength = &x.body, int64(len(body))
	}
	return odd
}

// clientPath returns the path that the client asked for, without the stage. On its own
// domain an HTTP API puts the stage's name before the path, in both payload formats,
// unless the stage is $default. The other services leave it out, so routes need not know
// their stage.
func clientPath(e *event.Envelope) string {
	path := e.Path
	if path == "" && e.Kind == event.KindHTTPv2 {
		path = e.Context.HTTPPath
	}
	if stage := e.Context.Stage; e.IsHTTPAPI() && stage != "" && stage != "$default" && strings.Contains(e.Context.Domain, ".execute-api.") {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// setDecodedURL sets u to a path that the service has already decoded: an HTTP API does,
// in both payload formats, so a client's %2F is a slash there. A request for
// /files/100%2525 arrives as /files/100%25, which is the path. It returns u.RequestURI().
//
// Live captures of all four services, published by hotsock/voker, show which decode
// (2026-07).
func setDecodedURL(u *url.URL, path, query string) (requestURI string) {
	u.Path, u.RawQuery = path, query
	if requestURI = path; !isUsual(path) {
		requestURI = u.EscapedPath()
	}
	if query != "" {
		requestURI += "?" + query
	}
	return requestURI
}

// setURL sets u to a URL whose EscapedPath is path. It escapes every byte that an escaped
// path may not contain; a "%" that starts no escape is a literal one. It returns
// u.RequestURI().
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

// isUsual reports whether path is its own escaped form.
func isUsual(path string) bool {
	for i := range len(path) {
		if pathByte[path[i]] != pathUsual {
			return false
		}
	}
	return true
}

// Whether an escaped path may contain a byte: RFC 3986, section 3.3, plus "[" and "]",
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

// escapePath escapes every byte that an escaped path may not contain. usual means that
// net/url makes the same path, unescaped and escaped.
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

// Headers returns a request's headers and its host.
func Headers(e *event.Envelope) (h http.Header, host string) { return readHeaders(e, nil) }

// readHeaders is Headers; the header's values share the array of values, as in
// net/textproto.
func readHeaders(e *event.Envelope, values []string) (h http.Header, host string) {
	pairs, plain := e.Pairs()
	// Host and, in other formats, Cookie are not among the fields.
	r := headerReader{header: make(http.Header, len(pairs)), values: values, host: e.Context.Domain}
	switch {
	case readFields(e, e.RawMultiHeaders, true, r.add):
	case !plain:
		readFields(e, e.RawHeaders, false, r.add)
	case !r.set(pairs):
		for _, p := range pairs {
			r.add(p.Key, p.Value)
		}
	}
	if e.RawCookies != "" {
		var space [8]string
		list := space[:0]
		d := jsonscan.NewDecoder(e.RawCookies)
		readTexts(e, &d, true, func(v string) { list = append(list, v) })
		cookies := strings.Join(list, "; ")
		if cookies != "" {
			r.header["Cookie"] = r.one(cookies)
		}
	}
	return r.header, r.host
}

// readFields calls add for each value of an object of headers or query parameters, and
// reports whether it has fields. Any other value than an object sets e.NotTexts.
func readFields(e *event.Envelope, raw string, list bool, add func(key, value string)) (some bool) {
	if raw == "" || raw == "null" {
		return false
	}
	d := jsonscan.NewDecoder(raw)
	if d.Peek() != '{' {
		e.NotTexts = true
		return false
	}
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		some = true
		readTexts(e, &d, list, func(v string) { add(key, v) })
	}
	return some
}

// readTexts consumes the value of a header or query parameter, or the cookies, and calls
// add for each string, in a list or alone. list says whether the service sends a list.
// Any other value sets e.NotTexts.
func readTexts(e *event.Envelope, d *jsonscan.Decoder, list bool, add func(string)) {
	isList := d.Peek() == '['
	if list && d.Null() {
		return
	}
	e.NotTexts = e.NotTexts || isList != list
	if !isList {
		add(readText(e, d))
		return
	}
	for more := d.Array(); more && d.Elem(); {
		add(readText(e, d))
	}
}

// readText consumes a string or null. For any other value it returns the JSON text.
func readText(e *event.Envelope, d *jsonscan.Decoder) string {
	if c := d.Peek(); c == '"' || c == 'n' {
		return d.String()
	}
	e.NotTexts = true
	return d.Raw()
}

type headerReader struct {
	header http.Header
	values []string
	host   string // net/http keeps it out of the header
}

// set sets an empty header to pairs, unless two of them have the same key. Looking up
// each key first would double the time.
func (r *headerReader) set(pairs []event.Pair) bool {
	n := 0
	for _, p := range pairs {
		canonical := canonicalHeader(p.Key)
		if canonical == "Host" {
			r.host = p.Value
			continue
		}
		r.header[canonical] = r.one(p.Value)
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

// canonicalHeader is http.CanonicalHeaderKey with a table of the headers that gateways
// and browsers send, which saves an allocation each.
func canonicalHeader(key string) string {
	if len(key) >= 2 {
		if usual := &usualHeaders[headerSlot(key)]; usual.Key == key {
			return usual.Value
		}
	}
	return http.CanonicalHeaderKey(key)
}

// headerSlot hashes a header's name: no two usual headers have the same slot.
func headerSlot(key string) uint8 {
	n := len(key)
	return uint8(n) + key[0]*2 + key[n-2]*13 + key[n-1]
}

// usualHeaders maps the spelling in events of each usual header to its canonical one.
var usualHeaders = func() (slots [256]event.Pair) {
	for _, canonical := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Length", "Content-Type", "Cookie",
		"Dnt", "Host", "If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Priority", "Range", "Referer",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
		"Traceparent", "Tracestate", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Amz-Cf-Id", "X-Amzn-Trace-Id", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
		"X-Request-Id", "X-Requested-With",
	} {
		key := strings.ToLower(canonical) // as HTTP APIs send them
		slots[headerSlot(key)] = event.Pair{Key: key, Value: canonical}
	}
	return slots
}()

// QueryString rebuilds the query string. API Gateway decodes the parameters of a 1.0
// event; a load balancer passes them on unchanged.
func QueryString(e *event.Envelope) string {
	if e.Kind == event.KindHTTPv2 {
		return e.Query
	}
	escape := url.QueryEscape
	if e.Kind == event.KindALB {
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
	if !readFields(e, e.RawMultiQuery, true, add) {
		readFields(e, e.RawQuery, false, add)
	}
	return b.String()
}

// noAddress replaces a client address that is missing in the event, as in a load
// balancer's health checks and in test events: RemoteAddr always parses.
const noAddress = "0.0.0.0:0"

// remoteAddr returns the client's address, from the event's context or, behind a load
// balancer, from the end of X-Forwarded-For. The port is 0, unless a load balancer adds
// it, with the attribute routing.http.xff_client_port.enabled.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html (2026-11)
func remoteAddr(e *event.Envelope, h http.Header) string {
	ip := e.Context.SourceIP
	if e.Kind == event.KindALB {
		ip = ""
		if forwarded := h["X-Forwarded-For"]; len(forwarded) > 0 {
			last := strings.TrimRight(forwarded[len(forwarded)-1], ", ")
			ip = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		}
	}
	if n := len(ip); n > 2 && ip[0] == '[' && ip[n-1] == ']' {
		ip = ip[1 : n-1]
	}
	if _, err := netip.ParseAddr(ip); err == nil {
		return net.JoinHostPort(ip, "0")
	}
	if _, err := netip.ParseAddrPort(ip); err == nil {
		return ip
	}
	return noAddress
}

// Body returns the client's body. plain means that the event calls the body base64 but it
// is not; it is then returned unchanged. For a body of JSON instead of a string, Body
// returns the JSON text.
func Body(e *event.Envelope) (body string, plain bool) {
	if e.RawBody != "" && e.RawBody != "null" {
		return e.RawBody, false
	}
	if !e.Base64 || e.Body == "" {
		return e.Body, false
	}
	data, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return e.Body, true
	}
	return string(data), false
}

// stringBody is a request's body. It hides the reader's WriteTo, which would bypass
// middleware that wraps the body.
type stringBody struct{ r strings.Reader }

func (b *stringBody) Reset(s string)             { b.r.Reset(s) }
func (b *stringBody) Read(p []byte) (int, error) { return b.r.Read(p) }
func (b *stringBody) Close() error               { return nil }
