// Command handler consumes a queue, runs a schedule, and serves HTTP and a WebSocket API
// that remembers its clients. It tells of each in the queue "results". A PUT claims a path.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/dynamostore"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

var (
	jobs      = lambdaruntime.Queue[string]{Name: "jobs"}
	toJobs    = producer.New(jobs)
	toResults = producer.New(lambdaruntime.Queue[string]{Name: "results"})
	online    = registry.New()
	clients   = connections.New()
	once      = idempotency.New("claims", dynamostore.New(), idempotency.Options{})
)

func main() {
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				claim(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = toJobs.Send(r.Context(), string(body))
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}),
		Queues: []lambdaruntime.Consumer{jobs.Consume(func(ctx context.Context, job *lambdaruntime.Job[string]) error {
			return toResults.Send(ctx, job.Queue+": "+job.Payload)
		})},
		Schedules: []lambdaruntime.Schedule{{Name: "tick", Expression: "rate(1 day)", Run: func(ctx context.Context, _ time.Time) error {
			return toResults.Send(ctx, "tick")
		}}},
		WebSocket: live{},
	})
}

// claim tells whether the path is claimed for the first time.
func claim(w http.ResponseWriter, r *http.Request) {
	first := false
	_, err := idempotency.Do(r.Context(), once, r.URL.EscapedPath(), func(context.Context) (bool, error) {
		first = true
		return true, nil
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, r.URL.EscapedPath(), " ", first)
}

// live pushes each message to all connections of its user.
type live struct{}

func (live) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	_, err := online.Connect(ctx, r.ConnectionID, "ana", time.Now())
	return err
}

func (live) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	_, err := registry.Broadcast(ctx, online, clients, append([]byte("pushed "), m.Data...), "ana")
	return err
}

func (live) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	_, _, err := online.Disconnect(ctx, d.ConnectionID)
	return err
}
