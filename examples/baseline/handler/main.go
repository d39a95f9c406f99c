// Command handler is the program of the baseline example: it serves HTTP and a
// WebSocket API, consumes a standard and a FIFO queue, and runs every five
// minutes.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/relay"
)

func main() {
	jobs := lambdaruntime.Queue[string]{Name: "jobs", Timeout: 20 * time.Second}
	ordered := lambdaruntime.Queue[string]{Name: "ordered", FIFO: true, Timeout: 20 * time.Second}
	work := func(_ context.Context, job *lambdaruntime.Job[string]) error {
		slog.Info("job done", "queue", job.Queue, "payload", job.Payload)
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s: %s\n", r.Method, r.URL.Path, body)
	})
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP:      mux,
		WebSocket: echo{},
		Queues:    []lambdaruntime.Consumer{jobs.Consume(work), ordered.Consume(work), relay.Consumer()},
		Schedules: []lambdaruntime.Schedule{{Name: "tick", Expression: "rate(5 minutes)", Run: func(context.Context, time.Time) error {
			slog.Info("tick")
			return nil
		}}},
	})
}

// echo returns each message to its client.
type echo struct{}

func (echo) Connect(context.Context, *lambdaruntime.ConnectRequest) error { return nil }

func (echo) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply(m.Data)
	return nil
}

func (echo) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }
