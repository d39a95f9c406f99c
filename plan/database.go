package plan

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// defaultBorrow is the default of RDS Proxy's ConnectionBorrowTimeout.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html (2026-11)
const defaultBorrow = 2 * time.Minute

// Database is the database that each invocation needs a connection of: one, or one for each
// concurrent job of a standard queue.
//
// Without a proxy, an instance takes its connections before its first invocation and keeps
// them until it ends, also while it is idle. It takes as many as its largest invocation
// needs.
//
// With RDS Proxy, an invocation borrows its connections before its handler begins, and gives
// them back together. AWS does not document an order; here the first to ask is the first to
// get. A handler on AWS borrows one for each transaction, so that it waits more often, but
// for a shorter time.
type Database struct {
	// Connections is the number of connections that the function may use: max_connections,
	// less the connections of other programs; with RDS Proxy the MaxConnectionsPercent of
	// it. Required.
	Connections int

	// Proxy says that RDS Proxy is in between.
	Proxy bool

	// Borrow is the longest time that an invocation waits for its connections. Then it
	// fails. 0 is 2 minutes with a proxy, as on AWS. Without a proxy, 0 is no wait: the
	// database refuses the connection.
	Borrow time.Duration

	// Held is the share of the handler's time for which it holds borrowed connections. 0 is
	// 1, all of it.
	Held float64
}

func (d *Database) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("plan: database: "+format, args...)) }
	if d.Connections < 1 || d.Connections > mostInstances {
		wrong("connections must be 1 to 2,147,483,647, got %d; see max_connections of the database", d.Connections)
	}
	if d.Borrow < 0 {
		wrong("borrow must be 0s or more, got %s; correct it", d.Borrow)
	}
	if !(d.Held >= 0 && d.Held <= 1) {
		wrong("held must be a share of 0 to 1, got %g; correct it", d.Held)
	}
	return errors.Join(errs...)
}

// withDefaults returns a copy with defaults.
func (d *Database) withDefaults() *Database {
	if d == nil {
		return nil
	}
	c := *d
	if c.Borrow == 0 && c.Proxy {
		c.Borrow = defaultBorrow
	}
	if c.Held == 0 || !c.Proxy {
		c.Held = 1
	}
	return &c
}

// DatabaseResult is how invocations got their database connections. Shares are of all
// invocations, and times are in seconds.
type DatabaseResult struct {
	// Connections is the number of connections, of RDS Proxy if Proxy is true.
	Connections int  `json:"connections"`
	Proxy       bool `json:"proxy"`
	// WaitShare is the share of invocations that wait for connections. FailShare is the
	// share that gets none: RDS Proxy gives up, or the database refuses them.
	WaitShare float64 `json:"waitShare"`
	FailShare float64 `json:"failShare"`
	// Wait is the time that invocations wait, 0 for most.
	Wait Waits `json:"wait"`
	// MeanInUse and PeakInUse are numbers of connections.
	MeanInUse float64 `json:"meanInUse"`
	PeakInUse int     `json:"peakInUse"`
}

// Waits are the mean and percentiles of a wait in seconds.
type Waits struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// database is the state of a [Database] in a run.
type database struct {
	*Database
	m           *simulator
	per         int // connections of an instance, without a proxy
	lent        int // by a proxy
	unconnected int // busy new instances that have no connections yet, without a proxy

	calls   []call // that have no connections yet, by number
	free    []int32
	waiting ring[int32] // in their order; some may have given up
	waiters int
	pending int // calls in their init phase, or that wait

	databaseStats
}

type databaseStats struct {
	waits                 *histogram
	asked, waited, failed uint64
	peak                  int
	used                  float64 // integral over time
}

func newDatabase(m *simulator) *database {
	d := &database{Database: m.Database, m: m, per: m.connections()}
	d.reset()
	return d
}

func (d *database) reset() { d.databaseStats = databaseStats{waits: newHistogram()} }

// inUse returns the number of connections in use.
func (d *database) inUse() int {
	if d.Proxy {
		return d.lent
	}
	m := d.m
	return min(d.per*(m.provisionedInstances()+m.busy+m.idle.n-d.unconnected), d.Connections)
}

// begin handles an invocation that Lambda has just sent to an instance.
func (d *database) begin(c call) {
	d.asked++
	switch {
	case d.Proxy:
		c.need = min(c.need, d.Connections)
	case !c.fresh: // the instance has its connections
		d.waits.add(0, 0, 0)
		d.m.serve(&c, 0)
		return
	default:
		d.unconnected++
		c.need = min(d.per, d.Connections)
	}
	d.pending++
	var id int32
	if n := len(d.free); n > 0 {
		id, d.free = d.free[n-1], d.free[:n-1]
		d.calls[id] = c
	} else {
		id = int32(len(d.calls))
		d.calls = append(d.calls, c)
	}
	if c.initing > 0 {
		d.m.timers.push(event{at: c.ready, batch: id, kind: connects})
		return
	}
	d.connect(id)
}

// connect asks for connections after the init phase.
func (d *database) connect(id int32) {
	c := &d.calls[id]
	if d.waiters == 0 && d.inUse()+c.need <= d.Connections {
		d.lend(id)
		return
	}
	patience := math.Min(d.Borrow.Seconds(), d.m.timeout)
	c.waits, c.deadline = true, d.m.now+patience
	d.waiters++
	d.waiting.push(id)
	if patience == 0 {
		d.giveUp(id)
		return
	}
	d.waited++
	d.m.timers.push(event{at: c.deadline, batch: id, kind: givesUp})
}

// lend gives connections to a call, whose handler begins.
func (d *database) lend(id int32) {
	m, c := d.m, d.calls[id]
	d.pending--
	wait := m.now - c.ready
	d.waits.add(wait, 0, 0)
	if d.Proxy {
		d.lent += c.need
	} else {
		d.unconnected--
	}
	end := m.serve(&c, wait)
	if d.Proxy {
		m.timers.push(event{at: m.now + d.Held*(end-m.now), batch: int32(c.need), kind: givesBack})
	}
	d.free = append(d.free, id)
}

// giveBack takes borrowed connections back.
func (d *database) giveBack(n int) {
	d.lent -= n
	d.next()
}

// next lends free connections to the calls that wait, the first first.
func (d *database) next() {
	for d.waiting.n > 0 {
		id := *d.waiting.at(0)
		c := &d.calls[id]
		if c.waits {
			if d.inUse()+c.need > d.Connections {
				return
			}
			d.waiters--
			c.waits = false
			d.waiting.pop()
			d.lend(id)
			continue
		}
		d.waiting.pop()
		d.free = append(d.free, id)
	}
}

// giveUp ends the wait of a call, unless it got its connections.
func (d *database) giveUp(id int32) {
	m, c := d.m, &d.calls[id]
	if !c.waits || c.deadline != m.now {
		return
	}
	c.waits = false
	d.waiters--
	d.pending--
	d.failed++
	wait := m.now - c.ready
	d.waits.add(wait, 0, 0)
	if d.Borrow.Seconds() > m.timeout {
		m.timedOut++
	}
	failed := *c
	if !d.Proxy {
		d.unconnected--
		failed.kind = ended
	}
	m.fail(&failed, wait)
	d.next()
}

func (d *database) result(length float64) *DatabaseResult {
	r := &DatabaseResult{Connections: d.Connections, Proxy: d.Proxy, PeakInUse: d.peak}
	if n := float64(d.asked); n > 0 {
		r.WaitShare, r.FailShare = float64(d.waited)/n, float64(d.failed)/n
	}
	if length > 0 {
		r.MeanInUse = d.used / length
	}
	p := d.waits.percentiles()
	r.Wait = Waits{p.Mean, p.P50, p.P90, p.P99, p.P999, p.Max}
	return r
}

// waitingFor returns the share of invocations that wait for one of n connections, or with
// refused get none at once, at a load with a peakedness. It is exact for Poisson arrivals
// and exponential durations, as Erlang's formulas are.
func waitingFor(n int, load, peakedness float64, refused bool) float64 {
	b := Hayward(float64(n), load, peakedness)
	switch busy := load / float64(n); {
	case refused:
		return b
	case busy >= 1:
		return 1
	default:
		return b / (1 - busy*(1-b))
	}
}

// databaseBreaks adds the multiple of the traffic at which the database has too few
// connections.
func (s *Scenario) databaseBreaks(add func(string, float64, string, ...any)) {
	d := s.Database.withDefaults()
	if d == nil {
		return
	}
	load, peakedness := 0.0, 1.0
	if s.Traffic != nil {
		duration := s.meanDuration()
		load += s.Traffic.Peak() * duration
		peakedness = s.Traffic.Peakedness(duration)
	}
	for i := range s.Queues {
		if q := &s.Queues[i]; q.Traffic != nil && q.Duration != nil {
			jobs := q.Traffic.Peak() * q.Duration.Mean()
			if !d.Proxy && !q.FIFO { // an instance has its connections for all its jobs
				jobs /= float64(max(q.Jobs, 1))
			}
			load += jobs
		}
	}
	if load == 0 {
		return
	}
	load *= d.Held
	if d.Proxy {
		times := bisect(func(k float64) bool { return waitingFor(d.Connections, k*load, peakedness, false) > 0.01 })
		add("database connections", times, "more than 1%% of the invocations wait for one of the %s connections that RDS Proxy lends; raise MaxConnectionsPercent, take a larger database, or hold connections for a shorter time", thousands(float64(d.Connections)))
		return
	}
	per := s.connections()
	times := bisect(func(k float64) bool {
		return waitingFor(max(d.Connections/per, 1), k*load, peakedness, true) > 0.001
	})
	add("database connections", times, "%s instances at once have %s, and the database has %s; reserve no more instances than that, or use RDS Proxy",
		thousands(float64(ServersForBursts(load, 0.001, peakedness))), count(per, "connection")+" each", thousands(float64(d.Connections)))
}
