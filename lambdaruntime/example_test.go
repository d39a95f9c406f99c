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
			return errors.New("not enough money") // comes again, and the rest of its group waits
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
