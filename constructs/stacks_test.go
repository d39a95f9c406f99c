package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/jsii-runtime-go"
)

// TestPartsInAnotherStack shows that the parts may be in another stack than their
// function, as a stack of data or of monitoring is. Two stacks that refer to each other
// would be refused by the CDK.
func TestPartsInAnotherStack(t *testing.T) {
	stack := setup(t)
	other := awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"), nil)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("silent"), Gradual: &GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE()}, Manifest: jsii.Bool(false)})
	plain := existingFunction(stack)
	for id, fn := range map[string]awslambda.IFunction{"Jobs": h.Alias, "Plain": plain, "Version": plain.CurrentVersion()} {
		NewQueue(other, jsii.String(id+"Queue"), &QueueProps{Fifo: jsii.Bool(id == "Jobs"), Handler: fn, Name: jsii.String(strings.ToLower(id))})
	}
	table := NewIdempotencyTable(other, jsii.String("Table"), nil)
	table.Connect(h, nil)
	template(stack).ResourceCountIs(jsii.String("AWS::Lambda::EventSourceMapping"), jsii.Number(3))
	template(other).ResourceCountIs(jsii.String("AWS::Lambda::EventSourceMapping"), jsii.Number(0))

	stack = setup(t)
	other = awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"), nil)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:   entry("full"),
		Handler: &HandlerProps{Gradual: &GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE()}},
	})
	m := NewMonitoring(other, jsii.String("Monitoring"), &MonitoringProps{Backend: b, Email: jsii.String("oncall@example.com")})
	template(other).ResourceCountIs(jsii.String("AWS::CloudWatch::Alarm"), jsii.Number(float64(len(m.Alarms))))
	template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Alarm"), jsii.Number(0))

	stack = setup(t)
	other = awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"), nil)
	fn := existingFunction(stack)
	sockets := NewWebSocketApi(other, jsii.String("Sockets"), &WebSocketApiProps{Handler: fn})
	got := refusal(t, func() { sockets.ConnectManage(fn, nil) })
	if want := "WebSocketApiProps.Handler must be in the stack of the API, to which it pushes, got Test/Existing in another one; each stack would need the other first: create both in one"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLookups shows that a value that the CDK looks up after this pass of the synth
// breaks no rule, since the lookup would never happen.
func TestLookups(t *testing.T) {
	app := setup(t).Node().Root().(awscdk.App)
	stack := awscdk.NewStack(app, jsii.String("Stack"), &awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("123456789012"), Region: jsii.String("eu-north-1")}})
	value := func(name string) *string {
		return awsssm.StringParameter_ValueFromLookup(stack, jsii.String("/shop/"+name), nil, nil)
	}
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry: entry("full"), Environment: &map[string]*string{"STAGE": value("stage")}, FunctionName: value("function"), Half: Jobs,
	})
	NewHandler(stack, jsii.String("Web"), &HandlerProps{Entry: entry("full"), Half: Requests, Manifest: jsii.Bool(false)})
	NewQueue(stack, jsii.String("Queue"), &QueueProps{Handler: h.Alias, Name: value("queue"), QueueName: value(strings.Repeat("long", 20))})
	for _, id := range []string{"one", "two"} {
		NewQueue(stack, jsii.String("Send"+id), &QueueProps{Name: value(id)}).ConnectSend(h, nil)
		NewIdempotencyTable(stack, jsii.String("Table"+id), nil).Connect(h, &ConnectOptions{Name: value(id)})
	}
	NewSchedule(stack, jsii.String("Schedule"), &ScheduleProps{Expression: value("rate"), Handler: h.Alias, Name: value("schedule"), TimeZone: value("zone")})
	fn := existingFunction(stack)
	http := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{
		Domain:  &DomainProps{HostedZone: zoneOf(stack), Name: jsii.String("api." + *value("domain")), Path: value("path")},
		Handler: fn, StageName: value("stage"),
	})
	rest := NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn})
	sockets := NewWebSocketApi(stack, jsii.String("Sockets"), &WebSocketApiProps{Handler: fn})
	for _, route := range []string{"a", "b"} {
		http.AddRoutes(&HttpRoutesProps{Handler: fn, Path: value(route)})
		rest.AddRoute(&RestRouteProps{Handler: fn, Path: value(route)})
		sockets.AddRoute(&WebSocketRouteProps{Handler: fn, Key: value(route)})
	}
	NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{DashboardName: value("dashboard"), Email: value("email"), Handlers: []*Handler{h}})
	template(stack)
}

// TestManyPollers shows that a queue gets more pollers than the CDK's construct accepts.
func TestManyPollers(t *testing.T) {
	stack := setup(t)
	NewQueue(stack, jsii.String("Queue"), &QueueProps{Handler: existingFunction(stack), Pollers: &PollersProps{Max: jsii.Number(maxMaxPollers), Min: jsii.Number(maxMinPollers)}})
	template(stack).HasResourceProperties(jsii.String("AWS::Lambda::EventSourceMapping"), map[string]any{
		"ProvisionedPollerConfig": map[string]any{"MaximumPollers": maxMaxPollers, "MinimumPollers": maxMinPollers},
	})
}

// TestFunctionPropRules shows rules of props that the CDK would refuse in its own words.
func TestFunctionPropRules(t *testing.T) {
	stack := setup(t)
	layer := awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"), jsii.String("arn:aws:lambda:eu-north-1:123456789012:layer:extension:1"))
	runRules(t, []ruleCase{
		{"names", (&HandlerProps{Description: jsii.String(strings.Repeat("x", 257)), FunctionName: jsii.String("a b")}).check, []string{
			`P.FunctionName must be 1 to 64 letters, digits, - and _, got "a b"; rename it`,
			"P.Description must be at most 256 letters, got 257; shorten it",
		}},
		{"layers", (&HandlerProps{Layers: &[]awslambda.ILayerVersion{layer, layer, layer, layer, layer, layer}}).check, []string{"P.Layers must be at most 5 layers, got 6; join some of them"}},
		{"async", (&HandlerProps{AsyncInvoke: &awslambda.EventInvokeConfigOptions{MaxEventAge: seconds(59), RetryAttempts: jsii.Number(3)}}).check, []string{
			"P.AsyncInvoke.RetryAttempts must be 0 to 2 retries, got 3; leave it unset for 2",
			"P.AsyncInvoke.MaxEventAge must be 60 to 21600 seconds, got 59; leave it unset for 6 hours",
		}},
		{"entry", func(r *rules) { (&HandlerProps{Entry: tokenProp()}).load(r) }, []string{"P.Entry must be a plain string, got a token; the program is built at synth"}},
	})
}
