package plan

import (
	"bytes"
	"encoding/json"
	goformat "go/format"
	"strings"
	"testing"
	"time"
)

func advise(t *testing.T, s Scenario, goals Goals) *Advice {
	t.Helper()
	a, err := Advise(s, goals, DefaultPrices(), Billing{MemoryMB: 1024, API: HTTPAPI})
	if err != nil {
		t.Fatal(err)
	}
	// The snippet is Go.
	if _, err := goformat.Source([]byte("package p\nfunc _() {\n" + a.Go + "}\n")); err != nil {
		t.Errorf("%v:\n%s", err, a.Go)
	}
	return a
}

// TestWorth checks whether Advise finds provisioned concurrency worth it, and its reason.
func TestWorth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario Scenario
		worth    bool
		why      string
	}{
		"rare and slow": {Scenario{Traffic: Steady(1.0 / 1800), Duration: Constant(100 * time.Millisecond), Init: Constant(time.Second)}, true,
			"of the requests wait for the init of 1 s, and the goal is 0.1%; to reach it costs $8.75 more a month."},
		"rare and quick": {Scenario{Traffic: Steady(1.0 / 1800), Duration: Constant(100 * time.Millisecond), Init: Constant(45 * time.Millisecond)}, false,
			"of the requests wait 45 ms longer, which nobody notices; below 100 ms it is not worth money."},
		"steady": {Scenario{Traffic: Steady(10), Duration: Exponential(100 * time.Millisecond), Init: Constant(time.Second)}, false,
			"of the requests wait for the init of 1 s, which is within the goal of 0.1%."},
		"busy": {Scenario{Traffic: Steady(50), Duration: Exponential(time.Second), Init: Constant(45 * time.Millisecond)}, true,
			"instances are busy for more than 60% of the time and cost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := advise(t, c.scenario, Goals{})
			if a.Worth != c.worth || !strings.Contains(a.Why, c.why) || (a.Provisioned != nil) != c.worth {
				t.Errorf("got %v, %s", a.Worth, a.Why)
			}
		})
	}
}

// TestRecommended checks that the recommended number meets the goal, and that one instance
// less does not.
func TestRecommended(t *testing.T) {
	t.Parallel()
	s := Scenario{Traffic: Bursts(2, 20, 100*time.Millisecond), Duration: Exponential(200 * time.Millisecond), Init: Constant(2 * time.Second), Idle: Band{Min: 10 * time.Second}, Seed: 1}
	a := advise(t, s, Goals{ColdShare: 0.01})
	if a.Provisioned == nil {
		t.Fatalf("got %+v", a)
	}
	s = study(&s)
	s.Provisioned = *a.Provisioned
	if r := run(t, s); r.ColdShare > 0.01 {
		t.Errorf("%d provisioned: %g cold", s.Provisioned.Min, r.ColdShare)
	}
	if s.Provisioned.Min--; run(t, s).ColdShare <= 0.01 {
		t.Errorf("%d provisioned are enough", s.Provisioned.Min)
	}
	for i := 1; i < len(a.Curve); i++ {
		if p, q := a.Curve[i-1], a.Curve[i]; p.Provisioned >= q.Provisioned || p.SpillShare < q.SpillShare && i > 1 {
			t.Errorf("the curve does not fall: %+v, %+v", p, q)
		}
	}
	s.Provisioned, s.Reserved, s.Account, s.Requests = *a.Provisioned, new(a.Reserved), 0, 2_000_000
	if r := run(t, s); r.ThrottledShare > 1e-4 {
		t.Errorf("%d reserved: %g throttled", a.Reserved, r.ThrottledShare)
	}
}

// TestWays checks that traffic in office hours gets a schedule.
func TestWays(t *testing.T) {
	t.Parallel()
	hours := make([]float64, 24)
	for i := range hours {
		if hours[i] = 0.01; i >= 8 && i < 18 {
			hours[i] = 10
		}
	}
	a := advise(t, Scenario{Traffic: Curve(time.Hour, hours, true), Duration: Exponential(500 * time.Millisecond), Init: Constant(3 * time.Second), Seed: 1}, Goals{ColdShare: 1e-4})
	if len(a.Alternatives) != 3 || a.Provisioned == nil || len(a.Provisioned.Schedule) != 2 {
		t.Fatalf("got %+v", a)
	}
	if a.Provisioned.Schedule[0].At != 8*time.Hour-5*time.Minute || !strings.Contains(a.Go, `"cron(55 7 * * ? *)"`) {
		t.Errorf("got %s", a.Go)
	}
}

// TestRush checks that a rush in each hour gets a schedule with changes in each hour.
func TestRush(t *testing.T) {
	t.Parallel()
	a := advise(t, Scenario{Traffic: TopOfTheHour(2, 150), Duration: Exponential(200 * time.Millisecond), Init: Constant(time.Second), Seed: 1}, Goals{})
	if a.Provisioned == nil || len(a.Provisioned.Schedule) != 48 || !strings.Contains(a.ProvisionedWhy, "from minute 55 of each hour, scheduled: ") ||
		!strings.Contains(a.Go, `"cron(55 * * * ? *)"`) || strings.Count(a.Go, "cron(") != 2 {
		t.Errorf("got %s\n%s", a.ProvisionedWhy, a.Go)
	}
}

// TestMemoryAdvice checks that Advise recommends the cheapest size, or a faster one at about
// the same cost.
func TestMemoryAdvice(t *testing.T) {
	t.Parallel()
	s := Scenario{Traffic: Steady(10), Duration: Exponential(100 * time.Millisecond), Seed: 1}
	for want, measured := range map[string][]Memory{
		"512 MB: of the sizes that were measured it costs the least, $": {{256, Exponential(400 * time.Millisecond)}, {512, Exponential(100 * time.Millisecond)}, {1024, Exponential(80 * time.Millisecond)}},
		"1,024 MB: it costs $": {{512, Exponential(200 * time.Millisecond)}, {1024, Exponential(101 * time.Millisecond)}},
	} {
		a, err := Advise(s, Goals{}, DefaultPrices(), Billing{Measured: measured})
		if err != nil || !strings.HasPrefix(a.MemoryWhy, want) || len(a.Memory) != len(measured) {
			t.Errorf("got %s, %v, want %s", a.MemoryWhy, err, want)
		}
	}
}

// TestShortTrace checks that a trace of some seconds has the cost of a run: it says nothing
// about a month.
func TestShortTrace(t *testing.T) {
	t.Parallel()
	for length, of := range map[time.Duration]string{time.Second: "run", time.Hour: "month"} {
		s := Scenario{Traffic: Trace([]Request{{At: 0, Duration: time.Second}, {At: length, Duration: time.Second}})}
		if cost := DefaultPrices().Month(&s, run(t, s), Billing{}); cost.Of != of || of == "run" && cost.Lines[0].Quantity != 2e-6 {
			t.Errorf("%s: got %+v", length, cost)
		}
	}
}

// TestQueueAdvice checks that a queue drains in the given time with the smallest maximum
// concurrency.
func TestQueueAdvice(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 36_000, Duration: Constant(2 * time.Second), BatchSize: 1}
	a := advise(t, Scenario{Queues: []Queue{q}}, Goals{Age: time.Hour})
	if len(a.Queues) != 1 || a.Queues[0].MaxConcurrency < 20 || a.Queues[0].MaxConcurrency > 21 || a.Reserved != a.Queues[0].MaxConcurrency {
		t.Errorf("got %+v", a)
	}
	q.FIFO, q.Groups = true, 3
	a = advise(t, Scenario{Queues: []Queue{q}}, Goals{Age: time.Hour})
	if !strings.Contains(a.Queues[0].Why, "one invocation for each message group") || a.Queues[0].MaxConcurrency != 3 {
		t.Errorf("got %+v", a.Queues)
	}
	a = advise(t, Scenario{Queues: []Queue{q}, Database: &Database{Connections: 2}}, Goals{Age: time.Hour})
	if a.Reserved != 2 || !strings.Contains(a.ReservedWhy, "with 1 connection an instance, the database needs 2 of its 2") {
		t.Errorf("got %d, %s", a.Reserved, a.ReservedWhy)
	}
	a = advise(t, Scenario{Traffic: Steady(50), Duration: Constant(time.Second), Database: &Database{Connections: 10}}, Goals{})
	if a.Reserved != 10 || !strings.Contains(a.ReservedWhy, "the database has 10 connections and an instance takes 1, so that 10 are the most") {
		t.Errorf("got %d, %s", a.Reserved, a.ReservedWhy)
	}
}

func TestBreaks(t *testing.T) {
	t.Parallel()
	s := Scenario{Traffic: Steady(100), Duration: Constant(50 * time.Millisecond), Queues: []Queue{{Name: "jobs", Traffic: Steady(10), Duration: Constant(time.Second), BatchSize: 1, MaxConcurrency: 20}}, Database: &Database{Connections: 50}}
	got := map[string]float64{}
	last := 0.0
	for _, b := range Breaks(s, HTTPAPI) {
		got[b.What] = b.Times
		if b.Times < last {
			t.Errorf("%s comes too late", b.What)
		}
		last = b.Times
	}
	for what, want := range map[string]float64{
		"API Gateway": 100, "request rate": 100, "maximum concurrency of jobs": 2, "scaling rate": 200,
		"account concurrency": 193, "database connections": 2.17,
	} {
		near(t, what, got[what], want, 0.05)
	}
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
}

// TestReport checks that the JSON has the keys that other programs read, that the text has
// all parts, and that the page needs no network and no scripts.
func TestReport(t *testing.T) {
	t.Parallel()
	in := Input{
		Scenario: Scenario{Traffic: Steady(5), Duration: Exponential(time.Second), Init: Constant(100 * time.Millisecond), Provisioned: Provisioned{Min: 8}, Reserved: new(30), Requests: 200_000, Seed: 1},
		Prices:   DefaultPrices(), Billing: Billing{MemoryMB: 512, API: HTTPAPI}, Assumed: []string{"The moon is full."},
	}
	r, err := NewReport(in)
	if err != nil {
		t.Fatal(err)
	}
	var data, again, text bytes.Buffer
	if err := r.WriteJSON(&data); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"coldShare", "spillShare", "throttledShare", "meanInstances", "meanBusy", "meanIdle", "cost", "advice", "breaks", "scenario"} {
		if _, ok := got[key]; !ok {
			t.Errorf("no %s at the top: %s", key, data.String()[:500])
		}
	}
	for _, key := range []string{"mean", "p50", "p90", "p99", "p999"} {
		if v, ok := got["latency"].(map[string]any)[key].(float64); !ok || v <= 0 {
			t.Errorf("latency.%s is %v", key, v)
		}
	}
	if r, err = NewReport(in); err != nil {
		t.Fatal(err)
	}
	if r.WriteJSON(&again) != nil || again.String() != data.String() {
		t.Error("the same seed gives other bytes")
	}
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Is provisioned concurrency worth it?", "Recommended", "p99.9", "A month costs $", "us-east-1, 2026-09", "<- break-even", "What breaks first", "hearth.Fixed(", "The moon is full."} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %q in\n%s", part, text.String())
		}
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<svg", "break-even", "prefers-color-scheme:dark", "The moon is full.", "hearth.Fixed("} {
		if !strings.Contains(page.String(), part) {
			t.Errorf("no %q in the page", part)
		}
	}
	for _, part := range []string{"<script", "http://", "https://", "NaN", "Inf"} {
		if strings.Contains(page.String(), part) {
			t.Errorf("the page has %q", part)
		}
	}
	for line := range strings.Lines(text.String()) {
		if n := len([]rune(line)); n > 120 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}
