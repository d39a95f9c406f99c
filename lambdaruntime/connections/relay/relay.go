// Package relay pushes to the clients of a WebSocket API from a function that cannot
// reach API Gateway. The @connections endpoint has no VPC endpoint, but SQS has one. So a
// function in isolated subnets sends each push to a FIFO queue. A second function outside
// the VPC, with the same program, pushes it to the client:
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
// With hearth.BackendProps.WebSocketRelay, or with a separate hearth.WebSocketRelay, the
// constructs create the queue and the second function, from the same asset and with
// HEARTH_ROLE=relay. The functions in the VPC get the queue's URL, in HEARTH_QUEUES,
// instead of HEARTH_WEBSOCKET_ENDPOINT. Where that endpoint is set, outside a VPC and on
// a laptop, a [Client] calls @connections directly, as a connections.Client does.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html (2026-11)
//
// # Delivery
//
// The message group is the connection. So each client gets its pushes in the order of the
// calls, and a slow or ended connection does not delay the others. A nil error means that
// SQS has the push; only the consumer learns that the connection has ended, see [OnGone].
// In rare cases a client gets a message twice.
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
	// ConnectionID is also the message group.
	ConnectionID string `json:"connectionId"`
	// Data is the message, in base64: SQS refuses some characters.
	Data []byte `json:"data,omitempty"`
}

const (
	opSend  = "send"
	opClose = "close"
)

// queue is the queue of the pushes. It needs no timeout: the client's own timeouts end a
// push before the function's.
var queue = lambdaruntime.Queue[push]{Name: wire.RelayQueueName, FIFO: true}

// Client pushes to the clients of one WebSocket stage, directly or through the queue.
// [New] makes it. It costs nothing until its first use and is safe for concurrent use.
type Client struct {
	name   string // of the connection; see Named
	direct *connections.Client
	queue  *producer.Producer[push]
}

// New returns a client of the stage that the program's environment names.
func New() *Client { return Named("") }

// Named returns a client of the stage with this name in the constructs
// (ConnectOptions.Name), for a program that pushes to more than one WebSocket API.
func Named(name string) *Client {
	to := queue
	to.Name = wire.RelayQueue(name)
	return &Client{name: name, direct: connections.Named(name), queue: producer.New(to)}
}

// relayed reports whether pushes go to the queue: the environment has its URL, but not
// the stage's endpoint.
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

// SendAll sends the same data to many clients, once to each. gone lists the ids of ended
// connections; through the queue it is empty. err joins all other failures, and its text
// has the first few. The failure of one client does not affect the others.
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

// Close ends a connection, after the messages that were sent to it before.
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

// check refuses a push that API Gateway would refuse, while the program can still act on
// the error.
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

// Option changes the behaviour of [Consumer].
type Option func(*consumer)

// OnGone calls f for each connection that had ended before a push could be sent, for
// example to forget its id. When f fails, SQS delivers the push again, and f is called
// again. It may also be called several times for one connection.
//
// f runs in the function outside the VPC: it can reach DynamoDB, but no database in the
// VPC.
func OnGone(f func(ctx context.Context, connectionID string) error) Option {
	return func(c *consumer) { c.onGone = f }
}

type consumer struct {
	direct *connections.Client
	onGone func(ctx context.Context, connectionID string) error
}

// Consumer returns the consumer that sends the queue's pushes, for
// [lambdaruntime.App.Queues]. A push ends in one of these ways:
//
//   - sent, or its connection has ended: done.
//   - refused as invalid, with the status 400 or 413: dropped and logged, since a retry
//     would only delay its connection.
//   - any other error: failed. SQS delivers it again after the queue's visibility
//     timeout. Later pushes of its connection wait for it; other connections go on.
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
