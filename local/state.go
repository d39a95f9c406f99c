package local

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
	"github.com/lambdahearth/hearth/local/internal/sqs"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// State is an engine's configuration and counters, the answer of GET /_hearth/state.
type State struct {
	// URL is the engine's own URL, PID its process id.
	URL string `json:"url"`
	PID int    `json:"pid"`
	// Assembly is the folder of the cloud assembly.
	Assembly string    `json:"assembly"`
	Started  time.Time `json:"started"`
	// Time is the time on the engine's clock.
	Time time.Time `json:"time"`
	// SQSEndpoint is the value of AWS_ENDPOINT_URL_SQS for SQS clients.
	SQSEndpoint string `json:"sqsEndpoint"`
	// DynamoDBEndpoint is the value of AWS_ENDPOINT_URL_DYNAMODB for DynamoDB clients; ""
	// if the app has no tables.
	DynamoDBEndpoint string `json:"dynamodbEndpoint,omitempty"`
	// Database is the URL of the database behind RDS Proxies, without the password; "" is
	// none.
	Database string `json:"database,omitempty"`
	// Proxies are the logical ids of the RDS Proxies.
	Proxies       []string            `json:"databaseProxies"`
	HTTPAPIs      []HTTPAPIState      `json:"httpApis"`
	WebSocketAPIs []WebSocketAPIState `json:"webSocketApis"`
	Queues        []QueueState        `json:"queues"`
	Tables        []TableState        `json:"tables"`
	EventSources  []EventSourceState  `json:"eventSources"`
	Schedules     []ScheduleState     `json:"schedules"`
	Functions     []FunctionState     `json:"functions"`
	Outputs       []OutputState       `json:"outputs"`
	NotSimulated  []Resource          `json:"notSimulated"`
	// Warnings are sentences about the template: differences from AWS, and mistakes that
	// fail on AWS too.
	Warnings []string `json:"warnings"`
}

// HTTPAPIState is an HTTP API or a Function URL.
type HTTPAPIState struct {
	LogicalID string   `json:"logicalId"`
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	URL       string   `json:"url"`  // of $default, or else of the first stage
	URLs      []string `json:"urls"` // of all stages
	Routes    []string `json:"routes"`
	// Streaming says that this is a Function URL that streams its responses.
	Streaming bool            `json:"streaming,omitempty"`
	Counters  HTTPAPICounters `json:"counters"`
}

// HTTPAPICounters are the counters of an HTTP API.
type HTTPAPICounters = httpapi.Count

// WebSocketAPIState is a WebSocket API.
type WebSocketAPIState struct {
	LogicalID string `json:"logicalId"`
	Name      string `json:"name"`
	ID        string `json:"id"`
	URL       string `json:"url"` // ws://…, of the first stage
	// CallbackURL is the URL before /@connections.
	CallbackURL   string               `json:"callbackUrl"`
	Routes        []string             `json:"routes"`
	Connections   int                  `json:"connections"`
	ConnectionIDs []string             `json:"connectionIds"`
	Counters      WebSocketAPICounters `json:"counters"`
}

// WebSocketAPICounters are the counters of a WebSocket API.
type WebSocketAPICounters = websocket.Count

// QueueState is a queue. URL is its SQS queue URL.
type QueueState struct {
	LogicalID       string      `json:"logicalId"`
	Name            string      `json:"name"`
	Alias           string      `json:"alias,omitempty"` // its logical name in the program
	URL             string      `json:"url"`
	ARN             string      `json:"arn"`
	FIFO            bool        `json:"fifo"`
	DeadLetterQueue string      `json:"deadLetterQueue,omitempty"` // its name, "" for none
	Counters        SQSCounters `json:"counters"`
}

// EventSourceState is an event source mapping.
type EventSourceState struct {
	LogicalID string              `json:"logicalId"`
	Queue     string              `json:"queue"`
	Function  string              `json:"function"`
	Counters  EventSourceCounters `json:"counters"`
}

// EventSourceCounters are the counters of an event source mapping.
type EventSourceCounters = sqs.MappingStats

// ScheduleState is a schedule.
type ScheduleState = scheduler.State

// FunctionState is a function with its instances.
type FunctionState struct {
	LogicalID string `json:"logicalId"`
	Name      string `json:"name"`
	ARN       string `json:"arn"`
	// Source is the folder of its Go program; "" if the engine did not build it.
	Source         string            `json:"source,omitempty"`
	MemoryMB       int               `json:"memoryMb"`
	TimeoutSeconds float64           `json:"timeoutSeconds"`
	Reserved       *int              `json:"reservedConcurrency"`
	Provisioned    int               `json:"provisionedConcurrency"`
	Aliases        map[string]string `json:"aliases"`
	Instances      []InstanceState   `json:"instances"`
	Counters       FunctionCounters  `json:"counters"`
}

// InstanceState is one instance.
type InstanceState = lambda.InstanceState

// FunctionCounters are the counters of a function.
type FunctionCounters = lambda.Counters

// OutputState is an output of a stack, with this machine's URLs.
type OutputState struct {
	Stack string `json:"stack"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Resource is a resource of the template.
type Resource = plan.Resource

// State returns the engine's configuration and counters.
func (e *Engine) State() *State {
	e.mu.Lock()
	current := e.plan
	mappings := make([]*mapping, 0, len(e.mappings))
	for _, m := range e.mappings {
		mappings = append(mappings, m)
	}
	e.mu.Unlock()
	s := &State{
		URL: e.URL(), PID: os.Getpid(), Assembly: e.opts.Assembly, Started: e.started, Time: e.opts.clock().Now(),
		SQSEndpoint: e.SQSEndpoint(), DynamoDBEndpoint: e.DynamoDBEndpoint(), Database: e.database.describe(current.Databases), Schedules: e.scheduler.State(),
		HTTPAPIs: []HTTPAPIState{}, WebSocketAPIs: []WebSocketAPIState{}, Queues: []QueueState{}, Tables: []TableState{}, EventSources: []EventSourceState{},
		Functions: []FunctionState{}, Outputs: []OutputState{}, NotSimulated: current.NotSimulated, Warnings: append([]string{}, current.Warnings...),
	}
	s.Proxies = []string{}
	for _, r := range current.Proxies {
		s.Proxies = append(s.Proxies, r.ID)
	}
	if s.NotSimulated == nil {
		s.NotSimulated = []Resource{}
	}
	for _, h := range current.HTTPAPIs {
		s.HTTPAPIs = append(s.HTTPAPIs, e.httpState(h, current.At))
	}
	for _, w := range current.WebSockets {
		s.WebSocketAPIs = append(s.WebSocketAPIs, e.webSocketState(w, current.At))
	}
	for _, q := range current.Queues {
		if queue := e.queues.Queue(q.Definition.Name); queue != nil {
			s.Queues = append(s.Queues, queueState(q, queue))
		}
	}
	for _, t := range current.Tables {
		s.Tables = append(s.Tables, e.tableState(t))
	}
	slices.SortFunc(mappings, func(a, b *mapping) int { return strings.Compare(a.plan.Resource.String(), b.plan.Resource.String()) })
	for _, m := range mappings {
		s.EventSources = append(s.EventSources, EventSourceState{m.plan.Resource.ID, m.plan.Queue, m.plan.Function, m.Stats()})
	}
	for _, f := range current.Functions {
		if fn := e.function(f.Config.Name); fn != nil {
			s.Functions = append(s.Functions, functionState(f, fn))
		}
	}
	for _, o := range current.Outputs {
		s.Outputs = append(s.Outputs, OutputState(o))
	}
	return s
}

func (e *Engine) httpState(h *plan.HTTPAPI, addresses *plan.Addresses) HTTPAPIState {
	state := HTTPAPIState{LogicalID: h.Resource.ID, Name: h.Name, ID: h.Config.ID, URLs: []string{}, Routes: []string{}, Streaming: h.Config.URL == httpapi.StreamingURL}
	base := addresses.URL(h.Config.ID)
	stages := make([]string, 0, len(h.Config.Stages))
	for stage := range h.Config.Stages {
		stages = append(stages, stage)
	}
	slices.Sort(stages) // $default is the first
	for _, stage := range stages {
		url := base
		if stage != "$default" {
			url += "/" + stage
		}
		state.URLs = append(state.URLs, url)
	}
	if len(state.URLs) > 0 {
		state.URL = state.URLs[0]
	}
	for _, r := range h.Config.Routes {
		state.Routes = append(state.Routes, r.Key)
	}
	slices.Sort(state.Routes)
	e.mu.Lock()
	api := e.httpAPIs[h.Config.ID]
	e.mu.Unlock()
	if api != nil {
		state.Counters = api.Count()
	}
	return state
}

func (e *Engine) webSocketState(w *plan.WebSocketAPI, addresses *plan.Addresses) WebSocketAPIState {
	state := WebSocketAPIState{LogicalID: w.Resource.ID, Name: w.Name, ID: w.Config.ID, Routes: []string{}, ConnectionIDs: []string{}}
	stages := make([]string, 0, len(w.Config.Stages))
	for stage := range w.Config.Stages {
		stages = append(stages, stage)
	}
	slices.Sort(stages)
	if len(stages) > 0 {
		state.URL = addresses.URL(w.Config.ID) + "/" + stages[0]
		state.CallbackURL = "http" + strings.TrimPrefix(state.URL, "ws")
	}
	for key := range w.Config.Routes {
		state.Routes = append(state.Routes, key)
	}
	slices.Sort(state.Routes)
	e.mu.Lock()
	api := e.webSockets[w.Config.ID]
	e.mu.Unlock()
	if api != nil {
		count, open := api.Count()
		state.Counters, state.Connections, state.ConnectionIDs = count, open, append([]string{}, api.IDs()...)
	}
	return state
}

func queueState(q *plan.Queue, queue *sqs.Queue) QueueState {
	state := QueueState{
		LogicalID: q.Resource.ID, Name: queue.Name(), Alias: q.Alias, URL: queue.URL(), ARN: queue.ARN(), FIFO: queue.FIFO(), Counters: queue.Counters(),
	}
	if policy, ok := q.Definition.Attributes["RedrivePolicy"]; ok {
		if _, rest, ok := strings.Cut(policy, `"deadLetterTargetArn":"`); ok {
			target, _, _ := strings.Cut(rest, `"`)
			state.DeadLetterQueue = plan.LastPart(target, ":")
		}
	}
	return state
}

func functionState(f *plan.Function, fn *lambda.Function) FunctionState {
	config := fn.Config()
	state := FunctionState{
		LogicalID: f.Resource.ID, Name: config.Name, ARN: fn.ARN(""), Source: f.Source.Dir, MemoryMB: config.MemoryMB,
		TimeoutSeconds: config.Timeout.Seconds(), Reserved: config.Reserved, Aliases: config.Aliases,
	}
	for _, n := range config.Provisioned {
		state.Provisioned += n
	}
	state.Counters, state.Instances = fn.State()
	return state
}

// URL returns the URL of the engine's port, which serves the app's first HTTP API and
// first WebSocket API.
func (e *Engine) URL() string { return "http://" + e.main.addr }

// HTTPURL returns the URL of the first HTTP API, including its stage unless that is
// $default; "" if the app has none.
func (e *Engine) HTTPURL() string {
	for _, h := range e.State().HTTPAPIs {
		return h.URL
	}
	return ""
}

// WebSocketURL returns the URL of the first WebSocket API, ws://…/{stage}; "" if the app
// has none.
func (e *Engine) WebSocketURL() string {
	for _, w := range e.State().WebSocketAPIs {
		return w.URL
	}
	return ""
}

// SQSEndpoint returns the endpoint URL for SQS clients. They may use any region and
// credentials.
func (e *Engine) SQSEndpoint() string { return e.sqs.URL() }

// QueueURL returns the URL of a queue, by its logical name in the program, its own name,
// or a part of these that no other queue has; "" if there is no such queue.
func (e *Engine) QueueURL(name string) string {
	q, err := e.findQueue(name)
	if err != nil {
		return ""
	}
	return e.sqs.URL() + "/" + e.account + "/" + q.Definition.Name
}
