package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// WebSocketHandler serves the connections of an API Gateway WebSocket API. API
// Gateway holds the connections; each of their events is an invocation of its
// own, on any instance, so state belongs in a database. Events of one connection
// may be handled at the same time. To push to a client outside its own message,
// use package lambdaruntime/connections.
type WebSocketHandler interface {
	// Connect decides over a new connection, before the handshake is answered.
	// An error refuses it: a [StatusError] with its own status, any other with
	// 500. The connection cannot be written to before Connect returns.
	Connect(ctx context.Context, r *ConnectRequest) error

	// Message handles a message from a client. [WebSocketMessage.Reply] answers
	// it. On an error the client gets {"error": "…"}: a StatusError's message,
	// that it timed out, or "internal error" for any other.
	Message(ctx context.Context, m *WebSocketMessage) error

	// Disconnect is told, after the fact and on a best-effort basis, that a
	// connection has ended. Its error is only logged.
	Disconnect(ctx context.Context, d *DisconnectRequest) error
}

// StatusError is an error meant for a client: its status refuses a WebSocket
// connection, its message is sent for a failed WebSocket message.
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

// Reply sets the message that the client gets when Message returns without an
// error; a later call replaces it. It travels as the invocation's response,
// which takes a route response on the API (the Hearth construct has one) and no
// network access. It must be valid UTF-8.
func (m *WebSocketMessage) Reply(data []byte) { m.reply = data }

// DisconnectRequest says how a connection ended.
type DisconnectRequest struct {
	// ConnectionID is API Gateway's id for the connection, which is gone.
	ConnectionID string
	// Code is the WebSocket close code (1000 normal, 1001 going away, 1006 no
	// close frame …), or 0 when the event does not say.
	Code int
	// Reason is the text of the close frame.
	Reason string
}

func (r *router) serveWebSocket(ctx context.Context, e *envelope) ([]byte, error) {
	switch e.ctx.eventType {
	case "CONNECT":
		return r.wsConnect(ctx, e)
	case "MESSAGE":
		return r.wsMessage(ctx, e)
	case "DISCONNECT":
		return r.wsDisconnect(ctx, e)
	}
	return nil, fmt.Errorf("lambdaruntime: a WebSocket event's requestContext.eventType must be CONNECT, MESSAGE or DISCONNECT, got %q", e.ctx.eventType)
}

// wsCall runs one WebSocket handler within the request timeout.
func (r *router) wsCall(ctx context.Context, e *envelope, what string, fn func(ctx context.Context) error) error {
	err, _ := r.call(ctx, call{what: what, limit: limitBefore(ctx, r.app.requestTimeout(), responseMargin), fn: fn})
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrTimeout) {
		r.metrics.timeout(e.kind)
	}
	var status *StatusError
	var p *panicError
	if !errors.As(err, &status) && !errors.As(err, &p) { // refusals are no news, panics are logged
		r.log.ErrorContext(ctx, what+" failed", "connectionId", e.ctx.connectionID, "error", err.Error())
	}
	return err
}

func (r *router) wsConnect(ctx context.Context, e *envelope) ([]byte, error) {
	header, host, err := e.headers(nil)
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: read WebSocket handshake: headers: %w", err)
	}
	rawQuery, err := e.queryString()
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: read WebSocket handshake: query string: %w", err)
	}
	query, _ := url.ParseQuery(rawQuery) // escaped by queryString itself
	c := &ConnectRequest{
		ConnectionID: e.ctx.connectionID, Header: header, Host: host, Query: query, RemoteIP: e.ctx.sourceIP,
	}
	subprotocol := ""
	err = r.wsCall(ctx, e, "WebSocket connect", func(ctx context.Context) error {
		err := r.app.WebSocket.Connect(ctx, c)
		if err == nil {
			subprotocol = c.Subprotocol
		}
		return err
	})
	if err != nil {
		return wsResponse(statusOf(err), "", nil), nil
	}
	return wsResponse(http.StatusOK, subprotocol, nil), nil
}

func (r *router) wsMessage(ctx context.Context, e *envelope) ([]byte, error) {
	body, err := e.bodyString()
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: read WebSocket message: %w", err)
	}
	m := &WebSocketMessage{ConnectionID: e.ctx.connectionID, RouteKey: e.ctx.routeKey, RemoteIP: e.ctx.sourceIP, Data: []byte(body)}
	var reply []byte
	err = r.wsCall(ctx, e, "WebSocket message", func(ctx context.Context) error {
		if err := r.app.WebSocket.Message(ctx, m); err != nil {
			return err
		}
		reply = m.reply
		return nil
	})
	if err != nil {
		text := "internal error"
		var status *StatusError
		if errors.As(err, &status) {
			text = status.Error()
		} else if errors.Is(err, ErrTimeout) {
			text = err.Error()
		}
		body := append(jsonscan.AppendString([]byte(`{"error":`), text), '}')
		return wsResponse(statusOf(err), "", body), nil
	}
	return wsResponse(http.StatusOK, "", reply), nil
}

func (r *router) wsDisconnect(ctx context.Context, e *envelope) ([]byte, error) {
	code, _ := strconv.Atoi(e.ctx.disconnectCode) // absent or no number: 0
	d := &DisconnectRequest{ConnectionID: e.ctx.connectionID, Code: code, Reason: e.ctx.disconnectReason}
	err := r.wsCall(ctx, e, "WebSocket disconnect", func(ctx context.Context) error {
		return r.app.WebSocket.Disconnect(ctx, d)
	})
	if err != nil {
		return wsResponse(statusOf(err), "", nil), nil
	}
	return wsResponse(http.StatusOK, "", nil), nil
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
