// Command infra is the CDK app, which defines the deployed resources. cdk.json names it.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	hearth "github.com/lambdahearth/hearth/constructs"
)

const stackName = "Jobs"

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newStack(app, stackName)
	app.Synth(nil)
}

func newStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)
	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry: jsii.String("./handler"),
		// The API rejects requests above these rates, so they do not reach the function and
		// cost nothing.
		Http: &hearth.HttpApiProps{
			Throttle: &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)},
		},
		// During a backlog, the requests keep the other instances.
		Queues: map[string]*hearth.QueueProps{"orders": {MaxConcurrency: jsii.Number(5)}},
	})
	return stack
}
