package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Schedule is work that the program does at set times, through EventBridge
// Scheduler. Lambda invokes it asynchronously: a run that fails is tried again
// as the deployed schedule and function say.
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

	// Run does the work. at is the time the run was scheduled for, which stays
	// the same over retries; it is the zero time when the event does not say.
	// EventBridge Scheduler delivers at least once, so a run may repeat.
	Run func(ctx context.Context, at time.Time) error
}

// serveSchedule runs the schedule that an event names: in its detail, as the
// constructs write it, or else in the ARN it came from.
func (r *router) serveSchedule(ctx context.Context, e *envelope) ([]byte, error) {
	names := e.scheduleNames()
	for _, name := range names {
		s, ok := r.schedules[name]
		if !ok {
			continue
		}
		var at time.Time
		if e.time != "" {
			var err error
			if at, err = time.Parse(time.RFC3339, e.time); err != nil {
				return nil, fmt.Errorf("lambdaruntime: schedule %q: read the event's time: %w", s.Name, err)
			}
		}
		limit := limitBefore(ctx, s.Timeout, responseMargin+cancelGrace)
		err, _ := r.call(ctx, call{
			what: fmt.Sprintf("schedule %q", s.Name), limit: limit, grace: graceBefore(ctx),
			fn: func(ctx context.Context) error { return s.Run(ctx, at) },
		})
		if err != nil {
			if errors.Is(err, ErrTimeout) {
				r.metrics.timeout(e.kind)
			}
			return nil, fmt.Errorf("lambdaruntime: schedule %q: %w", s.Name, err)
		}
		return []byte("null"), nil
	}
	if r.app.Fallback != nil {
		return r.custom(ctx, r.app.Fallback, e)
	}
	return nil, fmt.Errorf("lambdaruntime: a schedule event names %s, but App.Schedules has %s; give the two the same name or set App.Fallback",
		listNames(names, func(s string) string { return s }), listNames(r.app.Schedules, func(s Schedule) string { return s.Name }))
}

// scheduleNames gives the names a schedule event may be known by, most specific
// first: detail.schedule, then the last part of each ARN in resources
// (arn:aws:scheduler:{region}:{account}:schedule/{group}/{name},
// arn:aws:events:{region}:{account}:rule/{name}).
func (e *envelope) scheduleNames() []string {
	var names []string
	d := jsonscan.NewDecoder(e.rawDetail)
	if d.Peek() == '{' {
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			if raw := d.Raw(); key == "schedule" {
				if name := stringOf(raw); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	d = jsonscan.NewDecoder(e.rawResources)
	if d.Peek() == '[' && d.Array() {
		for d.Elem() {
			arn := d.Text()
			if name := arn[strings.LastIndexByte(arn, '/')+1:]; name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// listNames renders the names of what a program serves, for errors.
func listNames[T any](items []T, name func(T) string) string {
	if len(items) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name(item))
	}
	return b.String()
}
