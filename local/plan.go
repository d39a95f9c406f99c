package local

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/constructs/checks"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
	"github.com/lambdahearth/hearth/local/internal/sqs"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// plan is an assembly as the engine runs it.
type plan struct {
	app          *assembly.App
	functions    []*functionPlan
	queues       []*queuePlan
	tables       []*tablePlan
	mappings     []*mappingPlan
	httpAPIs     []*httpPlan
	webSockets   []*webSocketPlan
	schedules    []schedulePlan
	proxies      []*assembly.Resource
	notSimulated []Resource
	warnings     []string
	addresses    *addresses
	outputs      []assembly.Output

	check      sync.Once // of what follows
	findings   []checks.Finding
	checkError string
}

type functionPlan struct {
	resource *assembly.Resource
	config   lambda.Config
	source   source
	// onFailure, onSuccess and deadLetter are ARNs, "" for none.
	onFailure, onSuccess, deadLetter string
}

type queuePlan struct {
	resource   *assembly.Resource
	definition sqs.Definition
	alias      string // its logical name in the program
}

type mappingPlan struct {
	resource *assembly.Resource
	queue    string // the queue's name
	function string // the function as the template names it
	options  sqs.MappingOptions
}

type httpPlan struct {
	resource *assembly.Resource
	name     string
	config   httpapi.Config
}

type webSocketPlan struct {
	resource *assembly.Resource
	name     string
	config   websocket.Config
}

type schedulePlan struct {
	resource *assembly.Resource
	schedule scheduler.Schedule
}

// Resource is a resource of the template.
type Resource struct {
	Stack     string `json:"stack"`
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	// Why says why it is not simulated, where the type does not say it all.
	Why string `json:"why,omitempty"`
}

func (p *plan) skip(r *assembly.Resource, why string) {
	p.notSimulated = append(p.notSimulated, Resource{r.Stack.Name, r.ID, r.Type, why})
}

// warn notes a sentence about a resource that users should read.
func (p *plan) warn(r *assembly.Resource, format string, args ...any) {
	p.warnings = append(p.warnings, r.String()+": "+sprintf(format, args...))
}

// planner reads what the engine runs from an assembly. It neither opens a port nor
// changes the engine: where things will be it is told.
type planner struct {
	*plan
	opts      *Options
	builder   *builder // for the archives of programs
	dir       string   // that paths in the assembly are relative to
	region    string
	account   string
	addresses *addresses
	database  *database
	values    *values
}

// addresses are where an app's parts are on this machine.
type addresses struct {
	sqs      string            // the URL of the SQS endpoint
	dynamodb string            // that of the DynamoDB endpoint; "" if the app has no tables
	main     string            // host and port of the engine
	apis     map[string]string // host and port of APIs that have a port of their own, by id
	mainHTTP string            // the id of the HTTP API that the engine's port serves
	mainWS   string            // the id of the WebSocket API that it serves
	sockets  map[string]bool   // the ids of all WebSocket APIs
}

// makePlan reads an app. values are set in it on the way.
func (pl planner) makePlan(app *assembly.App) (*plan, error) {
	p := &pl
	p.plan = &plan{app: app, addresses: p.addresses}
	p.values = &values{
		queueURL: func(name string) string { return p.addresses.sqs + "/" + p.account + "/" + name },
		queueARN: func(name string) string { return "arn:aws:sqs:" + p.region + ":" + p.account + ":" + name },
		apiURL:   func(r *assembly.Resource) string { return p.addresses.url(shortID(r)) },
		database: p.database,
	}
	app.SetValues(p.values)
	for _, r := range app.Resources() {
		switch {
		case !simulated[r.Type]:
			p.skip(r, "")
		case r.Type == "AWS::CloudFormation::Stack" && r.Child() == nil:
			p.skip(r, "its template is not in the assembly")
			p.warn(r, "the template of the nested stack is not in the assembly, so that nothing of it runs; synthesize with asset metadata (cdk synth, or the context aws:cdk:enable-asset-metadata)")
		}
	}
	var errs []error
	for _, read := range []func() error{p.planQueues, p.planTables, p.planFunctions, p.planMappings, p.planAPIs, p.planRESTAPIs, p.planFunctionURLs, p.planSchedules, p.planRules} {
		errs = append(errs, read())
	}
	errs = append(errs, p.checkNames())
	p.checkCallbacks()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.proxies = app.OfType("AWS::RDS::DBProxy")
	p.outputs = app.Outputs()
	for i := range p.outputs {
		p.outputs[i].Value = p.addresses.localize(p.outputs[i].Value)
	}
	return p.plan, nil
}

// checkCallbacks warns of WebSocket APIs whose address here no function is told: the
// address that a program makes of an event's domainName is AWS's own.
func (p *planner) checkCallbacks() {
	for _, w := range p.webSockets {
		for stage := range w.config.Stages {
			callbacks := p.addresses.host(w.config.ID) + "/" + stage
			told := slices.ContainsFunc(p.functions, func(f *functionPlan) bool {
				return slices.ContainsFunc(slices.Collect(maps.Values(f.config.Env)), func(value string) bool { return strings.Contains(value, callbacks) })
			})
			if !told && len(w.config.Routes) > 0 {
				p.warn(w.resource, "programs that push to https://{domainName}/%s reach AWS, and not this engine; give the function a variable with the stage's callback URL (WebSocketStage.CallbackUrl in the CDK), which is http://%s here, and use it as the endpoint", stage, callbacks)
			}
		}
	}
}

// checkNames refuses two functions, queues or schedules of one name, which would be
// merged.
func (p *planner) checkNames() error {
	owners := map[string]*assembly.Resource{}
	var errs []error
	check := func(kind, name string, r *assembly.Resource) {
		key := kind + " " + name
		if before := owners[key]; before != nil {
			errs = append(errs, fmt.Errorf("the %s name %q is that of %s and of %s, which cannot run side by side here; choose one with --stack %s", kind, name, before, r, before.Stack.Path))
			return
		}
		owners[key] = r
	}
	for _, r := range p.app.OfType("AWS::Lambda::Function") { // those that do not run here too
		if name, err := functionName(r); err == nil {
			check("function", name, r)
		}
	}
	for _, q := range p.queues {
		check("queue", q.definition.Name, q.resource)
	}
	for _, s := range p.schedules {
		check("schedule", s.schedule.ARN, s.resource)
	}
	return errors.Join(errs...)
}

func (p *planner) planQueues() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::SQS::Queue") {
		name, err := queueName(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		properties := map[string]any{}
		for key, raw := range r.Properties {
			switch key {
			case "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled":
				continue // nothing is encrypted here
			}
			var v any
			_, err := p.values.loosely(func() (err error) {
				v, err = r.Resolve(raw)
				return err
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("%w (property %s)", err, key))
			} else if v != nil {
				properties[key] = v
			}
		}
		properties["QueueName"] = name
		definition, err := sqs.FromTemplate(name, properties)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
			continue
		}
		p.queues = append(p.queues, &queuePlan{resource: r, definition: definition})
	}
	return errors.Join(errs...)
}

func (p *planner) planFunctions() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Lambda::Function") {
		f, why, err := p.planFunction(r)
		switch {
		case err != nil:
			errs = append(errs, err)
		case f == nil:
			p.skip(r, why)
		default:
			p.functions = append(p.functions, f)
		}
	}
	byName := map[string]*functionPlan{}
	for _, f := range p.functions {
		byName[f.config.Name] = f
	}
	for _, r := range p.app.OfType("AWS::Lambda::Alias") {
		name, err := functionOf(r)
		f := byName[name]
		if err != nil || f == nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, f.addAlias(r))
	}
	for _, r := range p.app.OfType("AWS::Lambda::Version") {
		name, err := functionOf(r)
		var props struct {
			ProvisionedConcurrencyConfig struct{ ProvisionedConcurrentExecutions assembly.Int }
		}
		if f := byName[name]; err == nil && f != nil {
			err = r.Decode(&props)
			f.config.Provisioned["1"] += int(props.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions)
		}
		errs = append(errs, err)
	}
	for _, r := range p.app.OfType("AWS::Lambda::EventInvokeConfig") {
		name, err := functionOf(r)
		if f := byName[name]; err == nil && f != nil {
			_, err = p.values.loosely(func() error { return f.addInvokeConfig(r) })
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (f *functionPlan) addAlias(r *assembly.Resource) error {
	var props struct {
		Name                         string
		FunctionVersion              string
		ProvisionedConcurrencyConfig struct{ ProvisionedConcurrentExecutions assembly.Int }
	}
	if err := r.Decode(&props); err != nil {
		return err
	}
	f.config.Aliases[props.Name] = props.FunctionVersion
	f.config.Provisioned[props.FunctionVersion] += int(props.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions)
	return nil
}

func (f *functionPlan) addInvokeConfig(r *assembly.Resource) error {
	type destination struct{ Destination string }
	var props struct {
		MaximumRetryAttempts     *assembly.Int
		MaximumEventAgeInSeconds assembly.Int
		DestinationConfig        struct{ OnFailure, OnSuccess destination }
	}
	if err := r.Decode(&props); err != nil {
		return err
	}
	if props.MaximumRetryAttempts != nil {
		n := int(*props.MaximumRetryAttempts)
		f.config.Async.Retries = &n
	}
	f.config.Async.MaxAge = time.Duration(props.MaximumEventAgeInSeconds) * time.Second
	f.onFailure, f.onSuccess = props.DestinationConfig.OnFailure.Destination, props.DestinationConfig.OnSuccess.Destination
	return nil
}

// managedConcurrency is how many invocations an instance of Lambda Managed Instances
// handles at once where the template does not say.
const managedConcurrency = 16

// planFunction reads one function; nil means that it is not simulated, and why.
func (p *planner) planFunction(r *assembly.Resource) (f *functionPlan, why string, err error) {
	var props struct {
		Runtime, PackageType   string
		Handler                string
		CapacityProviderConfig struct {
			LambdaManagedInstancesCapacityProviderConfig *struct {
				PerExecutionEnvironmentMaxConcurrency assembly.Int
			}
		}
		LoggingConfig                struct{ ApplicationLogLevel, LogFormat, LogGroup string }
		MemorySize, Timeout          assembly.Int
		ReservedConcurrentExecutions *assembly.Int
		DeadLetterConfig             struct{ TargetArn string }
	}
	if _, err := p.values.loosely(func() error { return r.Decode(&props) }); err != nil {
		return nil, "", err
	}
	if !strings.HasPrefix(props.Runtime, "provided") {
		if props.PackageType == "Image" {
			return nil, "a container image", nil
		}
		return nil, "runtime " + props.Runtime, nil
	}
	name, err := functionName(r)
	if err != nil {
		return nil, "", err
	}
	f = &functionPlan{resource: r, deadLetter: props.DeadLetterConfig.TargetArn}
	f.config = lambda.Config{
		Name: name, Region: r.Stack.Region, Account: r.Stack.Account, MemoryMB: 128, Timeout: 3 * time.Second, // as in AWS
		Aliases: map[string]string{}, Provisioned: map[string]int{}, Output: p.opts.Output,
	}
	logging := props.LoggingConfig
	f.config.Handler, f.config.LogGroup, f.config.LogFormat = props.Handler, logging.LogGroup, logging.LogFormat
	if managed := props.CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig; managed != nil {
		f.config.PerInstance = cmp.Or(int(managed.PerExecutionEnvironmentMaxConcurrency), managedConcurrency)
	}
	if logging.LogFormat == "JSON" {
		f.config.LogLevel = cmp.Or(logging.ApplicationLogLevel, "INFO") // as AWS does
	}
	if props.MemorySize > 0 {
		f.config.MemoryMB = int(props.MemorySize)
	}
	if props.Timeout > 0 {
		f.config.Timeout = time.Duration(props.Timeout) * time.Second
	}
	if p.opts.Debug {
		f.config.Timeout = lambda.DebugTimeout
	}
	if props.ReservedConcurrentExecutions != nil {
		n := int(*props.ReservedConcurrentExecutions)
		f.config.Reserved = &n
	}
	if f.source, err = p.findSource(r); err != nil {
		var unusable *unusableError
		if errors.As(err, &unusable) {
			p.warn(r, "%s; what invokes it fails, the rest of the app runs", unusable.why)
			return nil, unusable.why, nil
		}
		return nil, "", err
	}
	f.config.Env, err = p.functionEnv(r)
	return f, "", err
}

// functionEnv is what a function has in its environment beside Lambda's own
// variables: what the template says, then what leads it to this machine's services,
// then what the user gives.
func (p *planner) functionEnv(r *assembly.Resource) (map[string]string, error) {
	env := map[string]string{}
	given, err := p.givenEnv(r)
	if err != nil {
		return nil, err
	}
	environment, _ := r.Properties["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if _, ok := given[name]; ok {
			continue
		}
		var v any
		unknown, err := p.values.loosely(func() (err error) {
			v, err = r.Resolve(variables[name])
			return err
		})
		switch text, isText := v.(string); {
		case err != nil:
			unknown = []string{err.Error()}
			v = placeholder + strings.ToLower(name)
		case isText && strings.Contains(text, "{{resolve:"):
			unknown = []string{"a secret or parameter of the account"}
			v = placeholder + strings.ToLower(name)
		}
		if len(unknown) > 0 && !databaseVariables[name] { // setEnv knows better
			p.warn(r, "variable %s is %q, because %s is not known here; give it a value in .env, or with --env %s=VALUE", name, v, strings.Join(unknown, " and "), name)
		}
		switch v := v.(type) {
		case nil:
		case string:
			env[name] = p.addresses.localize(v)
			if name == wire.EnvQueues {
				queues, err := wire.ParseQueues(v)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", r, err))
				}
				for _, q := range queues {
					p.aliasQueue(q.URL, q.Name)
				}
			}
		default:
			data, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			env[name] = string(data)
		}
	}
	p.database.setEnv(env)
	env["AWS_ENDPOINT_URL_SQS"] = p.addresses.sqs
	if len(p.tables) > 0 && env[envDynamoDB] == "" { // else the program's tables are elsewhere
		env[envDynamoDB] = p.addresses.dynamodb
	}
	maps.Copy(env, given)
	return env, errors.Join(errs...)
}

// databaseVariables are those that [database.setEnv] sets. What they are in the
// template may come from a secret.
var databaseVariables = map[string]bool{
	wire.EnvDatabaseHost: true, wire.EnvDatabasePort: true, wire.EnvDatabaseName: true, wire.EnvDatabaseUser: true, wire.EnvDatabaseEngine: true,
}

// aliasQueue lets a queue be called by its logical name as well.
func (p *plan) aliasQueue(url, alias string) {
	for _, q := range p.queues {
		if strings.HasSuffix(url, "/"+q.definition.Name) && q.alias == "" {
			q.alias = alias
		}
	}
}

// givenEnv is what the user gives to a function.
func (p *planner) givenEnv(r *assembly.Resource) (map[string]string, error) {
	given := map[string]string{}
	for _, variable := range p.opts.Environ {
		name, value, _ := strings.Cut(variable, "=")
		for _, s := range p.app.Stacks {
			if strings.HasPrefix(name, envPrefix(s.Name)) {
				given[name] = value
			}
		}
	}
	maps.Copy(given, p.opts.Env)
	name, err := functionName(r)
	if err != nil {
		return nil, err
	}
	maps.Copy(given, p.opts.FunctionEnv[name])
	maps.Copy(given, p.opts.FunctionEnv[r.ID])
	return given, nil
}

// envPrefix is how the variables of a stack's app begin.
func envPrefix(stack string) string {
	return strings.ToUpper(strings.ReplaceAll(stack, "-", "_")) + "_"
}

func (p *planner) planMappings() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Lambda::EventSourceMapping") {
		var props struct {
			EventSourceArn, FunctionName              string
			BatchSize, MaximumBatchingWindowInSeconds assembly.Int
			Enabled                                   *assembly.Bool
			FunctionResponseTypes                     []string
			ScalingConfig                             struct{ MaximumConcurrency assembly.Int }
			FilterCriteria                            struct{ Filters []struct{ Pattern string } }
		}
		if err := r.Decode(&props); err != nil {
			if errors.Is(err, assembly.ErrUnknown) {
				p.skip(r, "its source is not simulated")
				continue
			}
			errs = append(errs, err)
			continue
		}
		if !strings.HasPrefix(props.EventSourceArn, "arn:aws:sqs:") {
			p.skip(r, "its source is no queue")
			continue
		}
		if props.Enabled != nil && !bool(*props.Enabled) {
			continue
		}
		if !p.simulates(props.FunctionName) {
			p.skip(r, "its function is not simulated")
			continue
		}
		m := &mappingPlan{resource: r, queue: lastPart(props.EventSourceArn, ":"), function: props.FunctionName, options: sqs.MappingOptions{
			BatchSize: int(props.BatchSize), Window: time.Duration(props.MaximumBatchingWindowInSeconds) * time.Second,
			MaxConcurrency:          int(props.ScalingConfig.MaximumConcurrency),
			ReportBatchItemFailures: slices.Contains(props.FunctionResponseTypes, "ReportBatchItemFailures"),
		}}
		for _, f := range props.FilterCriteria.Filters {
			m.options.Filters = append(m.options.Filters, f.Pattern)
		}
		if !m.options.ReportBatchItemFailures {
			p.warn(r, "queue %s: without FunctionResponseTypes ReportBatchItemFailures Lambda deletes a whole batch when the function returns without an error, and brings all of it back after one; "+
				"set it (ReportBatchItemFailures in the CDK's SqsEventSourceProps), so that a failed message comes again alone", m.queue)
		}
		p.mappings = append(p.mappings, m)
	}
	return errors.Join(errs...)
}

// simulates reports whether a function, by its ARN or its name with a qualifier, is
// among those that run here.
func (p *plan) simulates(function string) bool {
	if i := strings.Index(function, ":function:"); i >= 0 {
		function = function[i+len(":function:"):]
	}
	name, _, _ := strings.Cut(function, ":")
	return slices.ContainsFunc(p.functions, func(f *functionPlan) bool { return f.config.Name == name })
}

func lastPart(s, separator string) string { return s[strings.LastIndex(s, separator)+1:] }

// resolveDir makes a path of the app absolute.
func (p *planner) resolveDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.dir, filepath.FromSlash(path))
}
