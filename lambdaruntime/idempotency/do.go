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

// Do runs do once for each key and returns its first result, which is remembered as
// JSON: a repetition gets what encoding/json makes of it. A key is any text that is not
// empty; only its hash is stored.
//
// An error of do releases the key, and so does a panic: the next attempt runs do again,
// so do must have undone its effect, or bear repetition, when it returns an error. A
// [lambdaruntime.Drop] is final instead: its text, up to 1 KB, is remembered, and a
// repetition gets a Drop with the same text.
//
// do must heed the end of its context, which comes no later than that of the lease: code
// that runs on may act after the next attempt has begun.
//
// The error is do's own, an [InProgressError], an [ErrLost], an [ErrNotKept], or that of
// a store which cannot be reached, in which case do has not run. When only the result
// cannot be stored, Do returns it all the same, and logs an ERROR record.
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
// A nil key takes the message id, which is the same for all deliveries of a message. A
// message that the sender has sent twice has two ids, so a key out of the payload is
// better. A key must not be empty; a job with an empty one fails.
//
//   - A message whose key is done is deleted, without a call of do.
//   - One whose key is in progress comes again when the other attempt's lease is over,
//     by [lambdaruntime.RetryAfter], or waits with [Options.Wait].
//   - After an error of do the key is free, and the message comes again.
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
