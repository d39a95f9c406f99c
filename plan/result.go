package plan

import "math"

// Result is what a scenario comes to. Shares are of all requests, times are in seconds.
type Result struct {
	// Requests is how many were simulated, and Length for how long.
	Requests uint64  `json:"requests"`
	Length   float64 `json:"length"`

	// ColdShare is the share of requests that wait for the init of a new instance.
	ColdShare float64 `json:"coldShare"`
	// SpillShare is the share that runs on demand, since all provisioned instances are
	// busy; 0 without any.
	SpillShare float64 `json:"spillShare"`
	// ThrottledShare is the share that is refused.
	ThrottledShare float64 `json:"throttledShare"`
	// TimedOutShare is the share that the timeout ends.
	TimedOutShare float64 `json:"timedOutShare"`
	// Errors are the standard errors of figures with a steady rate, by their name.
	Errors map[string]float64 `json:"standardErrors,omitempty"`
	// Exact names the figures that are computed by Erlang's formula, which holds for this
	// scenario. Simulated has what the simulation said of them.
	Exact     []string           `json:"exact,omitempty"`
	Simulated map[string]float64 `json:"simulated,omitempty"`

	// MeanInstances is the mean number of instances, busy and idle. Those that are in
	// their init phase are busy, and provisioned ones are instances as well.
	MeanInstances float64 `json:"meanInstances"`
	MeanBusy      float64 `json:"meanBusy"`
	MeanIdle      float64 `json:"meanIdle"`
	PeakBusy      int     `json:"peakBusy"`
	PeakInstances int     `json:"peakInstances"`
	// MeanProvisioned is the mean number of provisioned instances that are allocated, and
	// Utilization the share of their time in which they are busy.
	MeanProvisioned float64 `json:"meanProvisioned"`
	Utilization     float64 `json:"utilization"`

	// Latency is the latency of served requests.
	Latency Percentiles `json:"latency"`
	// Queues are the queues of the scenario, in its order.
	Queues []QueueResult `json:"queues,omitempty"`
	// Series is the course of a run that is not steady.
	Series []Sample `json:"series,omitempty"`

	// Invocations are requests that were served, and batches.
	Invocations uint64 `json:"invocations"`
	// OnDemandSeconds and ProvisionedSeconds are billed for running, init included, in
	// whole milliseconds for each invocation. AllocatedSeconds are billed for the
	// provisioned instances that are there.
	OnDemandSeconds    float64 `json:"onDemandSeconds"`
	ProvisionedSeconds float64 `json:"provisionedSeconds"`
	AllocatedSeconds   float64 `json:"allocatedSeconds"`

	occupancy []float64
	histogram *histogram
}

// Percentiles are those of a latency in seconds, with the parts of each.
type Percentiles struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	// Parts are waiting, init and handler of the mean and of the requests at each
	// percentile.
	Parts map[string]Latency `json:"parts"`
}

// QueueResult is what a queue comes to. Times are in seconds.
type QueueResult struct {
	Name string `json:"name"`
	// Messages were sent, Done were done, Dead went to the dead-letter queue, and Left
	// are in the queue at the end.
	Messages uint64 `json:"messages"`
	Done     uint64 `json:"done"`
	Dead     uint64 `json:"dead"`
	Left     int    `json:"left"`
	// Batches are invocations, Retried are messages that came again, and Throttled the
	// tries of batches that were refused.
	Batches   uint64 `json:"batches"`
	Retried   uint64 `json:"retried"`
	Throttled uint64 `json:"throttled"`
	// PeakConcurrency is the most invocations at once.
	PeakConcurrency int `json:"peakConcurrency"`
	// OldestAge is the longest time that a message waited for its first try, and Deepest
	// the most messages that waited.
	OldestAge float64 `json:"oldestAge"`
	Deepest   int     `json:"deepest"`
	// Drained is when the last job was done.
	Drained float64 `json:"drained"`
	// Age is the time from sending to the end of the first try.
	Age Percentiles `json:"age"`
	// JobsPerSecond is the mean load in jobs at once.
	MeanJobs float64 `json:"meanJobs"`
}

// result sums up what was measured.
func (m *simulator) result() *Result {
	length := m.now - m.start
	r := &Result{
		Requests: m.arrived, Length: length,
		PeakBusy: m.peakBusy, PeakInstances: m.peakInstances,
		Invocations: m.invocations, OnDemandSeconds: m.billed, ProvisionedSeconds: m.warmBilled, AllocatedSeconds: m.timeReady,
		Series: m.series.samples, occupancy: m.occupancy, histogram: m.latency,
	}
	if n := float64(m.arrived); n > 0 && len(m.queues) == 0 {
		r.ColdShare, r.SpillShare = float64(m.cold)/n, float64(m.spilled)/n
		r.ThrottledShare, r.TimedOutShare = float64(m.throttled)/n, float64(m.timedOut)/n
	} else if n := float64(m.invocations + m.throttled); n > 0 { // of invocations, batches included
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
	return r
}

// quantiles are the percentiles of reports, by their name.
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

// errors says how exact the figures of a steady run are.
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

// exactShares replaces shares by Erlang's formula where it holds: Poisson arrivals, no
// limit other than the one in question, and durations that do not depend on it.
func (r *Result) exactShares(s *Scenario) {
	load := s.load()
	if s.Traffic.kind != "steady" || s.Duration.Mean() > s.Timeout.Seconds()/20 {
		return
	}
	// In no second do Poisson arrivals exceed their mean by 6 standard deviations.
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
