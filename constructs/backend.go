package hearth

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// BackendProps configure a [Backend].
type BackendProps struct {
	// Entry is the directory of the Go main package, relative to the working
	// directory of the CDK app, or absolute. It must be unset with Handler.Code or
	// Handler.Image, and is required without them.
	Entry *string

	// Concurrency bounds the instances, and keeps some of them warm.
	//
	// @default - unreserved, and nothing kept warm
	Concurrency *ConcurrencyProps

	// ConnectionRegistry is the table in which the program records the connections of its
	// WebSocket API. If its functions are in isolated subnets, Vpc is by default their
	// VPC, unless this app creates an endpoint for DynamoDB there.
	//
	// @default - none
	ConnectionRegistry *ConnectionRegistryProps

	// Database puts an RDS Proxy in front of a database, places the function in
	// its VPC and lets the program connect.
	//
	// @default - none
	Database *DatabaseProxyProps

	// DirectDatabase lets the program connect to a database without a proxy. It
	// contradicts Database. Handler.Vpc must be the VPC of the database.
	//
	// @default - none
	DirectDatabase *DirectDatabaseProps

	// EncryptionKey encrypts the queues, tables and schedules that the backend creates,
	// unless their own props have another key. Log groups and variables are encrypted
	// through Handler: with LogGroup, and with EnvironmentEncryption in Refine.
	//
	// @default - keys that AWS manages
	EncryptionKey awskms.IKey

	// Environment sets environment variables of the program, also while synth asks it for
	// its manifest; see [HandlerProps.Manifest].
	//
	// @default - none
	Environment *map[string]*string

	// FunctionUrl serves HTTP on a function URL instead of an HTTP API. Its Handler must
	// be unset.
	//
	// @default - none
	FunctionUrl *FunctionUrlProps

	// Handler refines the function. Its Concurrency, Entry, Environment and
	// Manifest must be unset, because they are props of the backend. Its Vpc is
	// that of Database by default.
	//
	// @default - the defaults of [HandlerProps]
	Handler *HandlerProps

	// Http refines the HTTP API. Its Handler must be unset. A program that serves
	// no HTTP must not have it.
	//
	// @default - the defaults of [HttpApiProps] when the program serves HTTP, unless FunctionUrl, Rest or HttpElsewhere is set
	Http *HttpApiProps

	// HttpElsewhere says that another API of the app, or a load balancer, invokes
	// Handler.Alias for HTTP, so the backend creates no API.
	//
	// @default false
	HttpElsewhere *bool

	// IdempotencyTable is the table in which the program remembers what was done, with
	// package idempotency/dynamostore. Its RemovalPolicy is that of the backend by default.
	// Where the functions are in isolated subnets, Vpc is theirs, unless this app creates
	// an endpoint for DynamoDB there.
	//
	// @default - none
	IdempotencyTable *IdempotencyTableProps

	// Jobs runs the queues and schedules on a second function from the same asset, so
	// that a burst of jobs takes no instance that requests need. Unset props are as in
	// Handler, except Concurrency, FunctionName, LogGroup and Role, which are its own.
	// The props that make the asset must be unset, and so must Environment, Half,
	// Manifest and Vpc.
	//
	// @default - one function serves requests and runs jobs
	Jobs *HandlerProps

	// Manifest says that synth asks the program for its manifest. With false, the props
	// declare it instead: Http, Rest, FunctionUrl, HttpElsewhere and WebSocket when they
	// are set, and each of Queues and Schedules.
	//
	// @default true
	Manifest *bool

	// Monitoring adds a dashboard and alarms for all parts. Its Backend must be
	// unset.
	//
	// @default - none
	Monitoring *MonitoringProps

	// Queues refine the queues that the program consumes, by their logical names.
	// Handler, FunctionTimeout and Name of each must be unset. A queue that the program
	// only sends to does not belong here: create a [Queue] and pass the backend to
	// [Queue.ConnectSend].
	//
	// @default - the defaults of [QueueProps] for each queue of the program
	Queues map[string]*QueueProps

	// RemovalPolicy decides whether the queues, with their messages, and the log groups
	// of the backend are kept when they leave the stack. A commit to the program that
	// renames or removes a consumer removes its queue. Set DESTROY for a temporary stage.
	//
	// @default awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	RemovalPolicy awscdk.RemovalPolicy

	// RenamedQueues are the former names of queues, by their names in the program. A
	// queue with its former name stays the same queue, with its messages.
	//
	// @default - none
	RenamedQueues map[string]string

	// Rest serves HTTP with a REST API instead of an HTTP API. Its Handler must be unset.
	//
	// @default - none
	Rest *RestApiProps

	// ScheduleDeadLetterQueue receives the schedule runs that would be lost: those that
	// EventBridge Scheduler could not deliver, and those that failed three times in the
	// program. It must be a standard queue. DeadLetterQueue of a schedule and OnFailure
	// of HandlerProps.AsyncInvoke take precedence.
	//
	// @default - a new queue for a program with schedules
	ScheduleDeadLetterQueue awssqs.IQueue

	// Schedules refine the schedules that the program runs, by their logical
	// names. Handler and Name of each must be unset.
	//
	// @default - the defaults of [ScheduleProps] for each schedule of the program
	Schedules map[string]*ScheduleProps

	// SqsEndpoint creates an interface endpoint for SQS in the VPC, through which
	// functions in isolated subnets send to queues. A VPC can have only one: the private
	// DNS name of a second one would conflict.
	//
	// @default - true for functions in isolated subnets whose program consumes queues or whose pushes are relayed, unless this app creates an endpoint for SQS in the VPC
	SqsEndpoint *bool

	// WebSocket refines the WebSocket API. Its Handler must be unset. A program
	// that serves no WebSocket API must not have it.
	//
	// @default - the defaults of [WebSocketApiProps] when the program serves one
	WebSocket *WebSocketApiProps

	// WebSocketRelay sends pushes to WebSocket clients through a queue to a
	// function from the same asset outside the VPC; see [WebSocketRelay].
	// Functions in isolated subnets cannot push without it.
	//
	// @default false
	WebSocketRelay *bool
}

// Backend is a whole backend that is one Go program. It reads the program's manifest and
// creates exactly what that lists: the function with its alias, an HTTP API, a WebSocket
// API, the queues that the program consumes and its schedules. All of them invoke the
// alias.
//
// The program may send to each queue that it consumes, push to the clients of
// its WebSocket API, and connect to Database.
//
// A backend only composes this package's other constructs, and checks them against each
// other.
//
// The ids of its children are "Handler", "Jobs", "Http", "Rest", "FunctionUrl",
// "WebSocket", "WebSocketRelay", "ConnectionRegistry", "IdempotencyTable", "Database",
// "DirectDatabase", "ScheduleRole", "SqsEndpoint", "Monitoring", "Queue-{name}" with the
// queue's first name, "Schedule-{name}", and "HttpUrl" and "WebSocketUrl" for its outputs.
type Backend struct {
	constructs.Construct

	// ConnectionRegistry is the table of the WebSocket connections; nil without
	// BackendProps.ConnectionRegistry.
	ConnectionRegistry *ConnectionRegistry
	// Database is the proxy; nil without BackendProps.Database.
	Database *DatabaseProxy
	// DirectDatabase is the database without a proxy; nil without
	// BackendProps.DirectDatabase.
	DirectDatabase *DirectDatabase
	// FunctionUrl is the function URL; nil without BackendProps.FunctionUrl.
	FunctionUrl *FunctionUrl
	// Handler is the program's function, version and alias.
	Handler *Handler
	// Http is the HTTP API; nil when the program serves no HTTP, or another way.
	Http *HttpApi
	// IdempotencyTable is the table of what was done; nil without
	// BackendProps.IdempotencyTable.
	IdempotencyTable *IdempotencyTable
	// Jobs is the function that runs the jobs; nil without BackendProps.Jobs.
	Jobs *Handler
	// Monitoring is the dashboard and the alarms; nil without
	// BackendProps.Monitoring.
	Monitoring *Monitoring
	// Queues are the queues that the program consumes, by their logical names.
	Queues map[string]*Queue
	// Rest is the REST API; nil without BackendProps.Rest.
	Rest *RestApi
	// ScheduleDeadLetterQueue receives the schedule runs that would be lost; nil for a
	// program without schedules.
	ScheduleDeadLetterQueue awssqs.IQueue
	// Schedules are the schedules that the program runs, by their logical names.
	Schedules map[string]*Schedule
	// WebSocket is the WebSocket API; nil when the program serves none.
	WebSocket *WebSocketApi
	// WebSocketRelay sends the functions' pushes to the clients; nil without
	// BackendProps.WebSocketRelay.
	WebSocketRelay *WebSocketRelay
	app            *app
	connections    awsec2.Connections
	manifest       *Manifest
}

// NewBackend creates a backend. It panics with every broken rule at once, and
// with the compiler's own message when the program does not build.
func NewBackend(scope constructs.Construct, id *string, props *BackendProps) *Backend {
	if props == nil {
		props = &BackendProps{}
	}
	b := &Backend{Queues: map[string]*Queue{}, Schedules: map[string]*Schedule{}}
	b.app = newConstruct(b, scope, id)
	plan, broken := newBackendPlan(props)
	refuse(b, broken)
	b.manifest = plan.manifest

	b.keepLostRuns(props, plan)
	b.Handler = NewHandler(b, jsii.String("Handler"), plan.handler)
	jobs := b.Handler
	if plan.jobs != nil {
		b.Jobs = NewHandler(b, jsii.String("Jobs"), plan.jobs)
		jobs = b.Jobs
	}
	for _, h := range b.handlers() {
		if h.contract != nil {
			h.contract.complete = true
		}
		b.app.budgetOf(h.Function).quiet = true // the plan knows the same queues by their names
	}
	if plan.database != nil {
		b.Database = NewDatabaseProxy(b, jsii.String("Database"), plan.database)
		b.Database.Connect(b, nil)
	}
	if props.DirectDatabase != nil {
		b.DirectDatabase = NewDirectDatabase(b, jsii.String("DirectDatabase"), props.DirectDatabase)
		b.DirectDatabase.Connect(b, nil)
	}
	if plan.http != nil {
		plan.http.Handler = b.Handler.Alias
		b.Http = NewHttpApi(b, jsii.String("Http"), plan.http)
		b.output("HttpUrl", "URL of the HTTP API", b.Http.Url())
	}
	if plan.rest != nil {
		plan.rest.Handler = b.Handler.Alias
		b.Rest = NewRestApi(b, jsii.String("Rest"), plan.rest)
		b.output("HttpUrl", "URL of the REST API", b.Rest.Url())
	}
	if plan.functionUrl != nil {
		plan.functionUrl.Handler = b.Handler.Alias
		b.FunctionUrl = NewFunctionUrl(b, jsii.String("FunctionUrl"), plan.functionUrl)
		b.output("HttpUrl", "URL of the function", b.FunctionUrl.Url())
	}
	if plan.webSocket != nil {
		plan.webSocket.Handler = b.Handler.Alias
		b.WebSocket = NewWebSocketApi(b, jsii.String("WebSocket"), plan.webSocket)
		b.output("WebSocketUrl", "URL of the WebSocket API", b.WebSocket.Url())
		if plan.relay != nil {
			plan.relay.Api = b.WebSocket
			b.WebSocketRelay = NewWebSocketRelay(b, jsii.String("WebSocketRelay"), plan.relay)
		}
		if b.WebSocketRelay != nil {
			b.WebSocketRelay.ConnectPush(b, nil)
		} else {
			b.WebSocket.ConnectManage(b, nil)
		}
	}
	b.addConnectionRegistry(plan)
	b.addIdempotencyTable(plan)
	for _, name := range plan.queueNames {
		q := plan.queues[name]
		q.Handler = jobs.Alias
		b.Queues[name] = NewQueue(b, jsii.String("Queue-"+plan.queueIDs[name]), q)
		b.Queues[name].ConnectSend(b, nil)
	}
	var role awsiam.IRole
	for _, name := range plan.scheduleNames {
		s := plan.schedules[name]
		s.Handler = jobs.Alias
		if s.Role == nil && s.Group == nil {
			// One role for all of them, since a stack has room for 500 resources.
			if role == nil {
				role = newScheduleRole(b, "ScheduleRole", nil)
				b.app.parents[role] = b
			}
			s.Role = role
		}
		b.Schedules[name] = NewSchedule(b, jsii.String("Schedule-"+name), s)
	}
	b.addSqsEndpoint(props, plan)
	if props.Monitoring != nil {
		monitoring := *props.Monitoring
		monitoring.Backend = b
		b.Monitoring = NewMonitoring(b, jsii.String("Monitoring"), &monitoring)
	}
	for _, warning := range plan.warnings {
		warn(b, warning.id, warning.message)
	}
	return b
}

// keepLostRuns gives the schedules and their function a queue for runs that would be
// lost. EventBridge Scheduler drops a run after its retries, and Lambda drops an event
// that failed three times.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (2026-11)
func (b *Backend) keepLostRuns(props *BackendProps, plan *backendPlan) {
	if len(plan.scheduleNames) == 0 {
		return
	}
	b.ScheduleDeadLetterQueue = props.ScheduleDeadLetterQueue
	if b.ScheduleDeadLetterQueue == nil {
		encryption := awssqs.QueueEncryption_SQS_MANAGED
		if props.EncryptionKey != nil {
			encryption = awssqs.QueueEncryption_KMS
		}
		b.ScheduleDeadLetterQueue = awssqs.NewQueue(b, jsii.String("ScheduleDeadLetters"), &awssqs.QueueProps{
			Encryption:          encryption,
			EncryptionMasterKey: props.EncryptionKey,
			EnforceSSL:          jsii.Bool(true),
			// No other queue may use it as its dead-letter queue.
			RedriveAllowPolicy: &awssqs.RedriveAllowPolicy{RedrivePermission: awssqs.RedrivePermission_DENY_ALL},
			RemovalPolicy:      props.removal(),
			RetentionPeriod:    b.app.duration(defaultDeadLetterRetentionSecs),
		})
		b.app.parents[b.ScheduleDeadLetterQueue] = b
	}
	for _, s := range plan.schedules {
		if s.DeadLetterQueue == nil {
			s.DeadLetterQueue = b.ScheduleDeadLetterQueue
		}
	}
	runs, async := *plan.jobsHandler(), awslambda.EventInvokeConfigOptions{}
	if runs.AsyncInvoke != nil {
		async = *runs.AsyncInvoke
	}
	if async.OnFailure == nil {
		async.OnFailure = awslambdadestinations.NewSqsDestination(b.ScheduleDeadLetterQueue)
	}
	runs.AsyncInvoke = &async
	// A copy, since a relay shares the props of the handler, and runs no schedules.
	if plan.jobs != nil {
		plan.jobs = &runs
	} else {
		plan.handler = &runs
	}
}

// Manifest returns what the program serves, or what the props declare when
// BackendProps.Manifest is false. The caller must not change it.
func (b *Backend) Manifest() *Manifest { return b.manifest }

// Queue returns the queue that the program consumes under this name. Without one, it
// panics and lists the existing names.
func (b *Backend) Queue(name string) *Queue {
	q := b.Queues[name]
	if q == nil {
		r := &rules{where: "Backend"}
		refuse(b, []error{r.brokenRule(fmt.Sprintf("Queue(%q)", name), "must be a queue that the program consumes, got none of this name (it consumes %s); correct the name, or add a consumer", listNear(name, sortedKeys(b.Queues)))})
	}
	return q
}

// Schedule returns the schedule that the program runs under this name. Without one, it
// panics and lists the existing names.
func (b *Backend) Schedule(name string) *Schedule {
	s := b.Schedules[name]
	if s == nil {
		r := &rules{where: "Backend"}
		refuse(b, []error{r.brokenRule(fmt.Sprintf("Schedule(%q)", name), "must be a schedule that the program runs, got none of this name (it runs %s); correct the name, or add it to App.Schedules", listNear(name, sortedKeys(b.Schedules)))})
	}
	return s
}

// handlers returns the functions that run the program's own code.
func (b *Backend) handlers() []*Handler {
	if b.Jobs == nil {
		return []*Handler{b.Handler}
	}
	return []*Handler{b.Handler, b.Jobs}
}

// GrantPrincipal implements awsiam.IGrantable: a grant to the backend goes to all
// functions of the program.
func (b *Backend) GrantPrincipal() awsiam.IPrincipal { return principals(functionsOf(b)).grantable() }

// Connections implements awsec2.IConnectable. It returns the security groups of all
// functions of the program, which must be in a VPC.
func (b *Backend) Connections() awsec2.Connections {
	if b.connections == nil {
		var groups []awsec2.ISecurityGroup
		for _, h := range b.handlers() {
			for _, group := range *h.Connections().SecurityGroups() {
				if !slices.Contains(groups, group) {
					groups = append(groups, group)
				}
			}
		}
		b.connections = awsec2.NewConnections(&awsec2.ConnectionsProps{SecurityGroups: &groups})
	}
	return b.connections
}

// AddEnvironment adds an environment variable to all functions of the program, and
// returns the first one. It panics for a variable that Lambda or a connection sets.
func (b *Backend) AddEnvironment(key *string, value *string, options *awslambda.EnvironmentOptions) awslambda.Function {
	for _, h := range b.handlers() {
		h.AddEnvironment(key, value, options)
	}
	return b.Handler.Function
}

// addConnectionRegistry creates the table of the WebSocket connections. The relay uses it
// too, because it learns which of them have ended.
func (b *Backend) addConnectionRegistry(plan *backendPlan) {
	if plan.registry == nil {
		return
	}
	plan.registry.Vpc = b.tableVpc(plan, plan.registry.Vpc)
	b.ConnectionRegistry = NewConnectionRegistry(b, jsii.String("ConnectionRegistry"), plan.registry)
	b.ConnectionRegistry.Connect(b, nil)
	if b.WebSocketRelay != nil {
		b.ConnectionRegistry.Connect(b.WebSocketRelay.Handler, nil)
	}
}

// addIdempotencyTable creates the table of what was done.
func (b *Backend) addIdempotencyTable(plan *backendPlan) {
	if plan.idempotency == nil {
		return
	}
	plan.idempotency.Vpc = b.tableVpc(plan, plan.idempotency.Vpc)
	b.IdempotencyTable = NewIdempotencyTable(b, jsii.String("IdempotencyTable"), plan.idempotency)
	b.IdempotencyTable.Connect(b, nil)
}

// tableVpc is the VPC that needs an endpoint for a table: the given one, or that of
// isolated functions without an endpoint.
func (b *Backend) tableVpc(plan *backendPlan, vpc awsec2.IVpc) awsec2.IVpc {
	if vpc == nil && b.isolated() && endpointIn(plan.handler.Vpc, ".dynamodb") == nil {
		return plan.handler.Vpc
	}
	return vpc
}

// isolated reports whether any of the program's functions has no route to the internet.
func (b *Backend) isolated() bool {
	return slices.ContainsFunc(b.handlers(), (*Handler).isolated)
}

// addSqsEndpoint creates the endpoint between isolated subnets and SQS, or opens the
// endpoint of another backend.
func (b *Backend) addSqsEndpoint(props *BackendProps, plan *backendPlan) {
	vpc := plan.handler.Vpc
	wanted := (len(plan.queueNames) > 0 || plan.relay != nil) && b.isolated()
	var endpoint *SqsEndpoint
	if props.SqsEndpoint != nil {
		wanted = *props.SqsEndpoint
	} else if wanted {
		existing := endpointIn(vpc, ".sqs")
		endpoint = sqsEndpointOf(existing)
		wanted = existing == nil
	}
	if wanted {
		endpoint = NewSqsEndpoint(b, jsii.String("SqsEndpoint"), &SqsEndpointProps{Vpc: vpc, VpcSubnets: plan.handler.VpcSubnets})
	}
	if endpoint == nil {
		return
	}
	endpoint.Connect(b)
}

// output adds an output for a URL, unless there is none.
func (b *Backend) output(id, description string, url *string) {
	if url != nil {
		awscdk.NewCfnOutput(b, jsii.String(id), &awscdk.CfnOutputProps{Description: jsii.String(description), Value: url})
	}
}

// sortedKeys returns the keys in order, so that children are created in the same order
// every time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
