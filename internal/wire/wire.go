// Package wire holds what the two sides of Hearth must agree on: the names of
// environment variables and the manifest that a handler program writes and the
// constructs read. The constructs (synth time), the runtime (inside Lambda) and
// the local engine import it; it imports none of them.
package wire

import "strings"

// Environment variables that the constructs set on a function and the runtime
// and its client packages read.
const (
	// EnvManifest names the file a handler program writes its [Manifest] to.
	// When it is set, lambdaruntime.Start writes the file and exits before any
	// warm-up.
	EnvManifest = "HEARTH_MANIFEST"

	// EnvQueues holds the URLs of the queues that a program consumes or sends to, by
	// their logical names; see [FormatQueues] and [ParseQueues].
	EnvQueues = "HEARTH_QUEUES"

	// EnvPartialResponses names the queues whose event source mappings take partial
	// batch responses (FunctionResponseTypes: ReportBatchItemFailures): logical names,
	// joined by commas. A failed job of any other queue fails its whole invocation,
	// since Lambda would delete its message otherwise.
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

	// EnvRole says which half of the program a function runs when several
	// functions share it: [RoleRequests], [RoleJobs] or [RoleRelay]. Without it, the
	// function runs everything.
	EnvRole = "HEARTH_ROLE"

	// EnvResponseStream is "true" on a function whose Function URLs stream: what
	// comes through one of them is answered in Lambda's streaming form. No event
	// says how its URL wants the answer.
	EnvResponseStream = "HEARTH_RESPONSE_STREAM"

	// EnvResponseStreamREST is "true" on a function whose REST APIs stream: what comes
	// through one of them is answered in Lambda's streaming form. An event of a REST API
	// has payload format 1.0 and, unlike that of an HTTP API, no version.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (2026-11)
	EnvResponseStreamREST = "HEARTH_RESPONSE_STREAM_REST"
)

// The attributes of the table of the WebSocket connections that the constructs
// create it with: two keys, both strings, and the time to live.
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
// reads: a response of the type ResponseStreamType is JSON with statusCode, headers
// and cookies, then ResponseStreamDelimiter, then the body. Of AWS's pages, that of
// API Gateway, which takes the same form, describes it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (2026-11)
const (
	ResponseStreamType      = "application/vnd.awslambda.http-integration-response"
	ResponseStreamDelimiter = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// MaxWebSocketMessage is the most bytes of a WebSocket message, either way.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const MaxWebSocketMessage = 128 * 1024

// Metrics that the runtime writes and the constructs' alarms watch, in the namespace
// MetricNamespace with the dimension FunctionName and, where there is one, a second.
const (
	MetricNamespace = "Hearth"

	// MetricJobsDone and MetricJobsFailed count jobs, also by Queue.
	MetricJobsDone   = "JobsDone"
	MetricJobsFailed = "JobsFailed"
	// MetricTimeouts counts operations that took too long, also by Kind.
	MetricTimeouts = "Timeouts"
	// MetricHealed counts instances that ended since abandoned code held what others
	// need, also by Pool.
	MetricHealed = "Healed"
)

// FunctionURLDomain is part of the domain of every Function URL, and of nothing
// else: {url-id}.lambda-url.{region}.on.aws.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (2026-11)
const FunctionURLDomain = ".lambda-url."

// Values of [EnvRole].
const (
	// RoleRequests serves HTTP requests and WebSocket events.
	RoleRequests = "requests"
	// RoleJobs consumes queues and runs schedules.
	RoleJobs = "jobs"
	// RoleRelay consumes [RelayQueueName] and pushes what is in it.
	RoleRelay = "relay"
)

// RelayQueueName is the logical name of the FIFO queue between a function that
// cannot reach the @connections endpoint and the one that pushes for it. A function
// that has this queue's URL and no [EnvWebSocketEndpoint] puts its pushes there, with
// the connection id as the message group. Pushes through a relay with a name go to the
// queue [RelayQueue] of that name.
const RelayQueueName = "websocket-relay"

// RelayQueue returns the logical name under which a function that pushes knows the
// queue of a relay: that of a second WebSocket API has a name.
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
// database, WebSocket API or connection table that one program uses.
// Named(EnvDatabaseHost, "reports") is HEARTH_DATABASE_HOST_REPORTS. The constructs take
// the name as ConnectOptions.Name, and the program gives it to postgres.Options.Connection,
// mysql.Options.Connection, connections.Named, registry.Named or relay.Named. The empty name is
// that of the connection without a name, whose variable is returned as it is.
func Named(variable, name string) string {
	if name == "" {
		return variable
	}
	return variable + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Metadata of a function's resource in the template, by which the constructs tell
// the local engine where the program's source is.
const (
	// MetadataEntry holds the folder of the Go main package, relative to the one
	// that the CDK app runs in, with "/" between its parts.
	MetadataEntry = "hearth:entry"
	// MetadataBuildTags holds the program's own build tags, joined by commas.
	MetadataBuildTags = "hearth:buildTags"
)

// Schedule events. The constructs give EventBridge Scheduler an input of the
// shape it sends by itself, with the schedule's logical name added in detail,
// so that a program can tell its schedules apart:
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
