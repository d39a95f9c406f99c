package plan

// part is a feature of AWS that the engine simulates.
type part struct {
	// Name is the name for users.
	Name string
	// Types are its resource types.
	Types []string
	// How says how close the simulation is, and Missing what it lacks.
	How, Missing string
}

// parts lists everything that the engine simulates. The planner uses the types, and a table
// in docs/local.md is made from the list.
var parts = []part{
	{
		"Lambda functions", []string{"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig"},
		"a process for each instance with its own Runtime API; provisioned and reserved concurrency, aliases, throttles, time-outs, retries and destinations of asynchronous invocations; several invocations at once in a process of Lambda Managed Instances, whose time-outs end neither the process nor late code; the environment that AWS documents",
		"limits of memory and processor; scaling policies; weighted aliases; layers; extensions, except internal ones; programs for other machines, other runtimes than `provided.*`, and container images (only their own routes fail)",
	},
	{
		"Function URLs", []string{"AWS::Lambda::Url"},
		"buffered and streamed, with CORS",
		"IAM authorization (everybody is let in)",
	},
	{
		"HTTP APIs", []string{"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Deployment", "AWS::ApiGatewayV2::Authorizer"},
		"routes, stages, both payload formats, CORS, JWT and Lambda authorizers, limits and the gateway's own errors; OpenAPI documents in JSON or YAML, also included ones (AWS::Include)",
		"integrations other than Lambda; custom domains; throttling; IAM authorization (everybody is let in)",
	},
	{
		"WebSocket APIs", []string{"AWS::ApiGatewayV2::RouteResponse", "AWS::ApiGatewayV2::IntegrationResponse"},
		"connect, messages, disconnect, @connections, authorizers, limits of frames, messages and connections",
		"integrations other than Lambda; request templates; IAM authorization (everybody is let in)",
	},
	{
		"REST APIs", []string{"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage", "AWS::ApiGateway::Authorizer"},
		"Lambda proxy integrations, streamed ones too; resources with variables and greedy paths; token and request authorizers; binary media types; preflight requests by mocks; the gateway's own errors; OpenAPI documents in JSON or YAML, also included ones (AWS::Include)",
		"other integrations and templates; API keys and usage plans (everybody is let in); validators; gateway responses; custom domains; IAM authorization (everybody is let in)",
	},
	{
		"SQS queues", []string{"AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping"},
		"standard and FIFO queues, held against AWS by [a conformance suite](sqs.md); event source mappings with batches, windows, filters, partial responses and maximum concurrency",
		"event sources other than queues; encryption; the older query protocol",
	},
	{
		"DynamoDB tables", []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"},
		"items, Query and Scan, secondary indexes, batches and transactions, with all expressions and limits, and errors in DynamoDB's words; expiry on the engine's clock",
		"streams, replicas, backups, PartiQL; the legacy parameters that expressions replaced; capacity and throttling; tables that a program creates",
	},
	{
		"Schedules", []string{"AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup", "AWS::Events::Rule"},
		"EventBridge Scheduler and rules with a schedule: cron, rate and at, time zones, retries, dead-letter queues, inputs and input transformers; `hearth trigger` runs one now",
		"rules with an event pattern; targets other than functions and queues; flexible time windows; a rate without a start date first runs after one interval, where AWS may begin at once",
	},
	{
		"RDS Proxies", []string{"AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup"},
		"lead to a database that you name, or to a PostgreSQL server with an empty database for each name",
		"the proxy itself: connections are not shared, and a password stands for IAM tokens",
	},
	{
		"Nested stacks", []string{"AWS::CloudFormation::Stack", "AWS::CDK::Metadata"},
		"their resources run as those of their parents",
		"stacks whose template is not in the assembly",
	},
}

// simulated has the resource types that the engine simulates.
var simulated = func() map[string]bool {
	types := map[string]bool{}
	for _, p := range parts {
		for _, t := range p.Types {
			types[t] = true
		}
	}
	return types
}()
