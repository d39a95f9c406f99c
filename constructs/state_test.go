package hearth

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// policies returns the deletion and replacement policies of the resources of one kind.
func policies(t *testing.T, stack awscdk.Stack, kind string) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, resource := range resources(stack, kind) {
		var r struct{ DeletionPolicy, UpdateReplacePolicy string }
		if err := json.Unmarshal([]byte(resource), &r); err != nil {
			t.Fatal(err)
		}
		seen[r.DeletionPolicy+" "+r.UpdateReplacePolicy] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestRemovalPolicies shows that a commit to the program deletes no messages and no logs,
// unless the app asks for it.
func TestRemovalPolicies(t *testing.T) {
	for want, policy := range map[string]awscdk.RemovalPolicy{"RetainExceptOnCreate Retain": "", "Delete Delete": awscdk.RemovalPolicy_DESTROY, "Retain Retain": awscdk.RemovalPolicy_RETAIN} {
		stack := setup(t)
		NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full"), RemovalPolicy: policy, Jobs: &HandlerProps{}, WebSocket: &WebSocketApiProps{AccessLogs: jsii.Bool(true)}})
		for _, kind := range []string{"AWS::SQS::Queue", "AWS::Logs::LogGroup"} {
			if got := policies(t, stack, kind); len(got) != 1 || got[0] != want {
				t.Errorf("%q: %s has %v, want %s", policy, kind, got, want)
			}
		}
	}
	stack := setup(t)
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry: entry("full"), ScheduleDeadLetterQueue: awssqs.NewQueue(stack, jsii.String("Own"), &awssqs.QueueProps{RemovalPolicy: awscdk.RemovalPolicy_RETAIN}),
		Queues: map[string]*QueueProps{"ledger": {RemovalPolicy: awscdk.RemovalPolicy_RETAIN}, "screenshots": {RemovalPolicy: awscdk.RemovalPolicy_RETAIN}},
	})
	if got := policies(t, stack, "AWS::SQS::Queue"); len(got) != 1 || got[0] != "Retain Retain" {
		t.Errorf("the policy of the queue must win, got %v", got)
	}
}

// TestRenamedQueue shows that a queue with its former name is the same resource.
func TestRenamedQueue(t *testing.T) {
	ids := func(renamed map[string]string) string {
		stack := setup(t)
		NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full"), RenamedQueues: renamed})
		return strings.Join(slices.Sorted(maps.Keys(resources(stack, "AWS::SQS::Queue"))), " ")
	}
	if got := ids(map[string]string{"ledger": "journal"}); !strings.Contains(got, "BackendQueuejournalQueue") || strings.Contains(got, "ledger") {
		t.Errorf("got %s", got)
	}
	for want, renamed := range map[string]map[string]string{
		`BackendProps.RenamedQueues["old"] must be a queue that the program consumes, got one without a consumer (it consumes "screenshots", "ledger"); remove it, or add a consumer in "testdata/programs/full"`: {"old": "older"},
		`BackendProps.RenamedQueues["ledger"] must be the former name of the queue, got "a b"; it is 1 to 75 letters, digits, - and _`:                                                                            {"ledger": "a b"},
		`BackendProps.RenamedQueues must give each queue a former name of its own, got "screenshots" for "screenshots" and "ledger"; correct one of them`:                                                         {"ledger": "screenshots"},
	} {
		if got := refusal(t, func() { ids(renamed) }); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBackendParts(t *testing.T) {
	b := NewBackend(setup(t), jsii.String("Backend"), &BackendProps{Entry: entry("full")})
	if b.Queue("ledger") != b.Queues["ledger"] || b.Schedule("tick") != b.Schedules["tick"] {
		t.Error("the parts must be those of the maps")
	}
	for want, get := range map[string]func(){
		"Test/Backend: 1 problem\n  - Backend.Queue(\"old\") must be a queue that the program consumes, got none of this name (it consumes \"ledger\", \"screenshots\"); correct the name, or add a consumer":  func() { b.Queue("old") },
		"Test/Backend: 1 problem\n  - Backend.Schedule(\"old\") must be a schedule that the program runs, got none of this name (it runs \"nightly\", \"tick\"); correct the name, or add it to App.Schedules": func() { b.Schedule("old") },
	} {
		if got := refusal(t, get); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestRefine shows that Refine can set properties without a prop of ours, but not those
// with one, which the rules have checked.
func TestRefine(t *testing.T) {
	stack := setup(t)
	dead := awssqs.NewQueue(stack, jsii.String("Failed"), nil)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry:       entry("silent"),
		AsyncInvoke: &awslambda.EventInvokeConfigOptions{OnFailure: awslambdadestinations.NewSqsDestination(dead), RetryAttempts: jsii.Number(0)},
		Manifest:    jsii.Bool(false),
		Refine: func(p *awslambda.FunctionProps) {
			p.EphemeralStorageSize = awscdk.Size_Mebibytes(jsii.Number(2048))
			p.CurrentVersionOptions = &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN}
		},
	})
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{
		Fifo: jsii.Bool(true), Handler: h.Alias, QueueName: jsii.String("jobs"),
		Refine:                func(p *awssqs.QueueProps) { p.MaxMessageSizeBytes = jsii.Number(2048) },
		RefineDeadLetterQueue: func(p *awssqs.QueueProps) { p.DeliveryDelay = seconds(1) },
		RefineEventSource: func(p *awslambda.EventSourceMappingProps) {
			p.MetricsConfig = &awslambda.MetricsConfig{Metrics: &[]awslambda.MetricType{awslambda.MetricType_EVENT_COUNT}}
		},
	})
	NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{
		Handler:     h.Alias,
		Refine:      func(p *awsapigatewayv2.HttpApiProps) { p.IpAddressType = awsapigatewayv2.IpAddressType_DUAL_STACK },
		RefineStage: func(p *awsapigatewayv2.HttpStageProps) { p.Description = jsii.String("public") },
	})
	NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: h.Alias, Refine: func(p *awsapigateway.RestApiProps) { p.Description = jsii.String("old clients") }})
	NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: h.Alias, Refine: func(p *awsapigatewayv2.WebSocketApiProps) { p.Description = jsii.String("live") }})
	for kind, want := range map[string]string{
		"AWS::Lambda::Function":           `"EphemeralStorage":{"Size":2048}`,
		"AWS::Lambda::Version":            `"DeletionPolicy":"Retain"`,
		"AWS::Lambda::EventInvokeConfig":  `{"Ref":"HandlerAliasE737B92A"}`,
		"AWS::Lambda::EventSourceMapping": `"MetricsConfig":{"Metrics":["EventCount"]}`,
		"AWS::ApiGatewayV2::Api":          `"IpAddressType":"dualstack"`,
		"AWS::ApiGatewayV2::Stage":        `"Description":"public"`,
		"AWS::ApiGateway::RestApi":        `"Description":"old clients"`,
	} {
		if all := strings.Join(slices.Collect(maps.Values(resources(stack, kind))), ""); !strings.Contains(all, want) {
			t.Errorf("%s has no %s: %s", kind, want, all)
		}
	}
	queues := strings.Join(slices.Collect(maps.Values(resources(stack, "AWS::SQS::Queue"))), "")
	for _, want := range []string{`"MaximumMessageSize":2048`, `"DelaySeconds":1`, `"QueueName":"jobs.fifo"`, `"QueueName":"jobs-dead.fifo"`, `"redrivePermission":"byQueue"`, `:jobs.fifo"]]}]`} {
		if !strings.Contains(queues, want) {
			t.Errorf("no %s in %s", want, queues)
		}
	}
	for want, props := range map[string]func(*awslambda.FunctionProps){
		"HandlerProps.Refine must leave Timeout as it is; set HandlerProps.Timeout":         func(p *awslambda.FunctionProps) { p.Timeout = seconds(1) },
		"HandlerProps.Refine must leave Description as it is; set HandlerProps.Description": func(p *awslambda.FunctionProps) { p.Description = jsii.String("x") },
		"HandlerProps.Refine must leave Events as it is; set event sources with Handler.Alias.AddEventSource": func(p *awslambda.FunctionProps) {
			p.Events = &[]awslambda.IEventSource{awslambdaeventsources.NewSnsEventSource(awssns.NewTopic(stack, jsii.String("Topic"), nil), nil)}
		},
		"HandlerProps.Refine must leave OnFailure as it is; set HandlerProps.AsyncInvoke":                    func(p *awslambda.FunctionProps) { p.OnFailure = awslambdadestinations.NewSqsDestination(dead) },
		"HandlerProps.Refine must leave ReservedConcurrentExecutions as it is; set HandlerProps.Concurrency": func(p *awslambda.FunctionProps) { p.ReservedConcurrentExecutions = jsii.Number(1) },
		"HandlerProps.Refine must leave Runtime as it is, because the construct sets it; remove it":          func(p *awslambda.FunctionProps) { p.Runtime = awslambda.Runtime_NODEJS_24_X() },
	} {
		got := refusal(t, func() {
			NewHandler(setup(t), jsii.String("Broken"), &HandlerProps{Entry: entry("empty"), Refine: props})
		})
		if !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestNearNames shows that a misspelt name of the program's gets the nearest one.
func TestNearNames(t *testing.T) {
	const queues, schedules = `(it consumes "screenshots", "ledger"; did you mean "screenshots"?)`, `(it runs "nightly", "tick"; did you mean "nightly"?)`
	backend := func(s awscdk.Stack, props BackendProps) *Backend {
		props.Entry = entry("full")
		return NewBackend(s, jsii.String("Backend"), &props)
	}
	handler := func(s awscdk.Stack) *Handler {
		return NewHandler(s, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	}
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"props of a queue":    {func(s awscdk.Stack) { backend(s, BackendProps{Queues: map[string]*QueueProps{"screenshot": nil}}) }, queues},
		"renamed queue":       {func(s awscdk.Stack) { backend(s, BackendProps{RenamedQueues: map[string]string{"screnshots": "old"}}) }, queues},
		"props of a schedule": {func(s awscdk.Stack) { backend(s, BackendProps{Schedules: map[string]*ScheduleProps{"nightyl": nil}}) }, schedules},
		"queue alone": {func(s awscdk.Stack) {
			NewQueue(s, jsii.String("Queue"), &QueueProps{Handler: handler(s).Alias, Name: jsii.String("Screenshots")})
		}, queues},
		"schedule alone": {func(s awscdk.Stack) {
			NewSchedule(s, jsii.String("Schedule"), &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: handler(s).Alias, Name: jsii.String("night")})
		}, schedules},
		"queue of a backend":    {func(s awscdk.Stack) { backend(s, BackendProps{}).Queue("screenshts") }, `(it consumes "ledger", "screenshots"; did you mean "screenshots"?)`},
		"schedule of a backend": {func(s awscdk.Stack) { backend(s, BackendProps{}).Schedule("nighty") }, schedules},
		"nothing near":          {func(s awscdk.Stack) { backend(s, BackendProps{}).Queue("orders") }, `(it consumes "ledger", "screenshots");`},
	})
}
