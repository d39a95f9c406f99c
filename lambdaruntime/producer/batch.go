package producer

import (
	"cmp"
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
	"github.com/aws/smithy-go"
)

// maxEntryAttempts is how often one entry of a batch is sent before it counts as failed.
// In addition, the SDK retries whole requests.
const maxEntryAttempts = 4

// maxFailedRequests is how many requests in a row may fail before SendMany gives up the
// rest of the messages. The SDK makes several attempts for each of them.
const maxFailedRequests = 2 * maxEntryAttempts

// Message is one message for [Producer.SendMany]; see [NewMessage].
type Message[T any] struct {
	// Payload becomes the message's body.
	Payload T
	// Options are the message's options, as for Send.
	Options []Option

	id string // the deduplication id on a FIFO queue, unless Options have one
}

// NewMessage returns a message for [Producer.SendMany]. It has a deduplication id. So it
// can be given to SendMany again: within 5 minutes, a FIFO queue delivers it once. A
// Message made without NewMessage gets a new id each time.
func NewMessage[T any](payload T, opts ...Option) Message[T] {
	return Message[T]{Payload: payload, Options: opts, id: rand.Text()}
}

// ErrMaybeSent marks messages that SQS may have accepted, in addition to another reason:
// the answer to their request was lost, or reported a fault of SQS. If sent again, a
// standard queue may hold them twice. A FIFO queue delivers them once, if they have the
// same deduplication id; see [NewMessage].
var ErrMaybeSent = errors.New("may have been sent")

// SendError lists the messages of a [Producer.SendMany] that were not sent, or may not
// have been. All others were sent.
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
	// Index is its position in the arguments of SendMany.
	Index int
	// Err is the reason: an [EntryError] if SQS refused only this message. It also
	// matches [ErrMaybeSent] if the message may have been sent.
	Err error
	// DeduplicationID is the message's id on a FIFO queue, for [WithDeduplication]; "" on
	// a standard queue.
	DeduplicationID string
}

// EntryError is SQS's reason to refuse one message of a batch.
type EntryError struct {
	// Code is SQS's error code, such as "InternalError".
	Code string
	// Message explains it.
	Message string
	// SenderFault means that sending the message again cannot help.
	SenderFault bool
}

// Error implements error.
func (e *EntryError) Error() string { return strings.TrimSpace(e.Code + " " + e.Message) }

// errBlocked is the reason for not sending the later messages of a FIFO group.
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

// Unwrap returns the reasons.
func (e *SendError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// SendMany sends messages in batches of up to 10 messages and up to 1 MiB. It retries a
// few times the messages that SQS fails to accept through no fault of the sender, and
// requests that SQS throttles; meanwhile the other messages go on. They do so too when SQS
// refuses a request for good because of its messages, or one among others. An error is a
// *[SendError] that lists the failed messages. Only a producer without its queue's URL or
// its region returns another error. A message whose answer was lost fails with
// [ErrMaybeSent].
//
// On a FIFO queue the messages of one group arrive in the given order: SendMany sends
// each one after SQS has accepted the one before it. If one fails, it does not send the
// later ones of its group. So a batch holds at most one message of a group.
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
	failures, refused, accepted := 0, 0, false // failures and refusals in a row
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
			final := !a.retryer.IsErrorRetryable(err)
			b.requestFailed(batch, err, a.maybe, final)
			if final && !isOfTheMessages(err) {
				refused++
			}
			if failures == maxFailedRequests || ctx.Err() != nil || refused > 0 && !accepted || refused > 1 {
				b.failRest(err) // it would fail too
			}
		case b.settle(batch, out):
			failures, refused, accepted, round = 0, 0, true, 0
			continue
		default:
			failures, refused, accepted = 0, 0, true
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

// isOfTheMessages reports whether SQS refuses a request because of its messages, so that
// another batch may be accepted.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (2026-11)
func isOfTheMessages(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	switch _, code, _ := strings.Cut(e.ErrorCode(), "#"); cmp.Or(code, e.ErrorCode()) {
	case "InvalidMessageContents", "InvalidParameterValue", "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong":
		return true
	}
	return false
}

// attempts observes the attempts of one request.
type attempts struct {
	client  sqs.HTTPClient
	retryer aws.Retryer
	// maybe means that SQS may have accepted the request: an attempt got no answer, or
	// one that does not refuse it.
	maybe bool
}

// watch is an option of one SDK call.
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

// reason adds ErrMaybeSent to the error of a request that SQS may have accepted.
func reason(err error, maybe bool) error {
	if maybe {
		return fmt.Errorf("%w: %w", ErrMaybeSent, err)
	}
	return err
}

// entryPause grows from about 100 ms; because of the jitter, senders that failed together
// do not retry together.
func entryPause(round int) time.Duration {
	return time.Duration(float64(100*time.Millisecond<<min(round, 4)) * (0.5 + mathrand.Float64()))
}

// batches divides messages into batches and records the result of each message.
type batches struct {
	fifo  bool
	state []entryState
	// blocked maps each group with a failed message to that message's index.
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

// requestFailed records that the request with a batch failed. Its messages may be sent
// again if SQS refused the request for now or, on a FIFO queue only, if SQS may have
// accepted it.
func (b *batches) requestFailed(batch []int, err error, maybe, final bool) {
	for _, i := range batch {
		s := &b.state[i]
		s.maybe = s.maybe || maybe
		if final || s.maybe && !b.fifo || s.attempts >= maxEntryAttempts {
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

// settle records the answer to a batch and reports whether all of its messages are
// finished.
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
		if s.lastErr == nil { // the answer lists it neither as sent nor as failed
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
