package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

// program stands for the team's own code. It answers requests and messages, and
// reports that no message of a batch failed.
const program = `exports.handler = async (event) =>
  event.Records ? { batchItemFailures: [] } : { statusCode: 200, body: "hello" };`

func newStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)

	// What the team has.
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		FlowLogs: &map[string]*awsec2.FlowLogOptions{"All": {}},
		MaxAzs:   jsii.Number(2), NatGateways: jsii.Number(1),
	})
	fn := awslambda.NewFunction(stack, jsii.String("Fn"), &awslambda.FunctionProps{
		Code:                         awslambda.Code_FromInline(jsii.String(program)),
		Handler:                      jsii.String("index.handler"),
		ReservedConcurrentExecutions: jsii.Number(20),
		Runtime:                      awslambda.Runtime_NODEJS_24_X(),
		Timeout:                      awscdk.Duration_Seconds(jsii.Number(20)),
		Vpc:                          vpc,
	})
	alias := awslambda.NewAlias(stack, jsii.String("Live"), &awslambda.AliasProps{
		AliasName: jsii.String("live"), Version: fn.CurrentVersion(),
	})
	awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		DefaultIntegration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), alias, nil),
	})

	// What hearth adds: the queue with its dead-letter queue and alarms, and the
	// WebSocket API with the permission to push.
	jobs := hearth.NewQueue(stack, jsii.String("Jobs"), &hearth.QueueProps{
		Handler: alias, MaxConcurrency: jsii.Number(10), Name: jsii.String("jobs"),
	})
	jobs.ConnectSend(fn, nil)
	jobs.AddAlarms(nil)
	hearth.NewWebSocketApi(stack, jsii.String("Live-updates"), &hearth.WebSocketApiProps{
		Handler: alias, Throttle: &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(200), RateLimit: jsii.Number(100)},
	}).ConnectPush(fn, nil)

	// And the same rules for what the team wrote by hand.
	awscdk.Aspects_Of(stack).Add(hearth.NewChecks(), &awscdk.AspectOptions{Priority: awscdk.AspectPriority_READONLY()})
	return stack
}
