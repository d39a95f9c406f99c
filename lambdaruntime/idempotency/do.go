package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

var errNoKey = errors.New("idempotency: the key must not be empty")

// Do runs do once for each key and returns its first result. The store keeps the result
// as JSON: a repetition gets the value that encoding/json decodes from it. A key is any
// non-empty text; only its hash is stored.
//
// An error or a panic of do releases the key: the next attempt runs do again. So when do
// returns an error, it must have undone its effect, or tolerate repetition. A
// [lambdaruntime.Drop] is final instead: the store keeps its text, up to 1 KB, and a
// repetition gets a Drop with the same text.
//
// do must obey the end of its context, which ends with the lease at the latest: code that
// runs on may act after the next attempt has begun.
//
// The error is do's own, an [InProgressError], an [ErrLost], an [ErrNotKept], or that of
// an unreachable store; in the last case do has not run. If only the result cannot be
// stored, Do still returns it, and logs an ERROR record.
func Do[T any](ctx context.Context, g *Guard, key string, do func(ctx context.Context) (T, error)) (T, error) {
	var result, none T
	if key == "" {
		return none, errNoKey
	}
	data, ran, err := g.once(ctx, key, "", json.Marshal, func(ctx context.Context) (_ any, err error) {
		result, err = do(ctx)
		return result, err
	})
	switch {
	case err != nil:
		return none, err
	case ran:
		return result, nil
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return none, fmt.Errorf("idempotency: read the first result: %w", err)
	}
	return result, nil
}

// Job wraps a function for [lambdaruntime.Queue.Consume]: do is called once for each key
// of the queue.
//
//	charges.Consume(idempotency.Job(once, func(job *lambdaruntime.Job[Charge]) string { return job.Payload.OrderID }, charge))
//
// A nil key means the message id, which is the same for all deliveries of a message. If
// the sender sends a message twice, it has two ids, so a key from the payload is better.
// A job with an empty key fails.
//
//   - A message whose key is done is deleted, without a call of do.
//   - A message whose key is in progress is delivered again after the other attempt's
//     lease, by [lambdaruntime.RetryAfter], or waits with [Options.Wait].
//   - After an error of do the key is free, and SQS delivers the message again.
//   - After a [lambdaruntime.Drop] a repetition is dropped too, without a call of do.
func Job[T any](g *Guard, key func(job *lambdaruntime.Job[T]) string, do func(ctx context.Context, job *lambdaruntime.Job[T]) error) func(ctx context.Context, job *lambdaruntime.Job[T]) error {
	return func(ctx context.Context, job *lambdaruntime.Job[T]) error {
		source, k := "message", job.ID
		if key != nil {
			source, k = "key", key(job)
		}
		if k == "" {
			return errNoKey
		}
		_, err := Do(ctx, g, digest("job", job.Queue, source, k), func(ctx context.Context) (struct{}, error) {
			return struct{}{}, do(ctx, job)
		})
		var busy *InProgressError
		if errors.As(err, &busy) && !lambdaruntime.IsDrop(err) {
			return lambdaruntime.RetryAfter(err, time.Duration(math.Ceil(busy.Lease.Seconds()))*time.Second)
		}
		return err
	}
}
