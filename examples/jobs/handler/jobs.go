package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// ship does the jobs of the queue "orders". A job may come twice, as SQS delivers at
// least once.
func (s *service) ship(ctx context.Context, job *lambdaruntime.Job[order]) error {
	if job.Payload.Item == "unicorn" {
		// An error brings the message back after the queue's visibility timeout, or
		// when RetryAfter says. After five times it is in the dead-letter queue.
		wait := lambdaruntime.Backoff(job.ReceiveCount, 10*time.Second, 10*time.Minute)
		return lambdaruntime.RetryAfter(errors.New("out of stock"), wait)
	}
	slog.InfoContext(ctx, "shipped", "item", job.Payload.Item, "count", job.Payload.Count)
	return nil
}

// report is the schedule "nightly". at is the time that it was due.
func (s *service) report(ctx context.Context, at time.Time) error {
	slog.InfoContext(ctx, "the day is over", "day", at.UTC().Format(time.DateOnly))
	return nil
}
