package producer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxEntryAttempts is how often one entry of a batch is sent before its failure is
// reported. Whole requests are retried by the SDK besides.
const maxEntryAttempts = 4

// maxFailedRequests is how many requests may fail one after the other before the rest
// of the messages is given up. The SDK tries each of them several times.
const maxFailedRequests = 2 * maxEntryAttempts

// Message is one message for [Producer.SendMany]; see [NewMessage].
type Message[T any] struct {
	// Payload becomes the message's body.
	Payload T
	// Options say how it is sent.
	Options []Option

	id string // the deduplication id on a FIFO queue, unless Options have one
}

// NewMessage returns a message for [Producer.SendMany]. It has a deduplication id, so
// that it can be given to SendMany again: a FIFO queue delivers it once, within 5
// minutes. A Message that is made without NewMessage gets another id each time.
func NewMessage[T any](payload T, opts ...Option) Message[T] {
	return Message[T]{Payload: payload, Options: opts, id: rand.Text()}
}

// ErrMaybeSent is the reason, besides another one, of messages that SQS may have taken:
// the answer to their request was lost, or was one of a fault of SQS. Sent again, they
// may be in a standard queue twice. A FIFO queue delivers them once, when they have the
// same deduplication id; see [NewMessage].
var ErrMaybeSent = errors.New("may have been sent")

// SendError says which messages of a [Producer.SendMany] were not sent, or may not have
// been. All others were sent.
type SendError struct {
	// Queue is the queue's logical name.
	Queue string
	// Total is how many messages there were.
	Total int
	// Failed are the messages that were not sent, or may not have been, by ascending
	// index.
	Failed []FailedMessage
}

// FailedMessage is a message that was not sent, or may not have been.
type FailedMessage struct {
	// Index is its place in what SendMany was given.
	Index int
	// Err is the reason: an [EntryError] where SQS refused this message alone. It is
	// [ErrMaybeSent] too where the message may have been sent.
	Err error
	// DeduplicationID is the id that the message had on a FIFO queue, for
	// [WithDeduplication]; "" without one.
	DeduplicationID string
}

// EntryError is SQS's reason to refuse one message of a batch.
type EntryError struct {
	// Code is SQS's error code, such as "InternalError".
	Code string
	// Message explains it.
	Message string
	// SenderFault says that sending the message again cannot help.
	SenderFault bool
}

// Error implements error.
func (e *EntryError) Error() string { return strings.TrimSpace(e.Code + " " + e.Message) }

// errBlocked is why the later messages of a FIFO group are not sent.
var errBlocked = errors.New("not sent: an earlier message of its group failed")

// Error implements error.
func (e *SendError) Error() string {
	maybe := 0
	for _, f := range e.Failed {
		if errors.Is(f.Err, ErrMaybeSent) {
			maybe++
		}
	}
	text := fmt.Sprintf("producer: send to queue %q: %d of %d messages failed", e.Queue, len(e.Failed), e.Total)
	if maybe > 0 {
		text += fmt.Sprintf(" (%d of them may have been sent)", maybe)
	}
	return fmt.Sprintf("%s, the first at index %d: %v", text, e.Failed[0].Index, e.Failed[0].Err)
}

// Unwrap gives the reasons.
func (e *SendError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// SendMany sends messages in batches of up to 10, and of up to 1 MiB together.
// Messages that SQS fails to take for a reason of its own are tried again a few
// times, and so are requests that it throttles; the other messages go on meanwhile. An
// error is a *[SendError], which says which messages were not sent; only a producer that
// lacks its queue's URL or its region returns another one. A message whose answer
// was lost fails with [ErrMaybeSent].
//
// On a FIFO queue the messages of one group arrive in the order given: each
// travels after the one before it has been accepted, and where one fails, the
// later ones of its group are not sent. A batch therefore holds one message of a
// group at most.
func (p *Producer[T]) SendMany(ctx context.Context, messages ...Message[T]) error {
	if len(messages) == 0 {
		return nil
	}
	client, url, err := p.connect()
	if err != nil {
		return err
	}
	b := batches{fifo: p.fifo, state: make([]entryState, len(messages)), blocked: map[string]int{}}
	for i, m := range messages {
		s := &b.state[i]
		if s.entry, err = p.encode(ctx, m.Payload, m.Options, m.id); err != nil {
			b.fail(i, err)
			continue
		}
		s.entry.Id = aws.String(strconv.Itoa(i))
		s.bytes = entryBytes(&s.entry)
	}
	failures := 0 // of requests, one after the other
	for round := 0; ; {
		batch := b.next()
		if len(batch) == 0 {
			break
		}
		input := &sqs.SendMessageBatchInput{QueueUrl: &url}
		for _, i := range batch {
			b.state[i].attempts++
			input.Entries = append(input.Entries, b.state[i].entry)
		}
		var a attempts
		out, err := client.SendMessageBatch(ctx, input, a.watch)
		switch {
		case err != nil:
			failures++
			b.requestFailed(batch, err, a.maybe)
			if failures == maxFailedRequests || ctx.Err() != nil || !a.retryer.IsErrorRetryable(err) {
				b.failRest(err) // it would fare no better
			}
		case b.settle(batch, out):
			failures, round = 0, 0
			continue
		default:
			failures = 0
		}
		if b.done() {
			break
		}
		select {
		case <-ctx.Done():
			b.failRest(context.Cause(ctx))
		case <-time.After(p.pause(round)):
			round++
		}
	}
	if failed := b.failed(); failed != nil {
		return &SendError{Queue: p.name, Total: len(messages), Failed: failed}
	}
	return nil
}

// attempts watches what becomes of the attempts of one request.
type attempts struct {
	client  sqs.HTTPClient
	retryer aws.Retryer
	// maybe says that SQS may have taken the request: an attempt of it had no answer,
	// or one that does not refuse it.
	maybe bool
}

// watch is an option of one call.
func (a *attempts) watch(o *sqs.Options) {
	a.client, a.retryer = o.HTTPClient, o.Retryer
	o.HTTPClient = a
}

// Do implements [sqs.HTTPClient].
func (a *attempts) Do(r *http.Request) (*http.Response, error) {
	resp, err := a.client.Do(r)
	var op *net.OpError
	switch {
	case err != nil:
		dialing := errors.As(err, &op) && op.Op == "dial"
		a.maybe = a.maybe || !dialing
	case resp.StatusCode < 400 || resp.StatusCode >= 500:
		a.maybe = true
	}
	return resp, err
}

// reason is an error of a request, which SQS may have taken.
func reason(err error, maybe bool) error {
	if maybe {
		return fmt.Errorf("%w: %w", ErrMaybeSent, err)
	}
	return err
}

// entryPause grows from about 100 ms; the jitter keeps senders that failed
// together from coming back together.
func entryPause(round int) time.Duration {
	return time.Duration(float64(100*time.Millisecond<<min(round, 4)) * (0.5 + mathrand.Float64()))
}

// batches divides messages into batches and keeps what became of each.
type batches struct {
	fifo  bool
	state []entryState
	// blocked is, for each group of which a message failed, that message's index.
	blocked map[string]int
}

type entryState struct {
	entry    types.SendMessageBatchRequestEntry
	bytes    int
	attempts int
	sent     bool
	maybe    bool  // an answer was lost
	err      error // failed for good
	lastErr  *EntryError
}

func (b *batches) group(i int) string {
	if id := b.state[i].entry.MessageGroupId; b.fifo && id != nil {
		return *id
	}
	return ""
}

func (b *batches) fail(i int, err error) {
	b.state[i].err = reason(err, b.state[i].maybe)
	if group := b.group(i); group != "" {
		if j, ok := b.blocked[group]; !ok || i < j {
			b.blocked[group] = i
		}
	}
}

func (b *batches) failRest(err error) {
	for i := range b.state {
		if s := &b.state[i]; !s.sent && s.err == nil {
			s.err = reason(err, s.maybe)
		}
	}
}

// requestFailed takes in that the request with a batch failed. What SQS has refused can
// be sent again, and what it may have taken on a FIFO queue alone.
func (b *batches) requestFailed(batch []int, err error, maybe bool) {
	for _, i := range batch {
		s := &b.state[i]
		s.maybe = s.maybe || maybe
		if s.maybe && !b.fifo || s.attempts >= maxEntryAttempts {
			b.fail(i, err)
		}
	}
}

// done reports whether no message is left to send.
func (b *batches) done() bool {
	return !slices.ContainsFunc(b.state, func(s entryState) bool { return !s.sent && s.err == nil })
}

// next picks the messages of the next batch.
func (b *batches) next() []int {
	var batch []int
	bytes := 0
	inBatch := map[string]bool{}
	for i := range b.state {
		s := &b.state[i]
		if s.sent || s.err != nil {
			continue
		}
		if group := b.group(i); group != "" {
			if j, ok := b.blocked[group]; ok && i > j {
				s.err = errBlocked
				continue
			}
			if inBatch[group] {
				continue
			}
			inBatch[group] = true
		}
		if len(batch) == maxBatchEntries || bytes+s.bytes > maxBytes {
			break
		}
		bytes += s.bytes
		batch = append(batch, i)
	}
	return batch
}

// settle takes in the answer to a batch and reports whether all of its messages
// are done with.
func (b *batches) settle(batch []int, out *sqs.SendMessageBatchOutput) bool {
	for _, r := range out.Successful {
		if i, ok := b.index(r.Id); ok {
			b.state[i].sent = true
		}
	}
	for _, r := range out.Failed {
		i, ok := b.index(r.Id)
		if !ok {
			continue
		}
		e := &EntryError{Code: aws.ToString(r.Code), Message: aws.ToString(r.Message), SenderFault: r.SenderFault}
		b.state[i].lastErr = e
		if r.SenderFault {
			b.fail(i, e)
		}
	}
	settled := true
	for _, i := range batch {
		s := &b.state[i]
		if s.sent || s.err != nil {
			continue
		}
		if s.attempts < maxEntryAttempts {
			settled = false
			continue
		}
		if s.lastErr == nil { // named neither as sent nor as failed
			s.lastErr = &EntryError{Code: "NoResult"}
		}
		b.fail(i, s.lastErr)
	}
	return settled
}

// index reads the id of an entry in an answer.
func (b *batches) index(id *string) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < len(b.state)
}

func (b *batches) failed() []FailedMessage {
	var failed []FailedMessage
	for i, s := range b.state {
		if s.err != nil {
			failed = append(failed, FailedMessage{Index: i, Err: s.err, DeduplicationID: aws.ToString(s.entry.MessageDeduplicationId)})
		}
	}
	return failed
}
