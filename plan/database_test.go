package plan

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestBorrow compares RDS Proxy with Erlang C: requests that arrive at random wait for one
// of the connections.
func TestBorrow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		connections int
		load        float64
	}{{2, 1}, {10, 8}, {40, 34}} {
		b := ErlangB(float64(c.connections), c.load)
		waits := b / (1 - c.load/float64(c.connections)*(1-b))
		r := run(t, Scenario{
			Traffic: Steady(c.load), Duration: Exponential(time.Second), Length: 100_000 * time.Second,
			Database: &Database{Connections: c.connections, Proxy: true, Borrow: 15 * time.Minute},
		})
		d := r.Database
		near(t, "wait share", d.WaitShare, waits, 0.04)
		near(t, "mean wait", d.Wait.Mean, waits/(float64(c.connections)-c.load), 0.07)
		near(t, "in use", d.MeanInUse, c.load, 0.02)
		near(t, "mean latency", r.Latency.Mean, 1+d.Wait.Mean, 0.01)
		if d.FailShare != 0 || d.PeakInUse != c.connections || r.Latency.Parts["mean"].Waiting < 0.99*d.Wait.Mean {
			t.Errorf("got %+v", d)
		}
	}
}

// TestRefused compares instances without a proxy with Erlang B. Instances that never end
// keep their connections, so that the requests on any further instance fail.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := Scenario{Traffic: Steady(8), Duration: Exponential(time.Second), Idle: Band{Min: 24 * time.Hour}, Database: &Database{Connections: 10}, Requests: 2_000_000}
	r := run(t, s)
	d := r.Database
	near(t, "fail share", d.FailShare, ErlangB(10, 8), 0.02)
	if d.WaitShare != 0 || d.PeakInUse != 10 || d.MeanInUse < 9.99 {
		t.Errorf("got %+v", d)
	}
	// Invocations of instances that have a connection count too, and wait for 0 s.
	few := Trace([]Request{{At: 0, Duration: time.Second}, {At: 500 * time.Millisecond, Duration: time.Second}, {At: 20 * time.Second, Duration: time.Second}})
	r = run(t, Scenario{Traffic: few, Init: Constant(0), Idle: Band{Min: time.Hour}, Database: &Database{Connections: 1, Borrow: 6 * time.Second}})
	if d := r.Database; d.Wait.Max != 6 || d.FailShare*3 != 1 {
		t.Errorf("got %+v", d)
	}
	near(t, "mean wait", r.Database.Wait.Mean, 2, 1e-9)
	// The function's timeout may end the wait.
	r = run(t, Scenario{Traffic: few, Timeout: 3 * time.Second, Init: Constant(0), Idle: Band{Min: time.Hour}, Database: &Database{Connections: 1, Borrow: 6 * time.Second}})
	if r.Database.Wait.Max != 3 || r.TimedOutShare*3 != 1 {
		t.Errorf("got %+v, %g timed out", r.Database, r.TimedOutShare)
	}
	// With a wait, some get the connections of an instance that ends.
	s.Database.Borrow, s.Idle, s.Traffic = 5*time.Second, Band{Min: time.Millisecond}, Steady(5)
	r = run(t, s)
	if d := r.Database; d.WaitShare < 0.01 || d.FailShare > d.WaitShare/2 || d.Wait.Max > 5.1 || d.Wait.Max < 1 {
		t.Errorf("got %+v", d)
	}
}

// TestBorrowTimeout checks that a request that waits too long fails, and that its instance
// then serves others.
func TestBorrowTimeout(t *testing.T) {
	t.Parallel()
	at := func(seconds ...float64) *Traffic {
		var list []Request
		for _, s := range seconds {
			list = append(list, Request{At: time.Duration(s * float64(time.Second)), Duration: 10 * time.Second})
		}
		return Trace(list)
	}
	s := Scenario{Traffic: at(0, 1, 2, 9.5, 30), Init: Constant(time.Second), Database: &Database{Connections: 1, Proxy: true, Borrow: 7 * time.Second}}
	// The first holds the connection from 1 to 11 s. The second waits from 2 to 9 and fails.
	// The third waits from 3 to 10 and fails. The fourth takes the second's instance at 9.5
	// and waits to 11. The last waits for nobody.
	r := run(t, s)
	d := r.Database
	if d.FailShare != 0.4 || d.WaitShare != 0.6 || d.Wait.Max != 7 || r.PeakBusy != 3 || r.Length != 40 {
		t.Errorf("got %+v, %d busy, %g s", d, r.PeakBusy, r.Length)
	}
	if got := r.Latency; got.Max != 11.5 || got.P50 != 11 {
		t.Errorf("latency %+v", got)
	}
	near(t, "billed", r.OnDemandSeconds, 11+8+8+11.5+10, 1e-9)
	// The function's timeout counts from the beginning of the wait: the first request runs
	// from 1 to 4 s, the second from 4 to 5 s, and the third from 5 to 6 s.
	s.Timeout, s.Traffic = 3*time.Second, at(0, 1, 2)
	if r := run(t, s); r.Database.Wait.Max != 2 || r.TimedOutShare != 1 || r.Database.FailShare != 0 || r.Length != 6 {
		t.Errorf("got %+v, %g timed out", r.Database, r.TimedOutShare)
	}
	// A handler that gives its connection back after a tenth of its time lets others in.
	s.Timeout, s.Database.Held, s.Traffic = 0, 0.1, at(0, 1.5, 3, 9.5)
	if r := run(t, s); r.Database.WaitShare != 0 || r.Database.MeanInUse > 0.3 {
		t.Errorf("got %+v", r.Database)
	}
}

// TestDatabaseMemory checks that the memory for calls without connections is used again.
func TestDatabaseMemory(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{2, 20} { // few calls wait; many give up
		m := newSimulator((&Scenario{
			Traffic: Steady(rate), Duration: Exponential(time.Second), Database: &Database{Connections: 10, Proxy: true, Borrow: time.Second},
		}).defaults())
		m.runUntil(10_000)
		if d := m.database; len(d.calls) > 100 || d.failed > 0 != (rate > 10) {
			t.Errorf("rate %g: memory for %d of %d calls, %d failed", rate, len(d.calls), d.asked, d.failed)
		}
	}
}

// TestDatabaseAndQueue checks that each job of a batch needs a connection, and that a batch
// without connections comes again.
func TestDatabaseAndQueue(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 200, Duration: Constant(time.Second), Jobs: 5, BatchSize: 5, Visibility: 10 * time.Second, MaxReceives: 100}
	for _, d := range []Database{{Connections: 10, Proxy: true}, {Connections: 3, Proxy: true}, {Connections: 10}, {Connections: 3}} {
		r := run(t, Scenario{Queues: []Queue{q}, Database: &d})
		if got := r.Queues[0]; got.Done != 200 || r.Database.PeakInUse != d.Connections {
			t.Errorf("%+v: %+v, %+v", d, got, r.Database)
		}
		if fails := r.Database.FailShare > 0; fails == d.Proxy || fails && r.Queues[0].Retried == 0 {
			t.Errorf("%+v: %+v", d, r.Database)
		}
	}
	// The second batch waits for 5 of 6 connections until 10 s. The request behind it does not
	// overtake it.
	q.Backlog, q.Duration, q.Visibility = 10, Constant(10*time.Second), time.Minute
	r := run(t, Scenario{
		Queues: []Queue{q}, Traffic: Trace([]Request{{At: time.Second, Duration: time.Second}}), Init: Constant(0), Database: &Database{Connections: 6, Proxy: true},
	})
	near(t, "latency behind a batch", r.Latency.Max, 10, 0.01)
	// When the batch gives up at 3 s, the request gets the sixth connection.
	r = run(t, Scenario{
		Queues: []Queue{q}, Traffic: Trace([]Request{{At: time.Second, Duration: time.Second}}), Init: Constant(0),
		Database: &Database{Connections: 6, Proxy: true, Borrow: 3 * time.Second},
	})
	near(t, "latency behind a batch that gives up", r.Latency.Max, 3, 0.01)
	// A run of a schedule needs a connection too. Its tries are 1 and 3 minutes later.
	for minutes, want := range map[time.Duration][2]uint64{1: {1, 0}, 2: {2, 0}, 5: {2, 1}} {
		d := Constant(minutes * time.Minute)
		r = run(t, Scenario{Schedules: []Schedule{
			{Name: "a", Next: daily(time.Hour), Duration: d}, {Name: "b", Next: daily(time.Hour), Duration: d},
		}, Database: &Database{Connections: 1}})
		if a, b := r.Schedules[0], r.Schedules[1]; a.Retried+a.Failed != 0 || [...]uint64{b.Retried, b.Failed} != want {
			t.Errorf("runs of %d minutes: got %+v", minutes, r.Schedules)
		}
	}
}

// TestDatabaseAndDeployment checks that the instances of an old version give their
// connections to the new ones.
func TestDatabaseAndDeployment(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{
		Traffic: Steady(2), Duration: Constant(100 * time.Millisecond), Init: Constant(time.Second), Idle: Band{Min: time.Hour}, Length: time.Hour, Seed: 1,
		Deployments: []time.Duration{20 * time.Minute, 40 * time.Minute}, Database: &Database{Connections: 20},
	})
	if d := r.Database; d.FailShare != 0 || d.MeanInUse > 15 {
		t.Errorf("got %+v", d)
	}
}

// TestQueueAdviceWithDatabase checks that the recommended maximum concurrency of a queue
// stays within the connections of its jobs.
func TestQueueAdviceWithDatabase(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 10_000, Duration: Constant(2 * time.Second), Jobs: 5}
	for _, d := range []Database{{Connections: 50}, {Connections: 50, Proxy: true}} {
		a := advise(t, Scenario{Queues: []Queue{q}, Database: &d}, Goals{Age: time.Minute})
		if got := a.Queues[0]; got.MaxConcurrency != 10 || !strings.HasPrefix(got.Why, "The most that the 50 connections of the database allow; a message still waits for ") {
			t.Errorf("%+v: got %+v", d, got)
		}
	}
}

// TestDatabaseReport checks that a report shows the database in each form, and among the
// limits.
func TestDatabaseReport(t *testing.T) {
	t.Parallel()
	in := Input{Prices: DefaultPrices(), Scenario: Scenario{
		Traffic: Steady(20), Duration: Exponential(time.Second), Requests: 100_000, Database: &Database{Connections: 22, Proxy: true},
	}}
	r, err := NewReport(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Breaks) == 0 || r.Breaks[0].What != "database connections" || r.Breaks[0].Times >= 1 || !strings.Contains(r.Breaks[0].Why, "wait for one of the 22 connections that RDS Proxy lends") {
		t.Errorf("got %+v", r.Breaks)
	}
	if !strings.Contains(r.Advice.ReservedWhy, "RDS Proxy lends 22 connections") || r.Advice.Reserved < 23 {
		t.Errorf("got %d, %s", r.Advice.Reserved, r.Advice.ReservedWhy)
	}
	for want, write := range map[string]func(*bytes.Buffer) error{
		"Database connections: 22 that RDS Proxy lends": func(b *bytes.Buffer) error { return r.WriteText(b) },
		`"waitShare": 0.`:       func(b *bytes.Buffer) error { return r.WriteJSON(b) },
		"wait for the database": func(b *bytes.Buffer) error { return r.WriteHTML(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%q, %v is not in\n%s", want, err, b.String())
		}
	}
}

func TestDatabaseMistakes(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Database{
		"plan: database: connections must be 1 to 2,147,483,647, got 0; see max_connections of the database": {},
		"plan: database: borrow must be 0s or more, got -1s; correct it":                                     {Connections: 1, Borrow: -time.Second},
		"plan: database: held must be a share of 0 to 1, got 2; correct it":                                  {Connections: 1, Held: 2},
	} {
		if _, err := Run(Scenario{Traffic: Steady(1), Duration: Constant(1), Database: &d}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
