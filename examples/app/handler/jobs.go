package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// ship handles the jobs of the queue "orders". SQS delivers at least once, so a job may
// come twice.
func (s *service) ship(ctx context.Context, job *lambdaruntime.Job[order]) error {
	o := job.Payload
	if o.Item == "unicorn" {
		// After an error, SQS delivers the message again after the queue's visibility
		// timeout, or after the delay of RetryAfter. After five receives, SQS moves it to
		// the dead-letter queue.
		wait := lambdaruntime.Backoff(job.ReceiveCount, 10*time.Second, 10*time.Minute)
		return lambdaruntime.RetryAfter(errors.New("out of stock"), wait)
	}
	slog.InfoContext(ctx, "shipped", "item", o.Item, "count", o.Count)
	s.tell(ctx, fmt.Sprintf("shipped: %d %s", o.Count, o.Item))
	return nil
}

// report handles the schedule "nightly". at is the scheduled time.
func (s *service) report(ctx context.Context, at time.Time) error {
	slog.InfoContext(ctx, "the day is over", "day", at.UTC().Format(time.DateOnly))
	return nil
}
