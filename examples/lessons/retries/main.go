// Command retries charges customers. It charges each order once, although messages and
// requests may come twice, and retries after a delay if the bank does not answer.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/dynamostore"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

var (
	charges = lambdaruntime.Queue[charge]{Name: "charges", Timeout: 10 * time.Second}
	once    = idempotency.New("charges", dynamostore.New(), idempotency.Options{})
)

type charge struct {
	Order string `json:"order"`
	Card  string `json:"card"`
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /gifts", gift)
	lambdaruntime.Start(&lambdaruntime.App{
		// A request with the header Idempotency-Key takes effect once.
		HTTP:   idempotency.HTTP(once, mux, idempotency.HTTPOptions{}),
		Queues: []lambdaruntime.Consumer{charges.Consume(idempotency.Job(once, orderOf, pay))},
		// RetryAfter changes the visibility of a message.
		Visibility: producer.Visibility,
	})
}

// orderOf returns the key of a job: two messages for one order charge once.
func orderOf(job *lambdaruntime.Job[charge]) string { return job.Payload.Order }

func pay(ctx context.Context, job *lambdaruntime.Job[charge]) error {
	switch job.Payload.Card {
	case "busy":
		if job.ReceiveCount < 3 {
			return lambdaruntime.RetryAfter(errors.New("the bank is busy"), time.Second)
		}
	case "stolen":
		// A retry does not help. Drop deletes the message and logs the reason.
		return lambdaruntime.Drop(errors.New("the card is stolen"))
	}
	slog.InfoContext(ctx, "charged", "order", job.Payload.Order, "attempt", job.ReceiveCount)
	return nil
}

// gift answers with a new text each time that it runs.
func gift(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "gift %d\n", time.Now().UnixNano())
}
