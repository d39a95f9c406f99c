package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// ship handles the jobs of the queue "orders". SQS delivers a message at least once, so the
// store remembers each order by its id.
func (s *service) ship(ctx context.Context, job *lambdaruntime.Job[order]) error {
	o := job.Payload
	if o.Item == "unicorn" {
		// After an error, SQS delivers the message again after the queue's visibility
		// timeout, or after the delay of RetryAfter. After five receives, SQS moves it to
		// the dead-letter queue.
		wait := lambdaruntime.Backoff(job.ReceiveCount, 10*time.Second, 10*time.Minute)
		return lambdaruntime.RetryAfter(errors.New("out of stock"), wait)
	}
	store, err := s.store.Get(ctx)
	if err != nil {
		return err
	}
	added, err := store.add(ctx, o)
	if err != nil || !added {
		return err
	}
	slog.InfoContext(ctx, "shipped", "item", o.Item, "count", o.Count)
	s.tell(ctx, fmt.Sprintf("shipped: %d %s", o.Count, o.Item))
	return nil
}

// report handles the schedule "nightly". at is the scheduled time.
func (s *service) report(ctx context.Context, at time.Time) error {
	store, err := s.store.Get(ctx)
	if err != nil {
		return err
	}
	count, err := store.count(ctx)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "the day is over", "day", at.UTC().Format(time.DateOnly), "orders", count)
	return nil
}
