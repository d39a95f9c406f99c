package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/localtest"
)

// TestApp runs the whole app on this machine: a client in a room gets the reply to its own
// message, and the announcements in the room.
func TestApp(t *testing.T) {
	t.Parallel()
	app := localtest.Start(t, ".", local.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, _, err := websocket.Dial(ctx, app.WebSocketURL()+"?room=tea", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()

	hear := func(want string) {
		t.Helper()
		if _, got, err := client.Read(ctx); err != nil || string(got) != want {
			t.Errorf("heard %q, %v, want %q", got, err, want)
		}
	}
	if err := client.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	hear("you said: hello")
	resp, err := http.Post(app.HTTPURL()+"/rooms/tea", "text/plain", strings.NewReader("the kettle is on"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	hear("the kettle is on")
}
