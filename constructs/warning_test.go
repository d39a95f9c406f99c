package hearth

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// TestWarnings shows that a warning reaches the user in each tested version of the CDK,
// and that it can be acknowledged.
func TestWarnings(t *testing.T) {
	for name, want := range map[string]int{"given": 1, "acknowledged": 0} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			if name == "acknowledged" {
				awscdk.Annotations_Of(stack).AcknowledgeWarning(jsii.String("hearth:lowMaxReceiveCount"), jsii.String("few retries are meant"))
			}
			NewQueue(stack, jsii.String("Jobs"), &QueueProps{MaxReceiveCount: jsii.Number(3)})
			warnings := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Jobs"), assertions.Match_StringLikeRegexp(jsii.String("QueueProps.MaxReceiveCount is 3; .*")))
			if len(warnings) != want {
				t.Errorf("got %d warnings, want %d", len(warnings), want)
			}
		})
	}
}

// TestOpenWarnings shows which open APIs get a warning, and which schedules that may lose
// runs.
func TestOpenWarnings(t *testing.T) {
	const (
		open   = "anybody may use up the account's quota of requests for all its APIs, .*; set Throttle to what the clients need, or an Authorizer"
		openTo = "anybody may use up all concurrent executions of the account .*; set Concurrency.Reserved of the Handler, or AuthType to AWS_IAM"
		lost   = "a run that EventBridge Scheduler cannot deliver is dropped after its retries; set DeadLetterQueue, .*"
	)
	throttle := &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(20), RateLimit: jsii.Number(10)}
	iam := func() awsapigatewayv2.IHttpRouteAuthorizer { return awsapigatewayv2authorizers.NewHttpIamAuthorizer() }
	for name, c := range map[string]struct {
		build func(stack awscdk.Stack, fn awslambda.IFunction)
		want  string
	}{
		"HTTP API": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: fn})
		}, open},
		"HTTP API with a throttle": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: fn, Throttle: throttle})
		}, ""},
		"HTTP API with an authorizer": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: fn, Authorizer: iam()})
		}, ""},
		"WebSocket API": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewWebSocketApi(s, jsii.String("It"), &WebSocketApiProps{Handler: fn})
		}, open},
		"WebSocket API with an authorizer": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewWebSocketApi(s, jsii.String("It"), &WebSocketApiProps{Handler: fn, Authorizer: awsapigatewayv2authorizers.NewWebSocketIamAuthorizer()})
		}, ""},
		"REST API": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn})
		}, open},
		"REST API with a throttle": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, Throttle: throttle})
		}, ""},
		"REST API with IAM": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, AuthorizationType: awsapigateway.AuthorizationType_IAM})
		}, ""},
		"REST API with a key": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, Refine: func(p *awsapigateway.RestApiProps) {
				p.DefaultMethodOptions = &awsapigateway.MethodOptions{ApiKeyRequired: jsii.Bool(true)}
			}})
		}, ""},
		"REST API with a refined throttle": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, Refine: func(p *awsapigateway.RestApiProps) {
				p.DeployOptions.ThrottlingRateLimit = jsii.Number(10)
			}})
		}, ""},
		"private REST API": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, Refine: func(p *awsapigateway.RestApiProps) {
				p.EndpointTypes = &[]awsapigateway.EndpointType{awsapigateway.EndpointType_PRIVATE}
			}})
		}, ""},
		"edge REST API": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: fn, Refine: func(p *awsapigateway.RestApiProps) {
				p.EndpointConfiguration = &awsapigateway.EndpointConfiguration{Types: &[]awsapigateway.EndpointType{awsapigateway.EndpointType_EDGE}}
			}})
		}, open},
		"HTTP API with a refined authorizer": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: fn, Refine: func(p *awsapigatewayv2.HttpApiProps) { p.DefaultAuthorizer = iam() }})
		}, ""},
		"function URL": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewFunctionUrl(s, jsii.String("It"), &FunctionUrlProps{Handler: fn})
		}, ""},
		"open function URL": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewFunctionUrl(s, jsii.String("It"), &FunctionUrlProps{Handler: fn, AuthType: awslambda.FunctionUrlAuthType_NONE})
		}, openTo},
		"open function URL of a bounded function": {func(s awscdk.Stack, _ awslambda.IFunction) {
			NewFunctionUrl(s, jsii.String("It"), &FunctionUrlProps{Handler: plainFunction(s, reserve(5)), AuthType: awslambda.FunctionUrlAuthType_NONE})
		}, ""},
		"schedule": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewSchedule(s, jsii.String("It"), &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: fn, Name: jsii.String("it")})
		}, lost},
		"schedule with a dead-letter queue": {func(s awscdk.Stack, fn awslambda.IFunction) {
			NewSchedule(s, jsii.String("It"), &ScheduleProps{
				DeadLetterQueue: awssqs.NewQueue(s, jsii.String("Dead"), nil), Expression: jsii.String("rate(1 day)"), Handler: fn, Name: jsii.String("it"),
			})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			c.build(stack, inline(stack, "Function"))
			annotations := assertions.Annotations_FromStack(stack)
			if c.want == "" {
				annotations.HasNoWarning(jsii.String("/Test/It"), assertions.Match_AnyValue())
				return
			}
			annotations.HasWarning(jsii.String("/Test/It"), assertions.Match_StringLikeRegexp(jsii.String(c.want)))
		})
	}
}
