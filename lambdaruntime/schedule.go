package lambdaruntime

import (
	"context"
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// Schedule is a function that the program runs at set times, through EventBridge
// Scheduler. Lambda invokes it asynchronously: the settings of the deployed schedule and
// function decide how a failed run is retried.
type Schedule struct {
	// Name identifies the schedule: 1 to 64 letters, digits, "-", "_" or ".".
	Name string

	// Expression says when it runs: cron(0 3 * * ? *), rate(5 minutes) or
	// at(2027-01-01T00:00:00).
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11)
	Expression string

	// TimeZone is the IANA name of the zone that Expression is meant in, such as
	// Europe/Berlin. Empty means UTC.
	TimeZone string

	// Timeout is the longest one run may take. 0 means as long as the function's
	// own timeout allows.
	Timeout time.Duration

	// Run is the function. at is the time that the run was scheduled for, the same in
	// each retry; it is the zero time when the event has none. EventBridge Scheduler
	// delivers at least once, so a run may repeat.
	Run func(ctx context.Context, at time.Time) error
}

// serveSchedule runs the schedule that an event names: in its detail, which the
// constructs write, or else in the ARN of its source.
func (r *router) serveSchedule(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	names := e.ScheduleNames()
	for _, name := range names {
		if s, ok := r.schedules[name]; ok {
			return r.runSchedule(ctx, e, s, late)
		}
	}
	if r.app.Fallback != nil {
		return r.custom(ctx, r.app.Fallback, e, late)
	}
	return r.failed(ctx, fmt.Errorf("lambdaruntime: a schedule event names %s, but App.Schedules has %s; give the two the same name or set App.Fallback",
		listNames(names, func(s string) string { return s }), listNames(r.app.Schedules, func(s Schedule) string { return s.Name }))), true
}

func (r *router) runSchedule(ctx context.Context, e *event.Envelope, s Schedule, late func(answer)) (answer, bool) {
	what := fmt.Sprintf("schedule %q", s.Name)
	var at time.Time
	if e.Time != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, e.Time); err != nil {
			return r.failed(ctx, fmt.Errorf("lambdaruntime: %s: read the event's time: %w", what, err)), true
		}
	}
	end := func(out run.Outcome) answer {
		if err := out.Failure(); err != nil {
			return r.failed(ctx, fmt.Errorf("lambdaruntime: %s: %w", what, err))
		}
		return answer{body: []byte("null")}
	}
	op := run.Op{Name: what, Limit: limitBefore(ctx, s.Timeout, responseMargin+cancelGrace), Grace: graceBefore(ctx, cancelGrace), Pool: &r.others}
	out, ok := r.run(ctx, op, func(ctx context.Context) error { return s.Run(ctx, at) }, func(out run.Outcome) { late(end(out)) })
	if !ok {
		return answer{}, false
	}
	return end(out), true
}
