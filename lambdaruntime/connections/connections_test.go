package connections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call is one request that the server got.
type call struct{ Method, Path, Body string }

// server speaks the @connections API of the stage "live".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html (2026-11)
type server struct {
	t     *testing.T
	mu    sync.Mutex
	calls []call
	// answer returns the answer of each call; nil is 200 with nothing.
	answer func(n int, c call) (status int, body string)
}

func setup(t *testing.T) (*server, *Client) {
	t.Helper()
	s := &server{t: t}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"HEARTH_WEBSOCKET_ENDPOINT": srv.URL + "/live", "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	c := New()
	c.pause = func(int) time.Duration { return 0 }
	return s, c
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	auth := r.Header.Get("Authorization")
	if !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(auth, "/eu-central-1/execute-api/aws4_request") {
		s.t.Errorf("Authorization header %q", auth)
	}
	for _, header := range []string{"host", "x-amz-date", "x-amz-security-token"} {
		if !strings.Contains(auth, header) {
			s.t.Errorf("header %s is not signed: %q", header, auth)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	c := call{r.Method, r.URL.EscapedPath(), string(body)}
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if s.answer == nil {
		return
	}
	status, text := s.answer(n, c)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// TestNamed has a program that pushes to two WebSocket APIs.
func TestNamed(t *testing.T) {
	s, _ := setup(t)
	t.Setenv("HEARTH_WEBSOCKET_ENDPOINT_ADMIN", strings.Replace(os.Getenv("HEARTH_WEBSOCKET_ENDPOINT"), "/live", "/admin", 1))
	for name, want := range map[string]string{"": "/live/@connections/id", "admin": "/admin/@connections/id"} {
		s.calls = nil
		if err := Named(name).Send(t.Context(), "id", []byte("x")); err != nil || len(s.calls) != 1 || s.calls[0].Path != want {
			t.Errorf("%q: %v, %v", name, s.calls, err)
		}
	}
	if err := Named("other").Send(t.Context(), "id", nil); err == nil || !strings.HasPrefix(err.Error(), "connections: HEARTH_WEBSOCKET_ENDPOINT_OTHER must be ") {
		t.Errorf("got %v", err)
	}
}

func TestSend(t *testing.T) {
	s, c := setup(t)
	if err := c.Send(t.Context(), "L0SM9cOFvHcCIhw=", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.SendJSON(t.Context(), "a/b c+d=", map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context(), "L0SM9cOFvHcCIhw="); err != nil {
		t.Fatal(err)
	}
	want := []call{
		{"POST", "/live/@connections/L0SM9cOFvHcCIhw%3D", "hello"},
		{"POST", "/live/@connections/a%2Fb%20c%2Bd%3D", `{"n":1}`},
		{"DELETE", "/live/@connections/L0SM9cOFvHcCIhw%3D", ""},
	}
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestGet(t *testing.T) {
	s, c := setup(t)
	s.answer = func(int, call) (int, string) {
		return 200, `{"connectedAt":"2026-11-01T10:00:00.123Z","identity":{"sourceIp":"192.0.2.1","userAgent":"test/1"},"lastActiveAt":"2026-11-01T10:05:00Z"}`
	}
	got, err := c.Get(t.Context(), "id=")
	if err != nil {
		t.Fatal(err)
	}
	want := &Connection{
		ConnectedAt:  time.Date(2026, 11, 1, 10, 0, 0, 123e6, time.UTC),
		LastActiveAt: time.Date(2026, 11, 1, 10, 5, 0, 0, time.UTC),
		SourceIP:     "192.0.2.1", UserAgent: "test/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.answer = func(int, call) (int, string) { return 200, `<html>` }
	if _, err := c.Get(t.Context(), "id="); err == nil || !strings.HasPrefix(err.Error(), `connections: get "id=": read the answer: `) {
		t.Errorf("got error %v", err)
	}
}

func TestStatuses(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		calls  int
		want   string
	}{
		{410, `{"message":null}`, 1, `connections: send "id=": 410 Gone`},
		{403, `{"message":"Forbidden"}`, 1, `connections: send "id=": 403 Forbidden: Forbidden; the function needs execute-api:ManageConnections on this stage, which hearth.Backend and hearth.WebSocketApi.ConnectManage give`},
		{400, `{"message":"Invalid connectionId: id="}`, 1, `connections: send "id=": 400 Bad Request: Invalid connectionId: id=`},
		{302, ``, 1, `connections: send "id=": 302 Found`},
		{429, `{"message":"Too Many Requests"}`, maxAttempts, `connections: send "id=": 429 Too Many Requests: Too Many Requests`},
		{500, `<html>`, maxAttempts, `connections: send "id=": 500 Internal Server Error`},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			s, c := setup(t)
			s.answer = func(int, call) (int, string) { return tc.status, tc.body }
			err := c.Send(t.Context(), "id=", []byte("x"))
			var status *Error
			if !errors.As(err, &status) || status.Status != tc.status || err.Error() != tc.want {
				t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
			}
			if errors.Is(err, ErrGone) != (tc.status == 410) {
				t.Errorf("errors.Is(err, ErrGone) is %t", errors.Is(err, ErrGone))
			}
			if len(s.calls) != tc.calls {
				t.Errorf("got %d calls, want %d", len(s.calls), tc.calls)
			}
		})
	}
}

func TestRetrySucceeds(t *testing.T) {
	s, c := setup(t)
	s.answer = func(n int, _ call) (int, string) {
		if n < maxAttempts-1 {
			return 503, ""
		}
		return 200, ""
	}
	if err := c.Send(t.Context(), "id=", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, got := range s.calls {
		if got.Body != "x" {
			t.Errorf("a retry sent %q", got.Body)
		}
	}
}

func TestBrokenConnectionIsRetried(t *testing.T) {
	s, c := setup(t)
	s.answer = func(n int, _ call) (int, string) {
		if n == 0 {
			panic(http.ErrAbortHandler)
		}
		return 200, ""
	}
	if err := c.Send(t.Context(), "id=", []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func TestStopsWithItsContext(t *testing.T) {
	s, c := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.answer = func(int, call) (int, string) { cancel(); return 500, "" }
	c.pause = func(int) time.Duration { return time.Hour }
	if err := c.Send(ctx, "id=", nil); err == nil {
		t.Error("got no error")
	}
	if len(s.calls) != 1 {
		t.Errorf("got %d calls, want 1", len(s.calls))
	}
}

func TestLimits(t *testing.T) {
	s, c := setup(t)
	if err := c.Send(t.Context(), "id=", make([]byte, 128*1024)); err != nil {
		t.Errorf("largest message: %v", err)
	}
	for _, tc := range []struct {
		data []byte
		want string
	}{
		{make([]byte, 128*1024+1), `connections: send "id=": a message must be up to 131072 bytes, got 131073; send a link to the data instead`},
		{[]byte{0xff}, `connections: send "id=": a message must be valid UTF-8; encode binary data, for example as base64`},
	} {
		if err := c.Send(t.Context(), "id=", tc.data); err == nil || err.Error() != tc.want {
			t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
		}
	}
	if err := c.Close(t.Context(), ""); err == nil {
		t.Error("an empty id must be refused: it would name the API itself")
	}
	if len(s.calls) != 1 {
		t.Errorf("got %d calls, want 1", len(s.calls))
	}
}

func TestConfigurationErrors(t *testing.T) {
	for _, tc := range []struct{ name, env, value, want string }{
		{"no endpoint", "HEARTH_WEBSOCKET_ENDPOINT", "", `connections: HEARTH_WEBSOCKET_ENDPOINT must be the WebSocket stage's URL, https://{api-id}.execute-api.{region}.amazonaws.com/{stage}, got ""; hearth.Backend and hearth.WebSocketApi.ConnectManage set it`},
		{"the client's URL", "HEARTH_WEBSOCKET_ENDPOINT", "wss://x/live", `connections: HEARTH_WEBSOCKET_ENDPOINT must be the WebSocket stage's URL, https://{api-id}.execute-api.{region}.amazonaws.com/{stage}, got "wss://x/live"; hearth.Backend and hearth.WebSocketApi.ConnectManage set it`},
		{"no region", "AWS_REGION", "", `connections: AWS_REGION must be set; Lambda sets it, elsewhere set it yourself`},
		{"no credentials", "AWS_SECRET_ACCESS_KEY", "", `connections: send "id=": request not made: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set; Lambda sets them from the function's role, elsewhere set them yourself`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := setup(t)
			t.Setenv("AWS_DEFAULT_REGION", "")
			t.Setenv(tc.env, tc.value)
			err := c.Send(t.Context(), "id=", nil)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
			}
			if len(s.calls) != 0 {
				t.Errorf("got %d calls, want none", len(s.calls))
			}
		})
	}
}

func TestSendAll(t *testing.T) {
	s, c := setup(t)
	s.answer = func(_ int, got call) (int, string) {
		switch {
		case strings.Contains(got.Path, "gone"):
			return 410, ""
		case strings.Contains(got.Path, "bad"):
			return 400, ""
		}
		return 200, ""
	}
	ids := []string{"gone1="}
	for i := range 50 {
		ids = append(ids, fmt.Sprintf("id%d=", i))
	}
	ids = append(ids, "bad=", "gone2=")
	gone, err := c.SendAll(t.Context(), ids, []byte("x"))
	if diff := cmp.Diff([]string{"gone1=", "gone2="}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	if want := `connections: send "bad=": 400 Bad Request`; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if len(s.calls) != len(ids) {
		t.Errorf("got %d calls, want %d", len(s.calls), len(ids))
	}
}

func TestSendAllSendsOnce(t *testing.T) {
	s, c := setup(t)
	s.answer = func(_ int, got call) (int, string) {
		if strings.Contains(got.Path, "gone") {
			return 410, ""
		}
		return 200, ""
	}
	ids := []string{"a=", "gone=", "a=", "b=", "gone=", "a="}
	gone, err := c.SendAll(t.Context(), ids, []byte("x"))
	if err != nil || len(gone) != 1 || len(s.calls) != 3 {
		t.Errorf("got gone %q, %v and %d calls; want one gone and 3 calls", gone, err, len(s.calls))
	}
	if ids[2] != "a=" {
		t.Error("the caller's slice was changed")
	}
}

func TestSendAllThrottled(t *testing.T) {
	s, c := setup(t)
	s.answer = func(int, call) (int, string) { return 429, `{"message":"Too Many Requests"}` }
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("id%d=", i))
	}
	gone, err := c.SendAll(t.Context(), ids, []byte("x"))
	const line = `connections: send "id%d=": 429 Too Many Requests: Too Many Requests`
	want := "200 sends failed, the first 3:\n" + fmt.Sprintf(line+"\n"+line+"\n"+line, 0, 1, 2)
	if gone != nil || err == nil || err.Error() != want {
		t.Errorf("got %q and error\n%v\nwant\n%s", gone, err, want)
	}
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 429 {
		t.Errorf("the error is not one of API Gateway's: %v", err)
	}
}
