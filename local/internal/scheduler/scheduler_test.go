package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"

	"github.com/lambdahearth/hearth/internal/within"
)

// fakeTarget records deliveries and fails as often as it is told to.
type fakeTarget struct {
	got  chan string // "arn input"
	fail chan error
}

func (f *fakeTarget) Deliver(_ context.Context, arn, group string, input []byte) error {
	if group != "" {
		arn += "/" + group
	}
	f.got <- arn + " " + string(input)
	select {
	case err := <-f.fail:
		return err
	default:
		return nil
	}
}

var start = time.Date(2026, 11, 23, 2, 59, 0, 0, time.UTC)

func setup(t *testing.T, schedules ...Schedule) (*Service, *clock.Manual, *fakeTarget) {
	t.Helper()
	c := clock.NewManual(start)
	target := &fakeTarget{make(chan string, 100), make(chan error, 100)}
	s := New(target, c, nil)
	t.Cleanup(s.Stop)
	if err := s.Configure(schedules); err != nil {
		t.Fatal(err)
	}
	return s, c, target
}

func TestRuns(t *testing.T) {
	t.Parallel()
	nightly := Schedule{
		Name: "nightly", ARN: "arn:s", Expression: "cron(0 3 * * ? *)", TargetARN: "arn:f",
		Input: `{"t":"<aws.scheduler.scheduled-time>","a":"<aws.scheduler.schedule-arn>","n":"<aws.scheduler.attempt-number>"}`,
	}
	s, c, target := setup(t, nightly, Schedule{Name: "off", ARN: "arn:o", Expression: "rate(1 minute)", TargetARN: "arn:o", Disabled: true})
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	if got, want := within.Receive(t, target.got), `arn:f {"t":"2026-11-23T03:00:00Z","a":"arn:s","n":"1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A test that moves the clock over several runs gets them all.
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(72 * time.Hour)
	for range 3 {
		within.Receive(t, target.got)
	}
	if err := s.Trigger("off"); err != nil {
		t.Error(err)
	}
	if got := within.Receive(t, target.got); !strings.HasPrefix(got, `arn:o {"account":"","detail":"{}"`) {
		t.Errorf("the default input: %s", got)
	}
	if err := s.Trigger("none"); err == nil || err.Error() != `there is no schedule "none"` {
		t.Errorf("got %v", err)
	}
	// Configured anew, it keeps its counters.
	if err := s.Configure([]Schedule{nightly}); err != nil {
		t.Fatal(err)
	}
	if state := s.State(); len(state) != 1 || state[0].Runs != 4 || !state[0].Next.Equal(start.Add(96*time.Hour+time.Minute)) {
		t.Errorf("%+v", state)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t,
		Schedule{Name: "later", ARN: "1", Expression: "rate(1 hour)", Start: start.Add(30 * time.Minute)},
		Schedule{Name: "ended", ARN: "2", Expression: "rate(1 hour)", End: start.Add(30 * time.Minute)},
	)
	state := s.State()
	if !state[0].Next.Equal(start.Add(30*time.Minute)) || !state[1].Next.IsZero() {
		t.Errorf("%+v", state)
	}
	if err := s.Configure([]Schedule{{Name: "bad", Expression: "rate(x)"}}); err == nil || !strings.HasPrefix(err.Error(), "schedule bad: schedule expression") {
		t.Errorf("got %v", err)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	two := 2
	s, c, target := setup(t, Schedule{Name: "n", ARN: "arn:n", Expression: "at(2027-01-01T00:00:00)", TargetARN: "arn:f", Input: "<aws.scheduler.attempt-number>", Retries: &two, DeadLetterARN: "arn:dead"})
	var log []string // read after Stop
	s.log = func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	for range 3 {
		target.fail <- errors.New("busy")
	}
	if err := s.Trigger("n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"arn:f 1", "arn:f 2", "arn:f 3", "arn:dead 3"} {
		if got := within.Receive(t, target.got); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want < "arn:f 3" && strings.HasPrefix(want, "arn:f") {
			if err := c.AwaitTimers(t.Context(), 2); err != nil { // the schedule and the retry
				t.Fatal(err)
			}
			c.Advance(time.Minute)
		}
	}
	s.Stop()
	if want := []string{"schedule n: busy; it is tried again in 1s", "schedule n: given up: busy"}; !slices.Equal(log, want) {
		t.Errorf("log: got %q, want %q", log, want)
	}
	if state := s.State(); state[0].Failures != 1 {
		t.Errorf("%+v", state)
	}
}
