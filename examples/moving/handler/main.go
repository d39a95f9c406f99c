// Command handler is the program that replaces two functions that the team wrote by hand:
// the API's and the queue's.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// order is a message of the queue, as its senders have always written it.
type order struct {
	ID string `json:"id"`
}

func main() {
	orders := lambdaruntime.Queue[order]{Name: "orders", Timeout: 15 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "order %s\n", r.PathValue("id"))
	})
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP: mux,
		Queues: []lambdaruntime.Consumer{orders.Consume(func(ctx context.Context, job *lambdaruntime.Job[order]) error {
			slog.InfoContext(ctx, "shipped", "order", job.Payload.ID)
			return nil
		})},
	})
}
