package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// ship does the jobs of the queue "orders". A job may come twice, as SQS delivers at
// least once.
func (s *service) ship(ctx context.Context, job *lambdaruntime.Job[order]) error {
	o := job.Payload
	if o.Item == "unicorn" {
		// An error brings the message back after the queue's visibility timeout, or
		// when RetryAfter says. After five times it is in the dead-letter queue.
		wait := lambdaruntime.Backoff(job.ReceiveCount, 10*time.Second, 10*time.Minute)
		return lambdaruntime.RetryAfter(errors.New("out of stock"), wait)
	}
	slog.InfoContext(ctx, "shipped", "item", o.Item, "count", o.Count)
	s.tell(ctx, fmt.Sprintf("shipped: %d %s", o.Count, o.Item))
	return nil
}

// report is the schedule "nightly". at is the time that it was due.
func (s *service) report(ctx context.Context, at time.Time) error {
	slog.InfoContext(ctx, "the day is over", "day", at.UTC().Format(time.DateOnly))
	return nil
}
