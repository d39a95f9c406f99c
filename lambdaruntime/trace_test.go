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
	"github.com/google/go-cmp/cmp"
)

// spans is a Tracer that records its calls.
type spans struct {
	mu   sync.Mutex
	list []string
}

type spanKey struct{}

func (s *spans) Start(ctx context.Context, op Operation) (context.Context, func(error)) {
	return context.WithValue(ctx, spanKey{}, op.Name), func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		line := fmt.Sprintf("%s %s %s", op.Kind, op.Name, strings.TrimPrefix(op.TraceHeader, "Root="))
		if err != nil {
			line += " " + err.Error()
		}
		s.list = append(s.list, line)
	}
}

func (s *spans) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.list))
}

func TestTracer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer := &spans{}
		work := func(ctx context.Context, job *Job[string]) error {
			if name := ctx.Value(spanKey{}); name != fmt.Sprintf("job of queue %q", job.Queue) {
				t.Errorf("the handler's context has the span %v", name)
			}
			switch job.Payload {
			case "fail":
				return errors.New("no")
			case "stubborn":
				time.Sleep(time.Hour)
			}
			return nil
		}
		b := setup(t, &App{
			Tracer: tracer, RequestTimeout: time.Second,
			HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/panic":
					panic("oh")
				case "/slow":
					time.Sleep(time.Minute)
				}
			}),
			WebSocket: funcSocket{},
			Queues:    []Consumer{Queue[string]{Name: "jobs", Timeout: time.Second}.Consume(work), Queue[string]{Name: "ledger", FIFO: true}.Consume(work)},
			Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }}},
			Events:    map[Kind]lambda.Handler{KindSNS: lambda.NewHandler(func() error { return nil })},
		})
		ctx := context.WithValue(t.Context(), traceKey, "Root=invocation")
		for _, path := range []string{"/", "/panic", "/slow"} {
			b.mustInvoke(ctx, v2("GET", path, ""))
		}
		b.mustInvoke(ctx, sample(t, "websocket-message"))
		jobs := strings.Replace(string(batchOf("jobs", "ok", "fail", "stubborn")), `"ApproximateReceiveCount":"1"`, `"AWSTraceHeader":"Root=sender"`, 1)
		b.mustInvoke(ctx, []byte(jobs))
		b.mustInvoke(ctx, batchOf("ledger.fifo", "a:fail", "a:ok", "b:ok"))
		b.mustInvoke(ctx, sample(t, "schedule-scheduler"))
		b.mustInvoke(ctx, sample(t, "sns-notification"))
		time.Sleep(2 * time.Hour) // nothing is reported twice
		want := []string{
			"http-v2 request invocation",
			"http-v2 request invocation panic: oh",
			"http-v2 request invocation request: timed out after 1s",
			`schedule schedule "nightly" invocation`,
			"sns sns event invocation",
			`sqs job of queue "jobs" invocation job of queue "jobs": timed out after 1s`,
			`sqs job of queue "jobs" invocation no`,
			`sqs job of queue "jobs" sender`,
			`sqs job of queue "ledger" invocation`,
			`sqs job of queue "ledger" invocation no`,
			"websocket WebSocket message invocation",
		}
		if diff := cmp.Diff(want, tracer.sorted()); diff != "" {
			t.Error(diff)
		}
	})
}
