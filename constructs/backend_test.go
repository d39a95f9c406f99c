package hearth

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

func newFullBackend(stack awscdk.Stack) *Backend {
	vpc := newVpc(stack)
	return NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: Autoscaled(2, 20)},
		Database:    &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc},
		Environment: &map[string]*string{"STAGE": jsii.String("test")},
		Queues: map[string]*QueueProps{
			"ledger":      {MaxConcurrency: jsii.Number(5)},
			"screenshots": {MaxConcurrency: jsii.Number(10)},
		},
	})
}

func TestBackendMinimal(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("empty")})
	if b.Http != nil || b.WebSocket != nil || b.Database != nil || len(b.Queues)+len(b.Schedules) > 0 {
		t.Error("a program that serves nothing must get nothing")
	}
	golden(t, stack)
}

func TestBackendFull(t *testing.T) {
	stack := setup(t)
	b := newFullBackend(stack)
	if b.Http == nil || b.WebSocket == nil || b.Database == nil || b.Queues["ledger"] == nil || b.Schedules["nightly"] == nil {
		t.Error("every part must be there")
	}
	golden(t, stack)
}

// resources returns the resources of a type as plain JSON.
func resources(stack awscdk.Stack, kind string) map[string]string {
	found := map[string]string{}
	for id, resource := range *template(stack).FindResources(jsii.String(kind), nil) {
		data, _ := json.Marshal(resource)
		found[id] = string(data)
	}
	return found
}

// TestBackendAlias shows that everything invokes the alias with the provisioned
// concurrency, and that the alias waits for the database.
func TestBackendAlias(t *testing.T) {
	stack := setup(t)
	b := newFullBackend(stack)
	alias := *stack.GetLogicalId(b.Handler.Alias.Node().DefaultChild().(awslambda.CfnAlias))
	for kind, count := range map[string]int{
		"AWS::ApiGatewayV2::Integration":  2,
		"AWS::Lambda::Permission":         4,
		"AWS::Lambda::EventSourceMapping": 2,
		"AWS::Scheduler::Schedule":        2,
	} {
		found := resources(stack, kind)
		if len(found) != count {
			t.Errorf("%d of %s, want %d", len(found), kind, count)
		}
		for id, resource := range found {
			if !strings.Contains(resource, fmt.Sprintf(`{"Ref":%q}`, alias)) {
				t.Errorf("%s %s does not invoke the alias: %s", kind, id, resource)
			}
		}
	}
	for kind, want := range map[string]string{
		"AWS::RDS::DBProxyTargetGroup":   "BackendDatabase",
		"AWS::RDS::DBProxy":              "BackendDatabase",
		"AWS::EC2::SecurityGroupIngress": "",
		"AWS::EC2::SecurityGroupEgress":  "",
	} {
		for id := range resources(stack, kind) {
			if !strings.HasPrefix(id, want) || !strings.Contains(resources(stack, "AWS::Lambda::Alias")[alias], fmt.Sprintf("%q", id)) {
				t.Errorf("the alias must wait for %s %s", kind, id)
			}
		}
	}
}

func TestBackendDeclared(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:     entry("silent"),
		Http:      &HttpApiProps{AccessLogs: jsii.Bool(false)},
		Manifest:  jsii.Bool(false),
		Queues:    map[string]*QueueProps{"jobs": nil, "ledger": {Fifo: jsii.Bool(true)}},
		Schedules: map[string]*ScheduleProps{"tick": {Expression: jsii.String("rate(1 minute)"), TimeZone: jsii.String("Europe/Oslo")}},
	})
	if b.Http == nil || b.WebSocket != nil || len(b.Queues) != 2 || len(b.Schedules) != 1 {
		t.Error("the props must be what is served")
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(5)) // with that of lost runs
	template.HasResourceProperties(jsii.String("AWS::Scheduler::Schedule"), map[string]any{"ScheduleExpressionTimezone": "Europe/Oslo"})
}

// TestBackendHttpElsewhere: an existing API serves HTTP, so the backend makes none.
func TestBackendHttpElsewhere(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full"), HttpElsewhere: jsii.Bool(true)})
	if b.Http != nil || b.Rest != nil || b.FunctionUrl != nil {
		t.Error("a way in was made")
	}
	template(stack).ResourcePropertiesCountIs(jsii.String("AWS::ApiGatewayV2::Api"), map[string]any{"ProtocolType": "HTTP"}, jsii.Number(0))
	for want, props := range map[string]*BackendProps{
		"BackendProps.HttpElsewhere must be unset with Http, as requests have one way in; remove one of them":      {Entry: entry("full"), HttpElsewhere: jsii.Bool(true), Http: &HttpApiProps{}},
		"BackendProps.HttpElsewhere must be unset when the program serves no HTTP; remove it, or set App.HTTP in ": {Entry: entry("empty"), HttpElsewhere: jsii.Bool(true)},
	} {
		if got := refusal(t, func() { NewBackend(setup(t), jsii.String("Backend"), props) }); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestBackendIdempotencyTable: the table is the program's, with the policy of the backend,
// and isolated functions get one way to DynamoDB for both tables.
func TestBackendIdempotencyTable(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		ConnectionRegistry: &ConnectionRegistryProps{}, Entry: entry("relayed"), Handler: &HandlerProps{Vpc: newIsolatedVpc(stack)},
		IdempotencyTable: &IdempotencyTableProps{}, RemovalPolicy: awscdk.RemovalPolicy_DESTROY, WebSocketRelay: jsii.Bool(true),
	})
	if b.IdempotencyTable.Endpoint != nil || b.ConnectionRegistry.Endpoint == nil {
		t.Error("there must be one endpoint, that of the registry")
	}
	template := template(stack)
	template.AllResources(jsii.String("AWS::DynamoDB::Table"), map[string]any{"DeletionPolicy": "Delete"})
	if got := variablesOf(t, stack, "Handler")[0]["HEARTH_IDEMPOTENCY_TABLE"]; got == "" {
		t.Error("the program is not told of the table")
	}
	got := refusal(t, func() {
		NewBackend(setup(t), jsii.String("Backend"), &BackendProps{
			Entry: entry("empty"), Environment: &map[string]*string{"HEARTH_IDEMPOTENCY_TABLE": jsii.String("mine")}, IdempotencyTable: &IdempotencyTableProps{},
		})
	})
	if want := `BackendProps.Environment["HEARTH_IDEMPOTENCY_TABLE"] must be unset, as the backend sets it; remove it`; !strings.Contains(got, want) {
		t.Errorf("got %s", got)
	}
}

// TestBackendRefusal shows that all broken rules are reported at once, including those
// across the program and the infrastructure.
func TestBackendRefusal(t *testing.T) {
	stack := setup(t)
	standard := awssqs.NewQueue(stack, jsii.String("Standard"), nil)
	got := refusal(t, func() {
		NewBackend(stack, jsii.String("Backend"), &BackendProps{
			Entry:       entry("full"),
			Concurrency: &ConcurrencyProps{Reserved: jsii.Number(10), Provisioned: Fixed(11)},
			Environment: &map[string]*string{"HEARTH_QUEUES": jsii.String("mine")},
			Handler:     &HandlerProps{Entry: jsii.String("elsewhere"), MemorySize: jsii.Number(1), Timeout: seconds(30)},
			Queues: map[string]*QueueProps{
				"ledger":      {Queue: standard, MaxConcurrency: jsii.Number(5)},
				"missing":     {},
				"screenshots": {BatchSize: jsii.Number(100), Fifo: jsii.Bool(true), MaxConcurrency: jsii.Number(5)},
			},
			Schedules: map[string]*ScheduleProps{"nightly": {Expression: jsii.String("rate(1 day)")}, "weekly": nil},
		})
	})
	want := `Test/Backend: 12 problems
  - BackendProps.Handler.Entry must be unset in a backend; set the prop of this name in BackendProps
  - BackendProps.Handler.MemorySize must be 128 to 10240 MB, got 1; see the memory limits of Lambda
  - BackendProps.Concurrency.Provisioned must be at most Reserved (10 instances), got 11; raise Reserved or lower the provisioned number
  - BackendProps.Queues["screenshots"].Fifo must be false, as the program consumes a standard queue, got true; remove it, or change the consumer in "testdata/programs/full"
  - BackendProps.Queues["screenshots"].BatchSize must be 1 to 10 messages for a FIFO queue, got 100; Lambda takes no larger batches from it
  - BackendProps.Queues["ledger"].Queue must be a FIFO queue, which the program consumes, got a standard queue; pass another one, or change the consumer in "testdata/programs/full"
  - BackendProps.Queues["missing"] must be a queue that the program consumes, got one without a consumer (it consumes "screenshots", "ledger"); remove it, or add a consumer in "testdata/programs/full"
  - BackendProps.Schedules["nightly"].Expression must be that of the program, "cron(0 3 * * ? *)", got "rate(1 day)"; remove it, or change it in "testdata/programs/full"
  - BackendProps.Schedules["weekly"] must be a schedule that the program runs, got one that it does not (it runs "nightly", "tick"); remove it, or add it to App.Schedules in "testdata/programs/full"
  - BackendProps.Environment["HEARTH_QUEUES"] must be unset, as the backend sets it; remove it
  - BackendProps.Handler.Timeout must be more than 30 seconds, the timeout of a job of queue "screenshots" in the program, got 30; raise it or shorten the other
  - BackendProps.Concurrency.Reserved must be at least 11 instances, the sum of the queues' MaxConcurrency: 5 (screenshots) + 5 (ledger) and 1 for requests, got 10; raise it or lower a MaxConcurrency`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestBackendServesLess(t *testing.T) {
	stack := setup(t)
	got := refusal(t, func() {
		NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("empty"), Http: &HttpApiProps{}, WebSocket: &WebSocketApiProps{}})
	})
	want := `Test/Backend: 2 problems
  - BackendProps.Http must be unset when the program serves no HTTP; remove it, or set App.HTTP in "testdata/programs/empty"
  - BackendProps.WebSocket must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in "testdata/programs/empty"`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestBackendBudget(t *testing.T) {
	budget := func(reserved float64, screenshots, ledger *float64) func(stack awscdk.Stack) {
		return func(stack awscdk.Stack) {
			NewBackend(stack, jsii.String("Backend"), &BackendProps{
				Entry:       entry("full"),
				Concurrency: &ConcurrencyProps{Reserved: &reserved},
				Queues:      map[string]*QueueProps{"screenshots": {MaxConcurrency: screenshots}, "ledger": {MaxConcurrency: ledger}},
			})
		}
	}
	budget(11, jsii.Number(5), jsii.Number(5))(setup(t))
	budget(0, jsii.Number(5), jsii.Number(5))(setup(t))
	got := refusal(t, func() { budget(10, jsii.Number(5), jsii.Number(5))(setup(t)) })
	if want := "5 (screenshots) + 5 (ledger) and 1 for requests, got 10"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	stack := setup(t)
	budget(10, nil, jsii.Number(5))(stack)
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Backend"),
		assertions.Match_StringLikeRegexp(jsii.String(`a backlog in "screenshots" can keep all 10 reserved instances busy`)))
}

func TestBackendIsolated(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	props := &BackendProps{Entry: entry("relayed"), Database: &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc}}
	got := refusal(t, func() { NewBackend(stack, jsii.String("Refused"), props) })
	want := "Test/Refused: 1 problem\n  - BackendProps.WebSocketRelay must be true for a program with a WebSocket API in isolated subnets, from which nothing reaches @connections (it has no VPC endpoint), got false; set it, choose subnets with NAT in Handler.VpcSubnets, or leave the VPC"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
	props.WebSocketRelay = jsii.Bool(true)
	props.ConnectionRegistry = &ConnectionRegistryProps{}
	b := NewBackend(stack, jsii.String("Backend"), props)
	if b.ConnectionRegistry.Endpoint == nil || props.ConnectionRegistry.Vpc != nil {
		t.Error("isolated functions must get an endpoint for DynamoDB, and the caller's props must stay as they are")
	}
	if len(b.Queues) != 2 {
		t.Error("the relay's queue must be the relay's alone")
	}
	if *b.WebSocketRelay.Handler.Function.IsBoundToVpc() {
		t.Error("the relay must be outside the VPC")
	}
	golden(t, stack)
}

// TestBackendEncrypted shows that one key encrypts everything that the backend creates, that
// a part's own key comes first, and that EventBridge Scheduler may use the key.
func TestBackendEncrypted(t *testing.T) {
	stack := setup(t)
	key, own := awskms.NewKey(stack, jsii.String("Key"), nil), awskms.NewKey(stack, jsii.String("Own"), nil)
	given := awssqs.NewQueue(stack, jsii.String("Given"), nil)
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry: entry("relayed"), ConnectionRegistry: &ConnectionRegistryProps{}, EncryptionKey: key, IdempotencyTable: &IdempotencyTableProps{EncryptionKey: own},
		Queues: map[string]*QueueProps{"screenshots": {Queue: given}}, Schedules: map[string]*ScheduleProps{"tick": {EncryptionKey: own}}, WebSocketRelay: jsii.Bool(true),
	})
	const ours, theirs = `{"Fn::GetAtt":["Key961B73FD","Arn"]}`, `{"Fn::GetAtt":["Own30425842","Arn"]}`
	for kind, property := range map[string]string{"AWS::SQS::Queue": `"KmsMasterKeyId":`, "AWS::DynamoDB::Table": `"KMSMasterKeyId":`, "AWS::Scheduler::Schedule": `"KmsKeyArn":`} {
		for id, resource := range resources(stack, kind) {
			want := property + ours
			switch {
			case strings.HasPrefix(id, "Given"):
				continue
			case strings.Contains(id, "tick"), strings.Contains(id, "Idempotency"):
				want = property + theirs
			}
			if !strings.Contains(resource, want) {
				t.Errorf("%s has no %s: %s", id, want, resource)
			}
		}
	}
	for id, policy := range resources(stack, "AWS::IAM::Policy") {
		if strings.HasPrefix(id, "BackendScheduleRole") {
			for _, want := range []string{`{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Effect":"Allow","Resource":` + ours, `{"Action":"kms:Decrypt","Effect":"Allow","Resource":` + theirs} {
				if !strings.Contains(policy, want) {
					t.Errorf("the role of the schedules lacks %s: %s", want, policy)
				}
			}
		}
	}
}

func TestBackendRelayWithoutConsumer(t *testing.T) {
	got := refusal(t, func() {
		NewBackend(setup(t), jsii.String("Backend"), &BackendProps{Entry: entry("full"), WebSocketRelay: jsii.Bool(true)})
	})
	want := `Test/Backend: 1 problem
  - BackendProps.WebSocketRelay must be unset for a program that does not consume "websocket-relay", got true; add relay.Consumer() to App.Queues in "testdata/programs/full", and push with relay.New()`
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRelayNotNeeded shows that a program with the relay's consumer needs no relay if it
// can push itself.
func TestRelayNotNeeded(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("relayed")})
	if b.WebSocketRelay != nil || len(b.Queues) != 2 {
		t.Error("there must be no relay and no queue for it")
	}
}

// TestBackendSqsEndpoint shows when a backend creates an endpoint for its queues.
func TestBackendSqsEndpoint(t *testing.T) {
	for name, c := range map[string]struct {
		wanted *bool
		exists bool
		count  float64
	}{
		"default":    {nil, false, 1},
		"exists":     {nil, true, 1},
		"not wanted": {jsii.Bool(false), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			vpc := newIsolatedVpc(stack)
			if c.exists {
				vpc.AddInterfaceEndpoint(jsii.String("Sqs"), &awsec2.InterfaceVpcEndpointOptions{Service: awsec2.InterfaceVpcEndpointAwsService_SQS()})
			}
			NewBackend(stack, jsii.String("Backend"), &BackendProps{
				Entry: entry("relayed"), Handler: &HandlerProps{Vpc: vpc}, SqsEndpoint: c.wanted, WebSocketRelay: jsii.Bool(true),
			})
			template(stack).ResourceCountIs(jsii.String("AWS::EC2::VPCEndpoint"), &c.count)
		})
	}
}

// TestBackendIsStable shows that the order of a Go map does not change the template, and
// that the caller's props do not change.
func TestBackendIsStable(t *testing.T) {
	var first string
	for range 3 {
		stack := setup(t)
		props := &BackendProps{
			Entry:       entry("full"),
			Environment: &map[string]*string{"ONE": jsii.String("1"), "TWO": jsii.String("2")},
			Handler:     &HandlerProps{MemorySize: jsii.Number(256)},
			Http:        &HttpApiProps{},
			Queues:      map[string]*QueueProps{"ledger": {}, "screenshots": {}},
			Schedules:   map[string]*ScheduleProps{"nightly": {}},
		}
		NewBackend(stack, jsii.String("Backend"), props)
		want := &BackendProps{
			Entry:       entry("full"),
			Environment: &map[string]*string{"ONE": jsii.String("1"), "TWO": jsii.String("2")},
			Handler:     &HandlerProps{MemorySize: jsii.Number(256)},
			Http:        &HttpApiProps{},
			Queues:      map[string]*QueueProps{"ledger": {}, "screenshots": {}},
			Schedules:   map[string]*ScheduleProps{"nightly": {}},
		}
		if diff := cmp.Diff(want, props); diff != "" {
			t.Errorf("the props were written to (-want +got):\n%s", diff)
		}
		data, err := json.Marshal(template(stack).ToJSON())
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(data)
		}
		if string(data) != first {
			t.Error("the template must be the same each time")
		}
	}
}

// TestStrictValidation runs the CDK's own validation over the full stack, in a
// process that has it on.
func TestStrictValidation(t *testing.T) {
	if os.Getenv(validation) == "true" {
		stack := setup(t)
		newFullBackend(stack)
		template(stack)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStrictValidation$")
	cmd.Env = append(os.Environ(), validation+"=true")
	if output, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(output), "CloudFormation Validate") {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestContract(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	for want, create := range map[string]func(id *string){
		`QueueProps.Name must be a queue that the program consumes, got "nope" without a consumer (it consumes "screenshots", "ledger"); rename it, or add a consumer in "testdata/programs/full"`: func(id *string) {
			NewQueue(stack, id, &QueueProps{Handler: h.Alias, Name: jsii.String("nope")})
		},
		`QueueProps.Name must be set for a program that knows its queues by name, got none; it is one of "screenshots", "ledger" in "testdata/programs/full"`: func(id *string) {
			NewQueue(stack, id, &QueueProps{Handler: h.Alias})
		},
		`QueueProps.Fifo must be true, as the program consumes "ledger" as a FIFO queue, got false; change it, or the consumer in "testdata/programs/full"`: func(id *string) {
			NewQueue(stack, id, &QueueProps{Handler: h.Alias, Name: jsii.String("ledger")})
		},
		`ScheduleProps.Name must be a schedule that the program runs, got "nope", which it does not (it runs "nightly", "tick"); rename it, or add it to App.Schedules in "testdata/programs/full"`: func(id *string) {
			NewSchedule(stack, id, &ScheduleProps{Handler: h.Alias, Name: jsii.String("nope"), Expression: jsii.String("rate(1 day)")})
		},
	} {
		if got := refusal(t, func() { create(&want) }); !strings.HasSuffix(got, "  - "+want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	empty := NewHandler(stack, jsii.String("Empty"), &HandlerProps{Entry: entry("empty")})
	for want, create := range map[string]func(id *string){
		`HttpApiProps.Handler must be a program that serves HTTP, got "testdata/programs/empty", which does not; set App.HTTP in it, or remove the API`: func(id *string) {
			NewHttpApi(stack, id, &HttpApiProps{Handler: empty.Alias})
		},
		`WebSocketApiProps.Handler must be a program that serves a WebSocket API, got "testdata/programs/empty", which does not; set App.WebSocket in it, or remove the API`: func(id *string) {
			NewWebSocketApi(stack, id, &WebSocketApiProps{Handler: empty.Alias})
		},
	} {
		if got := refusal(t, func() { create(&want) }); !strings.HasSuffix(got, "  - "+want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestContractAlias shows that nothing can go past the provisioned concurrency.
func TestContractAlias(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("silent"), Manifest: jsii.Bool(false)})
	const want = "Props.Handler must be Handler.Alias, to which the provisioned concurrency belongs, got Handler.Function; pass the alias"
	for name, create := range map[string]func(id *string){
		"Http":      func(id *string) { NewHttpApi(stack, id, &HttpApiProps{Handler: h.Function}) },
		"WebSocket": func(id *string) { NewWebSocketApi(stack, id, &WebSocketApiProps{Handler: h.Function}) },
		"Queue":     func(id *string) { NewQueue(stack, id, &QueueProps{Handler: h.Function}) },
		"Schedule": func(id *string) {
			NewSchedule(stack, id, &ScheduleProps{Handler: h.Function, Name: jsii.String("s"), Expression: jsii.String("rate(1 day)")})
		},
	} {
		if got := refusal(t, func() { create(&name) }); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestContractOtherSource shows that an event source of the user's own may be
// for any queue.
func TestContractOtherSource(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	for _, name := range []string{"nightly", "tick"} {
		NewSchedule(stack, jsii.String(name), &ScheduleProps{Handler: h.Alias, Name: jsii.String(name), Expression: jsii.String("rate(1 day)")})
	}
	h.Alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(awssqs.NewQueue(stack, jsii.String("Own"), &awssqs.QueueProps{VisibilityTimeout: seconds(360)}), nil))
	template(stack)
}

// TestWithoutFlags shows that an app without feature flags can use a backend.
func TestWithoutFlags(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())}), jsii.String("Test"), nil)
	newFullBackend(stack)
	template(stack).HasResourceProperties(jsii.String("AWS::RDS::DBProxy"), map[string]any{"DBProxyName": "TestBackendDatabase7FAAA376"})
}

// TestContractUnwired shows that a consumer that nothing wires fails synth.
func TestContractUnwired(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	NewQueue(stack, jsii.String("Screenshots"), &QueueProps{Handler: h.Alias, Name: jsii.String("screenshots")})
	NewSchedule(stack, jsii.String("Tick"), &ScheduleProps{Handler: h.Alias, Name: jsii.String("tick"), Expression: jsii.String("rate(1 day)")})
	got := refusal(t, func() { template(stack) })
	for _, want := range []string{
		`[Test/Handler] queue "ledger" must be wired, as "testdata/programs/full" consumes it, got no Queue with this Name and Handler; create one, remove the consumer, or set Manifest: false`,
		`[Test/Handler] schedule "nightly" must be wired, as "testdata/programs/full" runs it, got no Schedule with this Name and Handler; create one, remove it from the program, or set Manifest: false`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if strings.Contains(got, "screenshots") || strings.Contains(got, "tick") {
		t.Errorf("got %q, but these two are wired", got)
	}
}

// TestAssetHash shows that two clones of a repository deploy the same asset.
func TestAssetHash(t *testing.T) {
	hashes := map[string]bool{}
	for range 2 {
		stack := setup(t)
		NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: jsii.String(clone(t)), Manifest: jsii.Bool(false)})
		for _, resource := range resources(stack, "AWS::Lambda::Function") {
			hashes[assetHash.FindString(resource)] = true
		}
	}
	if len(hashes) != 1 || hashes[""] {
		t.Errorf("asset hashes are %v, want one", hashes)
	}
}

// TestBackendsShareEndpoints shows that the second backend in a VPC uses the endpoints of
// the first one, in the same stack or in another.
func TestBackendsShareEndpoints(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	other := awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"), nil)
	for _, b := range []struct {
		scope awscdk.Stack
		id    string
	}{{stack, "First"}, {stack, "Second"}, {other, "Third"}} {
		NewBackend(b.scope, jsii.String(b.id), &BackendProps{
			ConnectionRegistry: &ConnectionRegistryProps{}, Entry: entry("relayed"), Handler: &HandlerProps{Vpc: vpc}, WebSocketRelay: jsii.Bool(true),
		})
	}
	template(stack)
	for kind, count := range map[string][2]int{"AWS::EC2::VPCEndpoint": {2, 0}, "AWS::EC2::SecurityGroupIngress": {2, 1}} {
		if here, there := len(resources(stack, kind)), len(resources(other, kind)); here != count[0] || there != count[1] {
			t.Errorf("%d and %d of %s, want %v", here, there, kind, count)
		}
	}
}

// TestLostRuns shows where the schedule runs go that would be lost.
func TestLostRuns(t *testing.T) {
	const ours, theirs = "BackendScheduleDeadLetters1C10ED6A", "Own"
	for name, c := range map[string]struct {
		props                func(own awssqs.IQueue) *BackendProps
		undelivered, dropped string
	}{
		"by default": {func(awssqs.IQueue) *BackendProps { return &BackendProps{} }, ours, ours},
		"a second function": {func(awssqs.IQueue) *BackendProps {
			return &BackendProps{Http: &HttpApiProps{}, Jobs: &HandlerProps{AsyncInvoke: &awslambda.EventInvokeConfigOptions{RetryAttempts: jsii.Number(1)}}}
		}, ours, ours},
		"a queue of one's own": {func(own awssqs.IQueue) *BackendProps { return &BackendProps{ScheduleDeadLetterQueue: own} }, theirs, theirs},
		"one for a schedule": {func(own awssqs.IQueue) *BackendProps {
			return &BackendProps{Schedules: map[string]*ScheduleProps{"nightly": {DeadLetterQueue: own}, "refresh": {DeadLetterQueue: own}, "sweep": {DeadLetterQueue: own}}}
		}, theirs, ours},
		"one for the function": {func(own awssqs.IQueue) *BackendProps {
			return &BackendProps{Handler: &HandlerProps{AsyncInvoke: &awslambda.EventInvokeConfigOptions{OnFailure: awslambdadestinations.NewSqsDestination(own)}}}
		}, ours, theirs},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			own := awssqs.NewQueue(stack, jsii.String("Own"), nil)
			own.Node().DefaultChild().(awssqs.CfnQueue).OverrideLogicalId(jsii.String(theirs))
			props := c.props(own)
			props.Entry, props.Manifest = entry("silent"), jsii.Bool(false)
			props.Queues = map[string]*QueueProps{"jobs": nil}
			if props.Schedules == nil {
				props.Schedules = map[string]*ScheduleProps{"nightly": nil}
			}
			for name, s := range props.Schedules {
				if s == nil {
					s = &ScheduleProps{}
				}
				s.Expression = jsii.String("rate(1 day)")
				props.Schedules[name] = s
			}
			NewBackend(stack, jsii.String("Backend"), props)
			template := template(stack)
			queue := func(id string) map[string]any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
			template.HasResourceProperties(jsii.String("AWS::Scheduler::Schedule"), map[string]any{"Target": map[string]any{"DeadLetterConfig": map[string]any{"Arn": queue(c.undelivered)}}})
			template.ResourceCountIs(jsii.String("AWS::Lambda::EventInvokeConfig"), jsii.Number(1))
			template.HasResourceProperties(jsii.String("AWS::Lambda::EventInvokeConfig"), map[string]any{"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Destination": queue(c.dropped)}}})
		})
	}
	stack := setup(t)
	fifo := awssqs.NewQueue(stack, jsii.String("Own"), &awssqs.QueueProps{Fifo: jsii.Bool(true)})
	got := refusal(t, func() {
		NewBackend(stack, jsii.String("Backend"), &BackendProps{
			Entry: entry("silent"), Manifest: jsii.Bool(false), Http: &HttpApiProps{}, ScheduleDeadLetterQueue: fifo,
			Schedules: map[string]*ScheduleProps{"nightly": {Expression: jsii.String("rate(1 day)")}},
		})
	})
	if want := `Schedules["nightly"].DeadLetterQueue must be a standard queue, got a FIFO queue; EventBridge Scheduler cannot send to it`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	got = refusal(t, func() {
		NewBackend(stack, jsii.String("Other"), &BackendProps{Entry: entry("silent"), Manifest: jsii.Bool(false), Http: &HttpApiProps{}, ScheduleDeadLetterQueue: fifo})
	})
	if want := "ScheduleDeadLetterQueue must be unset for a program without schedules; remove it, or add them in "; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
