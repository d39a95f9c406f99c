package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Lambda queues the events of schedules. It retries throttled ones after 1 second, then
// after twice the time before, up to 5 minutes, for up to 6 hours. It invokes the function
// again 1 minute after a first failure and 2 minutes after a second one.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html (2026-11)
const (
	firstRetry    = 1.0
	longestRetry  = 5 * 60.0
	eventLifetime = 6 * 3600.0
)

var afterFailure = [...]float64{60, 120}

// defaultStart is the beginning of a run without [Scenario.Start]: a Monday, at midnight.
var defaultStart = time.Date(2026, time.November, 30, 0, 0, 0, 0, time.UTC)

// Schedule invokes the function of a [Scenario], or sends a message to one of its queues,
// at exact times. On AWS a run begins up to a minute late.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11)
type Schedule struct {
	// Name names the schedule in error messages and reports.
	Name string

	// Expression describes the times in reports, such as "cron(0 3 * * ? *)".
	Expression string

	// Next returns the first time after t, or the zero time for never; required. start is
	// the beginning of the traffic, from which an interval counts.
	Next func(t, start time.Time) time.Time

	// Window is the flexible time window: a run begins at a random time within it.
	Window time.Duration

	// Duration is the duration of a run. It is required unless Queue is set.
	Duration Distribution

	// Failure is the share of runs that fail on each try. A run also fails at the timeout
	// of the function, and if it gets no database connections.
	Failure float64

	// Queue is the name of the queue that gets a message at each time. "" invokes the
	// function instead.
	Queue string
}

func (s *Schedule) check(queues []Queue) error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("plan: schedule %q: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Next == nil {
		wrong("next must be given, got none; say when it runs")
	}
	if s.Window < 0 {
		wrong("window must be 0s or more, got %s; correct it", s.Window)
	}
	if !(s.Failure >= 0 && s.Failure <= 1) {
		wrong("failure must be a share of 0 to 1, got %g; correct it", s.Failure)
	}
	switch d := s.Duration; {
	case s.Queue != "":
		known := false
		for i := range queues {
			known = known || queues[i].Name == s.Queue
		}
		if !known {
			wrong("queue must be a queue of the scenario, got %q; add it", s.Queue)
		}
	case d == nil:
		wrong("duration must be given, got none; say how long a run takes, such as 2s")
	case !(d.Mean() >= 0 && d.Mean() <= defaultTimeout.Seconds()):
		wrong("mean of duration must be 0 to 15m, got %s; correct it", d)
	}
	return errors.Join(errs...)
}

// ScheduleResult is the result of a schedule. Times are in seconds.
type ScheduleResult struct {
	Name       string `json:"name"`
	Expression string `json:"expression,omitempty"`
	Queue      string `json:"queue,omitempty"`
	// Runs is the number of times that the schedule was due. Each sends a message to Queue,
	// or an event to the function. Cold is the number of tries that waited for the init of a
	// new instance. Lost events were throttled for six hours.
	Runs uint64 `json:"runs"`
	Cold uint64 `json:"cold"`
	Lost uint64 `json:"lost"`
	// Retried is the number of tries that failed and that Lambda repeated. Failed runs
	// failed three times.
	Retried uint64 `json:"retried,omitempty"`
	Failed  uint64 `json:"failed,omitempty"`
	// Throttled is the number of throttled tries to invoke.
	Throttled uint64 `json:"throttled"`
	// First is the time of the first run since the beginning; negative without runs.
	First float64 `json:"first"`
	// Latency is the time from the start within the window to the end of the last try.
	Latency Percentiles `json:"latency"`
}

// schedule is the state of a [Schedule] in a run.
type schedule struct {
	*Schedule
	next   float64 // infinite for never
	random *rand.Rand
	queue  *queue

	scheduleStats
}

type scheduleStats struct {
	latency                                      *histogram
	runs, cold, lost, throttled, retried, failed uint64
	first                                        float64
}

// scheduledRun is one run of a schedule that has not ended.
type scheduledRun struct {
	schedule            int
	due                 float64
	throttles, failures int
}

func (s *schedule) reset() { s.scheduleStats = scheduleStats{latency: newHistogram(), first: -1} }

// startSchedules sets a timer for the first run of each schedule.
func (m *simulator) startSchedules() {
	for i := range m.Schedules {
		s := &schedule{Schedule: &m.Schedules[i], random: stream(m.Seed, streamSchedules+uint64(i)*16)}
		s.reset()
		for _, q := range m.queues {
			if s.Queue != "" && q.Name == s.Queue {
				s.queue = q
			}
		}
		m.schedules = append(m.schedules, s)
		m.setTimer(i, -1)
	}
}

// setTimer sets a timer for the first run after a time.
func (m *simulator) setTimer(i int, after float64) {
	s := m.schedules[i]
	if s.next = m.Scenario.runAfter(s.Schedule, after); !math.IsInf(s.next, 1) {
		m.timers.push(event{at: s.next, batch: int32(i), kind: scheduleDue})
	}
}

// runAfter returns the first run of a schedule after a time, both in seconds since the
// beginning; it is infinite for never.
func (s *Scenario) runAfter(of *Schedule, after float64) float64 {
	at := of.Next(s.Start.Add(seconds(after)), s.Start)
	if at.IsZero() || at.Sub(s.Start) > seconds(9e9)-time.Second {
		return math.Inf(1)
	}
	return max(at.Sub(s.Start).Seconds(), after+1e-9)
}

// scheduleIsDue handles the time of a schedule: its run begins now, or later within the window.
func (m *simulator) scheduleIsDue(i int) {
	s := m.schedules[i]
	id := m.getRun(i)
	at := m.now
	if s.Window > 0 {
		at += s.Window.Seconds() * s.random.Float64()
	}
	m.runs[id].due = at
	m.setTimer(i, m.now)
	if at == m.now {
		m.runSchedule(id)
		return
	}
	m.timers.push(event{at: at, batch: id, kind: scheduleRuns})
}

// getRun returns the number of a new run. Numbers are reused.
func (m *simulator) getRun(schedule int) int32 {
	var id int32
	if n := len(m.freeRuns); n > 0 {
		id, m.freeRuns = m.freeRuns[n-1], m.freeRuns[:n-1]
	} else {
		id = int32(len(m.runs))
		m.runs = append(m.runs, scheduledRun{})
	}
	m.runs[id] = scheduledRun{schedule: schedule}
	return id
}

// runSchedule sends the message of a run, or invokes the function. A run that was throttled
// or failed comes again later.
func (m *simulator) runSchedule(id int32) {
	run := &m.runs[id]
	s := m.schedules[run.schedule]
	if run.throttles+run.failures == 0 {
		s.runs++
		m.series.runs++
		if s.first < 0 {
			s.first = m.now
		}
	}
	if s.queue != nil {
		m.freeRuns = append(m.freeRuns, id)
		s.queue.send()
		return
	}
	p, ok := m.acquire()
	if !ok {
		s.throttled++
		m.series.throttled++
		wait := math.Min(firstRetry*math.Pow(2, float64(min(run.throttles, 30))), longestRetry)
		if run.throttles++; m.now+wait-run.due < eventLifetime {
			m.timers.push(event{at: m.now + wait, batch: id, kind: scheduleRuns})
			return
		}
		s.lost++
		m.freeRuns = append(m.freeRuns, id)
		return
	}
	if p.fresh {
		s.cold++
	}
	m.invoke(call{place: p, source: ofSchedule, batch: id, before: m.now - run.due, duration: s.Duration.sample(s.random), need: 1})
}

// scheduleRan handles one try of a run, which takes total seconds. A failed one comes again.
func (m *simulator) scheduleRan(c *call, wait, total float64, failed bool) {
	run := &m.runs[c.batch]
	s := m.schedules[run.schedule]
	if failed || s.Failure > 0 && s.random.Float64() < s.Failure {
		if run.failures < len(afterFailure) {
			s.retried++
			m.timers.push(event{at: c.began + total + afterFailure[run.failures], batch: c.batch, kind: scheduleRuns})
			run.failures++
			return
		}
		s.failed++
	}
	s.latency.add(c.before+total, c.before+wait, c.initing)
	m.freeRuns = append(m.freeRuns, c.batch)
}

// lengths are the simulated times of a scenario with schedules, in days.
var lengths = []float64{1, 7, 31}

// scheduledDays returns the days in which each schedule runs at least once: 1, 7 or 31. It
// returns fewer if so many requests would come in these days that the run takes long.
func (s *Scenario) scheduledDays(rate float64) float64 {
	last := 0.0
	for i := range s.Schedules {
		if first := s.runAfter(&s.Schedules[i], -1); !math.IsInf(first, 1) && first < lengths[len(lengths)-1]*daySeconds {
			last = max(last, first)
		}
	}
	days := lengths[0]
	for _, n := range lengths[1:] {
		if last >= days*daySeconds && rate*n*daySeconds <= float64(s.Requests) {
			days = n
		}
	}
	return days
}

// scheduledFor returns the schedules that send messages to a queue, or with "" those that
// invoke the function.
func (s *Scenario) scheduledFor(queue string) []Schedule {
	var list []Schedule
	for _, one := range s.Schedules {
		if one.Queue == queue {
			list = append(list, one)
		}
	}
	return list
}

// scheduledPeak returns the most runs of schedules that are busy at once, without a limit.
func scheduledPeak(s *Scenario) (int, error) {
	c := *s
	c.Traffic, c.Queues, c.Deployments = nil, nil, nil
	if c.Schedules = s.scheduledFor(""); len(c.Schedules) == 0 {
		return 0, nil
	}
	c.Provisioned, c.Reserved, c.Account, c.RequestsPerUnit = Provisioned{}, nil, 1_000_000, -1
	r, err := Run(c)
	if err != nil {
		return 0, err
	}
	return r.PeakBusy, nil
}
