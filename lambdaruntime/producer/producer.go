// Package producer sends messages to the SQS queues of a Hearth program:
//
//	var captures = lambdaruntime.Queue[Capture]{Name: "captures"}
//	var toCapture = producer.New(captures)
//
//	err := toCapture.Send(ctx, Capture{URL: url})
//
// The queue's URL comes from the variable HEARTH_QUEUES. The constructs set it together
// with the permission to send: hearth.Backend for every queue that it creates,
// Queue.ConnectSend for any other one. Lambda sets the credentials and the region.
// AWS_ENDPOINT_URL_SQS and AWS_ENDPOINT_URL replace the endpoint.
//
// # Payloads
//
// The encoding is the one that [lambdaruntime.Queue] decodes: a string or []byte is the
// message's body itself, any other value becomes JSON. A body is text; encode binary data
// yourself.
//
// # Delivery
//
// A nil error means that SQS has accepted the messages; it delivers them at least once.
// The SDK repeats a request when its answer is lost. Then a standard queue may hold a
// message twice; a FIFO queue drops the second one. If the last answer is lost too, the
// call fails with [ErrMaybeSent].
//
// # Tracing
//
// Messages carry the X-Ray trace of the sending invocation, in the system attribute
// AWSTraceHeader; [lambdaruntime.Message] has it too.
package producer

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
)

// Limits of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (2026-11)
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html (2026-11)
const (
	maxBatchEntries = 10
	// maxBytes bounds one message, and all messages of a batch together.
	maxBytes      = 1024 * 1024
	maxDelay      = 15 * time.Minute
	maxIDChars    = 128
	maxNameChars  = 256 // of an attribute
	maxAttributes = 10
)

// attemptTimeout bounds one HTTP request of a call. If a TCP connection broke while the
// instance was frozen, the whole request must not wait for it.
const attemptTimeout = 5 * time.Second

// transport is shared by all producers: their queues have one endpoint, so one pool of
// TCP connections serves them all.
var transport = awshttp.NewBuildableClient().WithTimeout(attemptTimeout)

// Producer sends messages to one queue. [New] makes it. It costs nothing until its first
// use and is safe for concurrent use.
type Producer[T any] struct {
	name string
	fifo bool
	// pause is how long to wait before entries of a batch are tried again.
	pause func(attempt int) time.Duration

	mu     sync.Mutex
	url    string
	client *sqs.Client
}

// New returns a producer for a queue. It uses only the queue's Name and FIFO.
func New[T any](queue lambdaruntime.Queue[T]) *Producer[T] {
	return &Producer[T]{name: queue.Name, fifo: queue.FIFO, pause: entryPause}
}

// Option sets how a message is sent.
type Option func(*settings)

type settings struct {
	delay           time.Duration
	group           string
	deduplication   string
	contentDedup    bool
	attributes      map[string]string
	attributesBytes int
}

// WithDelay hides the message from consumers for d at first, up to 15 minutes, rounded up
// to a second. Without it the queue's own delay applies. A FIFO queue has one delay for
// all messages.
func WithDelay(d time.Duration) Option { return func(s *settings) { s.delay = d } }

// WithGroup sets the message group. A FIFO queue delivers the messages of one group in
// order, and needs it on every message. On a standard queue it names the message's
// tenant, so that a busy tenant does not delay the others.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html (2026-11)
func WithGroup(id string) Option { return func(s *settings) { s.group = id } }

// WithDeduplication sets the deduplication id: a FIFO queue accepts, but does not
// deliver, another message with the same id within 5 minutes. Without it each message
// gets its own id, so that only a repeated request is deduplicated.
func WithDeduplication(id string) Option { return func(s *settings) { s.deduplication = id } }

// WithContentDeduplication lets SQS make the deduplication id from the body. The FIFO
// queue must have content-based deduplication enabled.
func WithContentDeduplication() Option { return func(s *settings) { s.contentDedup = true } }

// WithAttribute adds a message attribute of type String; see
// [lambdaruntime.Message.Attribute]. A message takes up to 10.
func WithAttribute(name, value string) Option {
	return func(s *settings) {
		if s.attributes == nil {
			s.attributes = map[string]string{}
		}
		s.attributes[name] = value
	}
}

// Send sends one message. The error matches [ErrMaybeSent] if SQS may have accepted it.
// On a FIFO queue, add [WithDeduplication] to be able to send it again.
func (p *Producer[T]) Send(ctx context.Context, payload T, opts ...Option) error {
	client, url, err := p.connect()
	if err != nil {
		return err
	}
	e, err := p.encode(ctx, payload, opts, "")
	if err != nil {
		return fmt.Errorf("producer: send to queue %q: %w", p.name, err)
	}
	var a attempts
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:                &url,
		MessageBody:             e.MessageBody,
		DelaySeconds:            e.DelaySeconds,
		MessageAttributes:       e.MessageAttributes,
		MessageDeduplicationId:  e.MessageDeduplicationId,
		MessageGroupId:          e.MessageGroupId,
		MessageSystemAttributes: e.MessageSystemAttributes,
	}, a.watch)
	if err != nil {
		return fmt.Errorf("producer: send to queue %q: %w", p.name, reason(err, a.maybe))
	}
	return nil
}

// connect makes the client, once the environment has the queue's URL and the region.
func (p *Producer[T]) connect() (*sqs.Client, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, p.url, nil
	}
	url, err := wire.FindQueue(os.Getenv(wire.EnvQueues), p.name)
	if err != nil {
		return nil, "", fmt.Errorf("producer: queue %q: %w", p.name, err)
	}
	if url == "" {
		return nil, "", fmt.Errorf("producer: queue %q: %s must hold the queue's URL, got none of this name; hearth.Backend sets it for the queues it creates and hearth.Queue.ConnectSend for any other", p.name, wire.EnvQueues)
	}
	if fifo := strings.HasSuffix(url, ".fifo"); fifo != p.fifo {
		return nil, "", fmt.Errorf("producer: queue %q: Queue.FIFO is %t, but %s names %s; make the two agree", p.name, p.fifo, wire.EnvQueues, url)
	}
	client, err := newClient()
	if err != nil {
		return nil, "", fmt.Errorf("producer: queue %q: %w", p.name, err)
	}
	p.client, p.url = client, url
	return client, url, nil
}

// newClient makes a client of SQS from the function's environment.
func newClient() (*sqs.Client, error) {
	region, err := awsenv.Region()
	if err != nil {
		return nil, err
	}
	options := sqs.Options{Region: region, Credentials: awsenv.Credentials, HTTPClient: transport}
	if endpoint := awsenv.Endpoint("SQS"); endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	return sqs.New(options), nil
}

// encode makes an entry of a batch from a payload, without the entry's id. It refuses
// what SQS would refuse; even then the entry has its group. id is the deduplication id on
// a FIFO queue, unless an option sets one; "" makes a new one.
func (p *Producer[T]) encode(ctx context.Context, payload T, opts []Option, id string) (types.SendMessageBatchRequestEntry, error) {
	var e types.SendMessageBatchRequestEntry
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	if s.group != "" {
		e.MessageGroupId = &s.group
	}
	body, err := encodeBody(payload)
	if err != nil {
		return e, fmt.Errorf("encode the payload: %w", err)
	}
	if err := p.check(&s, body); err != nil {
		return e, err
	}
	e.MessageBody = &body
	if s.delay > 0 {
		e.DelaySeconds = int32((s.delay + time.Second - 1) / time.Second)
	}
	switch {
	case s.deduplication != "":
		e.MessageDeduplicationId = &s.deduplication
	case p.fifo && !s.contentDedup:
		e.MessageDeduplicationId = aws.String(cmp.Or(id, rand.Text()))
	}
	for name, value := range s.attributes {
		if e.MessageAttributes == nil {
			e.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		e.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if trace := traceHeader(ctx); trace != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &trace},
		}
	}
	return e, nil
}

func (p *Producer[T]) check(s *settings, body string) error {
	switch {
	case s.delay < 0 || s.delay > maxDelay:
		return fmt.Errorf("delay must be 0 to %s, got %s; for later work use EventBridge Scheduler", maxDelay, s.delay)
	case p.fifo && s.delay > 0:
		return errors.New("a FIFO queue takes no delay for one message; set QueueProps.DeliveryDelay for all of them")
	case p.fifo && s.group == "":
		return errors.New("a FIFO queue needs a message group; add producer.WithGroup, with the id of what must stay in order")
	case !p.fifo && (s.deduplication != "" || s.contentDedup):
		return errors.New("a standard queue does not deduplicate; leave the deduplication id out or set Queue.FIFO")
	case s.deduplication != "" && s.contentDedup:
		return errors.New("producer.WithDeduplication and producer.WithContentDeduplication exclude each other; keep one")
	case len(s.group) > maxIDChars:
		return fmt.Errorf("the message group must be 1 to %d characters, got %d", maxIDChars, len(s.group))
	case !isID(s.group):
		return fmt.Errorf("the message group must be ASCII letters, digits and punctuation, got %q; escape it", s.group)
	case len(s.deduplication) > maxIDChars:
		return fmt.Errorf("the deduplication id must be 1 to %d characters, got %d; send a hash of it", maxIDChars, len(s.deduplication))
	case !isID(s.deduplication):
		return fmt.Errorf("the deduplication id must be ASCII letters, digits and punctuation, got %q; send a hash of it", s.deduplication)
	case len(s.attributes) > maxAttributes:
		return fmt.Errorf("a message takes up to %d attributes, got %d", maxAttributes, len(s.attributes))
	case !utf8.ValidString(body):
		return errors.New("the body must be valid UTF-8; encode binary data, for example as base64")
	}
	if r, found := refusedRune(body); found {
		return fmt.Errorf("the body must have no characters that SQS refuses or replaces, got %U; escape it or send base64", r)
	}
	for name, value := range s.attributes {
		if name == "" || value == "" {
			return fmt.Errorf("an attribute needs a name and a value, got %q and %q; leave it out", name, value)
		}
		if !isAttributeName(name) {
			return fmt.Errorf("an attribute's name must be 1 to %d letters, digits, _, - or single dots inside, and not start with AWS. or Amazon., got %q", maxNameChars, name)
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("the attribute %q must be valid UTF-8; encode binary data, for example as base64", name)
		}
		if r, found := refusedRune(value); found {
			return fmt.Errorf("the attribute %q must have no characters that SQS refuses or replaces, got %U; escape it or send base64", name, r)
		}
		s.attributesBytes += attributeBytes(name, value)
	}
	if size := len(body) + s.attributesBytes; len(body) == 0 || size > maxBytes {
		return fmt.Errorf("body and attributes must be 1 to %d bytes, got %d; put large data in S3 and send its key", maxBytes, size)
	}
	return nil
}

// isID reports whether SQS takes s as a message group or deduplication id.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (2026-11)
func isID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isAttributeName reports whether SQS takes s as the name of a message attribute. Letters
// are those of all scripts: LocalStack's captures of AWS, 2026-03.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html (2026-11)
func isAttributeName(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("_-.", r) {
			return false
		}
	}
	lower := strings.ToLower(s)
	return utf8.RuneCountInString(s) <= maxNameChars && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") && !strings.Contains(s, "..") &&
		!strings.HasPrefix(lower, "aws.") && !strings.HasPrefix(lower, "amazon.")
}

// refusedRune finds a character that SQS does not allow in a message: all but tab, line
// feed, carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to U+10FFFF.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (2026-11)
func refusedRune(s string) (rune, bool) {
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return r, true
		}
	}
	return 0, false
}

func encodeBody(payload any) (string, error) {
	switch p := payload.(type) {
	case string:
		return p, nil
	case []byte:
		return string(p), nil
	}
	data, err := json.Marshal(payload)
	if string(data) == "null" {
		return "", errors.New("it must not be null, which every consumer refuses")
	}
	return string(data), err
}

// attributeBytes is the share of a String attribute in a message's size: its name, type
// and value. System attributes do not count.
func attributeBytes(name, value string) int { return len(name) + len("String") + len(value) }

func entryBytes(e *types.SendMessageBatchRequestEntry) int {
	n := len(*e.MessageBody)
	for name, a := range e.MessageAttributes {
		n += attributeBytes(name, *a.StringValue)
	}
	return n
}

// traceHeader returns the X-Ray trace of the invocation. The context's value comes first,
// which aws-lambda-go sets under this key: the variable is right only if an instance
// handles one event at a time.
func traceHeader(ctx context.Context) string {
	if trace, ok := ctx.Value("x-amzn-trace-id").(string); ok && trace != "" {
		return trace
	}
	return os.Getenv("_X_AMZN_TRACE_ID")
}
