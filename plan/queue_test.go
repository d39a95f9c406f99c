package plan

import (
	"math"
	"testing"
	"time"
)

// TestPollers checks that Lambda begins a backlog with 5 concurrent invocations and adds 300
// each minute.
func TestPollers(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 100_000, Duration: Constant(time.Second), BatchSize: 1}
	r := run(t, Scenario{Queues: []Queue{q}})
	// Within t seconds 5t + 2.5t² jobs begin, until all have begun.
	want := math.Sqrt(2*100_000/5.0+1) - 1
	near(t, "drained", r.Queues[0].Drained, want+1, 0.02)
	near(t, "peak", float64(r.Queues[0].PeakConcurrency), 5+5*want, 0.02)
	if got := r.Queues[0]; got.Done != 100_000 || got.Left != 0 || got.Batches != 100_000 {
		t.Errorf("got %+v", got)
	}

	q.MaxConcurrency = 20
	got := run(t, Scenario{Queues: []Queue{q}}).Queues[0]
	near(t, "drained by 20", got.Drained, 100_000.0/20+1.5, 0.01)
	if got.PeakConcurrency != 20 {
		t.Errorf("peak %d, want 20", got.PeakConcurrency)
	}

	q.MaxConcurrency, q.MinPollers, q.MaxPollers = 0, 10, 20
	if got := run(t, Scenario{Queues: []Queue{q}}).Queues[0]; got.PeakConcurrency != 200 {
		t.Errorf("20 provisioned pollers run %d invocations, want 200", got.PeakConcurrency)
	}
}

// TestBatches checks that the jobs of a batch share an invocation, which runs up to Jobs of
// them at once.
func TestBatches(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 1000, Duration: Constant(time.Second), BatchSize: 10, MaxConcurrency: 2}
	got := run(t, Scenario{Queues: []Queue{q}}).Queues[0]
	if got.Batches != 100 {
		t.Errorf("%d batches, want 100", got.Batches)
	}
	near(t, "one job at a time", got.Drained, 500, 0.01)
	q.Jobs = 5
	near(t, "five at once", run(t, Scenario{Queues: []Queue{q}}).Queues[0].Drained, 100, 0.02)

	window := Queue{Name: "jobs", Traffic: Counts(time.Minute, []float64{120}, false), Duration: Constant(time.Second), BatchSize: 100, Window: 20 * time.Second}
	got = run(t, Scenario{Queues: []Queue{window}, Seed: 4}).Queues[0]
	if got.Batches < 2 || got.Batches > 5 || got.OldestAge < 19.9 || got.OldestAge > 20.1 {
		t.Errorf("a window of 20 s in a minute: %d batches, oldest %g s", got.Batches, got.OldestAge)
	}
}

// TestGroups checks that a FIFO queue has one invocation for each message group, and that a
// failure stops its group until the visibility timeout.
func TestGroups(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "ledger", FIFO: true, Backlog: 600, Groups: 3, Duration: Constant(time.Second), BatchSize: 1, Visibility: 30 * time.Second}
	got := run(t, Scenario{Queues: []Queue{q}}).Queues[0]
	if got.PeakConcurrency != 3 {
		t.Errorf("%d invocations at once, want 3", got.PeakConcurrency)
	}
	near(t, "drained", got.Drained, 200, 0.15)
	q.Groups, q.Backlog, q.Failure = 1, 100, 0.3
	got = run(t, Scenario{Queues: []Queue{q}}).Queues[0]
	if got.Done+got.Dead != 100 || got.Retried == 0 {
		t.Errorf("got %+v", got)
	}
	// Each failure costs its group 30 s instead of 1.
	near(t, "drained with failures", got.Drained, float64(got.Done)+30*float64(got.Retried)+1.5*float64(got.Dead), 0.1)
}

// TestFailures checks that a failed message comes again until MaxReceives.
func TestFailures(t *testing.T) {
	t.Parallel()
	q := Queue{Name: "jobs", Backlog: 10_000, Duration: Constant(10 * time.Millisecond), Failure: 0.5, MaxReceives: 3, Visibility: time.Second}
	got := run(t, Scenario{Queues: []Queue{q}}).Queues[0]
	near(t, "dead", float64(got.Dead), 10_000*0.125, 0.1)
	near(t, "again", float64(got.Retried), 10_000*(0.5+0.25), 0.05)
	q.WholeBatch = true
	if whole := run(t, Scenario{Queues: []Queue{q}}).Queues[0]; whole.Dead < 9000 {
		t.Errorf("whole batches of 10 with a failure of 0.5 each: %d dead", whole.Dead)
	}
}

// TestQueueAndReserved checks that pollers retry when the function is at its reserved
// concurrency, and that queues take instances from the requests.
func TestQueueAndReserved(t *testing.T) {
	t.Parallel()
	s := Scenario{
		Traffic: Steady(10), Duration: Constant(200 * time.Millisecond), Reserved: new(12), Length: 10 * time.Minute, Seed: 2,
		Queues: []Queue{{Name: "jobs", Traffic: Steady(100), Duration: Constant(time.Second), BatchSize: 1, Visibility: 10 * time.Minute}},
	}
	greedy := run(t, s)
	if greedy.ThrottledShare < 0.1 || greedy.Queues[0].Throttled == 0 {
		t.Errorf("a queue of 100 jobs/s leaves requests alone: %g throttled", greedy.ThrottledShare)
	}
	s.Queues[0].MaxConcurrency = 4
	if r := run(t, s); r.ThrottledShare > 0.01 || r.Queues[0].Throttled > 0 {
		t.Errorf("bounded to 4 of 12, the queue throttles %g of the requests", r.ThrottledShare)
	}
	s.Reserved, s.Queues[0].MaxConcurrency = new(0), 0
	if r := run(t, s); r.ThrottledShare != 1 || r.Queues[0].Done != 0 {
		t.Errorf("paused: %g throttled, %d jobs done", r.ThrottledShare, r.Queues[0].Done)
	}
}

// TestJobTimeouts checks that the jobs that the function's timeout ends come back.
func TestJobTimeouts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		queue         Queue
		done, retried uint64
	}{
		// One after the other, two jobs of each batch end within 5 s.
		{Queue{Backlog: 10, BatchSize: 10, Jobs: 1, MaxReceives: 1}, 2, 0},
		{Queue{Backlog: 10, BatchSize: 10, Jobs: 1, MaxReceives: 2}, 4, 8},
		{Queue{Backlog: 10, BatchSize: 10, Jobs: 5, MaxReceives: 1}, 10, 0},
		{Queue{Backlog: 10, BatchSize: 10, Jobs: 1, MaxReceives: 1, WholeBatch: true}, 0, 0},
		{Queue{Backlog: 10, BatchSize: 2, Jobs: 1, MaxReceives: 1, WholeBatch: true}, 10, 0},
		{Queue{Backlog: 10, BatchSize: 10, FIFO: true, Groups: 1, MaxReceives: 9}, 10, 20},
	} {
		q := test.queue
		q.Name, q.Duration = "jobs", Constant(2*time.Second)
		got := run(t, Scenario{Queues: []Queue{q}, Timeout: 5 * time.Second}).Queues[0]
		if got.Done != test.done || got.Dead != 10-test.done || got.Retried != test.retried {
			t.Errorf("%+v: %d done, %d dead, %d retried; want %d done, %d retried", test.queue, got.Done, got.Dead, got.Retried, test.done, test.retried)
		}
	}
}
