package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"schedule-scheduler", "schedule-scheduler-default", "schedule-rule"} {
		var at time.Time
		b := setup(t, &App{Schedules: []Schedule{
			{Name: "hourly", Expression: "rate(1 hour)", Run: func(context.Context, time.Time) error { return errors.New("the wrong one") }},
			{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: func(_ context.Context, t time.Time) error { at = t; return nil }},
		}})
		if out := b.mustInvoke(t.Context(), sample(t, name)); out != "null" {
			t.Errorf("%s: got %s", name, out)
		}
		if want := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC); !at.Equal(want) {
			t.Errorf("%s: ran for %s, want %s", name, at, want)
		}
	}
}

func TestScheduleErrors(t *testing.T) {
	t.Parallel()
	run := func(err error) func(context.Context, time.Time) error {
		return func(context.Context, time.Time) error { return err }
	}
	broken := errors.New("disk full")
	b := setup(t, &App{Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: run(broken)}}})
	_, err := b.invoke(t.Context(), sample(t, "schedule-scheduler"))
	if !errors.Is(err, broken) || err.Error() != `lambdaruntime: schedule "nightly": disk full` {
		t.Errorf("got %v", err)
	}

	b = setup(t, &App{Schedules: []Schedule{{Name: "other", Expression: "rate(1 day)", Run: run(nil)}}})
	_, err = b.invoke(t.Context(), sample(t, "schedule-scheduler"))
	want := `lambdaruntime: a schedule event names "nightly", "Bookmarks-BackendNightly-1ABC", but App.Schedules has "other"; give the two the same name or set App.Fallback`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}

	b = setup(t, &App{Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: run(nil)}}})
	payload := strings.Replace(string(sample(t, "schedule-scheduler")), "2026-11-23T03:00:00Z", "yesterday", 1)
	if _, err = b.invoke(t.Context(), []byte(payload)); err == nil || !strings.HasPrefix(err.Error(), `lambdaruntime: schedule "nightly": read the event's time: `) {
		t.Errorf("got %v", err)
	}
}

func TestScheduleTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{Schedules: []Schedule{{
			Name: "nightly", Expression: "rate(1 day)", Timeout: 5 * time.Second,
			Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return ctx.Err() },
		}}})
		start := time.Now()
		_, err := b.invoke(t.Context(), sample(t, "schedule-scheduler"))
		if !errors.Is(err, ErrTimeout) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if !strings.Contains(b.metrics.String(), `"Kind":"schedule","Timeouts":1}`) {
			t.Errorf("metrics: %s", b.metrics)
		}
	})
}

func TestScheduleAnswersBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second, 4 * time.Second, 15 * time.Minute} {
		t.Run(deadline.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				b := setup(t, &App{Schedules: []Schedule{{
					Name: "nightly", Expression: "rate(1 day)",
					Run: func(context.Context, time.Time) error { <-release; return nil }, // ignores its context
				}}})
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				start := time.Now()
				_, err := b.invoke(ctx, sample(t, "schedule-scheduler"))
				if took := time.Since(start); !errors.Is(err, ErrTimeout) || took > deadline-min(responseMargin, deadline/8) {
					t.Errorf("%v after %s of %s", err, took, deadline)
				}
				close(release)
			})
		})
	}
}

func TestCustomEvents(t *testing.T) {
	t.Parallel()
	echo := func(name string) lambda.Handler {
		return lambda.NewHandler(func(_ context.Context, e map[string]any) (string, error) {
			if e["panic"] != nil {
				panic("oh")
			}
			return fmt.Sprintf("%s got %d fields", name, len(e)), nil
		})
	}
	b := setup(t, &App{Events: map[Kind]lambda.Handler{KindSNS: echo("sns")}})
	if out := b.mustInvoke(t.Context(), sample(t, "sns-notification")); out != `"sns got 1 fields"` {
		t.Errorf("got %s", out)
	}
	for name, want := range map[string]string{
		"s3-object-created":     `lambdaruntime: nothing handles this event: got kind s3; set App.Events[s3] or App.Fallback`,
		"http-v2-get":           `lambdaruntime: nothing handles this event: got kind http-v2; set App.HTTP`,
		"websocket-message":     `lambdaruntime: nothing handles this event: got kind websocket; set App.WebSocket`,
		"sqs-fifo":              `lambdaruntime: nothing handles this event: got kind sqs; add a consumer to App.Queues`,
		"schedule-rule":         `lambdaruntime: nothing handles this event: got kind schedule; add a schedule to App.Schedules`,
		"unknown-direct-invoke": `lambdaruntime: nothing handles this event: got an object with the fields job, since; handled kinds are http-v2, http-v1, alb, websocket, sqs, schedule, eventbridge, sns, s3, dynamodb, kinesis and authorizer; set App.Fallback for any other event`,
	} {
		if _, err := b.invoke(t.Context(), sample(t, name)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
	for payload, want := range map[string]string{
		`[1]`:  "a payload that is not a JSON object",
		`{}`:   "an empty object",
		`null`: "a payload that is not a JSON object",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`: "an object with the fields a, b, c, d, e, f, g, h, …;",
		`{"Records":[{"eventSource":"aws:kafka"}]}`:               "records of event source aws:kafka",
	} {
		if _, err := b.invoke(t.Context(), []byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", payload, err)
		}
	}
	if _, err := b.invoke(t.Context(), []byte(`{"a":`)); err == nil || err.Error() != "lambdaruntime: read event: invalid JSON: unexpected end of input instead of a value" {
		t.Errorf("got %v", err)
	}

	b = setup(t, &App{Fallback: echo("fallback"), Schedules: []Schedule{{Name: "x", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }}}})
	for _, name := range []string{"unknown-direct-invoke", "s3-object-created", "schedule-rule"} {
		if out := b.mustInvoke(t.Context(), sample(t, name)); !strings.HasPrefix(out, `"fallback got `) {
			t.Errorf("%s: got %s", name, out)
		}
	}
	if _, err := b.invoke(t.Context(), []byte(`{"panic":1}`)); err == nil || err.Error() != "panic: oh" || len(b.logged("panic in unknown event")) != 1 {
		t.Errorf("got %v", err)
	}
}
