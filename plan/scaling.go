package plan

import (
	"math"
	"time"
)

// How Application Auto Scaling follows the load. Its two alarms watch the mean of
// ProvisionedConcurrencyUtilization over a minute. Above the target for 3 minutes, it adds
// instances. Below 90% of the target for 15 minutes, it removes some, in small steps. New
// instances take a minute or two, and none of them serves before all are ready; Lambda
// starts up to 6,000 a minute.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11).
// No document confirms two assumptions. A step down is 10% a minute, at least one instance.
// The lower alarm is at 90% of the target, as for other services.
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
	changes         []weeklyChange
	next            int     // index of the next change
	week            float64 // when the week of that change began, in seconds
}

func (m *simulator) startScaling() {
	m.scaling.lowest, m.scaling.highest = m.Provisioned.Min, max(m.Provisioned.Min, m.Provisioned.Max)
	if m.Provisioned.fixed() {
		return
	}
	if changes := m.Provisioned.week(); len(changes) > 0 {
		// The last change before the beginning applies, perhaps that of the week before.
		first := 0
		now := float64(m.Start.UTC().Weekday())*daySeconds + timeOfDay(m.Start).Seconds()
		for first < len(changes) && changes[first].at < now {
			first++
		}
		m.limit(changes[(first+len(changes)-1)%len(changes)].Change)
		m.setReady(m.scaling.lowest)
		m.scaling.changes, m.scaling.week = changes, -now
		if m.scaling.next = first; first == len(changes) {
			m.scaling.next = 0
			m.scaling.week += weekSeconds
		}
		m.timers.push(event{at: m.scaling.week + changes[m.scaling.next].at, kind: rescheduled})
	}
	m.timers.push(event{at: 60, kind: minuteEnds})
}

// timeOfDay returns the time since midnight UTC.
func timeOfDay(t time.Time) time.Duration {
	return t.Sub(t.UTC().Truncate(24 * time.Hour))
}

func (m *simulator) limit(c Change) {
	m.scaling.lowest, m.scaling.highest = c.Min, max(c.Min, c.Max)
}

// setReady sets the number of provisioned instances that serve.
func (m *simulator) setReady(n int) {
	m.ready = n
	limit := m.RequestsPerUnit * float64(n)
	m.warmed.resize(m.now, limit, limit)
}

// aim changes the number of provisioned instances: down at once, up when Lambda has
// allocated the new ones.
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

// allocation returns the time in seconds that Lambda takes to allocate n instances.
func (m *simulator) allocation(n int) float64 {
	return allocationSeconds + float64(n)/allocationPerSecond + m.Init.Mean()
}

// minute evaluates the metric of the last minute and scales.
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

// reschedule applies the next change of the schedule.
func (m *simulator) reschedule() {
	s := &m.scaling
	m.limit(s.changes[s.next].Change)
	m.aim(m.ready)
	if s.next++; s.next == len(s.changes) {
		s.next = 0
		s.week += weekSeconds
	}
	m.timers.push(event{at: s.week + s.changes[s.next].at, kind: rescheduled})
}

// deploy starts to allocate the provisioned instances of a new version: the lowest number,
// not the current number of target tracking.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
func (m *simulator) deploy() {
	m.preparing = m.scaling.lowest
	wait := 0.0
	if m.preparing > 0 {
		wait = m.allocation(m.preparing)
	}
	m.timers.push(event{at: m.now + wait, kind: shifted})
}

// shift sends all invocations to the new version. Instances of the old version finish their
// invocations.
func (m *simulator) shift() {
	m.epoch++
	m.oldBusy += m.warmBusy
	m.warmBusy, m.preparing = 0, 0
	m.idle.n = 0
	m.scaling.pending = false
	m.setReady(m.scaling.lowest)
	m.instancesEnded()
	// Drop pending allocations, which belong to the old version.
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

// Sample is one interval of a run's time series, for pictures.
type Sample struct {
	// At is the end of the interval, in seconds since the beginning.
	At float64 `json:"at"`
	// Requests is the rate of arrivals, in requests a second.
	Requests float64 `json:"requests"`
	// Busy, Instances and Provisioned are mean numbers of instances. Provisioned counts all
	// allocated instances, busy or idle.
	Busy        float64 `json:"busy"`
	Instances   float64 `json:"instances"`
	Provisioned float64 `json:"provisioned"`
	// Cold and Throttled are numbers of requests and batches.
	Cold      uint64 `json:"cold"`
	Throttled uint64 `json:"throttled"`
	// Waiting is the number of messages in the queues at the end of the interval.
	Waiting int `json:"waiting"`
	// Runs is the number of runs of schedules.
	Runs uint64 `json:"runs,omitempty"`
}

// series is the time series of a run.
type series struct {
	step            float64
	samples         []Sample
	cold, throttled uint64
	runs            uint64

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
		Cold: s.cold, Throttled: s.throttled, Waiting: waiting, Runs: s.runs,
	})
	if len(s.samples) == 2*pieces { // the run is longer than expected: join pairs of samples
		for i := range pieces {
			s.samples[i] = s.samples[2*i].with(s.samples[2*i+1])
		}
		s.samples = s.samples[:pieces]
		s.step *= 2
	}
	s.last, s.arrived, s.cold, s.throttled, s.runs = m.now, m.arrived, 0, 0, 0
	s.busy, s.instances, s.ready = m.timeBusy, m.timeInstances, m.timeReady
	m.timers.push(event{at: m.now + s.step, kind: sampled})
}

// with joins two consecutive samples of equal length.
func (s Sample) with(next Sample) Sample {
	mean := func(a, b float64) float64 { return (a + b) / 2 }
	return Sample{
		At: next.At, Requests: mean(s.Requests, next.Requests), Busy: mean(s.Busy, next.Busy), Instances: mean(s.Instances, next.Instances), Provisioned: mean(s.Provisioned, next.Provisioned),
		Cold: s.Cold + next.Cold, Throttled: s.Throttled + next.Throttled, Waiting: next.Waiting, Runs: s.Runs + next.Runs,
	}
}
