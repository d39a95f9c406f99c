package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// TestHealing: which abandoned code ends the instance.
func TestHealing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events [][]byte
		want   string
	}{
		"a FIFO job":                {[][]byte{batchOf("ledger.fifo", "a:stuck")}, `jobs of queue "ledger"`},
		"one of two standard jobs":  {[][]byte{batchOf("jobs", "stuck", "ok")}, ""},
		"the last of two places":    {[][]byte{batchOf("jobs", "stuck"), batchOf("jobs", "stuck", "ok")}, `jobs of queue "jobs"`},
		"both places at once":       {[][]byte{batchOf("jobs", "stuck", "stuck", "ok")}, `jobs of queue "jobs"`},
		"a schedule":                {[][]byte{sample(t, "schedule-scheduler")}, "schedules and other events"},
		"another event":             {[][]byte{sample(t, "sns-notification")}, "schedules and other events"},
		"four requests":             {requests("/stuck", 4), ""},
		"five requests":             {requests("/stuck", 5), "requests"},
		"five sockets":              {repeat(sample(t, "websocket-message"), 5), "requests"},
		"a lock that a panic keeps": {append(requests("/lock", 1), requests("/lock", 5)...), "requests"},
		"a panic alone":             {requests("/panic", 20), ""},
		"timeouts alone":            {requests("/slow", 20), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release, lock := make(chan struct{}), make(chan struct{}, 1)
				defer close(release)
				stuck := func() { <-release }
				b := setup(t, &App{
					HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						switch r.URL.Path {
						case "/stuck":
							stuck()
						case "/lock":
							select {
							case lock <- struct{}{}: // never given back
								panic("with the lock")
							case <-release:
							}
						case "/panic":
							panic("oh")
						case "/slow":
							<-r.Context().Done()
						}
					}),
					WebSocket: funcSocket{message: func(context.Context, *WebSocketMessage) error { stuck(); return nil }},
					Queues: []Consumer{
						Queue[string]{Name: "ledger", FIFO: true}.Consume(func(context.Context, *Job[string]) error { stuck(); return nil }),
						Queue[string]{Name: "jobs", Concurrency: 2, Timeout: time.Second}.Consume(func(_ context.Context, job *Job[string]) error {
							if job.Payload == "stuck" {
								stuck()
							}
							return nil
						}),
					},
					Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { stuck(); return nil }}},
					Events:    map[Kind]lambda.Handler{KindSNS: lambda.NewHandler(func() error { stuck(); return nil })},
				})
				for _, e := range c.events {
					if b.sick() != "" {
						t.Fatal("sick too early")
					}
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					b.invoke(ctx, e)
					cancel()
				}
				if got := b.sick(); got != c.want {
					t.Errorf("sick: %q, want %q", got, c.want)
				}
			})
		})
	}
}

func requests(path string, n int) [][]byte { return repeat(v2("GET", path, ""), n) }

func repeat(event []byte, n int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = event
	}
	return events
}

// TestHealingAnswers: the event with the abandoned code gets a normal answer. The log and
// a metric name the code that runs on.
func TestHealingAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := Queue[string]{Name: "ledger", FIFO: true, Timeout: time.Second}
		b := setup(t, &App{Queues: []Consumer{q.Consume(func(_ context.Context, job *Job[string]) error {
			if job.Payload == "stuck" {
				time.Sleep(time.Hour)
			}
			return nil
		})}})
		out := b.mustInvoke(t.Context(), batchOf("ledger.fifo", "a:ok", "b:stuck", "a:ok", "c:ok"))
		if want := `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`; out != want {
			t.Errorf("got %s, want %s", out, want)
		}
		// A handler cannot end the process: it fails the next event, which aws-lambda-go
		// reports before it exits.
		_, err := b.router.Invoke(t.Context(), batchOf("ledger.fifo", "a:ok"))
		var failed messages.InvokeResponse_Error
		if !errors.As(err, &failed) || !failed.ShouldExit || failed.Type != "Hearth.Abandoned" || !strings.Contains(failed.Message, `jobs of queue "ledger"`) {
			t.Errorf("got %#v", err)
		}
		logs := b.logged("was abandoned and still runs")
		if len(logs) != 1 || logs[0]["requestId"] != "req-1" || logs[0]["messageId"] != "m1" || logs[0]["since"] == nil || logs[0]["level"] != "ERROR" {
			t.Errorf("logs: %v", logs)
		}
		if !strings.Contains(b.metrics.String(), `"Pool":"jobs of queue \"ledger\"","Healed":1}`) {
			t.Errorf("metrics: %s", b.metrics)
		}
		time.Sleep(2 * time.Hour)
		if out := b.mustInvoke(t.Context(), batchOf("ledger.fifo", "a:ok")); out != `{"batchItemFailures":[]}` || b.sick() != "" {
			t.Errorf("got %s after the job has returned", out)
		}
	})
}

// TestAcknowledging: if the program does not know that the mapping takes partial
// responses, a failed job fails the invocation, and Lambda deletes no message.
func TestAcknowledging(t *testing.T) {
	t.Parallel()
	ran := ""
	do := func(_ context.Context, job *Job[string]) error {
		ran += job.Payload
		switch job.Payload {
		case "f":
			return errors.New("no")
		case "d":
			return Drop(errors.New("hopeless"))
		}
		return nil
	}
	b := setup(t, &App{Queues: []Consumer{
		Queue[string]{Name: "jobs", Concurrency: 1}.Consume(do), Queue[string]{Name: "ledger", FIFO: true}.Consume(do),
	}})
	b.router.SetPartialResponses(false)
	for _, c := range []struct{ queue, bodies, want, ran string }{
		{"jobs", "a d a", `{"batchItemFailures":[]}`, "ada"},
		{"jobs", "a f a", `lambdaruntime: 1 of 3 jobs of queue "jobs" failed, and all 3 messages come again: no`, "afa"},
		{"ledger.fifo", "g:a h:a", `{"batchItemFailures":[]}`, "aa"},
		{"ledger.fifo", "g:a h:f i:a h:a", `lambdaruntime: 2 of 4 jobs of queue "ledger" failed, and all 4 messages come again: no`, "afa"},
	} {
		ran = ""
		out, err := b.invoke(t.Context(), batchOf(c.queue, strings.Fields(c.bodies)...))
		if err != nil {
			out = err.Error()
		}
		if out != c.want || ran != c.ran {
			t.Errorf("%s %s: got %s after %q, want %s after %q", c.queue, c.bodies, out, ran, c.want, c.ran)
		}
	}
	logs := b.logged("batch failed as a whole")
	if len(logs) != 2 || logs[0]["queue"] != "jobs" || !strings.Contains(logs[0]["remedy"].(string), "ReportBatchItemFailures") || !strings.Contains(logs[0]["remedy"].(string), "HEARTH_PARTIAL_RESPONSES") {
		t.Errorf("logs: %v", logs)
	}
}

func TestPartialResponsesVariable(t *testing.T) {
	// Not parallel: the environment is the process's.
	t.Setenv("HEARTH_PARTIAL_RESPONSES", " other, jobs ,")
	h, err := NewHandler(&App{Queues: []Consumer{
		Queue[string]{Name: "jobs"}.Consume(func(context.Context, *Job[string]) error { return errors.New("no") }),
		Queue[string]{Name: "job"}.Consume(func(context.Context, *Job[string]) error { return errors.New("no") }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := h.Invoke(t.Context(), batchOf("jobs", "x")); string(out) != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` || err != nil {
		t.Errorf("got %s, %v", out, err)
	}
	if out, err := h.Invoke(t.Context(), batchOf("job", "x")); err == nil {
		t.Errorf("got %s", out)
	}
}

func TestPartialResponsesOfAllQueues(t *testing.T) {
	// Not parallel: the environment is the process's.
	t.Setenv("HEARTH_QUEUES", "jobs=https://sqs.eu-north-1.amazonaws.com/123456789012/jobs")
	t.Setenv("HEARTH_PARTIAL_RESPONSES", "*")
	h, err := NewHandler(&App{Queues: []Consumer{
		Queue[string]{Name: "jobs"}.Consume(func(context.Context, *Job[string]) error { return errors.New("no") }),
		Queue[string]{Name: "unknown"}.Consume(func(context.Context, *Job[string]) error { return errors.New("no") }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := h.Invoke(t.Context(), batchOf("jobs", "x")); string(out) != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` || err != nil {
		t.Errorf("got %s, %v", out, err)
	}
	if out, err := h.Invoke(t.Context(), batchOf("unknown", "x")); err == nil {
		t.Errorf("got %s", out)
	}
}

// TestGroupsDoNotWait sends four batches of four groups, and two of one, to one
// process, as Lambda Managed Instances do.
func TestGroupsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{Queues: []Consumer{Queue[string]{Name: "ledger", FIFO: true}.Consume(func(context.Context, *Job[string]) error {
			time.Sleep(time.Second)
			return nil
		})}})
		send := func(groups ...string) time.Duration {
			var wg sync.WaitGroup
			start := time.Now()
			for _, g := range groups {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
					defer cancel()
					if got := failures(t, b.mustInvoke(ctx, batchOf("ledger.fifo", g+":x"))); len(got) > 0 {
						t.Errorf("%s failed", g)
					}
				})
			}
			wg.Wait()
			return time.Since(start)
		}
		if took := send("a", "b", "c", "d"); took != time.Second {
			t.Errorf("four groups took %s", took)
		}
		if took := send("a", "a"); took != 2*time.Second {
			t.Errorf("two of a group took %s", took)
		}
	})
}

func TestDropAndRetry(t *testing.T) {
	t.Parallel()
	a, no := errors.New("a"), errors.New("no")
	for want, errs := range map[bool][]error{
		true:  {Drop(a), fmt.Errorf("x: %w", Drop(a)), errors.Join(Drop(a), Drop(no)), errors.Join(nil, Drop(a)), Drop(RetryAfter(a, 1)), joined{nil, Drop(a)}, fmt.Errorf("%w, %w", Drop(a), nil), Drop(errors.Join(a, context.Canceled))},
		false: {a, errors.Join(Drop(a), no), errors.Join(no, Drop(a)), fmt.Errorf("%w, %w", Drop(a), no), RetryAfter(Drop(a), 1), errors.Join(Drop(a), RetryAfter(no, 1)), context.Canceled, joined{}, joined{nil}, joined{nil, Drop(a), no}, fmt.Errorf("%w, %w", nil, nil), errors.Join(Drop(a), context.Canceled), fmt.Errorf("%v", Drop(a))},
	} {
		for _, err := range errs {
			if IsDrop(err) != want {
				t.Errorf("%v (%T) drops: %v", err, err, !want)
			}
		}
	}
	if Drop(nil) != nil || RetryAfter(nil, 1) != nil {
		t.Error("nil must stay nil")
	}
}

// joined is an error of a library of its own: it may hold nothing.
type joined []error

func (j joined) Error() string   { return fmt.Sprint([]error(j)) }
func (j joined) Unwrap() []error { return j }

// visibility records the runtime's requests to SQS.
type visibility struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (v *visibility) ChangeVisibility(ctx context.Context, url, handle string, d time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.calls = append(v.calls, fmt.Sprint(url, " ", handle, " ", d))
	return v.err
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	v := &visibility{}
	job := func(_ context.Context, job *Job[string]) error {
		d, err := time.ParseDuration(job.Payload)
		if err != nil {
			return err
		}
		return RetryAfter(errors.New("busy"), d)
	}
	app := &App{Visibility: v, Queues: []Consumer{Queue[string]{Name: "jobs", Concurrency: 1}.Consume(job)}}
	b := setup(t, app)
	batch := strings.ReplaceAll(string(batchOf("jobs", "30s", "100h", "plain")), `"messageId":"`, `"receiptHandle":"h","messageId":"`)
	if got := failures(t, b.mustInvoke(t.Context(), []byte(batch))); len(got) != 3 {
		t.Errorf("failed: %v", got)
	}
	const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs h "
	if got := fmt.Sprint(v.calls); got != fmt.Sprintf("[%s30s %s11h59m0s]", url, url) {
		t.Errorf("calls: %s", got)
	}
	v.err = errors.New("AccessDenied")
	b.mustInvoke(t.Context(), batchOf("jobs", "1s"))
	app.Visibility = nil
	b.mustInvoke(t.Context(), batchOf("jobs", "1s"))
	logs := b.logged("comes again after the visibility timeout")
	if len(logs) != 2 || logs[0]["because"] != "AccessDenied" || logs[1]["because"] != "App.Visibility is nil; set it to producer.Visibility" || logs[1]["messageId"] != "m0" {
		t.Errorf("logs: %v", logs)
	}
}

// TestRetryDelays: the delay counts wherever the error comes from, but only for a message
// that comes again.
func TestRetryDelays(t *testing.T) {
	t.Parallel()
	busy := errors.New("busy")
	returns := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for name, c := range map[string]struct {
		job   func(context.Context) error
		outer Middleware
		want  string // the delays
	}{
		"wrapped":               {job: returns(fmt.Errorf("x: %w", RetryAfter(busy, 3*time.Second))), want: "3s"},
		"joined with a Drop":    {job: returns(errors.Join(Drop(busy), RetryAfter(busy, 3*time.Second))), want: "3s"},
		"around a Drop":         {job: returns(RetryAfter(Drop(busy), 3*time.Second)), want: "3s"},
		"at once":               {job: returns(RetryAfter(busy, 0)), want: "0s"},
		"negative":              {job: returns(RetryAfter(busy, -time.Hour)), want: "0s"},
		"over the limit":        {job: returns(RetryAfter(busy, 12*time.Hour)), want: "11h59m0s"},
		"over it after a while": {job: func(context.Context) error { time.Sleep(90 * time.Second); return RetryAfter(busy, 12*time.Hour) }, want: "11h57m30s"},
		"dropped":               {job: returns(Drop(RetryAfter(busy, time.Second)))},
		"after its own time":    {job: func(ctx context.Context) error { <-ctx.Done(); return RetryAfter(ctx.Err(), time.Second) }, want: "1s"},
		"shortly before it is abandoned": {job: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(cancelGrace * 9 / 10)
			return RetryAfter(ctx.Err(), time.Second)
		}},
		"from middleware": {job: returns(busy), want: "7s", outer: func(ctx context.Context, _ Operation, next func(context.Context) error) error {
			return RetryAfter(next(ctx), 7*time.Second)
		}},
		"taken away by middleware": {job: returns(RetryAfter(busy, 3*time.Second)), outer: func(ctx context.Context, _ Operation, next func(context.Context) error) error {
			_ = next(ctx)
			return nil
		}},
	} {
		for _, queue := range []string{"jobs", "jobs.fifo"} {
			t.Run(name+" "+queue, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					v := &visibility{}
					app := &App{Visibility: v, Queues: []Consumer{Queue[string]{Name: "jobs", FIFO: queue != "jobs", Timeout: 2 * time.Minute}.Consume(func(ctx context.Context, _ *Job[string]) error { return c.job(ctx) })}}
					if c.outer != nil {
						app.Middleware = []Middleware{c.outer}
					}
					b := setup(t, app)
					b.mustInvoke(t.Context(), batchOf(queue, "x"))
					got := ""
					for _, call := range v.calls {
						got += call[strings.LastIndexByte(call, ' ')+1:]
					}
					if got != c.want || b.sick() != "" {
						t.Errorf("got %q, want %q; sick: %q; %s", got, c.want, b.sick(), b.logs)
					}
				})
			})
		}
	}
}

// TestRetryOfAGroup delays a FIFO message and those of its group that the batch puts back.
func TestRetryOfAGroup(t *testing.T) {
	t.Parallel()
	for _, stop := range []bool{false, true} {
		v := &visibility{}
		b := setup(t, &App{Visibility: v, Queues: []Consumer{Queue[string]{Name: "ledger", FIFO: true, StopBatch: stop}.Consume(func(_ context.Context, job *Job[string]) error {
			if job.Payload == "busy" {
				return RetryAfter(errNo, 3*time.Second)
			}
			return nil
		})}})
		batch := string(batchOf("ledger.fifo", "g:done", "g:busy", "h:x", "g:y", "g:z"))
		for i := range 5 {
			batch = strings.Replace(batch, fmt.Sprintf(`"messageId":"m%d"`, i), fmt.Sprintf(`"messageId":"m%d","receiptHandle":"r%d"`, i, i), 1)
		}
		want := []string{"m1", "m3", "m4"}
		if stop {
			want = []string{"m1", "m2", "m3", "m4"}
		}
		if got := failures(t, b.mustInvoke(t.Context(), []byte(batch))); !slices.Equal(got, want) {
			t.Errorf("failed: %v, want %v", got, want)
		}
		const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/ledger.fifo "
		if want := []string{url + "r1 3s", url + "r3 3s", url + "r4 3s"}; !slices.Equal(v.calls, want) {
			t.Errorf("calls: %q, want %q", v.calls, want)
		}
		// After an error, more calls would fail too, and take the time of other groups.
		v.calls, v.err = nil, errNo
		b.mustInvoke(t.Context(), []byte(batch))
		if logs := b.logged("comes again after the visibility timeout"); len(v.calls) != 1 || len(logs) != 1 {
			t.Errorf("after an error: calls %q, logs %v", v.calls, logs)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: time.Minute, 1 << 30: time.Minute} {
		for range 100 {
			if d := Backoff(n, time.Second, time.Minute); d > most || d <= most/2 {
				t.Errorf("%d: got %s, want over half of %s", n, d, most)
			}
		}
	}
	if d := Backoff(3, 0, time.Minute); d != 0 {
		t.Errorf("got %s", d)
	}
}
