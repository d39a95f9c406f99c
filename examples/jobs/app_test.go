package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/localtest"
)

// TestApp runs the whole app on this machine, on a clock that the test moves.
func TestApp(t *testing.T) {
	t.Parallel()
	clock := local.NewManualClock(time.Now())
	app := localtest.Start(t, ".", local.Options{Clock: clock})

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
	order(`{"item": "tea", "count": 2}`)
	order(`{"item": "unicorn", "count": 1}`)
	jobs := func() local.EventSourceCounters { return app.State().EventSources[0].Counters }
	localtest.Await(t, "both orders were tried, and the unicorn failed", func() bool {
		return jobs().Messages == 2 && jobs().Failed == 1
	})
	clock.Advance(11 * time.Second) // the delay of RetryAfter
	localtest.Await(t, "the unicorn was tried again", func() bool {
		return jobs().Messages == 3 && jobs().Failed == 2
	})

	nightly := func() int { return app.State().Schedules[0].Runs }
	clock.Advance(24 * time.Hour)
	localtest.Await(t, "the schedule ran once in the night", func() bool { return nightly() == 1 })
}
