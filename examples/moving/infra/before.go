package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// program stands for the code that the team wrote by hand.
const program = `exports.handler = async (event) => event.Records ? {} : { statusCode: 200, body: "order" };`

// before is the app as it was.
func before(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)
	queue := newQueue(stack)

	function := func(id string) awslambda.Function {
		return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
			Code:    awslambda.Code_FromInline(jsii.String(program)),
			Handler: jsii.String("index.handler"),
			Runtime: awslambda.Runtime_NODEJS_24_X(),
			Timeout: awscdk.Duration_Seconds(jsii.Number(20)),
		})
	}
	function("Consumer").AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, nil))
	newApi(stack, function("Api"))
	return stack
}

// newQueue is the queue with the team's messages.
func newQueue(stack awscdk.Stack) awssqs.Queue {
	return awssqs.NewQueue(stack, jsii.String("Queue"), &awssqs.QueueProps{
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			MaxReceiveCount: jsii.Number(5),
			Queue:           awssqs.NewQueue(stack, jsii.String("DeadLetters"), &awssqs.QueueProps{EnforceSSL: jsii.Bool(true)}),
		},
		EnforceSSL:        jsii.Bool(true),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(120)),
	})
}

// newApi is the API whose address clients know.
func newApi(stack awscdk.Stack, handler awslambda.IFunction) awsapigatewayv2.HttpApi {
	return awsapigatewayv2.NewHttpApi(stack, jsii.String("HttpApi"), &awsapigatewayv2.HttpApiProps{
		DefaultIntegration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), handler, nil),
	})
}
