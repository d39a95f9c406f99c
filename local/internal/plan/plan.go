// Package plan reads a cloud assembly and plans what the local engine runs: functions with
// their programs and variables, queues, tables, APIs, schedules and their connections. A
// plan depends only on the app and its [Inputs]: [Make] opens no port, starts nothing and
// knows no engine.
package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
	"github.com/lambdahearth/hearth/local/internal/sqs"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// Plan is everything that the engine runs for an assembly.
type Plan struct {
	app          *assembly.App
	Functions    []*Function
	Queues       []*Queue
	Tables       []*Table
	Mappings     []*Mapping
	HTTPAPIs     []*HTTPAPI
	WebSockets   []*WebSocketAPI
	Schedules    []Schedule
	Proxies      []*assembly.Resource // RDS proxies
	Databases    []string             // names on the engine's own server; they may repeat
	NotSimulated []Resource
	Warnings     []string   // sentences for the user
	At           *Addresses // the addresses of its resources
	Outputs      []assembly.Output
}

// Function is a function that the engine runs.
type Function struct {
	Resource *assembly.Resource
	Config   lambda.Config
	Source   Source
	// OnFailure, OnSuccess and DeadLetter are ARNs; "" is none.
	OnFailure, OnSuccess, DeadLetter string
}

// Queue is an SQS queue.
type Queue struct {
	Resource   *assembly.Resource
	Definition sqs.Definition
	Alias      string // the program's name for the queue
}

// Mapping is the event source mapping of a queue.
type Mapping struct {
	Resource *assembly.Resource
	Queue    string // the queue's name
	Function string // the function as the template names it
	Options  sqs.MappingOptions
}

// HTTPAPI is an HTTP API, a REST API or a Function URL.
type HTTPAPI struct {
	Resource *assembly.Resource
	Name     string
	Config   httpapi.Config
}

// WebSocketAPI is a WebSocket API.
type WebSocketAPI struct {
	Resource *assembly.Resource
	Name     string
	Config   websocket.Config
}

// Schedule is a schedule of EventBridge Scheduler, or a rule with a schedule.
type Schedule struct {
	Resource *assembly.Resource
	Schedule scheduler.Schedule
}

// Resource is a resource of the template.
type Resource struct {
	Stack     string `json:"stack"`
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	// Why is the reason why the engine does not simulate it; "" if the type is the reason.
	Why string `json:"why,omitempty"`
}

func (p *Plan) skip(r *assembly.Resource, why string) {
	p.NotSimulated = append(p.NotSimulated, Resource{r.Stack.Name, r.ID, r.Type, why})
}

// warn adds a warning about a resource.
func (p *Plan) warn(r *assembly.Resource, format string, args ...any) {
	p.Warnings = append(p.Warnings, r.String()+": "+fmt.Sprintf(format, args...))
}

// Inputs are the inputs of a plan besides the app.
type Inputs struct {
	Region, Account string
	// Dir is the folder to which paths in the assembly are relative.
	Dir string
	// Addresses has the addresses that the app's resources will have on this machine.
	Addresses *Addresses
	// Database is the database behind RDS Proxy endpoints.
	Database Database
	// Unpack unpacks an archive and returns the folder with its files.
	Unpack func(archive string) (dir string, err error)

	// The other fields are the engine's options of the same names.
	Debug              bool
	Programs, Handlers map[string]string
	Env                map[string]string
	FunctionEnv        map[string]map[string]string
	Environ            []string
	Issuers            map[string]Issuer
	// Parameters are the values of parameters that the app was loaded with.
	Parameters map[string]string
}

// Issuer is the issuer of the tokens that a JWT authorizer accepts.
type Issuer struct {
	// Issuer is the "iss" of tokens, and the base URL of their keys.
	Issuer string
	// Audience lists the accepted values. A token's "aud", or else its "client_id", must
	// have one of them.
	Audience []string
}

// planner makes a [Plan].
type planner struct {
	*Plan
	Inputs
	values  *values
	schemes map[string]bool // the names of authorizers in OpenAPI documents
}

// Make plans an app. It opens no port and starts nothing. It changes only the values of
// the app, which it sets. It reads no files but the deployed programs.
func Make(app *assembly.App, in Inputs) (*Plan, error) {
	p := &planner{Plan: &Plan{app: app, At: in.Addresses}, Inputs: in, schemes: map[string]bool{}}
	p.values = &values{
		queueURL: func(name string) string { return in.Addresses.SQS + "/" + in.Account + "/" + name },
		queueARN: func(name string) string { return "arn:aws:sqs:" + in.Region + ":" + in.Account + ":" + name },
		apiURL:   func(r *assembly.Resource) string { return in.Addresses.URL(ID(r)) },
		database: in.Database,
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
	for _, name := range slices.Sorted(maps.Keys(in.Parameters)) {
		if !app.HasParameter(name) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("--parameter %s: no stack has a parameter of this name", name))
		}
	}
	for _, why := range app.Undecided() {
		p.Warnings = append(p.Warnings, why+"; it is left out")
	}
	var errs []error
	for _, read := range []func() error{p.planQueues, p.planTables, p.planFunctions, p.planMappings, p.planAPIs, p.planRESTAPIs, p.planFunctionURLs, p.planSchedules, p.planRules} {
		errs = append(errs, read())
	}
	errs = append(errs, p.checkNames())
	p.checkStages()
	p.checkCallbacks()
	p.checkFunctionEnv()
	p.checkGiven()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.Proxies = app.OfType("AWS::RDS::DBProxy")
	p.Outputs = app.Outputs()
	for i := range p.Outputs {
		p.Outputs[i].Value = p.Addresses.localize(p.Outputs[i].Value)
	}
	return p.Plan, nil
}

// checkFunctionEnv warns of variables for a function that the app does not have.
func (p *planner) checkFunctionEnv() {
	known := map[string]bool{}
	for _, r := range p.app.OfType("AWS::Lambda::Function") {
		known[r.ID] = true
		if name, err := functionName(r); err == nil {
			known[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.FunctionEnv)) {
		if !known[name] {
			p.Warnings = append(p.Warnings, fmt.Sprintf(".env.%s: the app has no function with this logical id or name, so nothing gets these variables", name))
		}
	}
}

// checkGiven warns of the user's values for functions and authorizers that the app does not
// have.
func (p *planner) checkGiven() {
	check := func(flag, what string, given []string, types ...string) {
		known := maps.Clone(p.schemes)
		for _, kind := range types {
			for _, r := range p.app.OfType(kind) {
				known[r.ID], known[r.String()] = true, true
			}
		}
		slices.Sort(given)
		for _, name := range given {
			if !known[name] {
				p.Warnings = append(p.Warnings, fmt.Sprintf("--%s %s: the app has no %s with this logical id", flag, name, what))
			}
		}
	}
	check("handler", "function", slices.Collect(maps.Keys(p.Handlers)), "AWS::Lambda::Function")
	check("issuer", "authorizer", slices.Collect(maps.Keys(p.Issuers)), "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGateway::Authorizer")
}

// checkCallbacks warns of WebSocket APIs whose local address is in no function's
// variables. An address from an event's domainName is AWS's.
func (p *planner) checkCallbacks() {
	for _, w := range p.WebSockets {
		for stage := range w.Config.Stages {
			callbacks := p.Addresses.host(w.Config.ID) + "/" + stage
			told := slices.ContainsFunc(p.Functions, func(f *Function) bool {
				return slices.ContainsFunc(slices.Collect(maps.Values(f.Config.Env)), func(value string) bool { return strings.Contains(value, callbacks) })
			})
			if !told && len(w.Config.Routes) > 0 {
				p.warn(w.Resource, "programs that push to https://{domainName}/%s reach AWS, and not this engine; give the function a variable with the stage's callback URL (WebSocketStage.CallbackUrl in the CDK), which is http://%s here, and use it as the endpoint", stage, callbacks)
			}
		}
	}
}

// checkNames refuses two functions, queues, tables or schedules with the same name, which
// the engine could not tell apart.
func (p *planner) checkNames() error {
	owners := map[string]*assembly.Resource{}
	var errs []error
	check := func(kind, name string, r *assembly.Resource) {
		key := kind + " " + name
		if before := owners[key]; before != nil {
			errs = append(errs, fmt.Errorf("the %s name %q is that of %s and of %s, which cannot run side by side here; %s", kind, name, before, r, remedyFor(before.Stack.Root(), r.Stack.Root())))
			return
		}
		owners[key] = r
	}
	for _, r := range p.app.OfType("AWS::Lambda::Function") { // also the functions that do not run here
		if name, err := functionName(r); err == nil {
			check("function", name, r)
		}
	}
	for _, q := range p.Queues {
		check("queue", q.Definition.Name, q.Resource)
	}
	for _, t := range p.Tables {
		check("table", t.Definition.Name, t.Resource)
	}
	for _, s := range p.Schedules {
		check("schedule", s.Schedule.ARN, s.Resource)
	}
	return errors.Join(errs...)
}

// remedyFor says how to run one of two stacks that share a name: by its stage, if the other
// has another stage.
func remedyFor(a, b *assembly.Stack) string {
	if a == b {
		return "give one of them another name"
	}
	one, other := path.Dir(a.Path), path.Dir(b.Path)
	if one == other || one == "." {
		one = a.Path
	}
	return "choose one with --stack " + one
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
				continue // the engine encrypts nothing
			}
			switch v, err := r.Resolve(raw); {
			case errors.Is(err, assembly.ErrUnknown):
				p.warn(r, "property %s is left out, because %s", key, reason(r, err))
			case err != nil:
				errs = append(errs, fmt.Errorf("%w (property %s)", err, key))
			case v != nil:
				properties[key] = v
			}
		}
		properties["QueueName"] = name
		definition, err := sqs.FromTemplate(name, properties)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
			continue
		}
		p.Queues = append(p.Queues, &Queue{Resource: r, Definition: definition})
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
			p.Functions = append(p.Functions, f)
		}
	}
	byName := map[string]*Function{}
	for _, f := range p.Functions {
		byName[f.Config.Name] = f
	}
	for _, r := range p.app.OfType("AWS::Lambda::Alias") {
		name, err := functionOf(r)
		if f := byName[name]; err == nil && f != nil {
			err = p.addAlias(f, r)
		}
		errs = append(errs, p.leaveOut(r, err))
	}
	for _, r := range p.app.OfType("AWS::Lambda::Version") {
		name, err := functionOf(r)
		if f := byName[name]; err == nil && f != nil {
			err = p.addWarm(f, "1", r)
		}
		errs = append(errs, p.leaveOut(r, err))
	}
	for _, r := range p.app.OfType("AWS::Lambda::EventInvokeConfig") {
		name, err := functionOf(r)
		if f := byName[name]; err == nil && f != nil {
			err = p.addInvokeConfig(f, r)
		}
		errs = append(errs, p.leaveOut(r, err))
	}
	return errors.Join(errs...)
}

func (p *planner) addAlias(f *Function, r *assembly.Resource) error {
	var props struct{ Name, FunctionVersion string }
	if err := p.decode(r, &props); err != nil {
		return err
	}
	f.Config.Aliases[props.Name] = props.FunctionVersion
	return p.addWarm(f, props.FunctionVersion, r)
}

// addWarm adds the provisioned concurrency of an alias or version.
func (p *planner) addWarm(f *Function, version string, r *assembly.Resource) error {
	n, why, err := p.values.warmInstances(p.app, r)
	if why != "" {
		p.warn(r, "%s", why)
	}
	f.Config.Provisioned[version] += n
	return err
}

func (p *planner) addInvokeConfig(f *Function, r *assembly.Resource) error {
	type destination struct{ Destination string }
	var props struct {
		MaximumRetryAttempts     *assembly.Int
		MaximumEventAgeInSeconds assembly.Int
		DestinationConfig        struct{ OnFailure, OnSuccess destination }
	}
	if err := p.decode(r, &props); err != nil {
		return err
	}
	if props.MaximumRetryAttempts != nil {
		n := int(*props.MaximumRetryAttempts)
		f.Config.Async.Retries = &n
	}
	f.Config.Async.MaxAge = time.Duration(props.MaximumEventAgeInSeconds) * time.Second
	f.OnFailure, f.OnSuccess = props.DestinationConfig.OnFailure.Destination, props.DestinationConfig.OnSuccess.Destination
	return nil
}

// managedConcurrency is the number of concurrent invocations of an instance of Lambda
// Managed Instances if the template does not set it.
const managedConcurrency = 16

// planFunction plans one function. If f is nil, the engine does not simulate the function,
// and why is the reason.
func (p *planner) planFunction(r *assembly.Resource) (f *Function, why string, err error) {
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
	if err := p.decode(r, &props); err != nil {
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
	f = &Function{Resource: r, DeadLetter: props.DeadLetterConfig.TargetArn}
	f.Config = lambda.Config{
		Name: name, Region: r.Stack.Region, Account: r.Stack.Account, MemoryMB: 128, Timeout: 3 * time.Second, // as in AWS
		Aliases: map[string]string{}, Provisioned: map[string]int{},
	}
	logging := props.LoggingConfig
	f.Config.Handler, f.Config.LogGroup, f.Config.LogFormat = props.Handler, logging.LogGroup, logging.LogFormat
	if managed := props.CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig; managed != nil {
		f.Config.PerInstance = cmp.Or(int(managed.PerExecutionEnvironmentMaxConcurrency), managedConcurrency)
	}
	if logging.LogFormat == "JSON" {
		f.Config.LogLevel = cmp.Or(logging.ApplicationLogLevel, "INFO") // as AWS does
	}
	if props.MemorySize > 0 {
		f.Config.MemoryMB = int(props.MemorySize)
	}
	if props.Timeout > 0 {
		f.Config.Timeout = time.Duration(props.Timeout) * time.Second
	}
	if p.Debug {
		f.Config.Timeout = lambda.DebugTimeout
	}
	if props.ReservedConcurrentExecutions != nil {
		n := int(*props.ReservedConcurrentExecutions)
		f.Config.Reserved = &n
	}
	if f.Source, err = p.findSource(r); err != nil {
		var unusable *unusableError
		if errors.As(err, &unusable) {
			p.warn(r, "%s; what invokes it fails, the rest of the app runs", unusable.why)
			return nil, unusable.why, nil
		}
		return nil, "", err
	}
	f.Config.Env, err = p.functionEnv(r)
	return f, "", err
}

// functionEnv returns the environment of a function without Lambda's own variables. It sets
// the template's variables first, then the addresses of this machine's services, then the
// user's variables. Later ones override earlier ones.
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
		unknown, err := p.app.Loosely(func() (err error) {
			v, err = r.Resolve(variables[name])
			return err
		})
		switch text, isText := v.(string); {
		case err != nil:
			unknown = []string{err.Error()}
			v = assembly.Placeholder + strings.ToLower(name)
		case isText && strings.Contains(text, "{{resolve:"):
			unknown = []string{"a secret or parameter of the account is not known here"}
			v = assembly.Placeholder + strings.ToLower(name)
		}
		if len(unknown) > 0 && !isDatabaseVariable(name) { // SetEnv sets the database's variables
			p.warn(r, "variable %s is %q, because %s; give it a value in .env, or with --env %s=VALUE", name, v, strings.Join(unknown, " and "), name)
		}
		switch v := v.(type) {
		case nil:
		case string:
			env[name] = p.Addresses.localize(v)
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
	databases, missing := p.Database.SetEnv(env)
	p.Databases = append(p.Databases, databases...)
	for _, name := range missing {
		if given[name] == "" {
			p.warn(r, "variable %s must be set in .env, or with --env %s=URL, because the database of --database is not this one", name, name)
		}
	}
	env["AWS_ENDPOINT_URL_SQS"] = p.Addresses.SQS
	if len(p.Tables) > 0 && env[envDynamoDB] == "" { // otherwise the user chose another endpoint
		env[envDynamoDB] = p.Addresses.DynamoDB
	}
	maps.Copy(env, given)
	return env, errors.Join(errs...)
}

// aliasQueue sets the program's name for the queue with a URL.
func (p *Plan) aliasQueue(url, alias string) {
	for _, q := range p.Queues {
		if strings.HasSuffix(url, "/"+q.Definition.Name) && q.Alias == "" {
			q.Alias = alias
		}
	}
}

// givenEnv returns the variables that the user sets for a function.
func (p *planner) givenEnv(r *assembly.Resource) (map[string]string, error) {
	given := map[string]string{}
	for _, variable := range p.Environ {
		name, value, _ := strings.Cut(variable, "=")
		for _, s := range p.app.Stacks {
			if strings.HasPrefix(name, envPrefix(s.Name)) {
				given[name] = value
			}
		}
	}
	maps.Copy(given, p.Env)
	name, err := functionName(r)
	if err != nil {
		return nil, err
	}
	maps.Copy(given, p.FunctionEnv[name])
	maps.Copy(given, p.FunctionEnv[r.ID])
	return given, nil
}

// of returns the user's value for a resource, by Stack/LogicalID or by logical id.
func of[T any](values map[string]T, r *assembly.Resource) (value T, found bool) {
	if value, found = values[r.String()]; !found {
		value, found = values[r.ID]
	}
	return value, found
}

// envPrefix returns the prefix of variables that Hearth passes on for a stack.
func envPrefix(stack string) string {
	return strings.ToUpper(strings.ReplaceAll(stack, "-", "_")) + "_"
}

// nameIn returns the name of the function in its ARN, or in its name with a qualifier.
func nameIn(function string) string {
	if _, rest, ok := strings.Cut(function, ":function:"); ok {
		function = rest
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

// simulates reports whether the engine runs a function. function is its ARN, or its name
// with a qualifier. One whose name is a stage variable counts as simulated.
func (p *Plan) simulates(function string) bool {
	name := nameIn(function)
	return httpapi.HasStageVariable(name) || slices.ContainsFunc(p.Functions, func(f *Function) bool { return f.Config.Name == name })
}

// HasQueue reports whether a queue with a name is in the plan.
func (p *Plan) HasQueue(name string) bool {
	return slices.ContainsFunc(p.Queues, func(q *Queue) bool { return q.Definition.Name == name })
}

// LastPart returns the text after the last separator, such as the name at the end of an
// ARN.
func LastPart(s, separator string) string { return s[strings.LastIndex(s, separator)+1:] }

// resolveDir makes a path of the app absolute.
func (p *planner) resolveDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.Dir, filepath.FromSlash(path))
}
