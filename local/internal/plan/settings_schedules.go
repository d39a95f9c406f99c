package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// ScheduleSettings is a schedule that invokes a function, or sends messages to its queue:
// one of EventBridge Scheduler, or an EventBridge rule that has a schedule.
type ScheduleSettings struct {
	// Name is the program's name for the schedule, or the logical id.
	Name string
	// Expression is cron(…), rate(…) or at(…), in the time zone TimeZone; "" is UTC.
	Expression, TimeZone string
	// Start and End bound the times of the runs; the zero time is no bound.
	Start, End time.Time
	// Window is the flexible time window; 0 is none.
	Window time.Duration
	// Queue is the name of the queue that gets the messages; "" if the function is invoked.
	Queue string
}

// Next returns the first time after t at which the schedule is due, or the zero time for
// never. A rate without a start date counts from began.
func (s ScheduleSettings) Next(t, began time.Time) time.Time {
	e, err := schedule.Parse(s.Expression, s.TimeZone)
	if err != nil { // the settings have no invalid expressions
		return time.Time{}
	}
	next := time.Time{}
	switch {
	case s.Start.IsZero():
		next = e.Next(t, began)
	case e.Every() > 0 && t.Before(s.Start):
		next = s.Start // a rate with a start date first runs then
	case t.Before(s.Start):
		next = e.Next(s.Start.Add(-time.Nanosecond), s.Start)
	default:
		next = e.Next(t, s.Start)
	}
	if !s.End.IsZero() && next.After(s.End) {
		return time.Time{}
	}
	return next
}

// leaveOut notes for all functions that a resource cannot be read: its function is not
// known.
func (s *settingsReader) leaveOut(err error) {
	for _, name := range s.names {
		f := s.byName[name]
		f.Notes = append(f.Notes, fmt.Sprintf("Left out of the plan: %v.", err))
	}
}

// readSchedules reads the schedules of all functions and queues.
func (s *settingsReader) readSchedules() {
	for _, r := range s.app.OfType("AWS::Scheduler::Schedule") {
		var props struct {
			ScheduleExpression, ScheduleExpressionTimezone, State string
			StartDate, EndDate                                    assembly.Date
			FlexibleTimeWindow                                    struct{ MaximumWindowInMinutes assembly.Int }
			Target                                                struct{ Arn, Input string }
		}
		if err := s.decode(r, &props); err != nil {
			s.leaveOut(err)
			continue
		}
		one := ScheduleSettings{
			Name: scheduleName(props.Target.Input, r.ID), Expression: props.ScheduleExpression, TimeZone: props.ScheduleExpressionTimezone,
			Window: time.Duration(props.FlexibleTimeWindow.MaximumWindowInMinutes) * time.Minute, Start: props.StartDate.Time, End: props.EndDate.Time,
		}
		s.addSchedule(one, props.Target.Arn, props.State)
	}
	for _, r := range s.app.OfType("AWS::Events::Rule") {
		var props struct {
			ScheduleExpression, State string
			Targets                   []ruleTarget
		}
		if err := s.decode(r, &props); err != nil {
			s.leaveOut(err)
			continue
		}
		if props.ScheduleExpression == "" {
			continue
		}
		for _, target := range props.Targets {
			one := ScheduleSettings{Name: scheduleName(target.Input, r.ID), Expression: props.ScheduleExpression}
			if len(props.Targets) > 1 {
				one.Name += "/" + target.ID
			}
			s.addSchedule(one, target.Arn, props.State)
		}
	}
}

// addSchedule adds a schedule to the function that its target is, or that handles its
// target's messages.
func (s *settingsReader) addSchedule(one ScheduleSettings, target, state string) {
	f := s.function(target)
	if consumer, ok := s.consumers[LastPart(target, ":")]; f == nil && ok {
		f, one.Queue = consumer.function, consumer.queue
	}
	if f == nil || state == "DISABLED" {
		return
	}
	if _, err := schedule.Parse(one.Expression, one.TimeZone); err != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("The schedule %s is left out: %v.", one.Name, err))
		return
	}
	f.Runs = append(f.Runs, one)
}

// mostChanges is the maximum of changes of the provisioned concurrency in a week.
const mostChanges = 7 * 24

// weekly returns the times at which a schedule changes the provisioned concurrency in each
// week. note says what the times leave out. They are those of the week from 2026-11-30 on,
// so without daylight saving time in the north.
func weekly(expression, zone string) (changes []CapacityChange, note string) {
	e, err := schedule.Parse(expression, zone)
	if err != nil {
		return nil, "is left out: " + err.Error()
	}
	const week = 7 * 24 * time.Hour
	began := time.Date(2026, time.November, 30, 0, 0, 0, 0, time.UTC)
	var first []time.Time
	for at := e.Next(began.Add(-1), began); !at.IsZero() && at.Before(began.Add(week)); at = e.Next(at, began) {
		if first = append(first, at.UTC()); len(first) > mostChanges {
			return nil, "changes the number too often, so that it is left out"
		}
	}
	n := 0
	for at := e.Next(began.Add(week-1), began); !at.IsZero() && at.Before(began.Add(2*week)); at = e.Next(at, began) {
		if n == len(first) || !first[n].Add(week).Equal(at) {
			n = -1
			break
		}
		n++
	}
	if n != len(first) || n == 0 {
		return nil, "is not the same in each week, so that it is left out"
	}
	for _, at := range first {
		since := at.Sub(at.Truncate(24 * time.Hour))
		i := slices.IndexFunc(changes, func(c CapacityChange) bool { return c.At == since })
		if i < 0 {
			i = len(changes)
			changes = append(changes, CapacityChange{At: since})
		}
		changes[i].Days = append(changes[i].Days, at.Weekday())
	}
	for i := range changes {
		if len(changes[i].Days) == 7 {
			changes[i].Days = nil
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil { // Parse has loaded it already
		return nil, "is left out: " + err.Error()
	}
	_, winter := began.In(location).Zone()
	if _, summer := began.AddDate(0, 7, 0).In(location).Zone(); summer != winter {
		note = "follows the clock of " + zone + "; the plan has its times in winter"
	}
	return changes, note
}
