package plan

import "math"

// A run with a steady rate is divided into chunks of requests. Its figures are the means
// over the chunks, and the scatter of the chunks gives the standard errors.
const (
	chunkRequests = 25_000
	mostChunks    = 64
	leastRequests = 1_000_000

	goodEnough      = 0.002 // standard error of a share, relative to it
	goodEnoughMeans = 0.001 // of the mean number of instances

	longestWarmUp = 3_000_000 // requests

	pieces = 240 // samples of a time series, up to twice as many
)

// Run simulates a scenario. If the scenario has faults, the error names them all.
func Run(s Scenario) (*Result, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	c := s.defaults()
	if c.Traffic.steady() && len(c.Queues) == 0 && len(c.Schedules) == 0 && c.Provisioned.fixed() && len(c.Deployments) == 0 && c.Length == 0 {
		return runSteady(c), nil
	}
	return runLength(c), nil
}

// runSteady runs a steady rate until the figures are exact enough.
func runSteady(s Scenario) *Result {
	m := newSimulator(s)
	if s.Traffic.Mean() == 0 {
		m.runUntil(3600)
		return m.result()
	}
	m.warmUp()
	var chunks []chunk
	size := uint64(chunkRequests)
	for m.arrived < uint64(s.Requests) {
		before, began := m.stats, m.now
		m.runRequests(min(size, uint64(s.Requests)-m.arrived))
		chunks = append(chunks, m.chunk(&before, m.now-began))
		if len(chunks) == mostChunks {
			for i := range mostChunks / 2 {
				chunks[i] = chunks[2*i].with(chunks[2*i+1])
			}
			chunks = chunks[:mostChunks/2]
			size *= 2
		}
		if m.arrived >= leastRequests && len(chunks) >= mostChunks/2 && exact(chunks) {
			break
		}
	}
	r := m.result()
	r.errors(chunks)
	r.exactShares(&s)
	return r
}

// warmUp runs until the number of instances no longer depends on the start. That number is
// the highest load within the longest idle time. If the warm-up needs too many requests,
// prefill starts the instances first.
func (m *simulator) warmUp() {
	_, idle := m.idleLimits()
	length := 1.2*idle + 20*(m.Duration.Mean()+m.Init.Mean())
	if most := float64(min(longestWarmUp, m.Requests/4)); m.Traffic.Mean()*length > most {
		m.prefill()
		length = most / m.Traffic.Mean()
	}
	m.runUntil(length)
	m.reset()
}

// prefill starts the idle instances that a long run of this traffic would have.
func (m *simulator) prefill() {
	load := m.rateAtStart() * m.meanDuration()
	n := min(int(math.Ceil(load+5*math.Sqrt(load))), m.ceiling) - m.ready
	if d := m.database; d != nil && !d.Proxy {
		n = min(n, d.Connections/d.per-m.ready)
	}
	for range n {
		m.idle.push(0)
	}
}

func (m *simulator) rateAtStart() float64 {
	if len(m.Traffic.rates) == 0 {
		return 0
	}
	return m.Traffic.rates[0]
}

// runLength runs for the scenario's Length, or for its natural length.
func runLength(s Scenario) *Result {
	m := newSimulator(s)
	length := s.Length.Seconds()
	if length == 0 {
		length = naturalLength(&s)
	}
	if s.Traffic != nil && s.Traffic.repeat {
		m.prefill()
	}
	if length > 0 {
		m.sampleEvery(length / pieces)
		m.runUntil(length)
	} else {
		m.sampleEvery(1)
		m.runOut()
	}
	if len(m.timers) > 0 && m.now > m.series.last {
		m.sample()
	}
	return m.result()
}

// naturalLength returns the length of whole periods that cover at least a day; 0 if the
// traffic ends by itself.
func naturalLength(s *Scenario) float64 {
	all := []*Traffic{s.Traffic}
	rate := 0.0
	for i := range s.Queues {
		all = append(all, s.Queues[i].Traffic)
	}
	longest, endless, ends := 0.0, false, s.backlogAlone()
	for _, t := range all {
		if t == nil {
			continue
		}
		rate += t.Mean()
		endless, ends = endless || t.repeat, ends || !t.repeat
		longest = max(longest, t.length())
	}
	scheduled := 0.0
	if len(s.Schedules) > 0 && (endless || !ends) {
		scheduled = daySeconds * s.scheduledDays(rate)
	}
	switch {
	case !endless:
		return scheduled
	case longest == 0 && scheduled > 0:
		return scheduled
	case longest == 0: // all are steady: at least an hour, for the scaling alarms
		return min(daySeconds, max(3600, float64(s.Requests)/max(rate, 1e-9)))
	}
	return math.Ceil(math.Max(daySeconds, scheduled)/longest) * longest
}

// chunk has the counts of one chunk of a steady run.
type chunk struct {
	arrived, cold, spilled, throttled float64
	length, busy, instances           float64 // seconds, and integrals over them
}

func (m *simulator) chunk(before *stats, length float64) chunk {
	return chunk{
		float64(m.arrived - before.arrived), float64(m.cold - before.cold), float64(m.spilled - before.spilled), float64(m.throttled - before.throttled),
		length, m.timeBusy - before.timeBusy, m.timeInstances - before.timeInstances,
	}
}

func (c chunk) with(d chunk) chunk {
	return chunk{c.arrived + d.arrived, c.cold + d.cold, c.spilled + d.spilled, c.throttled + d.throttled, c.length + d.length, c.busy + d.busy, c.instances + d.instances}
}

// The figures of a chunk, as numerator and denominator.
func (c chunk) coldShare() (float64, float64)      { return c.cold, c.arrived }
func (c chunk) spillShare() (float64, float64)     { return c.spilled, c.arrived }
func (c chunk) throttledShare() (float64, float64) { return c.throttled, c.arrived }
func (c chunk) meanInstances() (float64, float64)  { return c.instances, c.length }
func (c chunk) meanBusy() (float64, float64)       { return c.busy, c.length }

// scatter returns the mean of a figure over chunks, and its standard error.
func scatter(chunks []chunk, figure func(chunk) (value, per float64)) (mean, err float64) {
	values, weights, squares := 0.0, 0.0, 0.0
	for _, c := range chunks {
		value, per := figure(c)
		values += value
		weights += per
	}
	mean = values / weights
	for _, c := range chunks {
		value, per := figure(c)
		squares += (value - mean*per) * (value - mean*per)
	}
	n := float64(len(chunks))
	if n < 2 {
		return mean, math.Inf(1)
	}
	return mean, math.Sqrt(squares*n/(n-1)) / weights
}

// exact reports whether the figures are exact enough.
func exact(chunks []chunk) bool {
	for _, share := range []func(chunk) (float64, float64){chunk.coldShare, chunk.spillShare, chunk.throttledShare} {
		if mean, err := scatter(chunks, share); err > goodEnough*mean {
			return false
		}
	}
	mean, err := scatter(chunks, chunk.meanInstances)
	return err <= goodEnoughMeans*mean
}
