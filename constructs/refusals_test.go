package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// TestConstantRules shows the words for constants of the CDK that are none, or that do not
// fit.
func TestConstantRules(t *testing.T) {
	const removal = "must be destroy, retain, retain-on-update-or-delete, got "
	policy := strings.NewReplacer("destroy", string(awscdk.RemovalPolicy_DESTROY), "retain,", string(awscdk.RemovalPolicy_RETAIN)+",", "retain-on-update-or-delete", string(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)).Replace(removal)
	snapshot := `"` + string(awscdk.RemovalPolicy_SNAPSHOT) + `"; use a constant of the CDK`
	runRules(t, []ruleCase{
		{"queue", func(r *rules) { (&QueueProps{RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT}).values().check(r) }, []string{"P.RemovalPolicy " + policy + snapshot}},
		{"registry", (&ConnectionRegistryProps{RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT}).check, []string{"P.RemovalPolicy " + policy + snapshot}},
		{"table", (&IdempotencyTableProps{RemovalPolicy: awscdk.RemovalPolicy_SNAPSHOT}).check, []string{"P.RemovalPolicy " + policy + snapshot}},
		{"logs", (&HandlerProps{LogRemovalPolicy: "keep", Tracing: "on"}).check, []string{
			"P.LogRemovalPolicy " + policy + `"keep"; use a constant of the CDK`,
			`P.Tracing must be ` + string(awslambda.Tracing_ACTIVE) + ", " + string(awslambda.Tracing_DISABLED) + ", " + string(awslambda.Tracing_PASS_THROUGH) + `, got "on"; use a constant of the CDK`,
		}},
		{"days of logs", (&HandlerProps{LogRetention: "FOREVER"}).check, []string{`P.LogRetention must be a constant such as awslogs.RetentionDays_ONE_MONTH, got "FOREVER"; use awslogs.RetentionDays_INFINITE for no end`}},
		{"infinite logs", (&HandlerProps{LogRetention: awslogs.RetentionDays_INFINITE}).check, nil},
		{"days of HTTP logs", (&HttpApiProps{AccessLogRetention: "30"}).check, []string{`P.AccessLogRetention must be a constant such as awslogs.RetentionDays_ONE_MONTH, got "30"; use awslogs.RetentionDays_INFINITE for no end`}},
		{"days of REST logs", (&RestApiProps{AccessLogs: jsii.Bool(true), AccessLogRetention: "30"}).check, []string{`P.AccessLogRetention must be a constant such as awslogs.RetentionDays_ONE_MONTH, got "30"; use awslogs.RetentionDays_INFINITE for no end`}},
		{"days of WebSocket logs", (&WebSocketApiProps{AccessLogs: jsii.Bool(true), AccessLogRetention: "30"}).check, []string{`P.AccessLogRetention must be a constant such as awslogs.RetentionDays_ONE_MONTH, got "30"; use awslogs.RetentionDays_INFINITE for no end`}},
		{"authorizer", (&RestApiProps{AuthorizationType: awsapigateway.AuthorizationType_COGNITO}).check, []string{
			"P.Authorizer must be set with AuthorizationType " + string(awsapigateway.AuthorizationType_COGNITO) + ", got nil; pass the authorizer that decides",
		}},
		{"scopes", (&HttpApiProps{AuthorizationScopes: jsii.Strings("a")}).check, []string{"P.AuthorizationScopes must be unset without Authorizer, which asks for them; set Authorizer too"}},
		{"no zone", func(r *rules) {
			(&ScheduleProps{Name: jsii.String("a"), Expression: jsii.String("rate(1 day)"), TimeZone: jsii.String("")}).check(r)
		}, []string{`P.TimeZone must be the name of a time zone in the IANA database, such as Europe/Oslo, got ""; correct it`}},
	})
	stack := setup(t)
	got := refusal(t, func() {
		NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{AuthType: "none", Handler: existingFunction(stack)})
	})
	if want := `FunctionUrlProps.AuthType must be AWS_IAM, NONE, got "none"; use a constant of the CDK`; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

// TestUniqueNames shows that two constructs cannot fix one physical name.
func TestUniqueNames(t *testing.T) {
	stack := setup(t)
	name := jsii.String("orders")
	function := func(id string, in awscdk.Stack) *Handler {
		props := silent(nil)
		props.FunctionName = name
		return NewHandler(in, &id, props)
	}
	queue := func(id, name string, fifo bool) func() {
		return func() { NewQueue(stack, &id, &QueueProps{Fifo: &fifo, QueueName: &name}) }
	}
	h := function("One", stack)
	queue("Queue", "orders", false)()
	queue("Fifo", "orders", true)() // its name ends with .fifo
	NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{DashboardName: name, Handlers: []*Handler{h}})
	for want, create := range map[string]func(){
		`HandlerProps.FunctionName must be unique in the account and region, got "orders", as in Test/One; rename one of them, or leave it unset`: func() { function("Two", stack) },
		`QueueProps.QueueName must be unique in the account and region, got "orders", as in Test/Queue`:                                           queue("Queue2", "orders", false),
		`QueueProps.QueueName must be unique in the account and region, got "orders-dead", as in Test/Queue`:                                      queue("Queue3", "orders-dead", false),
		`MonitoringProps.DashboardName must be unique in the account and region, got "orders", as in Test/Monitoring`: func() {
			NewMonitoring(stack, jsii.String("Monitoring2"), &MonitoringProps{DashboardName: name, Handlers: []*Handler{h}})
		},
	} {
		if got := refusal(t, create); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	app := stack.Node().Root().(awscdk.App)
	in := func(scope constructs.Construct, id string, env *awscdk.Environment) awscdk.Stack {
		return awscdk.NewStack(scope, &id, &awscdk.StackProps{Env: env})
	}
	function("Elsewhere", in(app, "Other", &awscdk.Environment{Region: jsii.String(here)}))

	// Stacks without a place may be deployed to two accounts.
	agnostic := in(app, "Agnostic", nil)
	function("Again", agnostic)
	assertions.Annotations_FromStack(agnostic).HasWarning(jsii.String("/Agnostic/Again"), assertions.Match_StringLikeRegexp(jsii.String(`FunctionName is "orders", as in Test/One; deploy the two stacks to different accounts or regions, or rename one of them.*`)))
	if got, want := refusal(t, func() { function("Nested", awscdk.NewNestedStack(stack, jsii.String("Nest"), nil)) }), "as in Test/One"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}

	// Two stages of one account and region cannot share a name.
	place := &awscdk.Environment{Account: jsii.String(ours), Region: jsii.String(here)}
	stage := func(id string) constructs.Construct { return awscdk.NewStage(app, &id, nil) }
	function("It", in(stage("Dev"), "Shop", place))
	if got, want := refusal(t, func() { function("It", in(stage("Prod"), "Shop", place)) }), "as in Dev/Shop/It"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
	function("It", in(stage("Test2"), "Shop", &awscdk.Environment{Account: jsii.String(theirs), Region: jsii.String(here)}))
}

// TestRefineInPlace shows that a change inside what a prop points to is seen, and that a
// REST API can have any kind of endpoint.
func TestRefineInPlace(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	rest := func(id string, refine func(*awsapigateway.RestApiProps)) func() {
		return func() { NewRestApi(stack, &id, &RestApiProps{Handler: fn, Refine: refine}) }
	}
	rest("Measured", func(p *awsapigateway.RestApiProps) { p.DeployOptions.MetricsEnabled = jsii.Bool(true) })()
	rest("Edge", func(p *awsapigateway.RestApiProps) {
		p.EndpointConfiguration = &awsapigateway.EndpointConfiguration{Types: &[]awsapigateway.EndpointType{awsapigateway.EndpointType_EDGE}}
	})()
	rest("Private", func(p *awsapigateway.RestApiProps) {
		p.EndpointTypes = &[]awsapigateway.EndpointType{awsapigateway.EndpointType_PRIVATE}
	})()
	for want, create := range map[string]func(){
		"RestApiProps.Refine must leave StageName of DeployOptions as it is; set the prop of RestApiProps for it": rest("Stage", func(p *awsapigateway.RestApiProps) {
			p.DeployOptions.StageName = jsii.String("other")
		}),
		"HandlerProps.Refine must leave an entry of Environment as it is; set the prop of HandlerProps for it": func() {
			props := silent(nil)
			props.Environment = &map[string]*string{"STAGE": jsii.String("1")}
			props.Refine = func(p *awslambda.FunctionProps) { (*p.Environment)["HEARTH_ROLE"] = jsii.String("jobs") }
			NewHandler(stack, jsii.String("Handler"), props)
		},
	} {
		if got := refusal(t, create); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	templates := template(stack)
	for _, kind := range []string{"EDGE", "PRIVATE", "REGIONAL"} {
		templates.HasResourceProperties(jsii.String("AWS::ApiGateway::RestApi"), map[string]any{"EndpointConfiguration": map[string]any{"Types": []string{kind}}})
	}
}

// TestAddedVariablesAskAgain shows that a variable that is added later cannot change what
// the program serves: the backend has been made for the first answer.
func TestAddedVariablesAskAgain(t *testing.T) {
	added := func(name, value string) awscdk.Stack {
		stack := setup(t)
		b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("conditional"), Environment: &map[string]*string{"TABLE_NAME": jsii.String("t")}})
		b.AddEnvironment(&name, &value, nil)
		return stack
	}
	// The CDK's own method adds variables too.
	addedToFunction := func(name, value string) awscdk.Stack {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("conditional"), Environment: &map[string]*string{"TABLE_NAME": tokenProp()}, ManifestEnvironment: &map[string]*string{"STAGE": jsii.String("1")}})
		h.Function.AddEnvironment(&name, &value, nil)
		return stack
	}
	template(added("STAGE", "1"))
	template(addedToFunction("STAGE", "2"))
	for name, create := range map[string]func(name, value string) awscdk.Stack{"backend": added, "function": addedToFunction} {
		got := refusal(t, func() { template(create("REPORTS", "on")) })
		if want := `"testdata/programs/conditional" must serve the same with the variables that AddEnvironment has added, "REPORTS", got something else than at its creation; set them in Environment of the props`; !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
	got := refusal(t, func() { template(added("TABLE_NAME", "")) })
	if want := "must say what it serves with the variables that AddEnvironment has added"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

// TestEndpointsOfOneVpc shows that two tables share the endpoint of a VPC, and that a
// second endpoint for SQS is refused.
func TestEndpointsOfOneVpc(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	registry := NewConnectionRegistry(stack, jsii.String("Registry"), &ConnectionRegistryProps{Vpc: vpc})
	table := NewIdempotencyTable(stack, jsii.String("Table"), &IdempotencyTableProps{Vpc: vpc})
	if registry.Endpoint != table.Endpoint {
		t.Error("a route table can have only one endpoint for DynamoDB")
	}
	endpoint := NewSqsEndpoint(stack, jsii.String("Sqs"), &SqsEndpointProps{Vpc: vpc})
	h := NewHandler(stack, jsii.String("Handler"), silent(nil))
	for want, create := range map[string]func(){
		"SqsEndpointProps.Vpc must have no other endpoint for SQS, since their private DNS names conflict, got that of Test/Sqs/Endpoint/Resource; use that one": func() {
			NewSqsEndpoint(stack, jsii.String("Sqs2"), &SqsEndpointProps{Vpc: vpc})
		},
		"HandlerProps.Vpc must be set for a function that uses the endpoint, got none for Test/Handler/Function": func() { endpoint.Connect(h) },
		"HandlerProps.Vpc must be set for Connections, got none":                                                 func() { h.Connections() },
	} {
		if got := refusal(t, create); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	template(stack).ResourceCountIs(jsii.String("AWS::EC2::VPCEndpoint"), jsii.Number(2))
}

// TestTableKeys shows that a table of the app must have the keys that the program uses.
func TestTableKeys(t *testing.T) {
	stack := setup(t)
	table := func(id string, sort *awsdynamodb.Attribute) awsdynamodb.ITable {
		return awsdynamodb.NewTable(stack, &id, &awsdynamodb.TableProps{PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("PK"), Type: awsdynamodb.AttributeType_STRING}, SortKey: sort})
	}
	alone, both := table("Alone", nil), table("Both", &awsdynamodb.Attribute{Name: jsii.String("SK"), Type: awsdynamodb.AttributeType_STRING})
	number := table("Number", &awsdynamodb.Attribute{Name: jsii.String("SK"), Type: awsdynamodb.AttributeType_NUMBER})
	const todo = "; pass another table, or leave it unset for a new one"
	registry := func(of awsdynamodb.ITable) func(*rules) { return (&ConnectionRegistryProps{Table: of}).check }
	idempotency := func(of awsdynamodb.ITable) func(*rules) { return (&IdempotencyTableProps{Table: of}).check }
	runRules(t, []ruleCase{
		{"registry", registry(both), nil},
		{"registry without a sort key", registry(alone), []string{"P.Table must have string keys, PK and SK, got PK alone" + todo}},
		{"registry of numbers", registry(number), []string{"P.Table must have string keys, PK and SK, got PK and SK (NUMBER)" + todo}},
		{"imported", registry(awsdynamodb.Table_FromTableName(stack, jsii.String("Imported"), jsii.String("it"))), nil},
		{"idempotency", idempotency(alone), nil},
		{"idempotency with a sort key", idempotency(both), []string{"P.Table must have string keys, PK alone, got PK and SK" + todo}},
	})
}

// TestTableEndpoints shows that two tables share the endpoint of a VPC, and that it is the
// only one there.
func TestTableEndpoints(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	one := NewConnectionRegistry(stack, jsii.String("One"), &ConnectionRegistryProps{Vpc: vpc})
	if two := NewIdempotencyTable(stack, jsii.String("Two"), &IdempotencyTableProps{Vpc: vpc}); two.Endpoint != one.Endpoint {
		t.Error("two tables must share the endpoint")
	}
	other := awsec2.NewVpc(stack, jsii.String("OtherVpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(2), RestrictDefaultSecurityGroup: jsii.Bool(false)})
	other.AddGatewayEndpoint(jsii.String("Tables"), &awsec2.GatewayVpcEndpointOptions{Service: awsec2.GatewayVpcEndpointAwsService_DYNAMODB()})
	for where, create := range map[string]func(){
		"ConnectionRegistryProps": func() { NewConnectionRegistry(stack, jsii.String("Three"), &ConnectionRegistryProps{Vpc: other}) },
		"IdempotencyTableProps":   func() { NewIdempotencyTable(stack, jsii.String("Four"), &IdempotencyTableProps{Vpc: other}) },
	} {
		if got, want := refusal(t, create), where+".Vpc must be unset for a VPC that has an endpoint for DynamoDB, got that of Test/OtherVpc/Tables/Resource; a route table can have only one: remove Vpc"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestImportedDatabaseLacks shows which attributes of an imported database a direct
// connection needs.
func TestImportedDatabaseLacks(t *testing.T) {
	stack := setup(t)
	cluster := func(id string, attributes awsrds.DatabaseClusterAttributes) func() {
		attributes.ClusterIdentifier, attributes.Engine = &id, awsrds.DatabaseClusterEngine_AURORA_POSTGRESQL()
		c := awsrds.DatabaseCluster_FromDatabaseClusterAttributes(stack, &id, &attributes)
		return func() {
			NewDirectDatabase(stack, jsii.String(id+"Direct"), &DirectDatabaseProps{Cluster: c, Database: jsii.String("app"), MaxConnections: jsii.Number(1), User: jsii.String("app")})
		}
	}
	whole := awsrds.DatabaseClusterAttributes{ClusterEndpointAddress: jsii.String("db.example.com"), ClusterResourceIdentifier: jsii.String("cluster-1"), Port: jsii.Number(5432)}
	cluster("Whole", whole)()
	noEndpoint, noID := whole, whole
	noEndpoint.ClusterEndpointAddress, noID.ClusterResourceIdentifier = nil, nil
	instance := awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(stack, jsii.String("Instance"), &awsrds.DatabaseInstanceAttributes{
		Engine: awsrds.DatabaseInstanceEngine_POSTGRES(), InstanceEndpointAddress: jsii.String("db.example.com"), InstanceIdentifier: jsii.String("db"),
		Port: jsii.Number(5432), SecurityGroups: &[]awsec2.ISecurityGroup{},
	})
	for want, creates := range map[string][]func(){
		"DirectDatabaseProps.Cluster must have its endpoint and resource id": {cluster("NoEndpoint", noEndpoint), cluster("NoID", noID)},
		"DirectDatabaseProps.Instance must have its resource id, got none": {func() {
			NewDirectDatabase(stack, jsii.String("Direct"), &DirectDatabaseProps{Instance: instance, Database: jsii.String("app"), MaxConnections: jsii.Number(1), User: jsii.String("app")})
		}},
	} {
		for _, create := range creates {
			if got := refusal(t, create); !strings.Contains(got, want) {
				t.Errorf("got %q, want %q in it", got, want)
			}
		}
	}
}
