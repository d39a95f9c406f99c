package app_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/localtest"
)

// TestApp runs the whole app on this machine, on a clock that the test moves. An order goes
// through the API and the queue to the job and the database, and the client gets a message
// about it. The test is skipped if PostgreSQL is not installed and DATABASE_URL is not set.
func TestApp(t *testing.T) {
	t.Parallel()
	clock := local.NewManualClock(time.Now())
	app := localtest.Start(t, ".", local.Options{Clock: clock, Database: localtest.Database(t)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, _, err := websocket.Dial(ctx, app.WebSocketURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()

	order := func(body string) {
		t.Helper()
		resp, err := http.Post(app.HTTPURL()+"/orders", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			t.Errorf("%s: %s", body, resp.Status)
		}
	}
	order(`{"id": "1", "item": "tea", "count": 2}`)
	if _, got, err := client.Read(ctx); err != nil || string(got) != "shipped: 2 tea" {
		t.Errorf("heard %q, %v", got, err)
	}
	resp, err := http.Get(app.HTTPURL() + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != `[{"id":"1","item":"tea","count":2}]`+"\n" {
		t.Errorf("GET /orders: %s, %v", body, err)
	}

	order(`{"id": "2", "item": "unicorn", "count": 1}`)
	failed := func() int { return app.State().EventSources[0].Counters.Failed }
	localtest.Await(t, "the unicorn is out of stock", func() bool { return failed() == 1 })
	clock.Advance(11 * time.Second) // the delay of RetryAfter
	localtest.Await(t, "it was tried again", func() bool { return failed() == 2 })

	clock.Advance(24 * time.Hour)
	localtest.Await(t, "the schedule ran once in the night", func() bool { return app.State().Schedules[0].Runs == 1 })
}
