package producer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// Message is one message for [Producer.SendMany]; see [NewMessage].
type Message[T any] struct {
	// Payload becomes the message's body.
	Payload T
	// Options say how it is sent.
	Options []Option
}

// NewMessage returns a message for [Producer.SendMany].
func NewMessage[T any](payload T, opts ...Option) Message[T] {
	return Message[T]{Payload: payload, Options: opts}
}

// SendError says which messages of a [Producer.SendMany] were not sent. All others
// were.
type SendError struct {
	// Queue is the queue's logical name.
	Queue string
	// Total is how many messages there were.
	Total int
	// Failed are the messages that were not sent, by ascending index.
	Failed []FailedMessage
}

// FailedMessage is a message that was not sent.
type FailedMessage struct {
	// Index is its place in what SendMany was given.
	Index int
	// Err is the reason: an [EntryError] where SQS refused this message alone.
	Err error
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
	return fmt.Sprintf("producer: send to queue %q: %d of %d messages failed, the first at index %d: %v",
		e.Queue, len(e.Failed), e.Total, e.Failed[0].Index, e.Failed[0].Err)
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
// times. An error is a *[SendError], which says which messages were not sent; only
// a producer that lacks its queue's URL or its region returns another one.
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
		if s.entry, err = p.encode(ctx, m.Payload, m.Options); err != nil {
			b.fail(i, err)
			continue
		}
		s.entry.Id = aws.String(strconv.Itoa(i))
		s.bytes = entryBytes(&s.entry)
	}
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
		out, err := client.SendMessageBatch(ctx, input)
		if err != nil {
			// The SDK has retried what can be retried: the rest would fare no better.
			b.failRest(err)
			break
		}
		if b.settle(batch, out) {
			round = 0
			continue
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

// entryPause grows from about 100 ms; the jitter keeps senders that failed
// together from coming back together.
func entryPause(round int) time.Duration {
	return time.Duration(float64(100*time.Millisecond<<min(round, 4)) * (0.5 + rand.Float64()))
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
	b.state[i].err = err
	if group := b.group(i); group != "" {
		if j, ok := b.blocked[group]; !ok || i < j {
			b.blocked[group] = i
		}
	}
}

func (b *batches) failRest(err error) {
	for i := range b.state {
		if s := &b.state[i]; !s.sent && s.err == nil {
			s.err = err
		}
	}
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
			failed = append(failed, FailedMessage{Index: i, Err: s.err})
		}
	}
	return failed
}
