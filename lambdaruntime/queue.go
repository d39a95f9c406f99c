package lambdaruntime

import (
	"context"
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// defaultConcurrency is how many jobs of a standard queue run at once: the
// default batch size of an SQS event source.
const defaultConcurrency = 10

// Queue is an SQS queue whose messages hold a T. Declare it once, and use it to consume
// and to send:
//
//	var captures = lambdaruntime.Queue[Capture]{Name: "captures", Timeout: 30 * time.Second}
//
// A message's body is the JSON of a T; for T string or []byte it is the body itself. JSON
// is read as encoding/json does, with two more errors: a body of null, and an object that
// shares no field with a struct T, such as another service's envelope. Where T is a list of
// structs, that holds for each of them. If T or *T has a
// method Validate() error, it is called; its error fails the job.
type Queue[T any] struct {
	// Name is the queue's logical name: 1 to 75 letters, digits, "-" or "_",
	// without ".fifo". The constructs map it to the deployed queue through the
	// variable HEARTH_QUEUES; where that is not set, the deployed queue
	// must itself have this name.
	Name string

	// FIFO says that the queue is a FIFO queue: its jobs run one at a time, in order.
	// When one fails, the rest of its message group goes back to the queue unprocessed,
	// and other groups go on. If a job ignores the end of its context, the process ends,
	// so the job cannot act after the next job of its group.
	FIFO bool

	// Envelopes lists the envelopes around the payload, the outermost first, when another
	// service sends the messages; the job gets the content. Nil means no envelope. A
	// message in any other envelope fails.
	Envelopes []Envelope

	// Timeout is the longest one job may take; its context is then cancelled
	// and the job fails. 0 means until shortly before the invocation's deadline.
	Timeout time.Duration

	// Concurrency is how many jobs of one invocation run at once. 0 means 10 for a
	// standard queue; a FIFO queue always runs one. A job that ignores the end of its
	// context keeps its place. Once such jobs hold every place, the process ends.
	Concurrency int

	// StopBatch makes the first failure of a FIFO batch return every message after it, of
	// all message groups.
	StopBatch bool
}

// Message is the SQS message of a job.
type Message struct {
	// Queue is the logical name of its queue.
	Queue string
	// ID is the message id, the same in each delivery.
	ID string
	// Body is the message's body as it was sent.
	Body string
	// GroupID is the message group of a FIFO message; standard messages may
	// carry one too, for fair queues.
	GroupID string
	// DeduplicationID is the deduplication id of a FIFO message.
	DeduplicationID string
	// ReceiveCount is how often SQS has delivered the message, including this delivery: 1
	// at first.
	ReceiveCount int
	// SentAt is when the message was sent.
	SentAt time.Time
	// TraceHeader is the X-Ray trace that the message belongs to, if any.
	TraceHeader string

	rawAttributes string
}

func newMessage(queue string, rec *event.Record) Message {
	return Message{
		Queue: queue, ID: rec.ID, Body: rec.Body, GroupID: rec.GroupID, DeduplicationID: rec.DeduplicationID,
		ReceiveCount: rec.ReceiveCount, SentAt: rec.SentAt, TraceHeader: rec.TraceHeader,
		rawAttributes: rec.RawAttributes,
	}
}

type messageKey struct{}

// MessageFromContext returns the message of a job's context, for middleware and for
// functions that a job calls.
func MessageFromContext(ctx context.Context) (*Message, bool) {
	m, ok := ctx.Value(messageKey{}).(*Message)
	return m, ok
}

// Attribute returns a message attribute of type String or Number by its name.
func (m *Message) Attribute(name string) (string, bool) {
	var value string
	var found bool
	d := jsonscan.NewDecoder(m.rawAttributes)
	if d.Peek() != '{' {
		return "", false
	}
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if key != name {
			d.Skip()
			continue
		}
		for field, more := d.FirstKey(); more; field, more = d.Key() {
			raw := d.Raw()
			if field == "stringValue" && raw != "null" {
				value, found = event.Text(raw), true
			}
		}
	}
	return value, found
}

// Job is one message of a queue with its body decoded.
type Job[T any] struct {
	Message
	// Payload is the decoded body.
	Payload T
}

// Consumer is a queue together with the function that runs its jobs. [Queue.Consume]
// makes it, [App.Queues] lists it.
type Consumer struct {
	name        string
	fifo        bool
	timeout     time.Duration
	concurrency int
	stopBatch   bool
	envelopes   []Envelope
	job         func(ctx context.Context, m *Message) error
}

func (c Consumer) slots() int {
	switch {
	case c.fifo:
		return 1
	case c.concurrency == 0:
		return defaultConcurrency
	}
	return c.concurrency
}

// Consume makes do the function that runs this queue's jobs. The result of do decides
// what happens to the message:
//
//   - nil: done. Lambda deletes the message.
//   - [Drop]: failed for good. Lambda deletes the message as if done, and the
//     runtime logs the reason.
//   - [RetryAfter]: failed. SQS delivers the message again after that time.
//   - any other error, a panic, a timeout or a body that cannot be decoded:
//     failed. SQS delivers the message again after its visibility timeout.
//
// SQS moves a message that fails maxReceiveCount times to the dead-letter queue. On a
// FIFO queue the later messages of its group wait for it. Lambda deletes a message only
// when its job has finished. If the event source mapping takes partial batch responses,
// which the constructs set, the other jobs of the batch are not affected. If not, a
// failed job fails the whole invocation, and SQS delivers every message of the batch
// again.
//
// SQS delivers at least once, so do must tolerate repetition. ctx ends when the job takes
// too long, and with its batch at the latest. Do not use job after do has returned.
func (q Queue[T]) Consume(do func(ctx context.Context, job *Job[T]) error) Consumer {
	c := Consumer{name: q.Name, fifo: q.FIFO, timeout: q.Timeout, concurrency: q.Concurrency, stopBatch: q.StopBatch, envelopes: q.Envelopes}
	if do == nil {
		return c // found by App.validate
	}
	body := newBodyReader[T](q.Envelopes)
	c.job = func(ctx context.Context, m *Message) error {
		job := &Job[T]{Message: *m}
		skip, err := body.read(m.Body, &job.Payload)
		if err != nil {
			return fmt.Errorf("decode the message's body: %w", err)
		}
		if skip {
			return nil
		}
		return do(ctx, job)
	}
	return c
}
