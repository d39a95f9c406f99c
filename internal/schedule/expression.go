// Package schedule reads the expressions of EventBridge Scheduler. The constructs use it
// to refuse mistakes at synth, and the local engine to run schedules.
package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without time zone data
)

// Expression is a schedule expression of EventBridge Scheduler.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11)
type Expression struct {
	text  string
	zone  *time.Location
	cron  *cron
	every time.Duration
	at    time.Time
}

// Parse reads cron(…), rate(…) or at(…) in an IANA time zone, "" for UTC. It does not
// matter for rates.
//
// AWS says what daylight saving time does to cron, but not what it does to at: here, a
// repeated time is the first one, and a skipped time is as much later as the clock is put
// forward.
func Parse(text, zone string) (*Expression, error) {
	e := &Expression{text: text, zone: time.UTC}
	if zone != "" {
		var err error
		// A machine's own data has more names, such as posix/Europe/Berlin.
		if e.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" || zone[0] >= 'a' {
			return nil, fmt.Errorf("time zone must be an IANA name such as Europe/Berlin, got %q", zone)
		}
	}
	kind, rest, ok := strings.Cut(text, "(")
	kind = strings.ToLower(kind) // EventBridge Scheduler was seen to accept AT(…)
	argument, closed := strings.CutSuffix(rest, ")")
	var err error
	switch {
	case !ok || !closed:
		err = fmt.Errorf("must be cron(…), rate(…) or at(…)")
	case kind == "cron":
		e.cron, err = parseCron(argument)
	case kind == "rate":
		e.every, err = parseRate(argument)
	case kind == "at":
		var clock time.Time
		if clock, err = time.Parse("2006-01-02T15:04:05", argument); err != nil {
			err = fmt.Errorf("at must hold a time such as 2027-01-31T08:00:00, got %q", argument)
		}
		e.at = instant(clock, e.zone)
	default:
		err = fmt.Errorf("must be cron(…), rate(…) or at(…)")
	}
	if err != nil {
		return nil, fmt.Errorf("schedule expression %q: %w", text, err)
	}
	return e, nil
}

// CheckRule returns an error if an EventBridge rule does not take the expression, though
// EventBridge Scheduler may: at(…), capitals, and a unit whose number is wrong, such as
// rate(1 minutes). AWS documents the unit's number for rules alone.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (2026-11)
func (e *Expression) CheckRule() error {
	_, unit, _ := strings.Cut(strings.TrimSuffix(e.text, ")"), " ")
	one := strings.HasPrefix(e.text, "rate(1 ")
	switch {
	case !e.at.IsZero(), !strings.HasPrefix(e.text, "cron(") && !strings.HasPrefix(e.text, "rate("):
		return fmt.Errorf("schedule expression %q: a rule takes cron(…) and rate(…) alone", e.text)
	case e.every > 0 && one && strings.HasSuffix(unit, "s"):
		return fmt.Errorf("schedule expression %q: the unit of 1 must be %q", e.text, strings.TrimSuffix(unit, "s"))
	case e.every > 0 && !one && !strings.HasSuffix(unit, "s"):
		return fmt.Errorf("schedule expression %q: the unit must be %q", e.text, unit+"s")
	}
	return nil
}

// instant returns the time at which the clocks of a zone show what clock shows in UTC.
func instant(clock time.Time, zone *time.Location) time.Time {
	y, m, d := clock.Date()
	at := first(time.Date(y, m, d, clock.Hour(), clock.Minute(), clock.Second(), 0, zone))
	if at.Hour() == clock.Hour() && at.Minute() == clock.Minute() {
		return at
	}
	_, before := at.Add(-3 * time.Hour).Zone() // skipped; time.Date moves it either way
	return clock.Add(-time.Duration(before) * time.Second).In(zone)
}

func parseRate(text string) (time.Duration, error) {
	value, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(value)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	d, ok := units[strings.TrimSuffix(unit, "s")]
	if err != nil || n < 1 || !ok || n > int(100*365*24*time.Hour/d) {
		return 0, fmt.Errorf("rate must be a number from 1 and minutes, hours or days, got %q", text)
	}
	return time.Duration(n) * d, nil
}

// NeverDue reports whether a cron expression is due in no year, such as on 31 February.
func (e *Expression) NeverDue() bool {
	begin := time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Minute)
	return e.Next(begin, begin).IsZero()
}

// String returns the expression as it was given.
func (e *Expression) String() string { return e.text }

// Every is the interval of a rate; 0 for cron and at.
func (e *Expression) Every() time.Duration { return e.every }

// Next returns the first time after t at which the expression is due, or the zero
// time for never. A rate counts from start.
func (e *Expression) Next(t, start time.Time) time.Time {
	switch {
	case e.cron != nil:
		return e.cron.next(t.In(e.zone))
	case e.every > 0:
		if t.Before(start) {
			return start.Add(e.every)
		}
		return start.Add((t.Sub(start)/e.every + 1) * e.every)
	case e.at.After(t):
		return e.at
	}
	return time.Time{}
}
