package httpapi

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/local/internal/gateway"
)

// versionREST is the payload format of REST APIs: 1.0, but without the field version.
const versionREST = "REST"

// maxRESTTimeout is an integration's default timeout.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html (2026-11)
const maxRESTTimeout = 29 * time.Second

// REST makes an [API] a REST API.
//
// Its events have the client's path with its escapes, but without slashes that are
// doubled at its begin. As on AWS, a path without a resource or a method is answered 403.
// Two kinds of integrations are simulated: Lambda
// proxies, which may stream, and mocks that answer preflight requests. API keys, usage
// plans, request validators, mapping templates, gateway responses, caches, custom domains
// and resource policies are not simulated.
//
// AWS does not document the status codes of failures. Here, a throttled function gives
// 500, and every other failure gives 502.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html (2026-11)
type REST struct {
	// BinaryTypes are the media types whose bodies are in base64, such as image/png and
	// */*.
	BinaryTypes []string
}

// Mock is an integration that answers without a function.
type Mock struct {
	Status int
	Header map[string]string
	// Origins are further allowed origins, as regular expressions. A request from one of
	// them gets its own origin in Access-Control-Allow-Origin.
	Origins []string
}

// restRoute is a resource with its methods.
type restRoute struct {
	segments []string
	methods  map[string]*Route
}

// newRESTRouter sorts resources, the most specific first.
func newRESTRouter(routes []Route) (*router, error) {
	r := &router{}
	byPath := map[string]*restRoute{}
	for i := range routes {
		method, path, ok := strings.Cut(routes[i].Key, " ")
		if !ok || !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("a method must have a path, got %q", routes[i].Key)
		}
		resource := byPath[path]
		if resource == nil {
			resource = &restRoute{strings.Split(path[1:], "/"), map[string]*Route{}}
			byPath[path] = resource
			r.resources = append(r.resources, resource)
		}
		if resource.methods[method] != nil {
			return nil, fmt.Errorf("method %q is there twice", routes[i].Key)
		}
		resource.methods[method] = &routes[i]
	}
	slices.SortStableFunc(r.resources, func(a, b *restRoute) int {
		return compareSegments(a.segments, b.segments)
	})
	return r, nil
}

// findREST returns the method for a request: that of the most specific resource that has
// the method or ANY. So a greedy sibling serves the methods that a resource lacks, as
// LocalStack's captures of AWS (2026-03) show.
func (r *router) findREST(method, path string) (*Route, map[string]string) {
	segments := strings.Split(strings.TrimSuffix(path[1:], "/"), "/")
	for _, resource := range r.resources {
		p := pattern{segments: resource.segments}
		params, ok := p.match(segments)
		if !ok {
			continue
		}
		if route := cmp.Or(resource.methods[method], resource.methods["ANY"]); route != nil {
			return route, params
		}
	}
	return nil, nil
}

// restError is an error that the gateway itself answers.
type restError struct {
	status        int
	kind, message string
}

func (e restError) write(w http.ResponseWriter) int {
	w.Header().Set("X-Amzn-Errortype", e.kind)
	return refuse(w, e.status, e.message)
}

var (
	restMissing      = restError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	restForbidden    = restError{http.StatusForbidden, "ForbiddenException", "Forbidden"}
	restUnauthorized = restError{http.StatusUnauthorized, "UnauthorizedException", "Unauthorized"}
	restTooLong      = restError{http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request Too Long"}
	restBadRequest   = restError{http.StatusBadRequest, "BadRequestException", "Bad Request"}
	restInternal     = restError{http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
	restBadGateway   = restError{http.StatusBadGateway, "InternalServerErrorException", "Internal server error"}
	restTimeout      = restError{http.StatusGatewayTimeout, "InternalServerErrorException", "Endpoint request timed out"}
)

// serveREST serves one request of a REST API.
func (a *API) serveREST(w http.ResponseWriter, x *exchange) int {
	x.extendedID = base64.URLEncoding.EncodeToString(gateway.Random(11))
	w.Header().Set("X-Amz-Apigw-Id", x.extendedID)
	// Slashes before the stage are lost. Further slashes after it are only in the path of
	// the request context. Source: LocalStack's captures of AWS, 2026-03.
	x.path = "/" + strings.TrimLeft(x.r.URL.EscapedPath(), "/")
	name, rest, _ := strings.Cut(x.path[1:], "/")
	var ok bool
	if x.stage, ok = x.config.Stages[name]; !ok {
		return restForbidden.write(w)
	}
	x.stageName, x.rest = name, "/"+strings.TrimLeft(rest, "/")
	if x.route, x.params = x.routes.findREST(x.r.Method, x.rest); x.route == nil {
		return restMissing.write(w)
	}
	x.routeKey = x.route.Key
	x.sourceIP = gateway.SourceIP(x.r)
	x.trace = gateway.Trace(x.r.Header.Get("X-Amzn-Trace-Id"), x.at)
	x.segment = gateway.Segment(x.trace)
	if status, _ := a.authorize(x); status != 0 {
		return a.refusedREST(w, x, status)
	}
	if mock := x.route.Integration.Mock; mock != nil {
		return mock.write(w, x.r)
	}
	if x.route.Integration.NotSimulated {
		return a.notSimulated(w, x)
	}
	if method := x.route.Integration.Method; method != "" && method != http.MethodPost {
		a.logf("%s: its integration calls Lambda with %s instead of POST; the client gets %d", x.routeKey, method, restInternal.status)
		return restInternal.write(w)
	}
	var err error
	if x.body, err = readBody(w, x.r); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return restTooLong.write(w)
		}
		return restBadRequest.write(w)
	}
	if x.function, err = x.findFunction(x.route.Integration.Function); err != nil {
		return a.failed(x.r.Context(), w, x, err)
	}
	payload := gateway.Encode(x.eventREST())
	if len(payload) > maxEventBytes {
		return restTooLong.write(w)
	}
	ctx, cancel := x.bound()
	defer cancel()
	if x.route.Integration.Stream {
		w.Header().Set("X-Amzn-Trace-Id", x.segment)
		return a.stream(ctx, w, x, payload)
	}
	result, err := a.invoker.Invoke(ctx, x.invoke(payload))
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	answer, err := readResponse(result, versionREST)
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	if answer.encoded && x.wantsBinary(answer) {
		if answer.body, err = base64.StdEncoding.DecodeString(string(answer.body)); err != nil {
			return a.failed(ctx, w, x, errNotBase64)
		}
	}
	answer.defaultType("application/json")
	remap(answer.header)
	w.Header().Set("X-Amzn-Trace-Id", x.segment)
	answer.write(w, x.r)
	return answer.status
}

// refusedREST answers a request that the authorizer did not let pass. The bodies are the
// ones that people see on AWS: Message begins with a capital letter, and a failed
// authorizer has the message null.
// https://dev.to/marcogrcr/api-gateway-lambda-authorizer-lambda-proxy-integration-failure-modes-52bc (2026-11)
func (a *API) refusedREST(w http.ResponseWriter, x *exchange, status int) int {
	if status == http.StatusUnauthorized {
		return restUnauthorized.write(w)
	}
	kind, body := "AuthorizerConfigurationException", map[string]any{"message": nil}
	if status == http.StatusForbidden {
		kind = "AccessDeniedException"
		body = map[string]any{"Message": "User is not authorized to access this resource"}
		if x.denied {
			body["Message"] = "User is not authorized to access this resource with an explicit deny"
		}
	}
	w.Header().Set("X-Amzn-Errortype", kind)
	gateway.Refuse(w, status, body)
	return status
}

// remap renames headers that only the gateway may set.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html (2026-11)
func remap(h http.Header) {
	for _, name := range []string{"Connection", "Content-Length", "Date", "Server", "Www-Authenticate"} {
		if values, ok := h[name]; ok {
			delete(h, name)
			h["X-Amzn-Remapped-"+name] = values
		}
	}
}

// wantsBinary reports whether a body in base64 is decoded for the client: if the first
// type that it accepts is binary, whatever the response's own type is. Source: LocalStack's
// captures of AWS, 2026-03. They have no request without the header Accept; here, the
// response's type decides then.
func (x *exchange) wantsBinary(a *answer) bool {
	accept, _, _ := strings.Cut(x.r.Header.Get("Accept"), ",")
	return x.config.REST.isBinary(cmp.Or(accept, a.header.Get("Content-Type")))
}

// isBinary reports whether bodies of a media type are binary. Of the wildcards, only */*
// and those for a subtype have a meaning.
func (c *REST) isBinary(kind string) bool {
	if slices.Contains(c.BinaryTypes, "*/*") {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	family, _, ok := strings.Cut(kind, "/")
	if err != nil || !ok || family == "*" {
		return false
	}
	return slices.Contains(c.BinaryTypes, kind) || slices.Contains(c.BinaryTypes, family+"/*")
}

func (m *Mock) write(w http.ResponseWriter, r *http.Request) int {
	for name, value := range m.Header {
		w.Header()[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
	}
	origin := r.Header.Get("Origin")
	for _, pattern := range m.Origins {
		if matched, err := regexp.MatchString("^(?:"+pattern+")$", origin); err == nil && matched {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
	}
	w.WriteHeader(m.Status)
	return m.Status
}

// failedREST returns the error for a failed invocation.
func failedREST(throttled, late bool) restError {
	switch {
	case throttled:
		return restInternal
	case late:
		return restTimeout
	}
	return restBadGateway
}

// contextREST is the request context of an event.
type contextREST struct {
	ResourceID        string       `json:"resourceId"`
	ResourcePath      string       `json:"resourcePath"`
	HTTPMethod        string       `json:"httpMethod"`
	ExtendedRequestID string       `json:"extendedRequestId"`
	RequestTime       string       `json:"requestTime"`
	Path              string       `json:"path"`
	AccountID         string       `json:"accountId"`
	Protocol          string       `json:"protocol"`
	Stage             string       `json:"stage"`
	DomainPrefix      string       `json:"domainPrefix"`
	RequestTimeEpoch  int64        `json:"requestTimeEpoch"`
	RequestID         string       `json:"requestId"`
	Identity          identityREST `json:"identity"`
	DomainName        string       `json:"domainName"`
	DeploymentID      string       `json:"deploymentId"`
	APIID             string       `json:"apiId"`
	Authorizer        any          `json:"authorizer,omitempty"`
}

// identityREST identifies the caller; without IAM most fields are null.
type identityREST struct {
	AccessKey                     *string `json:"accessKey"`
	AccountID                     *string `json:"accountId"`
	Caller                        *string `json:"caller"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	SourceIP                      string  `json:"sourceIp"`
	User                          *string `json:"user"`
	UserAgent                     string  `json:"userAgent"`
	UserARN                       *string `json:"userArn"`
}

func (x *exchange) contextREST() contextREST {
	return contextREST{
		ResourceID: x.route.ResourceID, ResourcePath: x.resource(), HTTPMethod: x.r.Method, ExtendedRequestID: x.extendedID,
		RequestTime: x.at.UTC().Format(clfTime), Path: x.path, AccountID: x.config.Account, Protocol: x.r.Proto, Stage: x.stageName,
		DomainPrefix: x.config.ID, RequestTimeEpoch: x.at.UnixMilli(), RequestID: x.id,
		Identity: identityREST{SourceIP: x.sourceIP, UserAgent: x.r.UserAgent()}, DomainName: x.config.Domain(), DeploymentID: "local1",
		APIID: x.config.ID, Authorizer: x.authorizer,
	}
}

// droppedREST are further headers that a REST API does not pass on, besides [hopByHop].
// Source: LocalStack's captures of AWS, 2026-03.
var droppedREST = []string{"content-length", "content-md5", "max-forwards", "proxy-authenticate", "server", "www-authenticate"}

// eventREST is the event of a Lambda proxy integration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (2026-11)
func (x *exchange) eventREST() any {
	e := &event1{
		Resource: x.resource(), Path: x.rest, HTTPMethod: x.r.Method, RequestContext: x.contextREST(),
		PathParameters: x.params, StageVariables: x.stage.Variables,
	}
	e.Headers, e.MultiValueHeaders, e.Query, e.MultiValueQuery = x.lists1()
	for _, name := range droppedREST {
		delete(e.Headers, name)
		delete(e.MultiValueHeaders, name)
	}
	if len(x.body) > 0 {
		text := string(x.body)
		if e.IsBase64Encoded = x.config.REST.isBinary(x.r.Header.Get("Content-Type")) || !utf8.Valid(x.body); e.IsBase64Encoded {
			text = base64.StdEncoding.EncodeToString(x.body)
		}
		e.Body = &text
	}
	return e
}

// identityOfREST evaluates an expression such as method.request.header.Authorization.
func (x *exchange) identityOfREST(source string) (string, bool) {
	if name, ok := cutPrefixFold(source, "method.request.header."); ok {
		return strings.Join(x.r.Header.Values(name), ","), true
	}
	if name, ok := cutPrefixFold(source, "method.request.querystring."); ok {
		_, values := queryValues(x.r.URL.RawQuery)
		if list := values[name]; len(list) > 0 {
			return list[len(list)-1], true
		}
		return "", true
	}
	if name, ok := cutPrefixFold(source, "stageVariables."); ok {
		return x.stage.Variables[name], true
	}
	if name, ok := cutPrefixFold(source, "context."); ok {
		return x.identity("$context." + name), true
	}
	return "", false
}

// unescaped decodes a literal segment, so that it matches any spelling by the client.
func unescaped(segment string) string {
	if s, err := url.PathUnescape(segment); err == nil {
		return s
	}
	return segment
}
