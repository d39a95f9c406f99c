package lambdaruntime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

// quiet keeps the log out of the examples.
var quiet = slog.New(slog.DiscardHandler)

// send sends an event to a program and prints the response.
func send(app *lambdaruntime.App, event []byte) {
	handler, err := lambdaruntime.NewHandler(app)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := handler.Invoke(context.Background(), event)
	fmt.Println(string(response), err)
}

func ExampleDetect() {
	fmt.Println(lambdaruntime.Detect([]byte(`{"Records":[{"eventSource":"aws:sqs"}]}`)))
	fmt.Println(lambdaruntime.Detect([]byte(`{"job":"reindex"}`)))
	// Output:
	// sqs
	// unknown
}

func ExampleApp() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s!", r.PathValue("name"))
	})
	send(&lambdaruntime.App{HTTP: mux}, lambdatest.HTTPv2(httptest.NewRequest("GET", "/hello/Anna", nil)))
	// Output: {"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"Hello, Anna!","isBase64Encoded":false} <nil>
}

func ExampleQueue_Consume() {
	type Entry struct{ Amount int }
	ledger := lambdaruntime.Queue[Entry]{Name: "ledger", FIFO: true, Timeout: 10 * time.Second}
	post := func(_ context.Context, job *lambdaruntime.Job[Entry]) error {
		if job.Payload.Amount < 0 {
			return errors.New("not enough money") // it is retried, and the rest of its group waits
		}
		return nil
	}
	entry := func(group string, amount int) lambdatest.Message {
		return lambdatest.Message{ID: fmt.Sprintf("%s%d", group, amount), Body: lambdatest.JSON(Entry{amount}), GroupID: group}
	}
	app := &lambdaruntime.App{Queues: []lambdaruntime.Consumer{ledger.Consume(post)}, Logger: quiet}
	os.Setenv("HEARTH_PARTIAL_RESPONSES", "ledger") // which the constructs do
	send(app, lambdatest.SQS("ledger.fifo", entry("anna", -5), entry("anna", 7), entry("bob", 1)))
	// Output: {"batchItemFailures":[{"itemIdentifier":"anna-5"},{"itemIdentifier":"anna7"}]} <nil>
}

func ExampleDrop() {
	jobs := lambdaruntime.Queue[string]{Name: "jobs"}
	app := &lambdaruntime.App{Logger: quiet, Queues: []lambdaruntime.Consumer{
		jobs.Consume(func(_ context.Context, job *lambdaruntime.Job[string]) error {
			return lambdaruntime.Drop(fmt.Errorf("%q will never work", job.Payload))
		}),
	}}
	send(app, lambdatest.SQS("jobs", lambdatest.Message{Body: "hopeless"}))
	// Output: {"batchItemFailures":[]} <nil>
}

func ExampleResource() {
	loads := 0
	settings := lambdaruntime.NewResource("settings", func(context.Context) (string, error) {
		if loads++; loads == 1 {
			return "", errors.New("not there yet")
		}
		return "blue", nil
	})
	for range 3 {
		value, err := settings.Get(context.Background())
		fmt.Printf("%q %v\n", value, err)
	}
	// Output:
	// "" resource "settings": not there yet
	// "blue" <nil>
	// "blue" <nil>
}

// printer is a Tracer. One for OpenTelemetry extracts the parent from
// op.TraceHeader and starts a span of op.Name in its place.
type printer struct{}

func (printer) Start(ctx context.Context, op lambdaruntime.Operation) (context.Context, func(error)) {
	fmt.Println("start", op.Name)
	return ctx, func(err error) { fmt.Println("end", op.Name, err) }
}

func ExampleTracer() {
	app := &lambdaruntime.App{Tracer: printer{}, Logger: quiet, Schedules: []lambdaruntime.Schedule{{
		Name: "nightly", Expression: "cron(0 3 * * ? *)",
		Run: func(context.Context, time.Time) error { return errors.New("disk full") },
	}}}
	send(app, lambdatest.Schedule("nightly", time.Now()))
	// Output:
	// start schedule "nightly"
	// end schedule "nightly" disk full
	//  lambdaruntime: schedule "nightly": disk full
}

// A job that is retried later, after double the delay each time. On AWS, use
// producer.Visibility in place of the printer.
func ExampleRetryAfter() {
	jobs := lambdaruntime.Queue[string]{Name: "jobs"}
	app := &lambdaruntime.App{Logger: quiet, Visibility: printedVisibility{}, Queues: []lambdaruntime.Consumer{
		jobs.Consume(func(_ context.Context, job *lambdaruntime.Job[string]) error {
			busy := errors.New("the other side is busy")
			return lambdaruntime.RetryAfter(busy, 30*time.Second<<(job.ReceiveCount-1)) // or lambdaruntime.Backoff(job.ReceiveCount, …)
		}),
	}}
	os.Setenv("HEARTH_PARTIAL_RESPONSES", "jobs") // which the constructs do
	for n := 1; n <= 3; n++ {
		send(app, lambdatest.SQS("jobs", lambdatest.Message{ID: "m", Body: "x", ReceiveCount: n}))
	}
	// Output:
	// again in 30s
	// {"batchItemFailures":[{"itemIdentifier":"m"}]} <nil>
	// again in 1m0s
	// {"batchItemFailures":[{"itemIdentifier":"m"}]} <nil>
	// again in 2m0s
	// {"batchItemFailures":[{"itemIdentifier":"m"}]} <nil>
}

type printedVisibility struct{}

func (printedVisibility) ChangeVisibility(_ context.Context, _, _ string, delay time.Duration) error {
	fmt.Println("again in", delay)
	return nil
}

// A JWT authorizer of an HTTP API has verified the caller.
func ExampleCallerFromContext() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		caller, ok := lambdaruntime.CallerFromContext(r.Context())
		if !ok {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "Hello, %s!", caller.Claims["sub"])
	})
	anna := lambdaruntime.Caller{Claims: map[string]string{"sub": "anna"}}
	req := lambdatest.As(anna, httptest.NewRequest("GET", "/me", nil))
	send(&lambdaruntime.App{HTTP: mux}, lambdatest.HTTPv2(req))
	// Output: {"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"Hello, anna!","isBase64Encoded":false} <nil>
}

// Middleware that logs how each job, schedule run and WebSocket event ended, and counts
// failures.
func ExampleMiddleware() {
	count := func(ctx context.Context, op lambdaruntime.Operation, next func(context.Context) error) error {
		err := next(ctx)
		fmt.Println(op.Name, err)
		if err != nil {
			failed := lambdaruntime.Metric{Name: "Failed", Unit: "Count", Value: 1}
			return errors.Join(err, lambdaruntime.PutMetrics(ctx, "Shop", map[string]string{"Operation": op.Name}, failed))
		}
		return nil
	}
	app := &lambdaruntime.App{
		Logger: quiet, Middleware: []lambdaruntime.Middleware{count},
		Schedules: []lambdaruntime.Schedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: func(context.Context, time.Time) error { return nil }}},
	}
	send(app, lambdatest.Schedule("nightly", time.Now()))
	// Output:
	// schedule "nightly" <nil>
	// null <nil>
}

// Signup is a payload that can check itself.
type Signup struct{ Email string }

// Validate fails a job before it starts.
func (s Signup) Validate() error {
	if s.Email == "" {
		return errors.New("a sign-up must have an e-mail address")
	}
	return nil
}

// A queue that a topic sends to: its jobs get the published message.
func ExampleQueue_envelopes() {
	signups := lambdaruntime.Queue[Signup]{Name: "signups", Envelopes: []lambdaruntime.Envelope{lambdaruntime.EnvelopeSNS}}
	app := &lambdaruntime.App{Logger: quiet, Queues: []lambdaruntime.Consumer{
		signups.Consume(func(_ context.Context, job *lambdaruntime.Job[Signup]) error {
			fmt.Println(job.Payload.Email)
			return nil
		}),
	}}
	os.Setenv("HEARTH_PARTIAL_RESPONSES", "signups") // which the constructs do
	notification := func(message string) string {
		return lambdatest.JSON(map[string]string{"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:signups", "Message": message})
	}
	send(app, lambdatest.SQS("signups", lambdatest.Message{Body: notification(`{"Email": "anna@example.com"}`)}, lambdatest.Message{Body: notification(`{}`)}))
	// Output:
	// anna@example.com
	// {"batchItemFailures":[{"itemIdentifier":"m1"}]} <nil>
}

// Shutdown flushes unsent data when Lambda ends the instance.
func ExampleApp_shutdown() {
	var unsent []string
	app := &lambdaruntime.App{
		HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { unsent = append(unsent, r.URL.Path) }),
		Shutdown: func(context.Context) { // has 300 ms
			fmt.Println("sent", unsent)
			unsent = nil
		},
	}
	send(app, lambdatest.HTTPv2(httptest.NewRequest("GET", "/a", nil)))
	app.Shutdown(context.Background()) // Start calls it at SIGTERM
	// Output:
	// {"statusCode":200,"headers":{},"body":"","isBase64Encoded":false} <nil>
	// sent [/a]
}
