package plancmd

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/plan"
)

// defaultRun is the mean duration of a run of a schedule, unless half of the timeout is
// shorter.
const defaultRun = 10 * time.Second

// runDuration returns the duration of runs whose flags say none.
func (f *Flags) runDuration(in *plan.Input) plan.Distribution {
	d := defaultRun
	if timeout := in.Scenario.Timeout; timeout > 0 {
		d = min(d, timeout/2)
	}
	if cmp.Or(f.Distribution, defaultDistribution) == "constant" {
		return plan.Constant(d)
	}
	return plan.Exponential(d)
}

// short formats the mean of a distribution.
func short(d plan.Distribution) string {
	return time.Duration(d.Mean() * float64(time.Second)).Round(time.Microsecond).String()
}

// start returns the time at which the traffic begins: that of the flag, or else that of the
// recorded traffic; zero for the default.
func (f *Flags) start(recorded time.Time) (time.Time, error) {
	if f.Start == "" {
		return recorded, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, f.Start); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong("start", fmt.Errorf("must be a date or a time such as 2026-11-30 or 2026-11-30T08:00:00Z, got %q; correct it", f.Start))
}

// scheduled reports whether a schedule sends messages to a queue of the project.
func (p *project) scheduled(queue string) bool {
	if p == nil {
		return false
	}
	for _, s := range p.settings.Runs {
		if s.Queue == queue {
			return true
		}
	}
	return false
}

// scheduledAlone reports whether schedules are all that invokes the function.
func (p *project) scheduledAlone() bool {
	return p != nil && len(p.settings.Runs) > 0 && p.settings.API == ""
}

// schedules sets the schedules of the project and of the flags.
func (f *Flags) schedules(in *plan.Input, p *project) error {
	byName := map[string]*plan.Schedule{}
	assumed := map[string]bool{}
	add := func(s local.ScheduleSettings) *plan.Schedule {
		one := &plan.Schedule{
			Name: s.Name, Expression: strings.TrimSpace(s.Expression + " " + s.TimeZone), Window: s.Window, Queue: s.Queue, Next: s.Next,
		}
		if one.Queue == "" {
			one.Duration = f.runDuration(in)
			assumed[s.Name] = true
		}
		byName[s.Name] = one
		return one
	}
	var all []*plan.Schedule
	if p != nil {
		for _, s := range p.settings.Runs {
			all = append(all, add(s))
		}
	}
	for _, text := range f.Schedules {
		o, err := f.schedule(text)
		if err != nil {
			return err
		}
		one := byName[o.Name]
		switch {
		case o.Expression != "" && one != nil:
			return wrong("schedule", fmt.Errorf("%q: must have its times once, got another expression; leave one out", o.Name))
		case o.Expression != "":
			one = add(o.ScheduleSettings)
			all = append(all, one)
		case one == nil:
			return wrong("schedule", fmt.Errorf("%q: must be a schedule of the project or have an expression, got none; add rate(5 minutes) or cron(0 3 * * ? *)", o.Name))
		}
		if o.Window > 0 {
			one.Window = o.Window
		}
		if o.duration != nil {
			one.Duration = o.duration
			delete(assumed, o.Name)
		}
		if o.failure > 0 {
			one.Failure = o.failure
		}
	}
	for _, one := range all {
		in.Scenario.Schedules = append(in.Scenario.Schedules, *one)
		if assumed[one.Name] {
			assume(in, "A run of the schedule %s takes %s on average: --schedule %s,duration=1s says how long.", one.Name, short(one.Duration), one.Name)
		}
	}
	return nil
}

// scheduleFlag is what a flag says about a schedule.
type scheduleFlag struct {
	local.ScheduleSettings
	duration plan.Distribution
	failure  float64
}

// schedule reads a schedule, such as "nightly,duration=5m,zone=Europe/Berlin,cron(0 3 * * ? *)".
// An expression comes last, because it may contain commas.
func (f *Flags) schedule(text string) (o scheduleFlag, err error) {
	rest := text
	for _, kind := range []string{"cron(", "rate(", "at("} {
		if before, after, ok := strings.Cut(text, ","+kind); ok {
			rest, o.Expression = before, kind+after
		}
	}
	name, options, _ := strings.Cut(rest, ",")
	if o.Name = name; name == "" || strings.ContainsAny(name, "=(") {
		return o, wrong("schedule", fmt.Errorf("must begin with the name of the schedule, got %q; write nightly,duration=5m,cron(0 3 * * ? *)", text))
	}
	for option := range strings.SplitSeq(options, ",") {
		if option == "" {
			continue
		}
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "duration":
			o.duration, err = plan.ParseDistribution(strings.ReplaceAll(value, "/", ","), cmp.Or(f.Distribution, defaultDistribution))
		case "zone":
			o.TimeZone = value
		case "window":
			o.Window, err = duration(value)
		case "failure":
			o.failure, err = number(value)
		default:
			err = errors.New("the options are duration, failure, zone and window, and last cron(…), rate(…) or at(…)")
		}
		if err != nil {
			return o, wrong("schedule", fmt.Errorf("%q: %s: %w", name, key, err))
		}
	}
	if o.Expression != "" {
		if _, err := schedule.Parse(o.Expression, o.TimeZone); err != nil {
			return o, wrong("schedule", fmt.Errorf("%q: %w", name, err))
		}
	} else if o.TimeZone != "" {
		return o, wrong("schedule", fmt.Errorf("%q: zone must come with an expression, got %q alone; add one", name, o.TimeZone))
	}
	return o, nil
}
