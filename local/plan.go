package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	outputs      []assembly.Output
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

// simulated are the types that the engine knows.
var simulated = map[string]bool{
	"AWS::Lambda::Function": true, "AWS::Lambda::Version": true, "AWS::Lambda::Alias": true,
	"AWS::Lambda::EventSourceMapping": true, "AWS::Lambda::EventInvokeConfig": true, "AWS::Lambda::Url": true,
	"AWS::ApiGatewayV2::Api": true, "AWS::ApiGatewayV2::Integration": true, "AWS::ApiGatewayV2::Route": true,
	"AWS::ApiGatewayV2::RouteResponse": true, "AWS::ApiGatewayV2::IntegrationResponse": true, "AWS::ApiGatewayV2::Stage": true,
	"AWS::ApiGatewayV2::Deployment": true, "AWS::ApiGatewayV2::Authorizer": true,
	"AWS::DynamoDB::Table": true, "AWS::DynamoDB::GlobalTable": true,
	"AWS::SQS::Queue": true, "AWS::Scheduler::Schedule": true, "AWS::Scheduler::ScheduleGroup": true,
	"AWS::RDS::DBProxy": true, "AWS::RDS::DBProxyTargetGroup": true, "AWS::CDK::Metadata": true, "AWS::CloudFormation::Stack": true,
}

func (p *plan) skip(r *assembly.Resource, why string) {
	p.notSimulated = append(p.notSimulated, Resource{r.Stack.Name, r.ID, r.Type, why})
}

// warn notes a sentence about a resource that users should read.
func (p *plan) warn(r *assembly.Resource, format string, args ...any) {
	p.warnings = append(p.warnings, r.String()+": "+sprintf(format, args...))
}

// newPlan reads what the engine runs from an assembly.
func (e *Engine) newPlan() (*plan, error) {
	app, err := assembly.Load(e.opts.Assembly)
	if err != nil {
		return nil, err
	}
	if err := app.Select(e.opts.Stacks); err != nil {
		return nil, err
	}
	if err := e.listenFor(app); err != nil {
		return nil, err
	}
	app.SetValues(&values{
		queueURL: func(name string) string { return e.sqs.URL() + "/" + e.account + "/" + name },
		queueARN: e.queues.ARN, apiURL: func(r *assembly.Resource) string { return e.apiURL(shortID(r)) }, database: e.database,
	})
	p := &plan{app: app}
	for _, r := range app.Resources() {
		if !simulated[r.Type] {
			p.skip(r, "")
		}
	}
	var errs []error
	for _, read := range []func(*plan) error{e.planQueues, e.planTables, e.planFunctions, e.planMappings, e.planAPIs, e.planFunctionURLs, e.planSchedules} {
		errs = append(errs, read(p))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.proxies = app.OfType("AWS::RDS::DBProxy")
	p.outputs = app.Outputs()
	for i := range p.outputs {
		p.outputs[i].Value = e.localize(p.outputs[i].Value)
	}
	return p, nil
}

func (e *Engine) planQueues(p *plan) error {
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
			v, err := r.Resolve(raw)
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

func (e *Engine) planFunctions(p *plan) error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Lambda::Function") {
		f, why, err := e.planFunction(p, r)
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
			err = f.addInvokeConfig(r)
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

// planFunction reads one function; nil means that it is not simulated, and why.
func (e *Engine) planFunction(p *plan, r *assembly.Resource) (f *functionPlan, why string, err error) {
	var props struct {
		Runtime, PackageType         string
		MemorySize, Timeout          assembly.Int
		ReservedConcurrentExecutions *assembly.Int
		DeadLetterConfig             struct{ TargetArn string }
	}
	if err := r.Decode(&props); err != nil {
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
		Aliases: map[string]string{}, Provisioned: map[string]int{}, Output: e.opts.Output,
	}
	if props.MemorySize > 0 {
		f.config.MemoryMB = int(props.MemorySize)
	}
	if props.Timeout > 0 {
		f.config.Timeout = time.Duration(props.Timeout) * time.Second
	}
	if props.ReservedConcurrentExecutions != nil {
		n := int(*props.ReservedConcurrentExecutions)
		f.config.Reserved = &n
	}
	if f.config.Env, err = e.functionEnv(p, r); err != nil {
		return nil, "", err
	}
	f.source, err = e.findSource(p.app, r)
	return f, "", err
}

// functionEnv is what a function has in its environment beside Lambda's own
// variables: what the template says, then what leads it to this machine's services,
// then what the user gives.
func (e *Engine) functionEnv(p *plan, r *assembly.Resource) (map[string]string, error) {
	env := map[string]string{}
	given := e.givenEnv(p.app)
	environment, _ := r.Properties["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if _, ok := given[name]; ok {
			continue
		}
		v, err := r.Resolve(variables[name])
		if text, ok := v.(string); ok && strings.Contains(text, "{{resolve:") {
			err = fmt.Errorf("%s: a secret or parameter of the account is not known here", r)
		}
		if err != nil && databaseVariables[name] {
			v, err = "local", nil // setEnv knows better
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w (environment variable %s; set it in .env to give it a value here)", err, name))
			continue
		}
		switch v := v.(type) {
		case nil:
		case string:
			env[name] = e.localize(v)
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
	e.database.setEnv(env)
	env["AWS_ENDPOINT_URL_SQS"] = e.sqs.URL()
	if len(p.tables) > 0 && env[envDynamoDB] == "" { // else the program's tables are elsewhere
		env[envDynamoDB] = e.DynamoDBEndpoint()
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

// givenEnv is what the user gives to functions.
func (e *Engine) givenEnv(app *assembly.App) map[string]string {
	given := map[string]string{}
	for _, variable := range e.opts.Environ {
		name, value, _ := strings.Cut(variable, "=")
		for _, s := range app.Stacks {
			if strings.HasPrefix(name, envPrefix(s.Name)) {
				given[name] = value
			}
		}
	}
	maps.Copy(given, e.opts.Env)
	return given
}

// envPrefix is how the variables of a stack's app begin.
func envPrefix(stack string) string {
	return strings.ToUpper(strings.ReplaceAll(stack, "-", "_")) + "_"
}

func (e *Engine) planMappings(p *plan) error {
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

func (e *Engine) planSchedules(p *plan) error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Scheduler::Schedule") {
		var props struct {
			ScheduleExpression, ScheduleExpressionTimezone, State string
			StartDate, EndDate                                    time.Time
			Target                                                struct {
				Arn, Input       string
				RetryPolicy      struct{ MaximumEventAgeInSeconds, MaximumRetryAttempts *assembly.Int }
				DeadLetterConfig struct{ Arn string }
			}
		}
		// The role is of no account here, and need not be resolvable.
		if target, ok := r.Properties["Target"].(map[string]any); ok {
			target = maps.Clone(target)
			delete(target, "RoleArn")
			clone := *r
			clone.Properties = maps.Clone(r.Properties)
			clone.Properties["Target"] = target
			r = &clone
		}
		if err := r.Decode(&props); err != nil {
			if errors.Is(err, assembly.ErrUnknown) {
				p.skip(r, "its target is not simulated")
				continue
			}
			errs = append(errs, err)
			continue
		}
		if t := props.Target.Arn; !strings.HasPrefix(t, "arn:aws:lambda:") && !strings.HasPrefix(t, "arn:aws:sqs:") {
			p.skip(r, "its target is neither a function nor a queue")
			continue
		}
		if t := props.Target.Arn; strings.HasPrefix(t, "arn:aws:lambda:") && !p.simulates(t) {
			p.skip(r, "its target is not simulated")
			continue
		}
		scheduleARN, err := scheduleARN(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s := scheduler.Schedule{
			Name: scheduleName(props.Target.Input, lastPart(scheduleARN, "/")), ARN: scheduleARN,
			Expression: props.ScheduleExpression, TimeZone: props.ScheduleExpressionTimezone, Start: props.StartDate, End: props.EndDate,
			Disabled: props.State == "DISABLED", TargetARN: props.Target.Arn, Input: props.Target.Input,
			Region: r.Stack.Region, Account: r.Stack.Account, DeadLetterARN: props.Target.DeadLetterConfig.Arn,
		}
		if n := props.Target.RetryPolicy.MaximumRetryAttempts; n != nil {
			retries := int(*n)
			s.Retries = &retries
		}
		if n := props.Target.RetryPolicy.MaximumEventAgeInSeconds; n != nil {
			s.MaxAge = time.Duration(*n) * time.Second
		}
		p.schedules = append(p.schedules, schedulePlan{r, s})
	}
	return errors.Join(errs...)
}

// scheduleName is the name that the constructs give a schedule in its input, or
// else its own.
func scheduleName(input, name string) string {
	var in struct {
		Detail struct{ Schedule string }
	}
	if json.Unmarshal([]byte(input), &in) == nil && in.Detail.Schedule != "" {
		return in.Detail.Schedule
	}
	return name
}

// resolveDir makes a path of the app absolute.
func (e *Engine) resolveDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.dir, filepath.FromSlash(path))
}
