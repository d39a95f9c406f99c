package hearth

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// BackendProps configure a [Backend].
type BackendProps struct {
	// Entry is the directory of the Go main package, relative to the working
	// directory of the CDK app, or absolute.
	Entry *string

	// Concurrency bounds the instances, and keeps some of them warm.
	//
	// @default - unreserved, and nothing kept warm
	Concurrency *ConcurrencyProps

	// Database puts an RDS Proxy in front of a database, places the function in
	// its VPC and lets the program connect.
	//
	// @default - none
	Database *DatabaseProxyProps

	// Environment is given to the program as environment variables.
	//
	// @default - none
	Environment *map[string]*string

	// Handler refines the function. Its Concurrency, Entry, Environment and
	// Manifest must be unset, because they are props of the backend. Its Vpc is
	// that of Database by default.
	//
	// @default - the defaults of [HandlerProps]
	Handler *HandlerProps

	// Http refines the HTTP API. Its Handler must be unset. A program that serves
	// no HTTP must not have it.
	//
	// @default - the defaults of [HttpApiProps] when the program serves HTTP
	Http *HttpApiProps

	// Manifest says that the program is asked what it serves. With false, the
	// props declare it instead: Http and WebSocket when they are not nil, and
	// each of Queues and Schedules.
	//
	// @default true
	Manifest *bool

	// Queues refine the queues that the program consumes, by their logical
	// names. Handler, FunctionTimeout and Name of each must be unset. A queue
	// that the program only sends to is none of these: create a [Queue] and call
	// [Queue.GrantSend].
	//
	// @default - the defaults of [QueueProps] for each queue of the program
	Queues map[string]*QueueProps

	// Schedules refine the schedules that the program runs, by their logical
	// names. Handler and Name of each must be unset.
	//
	// @default - the defaults of [ScheduleProps] for each schedule of the program
	Schedules map[string]*ScheduleProps

	// WebSocket refines the WebSocket API. Its Handler must be unset. A program
	// that serves no WebSocket API must not have it.
	//
	// @default - the defaults of [WebSocketApiProps] when the program serves one
	WebSocket *WebSocketApiProps
}

// Backend is a whole backend that is one Go program. It asks the program what it
// serves and creates exactly that: the function with its alias, an HTTP API, a
// WebSocket API, the queues that the program consumes and its schedules, all of
// which invoke the alias.
//
// The program may send to each queue that it consumes, push to the clients of
// its WebSocket API, and connect to Database.
//
// A backend is the composition of this package's other constructs and does
// nothing that they cannot do alone, except to check them against each other.
//
// The ids of its children are "Handler", "Http", "WebSocket", "Database",
// "Queue-{name}" and "Schedule-{name}", and "HttpUrl" and "WebSocketUrl" of its
// outputs.
type Backend struct {
	constructs.Construct

	// Database is the proxy; nil without BackendProps.Database.
	Database *DatabaseProxy
	// Handler is the program's function, version and alias.
	Handler *Handler
	// Http is the HTTP API; nil when the program serves none.
	Http *HttpApi
	// Queues are the queues that the program consumes, by their logical names.
	Queues map[string]*Queue
	// Schedules are the schedules that the program runs, by their logical names.
	Schedules map[string]*Schedule
	// WebSocket is the WebSocket API; nil when the program serves none.
	WebSocket *WebSocketApi

	manifest *Manifest
}

// NewBackend creates a backend. It panics with every broken rule at once, and
// with the compiler's own message when the program does not build.
func NewBackend(scope constructs.Construct, id *string, props *BackendProps) *Backend {
	if props == nil {
		props = &BackendProps{}
	}
	b := &Backend{Queues: map[string]*Queue{}, Schedules: map[string]*Schedule{}}
	newConstruct(b, scope, id)
	plan, broken := newBackendPlan(props)
	refuse(b, broken)
	b.manifest = plan.manifest

	b.Handler = NewHandler(b, jsii.String("Handler"), plan.handler)
	if plan.database != nil {
		b.Database = NewDatabaseProxy(b, jsii.String("Database"), plan.database)
		b.Database.GrantConnect(b.Handler.Function)
		b.Database.AddDependent(b.Handler.Alias)
	}
	if plan.http != nil {
		plan.http.Handler = b.Handler.Alias
		b.Http = NewHttpApi(b, jsii.String("Http"), plan.http)
		b.output("HttpUrl", "URL of the HTTP API", b.Http.Url())
	}
	if plan.webSocket != nil {
		plan.webSocket.Handler = b.Handler.Alias
		b.WebSocket = NewWebSocketApi(b, jsii.String("WebSocket"), plan.webSocket)
		b.WebSocket.GrantManageConnections(b.Handler.Function)
		b.output("WebSocketUrl", "URL of the WebSocket API", b.WebSocket.Url())
		if isolated(plan.handler) {
			warn(b, "isolatedWebSocket", "the function is in isolated subnets, from which it cannot push to WebSocket clients: @connections has no VPC endpoint; replies to messages still arrive; use subnets with NAT to push")
		}
	}
	for _, name := range plan.queueNames {
		q := plan.queues[name]
		q.Handler = b.Handler.Alias
		b.Queues[name] = NewQueue(b, jsii.String("Queue-"+name), q)
		b.Queues[name].GrantSend(b.Handler.Function)
	}
	for _, name := range plan.scheduleNames {
		s := plan.schedules[name]
		s.Handler = b.Handler.Alias
		b.Schedules[name] = NewSchedule(b, jsii.String("Schedule-"+name), s)
	}
	for _, warning := range plan.warnings {
		warn(b, warning.id, warning.message)
	}
	return b
}

// Manifest is what the program serves, or what the props declare when
// BackendProps.Manifest is false. It must not be changed.
func (b *Backend) Manifest() *Manifest { return b.manifest }

// output adds an output for a URL, unless there is none.
func (b *Backend) output(id, description string, url *string) {
	if url != nil {
		awscdk.NewCfnOutput(b, jsii.String(id), &awscdk.CfnOutputProps{Description: jsii.String(description), Value: url})
	}
}

// isolated tells whether all subnets of a function are without a way to the
// internet.
func isolated(p *HandlerProps) bool {
	if p.Vpc == nil {
		return false
	}
	without := map[string]bool{}
	for _, subnet := range *p.Vpc.IsolatedSubnets() {
		without[*subnet.Node().Path()] = true
	}
	selection := p.VpcSubnets
	if selection == nil {
		selection = &awsec2.SubnetSelection{}
	}
	subnets := *p.Vpc.SelectSubnets(selection).Subnets
	return len(subnets) > 0 && !slices.ContainsFunc(subnets, func(s awsec2.ISubnet) bool {
		return !without[*s.Node().Path()]
	})
}

// sortedKeys makes the order of children, which a Go map has not, that of their
// names.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
