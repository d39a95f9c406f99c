package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

const (
	relayMemoryMB      = 256
	relayTimeoutSecs   = 30
	relayRetentionSecs = 60 * 60
)

// WebSocketRelayProps configure a [WebSocketRelay].
type WebSocketRelayProps struct {
	// Api is the WebSocket API of the clients.
	Api *WebSocketApi

	// Handler are the props of the function in the VPC. The relay has the same asset and
	// all of these props. Exceptions are Concurrency, FunctionName, LogGroup, MemorySize,
	// Role and Timeout, which are its own, and the props of the VPC, also those that
	// Refine sets, such as Filesystem.
	Handler *HandlerProps

	// EncryptionKey encrypts the queue and its dead-letter queue.
	//
	// @default - a key that SQS manages
	EncryptionKey awskms.IKey

	// MaxConcurrency is the highest number of instances that push at the same time, 2 to
	// 1000. Two of them never push to one connection.
	//
	// @default - no bound
	MaxConcurrency *float64
}

// WebSocketRelay lets functions push to WebSocket clients from subnets without a route to
// the internet. The @connections endpoint has no VPC endpoint: an interface endpoint of
// execute-api serves only private APIs, and a WebSocket API is never private. SQS has
// one, see [SqsEndpoint], so each push goes
//
//	function in the VPC → FIFO queue "websocket-relay" → function outside → @connections
//
// The second function runs the same program from the same asset, with HEARTH_ROLE=relay.
// The message group is the connection's id, so each client gets its messages in the order
// of the pushes. SQS drops a push that no relay took within an hour.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html (2026-11)
type WebSocketRelay struct {
	constructs.Construct

	// Handler is the function outside the VPC.
	Handler *Handler
	// Queue is the queue between the functions.
	Queue *Queue

	app *app
}

// NewWebSocketRelay creates the queue and the function outside the VPC. It panics
// with every broken rule at once.
func NewWebSocketRelay(scope constructs.Construct, id *string, props *WebSocketRelayProps) *WebSocketRelay {
	if props == nil {
		props = &WebSocketRelayProps{}
	}
	p := *props
	w := &WebSocketRelay{}
	w.app = newConstruct(w, scope, id)
	r := &rules{where: "WebSocketRelayProps"}
	if p.Api == nil {
		r.breaks("Api", "must be a WebSocketApi, got none; pass the one that clients connect to")
	}
	if p.Handler == nil || p.Handler.Entry == nil && !p.Handler.prebuilt() {
		r.breaks("Handler", "must have the Entry of a Go main package, Code or Image, got none; pass the props of the function in the VPC")
	}
	refuse(w, r.broken)
	w.Handler = NewHandler(w, jsii.String("Handler"), p.Handler.relay())
	w.Queue = NewQueue(w, jsii.String("Queue"), &QueueProps{
		EncryptionMasterKey: p.EncryptionKey,
		Fifo:                jsii.Bool(true),
		Handler:             w.Handler.Alias,
		HighThroughput:      jsii.Bool(true),
		MaxConcurrency:      p.MaxConcurrency,
		Name:                jsii.String(wire.RelayQueueName),
		RetentionPeriod:     newDuration(relayRetentionSecs),
	})
	p.Api.connect(w.Handler, nil, "DELETE", "POST") // close and send
	return w
}

// relay returns the props of the relay of a function with these props.
func (p *HandlerProps) relay() *HandlerProps {
	own := *p
	own.MemorySize, own.Timeout = nil, nil
	own.SecurityGroups, own.Vpc, own.VpcSubnets = nil, nil, nil
	if p.Refine != nil {
		own.Refine = func(f *awslambda.FunctionProps) {
			p.Refine(f)
			f.AllowAllIpv6Outbound, f.AllowAllOutbound, f.AllowPublicSubnet, f.Filesystem, f.Ipv6AllowedForDualStack = nil, nil, nil, nil, nil
		}
	}
	return own.secondFunction(&HandlerProps{
		Description: jsii.String("Pushes to WebSocket clients"),
		MemorySize:  jsii.Number(relayMemoryMB),
		Timeout:     newDuration(relayTimeoutSecs),
	}, relayHalf)
}

// GrantPush lets a grantee send pushes to the queue of the relay.
func (w *WebSocketRelay) GrantPush(grantee awsiam.IGrantable) awsiam.Grant {
	return w.Queue.GrantSend(grantee)
}

// ConnectPush lets a program push to the clients of the API through the relay: it may
// send to the queue. The program's name for the queue is "websocket-relay", or
// "websocket-relay-{name}" for a connection with a name.
func (w *WebSocketRelay) ConnectPush(client Client, options *ConnectOptions) awsiam.Grant {
	return w.Queue.connectSend(client, wire.RelayQueue(options.name(w)))
}
