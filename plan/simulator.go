package plan

import (
	"math"
	"math/rand/v2"
)

// simulator runs one scenario.
type simulator struct {
	Scenario
	requests *arrivals // nil if there are none
	nextAt   float64   // of the next request
	nextFor  float64   // its duration, negative to draw one

	durations, inits, idles *rand.Rand

	now    float64
	due    events // ends of invocations
	timers events // everything else
	epoch  uint16 // counts deployments

	// On demand.
	busy      int // instances, including those of old versions
	idle      stack
	idleLimit float64
	idleLow   float64
	idleBand  float64

	// Provisioned.
	ready     int // instances of the current version
	warmBusy  int // busy ones; more than ready for a while after ready falls
	oldBusy   int // busy ones of old versions
	preparing int // instances of a deployment in progress
	scaling   scaling

	ceiling  int
	timeout  float64
	ramp     bucketOfTokens // new instances
	accepted bucketOfTokens // requests
	warmed   bucketOfTokens // requests on provisioned instances
	limited  bool           // whether the last two apply

	queues  []*queue
	batches batches

	database *database // nil if there is none

	schedules []*schedule
	runs      []scheduledRun // runs that have not begun, by number
	freeRuns  []int32

	stats
}

// stats has the counts and sums of a run. They restart when the warm-up is over.
type stats struct {
	start   float64
	latency *histogram

	arrived, cold, spilled, throttled, timedOut uint64

	timeBusy, timeInstances, timeWarmBusy, timeReady float64 // integrals over time
	peakBusy, peakInstances                          int
	occupancy                                        []float64 // time by the number of busy instances

	billed, warmBilled float64 // seconds on demand and provisioned, in whole milliseconds
	invocations        uint64
	handled            float64 // seconds in handlers of requests

	series series
}

func newSimulator(s Scenario) *simulator {
	m := &simulator{
		Scenario: s, nextAt: math.Inf(1),
		durations: stream(s.Seed, streamDurations), inits: stream(s.Seed, streamInits), idles: stream(s.Seed, streamInits<<8),
		ceiling: s.ceiling(), timeout: s.Timeout.Seconds(),
		ramp: newTokens(rampPerSecond, rampInstances),
	}
	low, high := s.idleLimits()
	m.idleLow, m.idleBand = low, high-low
	m.drawIdleLimit()
	m.limited = s.RequestsPerUnit > 0
	m.accepted = newTokens(s.RequestsPerUnit*float64(m.ceiling), s.RequestsPerUnit*float64(m.ceiling))
	m.reset()
	m.setReady(s.Provisioned.Min)
	m.startScaling()
	for i := range s.Queues {
		m.queues = append(m.queues, newQueue(m, i))
	}
	m.startSchedules()
	if s.Database != nil {
		m.database = newDatabase(m)
	}
	for _, at := range s.Deployments {
		m.timers.push(event{at: at.Seconds(), kind: deployed})
	}
	if s.Traffic != nil {
		m.requests = s.Traffic.begin(stream(s.Seed, streamArrivals))
		m.nextAt, m.nextFor = m.requests.next()
	}
	return m
}

// reset clears the counts and sums.
func (m *simulator) reset() {
	m.stats = stats{start: m.now, latency: newHistogram(), occupancy: make([]float64, 64)}
	for _, q := range m.queues {
		q.reset()
	}
	for _, s := range m.schedules {
		s.reset()
	}
	if m.database != nil {
		m.database.reset()
	}
}

func (m *simulator) drawIdleLimit() {
	m.idleLimit = m.idleLow
	if m.idleBand > 0 {
		m.idleLimit += m.idleBand * m.idles.Float64()
	}
}

// runRequests runs until n more requests have arrived.
func (m *simulator) runRequests(n uint64) {
	for until := m.arrived + n; m.arrived < until; {
		if !m.step(math.Inf(1)) {
			return
		}
	}
}

// runUntil runs until a time.
func (m *simulator) runUntil(end float64) {
	for m.step(end) {
	}
	m.advance(end)
}

// runOut runs until all requests and jobs are done.
func (m *simulator) runOut() {
	for (!math.IsInf(m.nextAt, 1) || len(m.due) > 0 || m.queued() || m.database != nil && m.database.pending > 0) && m.step(math.Inf(1)) {
	}
}

// step processes the next event before end, and reports whether there was one. At the same
// time, ends of invocations come before arrivals.
func (m *simulator) step(end float64) bool {
	at, what := m.nextAt, 0
	if len(m.timers) > 0 && m.timers[0].at <= at {
		at, what = m.timers[0].at, 1
	}
	if len(m.due) > 0 && m.due[0].at <= at {
		at, what = m.due[0].at, 2
	}
	if m.idle.n > 0 {
		if expires := m.idle.oldest() + m.idleLimit; expires < at {
			at, what = max(expires, m.now), 3 // a newly drawn limit may have passed already
		}
	}
	for i, q := range m.queues {
		if q.nextAt < at {
			at, what = q.nextAt, 4+i
		}
	}
	if at >= end || math.IsInf(at, 1) {
		return false
	}
	m.advance(at)
	switch what {
	case 0:
		duration := m.nextFor
		m.nextAt, m.nextFor = m.requests.next()
		m.request(duration)
	case 1:
		m.alarm(m.timers.pop())
	case 2:
		m.end(m.due.pop())
	case 3:
		m.idle.dropOldest()
		m.drawIdleLimit()
		m.instancesEnded()
	default:
		m.queues[what-4].arrive()
	}
	return true
}

// advance moves the clock and updates the integrals over time.
func (m *simulator) advance(at float64) {
	dt := at - m.now
	if dt <= 0 {
		return
	}
	m.now = at
	busy := m.running()
	warm := m.provisionedInstances()
	m.timeBusy += dt * float64(busy)
	m.timeInstances += dt * float64(warm+m.busy+m.idle.n)
	m.timeWarmBusy += dt * float64(m.warmBusy)
	m.timeReady += dt * float64(m.ready+m.preparing)
	if busy < len(m.occupancy) {
		m.occupancy[busy] += dt
	} else {
		m.occupancy = append(m.occupancy, make([]float64, busy)...)
		m.occupancy[busy] += dt
	}
	m.scaling.used += dt * float64(m.warmBusy)
	if m.database != nil {
		m.database.used += dt * float64(m.database.inUse())
		m.database.peak = max(m.database.peak, m.database.inUse())
	}
}

// running returns the number of invocations in flight.
func (m *simulator) running() int { return m.busy + m.warmBusy + m.oldBusy }

// provisionedInstances returns the number of provisioned instances of all versions.
func (m *simulator) provisionedInstances() int {
	return max(m.ready, m.warmBusy) + m.oldBusy + m.preparing
}

// place is the instance of an invocation.
type place struct {
	kind    uint8   // onDemand or provisioned
	fresh   bool    // it is a new instance,
	initing float64 // whose init phase takes so many seconds
}

// acquire finds or starts an instance. ok is false if Lambda throttles the invocation.
func (m *simulator) acquire() (p place, ok bool) {
	// While a deployment's old version finishes, its instances count too.
	if m.warmBusy < m.ready && m.running() < m.ceiling && (!m.limited || m.warmed.take(m.now)) {
		m.warmBusy++
		return place{kind: provisioned}, true
	}
	if m.provisionedInstances()+m.busy >= m.ceiling || m.limited && !m.accepted.take(m.now) {
		return p, false
	}
	if m.idle.n > 0 {
		m.idle.dropNewest()
	} else {
		if !m.ramp.take(m.now) {
			return p, false
		}
		m.cold++
		m.series.cold++
		p.fresh, p.initing = true, m.Init.sample(m.inits)
	}
	if m.ready > 0 {
		m.spilled++
	}
	m.busy++
	return p, true
}

// request handles the arrival of a request.
func (m *simulator) request(duration float64) {
	m.arrived++
	if duration < 0 {
		duration = m.Duration.sample(m.durations)
	}
	p, ok := m.acquire()
	if !ok {
		m.throttled++
		m.series.throttled++
		return
	}
	m.invoke(call{place: p, source: ofRequest, duration: duration, need: 1})
}

// call is an invocation whose handler has not begun.
type call struct {
	place
	source   uint8
	batch    int32   // of a queue, or the number of a schedule's run
	epoch    uint16  // of the version that runs it
	began    float64 // when Lambda sent it to the instance,
	ready    float64 // and the end of the init phase
	before   float64 // seconds that it waited before that
	duration float64 // of the handler, in seconds

	need     int // database connections
	waits    bool
	deadline float64 // of that wait
}

// The sources of invocations.
const (
	ofRequest = iota
	ofBatch
	ofSchedule
)

// invoke starts an invocation. With a database, its handler may have to wait for
// connections.
func (m *simulator) invoke(c call) {
	m.invocations++
	m.peakBusy = max(m.peakBusy, m.running())
	m.peakInstances = max(m.peakInstances, m.provisionedInstances()+m.busy+m.idle.n)
	c.epoch, c.began, c.ready = m.epoch, m.now, m.now+c.initing
	if m.database != nil {
		m.database.begin(c)
		return
	}
	m.serve(&c, 0)
}

// serve begins the handler of an invocation that waited for database connections, and
// returns its end.
func (m *simulator) serve(c *call, wait float64) (end float64) {
	duration := c.duration
	if wait+duration > m.timeout {
		duration = max(m.timeout-wait, 0)
		m.timedOut++
	}
	total := c.initing + wait + duration
	batch := int32(-1)
	switch c.source {
	case ofRequest:
		m.handled += duration
		m.latency.add(total, wait, c.initing)
	case ofBatch:
		batch = c.batch
		b := &m.batches.all[batch]
		b.allowed = m.timeout - wait
		m.queues[b.queue].tried(b, c, wait, total)
	case ofSchedule:
		m.scheduleRan(c, wait, total, c.duration > duration)
	}
	m.bill(c, total)
	end = c.began + total
	m.due.push(event{at: end, batch: batch, epoch: c.epoch, kind: c.kind})
	return end
}

// fail ends an invocation that got no database connections.
func (m *simulator) fail(c *call, wait float64) {
	total := c.initing + wait
	m.bill(c, total)
	switch c.source {
	case ofBatch:
		b := &m.batches.all[c.batch]
		q := m.queues[b.queue]
		q.tried(b, c, wait, total)
		m.leave(event{epoch: c.epoch, kind: c.kind})
		q.returns(b.messages, max(m.now, b.received+q.visibility))
		q.release(c.batch)
		return
	case ofSchedule:
		m.scheduleRan(c, wait, total, true)
	}
	m.leave(event{epoch: c.epoch, kind: c.kind})
}

// bill adds the billed duration of an invocation.
func (m *simulator) bill(c *call, total float64) {
	if billed := math.Ceil(total*1000-1e-6) / 1000; c.kind == provisioned {
		m.warmBilled += billed
	} else {
		m.billed += billed
	}
}

// end ends an invocation.
func (m *simulator) end(e event) {
	m.leave(e)
	if e.batch >= 0 {
		m.endBatch(e.batch)
	}
}

// leave frees the instance of an invocation.
func (m *simulator) leave(e event) {
	switch {
	case e.kind == onDemand && e.epoch == m.epoch:
		m.busy--
		m.idle.push(m.now)
	case e.kind == onDemand || e.kind == ended:
		m.busy--
		m.instancesEnded()
	case e.epoch == m.epoch:
		m.warmBusy--
	default:
		m.oldBusy--
		m.instancesEnded()
	}
}

// instancesEnded gives the database connections of ended instances to others.
func (m *simulator) instancesEnded() {
	if m.database != nil && !m.database.Proxy {
		m.database.next()
	}
}

// alarm handles a timer.
func (m *simulator) alarm(e event) {
	switch e.kind {
	case minuteEnds:
		m.minute()
	case allocated:
		m.scaling.pending = false
		m.setReady(m.scaling.target)
	case rescheduled:
		m.reschedule()
	case deployed:
		m.deploy()
	case shifted:
		m.shift()
	case wakesQueue:
		m.queues[e.batch].wake()
	case retriesBatch:
		m.retry(e.batch)
	case sampled:
		m.sample()
	case scheduleDue:
		m.scheduleIsDue(int(e.batch))
	case connects:
		m.database.connect(e.batch)
	case givesUp:
		m.database.giveUp(e.batch)
	case givesBack:
		m.database.giveBack(int(e.batch))
	case scheduleRuns:
		m.runSchedule(e.batch)
	}
}
