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

// Drop makes cause an error that ends its job for good: the message is deleted
// instead of delivered again, on a standard and on a FIFO queue alike. A nil
// cause gives nil. Joined with an error that is no Drop ([errors.Join]), it does not
// count: the message comes again.
func Drop(cause error) error {
	if cause == nil {
		return nil
	}
	return &dropError{cause}
}

// IsDrop reports whether err ends its job for good: it is a [Drop], or wraps one, and
// every error that it joins is one too.
func IsDrop(err error) bool {
	switch e := err.(type) { //nolint:errorlint // it walks the tree itself
	case *dropError:
		return true
	case *retryError:
		return false
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		for _, one := range all {
			if one != nil && !IsDrop(one) {
				return false
			}
		}
		return len(all) > 0
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return IsDrop(inner)
		}
	}
	return false
}

// maxRetryDelay is the longest visibility timeout, counted from when the message was
// received.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html (2026-11)
const maxRetryDelay = 12 * time.Hour

// retryError is a failed job that says when its message is to come again.
type retryError struct {
	cause error
	delay time.Duration
}

func (e *retryError) Error() string { return e.cause.Error() }
func (e *retryError) Unwrap() error { return e.cause }

// RetryAfter makes cause an error after which its message comes again in delay, from 0
// to just under 12 hours, in whole seconds, instead of after the queue's visibility
// timeout. A nil cause gives nil. On a FIFO queue the message's group waits for it. It
// takes [App.Visibility]; without one the message comes after the visibility timeout,
// and a WARN record says so.
//
//	return lambdaruntime.RetryAfter(err, lambdaruntime.Backoff(job.ReceiveCount, time.Second, 15*time.Minute))
func RetryAfter(cause error, delay time.Duration) error {
	if cause == nil {
		return nil
	}
	return &retryError{cause, min(max(delay, 0), maxRetryDelay-time.Minute)}
}

// Backoff returns how long to wait after a message was received receiveCount times:
// first after the first time, twice as long each further time, and at most longest. A
// random part of up to half of it is taken off, so that messages that failed together
// do not come again together.
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

// VisibilityChanger changes when a message comes again, for [RetryAfter]. Package
// lambdaruntime/producer has one: producer.Visibility.
type VisibilityChanger interface {
	// ChangeVisibility makes a message that is being handled visible again in delay.
	ChangeVisibility(ctx context.Context, queueURL, receiptHandle string, delay time.Duration) error
}

// delayRetry has a failed job's message come again when its error says.
func (r *router) delayRetry(ctx context.Context, c *consumer, m *Message, arn string, err error) {
	if err == nil {
		return
	}
	var retry *retryError
	if !errors.As(err, &retry) {
		return
	}
	problem := "App.Visibility is nil; set it to producer.Visibility"
	switch {
	case r.app.Visibility == nil:
	case ctx.Err() != nil:
		problem = "no time is left in this invocation"
	default:
		if err := r.app.Visibility.ChangeVisibility(ctx, c.urlOf(arn), m.receiptHandle, retry.delay); err == nil {
			return
		} else {
			problem = err.Error()
		}
	}
	r.log.WarnContext(ctx, c.what+" comes again after the visibility timeout, not when it asked to", "delayMs", milliseconds(retry.delay), "because", problem)
}
