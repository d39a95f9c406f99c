package plan

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// every is due at each multiple of an interval since the beginning.
func every(d time.Duration) func(t, start time.Time) time.Time {
	return func(t, start time.Time) time.Time { return start.Add((t.Sub(start)/d + 1) * d) }
}

// daily is due at a time of each day, in UTC.
func daily(at time.Duration) func(t, start time.Time) time.Time {
	return func(t, _ time.Time) time.Time {
		day := t.Truncate(24 * time.Hour)
		if next := day.Add(at); next.After(t) {
			return next
		}
		return day.Add(24*time.Hour + at)
	}
}

// TestSchedules checks that schedules run at their times, for as many days as they need.
func TestSchedules(t *testing.T) {
	t.Parallel()
	nightly := Schedule{Name: "nightly", Next: daily(3 * time.Hour), Duration: Constant(time.Minute)}
	r := run(t, Scenario{Schedules: []Schedule{nightly, {Name: "often", Next: every(5 * time.Minute), Duration: Constant(time.Second)}}, Init: Constant(time.Second)})
	if r.Length != 24*3600 || r.Schedules[0].Runs != 1 || r.Schedules[0].First != 3*3600 || r.Schedules[0].Latency.Max < 60 {
		t.Errorf("got %+v in %g s", r.Schedules[0], r.Length)
	}
	// At 24 h the day is over. The instance that ran at 02:55 runs again at 03:00, so that
	// one of the two runs then needs another one.
	if often := r.Schedules[1]; often.Runs != 287 || often.First != 300 || often.Cold+r.Schedules[0].Cold < 2 {
		t.Errorf("got %+v", often)
	}
	weekly := Schedule{Name: "weekly", Duration: Constant(1), Next: func(at, _ time.Time) time.Time {
		next := daily(0)(at, at)
		for next.Weekday() != time.Saturday {
			next = next.Add(24 * time.Hour)
		}
		return next
	}}
	for rate, days := range map[float64]float64{1: 7, 100: 1} { // 100 a second would be 60 million requests in a week
		r := run(t, Scenario{Schedules: []Schedule{weekly}, Traffic: Steady(rate), Duration: Constant(time.Millisecond), RequestsPerUnit: -1})
		if r.Length != days*daySeconds || r.Schedules[0].Runs != uint64(days/7) {
			t.Errorf("%g requests/s: %d runs in %g days, want %g days", rate, r.Schedules[0].Runs, r.Length/daySeconds, days)
		}
	}
	// Counts that end end the run as well.
	hour := slices.Repeat([]float64{60}, 60)
	r = run(t, Scenario{Schedules: []Schedule{{Name: "often", Next: every(5 * time.Minute), Duration: Constant(1)}}, Traffic: Counts(time.Minute, hour, false), Duration: Constant(1)})
	if r.Schedules[0].Runs != 11 {
		t.Errorf("%d runs in an hour", r.Schedules[0].Runs)
	}
}

// TestScheduleStart checks that the run begins at its date and time, for schedules and for
// changes of the provisioned concurrency.
func TestScheduleStart(t *testing.T) {
	t.Parallel()
	s := Scenario{
		Schedules: []Schedule{{Name: "nightly", Next: daily(3 * time.Hour), Duration: Constant(1)}}, Start: time.Date(2026, 5, 6, 22, 0, 0, 0, time.UTC),
		Provisioned: Provisioned{Min: 2, Schedule: []Change{{At: 8 * time.Hour, Min: 10}, {At: 20 * time.Hour, Min: 2}}},
	}
	r := run(t, s)
	if r.Schedules[0].First != 5*3600 {
		t.Errorf("the first run is at %g s, want 5 h", r.Schedules[0].First)
	}
	warm := func(hour float64) float64 {
		for _, sample := range r.Series {
			if sample.At > hour*3600 {
				return sample.Provisioned
			}
		}
		return -1
	}
	if warm(9) != 2 || warm(11) != 10 || warm(23) != 2 {
		t.Errorf("provisioned at 7, 9 and 21 o'clock: %g, %g, %g; want 2, 10, 2", warm(9), warm(11), warm(23))
	}
}

// TestWeekdays checks that changes of the provisioned concurrency follow the days of the
// week, from a Monday on, and that the week before gives the first number.
func TestWeekdays(t *testing.T) {
	t.Parallel()
	workdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	p := Provisioned{Min: 1, Schedule: []Change{{At: 8 * time.Hour, Min: 10, Days: workdays}, {At: 20 * time.Hour, Min: 2, Days: workdays[:4]}, {At: 20 * time.Hour, Min: 1, Days: workdays[4:]}}}
	r := run(t, Scenario{Traffic: Steady(0.01), Duration: Constant(time.Second), Provisioned: p, Length: 14 * 24 * time.Hour})
	for hours, want := range map[float64]float64{4: 1, 14: 10, 28: 2, 4*24 + 14: 10, 5*24 + 14: 1, 6*24 + 14: 1, 7*24 + 4: 1, 7*24 + 14: 10, 13*24 + 14: 1} {
		for _, sample := range r.Series {
			if sample.At >= hours*3600 {
				if math.Abs(sample.Provisioned-want) > 1e-9 {
					t.Errorf("%g provisioned at hour %g, want %g", sample.Provisioned, hours, want)
				}
				break
			}
		}
	}
	p.Schedule[2].Days = nil
	const want = "plan: time of a schedule must be 0s to 24h and rise, got 20h0m0s; sort the changes"
	if _, err := Run(Scenario{Traffic: Steady(1), Duration: Constant(1), Provisioned: p}); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestScheduleWindow checks that runs begin at random times within a flexible window.
func TestScheduleWindow(t *testing.T) {
	t.Parallel()
	firsts := map[float64]bool{}
	for seed := range uint64(20) {
		s := Schedule{Name: "flexible", Next: daily(time.Hour), Window: 15 * time.Minute, Duration: Constant(1)}
		first := run(t, Scenario{Schedules: []Schedule{s}, Seed: seed}).Schedules[0].First
		if first < 3600 || first > 3600+900 {
			t.Errorf("seed %d: it runs at %g s", seed, first)
		}
		firsts[first] = true
	}
	if len(firsts) < 20 {
		t.Errorf("%d different times, want 20", len(firsts))
	}
}

// TestThrottledSchedule checks that Lambda retries a throttled run, and drops it after 6
// hours.
func TestThrottledSchedule(t *testing.T) {
	t.Parallel()
	nightly := Schedule{Name: "nightly", Next: daily(time.Hour), Duration: Constant(10 * time.Minute)}
	other := nightly
	other.Name = "other"
	r := run(t, Scenario{Schedules: []Schedule{nightly, other}, Reserved: new(1)})
	// Retries come after 1, 3, 7 … 255 and 511 s, and then every 300 s: the first after 600 s
	// is at 811 s.
	if s := r.Schedules[1]; s.Runs != 1 || s.Lost != 0 || s.Latency.Parts["mean"].Waiting != 811 || s.Throttled != 10 {
		t.Errorf("got %+v", s)
	}
	r = run(t, Scenario{Schedules: []Schedule{nightly}, Reserved: new(0)})
	if s := r.Schedules[0]; s.Lost != 1 || s.Throttled < 70 || s.Throttled > 85 {
		t.Errorf("paused: %+v", s)
	}
}

// TestFailedRuns checks that Lambda repeats a failed run twice: 1 minute after its end, then
// 2 minutes after the end of the second try.
func TestFailedRuns(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Scenario{
		"failure": {Schedules: []Schedule{{Name: "nightly", Next: daily(time.Hour), Duration: Constant(10 * time.Second), Failure: 1}}},
		"timeout": {Schedules: []Schedule{{Name: "nightly", Next: daily(time.Hour), Duration: Constant(20 * time.Second)}}, Timeout: 10 * time.Second},
	} {
		got := run(t, s).Schedules[0]
		if got.Runs != 1 || got.Retried != 2 || got.Failed != 1 || got.Latency.Max != 10+60+10+120+10 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	got := run(t, Scenario{Schedules: []Schedule{{Name: "often", Next: every(time.Minute), Duration: Constant(time.Second), Failure: 0.1}}, Length: 300 * 24 * time.Hour}).Schedules[0]
	runs := float64(got.Runs)
	near(t, "retried", float64(got.Retried)/runs, 0.11, 0.02)
	near(t, "failed", float64(got.Failed)/runs, 0.001, 0.1)
	const want = `plan: schedule "often": failure must be a share of 0 to 1, got 1.5; correct it`
	if _, err := Run(Scenario{Schedules: []Schedule{{Name: "often", Next: every(time.Minute), Duration: Constant(1), Failure: 1.5}}}); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestScheduledMessages checks a schedule that sends messages to a queue.
func TestScheduledMessages(t *testing.T) {
	t.Parallel()
	s := Scenario{
		Queues:    []Queue{{Name: "jobs", Duration: Constant(2 * time.Second)}},
		Schedules: []Schedule{{Name: "often", Next: every(time.Hour), Queue: "jobs"}},
	}
	r := run(t, s)
	if r.Queues[0].Messages != 23 || r.Queues[0].Done != 23 || r.Schedules[0].Runs != 23 {
		t.Errorf("got %+v and %+v", r.Queues[0], r.Schedules[0])
	}
	a, err := Advise(s, Goals{}, DefaultPrices(), Billing{})
	if err != nil || a.Queues[0].MaxConcurrency != 2 {
		t.Errorf("got %+v, %v", a, err)
	}
}

// TestScheduleReport checks that a report shows schedules in each form, that reserved
// concurrency has room for them, and that the same seed gives the same bytes.
func TestScheduleReport(t *testing.T) {
	t.Parallel()
	in := Input{Prices: DefaultPrices(), Scenario: Scenario{Seed: 3}}
	for _, name := range []string{"first", "second", "third"} {
		in.Scenario.Schedules = append(in.Scenario.Schedules, Schedule{Name: name, Expression: "cron(0 3 * * ? *)", Next: daily(3 * time.Hour), Window: time.Second, Duration: Exponential(time.Hour / 6)})
	}
	var texts [2][3]string
	for i := range texts {
		r, err := NewReport(in)
		if err != nil {
			t.Fatal(err)
		}
		if r.Advice.Reserved != 3 {
			t.Errorf("reserved %d, want 3: %s", r.Advice.Reserved, r.Advice.ReservedWhy)
		}
		for form, write := range []func(*Report, *bytes.Buffer) error{
			func(r *Report, b *bytes.Buffer) error { return r.WriteText(b) }, func(r *Report, b *bytes.Buffer) error { return r.WriteJSON(b) }, func(r *Report, b *bytes.Buffer) error { return r.WriteHTML(b) },
		} {
			var b bytes.Buffer
			if err := write(r, &b); err != nil {
				t.Fatal(err)
			}
			texts[i][form] = b.String()
		}
	}
	if texts[0] != texts[1] {
		t.Error("the same seed gives other bytes")
	}
	for form, want := range []string{"Schedules, from Monday 2026-11-30 00:00 UTC on\n", `"expression": "cron(0 3 * * ? *)"`, "Runs of schedules"} {
		if !strings.Contains(texts[0][form], want) || !strings.Contains(texts[0][form], "second") {
			t.Errorf("%q is not in\n%s", want, texts[0][form])
		}
	}
}

func TestScheduleMistakes(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Schedule{
		`plan: schedule "s": next must be given, got none; say when it runs`:                         {Name: "s", Duration: Constant(1)},
		`plan: schedule "s": window must be 0s or more, got -1s; correct it`:                         {Name: "s", Duration: Constant(1), Next: every(1), Window: -time.Second},
		`plan: schedule "s": duration must be given, got none; say how long a run takes, such as 2s`: {Name: "s", Next: every(1)},
		`plan: schedule "s": mean of duration must be 0 to 15m, got constant:16m0s; correct it`:      {Name: "s", Next: every(1), Duration: Constant(16 * time.Minute)},
		`plan: schedule "s": queue must be a queue of the scenario, got "jobs"; add it`:              {Name: "s", Next: every(1), Queue: "jobs"},
	} {
		if _, err := Run(Scenario{Schedules: []Schedule{s}}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
