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
		nagtest.Finding{Rule: "AwsSolutions-SQS3", Why: nagtest.ReasonScheduleQueue, At: []string{backend + "ScheduleDeadLetters/Resource"}},
		nagtest.Finding{
			Rule: "IAMNoInlinePolicy",
			Why:  nagtest.ReasonInlinePolicy,
			At: []string{
				backend + "Database/Proxy/IAMRole/DefaultPolicy/Resource", backend + "Handler/Function/ServiceRole/DefaultPolicy/Resource",
				backend + "ScheduleRole/DefaultPolicy/Resource", backend + "WebSocketRelay/Handler/Function/ServiceRole/DefaultPolicy/Resource",
				"/Base/Vpc/All/IAMRole/DefaultPolicy/Resource",
			},
		},
		nagtest.Finding{
			Rule: "LambdaDLQ", Why: nagtest.ReasonLambdaDLQ,
			At: []string{backend + "Handler/Function/Resource", backend + "WebSocketRelay/Handler/Function/Resource"},
		},
		nagtest.Finding{
			Rule: "CloudWatchLogGroupEncrypted",
			Why:  nagtest.ReasonLogGroupKey,
			At: []string{
				backend + "Handler/LogGroup/Resource", backend + "Http/AccessLogs/Resource", backend + "WebSocket/AccessLogs/Resource",
				backend + "WebSocketRelay/Handler/LogGroup/Resource", "/Base/Vpc/All/LogGroup/Resource",
			},
		},
		nagtest.Finding{Rule: "SNSEncryptedKMS", Why: nagtest.ReasonTopicKey, At: []string{backend + "Monitoring/Topic/Resource"}},
		nagtest.Finding{Rule: "LambdaConcurrency", Why: "The queue of the relay bounds its instances.", At: []string{backend + "WebSocketRelay/Handler/Function/Resource"}},
		nagtest.Finding{
			Rule: "LambdaInsideVPC", Why: "The relay is there to reach API Gateway from outside the VPC.",
			At: []string{backend + "WebSocketRelay/Handler/Function/Resource"},
		},
		nagtest.Finding{
			Rule: "RDSEnhancedMonitoringEnabled", Why: "Aurora's own metrics and those of the proxy suffice for an example; it is a prop of the team's database.",
			At: []string{"/Base/Db/writer/Resource"},
		},
		nagtest.Finding{
			Rule: "RDSInBackupPlan", Why: "Aurora backs itself up continuously; a plan of AWS Backup belongs to the owner of the account.",
			At: []string{"/Base/Db/writer/Resource"},
		},
	)
}
