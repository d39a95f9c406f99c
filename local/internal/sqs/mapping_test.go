package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"

	"github.com/lambdahearth/hearth/internal/within"
)

// invokerFunc makes a function an Invoker.
type invokerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f invokerFunc) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// invocation is one event that is with the function; the test answers it.
type invocation struct {
	payload []byte
	ids     []string
	bodies  string
	answer  chan<- answer
}

type answer struct {
	response string
	err      error
}

// mapped is a queue with a function that the test plays.
type mapped struct {
	*testing.T
	q       *sqs.Queue
	clock   *clock.Manual
	mapping *sqs.Mapping
	events  chan invocation
}

// newMapped returns a queue that holds messages with the given bodies, mapped to a
// function.
func newMapped(t *testing.T, name string, opts sqs.MappingOptions, attributes map[string]string, messages ...string) *mapped {
	t.Helper()
	m := &mapped{T: t, clock: clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), events: make(chan invocation)}
	s := sqs.New(sqs.Options{Clock: m.clock, Region: "eu-central-1", Account: "123456789012"})
	if err := s.Define([]sqs.Definition{{Name: name, Attributes: attributes}}); err != nil {
		t.Fatal(err)
	}
	m.q = s.Queue(name)
	for _, body := range messages {
		m.send(body)
	}
	opts.Function = invokerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var event struct {
			Records []struct{ MessageID, Body string }
		}
		if err := json.Unmarshal(payload, &event); err != nil {
			t.Error(err)
		}
		answers := make(chan answer, 1)
		i := invocation{payload: slices.Clone(payload), answer: answers}
		var bodies []string
		for _, r := range event.Records {
			i.ids, bodies = append(i.ids, r.MessageID), append(bodies, r.Body)
		}
		i.bodies = strings.Join(bodies, " ")
		select {
		case m.events <- i:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		select {
		case a := <-answers:
			return []byte(a.response), a.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	})
	mapping, err := m.q.Map(opts)
	if err != nil {
		t.Fatal(err)
	}
	m.mapping = mapping
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		mapping.Stop(ctx)
	})
	return m
}

// send sends bodies; on a FIFO queue to the groups that their first letters name.
func (m *mapped) send(list string) {
	m.Helper()
	for body := range strings.FieldsSeq(list) {
		in := sqs.SendInput{Body: body}
		if m.q.FIFO() {
			in.GroupID, in.DeduplicationID = body[:1], body[:2]
		}
		if _, err := m.q.Send(in); err != nil {
			m.Fatal(err)
		}
	}
}

// next returns the next event, whose bodies must be these.
func (m *mapped) next(bodies string) invocation {
	m.Helper()
	i := within.Receive(m.T, m.events)
	if i.bodies != bodies {
		m.Fatalf("the function got %q, want %q", i.bodies, bodies)
	}
	return i
}

func (m *mapped) advance(d time.Duration, timers int) {
	m.Helper()
	if err := m.clock.AwaitTimers(m.Context(), timers); err != nil {
		m.Fatal(err)
	}
	m.clock.Advance(d)
}

// until waits until the mapping's counters are as ok says. They change when a
// batch has been dealt with, which nothing else reports.
func (m *mapped) until(ok func(sqs.MappingStats, sqs.Counters) bool) {
	m.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok(m.mapping.Stats(), m.q.Counters()) {
		if time.Now().After(deadline) {
			m.Fatalf("stats %+v, counters %+v", m.mapping.Stats(), m.q.Counters())
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func empty(_ sqs.MappingStats, c sqs.Counters) bool { return c.Visible+c.InFlight+c.Delayed == 0 }

func TestMappingDeletesWhatSucceeded(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{}, nil)
	m.send("one")
	i := m.next("one")
	i.answer <- answer{response: `{"anything":1}`}
	m.until(empty)
	m.until(func(s sqs.MappingStats, _ sqs.Counters) bool {
		return s.Invocations == 1 && s.Messages == 1 && s.Errors == 0 && s.Failed == 0
	})
}

func TestMappingEventWithoutAttributes(t *testing.T) {
	t.Parallel()
	for window, want := range map[time.Duration]string{0: `"messageAttributes":{},"md5OfBody":`, time.Second: `"messageAttributes":{},"md5OfMessageAttributes":null,"md5OfBody":`} {
		m := newMapped(t, "jobs", sqs.MappingOptions{Window: window, BatchSize: 1}, nil)
		m.send("one")
		i := m.next("one")
		i.answer <- answer{}
		if !strings.Contains(string(i.payload), want) {
			t.Errorf("window %v: %s has no %s", window, i.payload, want)
		}
	}
}

func TestMappingEvent(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "ledger.fifo", sqs.MappingOptions{}, nil)
	trace, tenant := "Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5", "acme <&>"
	if _, err := m.q.Send(sqs.SendInput{
		Body: `{"n":1,"html":"<&>"}`, GroupID: "a", DeduplicationID: "d1", SenderID: "AIDAEXAMPLE",
		Attributes:       map[string]sqs.Attribute{"tenant": {DataType: "String", StringValue: &tenant}, "blob": {DataType: "Binary", BinaryValue: []byte{0, 1}}},
		SystemAttributes: map[string]sqs.Attribute{"AWSTraceHeader": {DataType: "String", StringValue: &trace}},
	}); err != nil {
		t.Fatal(err)
	}
	i := within.Receive(m.T, m.events)
	i.answer <- answer{}
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal(i.payload, &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("%s, %v", i.payload, err)
	}
	record := event.Records[0]
	attributes := record["attributes"].(map[string]any)
	for _, name := range []string{"messageId", "receiptHandle", "md5OfBody", "md5OfMessageAttributes"} {
		if s, ok := record[name].(string); !ok || s == "" {
			t.Errorf("%s is %v", name, record[name])
		}
		delete(record, name)
	}
	sequence, _ := attributes["SequenceNumber"].(string)
	if len(sequence) != 20 {
		t.Errorf("SequenceNumber is %q", sequence)
	}
	delete(attributes, "SequenceNumber")
	want := map[string]any{
		"body": `{"n":1,"html":"<&>"}`,
		"attributes": map[string]any{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1793610000000", "SenderId": "AIDAEXAMPLE", "ApproximateFirstReceiveTimestamp": "1793610000000",
			"MessageGroupId": "a", "MessageDeduplicationId": "d1", "AWSTraceHeader": trace,
		},
		"messageAttributes": map[string]any{
			"tenant": map[string]any{"stringValue": tenant, "stringListValues": []any{}, "binaryListValues": []any{}, "dataType": "String"},
			"blob":   map[string]any{"binaryValue": "AAE=", "stringListValues": []any{}, "binaryListValues": []any{}, "dataType": "Binary"},
		},
		"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:ledger.fifo", "awsRegion": "eu-central-1",
	}
	if diff := cmp.Diff(want, record); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(i.payload), `"body":"{\"n\":1,\"html\":\"<&>\"}"`) {
		t.Errorf("the body is escaped more than JSON needs: %s", i.payload)
	}
}

// TestPartialBatchResponses is the table of AWS's page on partial batch responses.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
func TestPartialBatchResponses(t *testing.T) {
	t.Parallel()
	const ids = "%s" // the id of the first message
	for name, c := range map[string]struct {
		response string
		err      error
		failed   int // of two messages
	}{
		"nothing":                    {"", nil, 0},
		"null":                       {"null", nil, 0},
		"empty object":               {"{}", nil, 0},
		"empty list":                 {`{"batchItemFailures":[]}`, nil, 0},
		"null list":                  {`{"batchItemFailures":null}`, nil, 0},
		"other fields":               {`{"ok":true}`, nil, 0},
		"one failed":                 {`{"batchItemFailures":[{"itemIdentifier":"` + ids + `"}]}`, nil, 1},
		"one failed, twice":          {`{"batchItemFailures":[{"itemIdentifier":"` + ids + `"},{"itemIdentifier":"` + ids + `"}]}`, nil, 1},
		"invalid JSON":               {`{"batchItemFailures":`, nil, 2},
		"no object":                  {`"done"`, nil, 2},
		"empty id":                   {`{"batchItemFailures":[{"itemIdentifier":""}]}`, nil, 2},
		"null id":                    {`{"batchItemFailures":[{"itemIdentifier":null}]}`, nil, 2},
		"wrong key":                  {`{"batchItemFailures":[{"id":"` + ids + `"}]}`, nil, 2},
		"key in another case":        {`{"batchItemFailures":[{"ItemIdentifier":"` + ids + `"}]}`, nil, 2},
		"list in another case":       {`{"BatchItemFailures":[{"itemIdentifier":"` + ids + `"}]}`, nil, 0},
		"list in both cases":         {`{"batchItemFailures":[],"BatchItemFailures":[{"itemIdentifier":"` + ids + `"}]}`, nil, 0},
		"id of another message":      {`{"batchItemFailures":[{"itemIdentifier":"` + ids + `"},{"itemIdentifier":"x"}]}`, nil, 2},
		"the function's own error":   {"", errors.New("oh"), 2},
		"an error beside a response": {`{"batchItemFailures":[]}`, errors.New("oh"), 2},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			var log []string // read after the mapping has logged
			m := newMapped(t, "jobs", sqs.MappingOptions{
				ReportBatchItemFailures: true, BatchSize: 2, Window: time.Second, Log: func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) },
			}, nil, "1 2")
			i := m.next("1 2")
			i.answer <- answer{strings.ReplaceAll(c.response, ids, i.ids[0]), c.err}
			m.until(func(s sqs.MappingStats, q sqs.Counters) bool { return q.InFlight == c.failed && s.Invocations == 1 })
			if s := m.mapping.Stats(); s.Failed != c.failed || s.Errors != min(c.failed/2, 1) || s.Allowed != 5 {
				t.Errorf("stats %+v", s)
			}
			want := ""
			switch {
			case name == "list in another case":
				want = " to a batch of queue jobs must have the field batchItemFailures, got BatchItemFailures; Lambda ignores it, and deletes the messages"
			case c.failed == 2 && c.err == nil: // the function's own log has its errors
				want = " to a batch of queue jobs is malformed: "
			}
			if want != "" && (len(log) != 1 || !strings.HasPrefix(log[0], "RequestId: ") || !strings.Contains(log[0], ": the response"+want)) || want == "" && len(log) > 0 {
				t.Errorf("log %q, want one line with %q", log, want)
			}
			if c.failed == 0 {
				return
			}
			m.advance(29*time.Second, 1)
			select {
			case i := <-m.events:
				t.Errorf("%q came before its visibility timeout was over", i.bodies)
			default:
			}
			m.advance(time.Second, 1)
			if c.failed == 1 { // its batch is not full
				m.until(func(_ sqs.MappingStats, q sqs.Counters) bool { return q.Received == 3 })
				m.advance(time.Second, 1)
			}
			m.next(map[int]string{1: "1", 2: "1 2"}[c.failed]).answer <- answer{}
			m.until(empty)
		})
	}
}

func TestMappingWithoutReportsIgnoresThem(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{}, nil)
	m.send("1")
	m.next("1").answer <- answer{response: `{"batchItemFailures":[{"itemIdentifier":"x"}]}`}
	m.until(empty)
	m.send("2")
	m.next("2").answer <- answer{err: errors.New("oh")}
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool {
		return c.InFlight == 1 && s.Errors == 1 && s.Allowed == 2
	})
}

func TestMappingWindow(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{BatchSize: 100, Window: 10 * time.Second}, nil)
	m.send("1")
	m.until(func(_ sqs.MappingStats, c sqs.Counters) bool { return c.InFlight == 1 })
	m.advance(9*time.Second, 1)
	m.send("2 3")
	m.until(func(_ sqs.MappingStats, c sqs.Counters) bool { return c.InFlight == 3 })
	m.advance(time.Second, 1)
	m.next("1 2 3").answer <- answer{}
	m.until(empty)
}

func TestMappingFullBatchDoesNotWaitForItsWindow(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{BatchSize: 12, Window: time.Minute}, nil, "1 2 3 4 5 6 7 8 9 10 11 12 13")
	i := within.Receive(m.T, m.events)
	if len(i.ids) != 12 {
		t.Errorf("got %q", i.bodies)
	}
	i.answer <- answer{}
}

func TestMappingMaxConcurrency(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{BatchSize: 1, MaxConcurrency: 2}, nil)
	m.send("1 2 3")
	first, second := within.Receive(m.T, m.events), within.Receive(t, m.events)
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool { return s.Running == 2 && c.Visible == 1 })
	m.advance(5*time.Second, 1)
	select {
	case i := <-m.events:
		t.Fatalf("%q is a third batch at once", i.bodies)
	default:
	}
	first.answer <- answer{}
	within.Receive(m.T, m.events).answer <- answer{}
	second.answer <- answer{}
	m.until(empty)
}

func TestMappingScalesUp(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{BatchSize: 1}, nil)
	for i := range 12 {
		m.send(fmt.Sprint(i))
	}
	var running []invocation
	take := func(n int) {
		for range n {
			running = append(running, within.Receive(m.T, m.events))
		}
	}
	take(5)
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool { return s.Running == 5 && c.Visible == 7 })
	m.advance(time.Second, 1)
	take(5)
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool {
		return s.Running == 10 && s.Allowed == 10 && c.Visible == 2
	})
	m.advance(time.Second, 1)
	take(2)
	for _, i := range running {
		i.answer <- answer{}
	}
	m.until(empty)
}

func TestMappingThrottles(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{MaxConcurrency: 4}, map[string]string{"VisibilityTimeout": "1"})
	m.send("1")
	throttled := fmt.Errorf("invoke: %w", sqs.ErrThrottled)
	m.next("1").answer <- answer{err: throttled}
	m.until(func(s sqs.MappingStats, _ sqs.Counters) bool { return s.Throttles == 1 && s.Allowed == 2 })
	m.advance(100*time.Millisecond, 2) // of the poller and of the backoff
	m.next("1").answer <- answer{err: throttled}
	m.until(func(s sqs.MappingStats, _ sqs.Counters) bool { return s.Throttles == 2 && s.Allowed == 1 })
	m.advance(200*time.Millisecond, 1)
	m.next("1").answer <- answer{}
	m.until(empty)
	if s := m.mapping.Stats(); s.Invocations != 1 || s.Failed != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestMappingThrottledForTooLong(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{MaxConcurrency: 2}, map[string]string{"VisibilityTimeout": "1"})
	m.send("1")
	for i, pause := range []time.Duration{100, 200, 400} {
		m.next("1").answer <- answer{err: sqs.ErrThrottled}
		m.until(func(s sqs.MappingStats, _ sqs.Counters) bool { return s.Throttles == i+1 && s.Allowed == 1 })
		m.advance(pause*time.Millisecond, 2) // of the backoff and of the poller
	}
	m.next("1").answer <- answer{err: sqs.ErrThrottled} // after 0.7 s; the next try would be after 1.5 s
	m.until(func(s sqs.MappingStats, _ sqs.Counters) bool { return s.Failed == 1 && s.Throttles == 4 })
	m.advance(300*time.Millisecond, 1)
	m.next("1").answer <- answer{}
	m.until(empty)
}

func TestMappingFIFO(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "ledger.fifo", sqs.MappingOptions{ReportBatchItemFailures: true, BatchSize: 2}, nil, "a1 a2 a3 a4 b1")
	a, b := within.Receive(m.T, m.events), within.Receive(t, m.events)
	if a.bodies == "b1" {
		a, b = b, a
	}
	if a.bodies != "a1 a2" || b.bodies != "b1" {
		t.Fatalf("the function got %q and %q", a.bodies, b.bodies)
	}
	select {
	case i := <-m.events:
		t.Fatalf("%q beside the same group", i.bodies)
	default:
	}
	b.answer <- answer{}
	a.answer <- answer{response: fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, a.ids[1])}
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool { return s.Invocations == 2 && c.InFlight == 1 })
	m.advance(30*time.Second, 1)
	m.next("a2 a3").answer <- answer{}
	m.next("a4").answer <- answer{}
	m.until(empty)
}

func TestMappingSplitsLargeBatches(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]sqs.MappingOptions{"jobs": {BatchSize: 5, Window: time.Minute}, "ledger.fifo": {ReportBatchItemFailures: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var messages []string // each has over 2 MB as JSON
			for i := range 5 {
				messages = append(messages, "a"+fmt.Sprint(i+1)+strings.Repeat(`"`, 1<<20-2))
			}
			m := newMapped(t, name, opts, nil, messages...)
			for _, want := range []string{"12", "34", "5"} {
				i := within.Receive(m.T, m.events)
				got := ""
				for body := range strings.FieldsSeq(i.bodies) {
					got += body[1:2]
				}
				if got != want || len(i.payload) > 6<<20 {
					t.Errorf("an event of %d bytes with %s, want %s", len(i.payload), got, want)
				}
				if m.q.FIFO() && want == "34" { // what follows in the group must not be tried
					i.answer <- answer{response: fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, i.ids[1])}
					m.until(func(s sqs.MappingStats, c sqs.Counters) bool { return c.InFlight == 2 && s.Running == 0 })
					return
				}
				i.answer <- answer{}
			}
			m.until(empty)
		})
	}
}

func TestMappingFilters(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{Filters: []string{`{"body":{"kind":["a"]}}`, `{"body":{"n":[{"numeric":[">",5]}]}}`}}, nil)
	m.send(`{"kind":"b"} {"n":5} text`)
	m.until(func(s sqs.MappingStats, c sqs.Counters) bool { return s.Filtered == 3 && empty(s, c) })
	m.send(`{"n":6}`)
	m.next(`{"n":6}`).answer <- answer{}
	m.send(`{"kind":"a"}`)
	m.next(`{"kind":"a"}`).answer <- answer{}
	m.until(empty)
}

func TestMappingStopGivesBack(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{}, nil)
	m.send("1")
	m.next("1") // and never answered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.mapping.Stop(ctx)
	if c := m.q.Counters(); c.Visible != 1 || c.InFlight != 0 {
		t.Errorf("counters %+v", c)
	}
	m.send("2")
	if m.clock.Timers() != 0 || m.q.Counters().Visible != 2 {
		t.Error("a stopped mapping polls")
	}
}

func TestMappingStopWaits(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{}, nil)
	m.send("1")
	i := m.next("1")
	var stopped sync.WaitGroup
	stopped.Go(func() { m.mapping.Stop(context.Background()) })
	i.answer <- answer{}
	stopped.Wait()
	if c := m.q.Counters(); c != (sqs.Counters{Sent: 1, Received: 1, Deleted: 1}) {
		t.Errorf("counters %+v", c)
	}
}

func TestMappingStopWhileGathering(t *testing.T) {
	t.Parallel()
	m := newMapped(t, "jobs", sqs.MappingOptions{Window: time.Minute}, nil)
	m.send("1")
	m.until(func(_ sqs.MappingStats, c sqs.Counters) bool { return c.InFlight == 1 })
	m.mapping.Stop(t.Context())
	if c := m.q.Counters(); c.Visible != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestMappingOptionErrors(t *testing.T) {
	t.Parallel()
	s := sqs.New(sqs.Options{})
	if err := s.Define([]sqs.Definition{{Name: "jobs"}, {Name: "ledger.fifo"}}); err != nil {
		t.Fatal(err)
	}
	f := invokerFunc(nil)
	for want, c := range map[string]struct {
		queue string
		opts  sqs.MappingOptions
	}{
		"Function is required":                                               {"jobs", sqs.MappingOptions{}},
		"BatchSize must be 1 to 10000, got 10001":                            {"jobs", sqs.MappingOptions{Function: f, BatchSize: 10001, Window: time.Second}},
		"BatchSize must be 1 to 10000, got -1":                               {"jobs", sqs.MappingOptions{Function: f, BatchSize: -1}},
		"BatchSize must be 1 to 10, got 11":                                  {"ledger.fifo", sqs.MappingOptions{Function: f, BatchSize: 11}},
		"Window must be 0 for a FIFO queue, got 1s":                          {"ledger.fifo", sqs.MappingOptions{Function: f, Window: time.Second}},
		"Window must be 0 to 300 seconds, got 5m1s":                          {"jobs", sqs.MappingOptions{Function: f, Window: 301 * time.Second}},
		"Window must be at least 1 second when BatchSize is over 10, got 0s": {"jobs", sqs.MappingOptions{Function: f, BatchSize: 11}},
		"MaxConcurrency must be 2 to 1000, got 1":                            {"jobs", sqs.MappingOptions{Function: f, MaxConcurrency: 1}},
		"MaxConcurrency must be 2 to 1000, got 1001":                         {"jobs", sqs.MappingOptions{Function: f, MaxConcurrency: 1001}},
		"filters: there must be at most 10, got 11":                          {"jobs", sqs.MappingOptions{Function: f, Filters: make([]string, 11)}},
		"filters[0]: pattern must be JSON: EOF":                              {"jobs", sqs.MappingOptions{Function: f, Filters: []string{""}}},
	} {
		m, err := s.Queue(c.queue).Map(c.opts)
		if err == nil || err.Error() != fmt.Sprintf("event source mapping of queue %q: %s", c.queue, want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if m != nil {
			m.Stop(t.Context())
		}
	}
}
