package plan

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Goals are the targets that recommended settings must meet.
type Goals struct {
	// ColdShare is the share of requests that may wait for an init. 0 is 0.1%.
	ColdShare float64
	// Noticeable is the shortest init that users notice. Avoiding a shorter init is not
	// worth money. 0 is 100 ms.
	Noticeable time.Duration
	// ThrottledShare is the share of requests that Lambda may throttle. 0 is one in a
	// million.
	ThrottledShare float64
	// Age is the longest time that a message may wait in a queue. 0 is 5 minutes.
	Age time.Duration
	// Others is the number of instances that the function needs beyond the scenario, such
	// as for queues whose messages are unknown.
	Others int
}

func (g Goals) defaults() Goals {
	if g.ColdShare == 0 {
		g.ColdShare = 0.001
	}
	if g.Noticeable == 0 {
		g.Noticeable = 100 * time.Millisecond
	}
	if g.ThrottledShare == 0 {
		g.ThrottledShare = 1e-6
	}
	if g.Age == 0 {
		g.Age = 5 * time.Minute
	}
	return g
}

// Advice holds recommended settings, each with its reason.
type Advice struct {
	// Worth says whether provisioned concurrency is worth it at all.
	Worth bool   `json:"provisionedIsWorthIt"`
	Why   string `json:"why"`

	// Provisioned is the recommended provisioned concurrency; nil if it is not worth it.
	Provisioned    *Provisioned `json:"provisioned,omitempty"`
	ProvisionedWhy string       `json:"provisionedWhy,omitempty"`
	// Alternatives are all ways to provision that Advise tried, the recommended one too.
	Alternatives []Alternative `json:"alternatives,omitempty"`

	// Reserved is the reserved concurrency.
	Reserved    int    `json:"reserved"`
	ReservedWhy string `json:"reservedWhy"`

	Queues []QueueAdvice `json:"queues,omitempty"`

	// Memory has a point for each size of [Billing.Measured]; MemoryWhy says which size
	// is best.
	Memory    []MemoryPoint `json:"memory,omitempty"`
	MemoryWhy string        `json:"memoryWhy,omitempty"`

	// Go is Go source that sets the recommended numbers in a stack.
	Go string `json:"go"`

	// Curve has the cost and latency for several fixed numbers of provisioned instances.
	Curve []CurvePoint `json:"curve,omitempty"`

	peak      int // the most busy instances at once, with the recommended settings
	scheduled int // the most runs of schedules at once
}

// Alternative is one way to provision instances, with its cost and latency.
type Alternative struct {
	Name        string      `json:"name"`
	Provisioned Provisioned `json:"provisioned"`
	Cost        float64     `json:"cost"` // a month, in US dollars
	ColdShare   float64     `json:"coldShare"`
	P99         float64     `json:"p99"` // seconds
	// PeakBusy is the highest number of instances that were busy at once.
	PeakBusy int `json:"peakBusy"`
}

// QueueAdvice is the recommended maximum concurrency of a queue.
type QueueAdvice struct {
	Name           string `json:"name"`
	MaxConcurrency int    `json:"maxConcurrency"`
	Why            string `json:"why"`
}

// Advise recommends settings for the traffic of a scenario. It ignores the scenario's own
// provisioned and reserved concurrency, and the maximum concurrency of its queues.
func Advise(s Scenario, goals Goals, prices Prices, billing Billing) (*Advice, error) {
	return recommend(s, nil, goals, prices, billing)
}

// recommend is [Advise] for a scenario whose own result may be known.
func recommend(s Scenario, own *Result, goals Goals, prices Prices, billing Billing) (*Advice, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	s = s.defaults()
	goals = goals.defaults()
	a := &Advice{}
	err := a.queues(&s, goals)
	if err != nil {
		return nil, err
	}
	if s.Traffic != nil && s.Traffic.Mean() > 0 {
		points := 12
		if day := s.Traffic.Mean() * daySeconds; !s.Traffic.steady() && day > 2e6 {
			points = max(3, int(24e6/day))
		}
		curve, err := costCurve(&s, own, prices, billing, points)
		if err != nil {
			return nil, err
		}
		a.Curve, a.peak = curve, curve[0].PeakBusy
		if err := a.provisioned(&s, goals, prices, billing); err != nil {
			return nil, err
		}
	} else {
		whose := "job"
		if len(s.Queues) == 0 {
			whose = "schedule"
		}
		a.Why = "Nobody waits for the answer of a " + whose + ", so that cold starts are not worth money."
	}
	if a.scheduled, err = scheduledPeak(&s); err != nil {
		return nil, err
	}
	a.reserved(&s, goals)
	if err := a.memory(&s, prices, billing); err != nil {
		return nil, err
	}
	a.Go = a.snippet()
	return a, nil
}

// provisioned decides whether warm instances are worth their cost, and how many.
func (a *Advice) provisioned(s *Scenario, goals Goals, prices Prices, billing Billing) error {
	none := a.Curve[0]
	init := seconds(s.Init.Mean())
	saves, most := 0.0, 0
	for _, p := range a.Curve {
		if p.BreakEven {
			saves, most = none.Cost-p.Cost, p.Provisioned
		}
	}
	switch {
	case saves >= 1 && saves > 0.01*none.Cost:
		a.Worth = true
		a.Why = fmt.Sprintf("Yes: %s %s busy for more than 60%% of the time and %s %s a month less provisioned than on demand.",
			count(most, "instance"), are(most, "is", "are"), are(most, "costs", "cost"), dollars(saves))
	case none.ColdShare <= goals.ColdShare:
		a.Why = fmt.Sprintf("No: without it %s of the requests wait for the init of %s, which is within the goal of %s.",
			share(none.ColdShare), short(init), share(goals.ColdShare))
		return nil
	case init < goals.Noticeable:
		a.Why = fmt.Sprintf("No: %s of the requests wait %s longer, which nobody notices; below %s it is not worth money.",
			share(none.ColdShare), short(init), short(goals.Noticeable))
		return nil
	default:
		a.Worth, most = true, 0
		a.Why = fmt.Sprintf("Yes: without it %s of the requests wait for the init of %s, and the goal is %s.",
			share(none.ColdShare), short(init), share(goals.ColdShare))
	}
	return a.ways(s, goals, prices, billing, most)
}

// ways compares the ways to provision instances, and recommends the cheapest one that
// meets the goal. least is the number of instances that pay for themselves.
func (a *Advice) ways(s *Scenario, goals Goals, prices Prices, billing Billing, least int) error {
	c := study(s)
	if least > 0 && seconds(s.Init.Mean()) < goals.Noticeable {
		goals.ColdShare = 1 // the instances only save money
	}
	try := func(name string, p Provisioned) (*Alternative, error) {
		c.Provisioned = p
		r, err := Run(c)
		if err != nil {
			return nil, err
		}
		return &Alternative{name, p, prices.Month(&c, r, billing).Total, r.ColdShare, r.Latency.P99, r.PeakBusy}, nil
	}
	// Bisect between two points of the curve for the fewest instances that meet the goal.
	low, high := 0, 0
	for _, p := range a.Curve {
		if high = p.Provisioned; p.ColdShare <= goals.ColdShare && high >= least {
			break
		}
		low = high
	}
	high = max(high, 1)
	fixed, err := try("fixed", Provisioned{Min: high})
	if err != nil {
		return err
	}
	for doubled := 0; fixed.ColdShare > goals.ColdShare && doubled < 4; doubled++ { // bursts need more instances than the curve has
		low, high = high, 2*high
		if fixed, err = try("fixed", Provisioned{Min: high}); err != nil {
			return err
		}
	}
	for steps := 0; high-low > 1 && high > least && steps < 9; steps++ {
		middle := (low + high) / 2
		way, err := try("fixed", Provisioned{Min: middle})
		if err != nil {
			return err
		}
		if way.ColdShare <= goals.ColdShare {
			fixed, high = way, middle
		} else {
			low = middle
		}
	}
	ways := []*Alternative{fixed}
	if !s.Traffic.steady() && s.Traffic.requests == nil && high > 1 {
		autoscaled, err := try("autoscaled", Provisioned{Min: max(1, c.lowest(goals)), Max: high + (high+4)/5})
		if err != nil {
			return err
		}
		ways = append(ways, autoscaled)
		if changes := c.schedule(goals, high); len(changes) > 1 {
			scheduled, err := try("scheduled", Provisioned{Min: changes[len(changes)-1].Min, Schedule: changes})
			if err != nil {
				return err
			}
			ways = append(ways, scheduled)
		}
	}
	best := fixed
	for _, w := range ways {
		a.Alternatives = append(a.Alternatives, *w)
		if w.ColdShare <= goals.ColdShare && w.Cost < best.Cost {
			best = w
		}
	}
	a.Provisioned, a.peak = &best.Provisioned, best.PeakBusy
	none := a.Curve[0]
	text := fmt.Sprintf("%s: %s of the requests are cold instead of %s, and a month costs %s instead of %s", best.describe(), share(best.ColdShare), share(none.ColdShare), dollars(best.Cost), dollars(none.Cost))
	if share(best.ColdShare) == share(none.ColdShare) {
		text = fmt.Sprintf("%s: a month costs %s instead of %s, and %s of the requests are cold as before", best.describe(), dollars(best.Cost), dollars(none.Cost), share(best.ColdShare))
	}
	if best.ColdShare > goals.ColdShare {
		text += fmt.Sprintf(", which misses the goal of %s", share(goals.ColdShare))
	}
	for _, w := range ways {
		if w != best {
			text += fmt.Sprintf("; %s would be %s cold at %s", w.describe(), share(w.ColdShare), dollars(w.Cost))
		}
	}
	a.ProvisionedWhy = text + "."
	if more := best.Cost - none.Cost; more > 0 && least == 0 {
		a.Why = strings.TrimSuffix(a.Why, ".") + fmt.Sprintf("; to reach it costs %s more a month.", dollars(more))
	}
	return nil
}

func (w *Alternative) describe() string {
	p := w.Provisioned
	switch w.Name {
	case "autoscaled":
		return fmt.Sprintf("%s to %s, autoscaled", thousands(float64(p.Min)), thousands(float64(p.Max)))
	case "scheduled":
		return describeSchedule(p.Schedule)
	}
	return thousands(float64(p.Min)) + ", fixed"
}

// lowest returns the number of instances that the quietest step of the traffic needs.
func (s *Scenario) lowest(goals Goals) int {
	lowest := math.Inf(1)
	for _, r := range s.Traffic.rates {
		lowest = min(lowest, r)
	}
	return ServersFor(lowest*s.meanDuration(), 10*goals.ColdShare)
}

// reserved computes the reserved concurrency.
func (a *Advice) reserved(s *Scenario, goals Goals) {
	requests, queues := 0, 0
	peak := 0.0
	if s.Traffic != nil {
		// A cold request occupies an instance during its init as well.
		duration := s.meanDuration()
		if len(a.Curve) > 0 {
			duration += a.Curve[0].ColdShare * s.Init.Mean()
		}
		peak = s.Traffic.Peak() * duration
		requests = ServersForBursts(peak, goals.ThrottledShare, s.Traffic.Peakedness(duration))
		if !s.Traffic.steady() || s.Traffic.size > 1 {
			requests = max(requests, a.peak) // Hayward's tail is too thin for bursts
		}
		if least := int(math.Ceil(s.Traffic.Peak() / requestsPerUnit)); s.RequestsPerUnit > 0 && least > requests {
			requests = least
		}
	}
	for _, q := range a.Queues {
		queues += q.MaxConcurrency
	}
	a.Reserved = max(requests+queues+a.scheduled+goals.Others, 1)
	if a.Provisioned != nil {
		a.Reserved = max(a.Reserved, a.Provisioned.max())
	}
	why := "No requests"
	if peak > 0 {
		why = fmt.Sprintf("Requests need %s at their peak of %s busy on average, so that fewer than %s are throttled", thousands(float64(requests)), quantity(peak), share(goals.ThrottledShare))
	}
	if queues > 0 {
		why += fmt.Sprintf("; the queues may take %d", queues)
	}
	if a.scheduled > 0 {
		why += fmt.Sprintf("; the schedules take %d at once", a.scheduled)
	}
	if goals.Others > 0 {
		why += fmt.Sprintf("; queues without messages here may take %d", goals.Others)
	}
	switch d, per := s.Database, s.connections(); {
	case d == nil:
	case d.Proxy:
		why += fmt.Sprintf("; RDS Proxy lends %s, and these instances ask for up to %s", count(d.Connections, "connection"), thousands(float64(a.Reserved*per)))
	case a.Reserved*per > d.Connections:
		why += fmt.Sprintf("; the database has %s and an instance takes %d, so that %d are the most", count(d.Connections, "connection"), per, d.Connections/per)
		a.Reserved = max(d.Connections/per, 1)
		if a.Provisioned != nil {
			a.Provisioned.Min = min(a.Provisioned.Min, a.Reserved)
			a.Provisioned.Max = min(a.Provisioned.Max, a.Reserved)
		}
	default:
		why += fmt.Sprintf("; with %s an instance, the database needs %d of its %d", count(per, "connection"), a.Reserved*per, d.Connections)
	}
	if free := s.Account - unreservable; a.Reserved > free {
		why += fmt.Sprintf("; the account can reserve %d of its %d, so raise its quota first", max(free, 0), s.Account)
	}
	a.ReservedWhy = why + "."
}

// connections returns the number of database connections that an instance needs: one, or
// one for each concurrent job of a standard queue.
func (s *Scenario) connections() int {
	per := 1
	for _, q := range s.Queues {
		if !q.FIFO {
			per = max(per, q.Jobs)
		}
	}
	return per
}

// queues computes the maximum concurrency of each queue: the smallest number that keeps
// the wait of every message within the goal.
func (a *Advice) queues(s *Scenario, goals Goals) error {
	for _, q := range s.Queues {
		c := Scenario{Duration: s.Duration, Init: s.Init, Idle: s.Idle, Timeout: s.Timeout, Account: 1_000_000, RequestsPerUnit: -1, Seed: s.Seed, Length: s.Length}
		q.MinPollers, q.MaxPollers = 0, 0
		age := func(n int) (*QueueResult, error) {
			q.MaxConcurrency = n
			c.Queues = []Queue{q}
			c.Schedules, c.Start = s.scheduledFor(q.Name), s.Start
			if q.Traffic.steady() && c.Length == 0 {
				c.Length = max(time.Hour, 10*goals.Age)
			}
			r, err := Run(c)
			if err != nil {
				return nil, err
			}
			return &r.Queues[0], nil
		}
		low, high := 1, 2
		most := s.mostInvocations(&q)
		var got *QueueResult
		for {
			r, err := age(high)
			if err != nil {
				return err
			}
			if got = r; r.late() <= goals.Age.Seconds() || high >= most {
				break
			}
			low, high = high, min(2*high, most)
		}
		for high-low > 1 && got.late() <= goals.Age.Seconds() {
			middle := (low + high) / 2
			r, err := age(middle)
			if err != nil {
				return err
			}
			if r.late() <= goals.Age.Seconds() {
				high, got = middle, r
			} else {
				low = middle
			}
		}
		why := fmt.Sprintf("The smallest with which no message waits for more than %s: the longest wait is %s, at %s jobs at once.", short(goals.Age), short(seconds(got.OldestAge)), quantity(got.MeanJobs))
		if got.late() > goals.Age.Seconds() {
			why = fmt.Sprintf("The highest number that Lambda offers; a message still waits for %s, more than %s.", short(seconds(got.OldestAge)), short(goals.Age))
			if most < largestConcurrency {
				why = fmt.Sprintf("The most that the %s of the database allow; a message still waits for %s, more than %s.", count(s.Database.Connections, "connection"), short(seconds(got.OldestAge)), short(goals.Age))
			}
			if q.FIFO && got.PeakConcurrency < high {
				high = max(2, got.PeakConcurrency)
				why = fmt.Sprintf("A FIFO queue has at most one invocation for each message group, so more than %d do not help: a message waits for %s, more than %s; use more groups, or a standard queue.", got.PeakConcurrency, short(seconds(got.OldestAge)), short(goals.Age))
			}
		}
		a.Queues = append(a.Queues, QueueAdvice{q.Name, high, why})
	}
	return nil
}

// mostInvocations returns the highest maximum concurrency of a queue: Lambda's, or the one
// with which its jobs need no more connections than the database has.
func (s *Scenario) mostInvocations(q *Queue) int {
	if s.Database == nil {
		return largestConcurrency
	}
	per := 1
	if !q.FIFO {
		per = max(q.Jobs, 1)
	}
	return min(max(s.Database.Connections/per, 2), largestConcurrency)
}

// late returns the longest wait; it is infinite if too many messages are left.
func (q *QueueResult) late() float64 {
	if q.Left > 0 && float64(q.Left) > 0.01*float64(q.Messages) && q.Left > 100 {
		return math.Inf(1)
	}
	return q.OldestAge
}
