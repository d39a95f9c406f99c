// Package httpapi simulates API Gateway HTTP APIs, and Function URLs, in front of
// Lambda functions.
//
//	api := httpapi.New(invoker)
//	err := api.Configure(httpapi.Config{ID: "abc", Stages: …, Routes: …})
//	http.ListenAndServe("127.0.0.1:3000", api)
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/lambdahearth/hearth/internal/wire"
)

// Limits of HTTP APIs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html (2026-11)
const (
	maxHeaderBytes     = 10240
	maxBodyBytes       = 10 * 1024 * 1024
	maxTimeout         = 30 * time.Second
	authorizerTimeout  = 10 * time.Second
	discoveryTimeout   = 1500 * time.Millisecond
	maxDiscoveryBytes  = 150000
	authorizerCacheMax = 1000

	// maxEventBytes is Lambda's limit for an event.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	maxEventBytes = 6*1024*1024 + 100
)

// Invoker invokes Lambda functions. An error with a method Throttled that returns true
// says that Lambda throttled the invocation.
type Invoker interface {
	Invoke(ctx context.Context, i gateway.Invocation) ([]byte, error)
	// InvokeStream is Invoke, but returns when the response begins.
	InvokeStream(ctx context.Context, i gateway.Invocation) (*Stream, error)
}

// Stream is a response that arrives while the function writes it. A Read fails when the
// function fails.
type Stream struct {
	ContentType string
	io.ReadCloser
}

// Config is an API's configuration.
type Config struct {
	// ID, Region and Account are parts of the API's domain and ARNs.
	ID, Region, Account string
	// Stages are the deployed stages, by name.
	Stages map[string]Stage
	// Routes are the API's routes.
	Routes []Route
	// CORS makes the API answer preflight requests. Nil leaves them to the routes.
	CORS *CORS
	// URL is the kind of a Function URL; NoURL for an HTTP or REST API.
	URL URLKind
	// Debug lifts the time limits of integrations.
	Debug bool
	// REST makes this a REST API; nil for other kinds.
	REST *REST
}

// Stage is a deployed stage. $default is served at the root, other stages below their
// name.
type Stage struct {
	Variables map[string]string
}

// Route is one route.
type Route struct {
	// Key is "$default" or a method, which may be ANY, and a path:
	// "GET /users/{id}", "ANY /{proxy+}".
	Key string
	// Integration handles the route's requests.
	Integration Integration
	// Authorizer guards the route; nil lets everybody in.
	Authorizer *Authorizer
	// Scopes are alternatives: a JWT must have at least one of them.
	Scopes []string
	// ResourceID is the id of the resource in a REST API.
	ResourceID string
}

// Integration is a Lambda proxy integration.
type Integration struct {
	// Function is the ARN of a function, alias or version.
	Function string
	// Version is the payload format, "1.0" or "2.0".
	Version string
	// Timeout is the integration's timeout; 0 means 30 seconds, in a REST API 29.
	Timeout time.Duration
	// Stream says that a REST API streams the response.
	Stream bool
	// Method is the HTTP method with which a REST API calls Lambda. "" means POST; Lambda
	// takes no other, so that each request gets 500.
	Method string
	// Mock is a REST API's answer without a function; nil invokes the function.
	Mock *Mock
	// NotSimulated says that the integration is of a kind that the engine does not simulate.
	// Every request gets 501, which API Gateway itself never answers.
	NotSimulated bool
}

// API is an HTTP API with its stages. It is safe for concurrent use.
//
// It differs from AWS: it speaks plain HTTP on loopback. The Host header and
// X-Forwarded-Proto have the client's values here, while the event's domainName has the
// form of a deployed API's. Throttling settings, access logs, custom domains, mutual TLS,
// parameter mappings and integrations other than Lambda are not simulated. Routes with
// IAM authorization let everybody in.
//
// AWS does not document some cases. Here, headers over the limit give 431, and an event
// over Lambda's 6 MB gives 413. [isText] decides by the Content-Type whether a body is
// text.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html (2026-11)
type API struct {
	invoker Invoker
	logf    func(format string, args ...any)
	state   atomic.Pointer[state]
	counts  Counters
}

type state struct {
	config Config
	routes *router
}

// Counters count an API's requests and errors.
type Counters struct {
	requests, client, server atomic.Int64
}

// Count is a snapshot of an API's counters.
type Count struct {
	Requests     int64 `json:"requests"`
	ClientErrors int64 `json:"clientErrors"` // answers 4xx
	ServerErrors int64 `json:"serverErrors"` // answers 5xx
}

// New returns an API without routes. logf gets a line for each error that the gateway
// answers because of a function; nil discards the lines.
func New(invoker Invoker, logf func(format string, args ...any)) *API {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	a := &API{invoker: invoker, logf: logf}
	a.state.Store(&state{routes: &router{}})
	return a
}

// Configure sets or changes the API's configuration. Requests in progress keep the old
// one.
func (a *API) Configure(c Config) error {
	r, err := c.router()
	if err != nil {
		return err
	}
	a.state.Store(&state{config: c, routes: r})
	return nil
}

// Count returns the present counters.
func (a *API) Count() Count {
	return Count{a.counts.requests.Load(), a.counts.client.Load(), a.counts.server.Load()}
}

// Domain returns the API's domain, as it would be on AWS.
func (c *Config) Domain() string {
	if c.URL != NoURL {
		return c.ID + wire.FunctionURLDomain + c.Region + ".on.aws"
	}
	return c.ID + ".execute-api." + c.Region + ".amazonaws.com"
}

// exchange is one request in progress.
type exchange struct {
	*state
	r          *http.Request
	path       string // with the stage; an HTTP API decodes it
	rest       string // a REST API's path without the stage
	stageName  string
	stage      Stage
	route      *Route
	routeKey   string
	function   string // the ARN of the route's function; see [exchange.findFunction]
	params     map[string]string
	id         string // the request id
	invocation string // the invocation's request id
	extendedID string // a REST API's second request id
	trace      string // of the request; events have it
	segment    string // the trace of the invocation
	at         time.Time
	sourceIP   string
	body       []byte
	authorizer any  // the authorizer's part of the request context
	denied     bool // the authorizer's policy has a Deny for this request
	cutOff     bool
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.counts.requests.Add(1)
	x := &exchange{state: a.state.Load(), r: r, at: time.Now()}
	x.id, x.invocation = x.config.requestIDs()
	w.Header().Set(x.config.requestIDHeader(), x.id)
	serve := a.serve
	if x.config.REST != nil {
		serve = a.serveREST
	}
	status := serve(w, x)
	switch {
	case status >= 500:
		a.counts.server.Add(1)
	case status >= 400:
		a.counts.client.Add(1)
	}
	if x.cutOff {
		panic(http.ErrAbortHandler) // shows the client that the response is incomplete
	}
}

func (a *API) serve(w http.ResponseWriter, x *exchange) (status int) {
	if headerBytes(x.r) > maxHeaderBytes {
		return refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
	}
	cors := x.config.CORS
	if cors.answer(w, x.r) {
		return http.StatusNoContent
	}
	rest, ok := x.findStage()
	if !ok {
		return refuse(w, http.StatusNotFound, "Not Found")
	}
	if x.route, x.params = x.routes.find(x.r.Method, rest); x.route == nil {
		return refuse(w, http.StatusNotFound, "Not Found")
	}
	x.routeKey = x.route.Key
	x.sourceIP = gateway.SourceIP(x.r)
	x.trace = gateway.Trace(x.r.Header.Get("X-Amzn-Trace-Id"), x.at)
	x.segment = gateway.Segment(x.trace)
	if status, message := a.authorize(x); status != 0 {
		if status == http.StatusUnauthorized && x.route.Authorizer.JWT != nil {
			w.Header().Set("Www-Authenticate", "Bearer")
		}
		return refuse(w, status, message)
	}
	var err error
	if x.body, err = readBody(w, x.r); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		}
		return refuse(w, http.StatusBadRequest, "Bad Request")
	}

	integration := x.route.Integration
	if integration.NotSimulated {
		return a.notSimulated(w, x)
	}
	if x.function, err = x.findFunction(integration.Function); err != nil {
		return a.failed(x.r.Context(), w, x, err)
	}
	event := x.event2
	if integration.Version == "1.0" {
		event = x.event1
	}
	payload := gateway.Encode(event())
	if len(payload) > maxEventBytes {
		return refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	if x.config.URL == StreamingURL {
		return a.stream(x.r.Context(), w, x, payload)
	}
	ctx, cancel := x.bound()
	defer cancel()
	result, err := a.invoker.Invoke(ctx, x.invoke(payload))
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	answer, err := readResponse(result, integration.Version)
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	kind := "text/plain;charset=UTF-8"
	if x.config.URL != NoURL {
		kind = "application/json" // source: LocalStack's captures of AWS, 2026-03
	}
	answer.defaultType(kind)
	cors.adjust(answer.header, x.r)
	answer.write(w, x.r)
	return answer.status
}

// notSimulated answers a request whose integration the engine does not simulate.
func (a *API) notSimulated(w http.ResponseWriter, x *exchange) int {
	a.logf("%s: its integration is not simulated here; the client gets %d", x.routeKey, http.StatusNotImplemented)
	return refuse(w, http.StatusNotImplemented, "hearth: the integration of "+x.routeKey+" is not simulated on this machine")
}

// invoke returns the invocation of the route's function.
func (x *exchange) invoke(event []byte) gateway.Invocation {
	return gateway.Invocation{Function: x.function, RequestID: x.invocation, Trace: x.segment, Event: event}
}

// stageVariable matches a stage variable in the ARN of a function.
var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([a-zA-Z0-9_]+)\}`)

var errNoVariable = errors.New("the stage does not have the variable")

// HasStageVariable reports whether an ARN depends on the stage.
func HasStageVariable(function string) bool { return stageVariable.MatchString(function) }

// findFunction puts the values of stage variables into the ARN of a function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/aws-api-gateway-stage-variables-reference.html (2026-11)
//
// If the stage lacks one, a REST API answers 500. Source: LocalStack's captures of AWS,
// 2026-03, for an HTTP integration.
func (x *exchange) findFunction(arn string) (string, error) {
	var err error
	found := stageVariable.ReplaceAllStringFunc(arn, func(s string) string {
		name := stageVariable.FindStringSubmatch(s)[1]
		value, ok := x.stage.Variables[name]
		if !ok {
			err = fmt.Errorf("%w %q", errNoVariable, name)
		}
		return value
	})
	return found, err
}

// bound returns a context that bounds an invocation. A Function URL has no limit except
// its function's timeout.
func (x *exchange) bound() (context.Context, context.CancelFunc) {
	if x.config.URL != NoURL || x.config.Debug {
		return context.WithCancel(x.r.Context())
	}
	timeout := x.route.Integration.Timeout
	if x.config.REST != nil {
		if timeout <= 0 {
			timeout = maxRESTTimeout
		}
		return context.WithTimeout(x.r.Context(), timeout)
	}
	if timeout <= 0 || timeout > maxTimeout {
		timeout = maxTimeout
	}
	return context.WithTimeout(x.r.Context(), timeout)
}

// failed answers an invocation that failed or has a malformed response. It logs what the
// function's own log cannot contain.
func (a *API) failed(ctx context.Context, w http.ResponseWriter, x *exchange, err error) (status int) {
	defer func() {
		function := x.function
		if _, name, ok := strings.Cut(function, ":function:"); ok {
			function = name
		}
		switch {
		case errors.Is(err, errNoVariable):
			a.logf("%s: %v; the client gets %d", x.routeKey, err, status)
		case errors.Is(err, errMalformed):
			a.logf("%s: RequestId: %s: the response to %s is malformed: %v; the client gets %d", function, x.invocation, x.routeKey, err, status)
		case errors.Is(err, context.DeadlineExceeded):
			a.logf("%s: RequestId: %s: no response to %s in the time that the integration has; the client gets %d", function, x.invocation, x.routeKey, status)
		}
	}()
	var busy interface{ Throttled() bool }
	throttled := errors.As(err, &busy) && busy.Throttled()
	late := ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) // and not only now
	switch {
	case x.config.REST != nil && (errors.Is(err, errNotBase64) || errors.Is(err, errNoVariable)):
		return restInternal.write(w)
	case x.config.REST != nil:
		return failedREST(throttled, late).write(w)
	case x.config.URL != NoURL && throttled:
		return refuse(w, http.StatusTooManyRequests, "Rate Exceeded.")
	case x.config.URL != NoURL:
		return failedURL(w)
	case throttled || late:
		return refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	}
	return refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > maxBodyBytes {
		return nil, &http.MaxBytesError{Limit: maxBodyBytes}
	}
	if r.ContentLength > 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
}

// refuse sends an answer of the gateway itself.
func refuse(w http.ResponseWriter, status int, message string) int {
	gateway.Refuse(w, status, map[string]string{"message": message})
	return status
}

// headerBytes returns the size of the request line and the headers.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("host") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// findStage returns the path below the stage with which the request's path begins.
//
// An HTTP API decodes the path once, before it looks for a stage and a route. So %2F
// separates segments, and everything after %3F is lost.
func (x *exchange) findStage() (rest string, ok bool) {
	x.path = x.r.URL.Path
	if x.config.URL == NoURL {
		x.path, _, _ = strings.Cut(x.path, "?")
	}
	if !strings.HasPrefix(x.path, "/") {
		x.path = "/" + x.path
	}
	name, rest, _ := strings.Cut(x.path[1:], "/")
	if stage, ok := x.config.Stages[name]; ok && name != "" {
		x.stageName, x.stage = name, stage
		return "/" + rest, true
	}
	x.stageName = "$default"
	x.stage, ok = x.config.Stages["$default"]
	return x.path, ok
}
