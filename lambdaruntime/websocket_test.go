package lambdaruntime

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// funcSocket is a WebSocketHandler of functions; nil ones accept.
type funcSocket struct {
	connect    func(ctx context.Context, r *ConnectRequest) error
	message    func(ctx context.Context, m *WebSocketMessage) error
	disconnect func(ctx context.Context, d *DisconnectRequest) error
}

func (s funcSocket) Connect(ctx context.Context, r *ConnectRequest) error {
	if s.connect == nil {
		return nil
	}
	return s.connect(ctx, r)
}

func (s funcSocket) Message(ctx context.Context, m *WebSocketMessage) error {
	if s.message == nil {
		return nil
	}
	return s.message(ctx, m)
}

func (s funcSocket) Disconnect(ctx context.Context, d *DisconnectRequest) error {
	if s.disconnect == nil {
		return nil
	}
	return s.disconnect(ctx, d)
}

func TestWebSocketConnect(t *testing.T) {
	t.Parallel()
	var got ConnectRequest
	b := setup(t, &App{WebSocket: funcSocket{connect: func(_ context.Context, r *ConnectRequest) error {
		got = *r
		r.Subprotocol = "v1.chat"
		return nil
	}}})
	out := b.mustInvoke(t.Context(), sample(t, "websocket-connect"))
	if want := `{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"v1.chat"}}`; out != want {
		t.Errorf("got %s, want %s", out, want)
	}
	want := ConnectRequest{
		ConnectionID: "L0SM9cOFvHcCIhw=", Host: "ws1.execute-api.eu-central-1.amazonaws.com", RemoteIP: "203.0.113.7", Query: url.Values{"token": {"t&1"}},
		Header: http.Header{"Origin": {"https://example.com"}, "Sec-Websocket-Protocol": {"v2.chat, v1.chat"}, "Cookie": {"session=abc"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWebSocketRefusal(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		`{"statusCode":401}`: &StatusError{Status: 401, Message: "sign in first"},
		`{"statusCode":403}`: errors.Join(errors.New("context"), &StatusError{Status: 403}),
		`{"statusCode":500}`: errors.New("database is down"),
	} {
		b := setup(t, &App{WebSocket: funcSocket{connect: func(context.Context, *ConnectRequest) error { return err }}})
		if out := b.mustInvoke(t.Context(), sample(t, "websocket-connect")); out != want {
			t.Errorf("%v: got %s, want %s", err, out, want)
		}
		if logs := len(b.logged("WebSocket connect failed")); logs != strings.Count(want, "500") {
			t.Errorf("%v: %d log records", err, logs)
		}
	}
}

func TestWebSocketMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message func(ctx context.Context, m *WebSocketMessage) error
		want    string
	}{
		"silence": {func(context.Context, *WebSocketMessage) error { return nil }, `{"statusCode":200}`},
		"reply": {func(_ context.Context, m *WebSocketMessage) error {
			m.Reply([]byte("you said " + string(m.Data) + " on " + m.RouteKey + " of " + m.ConnectionID))
			return nil
		}, `{"statusCode":200,"body":"you said {\"action\":\"ping\"} on $default of L0SM9cOFvHcCIhw="}`},
		"error for the client": {func(_ context.Context, m *WebSocketMessage) error {
			m.Reply([]byte("lost"))
			return &StatusError{Status: 422, Message: `unknown action "x"`}
		}, `{"statusCode":422,"body":"{\"error\":\"unknown action \\\"x\\\"\"}"}`},
		"error of our own": {func(context.Context, *WebSocketMessage) error { return errors.New("password is hunter2") }, `{"statusCode":500,"body":"{\"error\":\"internal error\"}"}`},
		"panic":            {func(context.Context, *WebSocketMessage) error { panic("oh") }, `{"statusCode":500,"body":"{\"error\":\"internal error\"}"}`},
	} {
		b := setup(t, &App{WebSocket: funcSocket{message: c.message}})
		if out := b.mustInvoke(t.Context(), sample(t, "websocket-message")); out != c.want {
			t.Errorf("%s: got %s, want %s", name, out, c.want)
		}
	}
}

func TestWebSocketMessageTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{RequestTimeout: 3 * time.Second, WebSocket: funcSocket{message: func(ctx context.Context, m *WebSocketMessage) error {
			<-ctx.Done()
			time.Sleep(time.Second) // ignores the cancellation
			m.Reply([]byte("too late"))
			return nil
		}}})
		want := `{"statusCode":504,"body":"{\"error\":\"WebSocket message: timed out after 3s\"}"}`
		if out := b.mustInvoke(t.Context(), sample(t, "websocket-message")); out != want {
			t.Errorf("got %s, want %s", out, want)
		}
		if !strings.Contains(b.metrics.String(), `"Kind":"websocket","Timeouts":1}`) {
			t.Errorf("metrics: %s", b.metrics)
		}
		time.Sleep(2 * time.Second) // let the abandoned handler end
	})
}

func TestWebSocketDisconnect(t *testing.T) {
	t.Parallel()
	var got DisconnectRequest
	b := setup(t, &App{WebSocket: funcSocket{disconnect: func(_ context.Context, d *DisconnectRequest) error {
		got = *d
		return nil
	}}})
	out := b.mustInvoke(t.Context(), sample(t, "websocket-disconnect"))
	if want := (DisconnectRequest{ConnectionID: "L0SM9cOFvHcCIhw=", Code: 1001, Reason: "Going away"}); got != want || out != `{"statusCode":200}` {
		t.Errorf("got %+v, %s", got, out)
	}
}

func TestWebSocketUnknownEventType(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{WebSocket: funcSocket{}})
	_, err := b.invoke(t.Context(), []byte(`{"requestContext":{"connectionId":"a","eventType":"PING"}}`))
	want := `lambdaruntime: a WebSocket event's requestContext.eventType must be CONNECT, MESSAGE or DISCONNECT, got "PING"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
