package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// FunctionSettings has the settings of a Go function's concurrency in an assembly.
type FunctionSettings struct {
	Stack     string
	LogicalID string
	// Entry is the folder of its program, relative to the folder of cdk.json; "" if the
	// assembly does not have it.
	Entry    string
	MemoryMB int
	// X86 says that it runs on x86-64 instead of arm64.
	X86     bool
	Timeout time.Duration
	// Reserved is the reserved concurrency; nil is none.
	Reserved *int
	// Provisioned is the provisioned concurrency; 0 is none. If it is autoscaled,
	// MaxProvisioned is its maximum and Utilization the target.
	Provisioned, MaxProvisioned int
	Utilization                 float64
	// Schedules change the provisioned concurrency at times of the week. Other schedules
	// are only in Notes.
	Schedules []CapacityChange
	// API is the kind of API that invokes it: "http", "rest", "websocket" or "url"; "" is
	// none of these.
	API string
	// Queues are the queues whose messages it handles.
	Queues []QueueSettings
	// Runs are the schedules that invoke it, or send messages to its queues.
	Runs []ScheduleSettings
	// Database is the database that it connects to; nil is none.
	Database *DatabaseSettings
	// Notes are sentences about settings that could not be read.
	Notes []string
}

// CapacityChange sets the provisioned concurrency at a time of the day, in UTC, on days of
// the week; none means each day.
type CapacityChange struct {
	At       time.Duration
	Days     []time.Weekday
	Min, Max int
}

// QueueSettings has the settings of a queue and its event source mapping.
type QueueSettings struct {
	// Name is the program's name for the queue, or the logical id.
	Name                   string
	FIFO                   bool
	BatchSize              int
	Window                 time.Duration
	MaxConcurrency         int // 0 is none
	MinPollers, MaxPollers int // 0 is none
	Visibility             time.Duration
	MaxReceives            int // 0 is no dead-letter queue
	PartialResponses       bool
}

// ReadSettings reads the settings of the Go functions of an assembly, by stack and logical
// id. It builds and starts nothing. stacks are the names of the stacks to read; none means
// all.
func ReadSettings(dir string, stacks ...string) ([]FunctionSettings, error) {
	app, err := assembly.Load(dir, nil)
	if err != nil {
		return nil, err
	}
	if err := app.Select(stacks); err != nil {
		return nil, err
	}
	v := &values{
		queueURL: func(name string) string { return "https://sqs/" + name },
		queueARN: func(name string) string { return "arn:aws:sqs:::" + name },
		apiURL:   ID,
	}
	app.SetValues(v)
	s := &settingsReader{app: app, values: v, byName: map[string]*FunctionSettings{}, queues: map[string]*assembly.Resource{}, consumers: map[string]consumer{}, connects: map[string]bool{}}
	for _, read := range []func() error{s.readQueues, s.readFunctions, s.readProvisioned, s.readScaling, s.readMappings, s.readAPIs} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("read settings: %w", err)
		}
	}
	s.readSchedules()
	s.readDatabases()
	list := make([]FunctionSettings, 0, len(s.names))
	for _, name := range s.names {
		list = append(list, *s.byName[name])
	}
	return list, nil
}

type settingsReader struct {
	app    *assembly.App
	values *values
	names  []string // names of the functions, in order
	byName map[string]*FunctionSettings
	queues map[string]*assembly.Resource // by name
	// called has the programs' names for queues, by the name of the queue.
	called map[string]string
	// consumers has the function that handles the messages of a queue, by the name of the
	// queue.
	consumers map[string]consumer
	// connects has the names of the functions that connect to a database.
	connects map[string]bool
}

// consumer is a function with its own name for a queue.
type consumer struct {
	function *FunctionSettings
	queue    string
}

// decode reads properties of a resource into a struct, without those that only AWS knows.
func (s *settingsReader) decode(r *assembly.Resource, into any) error {
	return decodeKnown(s.app, r, into, func(string, string) {})
}

func (s *settingsReader) readQueues() error {
	for _, r := range s.app.OfType("AWS::SQS::Queue") {
		name, err := queueName(r)
		if err != nil {
			return err
		}
		s.queues[name] = r
	}
	return nil
}

func (s *settingsReader) readFunctions() error {
	s.called = map[string]string{}
	for _, r := range s.app.OfType("AWS::Lambda::Function") {
		var props struct {
			Runtime                      string
			Architectures                []string
			MemorySize, Timeout          assembly.Int
			ReservedConcurrentExecutions *assembly.Int
			Environment                  struct{ Variables map[string]any }
		}
		if err := s.decode(r, &props); err != nil {
			return err
		}
		if !strings.HasPrefix(props.Runtime, "provided") {
			continue
		}
		name, err := functionName(r)
		if err != nil {
			return err
		}
		f := &FunctionSettings{
			Stack: r.Stack.Name, LogicalID: r.ID, MemoryMB: 128, Timeout: 3 * time.Second, // as in AWS
			X86: !slices.Contains(props.Architectures, "arm64"),
		}
		f.Entry, _ = r.Metadata[wire.MetadataEntry].(string)
		if props.MemorySize > 0 {
			f.MemoryMB = int(props.MemorySize)
		}
		if props.Timeout > 0 {
			f.Timeout = time.Duration(props.Timeout) * time.Second
		}
		if n := props.ReservedConcurrentExecutions; n != nil {
			reserved := int(*n)
			f.Reserved = &reserved
		}
		if text, ok := props.Environment.Variables[wire.EnvQueues].(string); ok {
			queues, err := wire.ParseQueues(text)
			if err != nil {
				return fmt.Errorf("%s: %w", r, err)
			}
			for _, q := range queues {
				s.called[LastPart(q.URL, "/")] = q.Name
			}
		}
		s.connects[name] = namesDatabase(props.Environment.Variables)
		s.names = append(s.names, name)
		s.byName[name] = f
	}
	return nil
}

// function returns a function by its ARN, or by its name with a qualifier.
func (s *settingsReader) function(ref string) *FunctionSettings {
	if i := strings.Index(ref, "function:"); i >= 0 {
		ref = ref[i+len("function:"):]
	}
	name, _, _ := strings.Cut(ref, ":")
	return s.byName[name]
}

func (s *settingsReader) readProvisioned() error {
	for _, kind := range []string{"AWS::Lambda::Alias", "AWS::Lambda::Version"} {
		for _, r := range s.app.OfType(kind) {
			var props struct{ FunctionName string }
			if err := s.decode(r, &props); err != nil {
				return err
			}
			f := s.function(props.FunctionName)
			if f == nil {
				continue
			}
			n, why, err := s.values.warmInstances(s.app, r)
			if err != nil {
				return err
			}
			if why != "" {
				f.Notes = append(f.Notes, r.ID+": "+why+".")
			}
			f.Provisioned += n
			f.MaxProvisioned = f.Provisioned
		}
	}
	return nil
}

// provisionedDimension is what a scalable target of provisioned concurrency scales.
const provisionedDimension = "lambda:function:ProvisionedConcurrency"

func (s *settingsReader) readScaling() error {
	targets := map[string]*FunctionSettings{}
	for _, r := range s.app.OfType("AWS::ApplicationAutoScaling::ScalableTarget") {
		var props struct {
			ResourceID               string `json:"ResourceId"`
			ScalableDimension        string
			MinCapacity, MaxCapacity assembly.Int
			ScheduledActions         []struct {
				ScheduledActionName, Schedule, Timezone string
				ScalableTargetAction                    struct{ MinCapacity, MaxCapacity assembly.Int }
			}
		}
		if err := s.decode(r, &props); err != nil {
			return err
		}
		f := s.function(props.ResourceID)
		if f == nil || props.ScalableDimension != provisionedDimension {
			continue
		}
		// The target's policies refer to it by the same placeholder.
		targets[assembly.Placeholder+strings.ToLower(r.Stack.Name+"-"+r.ID)] = f
		f.Provisioned, f.MaxProvisioned = int(props.MinCapacity), int(props.MaxCapacity)
		for _, a := range props.ScheduledActions {
			changes, note := weekly(a.Schedule, a.Timezone)
			if note != "" {
				f.Notes = append(f.Notes, fmt.Sprintf("The schedule %s of %s %s.", a.Schedule, f.LogicalID, note))
			}
			for _, change := range changes {
				change.Min, change.Max = int(a.ScalableTargetAction.MinCapacity), int(a.ScalableTargetAction.MaxCapacity)
				if change.Min == 0 {
					change.Min = min(f.Provisioned, change.Max)
				}
				f.Schedules = append(f.Schedules, change)
			}
		}
		slices.SortStableFunc(f.Schedules, func(a, b CapacityChange) int { return cmp.Compare(a.At, b.At) })
	}
	for _, r := range s.app.OfType("AWS::ApplicationAutoScaling::ScalingPolicy") {
		var props struct {
			ScalingTargetID                          string `json:"ScalingTargetId"`
			TargetTrackingScalingPolicyConfiguration struct{ TargetValue float64 }
		}
		if err := s.decode(r, &props); err != nil {
			return err
		}
		if f := targets[props.ScalingTargetID]; f != nil {
			f.Utilization = props.TargetTrackingScalingPolicyConfiguration.TargetValue
		}
	}
	for _, f := range targets {
		if f.Utilization == 0 { // only schedules
			f.MaxProvisioned = f.Provisioned
		}
	}
	return nil
}

func (s *settingsReader) readMappings() error {
	for _, r := range s.app.OfType("AWS::Lambda::EventSourceMapping") {
		var props struct {
			EventSourceArn, FunctionName              string
			BatchSize, MaximumBatchingWindowInSeconds assembly.Int
			FunctionResponseTypes                     []string
			ScalingConfig                             struct{ MaximumConcurrency assembly.Int }
			ProvisionedPollerConfig                   struct{ MinimumPollers, MaximumPollers assembly.Int }
		}
		if err := s.decode(r, &props); err != nil {
			return err
		}
		name := LastPart(props.EventSourceArn, ":")
		f, queue := s.function(props.FunctionName), s.queues[name]
		if f == nil || queue == nil {
			continue
		}
		var own struct {
			FifoQueue         assembly.Bool
			VisibilityTimeout *assembly.Int
			RedrivePolicy     struct {
				MaxReceiveCount assembly.Int `json:"maxReceiveCount"`
			}
		}
		if err := s.decode(queue, &own); err != nil {
			return err
		}
		q := QueueSettings{
			Name: s.called[name], FIFO: bool(own.FifoQueue), BatchSize: 10, Visibility: 30 * time.Second, // as in AWS
			Window: time.Duration(props.MaximumBatchingWindowInSeconds) * time.Second, MaxConcurrency: int(props.ScalingConfig.MaximumConcurrency),
			MinPollers: int(props.ProvisionedPollerConfig.MinimumPollers), MaxPollers: int(props.ProvisionedPollerConfig.MaximumPollers),
			MaxReceives: int(own.RedrivePolicy.MaxReceiveCount), PartialResponses: slices.Contains(props.FunctionResponseTypes, "ReportBatchItemFailures"),
		}
		if q.Name == "" {
			q.Name = queue.ID
		}
		if props.BatchSize > 0 {
			q.BatchSize = int(props.BatchSize)
		}
		if own.VisibilityTimeout != nil {
			q.Visibility = time.Duration(*own.VisibilityTimeout) * time.Second
		}
		f.Queues = append(f.Queues, q)
		s.consumers[name] = consumer{f, q.Name}
	}
	return nil
}

// readAPIs sets the kind of API that invokes each function. If there are several, the order
// of rank decides.
func (s *settingsReader) readAPIs() error {
	rank := func(kind string) int {
		if i := slices.Index([]string{"http", "rest", "websocket", "url"}, kind); i >= 0 {
			return i
		}
		return math.MaxInt
	}
	note := func(ref, kind string) {
		// An integration's URI is arn:…:path/2015-03-31/functions/ARN/invocations.
		ref, _, _ = strings.Cut(ref, "/invocations")
		if f := s.function(ref); f != nil && rank(kind) < rank(f.API) {
			f.API = kind
		}
	}
	protocols := map[string]string{}
	for _, r := range s.app.OfType("AWS::ApiGatewayV2::Api") {
		var props struct{ ProtocolType string }
		if err := s.decode(r, &props); err != nil {
			return err
		}
		protocols[ID(r)] = strings.ToLower(props.ProtocolType)
	}
	for _, r := range s.app.OfType("AWS::ApiGatewayV2::Integration") {
		var props struct {
			APIID          string `json:"ApiId"`
			IntegrationURI string `json:"IntegrationUri"`
		}
		if err := s.decode(r, &props); err != nil {
			return err
		}
		note(props.IntegrationURI, protocols[props.APIID])
	}
	for _, r := range s.app.OfType("AWS::ApiGateway::Method") {
		var props struct {
			Integration struct {
				URI any `json:"Uri"`
			}
		}
		if err := s.decode(r, &props); err != nil && !errors.Is(err, assembly.ErrUnknown) {
			return err
		}
		if uri, ok := props.Integration.URI.(string); ok {
			note(uri, "rest")
		}
	}
	for _, r := range s.app.OfType("AWS::Lambda::Url") {
		var props struct{ TargetFunctionArn string }
		if err := s.decode(r, &props); err != nil {
			return err
		}
		note(props.TargetFunctionArn, "url")
	}
	return nil
}
