package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func newStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)
	version, _ := stack.Node().TryGetContext(jsii.String("version")).(string)
	if version == "" {
		version = "dev"
	}
	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry: jsii.String("./examples/canary/handler"),
		Handler: &hearth.HandlerProps{
			Gradual:     &hearth.GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES()},
			LinkerFlags: []string{"-X main.version=" + version},
		},
		Http: &hearth.HttpApiProps{Throttle: &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(200), RateLimit: jsii.Number(100)}},
		// The alarms about failures stop a deployment, and send an email.
		Monitoring: &hearth.MonitoringProps{Email: jsii.String("oncall@example.com")},
	})
	return stack
}
