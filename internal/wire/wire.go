// Package wire holds the names on which two sides of Hearth must agree: environment
// variables, and the manifest that a handler program writes and the constructs read. The
// constructs (synth time), the runtime (inside Lambda) and the local engine import it; it
// imports none of them.
package wire

import "strings"

// Environment variables that the constructs set on a function and the runtime
// and its client packages read.
const (
	// EnvManifest names the file for the program's [Manifest]. When it is set,
	// lambdaruntime.Start writes the file and exits before any warm-up.
	EnvManifest = "HEARTH_MANIFEST"

	// EnvQueues holds the URLs of the queues that a program consumes or sends to, by
	// their logical names; see [FormatQueues] and [ParseQueues].
	EnvQueues = "HEARTH_QUEUES"

	// EnvPartialResponses names the queues whose event source mappings take partial
	// batch responses (FunctionResponseTypes: ReportBatchItemFailures): logical names,
	// joined by commas, or * for all names in HEARTH_QUEUES, since the names of 50 queues
	// in two variables take more than Lambda's 4,096 bytes. A failed job of any other
	// queue fails its whole invocation, since Lambda would delete its message otherwise.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
	EnvPartialResponses = "HEARTH_PARTIAL_RESPONSES"

	// EnvWebSocketEndpoint holds the @connections endpoint of the WebSocket
	// API's stage: https://{api-id}.execute-api.{region}.amazonaws.com/{stage}.
	EnvWebSocketEndpoint = "HEARTH_WEBSOCKET_ENDPOINT"

	// EnvConnectionsTable holds the name of the DynamoDB table of the WebSocket
	// connections; see [ConnectionsPartitionKey].
	EnvConnectionsTable = "HEARTH_CONNECTIONS_TABLE"

	// EnvIdempotencyTable holds the name of the DynamoDB table of idempotency keys; see
	// [IdempotencyPartitionKey].
	EnvIdempotencyTable = "HEARTH_IDEMPOTENCY_TABLE"

	// EnvDatabaseHost holds the host name of the RDS Proxy endpoint.
	EnvDatabaseHost = "HEARTH_DATABASE_HOST"
	// EnvDatabasePort holds the TCP port of the RDS Proxy endpoint.
	EnvDatabasePort = "HEARTH_DATABASE_PORT"
	// EnvDatabaseName holds the name of the database to open.
	EnvDatabaseName = "HEARTH_DATABASE_NAME"
	// EnvDatabaseUser holds the database user that logs in with an IAM token.
	EnvDatabaseUser = "HEARTH_DATABASE_USER"
	// EnvDatabaseEngine holds [EnginePostgres] or [EngineMySQL].
	EnvDatabaseEngine = "HEARTH_DATABASE_ENGINE"

	// EnvRole is the half of the program that a function runs when several functions
	// share it: [RoleRequests], [RoleJobs] or [RoleRelay]. Without it, the function runs
	// everything.
	EnvRole = "HEARTH_ROLE"

	// EnvResponseStream is "true" on a function whose function URLs stream: the runtime
	// answers their requests in Lambda's streaming form. Events do not contain the invoke
	// mode of their URL.
	EnvResponseStream = "HEARTH_RESPONSE_STREAM"

	// EnvResponseStreamREST is "true" on a function whose REST APIs stream: the runtime
	// answers their requests in Lambda's streaming form. An event of a REST API has
	// payload format 1.0 and, unlike that of an HTTP API, no version.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (2026-11)
	EnvResponseStreamREST = "HEARTH_RESPONSE_STREAM_REST"
)

// The attributes of the table of WebSocket connections that the constructs create: two
// keys, both strings, and the time to live.
const (
	ConnectionsPartitionKey = "PK"
	ConnectionsSortKey      = "SK"
	ConnectionsTimeToLive   = "expiresAt"
)

// The attributes of the table of idempotency keys: one key, a string, and the time to
// live.
const (
	IdempotencyPartitionKey = "PK"
	IdempotencyTimeToLive   = "expiresAt"
)

// The streaming form of a response, which lambdaruntime writes and the local engine
// reads: a response of the type ResponseStreamType is JSON with statusCode, headers and
// cookies, then ResponseStreamDelimiter, then the body. AWS describes it only on this
// page of API Gateway, which takes the same form.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (2026-11)
const (
	ResponseStreamType      = "application/vnd.awslambda.http-integration-response"
	ResponseStreamDelimiter = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// MaxWebSocketMessage is a WebSocket message's size limit in bytes, in both directions.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const MaxWebSocketMessage = 128 * 1024

// Metrics that the runtime writes and the constructs' alarms watch, in the namespace
// MetricNamespace. They have the dimension FunctionName and, as stated, a second one.
const (
	MetricNamespace = "Hearth"

	// MetricJobsDone and MetricJobsFailed count jobs, also by Queue.
	MetricJobsDone   = "JobsDone"
	MetricJobsFailed = "JobsFailed"
	// MetricTimeouts counts operations that took too long, also by Kind.
	MetricTimeouts = "Timeouts"
	// MetricHealed counts instances that ended because abandoned code blocked others,
	// also by Pool.
	MetricHealed = "Healed"
)

// FunctionURLDomain is part of the domain of every function URL, and of no other domain:
// {url-id}.lambda-url.{region}.on.aws.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (2026-11)
const FunctionURLDomain = ".lambda-url."

// Values of [EnvRole].
const (
	// RoleRequests serves HTTP requests and WebSocket events.
	RoleRequests = "requests"
	// RoleJobs consumes queues and runs schedules.
	RoleJobs = "jobs"
	// RoleRelay consumes [RelayQueueName] and sends its pushes.
	RoleRelay = "relay"
)

// RelayQueueName is the logical name of the FIFO queue between a function that cannot
// reach the @connections endpoint and its relay. A function with this queue's URL and no
// [EnvWebSocketEndpoint] sends its pushes there, with the connection id as the message
// group. Pushes through a relay with a name go to the queue [RelayQueue] of that name.
const RelayQueueName = "websocket-relay"

// RelayQueue returns the pushing function's logical name for the queue of a relay. The
// relay of a second WebSocket API has a name.
func RelayQueue(name string) string {
	if name == "" {
		return RelayQueueName
	}
	return RelayQueueName + "-" + name
}

// Values of [EnvDatabaseEngine].
const (
	EnginePostgres = "postgres"
	EngineMySQL    = "mysql"
)

// Named returns the variable of a further connection of the same kind: of a second
// database, WebSocket API or connection table in one program. Named(EnvDatabaseHost,
// "reports") is HEARTH_DATABASE_HOST_REPORTS. The constructs take the name as
// ConnectOptions.Name. The program gives it to postgres.Options.Connection,
// mysql.Options.Connection, connections.Named, registry.Named or relay.Named. For the
// empty name, Named returns variable unchanged.
func Named(variable, name string) string {
	if name == "" {
		return variable
	}
	return variable + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Metadata of a function's resource in the template. The constructs tell the local engine
// with it where the program's source is.
const (
	// MetadataEntry holds the folder of the Go main package, relative to the one
	// that the CDK app runs in, with "/" between its parts.
	MetadataEntry = "hearth:entry"
	// MetadataBuildTags holds the program's own build tags, joined by commas.
	MetadataBuildTags = "hearth:buildTags"
)

// Schedule events. The constructs give EventBridge Scheduler an input in its own format,
// with the schedule's logical name added in detail, so that a program can distinguish its
// schedules:
//
//	{
//	  "version": "0",
//	  "id": "<aws.scheduler.execution-id>",
//	  "detail-type": "Scheduled Event",
//	  "source": "aws.scheduler",
//	  "time": "<aws.scheduler.scheduled-time>",
//	  "resources": ["<aws.scheduler.schedule-arn>"],
//	  "detail": {"schedule": "nightly"}
//	}
const (
	ScheduleSource     = "aws.scheduler"
	ScheduleDetailType = "Scheduled Event"
)
