package plan

import (
	"math"
	"runtime"
	"testing"
	"time"
)

// at returns the sample of a run at a time.
func (r *Result) at(d time.Duration) Sample {
	for _, s := range r.Series {
		if s.At >= d.Seconds()-1e-6 {
			return s
		}
	}
	return Sample{}
}

// TestTargetTracking checks that target tracking follows a step up after three minutes and
// the allocation time, and begins to scale down after fifteen minutes.
func TestTargetTracking(t *testing.T) {
	t.Parallel()
	minutes := make([]float64, 120)
	for i := range minutes {
		if minutes[i] = 5; i >= 30 && i < 60 {
			minutes[i] = 50
		}
	}
	r := run(t, Scenario{
		Traffic: Curve(time.Minute, minutes, false), Duration: Constant(time.Second), Init: Constant(time.Second),
		Provisioned: Provisioned{Min: 10, Max: 100, Utilization: 0.7}, Length: 2 * time.Hour, Seed: 1,
	})
	// A sample is half a minute. The load of 5 needs 7.2 instances at 0.7.
	for minute, want := range map[int][2]float64{
		29: {10, 10}, 33: {10, 10}, 36: {14, 16}, 59: {71, 90}, 73: {71, 90}, 82: {20, 60}, 119: {10, 12},
	} {
		if got := r.at(time.Duration(minute) * time.Minute).Provisioned; got < want[0]-0.5 || got > want[1]+0.5 {
			t.Errorf("minute %d: %.1f provisioned, want %g to %g", minute, got, want[0], want[1])
		}
	}
	if r.SpillShare < 0.1 || r.SpillShare > 0.4 {
		t.Errorf("spill-over %.3f: the delay must show", r.SpillShare)
	}
}

// TestSchedule checks that the number changes at times of the day, upwards after the
// allocation.
func TestSchedule(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{
		Traffic: Curve(time.Hour, make([]float64, 24), true), Duration: Constant(time.Second), Length: 48 * time.Hour,
		Provisioned: Provisioned{Min: 1, Schedule: []Change{{At: 8 * time.Hour, Min: 20}, {At: 18 * time.Hour, Min: 3}}},
	})
	for hour, want := range map[int]float64{1: 3, 7: 3, 9: 20, 17: 20, 19: 3, 31: 3, 33: 20, 47: 3} {
		if got := r.at(time.Duration(hour) * time.Hour).Provisioned; got != want {
			t.Errorf("hour %d: %g provisioned, want %g", hour, got, want)
		}
	}
}

// TestDeployment checks that the new version has the lowest number of warm instances before
// it takes over, and that the old on-demand instances end.
func TestDeployment(t *testing.T) {
	t.Parallel()
	s := Scenario{
		Traffic: Steady(50), Duration: Constant(time.Second), Init: Constant(time.Second), Idle: Band{Min: 10 * time.Minute},
		Provisioned: Provisioned{Min: 10, Max: 100}, Length: 2 * time.Hour, Deployments: []time.Duration{time.Hour}, Seed: 1,
	}
	r := run(t, s)
	before, during, after, end := r.at(59*time.Minute), r.at(61*time.Minute), r.at(63*time.Minute), r.at(119*time.Minute)
	if before.Provisioned < 65 || during.Provisioned < before.Provisioned+9 || after.Provisioned > 20 || end.Provisioned < 65 {
		t.Errorf("provisioned before %.0f, during %.0f, after %.0f, at the end %.0f", before.Provisioned, during.Provisioned, after.Provisioned, end.Provisioned)
	}
	s.Provisioned = Provisioned{}
	with := run(t, s)
	s.Deployments = nil
	without := run(t, s)
	if n := (with.ColdShare - without.ColdShare) * float64(with.Requests); n < 85 || n > 130 {
		t.Errorf("a deployment costs %.0f cold starts, want those of 50 requests a second during init and handler, 100", n)
	}
}

// TestRamp checks that a new function gets 1,000 instances at once and 100 more each second.
func TestRamp(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{
		Traffic:  Curve(time.Second, []float64{5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000}, false),
		Duration: Constant(time.Minute), Account: 100_000, Length: 10 * time.Second, Seed: 1,
	})
	if r.PeakBusy < 1990 || r.PeakBusy > 2001 {
		t.Errorf("%d instances after 10 s, want 1000 + 10·100", r.PeakBusy)
	}
	near(t, "throttled", r.ThrottledShare, 0.96, 0.01)
}

// TestRequestsPerUnit checks that short requests reach the limit of 10 a second for each
// unit of concurrency.
func TestRequestsPerUnit(t *testing.T) {
	t.Parallel()
	s := Scenario{Traffic: Steady(200), Duration: Constant(10 * time.Millisecond), Reserved: new(10), Requests: 200_000, Seed: 1}
	near(t, "throttled", run(t, s).ThrottledShare, 0.5, 0.02)
	s.RequestsPerUnit = -1
	near(t, "without the limit", run(t, s).ThrottledShare, ErlangB(10, 2), 0.05)
	s = Scenario{Traffic: Steady(200), Duration: Constant(10 * time.Millisecond), Provisioned: Provisioned{Min: 10}, Requests: 200_000, Seed: 1}
	near(t, "spill-over", run(t, s).SpillShare, 0.5, 0.02)
}

// TestMemory checks that a run keeps nothing per request, and that a time series has a
// bounded number of points.
func TestMemory(t *testing.T) {
	s := Scenario{Traffic: Curve(time.Hour, []float64{20, 30}, true), Duration: Exponential(100 * time.Millisecond), Seed: 1, Length: 2 * time.Hour}
	allocated := func() uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run(t, s)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	short := allocated()
	if s.Length *= 10; allocated() > short+short/2 {
		t.Errorf("2 h allocate %d bytes, 20 h more than half as much again", short)
	}
	counts := make([]float64, 3000)
	for i := range counts {
		counts[i] = 1
	}
	r := run(t, Scenario{Traffic: Counts(time.Minute, counts, false), Duration: Constant(time.Second)})
	if n := len(r.Series); n < pieces || n > 2*pieces {
		t.Errorf("%d points", n)
	}
	arrived := 0.0
	for i, p := range r.Series {
		from := 0.0
		if i > 0 {
			from = r.Series[i-1].At
		}
		arrived += p.Requests * (p.At - from)
	}
	near(t, "requests of the course", arrived, float64(r.Requests), 1e-6)
}

// TestAccount checks that the account's quota is the limit without reserved concurrency.
func TestAccount(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{Traffic: Steady(2000), Duration: Exponential(time.Second), Requests: 400_000, Seed: 1})
	near(t, "throttled", r.ThrottledShare, ErlangB(1000, 2000), 0.02)
	near(t, "busy", r.MeanBusy, 1000, 0.01)
}

// TestTimeout checks that invocations end at the timeout.
func TestTimeout(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{Traffic: Steady(5), Duration: Exponential(time.Second), Timeout: 3 * time.Second, Requests: 300_000, Seed: 1})
	near(t, "timed out", r.TimedOutShare, 0.049787, 0.03)
	near(t, "longest", r.Latency.Max, 3, 1e-9)
}

// TestCheck checks that Check names all faults at once.
func TestCheck(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Scenario{
		"plan: traffic must be given, got none; give a rate, a file, a queue or a schedule":                                                 {},
		"plan: duration must be given, got none; say how long a request takes, such as 250ms":                                               {Traffic: Steady(1)},
		"plan: traffic: rate 1 must be 0 to 10,000,000 requests a second, got -1; correct it":                                               {Traffic: Steady(-1), Duration: Constant(1)},
		"plan: provisioned must be at most reserved (3 instances), got 5; lower it":                                                         {Traffic: Steady(1), Duration: Constant(1), Reserved: new(3), Provisioned: Provisioned{Min: 5}},
		"plan: provisioned must be at most the account's concurrency (1000 instances), got 2000; lower it":                                  {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Min: 1, Max: 2000}},
		"plan: utilization must be 0.1 to 0.9, got 70; it is a ratio, so 70% is 0.7":                                                        {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Utilization: 70}},
		"plan: reserved must be 0 to 2,147,483,647 instances, got -1; leave it out to reserve nothing":                                      {Traffic: Steady(1), Duration: Constant(1), Reserved: new(-1)},
		"plan: provisioned must be 0 or more instances, the lower number first, got 5 to 2; correct it":                                     {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Min: 5, Max: 2}},
		"plan: the lowest of provisioned must be at least 1 instance with a highest, got 0 to 5; there is no utilization of none to follow": {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Max: 5}},
		"plan: timeout must be 0s to 15m, got 16m0s; correct it":                                                                            {Traffic: Steady(1), Duration: Constant(1), Timeout: 16 * time.Minute},
		"queue \"jobs\": maximum concurrency must be 2 to 1000, got 1; leave it out for none":                                               {Queues: []Queue{{Name: "jobs", Duration: Constant(1), MaxConcurrency: 1}}},
		"queue \"jobs\": batch size must be 1 to 10 messages, got 11; correct it":                                                           {Queues: []Queue{{Name: "jobs", FIFO: true, Duration: Constant(1), BatchSize: 11}}},
		"queue \"jobs\": duration must be given, got none; say how long a job takes, such as 250ms":                                         {Queues: []Queue{{Name: "jobs"}}},
		"plan: provisioned of a schedule must be at least 1 instance, the lower number first, got 0 to 0; correct it":                       {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Schedule: []Change{{}}}},
		"plan: mean of init must be 0 to 15m, got constant:1h0m0s; correct it":                                                              {Traffic: Steady(1), Duration: Constant(1), Init: Constant(time.Hour)},
		"plan: idle must be 0s or more and rise, got 2s to 1s; give the shorter time first":                                                 {Traffic: Steady(1), Duration: Constant(1), Idle: Band{2 * time.Second, time.Second}},
		"plan: length must be 0s to a year and requests 0 or more, got -1ns and 0; leave them out for as long as it takes":                  {Traffic: Steady(1), Duration: Constant(1), Length: -1},
		"queue \"jobs\": failure must be a share of 0 up to but not 1, got 1; correct it":                                                   {Queues: []Queue{{Name: "jobs", Duration: Constant(1), Failure: 1}}},
		"queue \"jobs\": pollers must be at least 2, the lower number first, got 1 to 5; correct them":                                      {Queues: []Queue{{Name: "jobs", Duration: Constant(1), MinPollers: 1, MaxPollers: 5}}},
		"queue \"jobs\": maximum concurrency must be none with provisioned pollers, got 5; leave one out":                                   {Queues: []Queue{{Name: "jobs", Duration: Constant(1), MinPollers: 2, MaxPollers: 5, MaxConcurrency: 5}}},
		"plan: time of a schedule must be 0s to 24h and rise, got 25h0m0s; sort the changes":                                                {Traffic: Steady(1), Duration: Constant(1), Provisioned: Provisioned{Schedule: []Change{{At: 25 * time.Hour, Min: 1}}}},
		"queue \"jobs\": traffic: rate 1 must be 0 to 10,000,000 requests a second, got -1; correct it":                                     {Queues: []Queue{{Name: "jobs", Duration: Constant(1), Traffic: Steady(-1)}}},
		"plan: account must be 1 to 2,147,483,647 instances, got -5; give the quota of concurrent executions":                               {Traffic: Steady(1), Duration: Constant(1), Account: -5, Reserved: new(1)},
		"plan: reserved must be 0 to 2,147,483,647 instances, got 99999999999; leave it out to reserve nothing":                             {Traffic: Steady(1), Duration: Constant(1), Reserved: new(99_999_999_999)},
		"plan: length must be 0s to a year and requests 0 or more, got 8785h0m0s and 0; leave them out for as long as it takes":             {Traffic: Steady(1), Duration: Constant(1), Length: 8785 * time.Hour},
		"plan: the peak must keep at most 10,000,000 instances busy, got 9e+08; lower the rate or the duration":                             {Traffic: Steady(1e6), Duration: Constant(15 * time.Minute)},
		"plan: requests per unit must be a number, got NaN; correct it":                                                                     {Traffic: Steady(1), Duration: Constant(1), RequestsPerUnit: math.NaN()},
		"plan: time of a deployment must be 0s or more, got -1s; it counts from the beginning":                                              {Traffic: Steady(1), Duration: Constant(1), Deployments: []time.Duration{-time.Second}},
		"plan: traffic: a burst must have 1 to 1,000,000 requests, got 1000001; correct it":                                                 {Traffic: Bursts(1, 1_000_001, 0), Duration: Constant(1)},
		"queue \"jobs\": message groups and the backlog of a FIFO queue must be at most 10,000,000, got 20000000 and 0; lower them":         {Queues: []Queue{{Name: "jobs", Duration: Constant(1), FIFO: true, Groups: 20_000_000}}},
		"plan: traffic: must have a rate or requests, got none; give a rate in requests a second":                                           {Traffic: Curve(time.Second, nil, true), Duration: Constant(1)},
		"plan: traffic: step must be above 0 seconds, got 0; say how long each rate lasts":                                                  {Traffic: Curve(0, []float64{1, 2}, true), Duration: Constant(1)},
	} {
		if _, err := Run(s); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
