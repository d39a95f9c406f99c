package websocket

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/google/uuid"
	kjson "sigs.k8s.io/json"
)

// event is a connect, message or disconnect event.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html (2026-11)
type event struct {
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Query             map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables    map[string]string   `json:"stageVariables,omitempty"`
	RequestContext    requestContext      `json:"requestContext"`
	Body              *string             `json:"body,omitempty"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`

	trace string // the header X-Amzn-Trace-Id of the invocation

	// Only in events of authorizers.
	Type      string `json:"type,omitempty"`
	MethodARN string `json:"methodArn,omitempty"`
}

type requestContext struct {
	RouteKey          string         `json:"routeKey"`
	MessageID         string         `json:"messageId,omitempty"`
	EventType         string         `json:"eventType"`
	Authorizer        map[string]any `json:"authorizer,omitempty"`
	ExtendedRequestID string         `json:"extendedRequestId"`
	RequestTime       string         `json:"requestTime"`
	MessageDirection  string         `json:"messageDirection"`
	DisconnectCode    *int           `json:"disconnectStatusCode,omitempty"`
	DisconnectReason  *string        `json:"disconnectReason,omitempty"`
	Stage             string         `json:"stage"`
	ConnectedAt       int64          `json:"connectedAt"`
	RequestTimeEpoch  int64          `json:"requestTimeEpoch"`
	Identity          identity       `json:"identity"`
	RequestID         string         `json:"requestId"`
	DomainName        string         `json:"domainName"`
	ConnectionID      string         `json:"connectionId"`
	APIID             string         `json:"apiId"`
}

type identity struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent,omitempty"`
}

func (a *API) newEvent(c *connection, config *Config, routeKey, eventType string) *event {
	now, id := a.clock.Now(), newID()
	return &event{
		StageVariables: config.Stages[c.stage], trace: gateway.Trace("", now),
		RequestContext: requestContext{
			RouteKey: routeKey, EventType: eventType, Authorizer: c.authorizer, ExtendedRequestID: id,
			RequestTime: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), MessageDirection: "IN", Stage: c.stage,
			ConnectedAt: c.at.UnixMilli(), RequestTimeEpoch: now.UnixMilli(), Identity: identity{c.sourceIP, c.userAgent},
			RequestID: id, DomainName: config.ID + ".execute-api." + config.Region + ".amazonaws.com",
			ConnectionID: c.id, APIID: config.ID,
		},
	}
}

// handshake adds the data of the client's handshake.
func (e *event) handshake(r *http.Request, sourceIP string) {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	e.MultiValueHeaders = map[string][]string{
		"Host": {r.Host}, "X-Amzn-Trace-Id": {e.trace}, "X-Forwarded-For": {sourceIP}, "X-Forwarded-Port": {port}, "X-Forwarded-Proto": {"http"},
	}
	for name, values := range r.Header {
		if name != "Connection" && name != "Upgrade" {
			e.MultiValueHeaders[name] = values
		}
	}
	e.Headers = map[string]string{}
	for name, values := range e.MultiValueHeaders {
		e.Headers[name] = values[len(values)-1]
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.Query, e.MultiValueQuery = map[string]string{}, query
		for name, values := range query {
			e.Query[name] = values[len(values)-1]
		}
	}
}

// response is a function's decoded response.
type response struct {
	status  int
	headers map[string]string
	body    string
}

var errMalformed = errors.New("the function's response is malformed")

func readResponse(data []byte) (*response, error) {
	var in struct {
		StatusCode json.RawMessage   `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       *string           `json:"body"`
		Encoded    bool              `json:"isBase64Encoded"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &in); err != nil {
		return nil, errMalformed
	}
	status, err := strconv.Atoi(strings.Trim(string(in.StatusCode), `"`))
	if err != nil {
		return nil, errMalformed
	}
	r := &response{status: status, headers: map[string]string{}}
	for name, value := range in.Headers {
		r.headers[textproto.CanonicalMIMEHeaderKey(name)] = value
	}
	if in.Body != nil {
		r.body = *in.Body
		if in.Encoded {
			raw, err := base64.StdEncoding.DecodeString(r.body)
			if err != nil {
				return nil, errMalformed
			}
			r.body = string(raw)
		}
	}
	return r, nil
}

// invoke sends an event to the function of a route.
func (a *API) invoke(ctx context.Context, route Route, e *event) (*response, error) {
	timeout := route.Timeout
	if timeout <= 0 || timeout > maxTimeout {
		timeout = maxTimeout
	}
	a.mu.Lock()
	timeout = gateway.Limit(timeout, a.config.Debug)
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := uuid.NewString()
	data, err := a.invoker.Invoke(ctx, gateway.Invocation{Function: route.Function, RequestID: id, Trace: gateway.Segment(e.trace), Event: gateway.Encode(e)})
	var answer *response
	if err == nil {
		answer, err = readResponse(data)
	}
	function := route.Function
	if _, name, ok := strings.Cut(function, ":function:"); ok {
		function = name
	}
	switch {
	case errors.Is(err, errMalformed):
		a.logf("%s: RequestId: %s: the response to %s is malformed: it must be JSON with a statusCode", function, id, e.RequestContext.RouteKey)
	case errors.Is(err, context.DeadlineExceeded):
		a.logf("%s: RequestId: %s: no response to %s within %v", function, id, e.RequestContext.RouteKey, timeout)
	}
	return answer, err
}

// connect asks the authorizer and then the route $connect. A status other than 0 refuses
// the connection.
func (a *API) connect(r *http.Request, config Config, c *connection) (subprotocol string, status int) {
	route, ok := config.Routes["$connect"]
	if !ok {
		return "", 0
	}
	e := a.newEvent(c, &config, "$connect", "CONNECT")
	e.handshake(r, c.sourceIP)
	if route.Authorizer != nil {
		if status := a.authorize(r, &config, c, route.Authorizer, *e); status != 0 {
			return "", status
		}
		e.RequestContext.Authorizer = c.authorizer
	}
	answer, err := a.invoke(a.ctx, route, e)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		return "", http.StatusGatewayTimeout
	case err != nil:
		return "", http.StatusBadGateway
	case answer.status < 200 || answer.status > 299:
		if answer.status < 400 || answer.status > 599 {
			answer.status = http.StatusBadGateway
		}
		return "", answer.status
	}
	return answer.headers["Sec-Websocket-Protocol"], 0
}

// message handles a client's message.
func (a *API) message(c *connection, body []byte) {
	a.tell(c, "in", body)
	a.mu.Lock()
	config := a.config
	a.count.MessagesIn++
	a.mu.Unlock()
	key, route, ok := config.route(body)
	e := a.newEvent(c, &config, key, "MESSAGE")
	fail := func(message string) {
		a.counted(func(n *Count) { n.Errors++ })
		data, _ := json.Marshal(struct { // strings always encode
			Message      string `json:"message"`
			ConnectionID string `json:"connectionId"`
			RequestID    string `json:"requestId"`
		}{message, c.id, e.RequestContext.RequestID})
		a.send(c, data) //nolint:errcheck // the connection has ended, which its reader notices
	}
	if !ok {
		fail("Forbidden")
		return
	}
	text := string(body)
	e.Body, e.RequestContext.MessageID = &text, newID()
	answer, err := a.invoke(a.ctx, route, e)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		fail("Endpoint request timed out")
	case err != nil:
		fail("Internal server error")
	case route.Respond && answer.body != "":
		a.send(c, []byte(answer.body)) //nolint:errcheck // the connection has ended, which its reader notices
	}
}

func (a *API) send(c *connection, data []byte) error {
	if err := c.wire.write(opText, data); err != nil {
		return err
	}
	c.touch(a.clock.Now())
	a.tell(c, "out", data)
	a.counted(func(n *Count) { n.MessagesOut++ })
	return nil
}

// disconnected sends the route $disconnect the end of a connection.
func (a *API) disconnected(c *connection, end *closeError) {
	a.tell(c, "disconnect", []byte(end.Error()))
	a.mu.Lock()
	config := a.config
	a.count.Disconnects++
	a.mu.Unlock()
	route, ok := config.Routes["$disconnect"]
	if !ok {
		return
	}
	e := a.newEvent(c, &config, "$disconnect", "DISCONNECT")
	e.RequestContext.DisconnectCode, e.RequestContext.DisconnectReason = &end.code, &end.reason
	e.Headers = map[string]string{"Host": c.host}
	e.MultiValueHeaders = map[string][]string{"Host": {c.host}}
	if _, err := a.invoke(a.ctx, route, e); err != nil {
		a.counted(func(n *Count) { n.Errors++ })
	}
}

// route selects the route of a message; $default if no other matches.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html (2026-11)
func (c *Config) route(body []byte) (key string, route Route, ok bool) {
	if key = c.selected(body); key != "" && !strings.HasPrefix(key, "$") {
		if route, ok = c.Routes[key]; ok {
			return key, route, true
		}
	}
	route, ok = c.Routes["$default"]
	return "$default", route, ok
}

// selected evaluates the route selection expression. It is one path into the body, such
// as $request.body.action, or several in braces, such as
// ${request.body.a}/${request.body.b}.
func (c *Config) selected(body []byte) string {
	var message any
	if json.Unmarshal(body, &message) != nil {
		return ""
	}
	expression := c.RouteSelection
	if path, ok := strings.CutPrefix(expression, "$request.body."); ok {
		return lookup(message, path)
	}
	var key strings.Builder
	for {
		before, rest, ok := strings.Cut(expression, "${request.body.")
		key.WriteString(before)
		if !ok {
			return key.String()
		}
		path, after, ok := strings.Cut(rest, "}")
		if !ok {
			return ""
		}
		key.WriteString(lookup(message, path))
		expression = after
	}
}

func lookup(message any, path string) string {
	for _, name := range strings.Split(path, ".") {
		m, ok := message.(map[string]any)
		if !ok {
			return ""
		}
		message = m[name]
	}
	switch v := message.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// IDs returns the ids of all connections, sorted.
func (a *API) IDs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.conns))
}
