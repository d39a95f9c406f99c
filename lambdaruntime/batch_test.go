package lambdaruntime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type capture struct {
	URL string `json:"url"`
}

type entry struct {
	N int `json:"n"`
}

// batchOf makes an SQS event; each body may be prefixed by "group:".
func batchOf(queue string, bodies ...string) []byte {
	var records []map[string]any
	for i, body := range bodies {
		attributes := map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1795421704123"}
		if group, rest, ok := strings.Cut(body, ":"); ok && strings.HasSuffix(queue, ".fifo") {
			body, attributes["MessageGroupId"] = rest, group
		}
		records = append(records, map[string]any{
			"messageId": fmt.Sprintf("m%d", i), "body": body, "attributes": attributes, "messageAttributes": map[string]any{},
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:" + queue,
		})
	}
	data, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err)
	}
	return data
}

// failures reads a partial batch response.
func failures(t *testing.T, out string) []string {
	t.Helper()
	var r struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.BatchItemFailures == nil {
		t.Fatalf("response %s: %v", out, err)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestStandardBatch(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var jobs []Job[capture]
	captures := Queue[capture]{Name: "captures"}
	b := setup(t, &App{Queues: []Consumer{captures.Consume(func(_ context.Context, job *Job[capture]) error {
		mu.Lock()
		defer mu.Unlock()
		jobs = append(jobs, *job)
		return nil
	})}})
	out := b.mustInvoke(t.Context(), sample(t, "sqs-standard"))
	if want := `{"batchItemFailures":[{"itemIdentifier":"00000000-0000-4000-8000-000000000002"}]}`; out != want {
		t.Errorf("got %s, want %s: only the record that cannot be decoded fails", out, want)
	}
	slices.SortFunc(jobs, func(a, b Job[capture]) int { return strings.Compare(a.ID, b.ID) })
	if len(jobs) != 2 || jobs[0].Payload.URL != "https://example.com/1" || jobs[1].Payload.URL != "https://example.com/3" {
		t.Fatalf("jobs: %+v", jobs)
	}
	first := jobs[0].Message
	if tenant, ok := first.Attribute("tenant"); !ok || tenant != "acme" {
		t.Errorf("attribute tenant: %q %v", tenant, ok)
	}
	for _, name := range []string{"blob", "none"} {
		if v, ok := first.Attribute(name); ok {
			t.Errorf("attribute %s: %q", name, v)
		}
	}
	first.rawAttributes = ""
	want := Message{
		Queue: "captures", ID: "00000000-0000-4000-8000-000000000001", Body: `{"url":"https://example.com/1"}`,
		ReceiveCount: 3, SentAt: time.UnixMilli(1795421704123), TraceHeader: "Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5",
	}
	if first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	logs := b.logged("failed")
	if len(logs) != 1 || logs[0]["messageId"] != "00000000-0000-4000-8000-000000000002" || logs[0]["queue"] != "captures" || !strings.Contains(logs[0]["error"].(string), "decode the message's body") {
		t.Errorf("logs: %v", logs)
	}
	if !strings.Contains(b.metrics.String(), `"Queue":"captures","JobsDone":2,"JobsFailed":1}`) {
		t.Errorf("metrics: %s", b.metrics)
	}
}

func TestJobOutcomes(t *testing.T) {
	t.Parallel()
	jobs := Queue[string]{Name: "jobs"}
	ledger := Queue[string]{Name: "ledger", FIFO: true}
	work := func(_ context.Context, job *Job[string]) error {
		switch job.Payload {
		case "fail":
			return errors.New("no")
		case "drop":
			return Drop(errors.New("hopeless"))
		case "wrapped drop":
			return fmt.Errorf("context: %w", Drop(errors.New("hopeless")))
		case "drop nil":
			return Drop(nil)
		case "panic":
			panic("oh")
		}
		return nil
	}
	b := setup(t, &App{Queues: []Consumer{jobs.Consume(work), ledger.Consume(work)}})
	bodies := []string{"ok", "fail", "drop", "wrapped drop", "drop nil", "panic", "ok"}
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("jobs", bodies...))); !slices.Equal(got, []string{"m1", "m5"}) {
		t.Errorf("standard: got %v", got)
	}
	for i, body := range bodies { // each in a group of its own
		bodies[i] = fmt.Sprintf("g%d:%s", i, body)
	}
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("ledger.fifo", bodies...))); !slices.Equal(got, []string{"m1", "m5"}) {
		t.Errorf("FIFO: got %v", got)
	}
	if n := len(b.logged("dropped")); n != 4 {
		t.Errorf("%d records of dropped jobs", n)
	}
	if n := len(b.logged(`panic in job of queue "jobs"`)); n != 1 {
		t.Errorf("%d records of panics", n)
	}
}

// TestStandardConcurrency holds every job until as many run as may, and then
// checks that no more were started.
func TestStandardConcurrency(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 10, 3: 3, 50: 20} {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int32
			release := make(chan struct{})
			q := Queue[string]{Name: "jobs", Concurrency: limit}
			b := setup(t, &App{Queues: []Consumer{q.Consume(func(context.Context, *Job[string]) error {
				most.Store(max(most.Load(), running.Add(1)))
				<-release
				running.Add(-1)
				return nil
			})}})
			done := make(chan string)
			go func() { done <- b.mustInvoke(t.Context(), batchOf("jobs", make([]string, 20)...)) }()
			synctest.Wait()
			if got := int(running.Load()); got != want {
				t.Errorf("Concurrency %d: %d jobs run at once, want %d", limit, got, want)
			}
			close(release)
			if out := <-done; len(failures(t, out)) != 0 || int(most.Load()) != want {
				t.Errorf("Concurrency %d: %s, at most %d at once", limit, out, most.Load())
			}
		})
	}
}

// TestJobsThatEndTheirGoroutine: a failed assertion in a handler ends its goroutine.
func TestJobsThatEndTheirGoroutine(t *testing.T) {
	t.Parallel()
	for _, queue := range []Queue[string]{{Name: "q", Concurrency: 1}, {Name: "q"}, {Name: "q", FIFO: true}} {
		b := setup(t, &App{Queues: []Consumer{queue.Consume(func(_ context.Context, job *Job[string]) error {
			if job.Payload == "exit" {
				runtime.Goexit()
			}
			return nil
		})}})
		got := failures(t, b.mustInvoke(t.Context(), batchOf("q", "exit", "ok", "exit", "ok")))
		want := []string{"m0", "m2"}
		if queue.FIFO { // without groups, all wait for the first
			want = []string{"m0", "m1", "m2", "m3"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: got %v", queue, got)
		}
	}
}

func TestFIFOOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stop   bool
		bodies []string
		ran    []string
		failed []string
	}{
		"all well":               {false, []string{"a:1", "a:2", "b:3"}, []string{"1", "2", "3"}, []string{}},
		"a failure ends a group": {false, []string{"a:1", "a:fail", "b:3", "a:4", "b:5", "c:6"}, []string{"1", "fail", "3", "5", "6"}, []string{"m1", "m3"}},
		"two groups fail":        {false, []string{"a:fail", "b:fail", "a:3", "b:4", "c:5"}, []string{"fail", "fail", "5"}, []string{"m0", "m1", "m2", "m3"}},
		"StopBatch":              {true, []string{"a:1", "a:fail", "b:3", "c:4"}, []string{"1", "fail"}, []string{"m1", "m2", "m3"}},
		"first fails, StopBatch": {true, []string{"a:fail", "b:2"}, []string{"fail"}, []string{"m0", "m1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := []string{}
			var running atomic.Int32
			q := Queue[string]{Name: "ledger", FIFO: true, StopBatch: c.stop}
			b := setup(t, &App{Queues: []Consumer{q.Consume(func(_ context.Context, job *Job[string]) error {
				if running.Add(1) != 1 {
					t.Error("two jobs at once")
				}
				defer running.Add(-1)
				ran = append(ran, job.Payload)
				if job.Payload == "fail" {
					return errors.New("no")
				}
				return nil
			})}})
			got := failures(t, b.mustInvoke(t.Context(), batchOf("ledger.fifo", c.bodies...)))
			if diff := cmp.Diff(c.failed, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.ran, ran); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFIFOByItsARN: the queue is FIFO by its ARN, but its consumer is not.
func TestFIFOByItsARN(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		release := make(chan struct{})
		q := Queue[string]{Name: "ledger", Timeout: time.Second}
		b := setup(t, &App{Queues: []Consumer{q.Consume(func(_ context.Context, job *Job[string]) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if job.Payload == "stubborn" {
				<-release
			}
			time.Sleep(time.Millisecond)
			return nil
		})}})
		if got := failures(t, b.mustInvoke(t.Context(), batchOf("ledger.fifo", "b:ok", "a:stubborn", "b:ok", "a:ok"))); !slices.Equal(got, []string{"m1", "m3"}) {
			t.Errorf("got %v", got)
		}
		if b.sick() != `jobs of queue "ledger"` || most.Load() != 2 {
			t.Errorf("sick: %q, %d jobs at once", b.sick(), most.Load())
		}
		close(release)
		synctest.Wait()
		time.Sleep(time.Second)
		if b.sick() != "" {
			t.Errorf("sick after the job has returned: %s", b.sick())
		}
	})
}

func TestFIFOMetadata(t *testing.T) {
	t.Parallel()
	var got []string
	q := Queue[entry]{Name: "ledger", FIFO: true}
	b := setup(t, &App{Queues: []Consumer{q.Consume(func(_ context.Context, job *Job[entry]) error {
		got = append(got, fmt.Sprintf("%s/%s/%d", job.GroupID, job.DeduplicationID, job.Payload.N))
		return nil
	})}})
	b.mustInvoke(t.Context(), sample(t, "sqs-fifo"))
	if diff := cmp.Diff([]string{"a/d1/1", "a/d2/2", "b/d3/3", "a/d4/4", "b/d5/5"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJobTimeouts(t *testing.T) {
	t.Parallel()
	work := func(ctx context.Context, job *Job[string]) error {
		switch job.Payload {
		case "obedient":
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), ErrTimeout) {
				return errors.New("no cause")
			}
			return ctx.Err()
		case "finishes anyway":
			<-ctx.Done()
			return nil
		case "stubborn":
			time.Sleep(time.Minute)
		}
		return nil
	}
	t.Run("standard", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q := Queue[string]{Name: "jobs", Timeout: 2 * time.Second}
			b := setup(t, &App{Queues: []Consumer{q.Consume(work)}})
			start := time.Now()
			got := failures(t, b.mustInvoke(t.Context(), batchOf("jobs", "ok", "obedient", "finishes anyway", "stubborn")))
			if !slices.Equal(got, []string{"m1", "m3"}) {
				t.Errorf("got %v", got)
			}
			if took := time.Since(start); took != 2*time.Second+cancelGrace {
				t.Errorf("took %s", took)
			}
			if n := strings.Count(b.metrics.String(), `"Kind":"sqs","Timeouts":1}`); n != 2 {
				t.Errorf("%d timeouts measured", n)
			}
			time.Sleep(time.Minute)
		})
	})
	t.Run("FIFO goes on after an obedient job", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q := Queue[string]{Name: "ledger", FIFO: true, Timeout: 2 * time.Second}
			b := setup(t, &App{Queues: []Consumer{q.Consume(work)}})
			got := failures(t, b.mustInvoke(t.Context(), batchOf("ledger.fifo", "a:obedient", "a:ok", "b:ok")))
			if !slices.Equal(got, []string{"m0", "m1"}) {
				t.Errorf("got %v", got)
			}
		})
	})
	t.Run("FIFO starts nothing of its group beside a stubborn job", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int32
			q := Queue[string]{Name: "ledger", FIFO: true, Timeout: 2 * time.Second}
			b := setup(t, &App{Queues: []Consumer{q.Consume(func(ctx context.Context, job *Job[string]) error {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				return work(ctx, job)
			})}})
			got := failures(t, b.mustInvoke(t.Context(), batchOf("ledger.fifo", "b:ok", "a:stubborn", "a:ok", "b:ok", "c:ok")))
			if !slices.Equal(got, []string{"m1", "m2"}) {
				t.Errorf("got %v", got)
			}
			if most.Load() != 2 || b.sick() != `jobs of queue "ledger"` {
				t.Errorf("%d at once, sick: %q", most.Load(), b.sick())
			}
			time.Sleep(time.Minute)
		})
	})
	for _, queue := range []string{"jobs", "ledger.fifo"} {
		t.Run(queue+" reports before the deadline", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := Queue[string]{Name: strings.TrimSuffix(queue, ".fifo"), FIFO: strings.HasSuffix(queue, ".fifo")}
				b := setup(t, &App{Queues: []Consumer{q.Consume(work)}})
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				bodies, want := []string{"g:ok", "g:stubborn", "h:ok", "i:obedient"}, []string{"m1", "m2", "m3"}
				if !q.FIFO {
					bodies, want = []string{"ok", "stubborn", "ok", "obedient"}, []string{"m1", "m3"}
				}
				got := failures(t, b.mustInvoke(ctx, batchOf(queue, bodies...)))
				if !slices.Equal(got, want) || ctx.Err() != nil {
					t.Errorf("got %v, deadline over: %v", got, ctx.Err())
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestQueueRouting(t *testing.T) {
	// Not parallel: the environment is the process's.
	t.Setenv("HEARTH_QUEUES", "video-jobs=https://sqs.eu-central-1.amazonaws.com/123456789012/Stack-VideoJobs-1A2B,ledger=http://127.0.0.1:9324/123456789012/Stack-Ledger-3C4D.fifo")
	var got []string
	note := func(_ context.Context, job *Job[string]) error {
		got = append(got, job.Queue)
		return nil
	}
	b := setup(t, &App{Queues: []Consumer{
		Queue[string]{Name: "video-jobs"}.Consume(note),
		Queue[string]{Name: "ledger", FIFO: true}.Consume(note),
		Queue[string]{Name: "plain"}.Consume(note),
	}})
	for _, queue := range []string{"Stack-VideoJobs-1A2B", "Stack-Ledger-3C4D.fifo", "plain"} {
		b.mustInvoke(t.Context(), batchOf(queue, "x"))
	}
	if diff := cmp.Diff([]string{"video-jobs", "ledger", "plain"}, got); diff != "" {
		t.Error(diff)
	}
	for _, queue := range []string{"video-jobs", "other"} {
		_, err := b.invoke(t.Context(), batchOf(queue, "x"))
		want := fmt.Sprintf(`lambdaruntime: a message came from the queue "arn:aws:sqs:eu-central-1:123456789012:%s", but App.Queues has "video-jobs", "ledger", "plain"; give the two the same name, or add {name}={queue URL} to HEARTH_QUEUES`, queue)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v", queue, err)
		}
	}
}

func TestQueueAddresses(t *testing.T) {
	// Not parallel: the environment is the process's.
	t.Setenv("HEARTH_QUEUES", "jobs=https://sqs.eu-central-1.amazonaws.com/123456789012/Jobs")
	do := func(context.Context, *Job[string]) error { return nil }
	b := setup(t, &App{Queues: []Consumer{Queue[string]{Name: "jobs"}.Consume(do), Queue[string]{Name: "mails"}.Consume(do)}})
	for _, role := range []string{"requests", "relay", "", "jobs"} {
		b.router.warnOfQueues(role)
	}
	if logs := b.logged("does not know its queue's address"); len(logs) != 2 || logs[0]["queue"] != "mails" || logs[0]["level"] != "WARN" {
		t.Errorf("logs: %v", logs)
	}
	t.Setenv("HEARTH_QUEUES", "jobs")
	if _, err := NewHandler(&App{}); err == nil || !strings.HasPrefix(err.Error(), "lambdaruntime: HEARTH_QUEUES must be ") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenBatches(t *testing.T) {
	t.Parallel()
	ran := 0
	b := setup(t, &App{Queues: []Consumer{Queue[[]byte]{Name: "jobs", Concurrency: 1}.Consume(func(context.Context, *Job[[]byte]) error {
		ran++
		return nil
	})}})
	const arn = `"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs"`
	for payload, want := range map[string]string{
		`{"Records":[{"messageId":"1","body":"x",` + arn + `},{"body":"x",` + arn + `}]}`:                                                "lambdaruntime: read SQS event: record 1 has no messageId",
		`{"Records":[{"messageId":"1","body":"x",` + arn + `},7]}`:                                                                       "lambdaruntime: read SQS event: record 1 has no messageId",
		`{"Records":[{"messageId":"1",` + arn + `},{"messageId":"2","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:other"}]}`: `lambdaruntime: read SQS event: one event holds messages of two queues, "arn:aws:sqs:r:1:jobs" and "arn:aws:sqs:r:1:other"`,
		`{"Records":[{"messageId":"1","body":"x",` + arn + `}`:                                                                           "lambdaruntime: read event: invalid JSON: unexpected end of input in an array",
	} {
		if _, err := b.invoke(t.Context(), []byte(payload)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", payload, err, want)
		}
	}
	if ran != 0 {
		t.Errorf("%d jobs of a broken batch ran", ran)
	}
	// A record that is broken by itself fails alone.
	out := b.mustInvoke(t.Context(), []byte(`{"Records":[{"messageId":"1","body":7,`+arn+`},{"messageId":"2","body":"x",`+arn+`}]}`))
	if got := failures(t, out); !slices.Equal(got, []string{"1"}) || ran != 1 {
		t.Errorf("got %v, %d jobs ran", got, ran)
	}
}
