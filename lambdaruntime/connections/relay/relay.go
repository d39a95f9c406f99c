// Package relay pushes to the clients of a WebSocket API from a function that cannot
// reach API Gateway. The @connections endpoint has no VPC endpoint, so a function in
// isolated subnets hands each push to a FIFO queue, for which there is one, and the
// same program as a second function outside the VPC sends it:
//
//	var clients = relay.New()
//
//	func main() {
//		lambdaruntime.Start(&lambdaruntime.App{
//			WebSocket: chat,
//			Queues:    []lambdaruntime.Consumer{relay.Consumer()},
//		})
//	}
//
//	err := clients.SendJSON(ctx, connectionID, update)
//
// With hearth.BackendProps.WebSocketRelay, or a hearth.WebSocketRelay of its own, the
// constructs create the queue and the second function, from the same asset and with
// HEARTH_ROLE=relay, and give the functions in the VPC the queue's URL, in
// HEARTH_QUEUES, in place of HEARTH_WEBSOCKET_ENDPOINT. Where the endpoint is set,
// outside a VPC and on a laptop, a [Client] calls @connections itself, as a
// connections.Client does.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html (2026-11)
//
// # Delivery
//
// The message group is the connection, so each client gets its pushes in the order
// they were handed over, and one that is slow or gone does not delay the others. A
// call that returns nil has handed the push to SQS: that the client is gone is
// learned later, by the consumer, see [OnGone]. A client may in rare cases get a
// message twice.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/failures"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// push is the message on the queue:
//
//	{"op":"send","connectionId":"L0SM9cOFvHcCIhw=","data":"aGVsbG8="}
type push struct {
	// Op is opSend or opClose.
	Op string `json:"op"`
	// ConnectionID is the message group as well.
	ConnectionID string `json:"connectionId"`
	// Data is what is sent, in base64: SQS refuses some characters.
	Data []byte `json:"data,omitempty"`
}

const (
	opSend  = "send"
	opClose = "close"
)

// queue is where the pushes are. A push takes no longer than the function may, and
// the client's own timeouts end it before.
var queue = lambdaruntime.Queue[push]{Name: wire.RelayQueueName, FIFO: true}

// Client pushes to the clients of one WebSocket stage, directly or through the queue.
// It is made by [New], costs nothing until its first use and is safe for concurrent
// use.
type Client struct {
	name   string // of the connection; see Named
	direct *connections.Client
	queue  *producer.Producer[push]
}

// New returns a client of the stage that the program's environment names.
func New() *Client { return Named("") }

// Named returns a client of the stage that the constructs know by this name
// (ConnectOptions.Name), for a program that pushes to more than one WebSocket API.
func Named(name string) *Client {
	to := queue
	to.Name = wire.RelayQueue(name)
	return &Client{name: name, direct: connections.Named(name), queue: producer.New(to)}
}

// relayed says whether pushes go to the queue: where its URL is known and the stage's
// endpoint is not.
func (c *Client) relayed() bool {
	if os.Getenv(wire.Named(wire.EnvWebSocketEndpoint, c.name)) != "" {
		return false
	}
	url, _ := wire.FindQueue(os.Getenv(wire.EnvQueues), wire.RelayQueue(c.name))
	return url != ""
}

// Send sends data, at most 128 KB of UTF-8, to a client as one text message; see
// connections.Client. Through the queue, it never returns connections.ErrGone.
func (c *Client) Send(ctx context.Context, connectionID string, data []byte) error {
	if !c.relayed() {
		return c.direct.Send(ctx, connectionID, data)
	}
	p := push{Op: opSend, ConnectionID: connectionID, Data: data}
	if err := p.check(); err != nil {
		return err
	}
	return c.enqueue(ctx, p)
}

// SendJSON sends the JSON of v to a client; see [Client.Send].
func (c *Client) SendJSON(ctx context.Context, connectionID string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("relay: send %q: encode the message: %w", connectionID, err)
	}
	return c.Send(ctx, connectionID, data)
}

// SendAll sends the same data to many clients, once to each. It returns the ids of those
// that are gone, which through the queue are none, and an error of all others that could
// not be sent to, whose text has the first few. One client's failure does not keep the
// message from the others.
func (c *Client) SendAll(ctx context.Context, connectionIDs []string, data []byte) (gone []string, err error) {
	if !c.relayed() {
		return c.direct.SendAll(ctx, connectionIDs, data)
	}
	var errs []error
	var messages []producer.Message[push]
	seen := make(map[string]bool, len(connectionIDs))
	for _, id := range connectionIDs {
		if seen[id] {
			continue
		}
		seen[id] = true
		p := push{Op: opSend, ConnectionID: id, Data: data}
		if err := p.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		messages = append(messages, producer.NewMessage(p, producer.WithGroup(id)))
	}
	err = c.queue.SendMany(ctx, messages...)
	var some *producer.SendError
	if errors.As(err, &some) {
		for _, f := range some.Failed {
			errs = append(errs, fmt.Errorf("relay: send %q: %w", messages[f.Index].Payload.ConnectionID, f.Err))
		}
	} else if err != nil {
		errs = append(errs, fmt.Errorf("relay: %w", err))
	}
	return nil, failures.Join("sends", errs)
}

// Close ends a connection, after what has been sent to it before.
func (c *Client) Close(ctx context.Context, connectionID string) error {
	if !c.relayed() {
		return c.direct.Close(ctx, connectionID)
	}
	p := push{Op: opClose, ConnectionID: connectionID}
	if err := p.check(); err != nil {
		return err
	}
	return c.enqueue(ctx, p)
}

func (c *Client) enqueue(ctx context.Context, p push) error {
	if err := c.queue.Send(ctx, p, producer.WithGroup(p.ConnectionID)); err != nil {
		return fmt.Errorf("relay: %s %q: %w", p.Op, p.ConnectionID, err)
	}
	return nil
}

// check refuses, where the program still can do something about it, what API Gateway
// would refuse later.
func (p *push) check() error {
	switch {
	case p.ConnectionID == "":
		return fmt.Errorf("relay: %s: the connection id must not be empty", p.Op)
	case len(p.Data) > wire.MaxWebSocketMessage:
		return fmt.Errorf("relay: send %q: a message must be up to %d bytes, got %d; send a link to the data instead", p.ConnectionID, wire.MaxWebSocketMessage, len(p.Data))
	case !utf8.Valid(p.Data):
		return fmt.Errorf("relay: send %q: a message must be valid UTF-8; encode binary data, for example as base64", p.ConnectionID)
	}
	return nil
}

// Option changes what [Consumer] does.
type Option func(*consumer)

// OnGone makes f learn of each connection that was gone when something was to be sent
// to it, for example to forget its id. When f fails, the push is delivered again, and
// f called again; it may also be called several times for one connection.
//
// f runs in the function outside the VPC: it reaches DynamoDB, but no database in the
// VPC.
func OnGone(f func(ctx context.Context, connectionID string) error) Option {
	return func(c *consumer) { c.onGone = f }
}

type consumer struct {
	direct *connections.Client
	onGone func(ctx context.Context, connectionID string) error
}

// Consumer returns the consumer that sends what is on the queue, for
// [lambdaruntime.App.Queues]. What becomes of a push:
//
//   - sent, or its connection is gone: done.
//   - refused as wrong in itself, with the status 400 or 413: dropped and logged,
//     since it would hold up its connection for nothing.
//   - any other error: failed. SQS delivers it again after the queue's visibility
//     timeout, and the later pushes of its connection wait for it. Those of other
//     connections go on.
func Consumer(opts ...Option) lambdaruntime.Consumer {
	c := &consumer{direct: connections.New()}
	for _, opt := range opts {
		opt(c)
	}
	return queue.Consume(c.push)
}

func (c *consumer) push(ctx context.Context, job *lambdaruntime.Job[push]) error {
	p := &job.Payload
	var err error
	switch p.Op {
	case opSend:
		err = c.direct.Send(ctx, p.ConnectionID, p.Data)
	case opClose:
		err = c.direct.Close(ctx, p.ConnectionID)
	default:
		return fmt.Errorf("relay: a push must have the op %q or %q, got %q; build all functions from the same version of hearth", opSend, opClose, p.Op)
	}
	var refused *connections.Error
	switch {
	case errors.Is(err, connections.ErrGone):
		if c.onGone == nil {
			slog.DebugContext(ctx, "connection is gone", "connection", p.ConnectionID)
			return nil
		}
		if err := c.onGone(ctx, p.ConnectionID); err != nil {
			return fmt.Errorf("relay: OnGone %q: %w", p.ConnectionID, err)
		}
		return nil
	case errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusRequestEntityTooLarge):
		return lambdaruntime.Drop(err)
	}
	return err
}
