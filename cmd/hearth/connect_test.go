package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/internal/within"
)

// echoEngine simulates a running engine with one WebSocket API. The API returns each message
// with the query in front, and closes the connection on "bye".
func echoEngine(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	mux.HandleFunc("GET /_hearth/state", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"webSocketApis": [{"logicalId": "Chat", "name": "Shop-Chat", "url": "ws%s/live"}]}`, strings.TrimPrefix(srv.URL, "http"))
	})
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "no" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if string(data) == "bye" {
				conn.Close(websocket.StatusNormalClosure, "")
				return
			}
			conn.Write(ctx, websocket.MessageText, []byte(r.URL.RawQuery+": "+string(data)))
		}
	})
	return srv.URL
}

func TestConnect(t *testing.T) {
	t.Parallel()
	url := echoEngine(t)
	t.Run("a pipe", func(t *testing.T) {
		t.Parallel()
		out := &bytes.Buffer{}
		err := run(t.Context(), []string{"connect", "--url", url, "--wait", "300ms", "?user=anna"}, strings.NewReader("one\ntwo\x1b[2J\n"), out, io.Discard)
		if want := "user=anna: one\nuser=anna: two\\x1b[2J\n"; err != nil || out.String() != want {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	})
	t.Run("the API ends it", func(t *testing.T) {
		t.Parallel()
		in, _ := io.Pipe() // in never ends
		if err := run(t.Context(), []string{"connect", "--url", url}, io.MultiReader(strings.NewReader("bye\n"), in), io.Discard, io.Discard); err != nil {
			t.Error(err)
		}
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		in, _ := io.Pipe()
		r, w := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, []string{"connect", "--url", url, "a=b"}, io.MultiReader(strings.NewReader("hello\n"), in), w, io.Discard)
		}()
		if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || line != "a=b: hello\n" {
			t.Errorf("got %q, %v", line, err)
		}
		cancel()
		if err := within.Receive(t, ended); err != nil {
			t.Error(err)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		t.Parallel()
		for want, args := range map[string][]string{
			"the API answered 403 Forbidden":                        {"--header", "Authorization: no"},
			`connect: --api must be one of Chat, got "News"`:        {"--api", "News"},
			`must be NAME: VALUE, got "x"; see hearth connect`:      {"--header", "x"},
			"connect takes at most one query, got 2 arguments; see": {"a", "b"},
		} {
			err := run(t.Context(), append([]string{"connect", "--url", url}, args...), strings.NewReader(""), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: got %v, want %s", args, err, want)
			}
		}
	})
}
