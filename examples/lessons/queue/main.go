// Command queue consumes a standard and a FIFO queue, and nothing else.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

var (
	// mails may be sent in any order, several at once.
	mails = lambdaruntime.Queue[mail]{Name: "mails", Timeout: 10 * time.Second, Concurrency: 5}
	// ledger keeps the entries of each account in order. The account is the message group.
	ledger = lambdaruntime.Queue[entry]{Name: "ledger", FIFO: true, Timeout: 10 * time.Second}
)

type mail struct {
	To string `json:"to"`
}

type entry struct {
	Amount int `json:"amount"`
}

func main() {
	lambdaruntime.Start(&lambdaruntime.App{
		Queues: []lambdaruntime.Consumer{mails.Consume(send), ledger.Consume(book)},
	})
}

func send(ctx context.Context, job *lambdaruntime.Job[mail]) error {
	slog.InfoContext(ctx, "mail sent", "to", job.Payload.To)
	return nil
}

func book(ctx context.Context, job *lambdaruntime.Job[entry]) error {
	slog.InfoContext(ctx, "booked", "account", job.GroupID, "amount", job.Payload.Amount)
	return nil
}
