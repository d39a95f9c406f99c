package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// How Lambda polls queues. Pollers of a standard queue begin with 5 concurrent invocations.
// While messages wait, they add up to 300 a minute, up to 1,250. Provisioned pollers run 10
// invocations each and grow three times as fast, by 1,000 invocations a minute. A FIFO queue
// has at most one invocation for each message group that has messages.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (2026-11);
// https://aws.amazon.com/blogs/aws/aws-lambda-enhances-sqs-processing-with-new-provisioned-mode-3x-faster-scaling-16x-higher-capacity
// (2025-11). No document confirms two assumptions. The number falls as fast as it rises.
// Lambda retries a throttled batch each second until the visibility timeout; then its
// messages go back to the queue with one more receive.
const (
	firstPollers       = 5
	pollersPerSecond   = 300.0 / 60
	maxPollers         = 1250
	invocationsPerUnit = 10
	unitsGrow          = 1000.0 / 60
	throttlePause      = 1.0

	largestBatch     = 10000
	largestFIFOBatch = 10

	largestConcurrency = 1000 // the highest maximum concurrency

	mostGroups = 10_000_000 // that the simulator has memory for
)

// Queue is an SQS queue whose jobs run on the function of a [Scenario].
type Queue struct {
	// Name names the queue in error messages and reports.
	Name string

	// FIFO runs one job at a time in each message group.
	FIFO bool

	// Traffic has the messages that are sent to the queue. Nil is none.
	Traffic *Traffic

	// Backlog is the number of messages that wait at the beginning.
	Backlog int

	// Duration is the duration of one job; required.
	Duration Distribution

	// Jobs is the number of jobs of an invocation that run at once. 0 is 1, and a FIFO
	// queue has 1.
	Jobs int

	// BatchSize is the maximum of messages in an invocation: 1 to 10,000, or 1 to 10 for
	// a FIFO queue. 0 is 10.
	BatchSize int

	// Window is how long Lambda waits for a batch to fill.
	Window time.Duration

	// MaxConcurrency is the maximum of concurrent invocations: 2 to 1,000. 0 is no
	// maximum.
	MaxConcurrency int

	// MinPollers and MaxPollers bound the number of provisioned pollers. 0 and 0 mean no
	// provisioned pollers. They exclude MaxConcurrency.
	MinPollers, MaxPollers int

	// Groups is the number of message groups in use on a FIFO queue. 0 is 1.
	Groups int

	// Failure is the share of jobs that fail on each try.
	Failure float64

	// WholeBatch says that the event source mapping does not report partial batch
	// failures, so one failed job returns its whole batch to the queue.
	WholeBatch bool

	// Visibility is the visibility timeout. 0 is 6 times the timeout of the function, or
	// 30 s if the function has no timeout.
	Visibility time.Duration

	// MaxReceives is the number of receives after which a message goes to the dead-letter
	// queue. 0 is 5.
	MaxReceives int
}

func (q *Queue) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("queue %q: "+format, append([]any{q.Name}, args...)...))
	}
	if q.Duration == nil {
		wrong("duration must be given, got none; say how long a job takes, such as 250ms")
	}
	if q.Traffic != nil {
		if err := q.Traffic.check(); err != nil {
			wrong("%w", err)
		}
	}
	most := largestBatch
	if q.FIFO {
		most = largestFIFOBatch
	}
	if q.BatchSize < 0 || q.BatchSize > most {
		wrong("batch size must be 1 to %d messages, got %d; correct it", most, q.BatchSize)
	}
	if q.MaxConcurrency != 0 && (q.MaxConcurrency < 2 || q.MaxConcurrency > largestConcurrency) {
		wrong("maximum concurrency must be 2 to 1000, got %d; leave it out for none", q.MaxConcurrency)
	}
	if q.MaxConcurrency > 0 && q.MaxPollers > 0 {
		wrong("maximum concurrency must be none with provisioned pollers, got %d; leave one out", q.MaxConcurrency)
	}
	if q.MinPollers < 0 || q.MaxPollers < q.MinPollers || q.MaxPollers > 0 && q.MinPollers < 2 {
		wrong("pollers must be at least 2, the lower number first, got %d to %d; correct them", q.MinPollers, q.MaxPollers)
	}
	if !(q.Failure >= 0 && q.Failure < 1) {
		wrong("failure must be a share of 0 up to but not 1, got %g; correct it", q.Failure)
	}
	if q.Groups > mostGroups || q.FIFO && q.Backlog > mostGroups {
		wrong("message groups and the backlog of a FIFO queue must be at most 10,000,000, got %d and %d; lower them", q.Groups, q.Backlog)
	}
	if q.Backlog < 0 || q.Backlog > math.MaxInt32 || q.Groups < 0 || q.Jobs < 0 || q.MaxReceives < 0 || q.Window < 0 || q.Window > 5*time.Minute || q.Visibility < 0 {
		wrong("backlog, groups, jobs, receives and visibility must be 0 or more, and the window 0s to 5m; correct them")
	}
	return errors.Join(errs...)
}

// message is a message of a queue.
type message struct {
	sent  float64
	tries int32
	group int32
}

// queue is the state of a [Queue] in a run.
type queue struct {
	Queue
	m          *simulator
	number     int
	messages   *arrivals
	nextAt     float64
	random     *rand.Rand
	visibility float64

	untouched int             // messages of the backlog of a standard queue, before ready
	ready     ring[message]   // of a standard queue
	groups    []ring[message] // of a FIFO queue
	busy      []bool          // groups with an invocation in flight, or stopped
	stopped   []bool          // groups that wait for a hidden message
	turn      ring[int32]     // groups with messages and no invocation
	count     int             // waiting messages, in ready or groups
	hidden    hidden          // messages that become visible again later
	level     float64         // concurrent invocations that the pollers allow
	since     float64         // when level was computed
	inFlight  int
	wakeAt    float64

	queueStats
}

// queueStats are the counts and sums of a queue.
type queueStats struct {
	ages                         *histogram // from sent to the end of the first try
	arrived, done, dead          uint64
	batches, retried, throttles  uint64
	oldest                       float64 // the longest wait for the first try
	deepest                      int
	peak                         int
	jobSeconds, invocationBilled float64
	lastDone                     float64
}

func newQueue(m *simulator, number int) *queue {
	q := &queue{Queue: m.Queues[number], m: m, number: number, nextAt: math.Inf(1), wakeAt: math.Inf(1), random: stream(m.Seed, streamQueues+uint64(number)*16)}
	q.reset()
	if q.BatchSize == 0 {
		q.BatchSize = 10
	}
	if q.MaxReceives == 0 {
		q.MaxReceives = 5
	}
	q.Groups, q.Jobs = max(q.Groups, 1), max(q.Jobs, 1)
	if q.FIFO {
		q.groups, q.busy, q.stopped = make([]ring[message], q.Groups), make([]bool, q.Groups), make([]bool, q.Groups)
		q.Jobs = 1
	}
	q.visibility = q.Visibility.Seconds()
	if q.visibility == 0 {
		if q.visibility = 6 * m.timeout; m.timeout >= defaultTimeout.Seconds() {
			q.visibility = 30
		}
	}
	q.level = q.lowestLevel()
	if q.FIFO {
		for range q.Backlog {
			q.put(message{group: q.group()})
		}
	} else {
		q.untouched, q.count, q.deepest = q.Backlog, q.Backlog, q.Backlog
	}
	q.arrived += uint64(q.Backlog)
	if q.Traffic != nil {
		q.messages = q.Traffic.begin(stream(m.Seed, streamQueues+uint64(number)*16+8))
		q.nextAt, _ = q.messages.next()
	}
	if q.Backlog > 0 {
		q.wakeUp(m.now)
	}
	return q
}

func (q *queue) reset() { q.queueStats = queueStats{ages: newHistogram()} }

func (q *queue) group() int32 {
	if !q.FIFO || q.Groups == 1 {
		return 0
	}
	return int32(q.random.IntN(q.Groups))
}

func (q *queue) lowestLevel() float64 {
	switch {
	case q.MaxPollers > 0:
		return float64(q.MinPollers * invocationsPerUnit)
	case q.MaxConcurrency > 0:
		return float64(min(firstPollers, q.MaxConcurrency))
	}
	return firstPollers
}

func (q *queue) highestLevel() float64 {
	switch {
	case q.MaxPollers > 0:
		return float64(q.MaxPollers * invocationsPerUnit)
	case q.MaxConcurrency > 0:
		return float64(q.MaxConcurrency)
	}
	return maxPollers
}

// waiting returns the number of messages in the queue, visible and hidden. The messages of
// a stopped message group are in count already.
func (q *queue) waiting() int {
	if q.FIFO {
		return q.count
	}
	return q.count + len(q.hidden)
}

// queued reports whether any queue has messages.
func (m *simulator) queued() bool {
	for _, q := range m.queues {
		if q.waiting() > 0 || q.inFlight > 0 || !math.IsInf(q.nextAt, 1) {
			return true
		}
	}
	return false
}

// arrive adds the next message of the traffic.
func (q *queue) arrive() {
	q.nextAt, _ = q.messages.next()
	q.send()
}

// send adds a message that was just sent.
func (q *queue) send() {
	q.arrived++
	q.put(message{sent: q.m.now, group: q.group()})
	q.dispatch()
}

// put makes a message visible.
func (q *queue) put(msg message) {
	q.count++
	q.deepest = max(q.deepest, q.count)
	if !q.FIFO {
		q.ready.push(msg)
		return
	}
	g := &q.groups[msg.group]
	if g.n == 0 && !q.busy[msg.group] {
		q.turn.push(msg.group)
	}
	g.push(msg)
}

// wakeUp sets a timer for the queue, unless an earlier one is set.
func (q *queue) wakeUp(at float64) {
	if at < q.wakeAt {
		q.wakeAt = at
		q.m.timers.push(event{at: at, batch: int32(q.number), kind: wakesQueue})
	}
}

// wake makes the hidden messages visible that are due, and dispatches.
func (q *queue) wake() {
	if q.m.now >= q.wakeAt {
		q.wakeAt = math.Inf(1)
	}
	for len(q.hidden) > 0 && q.hidden[0].at <= q.m.now {
		q.visible(q.hidden.pop())
	}
	if len(q.hidden) > 0 {
		q.wakeUp(q.hidden[0].at)
	}
	q.dispatch()
}

// grow updates the level: it rises while messages wait and falls while none do.
func (q *queue) grow() {
	passed := q.m.now - q.since
	q.since = q.m.now
	rate := pollersPerSecond
	if q.MaxPollers > 0 {
		rate = unitsGrow
	}
	if q.count == 0 {
		rate = -rate
	}
	q.level = min(max(q.level+passed*rate, q.lowestLevel()), q.highestLevel())
}

// dispatch invokes the function as often as the pollers allow.
func (q *queue) dispatch() {
	q.grow()
	for q.count > 0 && float64(q.inFlight+1) <= q.level+1e-9 {
		if q.FIFO && q.turn.n == 0 {
			return // every group with messages has an invocation
		}
		if q.Window > 0 && q.count < q.BatchSize {
			if first := q.first() + q.Window.Seconds(); first > q.m.now {
				q.wakeUp(first)
				return
			}
		}
		q.invokeBatch(q.take())
	}
	if q.count > 0 && q.level < q.highestLevel() {
		q.wakeUp(q.m.now + max(0.2, (math.Floor(q.level)+1-q.level)/pollersPerSecond))
	}
}

// first returns the time at which the first waiting message was sent.
func (q *queue) first() float64 {
	if q.untouched > 0 {
		return 0
	}
	if !q.FIFO {
		return q.ready.at(0).sent
	}
	return q.groups[*q.turn.at(0)].at(0).sent
}

// take makes the next batch and returns its number.
func (q *queue) take() int32 {
	id := q.m.batches.get(q.number)
	b := &q.m.batches.all[id]
	if !q.FIFO {
		for len(b.messages) < q.BatchSize && q.untouched > 0 {
			b.messages = append(b.messages, message{})
			q.untouched--
		}
		for len(b.messages) < q.BatchSize && q.ready.n > 0 {
			b.messages = append(b.messages, q.ready.pop())
		}
	} else {
		for len(b.messages) < q.BatchSize && q.turn.n > 0 {
			n := q.turn.pop()
			q.busy[n] = true
			for g := &q.groups[n]; len(b.messages) < q.BatchSize && g.n > 0; {
				b.messages = append(b.messages, g.pop())
			}
		}
	}
	q.count -= len(b.messages)
	return id
}
