package lambdaruntime

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// dropError marks a job that failed for good.
type dropError struct{ cause error }

func (e *dropError) Error() string { return e.cause.Error() }
func (e *dropError) Unwrap() error { return e.cause }

// Drop makes cause an error that ends its job for good: Lambda deletes the message and
// SQS does not deliver it again, on standard and FIFO queues. A nil cause gives nil. If
// [errors.Join] joins it with an error that is not a Drop, the message is retried.
func Drop(cause error) error {
	if cause == nil {
		return nil
	}
	return &dropError{cause}
}

// IsDrop reports whether err ends its job for good: err is or wraps a [Drop], and so does
// every error that it joins.
func IsDrop(err error) bool {
	switch e := err.(type) { //nolint:errorlint // it walks the tree itself
	case *dropError:
		return true
	case *retryError:
		return false
	case interface{ Unwrap() []error }:
		dropped := false
		for _, one := range e.Unwrap() {
			if one == nil {
				continue
			}
			if !IsDrop(one) {
				return false
			}
			dropped = true
		}
		return dropped
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return IsDrop(inner)
		}
	}
	return false
}

// longestRetry is the longest visibility timeout, 12 hours, counted from when the message
// was received. A minute is for the way to this program.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html (2026-11)
const longestRetry = 12*time.Hour - time.Minute

// retryError is a failed job that sets the delay of its retry.
type retryError struct {
	cause error
	delay time.Duration
}

func (e *retryError) Error() string { return e.cause.Error() }
func (e *retryError) Unwrap() error { return e.cause }

// RetryAfter makes cause an error that makes SQS deliver the message again after delay,
// instead of after the queue's visibility timeout. delay is 0 to just under 12 hours, in
// whole seconds. A nil cause gives nil. On a FIFO queue the batch's later messages of its
// group come again after delay too. RetryAfter needs [App.Visibility]: without it, the
// visibility timeout applies, and a WARN record says so.
//
//	return lambdaruntime.RetryAfter(err, lambdaruntime.Backoff(job.ReceiveCount, time.Second, 15*time.Minute))
func RetryAfter(cause error, delay time.Duration) error {
	if cause == nil {
		return nil
	}
	return &retryError{cause, min(max(delay, 0), longestRetry)}
}

// Backoff returns how long to wait after SQS has delivered a message receiveCount times:
// first after the first delivery, double after each further one, and at most longest. A
// random part, up to half, is taken off, so that messages which failed together are not
// all retried together.
func Backoff(receiveCount int, first, longest time.Duration) time.Duration {
	d := min(first, longest)
	for i := 1; i < receiveCount && d < longest; i++ {
		d = min(d*2, longest)
	}
	if d < 2 {
		return max(d, 0)
	}
	return d - rand.N(d/2)
}

// VisibilityChanger sets when SQS delivers a message again, for [RetryAfter]. Package
// lambdaruntime/producer has one: producer.Visibility.
type VisibilityChanger interface {
	// ChangeVisibility makes the message of a running job visible again after delay.
	ChangeVisibility(ctx context.Context, queueURL, receiptHandle string, delay time.Duration) error
}

// delayRetry sets the delay that a failed job's error asks for. A job whose time is over
// gets most of the grace for it.
func (b *batch) delayRetry(ctx context.Context, i int, err error) {
	if err == nil {
		return
	}
	var retry *retryError
	if !errors.As(err, &retry) || IsDrop(err) {
		return
	}
	r, c := b.r, b.c
	if ctx.Err() != nil {
		end := time.Now().Add(b.grace / 2)
		if deadline, ok := ctx.Deadline(); ok && deadline.Add(b.grace*3/4).Before(end) {
			end = deadline.Add(b.grace * 3 / 4)
		}
		late, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
		defer cancel()
		ctx = late
	}
	problem := "App.Visibility is nil; set it to producer.Visibility"
	switch {
	case r.app.Visibility == nil:
	case ctx.Err() != nil:
		problem = "no time is left in this invocation"
	default:
		err := b.changeVisibility(ctx, i, min(retry.delay, longestRetry-time.Since(b.start).Truncate(time.Second)))
		if err == nil {
			return
		}
		problem = err.Error()
	}
	r.log.WarnContext(ctx, c.what+" comes again after the visibility timeout, not when it asked to", "delayMs", milliseconds(retry.delay), "because", problem)
}

// changeVisibility makes the message of job i visible after delay. On a FIFO queue, it
// does the same for the messages of its group that the batch puts back. They would come
// later otherwise: SQS delivers the messages before an invisible one, and none behind it.
// LocalStack's captures of AWS, 2026-03.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html (2026-11)
func (b *batch) changeVisibility(ctx context.Context, i int, delay time.Duration) error {
	rec := &b.records[i]
	url := b.c.urlOf(rec.ARN)
	err := b.r.app.Visibility.ChangeVisibility(ctx, url, rec.ReceiptHandle, delay)
	if b.pool != &b.c.ordered {
		return err
	}
	for j := i + 1; j < len(b.records) && err == nil; j++ {
		if next := &b.records[j]; next.GroupID == rec.GroupID {
			err = b.r.app.Visibility.ChangeVisibility(ctx, url, next.ReceiptHandle, delay)
		}
	}
	return err
}
