package lambdaruntime

import "github.com/lambdahearth/hearth/lambdaruntime/internal/event"

// Kind is the type of a Lambda event, told from its payload by [Detect]. Its String is
// one of http-v2, http-v1, alb, websocket, sqs, schedule, eventbridge, sns, s3,
// dynamodb, kinesis, authorizer and unknown.
type Kind = event.Kind

// The kinds of events that [Detect] tells apart.
const (
	// KindUnknown is any payload that matches no other kind.
	KindUnknown = event.KindUnknown
	// KindHTTPv2 is an HTTP request in payload format 2.0: an API Gateway HTTP API
	// or a Lambda function URL.
	KindHTTPv2 = event.KindHTTPv2
	// KindHTTPv1 is an HTTP request in payload format 1.0: an API Gateway REST API,
	// or an HTTP API integration of that format.
	KindHTTPv1 = event.KindHTTPv1
	// KindALB is an HTTP request from an Application Load Balancer's target group.
	KindALB = event.KindALB
	// KindWebSocket is a connect, message or disconnect event of an API Gateway
	// WebSocket API.
	KindWebSocket = event.KindWebSocket
	// KindSQS is a batch of messages from a standard or FIFO queue.
	KindSQS = event.KindSQS
	// KindSchedule is a run of an EventBridge Scheduler schedule or of an
	// EventBridge rule with a schedule.
	KindSchedule = event.KindSchedule
	// KindEventBridge is any other event from an EventBridge bus.
	KindEventBridge = event.KindEventBridge
	// KindSNS is a notification from an SNS topic.
	KindSNS = event.KindSNS
	// KindS3 is a notification from an S3 bucket.
	KindS3 = event.KindS3
	// KindDynamoDB is a batch of records from a DynamoDB stream.
	KindDynamoDB = event.KindDynamoDB
	// KindKinesis is a batch of records from a Kinesis data stream.
	KindKinesis = event.KindKinesis
	// KindAuthorizer is a request to an API Gateway Lambda authorizer.
	KindAuthorizer = event.KindAuthorizer
)

// Detect tells the kind of an event from its payload, in one pass and from
// discriminating fields only. A payload that is not a valid JSON object is
// [KindUnknown].
func Detect(payload []byte) Kind { return event.Detect(payload) }
