package websocket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/local/internal/clock"

	"github.com/lambdahearth/hearth/internal/within"
)

// fakeFunction answers events; those of $disconnect it also notes.
type fakeFunction struct {
	reply  func(e *event) (string, error)
	events chan *event
	ends   chan *event

	mu   sync.Mutex
	log  []string
	left []time.Duration // until the deadlines of the invocations
}

func (f *fakeFunction) logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fakeFunction) Invoke(ctx context.Context, i gateway.Invocation) ([]byte, error) {
	e := &event{}
	if err := json.Unmarshal(i.Event, e); err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		f.mu.Lock()
		f.left = append(f.left, time.Until(deadline))
		f.mu.Unlock()
	}
	if e.RequestContext.EventType == "DISCONNECT" {
		f.ends <- e
		return []byte(`{"statusCode":200}`), nil
	}
	f.events <- e
	out := `{"statusCode":200}`
	if f.reply != nil {
		var err error
		if out, err = f.reply(e); err != nil {
			return nil, err
		}
	}
	if out == "wait" {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return []byte(out), nil
}

type bench struct {
	*API
	*fakeFunction
	clock *clock.Manual
	url   string
}

func setup(t *testing.T, change func(c *Config)) *bench {
	t.Helper()
	f := &fakeFunction{events: make(chan *event, 100), ends: make(chan *event, 100)}
	c := clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	b := &bench{New(f, c, f.logf), f, c, ""}
	config := Config{
		ID: "ws1", Region: "eu-central-1", Account: "123456789012", RouteSelection: "$request.body.action",
		Stages: map[string]map[string]string{"live": nil},
		Routes: map[string]Route{"$connect": {}, "$disconnect": {}, "$default": {Respond: true}, "list": {Respond: true}, "quiet": {}},
	}
	if change != nil {
		change(&config)
	}
	b.Configure(config)
	server := httptest.NewServer(b.API)
	t.Cleanup(func() { b.Stop(); server.Close() })
	b.url = server.URL
	return b
}

func (b *bench) dial(t *testing.T, path string, opts *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	c, resp, err := websocket.Dial(within.Context(t), b.url+path, opts)
	if c != nil {
		t.Cleanup(func() { c.CloseNow() }) //nolint:errcheck // it may be closed
	}
	return c, resp, err
}

func (b *bench) connect(t *testing.T) (*websocket.Conn, string) {
	t.Helper()
	c, _, err := b.dial(t, "/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, within.Receive(t, b.events).RequestContext.ConnectionID
}

func (b *bench) call(t *testing.T, method, id, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+"/live/@connections/"+url.PathEscape(id), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := within.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, data, err := c.Read(within.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func wantEnd(t *testing.T, b *bench, code int, reason string) {
	t.Helper()
	e := within.Receive(t, b.ends)
	if *e.RequestContext.DisconnectCode != code || *e.RequestContext.DisconnectReason != reason {
		t.Errorf("disconnect event: %d %q, want %d %q", *e.RequestContext.DisconnectCode, *e.RequestContext.DisconnectReason, code, reason)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.reply = func(e *event) (string, error) {
		switch e.Query["token"] {
		case "refuse":
			return `{"statusCode":403}`, nil
		case "fail":
			return "", errors.New("no luck")
		}
		if e.Headers["Sec-Websocket-Protocol"] == "" {
			return `{"statusCode":200}`, nil
		}
		return `{"statusCode":200,"headers":{"sec-websocket-protocol":"v2.chat"}}`, nil
	}
	c, _, err := b.dial(t, "/live?token=a%20b", &websocket.DialOptions{Subprotocols: []string{"v1.chat", "v2.chat"}, HTTPHeader: http.Header{"Cookie": {"a=1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subprotocol() != "v2.chat" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	e := within.Receive(t, b.events)
	r := e.RequestContext
	if r.EventType != "CONNECT" || r.RouteKey != "$connect" || r.Stage != "live" || r.ConnectionID == "" || r.APIID != "ws1" || r.Identity.SourceIP != "127.0.0.1" ||
		r.DomainName != "ws1.execute-api.eu-central-1.amazonaws.com" || e.Query["token"] != "a b" || e.Headers["Cookie"] != "a=1" || e.Headers["Sec-Websocket-Protocol"] == "" {
		t.Errorf("event: %+v", e)
	}
	if _, port, _ := strings.Cut(e.Headers["Host"], ":"); e.Headers["X-Forwarded-Port"] != port || !strings.HasPrefix(e.Headers["X-Amzn-Trace-Id"], "Root=1-") || e.Headers["X-Forwarded-Proto"] != "http" {
		t.Errorf("headers: %v", e.Headers)
	}
	for token, want := range map[string]int{"refuse": 403, "fail": 502} {
		_, resp, err := b.dial(t, "/live?token="+token, nil)
		if err == nil || resp.StatusCode != want {
			t.Errorf("%s: %v, want %d", token, err, want)
		}
	}
	for _, path := range []string{"/any/path", "/"} { // there is one stage
		if _, _, err := b.dial(t, path, &websocket.DialOptions{}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	resp, err := within.Client.Get(b.url + "/live")
	if err != nil || resp.StatusCode != 426 {
		t.Errorf("a plain request: %v, %v", resp, err)
	}
	resp.Body.Close()
	if c, open := b.Count(); c.Connects != 3 || c.Refused != 2 || open != 3 {
		t.Errorf("%+v, %d", c, open)
	}
}

// unauthorized is the error of a function that says "Unauthorized".
type unauthorized struct{}

func (unauthorized) Error() string        { return "errorString: Unauthorized" }
func (unauthorized) ErrorMessage() string { return "Unauthorized" }

func TestAuthorizer(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Routes["$connect"] = Route{Authorizer: &Authorizer{Function: "arn:auth", IdentitySource: []string{"route.request.querystring.token"}}}
	})
	b.reply = func(e *event) (string, error) {
		if e.Type != "REQUEST" {
			return `{"statusCode":200}`, nil
		}
		switch e.Query["token"] {
		case "expired":
			return "", unauthorized{}
		case "fails":
			return "", errors.New("no table")
		}
		effect := "Deny"
		if e.Query["token"] == "good" {
			effect = "Allow"
		}
		return fmt.Sprintf(`{"principalId":"anna","policyDocument":{"Statement":[{"Effect":%q,"Action":"execute-api:Invoke","Resource":%q}]},"context":{"n":1234567890}}`, effect, e.MethodARN), nil
	}
	for query, want := range map[string]int{"": 401, "?token=expired": 401, "?token=fails": 500, "?token=bad": 403} {
		if _, resp, err := b.dial(t, "/live"+query, nil); err == nil || resp.StatusCode != want {
			t.Errorf("%q: %v", query, err)
		}
	}
	for range 2 {
		within.Receive(t, b.events)
	}
	if e := within.Receive(t, b.events); e.MethodARN != "arn:aws:execute-api:eu-central-1:123456789012:ws1/live/$connect" {
		t.Errorf("event: %+v", e)
	}
	if _, _, err := b.dial(t, "/live?token=good", nil); err != nil {
		t.Fatal(err)
	}
	within.Receive(t, b.events)
	if a := within.Receive(t, b.events).RequestContext.Authorizer; a["principalId"] != "anna" || a["n"] != "1234567890" {
		t.Errorf("authorizer: %v", a)
	}
}

// TestDebug: while a debugger may hold a process, neither an integration nor an authorizer
// has the time limit of API Gateway.
func TestDebug(t *testing.T) {
	t.Parallel()
	for _, debug := range []bool{false, true} {
		b := setup(t, func(c *Config) {
			c.Debug = debug
			c.Routes["$connect"] = Route{Authorizer: &Authorizer{Function: "arn:auth"}}
		})
		b.reply = func(e *event) (string, error) {
			return fmt.Sprintf(`{"statusCode":200,"principalId":"anna","policyDocument":{"Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":%q}]}}`, e.MethodARN), nil
		}
		b.connect(t)
		b.fakeFunction.mu.Lock()
		left := slices.Clone(b.left)
		b.fakeFunction.mu.Unlock()
		for i, left := range left {
			if (left < time.Hour) == debug {
				t.Errorf("debug %v, invocation %d: %v are left", debug, i, left)
			}
		}
		if len(left) != 2 {
			t.Errorf("%v", left)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c, id := b.connect(t)
	b.reply = func(e *event) (string, error) {
		if *e.Body == `{"action":"fail"}` {
			return "", errors.New("no luck")
		}
		return fmt.Sprintf(`{"statusCode":200,"body":%q}`, e.RequestContext.RouteKey+" "+*e.Body), nil
	}
	for message, want := range map[string]string{
		`{"action":"list"}`:  `list {"action":"list"}`,
		`{"action":"other"}`: `$default {"action":"other"}`,
		`no JSON`:            `$default no JSON`,
	} {
		write(t, c, message)
		if got := read(t, c); got != want {
			t.Errorf("%s: got %s", message, got)
		}
		if e := within.Receive(t, b.events); e.RequestContext.ConnectionID != id || e.RequestContext.MessageID == "" || e.RequestContext.EventType != "MESSAGE" {
			t.Errorf("event: %+v", e)
		}
	}
	write(t, c, `{"action":"quiet"}`) // no route response: nothing comes back
	write(t, c, `{"action":"fail"}`)
	var failure struct{ Message, ConnectionID, RequestID string }
	if err := json.Unmarshal([]byte(read(t, c)), &failure); err != nil || failure.Message != "Internal server error" || failure.ConnectionID != id || failure.RequestID == "" {
		t.Errorf("%+v, %v", failure, err)
	}
	b.Configure(Config{Stages: map[string]map[string]string{"live": nil}, Routes: map[string]Route{}})
	write(t, c, `{}`)
	if got := read(t, c); !strings.HasPrefix(got, `{"message":"Forbidden"`) {
		t.Errorf("without a route: %s", got)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"$request.body.action": "list", "$request.body.a.b": "7", "${request.body.action}/${request.body.a.b}": "list/7",
		"$request.body.gone": "", "$request.body.a": "",
	} {
		c := Config{RouteSelection: expression}
		if got := c.selected([]byte(`{"action":"list","a":{"b":7}}`)); got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)

	c, _ := b.connect(t)
	if err := c.Close(4001, "had enough"); err != nil {
		t.Error(err)
	}
	wantEnd(t, b, 4001, "had enough")

	c, _ = b.connect(t)
	c.CloseNow() //nolint:errcheck // it is the point
	wantEnd(t, b, 1006, "Connection Closed Abnormally")

	c, id := b.connect(t)
	if status, _ := b.call(t, "DELETE", id, ""); status != 204 {
		t.Errorf("DELETE: %d", status)
	}
	if _, _, err := c.Read(within.Context(t)); websocket.CloseStatus(err) != 1000 {
		t.Errorf("the client saw %v", err)
	}
	wantEnd(t, b, 1000, "Connection Closed Normally")

	for what, write := range map[string]struct {
		kind websocket.MessageType
		data []byte
		code websocket.StatusCode
	}{
		"a binary message":       {websocket.MessageBinary, []byte("x"), 1003},
		"a frame of over 32 KB":  {websocket.MessageText, bytes.Repeat([]byte("x"), maxFrameBytes+1), 1009},
		"text that is not UTF-8": {websocket.MessageText, []byte("\xff"), 1007},
	} {
		c, _ = b.connect(t)
		if err := c.Write(t.Context(), write.kind, write.data); err != nil {
			t.Error(err)
		}
		if _, _, err := c.Read(within.Context(t)); websocket.CloseStatus(err) != write.code {
			t.Errorf("%s: the client saw %v", what, err)
		}
		if e := within.Receive(t, b.ends); *e.RequestContext.DisconnectCode != int(write.code) {
			t.Errorf("%s: disconnect event %d", what, *e.RequestContext.DisconnectCode)
		}
	}

	// Many frames make a message of 128 KB at most.
	c, _ = b.connect(t)
	w, err := c.Writer(t.Context(), websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		w.Write(bytes.Repeat([]byte("x"), 16*1024)) //nolint:errcheck // the server closes in between
	}
	w.Close() //nolint:errcheck // the server closes in between
	if _, _, err := c.Read(within.Context(t)); websocket.CloseStatus(err) != 1009 {
		t.Errorf("a message of over 128 KB: the client saw %v", err)
	}
	within.Receive(t, b.ends)
	if _, open := b.Count(); open != 0 {
		t.Errorf("%d connections are left", open)
	}
}

func TestIdleAndLifetime(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	idle, _ := b.connect(t)
	if err := b.clock.AwaitTimers(t.Context(), 2); err != nil { // idle and lifetime
		t.Fatal(err)
	}
	b.clock.Advance(maxIdle)
	if _, _, err := idle.Read(within.Context(t)); websocket.CloseStatus(err) != 1001 {
		t.Errorf("idle: the client saw %v", err)
	}
	wantEnd(t, b, 1001, "Going away")

	busy, id := b.connect(t)
	for range int(maxLifetime/maxIdle)*2 - 1 {
		if err := b.clock.AwaitTimers(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if status, body := b.call(t, "POST", id, "hello"); status != 200 {
			t.Fatalf("POST: %d %s", status, body)
		}
		if got := read(t, busy); got != "hello" {
			t.Fatalf("got %s", got)
		}
		b.clock.Advance(maxIdle / 2)
	}
	b.clock.Advance(maxIdle / 2)
	if _, _, err := busy.Read(within.Context(t)); websocket.CloseStatus(err) != 1001 {
		t.Errorf("lifetime: the client saw %v", err)
	}
	wantEnd(t, b, 1001, "Going away")
}

func TestConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	early := make(chan int, 1)
	b.reply = func(e *event) (string, error) {
		if e.RequestContext.EventType == "CONNECT" {
			status, _ := b.call(t, "POST", e.RequestContext.ConnectionID, "too early")
			early <- status
		}
		return `{"statusCode":200}`, nil
	}
	c, id := b.connect(t)
	if status := within.Receive(t, early); status != 410 {
		t.Errorf("before the handshake: %d", status)
	}
	if status, _ := b.call(t, "POST", id, strings.Repeat("ä", maxMessageBytes/2)); status != 200 {
		t.Errorf("POST: %d", status)
	}
	c.SetReadLimit(-1)
	if got := read(t, c); len(got) != maxMessageBytes {
		t.Errorf("got %d bytes", len(got))
	}
	if status, _ := b.call(t, "POST", id, strings.Repeat("x", maxMessageBytes+1)); status != 413 {
		t.Errorf("a message of over 128 KB: %d", status)
	}
	status, body := b.call(t, "GET", id, "")
	if want := `{"connectedAt":"2026-11-23T00:00:00Z","identity":{"sourceIp":"127.0.0.1","userAgent":"Go-http-client/1.1"},"lastActiveAt":"2026-11-23T00:00:00Z"}`; status != 200 || strings.TrimSpace(body) != want {
		t.Errorf("GET: %d %s", status, body)
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if status, body := b.call(t, method, "gone=", "x"); status != 410 || body != `{"message":"Gone"}` {
			t.Errorf("%s of the gone: %d %s", method, status, body)
		}
	}
	if !b.Serves("/live/@connections/x") || !b.Serves("/live/%40connections/x") || b.Serves("/live/x") || b.Serves("/x/@connections/x") {
		t.Error("Serves is wrong")
	}
}

// TestFrames talks to the server byte by byte.
func TestFrames(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		send []byte
		code uint16
	}{
		"no mask":               {[]byte{0x81, 0x01, 'x'}, 1002},
		"reserved bits":         {[]byte{0xc1, 0x80, 0, 0, 0, 0}, 1002},
		"a fragmented ping":     {[]byte{0x09, 0x80, 0, 0, 0, 0}, 1002},
		"a continuation first":  {[]byte{0x80, 0x80, 0, 0, 0, 0}, 1002},
		"an unknown opcode":     {[]byte{0x83, 0x80, 0, 0, 0, 0}, 1002},
		"a length of 2^63":      {[]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, 1009},
		"a close frame's reply": {[]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}, 1000},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, "GET /live HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			head := make([]byte, 4096)
			n, err := conn.Read(head)
			if err != nil || !strings.Contains(string(head[:n]), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
				t.Fatalf("%s, %v", head[:n], err)
			}
			if _, err := conn.Write(c.send); err != nil {
				t.Fatal(err)
			}
			frame := make([]byte, 4)
			if _, err := io.ReadFull(conn, frame); err != nil || frame[0] != 0x88 || uint16(frame[2])<<8|uint16(frame[3]) != c.code {
				t.Errorf("got % x, %v, want code %d", frame, err, c.code)
			}
		})
	}
}

// TestClientKnowsWhatTheAPIKnows: a connection is there when its client has the answer
// to its handshake, and gone when its client has seen its end.
func TestClientKnowsWhatTheAPIKnows(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for range 1500 {
		c, id := b.connect(t)
		if status, body := b.call(t, "GET", id, ""); status != 200 {
			t.Fatalf("GET after the handshake: %d %s", status, body)
		}
		if status, body := b.call(t, "DELETE", id, ""); status != 204 {
			t.Fatalf("DELETE: %d %s", status, body)
		}
		if _, _, err := c.Read(within.Context(t)); websocket.CloseStatus(err) != 1000 {
			t.Fatalf("the client saw %v", err)
		}
		if status, body := b.call(t, "GET", id, ""); status != 410 {
			t.Fatalf("GET after the end: %d %s", status, body)
		}
		wantEnd(t, b, 1000, "Connection Closed Normally")
	}
}

// TestFirstPushFollowsTheHandshake pushes to a connection as soon as the API takes it,
// which may be before its client has the answer to its handshake.
func TestFirstPushFollowsTheHandshake(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var pushes sync.WaitGroup
	defer pushes.Wait()
	b.reply = func(e *event) (string, error) {
		pushes.Go(func() {
			for status := 0; status != 200 && t.Context().Err() == nil; {
				status, _ = b.call(t, "POST", e.RequestContext.ConnectionID, "hello")
			}
		})
		return `{"statusCode":200}`, nil
	}
	for range 100 {
		c, _ := b.connect(t)
		if got := read(t, c); got != "hello" {
			t.Fatalf("the client got %q", got)
		}
		c.CloseNow() //nolint:errcheck // it is not needed any more
		within.Receive(t, b.ends)
	}
}
