package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// filtersOf checks the filters of a consumed queue.
func filtersOf(r *rules, filters ...map[string]any) {
	list := make([]*map[string]any, len(filters))
	for i := range filters {
		list[i] = &filters[i]
	}
	v := (&QueueProps{Filters: &list}).values()
	v.consumed, v.functionTimeout = true, known(3)
	v.check(r)
}

// TestNilElements shows that nil in a list is a broken rule, and no error of JavaScript.
func TestNilElements(t *testing.T) {
	nothing := &[]*string{nil}
	runRules(t, []ruleCase{
		{"layers and groups", (&HandlerProps{Layers: &[]awslambda.ILayerVersion{nil}}).check, []string{"P.Layers[0] must be set, got nil; remove it"}},
		{"alarms", (&HandlerProps{Gradual: &GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE(), Alarms: &[]awscloudwatch.IAlarm{nil}}}).check, []string{
			"P.Gradual.Alarms[0] must be set, got nil; remove it",
		}},
		{"filters", func(r *rules) {
			p := QueueProps{Filters: &[]*map[string]any{nil}}
			v := p.values()
			v.consumed = true
			v.check(r)
		}, []string{
			"P.VisibilityTimeout must be set when the timeout of Handler is not known here, got none; set it, or FunctionTimeout",
			"P.Filters must have a pattern in each element, got nil; remove it",
		}},
		{"no filters", func(r *rules) { filtersOf(r) }, []string{"P.Filters must have at least 1 pattern, got none; leave it unset for every message"}},
		{"filters that the CDK did not make", func(r *rules) { filtersOf(r, map[string]any{"body": 1, "attributes": 2}) }, []string{
			`P.Filters must be made with awslambda.FilterCriteria_Filter, got a map with the keys "attributes", "body"; pass the map to it`,
		}},
		{"filters that the CDK made", func(r *rules) {
			filtersOf(r, *awslambda.FilterCriteria_Filter(&map[string]any{"body": map[string]any{"kind": []string{"a"}}}))
		}, nil},
		{"no groups", (&HandlerProps{SecurityGroups: &[]awsec2.ISecurityGroup{}}).check, []string{
			"P.SecurityGroups must have at least 1 security group, got none; leave it unset for a new one",
			"P.SecurityGroups must be unset without Vpc; set Vpc too",
		}},
		{"scopes", (&HttpApiProps{AuthorizationScopes: nothing}).check, []string{
			"P.AuthorizationScopes must be unset without Authorizer, which asks for them; set Authorizer too",
			"P.AuthorizationScopes[0] must be set, got nil; remove it",
		}},
		{"media types", (&RestApiProps{BinaryMediaTypes: nothing}).check, []string{"P.BinaryMediaTypes[0] must be set, got nil; remove it"}},
		{"secrets", func(r *rules) {
			(&DatabaseProxyProps{Secrets: &[]awssecretsmanager.ISecret{nil}, SecurityGroups: &[]awsec2.ISecurityGroup{nil}}).check(r, text{})
		}, []string{
			"P.Cluster must be set unless Instance is, got none; pass the database",
			"P.Vpc must be set, got none; pass the VPC of the database",
			"P.Secrets[0] must be set, got nil; remove it",
			"P.SecurityGroups[0] must be set, got nil; remove it",
		}},
		{"parts", (&MonitoringProps{
			Actions: &[]awscloudwatch.IAlarmAction{nil}, Databases: []*DatabaseProxy{nil}, FunctionUrls: []*FunctionUrl{nil}, Handlers: []*Handler{nil}, HttpApis: []*HttpApi{nil},
			Queues: []*Queue{nil}, RestApis: []*RestApi{nil}, Schedules: []*Schedule{nil}, WebSocketApis: []*WebSocketApi{nil},
		}).check, []string{
			"P.Actions[0] must be set, got nil; remove it",
			"P.Databases[0] must be set, got nil; remove it",
			"P.FunctionUrls[0] must be set, got nil; remove it",
			"P.Handlers[0] must be set, got nil; remove it",
			"P.HttpApis[0] must be set, got nil; remove it",
			"P.Queues[0] must be set, got nil; remove it",
			"P.RestApis[0] must be set, got nil; remove it",
			"P.Schedules[0] must be set, got nil; remove it",
			"P.WebSocketApis[0] must be set, got nil; remove it",
		}},
		{"names of nothing", (&MonitoringProps{DashboardName: jsii.String("my dash"), Email: jsii.String("nobody")}).check, []string{
			`P.DashboardName must be 1 to 255 letters, digits, - and _, got "my dash"; rename it`,
			`P.Email must be an address such as oncall@example.com, got "nobody"; correct it, or unset it for no messages`,
		}},
	})
	Prebuild(nil)
}

// TestNilArguments shows what the constructs say to nil where a construct must be.
func TestNilArguments(t *testing.T) {
	stack := setup(t)
	table := NewIdempotencyTable(stack, jsii.String("Table"), nil)
	var handler *Handler
	var backend *Backend
	for want, create := range map[string]func(){
		"*hearth.Queue must have a scope, got nil; pass the stack or a construct in it":             func() { NewQueue(nil, jsii.String("Queue"), nil) },
		`*hearth.Queue in "Test" must have an id, got none; pass one that is unique in its scope`:   func() { NewQueue(stack, nil, nil) },
		`*hearth.Backend in "Test" must have an id, got none; pass one that is unique in its scope`: func() { NewBackend(stack, jsii.String(""), nil) },
	} {
		if got := refusal(t, create); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	for _, client := range []Client{nil, handler, backend} {
		got := refusal(t, func() { table.Connect(client, nil) })
		if want := "Client.Function must be an awslambda.Function, a Handler or a Backend, got nil; pass the function"; !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

// TestAddEnvironment shows that variables that are added later keep the rules of
// Environment, and replace none that a connection sets.
func TestAddEnvironment(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full"), IdempotencyTable: &IdempotencyTableProps{}, Jobs: &HandlerProps{}})
	add := func(key, value *string) func() { return func() { b.AddEnvironment(key, value, nil) } }
	one := jsii.String("1")
	for want, create := range map[string]func(){
		"AddEnvironment.key must be the name of a variable, got nil":                                   add(nil, one),
		"AddEnvironment.key must have a value for AB, got nil":                                         add(jsii.String("AB"), nil),
		"AddEnvironment.key must have names of 2 or more letters":                                      add(jsii.String("1A"), one),
		"AddEnvironment.key must not have AWS_REGION":                                                  add(jsii.String("AWS_REGION"), one),
		"AddEnvironment.key must not have HEARTH_ROLE":                                                 add(jsii.String("HEARTH_ROLE"), one),
		"HEARTH_IDEMPOTENCY_TABLE of Test/Backend/Handler/Function must lead to one construct, got Te": add(jsii.String("HEARTH_IDEMPOTENCY_TABLE"), one),
		"HEARTH_QUEUES of Test/Backend/Handler/Function must lead to one construct, got Test/Backend/": add(jsii.String("HEARTH_QUEUES"), one),
	} {
		if got := refusal(t, create); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	add(jsii.String("STAGE"), one)()
	add(jsii.String("STAGE"), jsii.String("2"))() // as in the CDK, the last one counts
	template(stack).ResourcePropertiesCountIs(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Environment": map[string]any{"Variables": map[string]any{"STAGE": "2"}},
	}, jsii.Number(2))

	h := NewHandler(stack, jsii.String("Other"), silent(nil))
	h.AddEnvironment(jsii.String("HEARTH_IDEMPOTENCY_TABLE"), one, nil)
	if got, want := refusal(t, func() { b.IdempotencyTable.Connect(h, nil) }), "HEARTH_IDEMPOTENCY_TABLE of Test/Other/Function must lead to one construct, got Test/Other and Test/Backend/IdempotencyTable"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

// TestOneQueueByTwoConstructs shows that a program may know a queue from two constructs,
// as long as it is the same queue.
func TestOneQueueByTwoConstructs(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), silent(nil))
	queue := func(id, arn string) awssqs.IQueue { return awssqs.Queue_FromQueueArn(stack, &id, &arn) }
	const arn = "arn:aws:sqs:eu-north-1:123456789012:jobs"
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, Name: jsii.String("jobs"), Queue: queue("Q1", arn)})
	NewQueue(stack, jsii.String("Same"), &QueueProps{Name: jsii.String("jobs"), Queue: queue("Q2", arn)}).ConnectSend(h, nil)
	other := NewQueue(stack, jsii.String("Other"), &QueueProps{Name: jsii.String("jobs"), Queue: queue("Q3", arn+"2")})
	if got, want := refusal(t, func() { other.ConnectSend(h, nil) }), `the queue "jobs" of Test/Handler/Function must lead to one construct, got Test/Jobs and Test/Other`; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

// TestMonitoringOnce shows that a part that is listed twice is watched once.
func TestMonitoringOnce(t *testing.T) {
	count := func(parts func(b *Backend, p *MonitoringProps)) int {
		stack := setup(t)
		b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full")})
		p := &MonitoringProps{Backend: b}
		parts(b, p)
		return len(NewMonitoring(stack, jsii.String("Monitoring"), p).Alarms)
	}
	once := count(func(*Backend, *MonitoringProps) {})
	twice := count(func(b *Backend, p *MonitoringProps) {
		p.Handlers, p.HttpApis, p.WebSocketApis = []*Handler{b.Handler, b.Handler}, []*HttpApi{b.Http}, []*WebSocketApi{b.WebSocket}
		p.Queues, p.Schedules = []*Queue{b.Queue("ledger")}, []*Schedule{b.Schedule("tick")}
	})
	if once != twice {
		t.Errorf("got %d alarms, want %d", twice, once)
	}
}
