package plan

import "math"

// Result is the result of a scenario. Shares are of all requests; times are in seconds.
type Result struct {
	// Requests is the number of simulated requests, and Length the simulated time.
	Requests uint64  `json:"requests"`
	Length   float64 `json:"length"`

	// ColdShare is the share of requests that wait for the init of a new instance.
	ColdShare float64 `json:"coldShare"`
	// SpillShare is the share that spills over: it runs on demand, because all provisioned
	// instances are busy. It is 0 without provisioned instances.
	SpillShare float64 `json:"spillShare"`
	// ThrottledShare is the share that Lambda throttles.
	ThrottledShare float64 `json:"throttledShare"`
	// TimedOutShare is the share that the timeout ends.
	TimedOutShare float64 `json:"timedOutShare"`
	// Errors has the standard errors of figures by name, if the rate is steady.
	Errors map[string]float64 `json:"standardErrors,omitempty"`
	// Exact names the figures that come from Erlang's formula, where it holds for this
	// scenario. Simulated has the simulation's values for them.
	Exact     []string           `json:"exact,omitempty"`
	Simulated map[string]float64 `json:"simulated,omitempty"`

	// MeanInstances is the mean number of instances, busy and idle, provisioned and on
	// demand. An instance in its init phase is busy.
	MeanInstances float64 `json:"meanInstances"`
	MeanBusy      float64 `json:"meanBusy"`
	MeanIdle      float64 `json:"meanIdle"`
	PeakBusy      int     `json:"peakBusy"`
	PeakInstances int     `json:"peakInstances"`
	// MeanProvisioned is the mean number of allocated provisioned instances. Utilization is
	// the share of their time for which they are busy.
	MeanProvisioned float64 `json:"meanProvisioned"`
	Utilization     float64 `json:"utilization"`

	// Latency is the latency of served requests.
	Latency Percentiles `json:"latency"`
	// Queues are the results of the scenario's queues, in the same order.
	Queues []QueueResult `json:"queues,omitempty"`
	// Database is how invocations got their database connections; nil without a database.
	Database *DatabaseResult `json:"database,omitempty"`
	// Schedules are the results of the scenario's schedules, in the same order.
	Schedules []ScheduleResult `json:"schedules,omitempty"`
	// Series is the time series of a run whose rate is not steady.
	Series []Sample `json:"series,omitempty"`

	// Invocations is the number of served requests and batches.
	Invocations uint64 `json:"invocations"`
	// OnDemandSeconds and ProvisionedSeconds are the billed durations of invocations, init
	// included, each rounded up to a millisecond. AllocatedSeconds is the billed time of
	// the allocated provisioned instances.
	OnDemandSeconds    float64 `json:"onDemandSeconds"`
	ProvisionedSeconds float64 `json:"provisionedSeconds"`
	AllocatedSeconds   float64 `json:"allocatedSeconds"`

	occupancy []float64
	histogram *histogram
}

// Percentiles are the mean and percentiles of a latency in seconds, with their parts.
type Percentiles struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	// Parts has the waiting, init and handler times of the mean, and of the requests at
	// each percentile.
	Parts map[string]Latency `json:"parts"`
}

// QueueResult is the result of a queue. Times are in seconds.
type QueueResult struct {
	Name string `json:"name"`
	// Messages is the number of messages sent. Of these, Done succeeded, Dead went to the
	// dead-letter queue, and Left are still in the queue at the end.
	Messages uint64 `json:"messages"`
	Done     uint64 `json:"done"`
	Dead     uint64 `json:"dead"`
	Left     int    `json:"left"`
	// Batches is the number of invocations. Retried is the number of messages that returned
	// to the queue. Throttled is the number of throttled tries to invoke.
	Batches   uint64 `json:"batches"`
	Retried   uint64 `json:"retried"`
	Throttled uint64 `json:"throttled"`
	// PeakConcurrency is the highest number of concurrent invocations.
	PeakConcurrency int `json:"peakConcurrency"`
	// OldestAge is the longest time that a message waited for its first try. Deepest is the
	// highest number of waiting messages.
	OldestAge float64 `json:"oldestAge"`
	Deepest   int     `json:"deepest"`
	// Drained is the time at which the last job ended.
	Drained float64 `json:"drained"`
	// Age is the time from sending to the end of the first try.
	Age Percentiles `json:"age"`
	// MeanJobs is the mean number of concurrent jobs.
	MeanJobs float64 `json:"meanJobs"`
}

// result computes the result of a run from its counts and sums.
func (m *simulator) result() *Result {
	length := m.now - m.start
	r := &Result{
		Requests: m.arrived, Length: length,
		PeakBusy: m.peakBusy, PeakInstances: m.peakInstances,
		Invocations: m.invocations, OnDemandSeconds: m.billed, ProvisionedSeconds: m.warmBilled, AllocatedSeconds: m.timeReady,
		Series: m.series.samples, occupancy: m.occupancy, histogram: m.latency,
	}
	if n := float64(m.arrived); n > 0 && len(m.queues)+len(m.schedules) == 0 {
		r.ColdShare, r.SpillShare = float64(m.cold)/n, float64(m.spilled)/n
		r.ThrottledShare, r.TimedOutShare = float64(m.throttled)/n, float64(m.timedOut)/n
	} else if n := float64(m.invocations + m.throttled); n > 0 { // the share is of invocations, batches and runs included
		r.ColdShare, r.SpillShare = float64(m.cold)/n, float64(m.spilled)/n
		r.TimedOutShare = float64(m.timedOut) / n
		if m.arrived > 0 {
			r.ThrottledShare = float64(m.throttled) / float64(m.arrived)
		}
	}
	if length > 0 {
		r.MeanBusy, r.MeanInstances = m.timeBusy/length, m.timeInstances/length
		r.MeanIdle = r.MeanInstances - r.MeanBusy
		r.MeanProvisioned = m.timeReady / length
	}
	if m.timeReady > 0 {
		r.Utilization = m.timeWarmBusy / m.timeReady
	}
	r.Latency = m.latency.percentiles()
	for _, q := range m.queues {
		r.Queues = append(r.Queues, QueueResult{
			Name: q.Name, Messages: q.arrived, Done: q.done, Dead: q.dead, Left: q.waiting(),
			Batches: q.batches, Retried: q.retried, Throttled: q.throttles, PeakConcurrency: q.peak,
			OldestAge: q.oldest, Deepest: q.deepest, Drained: q.lastDone, Age: q.ages.percentiles(), MeanJobs: q.jobSeconds / math.Max(length, 1e-9),
		})
	}
	if m.database != nil {
		r.Database = m.database.result(length)
	}
	for _, s := range m.schedules {
		r.Schedules = append(r.Schedules, ScheduleResult{
			Name: s.Name, Expression: s.Expression, Queue: s.Queue, Runs: s.runs, Cold: s.cold, Lost: s.lost, Retried: s.retried, Failed: s.failed, Throttled: s.throttled, First: s.first, Latency: s.latency.percentiles(),
		})
	}
	return r
}

// quantiles are the percentiles of reports, by name.
var quantiles = []struct {
	name  string
	share float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}

func (h *histogram) percentiles() Percentiles {
	mean := h.mean()
	p := Percentiles{Mean: mean.Total, Max: h.largest, Parts: map[string]Latency{"mean": mean}}
	for _, q := range quantiles {
		p.Parts[q.name] = h.quantile(q.share)
	}
	p.P50, p.P90, p.P99, p.P999 = p.Parts["p50"].Total, p.Parts["p90"].Total, p.Parts["p99"].Total, p.Parts["p999"].Total
	return p
}

// errors computes the standard errors of the figures of a steady run.
func (r *Result) errors(chunks []chunk) {
	r.Errors = map[string]float64{}
	if len(chunks) < 2 {
		return
	}
	for name, figure := range map[string]func(chunk) (float64, float64){
		"coldShare": chunk.coldShare, "spillShare": chunk.spillShare, "throttledShare": chunk.throttledShare,
		"meanInstances": chunk.meanInstances, "meanBusy": chunk.meanBusy,
	} {
		_, r.Errors[name] = scatter(chunks, figure)
	}
}

// exactShares replaces shares by Erlang's formula where it holds: Poisson arrivals, only
// one limit, and durations that do not depend on that limit.
func (r *Result) exactShares(s *Scenario) {
	load := s.load()
	if s.Traffic.kind != "steady" || s.Database != nil || s.Duration.Mean() > s.Timeout.Seconds()/20 {
		return
	}
	// Poisson arrivals in a second practically never exceed their mean by 6 standard
	// deviations.
	spare := func(units int) bool {
		rate := s.Traffic.Mean()
		return s.RequestsPerUnit < 0 || s.RequestsPerUnit*float64(units) > rate+6*math.Sqrt(rate)
	}
	replace := func(name string, share *float64, exact float64) {
		if r.Simulated == nil {
			r.Simulated = map[string]float64{}
		}
		r.Simulated[name], *share = *share, exact
		r.Exact = append(r.Exact, name)
		r.Errors[name] = 0
	}
	p := s.Provisioned.Min
	if p > 0 && r.ThrottledShare == 0 && spare(p) {
		replace("spillShare", &r.SpillShare, ErlangB(float64(p), load))
	}
	if p == 0 && s.Reserved != nil && (s.Init.Mean() == 0 || r.ColdShare == 0) && spare(*s.Reserved) {
		replace("throttledShare", &r.ThrottledShare, ErlangB(float64(*s.Reserved), load))
	}
}
