package httpapi

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// event2 is the event in payload format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
type event2 struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  context2          `json:"requestContext"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	StageVariables  map[string]string `json:"stageVariables,omitempty"`
	Body            *string           `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type context2 struct {
	AccountID    string   `json:"accountId"`
	APIID        string   `json:"apiId"`
	Authorizer   any      `json:"authorizer,omitempty"`
	DomainName   string   `json:"domainName"`
	DomainPrefix string   `json:"domainPrefix"`
	HTTP         contextH `json:"http"`
	RequestID    string   `json:"requestId"`
	RouteKey     string   `json:"routeKey"`
	Stage        string   `json:"stage"`
	Time         string   `json:"time"`
	TimeEpoch    int64    `json:"timeEpoch"`
}

type contextH struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// clfTime is the layout of times in API Gateway's events.
const clfTime = "02/Jan/2006:15:04:05 -0700"

func (x *exchange) context2() context2 {
	return context2{
		AccountID: x.config.Account, APIID: x.config.ID, Authorizer: x.authorizer,
		DomainName: x.config.Domain(), DomainPrefix: x.config.ID,
		HTTP:      contextH{x.r.Method, x.path, x.r.Proto, x.sourceIP, x.r.UserAgent()},
		RequestID: x.id, RouteKey: x.routeKey, Stage: x.stageName,
		Time: x.at.UTC().Format(clfTime), TimeEpoch: x.at.UnixMilli(),
	}
}

func (x *exchange) event2() any {
	e := &event2{
		Version: "2.0", RouteKey: x.routeKey, RawPath: x.rawPath(), RawQueryString: x.r.URL.RawQuery,
		Cookies: x.cookies(), Headers: x.headers2(), Query: joinedQuery(x.r.URL.RawQuery),
		RequestContext: x.context2(), PathParameters: x.params, StageVariables: x.stage.Variables,
	}
	e.Body, e.IsBase64Encoded = x.text()
	return e
}

// rawPath returns the path for an event of format 2.0: a Function URL keeps the escapes,
// an HTTP API does not.
func (x *exchange) rawPath() string {
	if x.config.URL == NoURL {
		return x.path
	}
	return x.r.URL.EscapedPath()
}

// hopByHop are the headers that concern only the connection between client and gateway.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Expect": true,
}

// forwarded returns the headers that the gateway passes on.
func (x *exchange) forwarded() http.Header {
	h := make(http.Header, len(x.r.Header)+5)
	for name, values := range x.r.Header {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	h["Host"] = []string{x.r.Host}
	from := x.sourceIP
	if before := strings.Join(h["X-Forwarded-For"], ", "); before != "" {
		from = before + ", " + from
	}
	h["X-Forwarded-For"] = []string{from}
	h["X-Forwarded-Proto"] = []string{"http"}
	_, port, err := net.SplitHostPort(x.r.Host)
	if err != nil {
		port = "80"
	}
	h["X-Forwarded-Port"] = []string{port}
	h["X-Amzn-Trace-Id"] = []string{x.trace}
	return h
}

func (x *exchange) headers2() map[string]string {
	h := x.forwarded()
	m := make(map[string]string, len(h))
	for name, values := range h {
		if name != "Cookie" {
			m[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	if x.config.URL != NoURL {
		if cookies := x.r.Header["Cookie"]; len(cookies) > 0 {
			m["cookie"] = strings.Join(cookies, "; ")
		}
		// A Function URL requires TLS. These are the values of a typical client.
		m["x-amzn-tls-version"], m["x-amzn-tls-cipher-suite"] = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
	}
	return m
}

func (x *exchange) cookies() []string {
	var list []string
	for _, line := range x.r.Header["Cookie"] {
		for _, c := range strings.Split(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				list = append(list, c)
			}
		}
	}
	return list
}

// queryValues decodes a query string in its order, and skips pairs that it cannot decode.
func queryValues(raw string) (names []string, values map[string][]string) {
	if raw == "" {
		return nil, nil
	}
	values = map[string][]string{}
	for _, pair := range strings.Split(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		if s, err := url.QueryUnescape(value); err == nil {
			value = s
		}
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	return names, values
}

func joinedQuery(raw string) map[string]string {
	names, values := queryValues(raw)
	if len(names) == 0 {
		return nil
	}
	m := make(map[string]string, len(names))
	for _, name := range names {
		m[name] = strings.Join(values[name], ",")
	}
	return m
}

// text returns the body for the event, and whether it is in base64.
func (x *exchange) text() (body *string, encoded bool) {
	if len(x.body) == 0 {
		return nil, false
	}
	var s string
	if isText(x.r.Header) && utf8.Valid(x.body) {
		s = string(x.body)
	} else {
		s, encoded = base64.StdEncoding.EncodeToString(x.body), true
	}
	return &s, encoded
}

// isText reports whether the gateway passes a body on as text: text/*, and the
// application types of JSON, XML and JavaScript. All others are in base64, including
// forms, bodies without a type, and compressed bodies. AWS documents only that binary
// bodies are in base64; experiments showed the exact boundary.
func isText(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return false
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return false
	}
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// event1 is the event in payload format 1.0.
type event1 struct {
	Version           string              `json:"version,omitempty"` // absent in a REST API
	Resource          string              `json:"resource"`
	Path              string              `json:"path"`
	HTTPMethod        string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	RequestContext    any                 `json:"requestContext"` // context1, or contextREST
	PathParameters    map[string]string   `json:"pathParameters"`
	StageVariables    map[string]string   `json:"stageVariables"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

type context1 struct {
	AccountID         string    `json:"accountId"`
	APIID             string    `json:"apiId"`
	Authorizer        any       `json:"authorizer,omitempty"`
	DomainName        string    `json:"domainName"`
	DomainPrefix      string    `json:"domainPrefix"`
	ExtendedRequestID string    `json:"extendedRequestId"`
	HTTPMethod        string    `json:"httpMethod"`
	Identity          identity1 `json:"identity"`
	Path              string    `json:"path"`
	Protocol          string    `json:"protocol"`
	RequestID         string    `json:"requestId"`
	RequestTime       string    `json:"requestTime"`
	RequestTimeEpoch  int64     `json:"requestTimeEpoch"`
	ResourceID        *string   `json:"resourceId"`
	ResourcePath      string    `json:"resourcePath"`
	Stage             string    `json:"stage"`
}

type identity1 struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (x *exchange) resource() string {
	if _, path, ok := strings.Cut(x.routeKey, " "); ok {
		return path
	}
	return x.routeKey
}

func (x *exchange) context1() context1 {
	return context1{
		AccountID: x.config.Account, APIID: x.config.ID, Authorizer: x.authorizer,
		DomainName: x.config.Domain(), DomainPrefix: x.config.ID, ExtendedRequestID: x.id,
		HTTPMethod: x.r.Method, Identity: identity1{x.sourceIP, x.r.UserAgent()}, Path: x.path, Protocol: x.r.Proto,
		RequestID: x.id, RequestTime: x.at.UTC().Format(clfTime), RequestTimeEpoch: x.at.UnixMilli(),
		ResourcePath: x.resource(), Stage: x.stageName,
	}
}

// capitalized are the names that a REST API does not write in small letters: those of its
// own headers, and two of the client's.
var capitalized = map[string]bool{
	"Authorization": true, "Host": true, "User-Agent": true, "X-Amzn-Trace-Id": true,
	"X-Forwarded-For": true, "X-Forwarded-Port": true, "X-Forwarded-Proto": true,
}

// spelling1 returns a header's name for format 1.0. An HTTP API writes all names in small
// letters. A REST API does so for a client that speaks HTTP/2, as browsers and curl do. For
// one that speaks HTTP/1.1, AWS keeps the client's spelling, which is not known here. Most
// reports show Authorization with a capital letter; one, of an authorizer, does not.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
// https://github.com/aws/aws-sam-cli/issues/1860 (2026-11)
// https://github.com/hotsock/voker/blob/main/vokerhttp/testdata/apigwv1-request.json (2026-11)
func (x *exchange) spelling1(name string) string {
	if x.config.REST != nil && capitalized[name] {
		return name
	}
	return strings.ToLower(name)
}

// lists1 returns the headers and query parameters for format 1.0: once with the last
// value, once with all values.
func (x *exchange) lists1() (headers map[string]string, all map[string][]string, query map[string]string, queries map[string][]string) {
	sent := x.forwarded()
	headers, all = make(map[string]string, len(sent)), make(map[string][]string, len(sent))
	for name, values := range sent {
		name = x.spelling1(name)
		headers[name], all[name] = values[len(values)-1], values
	}
	names, queries := queryValues(x.r.URL.RawQuery)
	for _, name := range names {
		if query == nil {
			query = map[string]string{}
		}
		query[name] = queries[name][len(queries[name])-1]
	}
	return headers, all, query, queries
}

func (x *exchange) event1() any {
	e := &event1{
		Version: "1.0", Resource: x.resource(), Path: x.path, HTTPMethod: x.r.Method,
		RequestContext: x.context1(), PathParameters: x.params, StageVariables: x.stage.Variables,
	}
	e.Headers, e.MultiValueHeaders, e.Query, e.MultiValueQuery = x.lists1()
	e.Body, e.IsBase64Encoded = x.text()
	return e
}

// since returns the time from t to the request; authorizers' caches use it.
func (x *exchange) since(t time.Time) time.Duration { return x.at.Sub(t) }
