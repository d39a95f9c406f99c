package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05"
	for _, c := range []struct{ expression, zone, after, want string }{
		{"cron(0 3 * * ? *)", "", "2026-11-23 02:59:59", "2026-11-23 03:00:00"},
		{"cron(0 3 * * ? *)", "", "2026-11-23 03:00:00", "2026-11-24 03:00:00"},
		{"cron(*/15 8-17 ? * MON-FRI *)", "", "2026-11-20 17:45:00", "2026-11-23 08:00:00"},
		{"cron(5/20 * * * ? *)", "", "2026-11-23 10:05:00", "2026-11-23 10:25:00"},
		{"cron(0 0 L * ? *)", "", "2028-02-01 00:00:00", "2028-02-29 00:00:00"},
		{"cron(0 0 15W * ? *)", "", "2026-11-01 00:00:00", "2026-11-16 00:00:00"}, // the 15th is a Sunday
		{"cron(0 0 1W * ? *)", "", "2026-07-31 12:00:00", "2026-08-03 00:00:00"},  // the 1st is a Saturday
		{"cron(0 0 ? * 6L *)", "", "2026-11-01 00:00:00", "2026-11-27 00:00:00"},  // the last Friday
		{"cron(0 0 ? * TUE#2 *)", "", "2026-11-01 00:00:00", "2026-11-10 00:00:00"},
		{"cron(0 0 ? * SAT-MON *)", "", "2026-11-23 00:00:00", "2026-11-28 00:00:00"},
		{"cron(0 12 1 JAN,JUL ? 2027-2028)", "", "2026-01-01 00:00:00", "2027-01-01 12:00:00"},
		{"cron(0 12 1 1 ? 2020)", "", "2026-01-01 00:00:00", ""},
		{"cron(0 0 30 2 ? *)", "", "2026-01-01 00:00:00", ""},
		// In Berlin, 2:30 does not exist on 2026-03-29 and comes twice on 2026-10-25.
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28 02:30:00", "2026-03-30 02:30:00"},
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25 02:30:00", "2026-10-26 02:30:00"},
		{"rate(5 minutes)", "", "2026-11-23 00:07:00", "2026-11-23 00:10:00"},
		{"rate(1 day)", "Europe/Berlin", "2026-11-23 12:00:00", "2026-11-24 01:00:00"}, // from the start, midnight UTC
		{"at(2026-12-01T08:00:00)", "Asia/Tokyo", "2026-11-23 00:00:00", "2026-12-01 08:00:00"},
		{"at(2026-12-01T08:00:00)", "", "2026-12-01 08:00:00", ""},
	} {
		e, err := Parse(c.expression, c.zone)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		after, err := time.ParseInLocation(layout, c.after, e.zone)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if next := e.Next(after, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); !next.IsZero() {
			got = next.In(e.zone).Format(layout)
		}
		if got != c.want {
			t.Errorf("%s in %q after %s: got %q, want %q", c.expression, c.zone, c.after, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"daily":                "must be cron(…), rate(…) or at(…)",
		"cron(0 3 * * ?)":      "cron must have 6 fields: minutes, hours, day of month, month, day of week, year; got 5",
		"cron(0 3 * * * *)":    `one of day of month and day of week must be ?, and only one; got "*" and "*"`,
		"cron(0 3 ? * ? *)":    `one of day of month and day of week must be ?, and only one; got "?" and "?"`,
		"cron(60 3 * * ? *)":   `minutes must be values from 0 to 59, got "60"`,
		"cron(0 3 32 * ? *)":   `day of month must be values from 1 to 31, got "32"`,
		"cron(0 3 ? * 8 *)":    `day of week must be values from 1 to 7, got "8"`,
		"cron(0 3 ? * 2#6 *)":  `day of week must be a day, # and a number from 1 to 5, got "2#6"`,
		"cron(0 3 * * ? 1969)": `year must be values from 1970 to 2199, got "1969"`,
		"cron(*/0 3 * * ? *)":  `minutes must be values from 0 to 59, got "*/0"`,
		"rate(0 minutes)":      `rate must be a number from 1 and minutes, hours or days, got "0 minutes"`,
		"rate(5 weeks)":        `rate must be a number from 1 and minutes, hours or days, got "5 weeks"`,
		"at(tomorrow)":         `at must hold a time such as 2027-01-31T08:00:00, got "tomorrow"`,
	} {
		if _, err := Parse(text, ""); err == nil || err.Error() != fmt.Sprintf("schedule expression %q: %s", text, want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	if _, err := Parse("rate(1 day)", "Mars/Olympus"); err == nil || !strings.Contains(err.Error(), "IANA name") {
		t.Errorf("got %v", err)
	}
}

// fakeTarget records deliveries and fails as often as it is told to.
type fakeTarget struct {
	got  chan string // "arn input"
	fail chan error
}

func (f *fakeTarget) Deliver(_ context.Context, arn string, input []byte) error {
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
	if got, want := <-target.got, `arn:f {"t":"2026-11-23T03:00:00Z","a":"arn:s","n":"1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A test that moves the clock over several runs gets them all.
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(72 * time.Hour)
	for range 3 {
		<-target.got
	}
	if err := s.Trigger("off"); err != nil {
		t.Error(err)
	}
	if got := <-target.got; !strings.HasPrefix(got, `arn:o {"account":"","detail":"{}"`) {
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
	for range 3 {
		target.fail <- errors.New("busy")
	}
	if err := s.Trigger("n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"arn:f 1", "arn:f 2", "arn:f 3", "arn:dead 3"} {
		if got := <-target.got; got != want {
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
	if state := s.State(); state[0].Failures != 1 {
		t.Errorf("%+v", state)
	}
}
