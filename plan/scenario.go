package plan

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Quotas of Lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html (2026-11)
const (
	defaultAccount  = 1000 // concurrent executions of an account in a region
	unreservable    = 100  // the last ones, which no function can reserve
	requestsPerUnit = 10   // a second, for each unit of concurrency

	rampInstances = 1000 // new instances of a function at once
	rampPerSecond = 100  // and again as many over 10 seconds

	defaultTimeout = 15 * time.Minute // the longest that Lambda allows
)

// Bounds of what the simulator can do.
const (
	mostInstances = math.MaxInt32
	mostBusy      = 1e7
	longestRun    = 366 * 24 * time.Hour
)

// AWS does not document idle times. Published measurements lie between 5 and 15 minutes,
// and differ between regions and hours.
var defaultIdle = Band{5 * time.Minute, 15 * time.Minute}

// Scenario is a function with its traffic and its settings. Traffic, a queue or a schedule
// is required.
type Scenario struct {
	// Traffic has the requests, whose clients wait for an answer. Nil is none.
	Traffic *Traffic

	// Duration is the time that the handler takes for a request. It is required with
	// Traffic, unless that is a trace with its own durations.
	Duration Distribution

	// Init is the time that a new instance takes before its first invocation. It adds to
	// the duration of that invocation. Nil is 0.
	Init Distribution

	// Idle is how long an instance waits for its next invocation before Lambda ends it. AWS
	// does not document it, so it is a band: the simulator draws a new limit whenever an
	// instance ends. The zero value is 5 to 15 minutes.
	Idle Band

	// Timeout is the function's timeout, after which Lambda ends an invocation. 0 is 15
	// minutes.
	Timeout time.Duration

	// Provisioned is the provisioned concurrency.
	Provisioned Provisioned

	// Reserved is the reserved concurrency: the maximum of concurrent invocations. Lambda
	// throttles requests above it. Nil is none, 0 throttles all.
	Reserved *int

	// Account is the account's quota of concurrent executions, which applies if Reserved is
	// nil. 0 is 1,000, the default quota of an account in a region.
	Account int

	// RequestsPerUnit is the number of requests a second that Lambda accepts for each unit
	// of concurrency. 0 is 10, as documented. A negative number lifts the limit, so that
	// Erlang B holds for durations under 100 ms as well.
	RequestsPerUnit float64

	// Queues are the queues whose jobs run on the same function.
	Queues []Queue

	// Database is the database that invocations need connections of; nil is none.
	Database *Database

	// Schedules are the schedules that invoke the function, or send messages to its queues.
	Schedules []Schedule

	// Start is the date and time at which the traffic begins. Schedules and
	// [Provisioned.Schedule] follow it. The zero value is a Monday, at midnight UTC.
	Start time.Time

	// Deployments are the times at which deployments begin. Lambda first allocates the new
	// version's provisioned instances, the minimum if they are autoscaled. Then all
	// invocations go to the new version, and the instances of the old version end.
	Deployments []time.Duration

	// Seed is the seed of the random numbers.
	Seed uint64

	// Length is the simulated time. With 0, a steady rate runs until the standard errors of
	// the shares are 0.2%, or Requests have arrived. A curve runs for at least a day of
	// whole periods, schedules for up to a month, and other traffic until all requests and jobs are done.
	Length time.Duration

	// Requests is the maximum of requests in a run with a steady rate. 0 is 20 million,
	// which takes about two seconds.
	Requests int
}

// Provisioned is the number of instances that Lambda keeps warm. The zero value is none.
type Provisioned struct {
	// Min is the number; with Max, it is the lowest number.
	Min int `json:"min"`

	// Max is the highest number for target tracking. 0 means Min: the number is fixed.
	Max int `json:"max,omitempty"`

	// Utilization is the target of target tracking: the share of warm instances that are
	// busy, 0.1 to 0.9. 0 is 0.7.
	Utilization float64 `json:"utilization,omitempty"`

	// Schedule lists changes by the time of day, earliest first.
	Schedule []Change `json:"schedule,omitempty"`
}

// Change sets the numbers of [Provisioned] at a time of the day.
type Change struct {
	// At is the time since midnight UTC.
	At time.Duration `json:"at"` // as JSON in nanoseconds
	// Days are the days of the week, in UTC. None means each day.
	Days []time.Weekday `json:"days,omitempty"`
	// Min and Max replace those of [Provisioned].
	Min int `json:"min"`
	Max int `json:"max,omitempty"`
}

// on reports whether a change happens on a day of the week.
func (c Change) on(day time.Weekday) bool { return len(c.Days) == 0 || slices.Contains(c.Days, day) }

// sameDay reports whether two changes happen on the same day.
func (c Change) sameDay(d Change) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if c.on(day) && d.on(day) {
			return true
		}
	}
	return false
}

// weekSeconds is the length of a week.
const weekSeconds = 7 * daySeconds

// weeklyChange is a [Change] at a time in seconds since the beginning of a week, on Sunday.
type weeklyChange struct {
	at float64
	Change
}

// week returns the changes of a week, in order.
func (p Provisioned) week() []weeklyChange {
	var list []weeklyChange
	for day := time.Sunday; day <= time.Saturday; day++ {
		for _, c := range p.Schedule {
			if c.on(day) {
				list = append(list, weeklyChange{float64(day)*daySeconds + c.At.Seconds(), c})
			}
		}
	}
	return list
}

func (p Provisioned) max() int {
	most := max(p.Min, p.Max)
	for _, c := range p.Schedule {
		most = max(most, c.Min, c.Max)
	}
	return most
}

// fixed reports whether the number never changes.
func (p Provisioned) fixed() bool { return p.Max <= p.Min && len(p.Schedule) == 0 }

func (s *Scenario) defaults() Scenario {
	c := *s
	if c.Init == nil {
		c.Init = constant(0)
	}
	if c.Idle == (Band{}) {
		c.Idle = defaultIdle
	}
	c.Idle.Max = max(c.Idle.Max, c.Idle.Min)
	c.Database = c.Database.withDefaults()
	if c.Start.IsZero() {
		c.Start = defaultStart
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Account == 0 {
		c.Account = defaultAccount
	}
	if c.RequestsPerUnit == 0 {
		c.RequestsPerUnit = requestsPerUnit
	}
	if c.Provisioned.Utilization == 0 {
		c.Provisioned.Utilization = 0.7
	}
	if c.Requests == 0 {
		c.Requests = 20_000_000
	}
	return c
}

// ceiling returns the maximum of concurrent invocations.
func (s *Scenario) ceiling() int {
	if s.Reserved != nil {
		return *s.Reserved
	}
	return s.Account
}

// load returns the mean number of instances that requests keep busy, without init phases.
func (s *Scenario) load() float64 {
	if s.Traffic == nil {
		return 0
	}
	return s.Traffic.Mean() * s.meanDuration()
}

// meanDuration returns the mean duration of a request in seconds.
func (s *Scenario) meanDuration() float64 {
	if s.Traffic != nil && len(s.Traffic.requests) > 0 && s.Traffic.requests[0].Duration >= 0 {
		sum := 0.0
		for _, r := range s.Traffic.requests {
			sum += r.Duration.Seconds()
		}
		return sum / float64(len(s.Traffic.requests))
	}
	if s.Duration == nil {
		return 0
	}
	return s.Duration.Mean()
}

// backlogAlone reports whether the scenario has only messages that wait at the beginning,
// apart from schedules.
func (s *Scenario) backlogAlone() bool {
	backlog := 0
	for i := range s.Queues {
		if s.Queues[i].Traffic != nil {
			return false
		}
		backlog += s.Queues[i].Backlog
	}
	return s.Traffic == nil && backlog > 0
}

// Check returns an error that names all faults of a scenario.
func (s *Scenario) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Traffic == nil && len(s.Queues) == 0 && len(s.Schedules) == 0 {
		wrong("plan: traffic must be given, got none; give a rate, a file, a queue or a schedule")
	}
	if s.Traffic != nil {
		if err := s.Traffic.check(); err != nil {
			errs = append(errs, fmt.Errorf("plan: %w", err))
		}
		if s.Duration == nil && (s.Traffic.requests == nil || len(s.Traffic.requests) > 0 && s.Traffic.requests[0].Duration < 0) {
			wrong("plan: duration must be given, got none; say how long a request takes, such as 250ms")
		}
		if busy := s.Traffic.Peak() * s.meanDuration(); busy > mostBusy {
			wrong("plan: the peak must keep at most 10,000,000 instances busy, got %.3g; lower the rate or the duration", busy)
		}
	}
	for name, d := range map[string]Distribution{"duration": s.Duration, "init": s.Init} {
		if d != nil && !(d.Mean() >= 0 && d.Mean() <= defaultTimeout.Seconds()) {
			wrong("plan: mean of %s must be 0 to 15m, got %s; correct it", name, d)
		}
	}
	if s.Idle.Min < 0 || s.Idle.Max != 0 && s.Idle.Max < s.Idle.Min {
		wrong("plan: idle must be 0s or more and rise, got %s to %s; give the shorter time first", s.Idle.Min, s.Idle.Max)
	}
	if s.Timeout < 0 || s.Timeout > defaultTimeout {
		wrong("plan: timeout must be 0s to 15m, got %s; correct it", s.Timeout)
	}
	if s.Account < 0 || s.Account > mostInstances {
		wrong("plan: account must be 1 to 2,147,483,647 instances, got %d; give the quota of concurrent executions", s.Account)
		return errors.Join(errs...)
	}
	c := s.defaults()
	if s.Reserved != nil && (*s.Reserved < 0 || *s.Reserved > mostInstances) {
		wrong("plan: reserved must be 0 to 2,147,483,647 instances, got %d; leave it out to reserve nothing", *s.Reserved)
	} else if most := c.Provisioned.max(); most > c.ceiling() {
		name := "the account's concurrency"
		if s.Reserved != nil {
			name = "reserved"
		}
		wrong("plan: provisioned must be at most %s (%d instances), got %d; lower it", name, c.ceiling(), most)
	}
	p := c.Provisioned
	if p.Min < 0 || p.Max != 0 && p.Max < p.Min {
		wrong("plan: provisioned must be 0 or more instances, the lower number first, got %d to %d; correct it", p.Min, p.Max)
	}
	if p.Max > p.Min && p.Min < 1 {
		wrong("plan: the lowest of provisioned must be at least 1 instance with a highest, got %d to %d; there is no utilization of none to follow", p.Min, p.Max)
	}
	if !(p.Utilization >= 0.1 && p.Utilization <= 0.9) {
		wrong("plan: utilization must be 0.1 to 0.9, got %g; it is a ratio, so 70%% is 0.7", p.Utilization)
	}
	for i, change := range p.Schedule {
		if change.At < 0 || change.At >= 24*time.Hour || i > 0 && (change.At < p.Schedule[i-1].At || change.At == p.Schedule[i-1].At && change.sameDay(p.Schedule[i-1])) {
			wrong("plan: time of a schedule must be 0s to 24h and rise, got %s; sort the changes", change.At)
		}
		for _, day := range change.Days {
			if day < time.Sunday || day > time.Saturday {
				wrong("plan: days of a schedule must be 0 to 6, got %d; Sunday is 0", day)
			}
		}
		if change.Min < 1 || change.Max != 0 && change.Max < change.Min {
			wrong("plan: provisioned of a schedule must be at least 1 instance, the lower number first, got %d to %d; correct it", change.Min, change.Max)
		}
	}
	for i := range s.Queues {
		errs = append(errs, s.Queues[i].check())
	}
	if s.Database != nil {
		errs = append(errs, s.Database.check())
	}
	for i := range s.Schedules {
		errs = append(errs, s.Schedules[i].check(s.Queues))
	}
	if math.IsNaN(s.RequestsPerUnit) {
		wrong("plan: requests per unit must be a number, got %g; correct it", s.RequestsPerUnit)
	}
	for _, at := range s.Deployments {
		if at < 0 {
			wrong("plan: time of a deployment must be 0s or more, got %s; it counts from the beginning", at)
		}
	}
	if s.Length < 0 || s.Length > longestRun || s.Requests < 0 {
		wrong("plan: length must be 0s to a year and requests 0 or more, got %s and %d; leave them out for as long as it takes", s.Length, s.Requests)
	}
	return errors.Join(errs...)
}

// idleLimits returns the bounds of the idle time in seconds.
func (s *Scenario) idleLimits() (low, high float64) {
	return s.Idle.Min.Seconds(), math.Max(s.Idle.Max.Seconds(), s.Idle.Min.Seconds())
}
