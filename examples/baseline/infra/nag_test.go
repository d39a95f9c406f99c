package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/examples/internal/nagtest"
)

func TestNag(t *testing.T) {
	t.Chdir(root)
	const (
		backend = "/Base/Backend/"
		ids     = "The ids of the connections of this one stage are not known in advance."
	)
	nagtest.Check(t, newStack(awscdk.NewApp(nagtest.AppProps(t, "cdk.json")), "Base"),
		nagtest.Finding{
			Rule: "AwsSolutions-APIG4",
			Why:  "The program authorizes requests and connections itself; API Gateway asks nobody on $disconnect and $default.",
			At: []string{
				backend + "Http/Api/DefaultRoute/Resource", backend + "WebSocket/Api/$connect-Route/Resource",
				backend + "WebSocket/Api/$default-Route/Resource", backend + "WebSocket/Api/$disconnect-Route/Resource",
			},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
			Why:  "Lambda's own policy for writing logs, which the CDK gives every function.",
			At:   []string{backend + "Handler/Function/ServiceRole/Resource", backend + "WebSocketRelay/Handler/Function/ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]",
			Why:  "Lambda's own policy for the network interfaces of a function in a VPC.",
			At:   []string{backend + "Handler/Function/ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
			Why:  "API Gateway's own policy for the role of the account that writes the access logs of WebSocket APIs.",
			At:   []string{"/Base/ApiGatewayLogs/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM5[Resource::*]",
			Why:  "X-Ray knows no resources to which writing segments could be limited.",
			At:   []string{backend + "Handler/Function/ServiceRole/DefaultPolicy/Resource", backend + "WebSocketRelay/Handler/Function/ServiceRole/DefaultPolicy/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<BackendWebSocketApi67B4CC1E>/live/DELETE/@connections/*]",
			Why:  ids,
			At:   []string{backend + "WebSocketRelay/Handler/Function/ServiceRole/DefaultPolicy/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<BackendWebSocketApi67B4CC1E>/live/POST/@connections/*]",
			Why:  ids,
			At:   []string{backend + "WebSocketRelay/Handler/Function/ServiceRole/DefaultPolicy/Resource"},
		},
	)
}
