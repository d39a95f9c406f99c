package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
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
	// Api is the WebSocket API to whose clients is pushed.
	Api *WebSocketApi

	// Entry is the directory of the Go main package that pushes, the same as that
	// of the function in the VPC.
	Entry *string

	// Architecture is that of the function in the VPC, so that both are one
	// asset.
	//
	// @default - awslambda.Architecture_ARM_64()
	Architecture awslambda.Architecture

	// BuildTags are those of the function in the VPC.
	//
	// @default - none
	BuildTags []string

	// Environment is given to the program as environment variables.
	//
	// @default - none
	Environment *map[string]*string

	// Files are those of the function in the VPC.
	//
	// @default - none
	Files map[string]string

	// Layers are added to the function.
	//
	// @default - none
	Layers *[]awslambda.ILayerVersion

	// LinkerFlags are those of the function in the VPC.
	//
	// @default - none
	LinkerFlags []string

	// LogRetention is how long the log group keeps each log event.
	//
	// @default awslogs.RetentionDays_ONE_MONTH
	LogRetention awslogs.RetentionDays

	// Manifest says that the program is asked what it serves.
	//
	// @default true
	Manifest *bool

	// MaxConcurrency is the most instances that push at the same time, 2 to 1000.
	// One connection is never pushed to by two of them.
	//
	// @default - no bound
	MaxConcurrency *float64
}

// WebSocketRelay lets functions push to WebSocket clients from subnets without a
// way to the internet. The @connections endpoint has no VPC endpoint: an
// interface endpoint of execute-api serves private APIs alone, and a WebSocket
// API is never private. SQS has one, see [SqsEndpoint], so each push goes
//
//	function in the VPC → FIFO queue "websocket-relay" → function outside → @connections
//
// The second function runs the same program from the same asset, with
// HEARTH_ROLE=relay. The message group is the connection's id, so each client
// gets its messages in the order they were pushed. A push that found no relay
// for an hour is dropped.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html (2026-11)
type WebSocketRelay struct {
	constructs.Construct

	// Handler is the function outside the VPC.
	Handler *Handler
	// Queue is the queue between the functions.
	Queue *Queue
}

// NewWebSocketRelay creates the queue and the function outside the VPC. It panics
// with every broken rule at once.
func NewWebSocketRelay(scope constructs.Construct, id *string, props *WebSocketRelayProps) *WebSocketRelay {
	if props == nil {
		props = &WebSocketRelayProps{}
	}
	p := *props
	w := &WebSocketRelay{}
	newConstruct(w, scope, id)
	r := &rules{where: "WebSocketRelayProps"}
	if p.Api == nil {
		r.breaks("Api", "must be a WebSocketApi, got none; pass the one that clients connect to")
	}
	if p.Entry == nil {
		r.breaks("Entry", "must be the directory of a Go main package, got none; pass that of the function in the VPC")
	}
	refuse(w, r.broken)
	w.Handler = NewHandler(w, jsii.String("Handler"), &HandlerProps{
		Entry:        p.Entry,
		Architecture: p.Architecture,
		BuildTags:    p.BuildTags,
		Description:  jsii.String("Pushes to WebSocket clients"),
		Environment:  p.Environment,
		Files:        p.Files,
		Layers:       p.Layers,
		LinkerFlags:  p.LinkerFlags,
		LogRetention: p.LogRetention,
		Manifest:     p.Manifest,
		MemorySize:   jsii.Number(relayMemoryMB),
		Part:         partRelay,
		Timeout:      newDuration(relayTimeoutSecs),
	})
	w.Queue = NewQueue(w, jsii.String("Queue"), &QueueProps{
		Fifo:            jsii.Bool(true),
		Handler:         w.Handler.Alias,
		HighThroughput:  jsii.Bool(true),
		MaxConcurrency:  p.MaxConcurrency,
		Name:            jsii.String(wire.RelayQueueName),
		RetentionPeriod: newDuration(relayRetentionSecs),
	})
	p.Api.grant(w.Handler.Function, "DELETE", "POST") // close and send
	w.Handler.Function.AddEnvironment(jsii.String(wire.QueueURLEnv(wire.RelayQueueName)), w.Queue.Queue.QueueUrl(), nil)
	return w
}

// GrantPush lets a function push to the clients of the API through the relay: it
// may send to the queue, whose URL it gets in HEARTH_QUEUE_URL_WEBSOCKET_RELAY.
func (w *WebSocketRelay) GrantPush(fn awslambda.Function) awsiam.Grant {
	fn.AddEnvironment(jsii.String(wire.QueueURLEnv(wire.RelayQueueName)), w.Queue.Queue.QueueUrl(), nil)
	return w.Queue.Queue.GrantSendMessages(fn)
}
