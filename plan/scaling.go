package plan

import (
	"math"
	"time"
)

// How Application Auto Scaling follows the load. Its two alarms look at the mean of
// ProvisionedConcurrencyUtilization over a minute: above the target for 3 minutes it adds
// instances, below 90% of the target for 15 minutes it removes some, in small steps. New
// instances take a minute or two, and none of them serves before all are there; Lambda makes
// up to 6,000 a minute.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11).
// Two things are not confirmed by a document. A step down is 10%, and at least one instance,
// a minute. The lower alarm is at 90% of the target, as the alarms of other services are.
const (
	minutesAbove = 3
	minutesBelow = 15
	belowTarget  = 0.9
	stepDown     = 0.1

	allocationSeconds   = 90
	allocationPerSecond = 6000 / 60

	daySeconds = float64(24 * time.Hour / time.Second)
)

// scaling is the state of Application Auto Scaling.
type scaling struct {
	lowest, highest int
	used            float64 // seconds of warm instances in this minute
	since           float64 // the beginning of this minute
	above, below    int     // minutes in a row
	pending         bool    // instances are being allocated,
	target          int     // up to so many
	next            int     // change of the schedule
	day             float64 // that it is in
}

func (m *simulator) startScaling() {
	m.scaling.lowest, m.scaling.highest = m.Provisioned.Min, max(m.Provisioned.Min, m.Provisioned.Max)
	if m.Provisioned.fixed() {
		return
	}
	if changes := m.Provisioned.Schedule; len(changes) > 0 {
		// Before the first change of the day the last one holds.
		m.limit(changes[len(changes)-1])
		m.setReady(m.scaling.lowest)
		m.timers.push(event{at: changes[0].At.Seconds(), kind: rescheduled})
	}
	m.timers.push(event{at: 60, kind: minuteEnds})
}

func (m *simulator) limit(c Change) {
	m.scaling.lowest, m.scaling.highest = c.Min, max(c.Min, c.Max)
}

// setReady sets how many provisioned instances serve.
func (m *simulator) setReady(n int) {
	m.ready = n
	limit := m.RequestsPerUnit * float64(n)
	m.warmed.resize(m.now, limit, limit)
}

// aim goes to a number of provisioned instances: at once if there are enough, or when they
// have been allocated.
func (m *simulator) aim(n int) {
	n = min(max(n, m.scaling.lowest), m.scaling.highest)
	switch {
	case n < m.ready:
		m.setReady(n)
	case n > m.ready && !m.scaling.pending:
		m.scaling.pending, m.scaling.target = true, n
		m.timers.push(event{at: m.now + m.allocation(n-m.ready), kind: allocated})
	}
}

// allocation is the time in seconds that new provisioned instances take.
func (m *simulator) allocation(n int) float64 {
	return allocationSeconds + float64(n)/allocationPerSecond + m.Init.Mean()
}

// minute looks at the metric.
func (m *simulator) minute() {
	s := &m.scaling
	target := m.Provisioned.Utilization
	utilization := 0.0
	if passed := m.now - s.since; passed > 0 && m.ready > 0 {
		utilization = s.used / passed / float64(m.ready)
	}
	s.used, s.since = 0, m.now
	s.above, s.below = s.above+1, s.below+1
	if utilization <= target {
		s.above = 0
	}
	if utilization >= target*belowTarget {
		s.below = 0
	}
	wanted := int(math.Ceil(float64(m.ready) * utilization / target))
	switch {
	case s.above >= minutesAbove && m.ready < s.highest:
		m.aim(max(wanted, m.ready+1))
	case s.below >= minutesBelow && m.ready > s.lowest && !s.pending:
		step := max(1, int(float64(m.ready)*stepDown))
		m.aim(max(wanted, m.ready-step))
	}
	m.timers.push(event{at: m.now + 60, kind: minuteEnds})
}

// reschedule changes the bounds as the schedule says.
func (m *simulator) reschedule() {
	s := &m.scaling
	changes := m.Provisioned.Schedule
	m.limit(changes[s.next])
	m.aim(m.ready)
	if s.next++; s.next == len(changes) {
		s.next = 0
		s.day += daySeconds
	}
	m.timers.push(event{at: s.day + changes[s.next].At.Seconds(), kind: rescheduled})
}

// deploy allocates the provisioned instances of a new version: the lowest number, not the
// one that target tracking has reached.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
func (m *simulator) deploy() {
	m.preparing = m.scaling.lowest
	wait := 0.0
	if m.preparing > 0 {
		wait = m.allocation(m.preparing)
	}
	m.timers.push(event{at: m.now + wait, kind: shifted})
}

// shift sends all invocations to the new version. Instances of the old one finish what they
// do.
func (m *simulator) shift() {
	m.epoch++
	m.oldBusy += m.warmBusy
	m.warmBusy, m.preparing = 0, 0
	m.idle.n = 0
	m.scaling.pending = false
	m.setReady(m.scaling.lowest)
	// Instances that were being allocated belong to the old version.
	kept := m.timers[:0]
	for _, e := range m.timers {
		if e.kind != allocated {
			kept = append(kept, e)
		}
	}
	rest := append(events(nil), kept...)
	m.timers = m.timers[:0]
	for _, e := range rest {
		m.timers.push(e)
	}
}

// Sample is a piece of a run, for pictures.
type Sample struct {
	// At is the end of the piece, in seconds since the beginning.
	At float64 `json:"at"`
	// Requests are arrivals a second.
	Requests float64 `json:"requests"`
	// Busy, Instances and Provisioned are means. Provisioned instances are allocated, busy or
	// not.
	Busy        float64 `json:"busy"`
	Instances   float64 `json:"instances"`
	Provisioned float64 `json:"provisioned"`
	// Cold and Throttled are numbers of requests and batches.
	Cold      uint64 `json:"cold"`
	Throttled uint64 `json:"throttled"`
	// Waiting are the messages in the queues at the end.
	Waiting int `json:"waiting"`
}

// series is the time series of a run.
type series struct {
	step            float64
	samples         []Sample
	cold, throttled uint64

	last                   float64
	arrived                uint64
	busy, instances, ready float64
}

// sampleEvery begins a time series.
func (m *simulator) sampleEvery(step float64) {
	m.series = series{step: step, last: m.now}
	m.timers.push(event{at: m.now + step, kind: sampled})
}

func (m *simulator) sample() {
	s := &m.series
	passed := m.now - s.last
	if passed <= 0 {
		return
	}
	waiting := 0
	for _, q := range m.queues {
		waiting += q.waiting()
	}
	s.samples = append(s.samples, Sample{
		At: m.now, Requests: float64(m.arrived-s.arrived) / passed,
		Busy: (m.timeBusy - s.busy) / passed, Instances: (m.timeInstances - s.instances) / passed, Provisioned: (m.timeReady - s.ready) / passed,
		Cold: s.cold, Throttled: s.throttled, Waiting: waiting,
	})
	if len(s.samples) == 2*pieces { // a run that takes longer than was thought
		for i := range pieces {
			s.samples[i] = s.samples[2*i].with(s.samples[2*i+1])
		}
		s.samples = s.samples[:pieces]
		s.step *= 2
	}
	s.last, s.arrived, s.cold, s.throttled = m.now, m.arrived, 0, 0
	s.busy, s.instances, s.ready = m.timeBusy, m.timeInstances, m.timeReady
	m.timers.push(event{at: m.now + s.step, kind: sampled})
}

// with joins two pieces of one length that follow each other.
func (s Sample) with(next Sample) Sample {
	mean := func(a, b float64) float64 { return (a + b) / 2 }
	return Sample{
		At: next.At, Requests: mean(s.Requests, next.Requests), Busy: mean(s.Busy, next.Busy), Instances: mean(s.Instances, next.Instances), Provisioned: mean(s.Provisioned, next.Provisioned),
		Cold: s.Cold + next.Cold, Throttled: s.Throttled + next.Throttled, Waiting: next.Waiting,
	}
}
