// Package scheduler simulates EventBridge Scheduler, and the schedules of EventBridge
// rules. It runs schedules at their times and sends their input to a target.
//
//	service := scheduler.New(target, clock.Real{})
//	defer service.Stop()
//	err := service.Configure(schedules)
package scheduler

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Retries of deliveries, as far as AWS documents them.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html (2026-11)
const (
	defaultRetries = 185
	defaultMaxAge  = 24 * time.Hour
	firstPause     = time.Second
	lastPause      = 5 * time.Minute

	// late is the delay after which a schedule counts as late. After a laptop's sleep, or
	// a move of the clock, a late schedule only makes up for its last run.
	late = time.Minute
)

// Target gets the input of schedules. group is the message group for a FIFO queue; "" if
// the schedule names none. An error means that the target did not accept the input; the
// service then retries.
type Target interface {
	Deliver(ctx context.Context, targetARN, group string, input []byte) error
}

// Schedule is one schedule.
type Schedule struct {
	// Name and ARN identify the schedule.
	Name, ARN string
	// Expression and TimeZone define the times of its runs.
	Expression, TimeZone string
	// Start and End bound the times of its runs; a zero time sets no bound.
	Start, End time.Time
	// Disabled means that it runs only by [Service.Trigger].
	Disabled bool
	// TargetARN is the ARN of its target.
	TargetARN string
	// MessageGroup is the message group of a target that is a FIFO queue.
	MessageGroup string
	// Input is sent to the target, with the keywords <aws.scheduler.…> replaced. "" means
	// the default input of EventBridge Scheduler.
	Input string
	// Rule is set for the schedule of an EventBridge rule; nil for other schedules.
	Rule *Rule
	// Region and Account appear in the default input.
	Region, Account string
	// Retries is how often a delivery is retried; nil means 185.
	Retries *int
	// MaxAge is how long a delivery is retried; 0 means 24 hours.
	MaxAge time.Duration
	// DeadLetterARN is the queue for input that could not be delivered; "" drops the
	// input.
	DeadLetterARN string
}

// State is a schedule in the answer of [Service.State].
type State struct {
	Name       string    `json:"name"`
	ARN        string    `json:"arn"`
	Expression string    `json:"expression"`
	TimeZone   string    `json:"timeZone,omitempty"`
	Disabled   bool      `json:"disabled,omitempty"`
	Next       time.Time `json:"next,omitzero"`
	Last       time.Time `json:"last,omitzero"`
	Runs       int       `json:"runs"`
	Failures   int       `json:"failures"` // deliveries that used up their retries
}

// Service runs schedules. It is safe for concurrent use.
//
// It differs from AWS: a schedule runs in the second in which it is due; AWS takes up to
// a minute. A flexible time window always runs at its beginning. A rate without a start
// date first runs one interval after the service began. After the machine was asleep, or
// its clock was moved, each schedule only makes up for its last run.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html (2026-11)
type Service struct {
	target Target
	clock  clock.Clock
	log    func(format string, args ...any)

	mu      sync.Mutex
	entries []*entry
	changed chan struct{}
	stopped bool

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

type entry struct {
	Schedule
	expression *schedule.Expression
	began      time.Time // the start of a rate's intervals
	state      State
}

// New starts a service without schedules. log gets a line for each delivery that used up
// its retries; nil discards the lines. The caller stops the service.
func New(target Target, c clock.Clock, log func(format string, args ...any)) *Service {
	if log == nil {
		log = func(string, ...any) {}
	}
	s := &Service{target: target, clock: c, log: log, changed: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tasks.Go(s.run)
	return s
}

// Configure replaces all schedules. A schedule keeps its times and counters if its ARN,
// expression, time zone and start stay the same.
func (s *Service) Configure(schedules []Schedule) error {
	now := s.clock.Now()
	var entries []*entry
	for _, sc := range schedules {
		expression, err := schedule.Parse(sc.Expression, sc.TimeZone)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", sc.Name, err)
		}
		e := &entry{Schedule: sc, expression: expression, began: now}
		if !sc.Start.IsZero() {
			e.began = sc.Start
		}
		e.state = State{Name: sc.Name, ARN: sc.ARN, Expression: sc.Expression, TimeZone: sc.TimeZone, Disabled: sc.Disabled}
		e.plan(now)
		entries = append(entries, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		for _, old := range s.entries {
			if old.ARN == e.ARN && old.Expression == e.Expression && old.TimeZone == e.TimeZone && old.Start.Equal(e.Start) {
				e.began = old.began
				e.state.Last, e.state.Runs, e.state.Failures = old.state.Last, old.state.Runs, old.state.Failures
				e.plan(now)
			}
		}
	}
	s.entries = entries
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// plan sets the schedule's next run after t.
func (e *entry) plan(t time.Time) {
	e.state.Next = time.Time{}
	if e.Disabled {
		return
	}
	if !e.Start.IsZero() && t.Before(e.Start) {
		t = e.Start.Add(-time.Nanosecond)
	}
	next := e.expression.Next(t, e.began)
	if e.expression.Every() > 0 && !e.Start.IsZero() && t.Before(e.Start) {
		next = e.Start // a rate with a start date first runs then
	}
	if e.End.IsZero() || !next.After(e.End) {
		e.state.Next = next
	}
}

// run waits until schedules are due, and starts them.
func (s *Service) run() {
	for {
		wait := s.due()
		var timer clock.Timer
		var fired <-chan time.Time
		if wait >= 0 {
			timer = s.clock.NewTimer(wait)
			fired = timer.C()
		}
		select {
		case <-fired:
		case <-s.changed:
		case <-s.ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if s.ctx.Err() != nil {
			return
		}
	}
}

// due starts the schedules that are due, and returns the time until the next one; a
// negative time means that no run is planned.
func (s *Service) due() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	runs := clock.Runs(s.clock)
	wait := time.Duration(-1)
	for _, e := range s.entries {
		for !e.state.Next.IsZero() && !e.state.Next.After(now) {
			at := e.state.Next
			e.plan(at)
			if runs && now.Sub(at) > late && !e.state.Next.IsZero() && !e.state.Next.After(now) {
				continue
			}
			s.start(e, at)
		}
		if next := e.state.Next; !next.IsZero() && (wait < 0 || next.Sub(now) < wait) {
			wait = next.Sub(now)
		}
	}
	return wait
}

// start runs a schedule once. s.mu is held.
func (s *Service) start(e *entry, at time.Time) {
	if s.stopped {
		return
	}
	e.state.Runs++
	e.state.Last = s.clock.Now()
	s.tasks.Go(func() {
		if err := s.deliver(e, at); err != nil && !errors.Is(err, context.Canceled) {
			s.mu.Lock()
			e.state.Failures++
			s.mu.Unlock()
			s.log("schedule %s: given up: %v", e.Name, err)
		}
	})
}

func (s *Service) deliver(e *entry, at time.Time) error {
	retries, maxAge := defaultRetries, defaultMaxAge
	if e.Retries != nil {
		retries = *e.Retries
	}
	if e.MaxAge > 0 {
		maxAge = e.MaxAge
	}
	var event []byte
	if e.Rule != nil {
		var err error
		if event, err = e.Rule.event(&e.Schedule, at); err != nil {
			return err
		}
	}
	began, pause := s.clock.Now(), firstPause
	for attempt := 1; ; attempt++ {
		input := event
		if e.Rule == nil {
			input = e.input(newID(), at, attempt) // each attempt has its own execution id
		}
		err := s.target.Deliver(s.ctx, e.TargetARN, e.MessageGroup, input)
		if err == nil {
			return nil
		}
		if attempt > retries || s.clock.Now().Add(pause).Sub(began) > maxAge {
			if e.DeadLetterARN != "" {
				if dead := s.target.Deliver(s.ctx, e.DeadLetterARN, "", input); dead != nil {
					err = fmt.Errorf("%w; and its dead-letter queue: %w", err, dead)
				}
			}
			return err
		}
		if attempt == 1 { // the last attempt may be a day away
			s.log("schedule %s: %v; it is tried again in %v", e.Name, err, pause)
		}
		if stopped := clock.Sleep(s.ctx, s.clock, pause); stopped != nil {
			return stopped
		}
		pause = min(2*pause, lastPause)
	}
}

// input returns the input for the target.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html (2026-11)
func (e *entry) input(id string, at time.Time, attempt int) []byte {
	when := at.UTC().Format(time.RFC3339)
	if e.Input == "" {
		data, _ := json.Marshal(map[string]any{ // strings always encode
			"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": e.Account,
			"time": when, "region": e.Region, "resources": []string{e.ARN}, "detail": "{}",
		})
		return data
	}
	return []byte(strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", e.ARN, "<aws.scheduler.scheduled-time>", when,
		"<aws.scheduler.execution-id>", id, "<aws.scheduler.attempt-number>", strconv.Itoa(attempt),
	).Replace(e.Input))
}

// Trigger runs a schedule now, even a disabled one.
func (s *Service) Trigger(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.Name == name || e.ARN == name })
	if i < 0 {
		return fmt.Errorf("there is no schedule %q", name)
	}
	s.start(s.entries[i], s.clock.Now())
	return nil
}

// State returns all schedules in the order of Configure.
func (s *Service) State() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []State{}
	for _, e := range s.entries {
		list = append(list, e.state)
	}
	return list
}

// Upcoming returns the times of a schedule's next n runs, fewer if it ends before.
func (s *Service) Upcoming(arn string, n int) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := []time.Time{}
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.ARN == arn })
	if i < 0 {
		return times
	}
	e := *s.entries[i] // plan changes it
	for len(times) < n && !e.state.Next.IsZero() {
		times = append(times, e.state.Next)
		e.plan(e.state.Next)
	}
	return times
}

// Stop ends the service and abandons deliveries that wait for a retry.
func (s *Service) Stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.cancel()
	s.tasks.Wait()
}

func newID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}
