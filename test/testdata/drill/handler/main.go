// Command handler does what each event tells it: it works, or fails in the way that the
// path, the message, the job or the schedule names. Its version is that of a variable.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

var errAsTold = errors.New("as told")

func main() {
	do := func(ctx context.Context, job *lambdaruntime.Job[string]) error { return obey(ctx, job.Payload) }
	run := func(order string) func(context.Context, time.Time) error {
		return func(ctx context.Context, _ time.Time) error { return obey(ctx, order) }
	}
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := obey(r.Context(), r.URL.Path[1:]); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, os.Getenv("DRILL_VERSION"))
		}),
		RequestTimeout: 100 * time.Millisecond,
		WebSocket:      live{},
		Queues: []lambdaruntime.Consumer{
			lambdaruntime.Queue[string]{Name: "jobs", Timeout: 100 * time.Millisecond}.Consume(do),
			lambdaruntime.Queue[string]{Name: "ledger", FIFO: true, Timeout: 100 * time.Millisecond}.Consume(do),
		},
		Schedules: []lambdaruntime.Schedule{
			{Name: "works", Expression: "rate(1 day)", Run: run("work")},
			{Name: "fails", Expression: "rate(1 day)", Run: run("fail")},
		},
		Warm: []lambdaruntime.Warmer{lambdaruntime.NewResource("the database", func(context.Context) (string, error) {
			if os.Getenv("DRILL_WARM") == "fail" {
				return "", errAsTold
			}
			return "", nil
		})},
	})
}

func obey(ctx context.Context, order string) error {
	switch order {
	case "work":
		return nil
	case "fail":
		return errAsTold
	case "panic":
		panic("as told")
	case "wait": // in vain, but with an eye on the context
		<-ctx.Done()
		return ctx.Err()
	case "stick":
		select {}
	}
	return fmt.Errorf("no such order: %q", order)
}

// live is a WebSocket API.
type live struct{}

func (live) Connect(context.Context, *lambdaruntime.ConnectRequest) error { return nil }

func (live) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply([]byte("done"))
	return obey(ctx, string(m.Data))
}

func (live) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }
