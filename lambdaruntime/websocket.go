package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// WebSocketHandler serves the connections of an API Gateway WebSocket API. API Gateway
// holds the connections. Each of their events is its own invocation, on any instance, so
// keep state in a database. Events of one connection may be handled at the same time. To
// push to a client outside its own message, use package lambdaruntime/connections.
type WebSocketHandler interface {
	// Connect accepts or refuses a new connection, before the handshake is answered. An
	// error refuses it: a [StatusError] with its own status, any other with 500. The
	// program cannot push to the connection before Connect returns.
	Connect(ctx context.Context, r *ConnectRequest) error

	// Message handles a message from a client. [WebSocketMessage.Reply] answers
	// it. On an error the client gets {"error": "…"}: a StatusError's message,
	// that it timed out, or "internal error" for any other.
	Message(ctx context.Context, m *WebSocketMessage) error

	// Disconnect runs after a connection has ended, on a best-effort basis: API Gateway
	// may not send the event. Its error is only logged.
	Disconnect(ctx context.Context, d *DisconnectRequest) error
}

// StatusError is an error meant for a client. Its status refuses a WebSocket connection;
// its message is the reply to a failed WebSocket message.
type StatusError struct {
	// Status is an HTTP status from 400 to 599.
	Status int
	// Message is shown to the client.
	Message string
}

// Error implements error.
func (e *StatusError) Error() string {
	if e.Message == "" {
		return strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	}
	return e.Message
}

// ConnectRequest is a client's handshake.
type ConnectRequest struct {
	// ConnectionID is API Gateway's id for the connection, such as "L0SM9cOFvHcCIhw=".
	ConnectionID string
	// Header holds the handshake's headers, cookies included.
	Header http.Header
	// Host is the host name the client connected to.
	Host string
	// Query holds the parameters after the question mark. Browsers cannot set
	// headers on a WebSocket, so tokens often come here.
	Query url.Values
	// RemoteIP is the client's address.
	RemoteIP string
	// Subprotocol answers the client's Sec-WebSocket-Protocol: set it to one of
	// those offered. Empty selects none.
	Subprotocol string
}

// WebSocketMessage is one message from a client.
type WebSocketMessage struct {
	// ConnectionID is API Gateway's id for the connection.
	ConnectionID string
	// RouteKey is the route that API Gateway selected: "$default" unless the API
	// has others.
	RouteKey string
	// RemoteIP is the client's address.
	RemoteIP string
	// Data is the message: at most 128 KB.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
	Data []byte

	reply []byte
}

// Reply sets the message that the client gets when Message returns without an error; a
// later call replaces it. Lambda returns it as the invocation's response. That needs a
// route response on the API (the Hearth construct has one) but no network access. It must
// be valid UTF-8 and at most 128 KB; otherwise the message fails, with an error in the
// log and to the client.
func (m *WebSocketMessage) Reply(data []byte) { m.reply = data }

// DisconnectRequest says how a connection ended.
type DisconnectRequest struct {
	// ConnectionID is API Gateway's id for the ended connection.
	ConnectionID string
	// Code is the WebSocket close code (1000 normal, 1001 going away, 1006 no
	// close frame …), or 0 when the event does not say.
	Code int
	// Reason is the text of the close frame.
	Reason string
}

func (r *router) serveWebSocket(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	r.warnOdd(ctx, e.Oddities())
	switch e.SocketEvent() {
	case "CONNECT":
		return r.wsConnect(ctx, e, late)
	case "MESSAGE":
		return r.wsMessage(ctx, e, late)
	case "DISCONNECT":
		return r.wsDisconnect(ctx, e, late)
	}
	return r.failed(ctx, fmt.Errorf("lambdaruntime: a WebSocket event's requestContext.eventType must be CONNECT, MESSAGE or DISCONNECT, got %q", e.Context.EventType)), true
}

// runSocket runs one WebSocket handler within the request timeout. respond makes the
// response from the handler's error, or from nil.
func (r *router) runSocket(ctx context.Context, e *event.Envelope, what string, fn func(ctx context.Context) error, respond func(error) []byte, late func(answer)) (answer, bool) {
	end := func(out run.Outcome) answer {
		err := out.Failure()
		r.logSocket(ctx, e, what, err)
		return answer{body: respond(err)}
	}
	op := run.Op{Name: what, Limit: limitBefore(ctx, r.app.requestTimeout(), responseMargin), Grace: graceBefore(ctx, requestGrace), Pool: &r.requests}
	out, ok := r.run(ctx, op, fn, func(out run.Outcome) { late(end(out)) })
	if !ok {
		return answer{}, false
	}
	return end(out), true
}

func (r *router) logSocket(ctx context.Context, e *event.Envelope, what string, err error) {
	if err == nil {
		return
	}
	if errors.Is(err, ErrTimeout) {
		r.metrics.timeout(e.Kind)
	}
	var status *StatusError
	if !errors.As(err, &status) && !isLogged(err) { // refusals are normal
		r.log.ErrorContext(ctx, what+" failed", "connectionId", e.Context.ConnectionID, "error", err.Error())
	}
}

func (r *router) wsConnect(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	header, host := gateway.Headers(e)
	query, _ := url.ParseQuery(gateway.QueryString(e)) // escaped by QueryString itself
	c := &ConnectRequest{
		ConnectionID: e.Context.ConnectionID, Header: header, Host: host, Query: query, RemoteIP: e.Context.SourceIP,
	}
	subprotocol := ""
	return r.runSocket(ctx, e, "WebSocket connect", func(ctx context.Context) error {
		err := r.app.WebSocket.Connect(ctx, c)
		if err == nil {
			subprotocol = c.Subprotocol
		}
		return err
	}, func(err error) []byte {
		if err != nil {
			return wsResponse(statusOf(err), "", nil)
		}
		return wsResponse(http.StatusOK, subprotocol, nil)
	}, late)
}

func (r *router) wsMessage(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	body, _ := gateway.Body(e)
	m := &WebSocketMessage{ConnectionID: e.Context.ConnectionID, RouteKey: e.Context.RouteKey, RemoteIP: e.Context.SourceIP, Data: []byte(body)}
	var reply []byte
	return r.runSocket(ctx, e, "WebSocket message", func(ctx context.Context) error {
		if err := r.app.WebSocket.Message(ctx, m); err != nil {
			return err
		}
		reply = m.reply
		return checkReply(reply)
	}, func(err error) []byte {
		if err == nil {
			return wsResponse(http.StatusOK, "", reply)
		}
		text := "internal error"
		var status *StatusError
		if errors.As(err, &status) {
			text = status.Error()
		} else if errors.Is(err, ErrTimeout) || errors.Is(err, errReply) {
			text = err.Error()
		}
		answer := socketError(text)
		if len(answer) > wire.MaxWebSocketMessage {
			r.log.ErrorContext(ctx, "a StatusError is too long for the client", "connectionId", m.ConnectionID, "bytes", len(answer), "limit", wire.MaxWebSocketMessage)
			answer = socketError(http.StatusText(statusOf(err)))
		}
		return wsResponse(statusOf(err), "", answer)
	}, late)
}

// socketError is the reply to a message that failed.
func socketError(text string) []byte {
	return append(jsonscan.AppendString([]byte(`{"error":`), text), '}')
}

// errReply means that the reply cannot be sent.
var errReply = errors.New("reply not sent")

// checkReply refuses a reply that API Gateway would reject or change.
func checkReply(reply []byte) error {
	switch {
	case len(reply) > wire.MaxWebSocketMessage:
		return fmt.Errorf("%w: it must be at most %d bytes, got %d", errReply, wire.MaxWebSocketMessage, len(reply))
	case !utf8.Valid(reply):
		return fmt.Errorf("%w: it must be valid UTF-8, since API Gateway sends text; encode binary data, for example in base64", errReply)
	}
	return nil
}

func (r *router) wsDisconnect(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	code, _ := strconv.Atoi(strings.Trim(e.Context.DisconnectCode, `"`)) // absent or no number: 0
	d := &DisconnectRequest{ConnectionID: e.Context.ConnectionID, Code: code, Reason: e.Context.DisconnectReason}
	return r.runSocket(ctx, e, "WebSocket disconnect", func(ctx context.Context) error {
		return r.app.WebSocket.Disconnect(ctx, d)
	}, func(err error) []byte {
		if err != nil {
			return wsResponse(statusOf(err), "", nil)
		}
		return wsResponse(http.StatusOK, "", nil)
	}, late)
}

func statusOf(err error) int {
	var status *StatusError
	switch {
	case errors.As(err, &status) && status.Status >= 400 && status.Status <= 599:
		return status.Status
	case errors.Is(err, ErrTimeout):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

func wsResponse(status int, subprotocol string, body []byte) []byte {
	b := append([]byte(`{"statusCode":`), strconv.Itoa(status)...)
	if subprotocol != "" {
		b = append(b, `,"headers":{"Sec-WebSocket-Protocol":`...)
		b = jsonscan.AppendString(b, subprotocol)
		b = append(b, '}')
	}
	if len(body) > 0 {
		b = append(b, `,"body":`...)
		b = jsonscan.AppendBytes(b, body)
	}
	return append(b, '}')
}
