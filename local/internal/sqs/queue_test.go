package sqs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"

	"github.com/lambdahearth/hearth/internal/within"
)

func newTestQueue(t *testing.T, name string, attributes map[string]string) (*Queue, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	s := New(Options{Clock: c})
	if err := s.Define([]Definition{{Name: name, Attributes: attributes}}); err != nil {
		t.Fatal(err)
	}
	return s.Queue(name), c
}

func TestInFlightLimit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"jobs", "jobs.fifo"} {
		q, c := newTestQueue(t, name, nil)
		q.s.limit = 3
		for i := range 5 {
			in := SendInput{Body: fmt.Sprint(i), GroupID: fmt.Sprint(i)}
			if q.FIFO() {
				in.DeduplicationID = fmt.Sprint(i)
			}
			if _, err := q.Send(in); err != nil {
				t.Fatal(err)
			}
		}
		got, err := q.Receive(t.Context(), 10, 0)
		if err != nil || len(got) != 3 {
			t.Fatalf("%s: received %d, %v", name, len(got), err)
		}
		_, err = q.Receive(t.Context(), 10, 0)
		var api *Error
		if q.FIFO() && err != nil || !q.FIFO() && (!errors.As(err, &api) || api.Code != "OverLimit" || api.Status != 403) {
			t.Errorf("%s: at the limit: %v", name, err)
		}
		waited := make(chan []Message, 1)
		go func() {
			messages, _ := q.Receive(context.Background(), 10, 20*time.Second)
			waited <- messages
		}()
		if err := c.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := q.Delete(got[0].ReceiptHandle); err != nil {
			t.Fatal(err)
		}
		if messages := within.Receive(t, waited); len(messages) != 1 || messages[0].Body != "3" {
			t.Errorf("%s: the long poll got %v", name, messages)
		}
	}
}

func TestReceiptHandleOfAnotherVersion(t *testing.T) {
	t.Parallel()
	q, _ := newTestQueue(t, "jobs", nil)
	b := make([]byte, receiptBytes-16)
	b[0] = receiptVersion + 1
	handle := base64.StdEncoding.EncodeToString(append(b, q.s.sign(b)...))
	var api *Error
	if err := q.Delete(handle); !errors.As(err, &api) || api.Type != "com.amazonaws.sqs#InvalidIdFormat" {
		t.Errorf("got %v", err)
	}
}

func TestReceiveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	q, c := newTestQueue(t, "jobs", nil)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := q.Receive(ctx, 1, 20*time.Second)
		done <- err
	}()
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel(cause)
	if err := within.Receive(t, done); !errors.Is(err, cause) || c.Timers() != 0 {
		t.Errorf("got %v, %d timers", err, c.Timers())
	}
	if _, err := q.Send(SendInput{Body: "x"}); err != nil {
		t.Fatal(err)
	}
	if got, err := q.Receive(ctx, 1, 0); !errors.Is(err, cause) || len(got) != 0 {
		t.Errorf("a receive that nobody waits for took %v, %v", got, err)
	}
}

func TestReceiveEndsWithItsQueue(t *testing.T) {
	t.Parallel()
	q, c := newTestQueue(t, "jobs", nil)
	done := make(chan error, 1)
	go func() {
		_, err := q.Receive(context.Background(), 1, 20*time.Second)
		done <- err
	}()
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := q.s.DeleteQueue(q); err != nil {
		t.Fatal(err)
	}
	var api *Error
	if err := within.Receive(t, done); !errors.As(err, &api) || api.Code != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("got %v", err)
	}
	for name, err := range map[string]error{
		"delete": q.s.DeleteQueue(q), "purge": q.Purge(false), "tag": q.Tag(nil), "untag": q.Untag(nil), "set": q.SetAttributes(nil), "return": q.ReturnNow("x"),
	} {
		if !errors.As(err, &api) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefine(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	redrive := func(n int) map[string]string {
		return map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, s.ARN("dead"), n)}
	}
	if err := s.Define([]Definition{{Name: "jobs", Attributes: redrive(3)}, {Name: "dead", Tags: map[string]string{"a": "b"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Queue("jobs").Send(SendInput{Body: "stays"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Define([]Definition{{Name: "jobs", Attributes: redrive(5)}}); err != nil {
		t.Fatal(err)
	}
	attributes, err := s.Queue("jobs").Attributes()
	if err != nil || attributes[attrRedrive] != redrive(5)[attrRedrive] || s.Queue("jobs").Counters().Visible != 1 || s.Queue("dead").Tags()["a"] != "b" {
		t.Errorf("got %v, %v", attributes, err)
	}
	for want, d := range map[string]Definition{
		`queue "a.fifo": InvalidParameterValue: Value {"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue must be same type of queue as the source.`: {Name: "a.fifo", Attributes: redrive(1)},
		`queue "a": the name of a FIFO queue must end in ".fifo"`:                                              {Name: "a", Attributes: map[string]string{"FifoQueue": "true"}},
		`queue "a": InvalidParameterValue: Tag keys and values must not start with the reserved prefix aws:.`:  {Name: "a", Tags: map[string]string{"aws:x": "y"}},
		`queue "": name must be 1 to 80 letters, digits, "-" or "_", with ".fifo" at the end for a FIFO queue`: {},
	} {
		if err := s.Define([]Definition{d}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestFromTemplate(t *testing.T) {
	t.Parallel()
	d, err := FromTemplate("Jobs1234", map[string]any{
		"QueueName": "jobs.fifo", "FifoQueue": true, "VisibilityTimeout": float64(360), "DelaySeconds": "5",
		"RedrivePolicy": map[string]any{"deadLetterTargetArn": "arn", "maxReceiveCount": float64(3)},
		"Tags":          []any{map[string]any{"Key": "team", "Value": "a"}},
	})
	if err != nil || d.Name != "jobs.fifo" || d.Tags["team"] != "a" || len(d.Attributes) != 4 || d.Attributes["FifoQueue"] != "true" || d.Attributes["VisibilityTimeout"] != "360" ||
		d.Attributes["RedrivePolicy"] != `{"deadLetterTargetArn":"arn","maxReceiveCount":3}` {
		t.Errorf("got %+v, %v", d, err)
	}
	if d, err := FromTemplate("Jobs1234", map[string]any{"FifoQueue": false}); err != nil || d.Name != "Jobs1234" || len(d.Attributes) != 0 {
		t.Errorf("got %+v, %v", d, err)
	}
	for want, properties := range map[string]map[string]any{
		`queue "q": property Policy must not be a list`:                             {"Policy": []any{}},
		`queue "q": property Tags must hold objects with a Key and a Value, got x`:  {"Tags": []any{"x"}},
		`queue "q": property DelaySeconds has a value of an unexpected type, <nil>`: {"DelaySeconds": nil},
	} {
		if _, err := FromTemplate("q", properties); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestMemory checks that nothing of a message is kept once it is deleted.
func TestMemory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"jobs", "jobs.fifo"} {
		q, c := newTestQueue(t, name, nil)
		for i := range 1000 {
			in := SendInput{Body: "x", GroupID: fmt.Sprint(i % 7)}
			if q.FIFO() {
				in.DeduplicationID = fmt.Sprint(i)
			}
			if _, err := q.Send(in); err != nil {
				t.Fatal(err)
			}
			got, err := q.Receive(t.Context(), 10, 0)
			if err != nil || len(got) != 1 {
				t.Fatalf("received %v, %v", got, err)
			}
			if err := q.Delete(got[0].ReceiptHandle); err != nil {
				t.Fatal(err)
			}
			c.Advance(time.Second)
		}
		if len(q.messages)+len(q.groups)+q.ready.Len()+q.open.Len()+q.hidden.Len()+q.byAge.Len() != 0 || len(q.dedup.entries) > 301 {
			t.Errorf("%s keeps %d messages, %d groups, %d ids", name, len(q.messages), len(q.groups), len(q.dedup.entries))
		}
	}
}

// TestDeadLettersAreLogged: one line for each message that is given up.
func TestDeadLettersAreLogged(t *testing.T) {
	t.Parallel()
	var log []string
	s := New(Options{Log: func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }})
	err := s.Define([]Definition{{Name: "dead"}, {Name: "jobs", Attributes: map[string]string{
		"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"` + s.ARN("dead") + `","maxReceiveCount":2}`,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := s.Queue("jobs").Send(SendInput{Body: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := s.Queue("jobs").Receive(t.Context(), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"queue jobs: message " + sent.MessageID + " goes to the dead-letter queue dead: it was received 2 times"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}
