package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/examples/internal/nagtest"
)

func TestNag(t *testing.T) {
	nagtest.Check(t, newStack(awscdk.NewApp(nagtest.AppProps(t, "../../../cdk.json")), "Shop"),
		nagtest.Finding{
			Rule: "AwsSolutions-APIG1",
			Why:  "The team's own API has no access logs; those of a WebSocket API need a role of the whole account, which is its owner's to make.",
			At:   []string{"/Shop/Api/DefaultStage/Resource", "/Shop/Live-updates/Stage/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-APIG4",
			Why:  "The program authorizes requests and connections itself; API Gateway asks nobody on $disconnect and $default.",
			At: []string{
				"/Shop/Api/DefaultRoute/Resource", "/Shop/Live-updates/Api/$connect-Route/Resource",
				"/Shop/Live-updates/Api/$default-Route/Resource", "/Shop/Live-updates/Api/$disconnect-Route/Resource",
			},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
			Why:  "Lambda's own policy for writing logs, which the CDK gives every function.",
			At:   []string{"/Shop/Fn/ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]",
			Why:  "Lambda's own policy for the network interfaces of a function in a VPC.",
			At:   []string{"/Shop/Fn/ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<LiveupdatesApi14AB489D>/live/POST/@connections/*]",
			Why:  "The ids of the connections are not known in advance; only pushing to those of this one stage is allowed.",
			At:   []string{"/Shop/Fn/ServiceRole/DefaultPolicy/Resource"},
		},
		nagtest.Finding{Rule: "IAMNoInlinePolicy", Why: nagtest.ReasonInlinePolicy, At: []string{"/Shop/Fn/ServiceRole/DefaultPolicy/Resource", "/Shop/Vpc/All/IAMRole/DefaultPolicy/Resource"}},
		nagtest.Finding{Rule: "LambdaDLQ", Why: nagtest.ReasonLambdaDLQ, At: []string{"/Shop/Fn/Resource"}},
		nagtest.Finding{Rule: "CloudWatchLogGroupEncrypted", Why: nagtest.ReasonLogGroupKey, At: []string{"/Shop/Fn/LogGroup/Resource", "/Shop/Vpc/All/LogGroup/Resource"}},
		nagtest.Finding{
			Rule: "CloudWatchAlarmAction", Why: "Whom the alarms tell is the team's to say: QueueAlarmsProps.Actions.",
			At: []string{"/Shop/Jobs/DeadLettersAlarm/Resource", "/Shop/Jobs/OldestMessageAlarm/Resource"},
		},
		nagtest.Finding{
			Rule: "VPCNoUnrestrictedRouteToIGW", Why: "The team's public subnets hold the NAT gateway alone, which needs this route.",
			At: []string{"/Shop/Vpc/PublicSubnet1/DefaultRoute", "/Shop/Vpc/PublicSubnet2/DefaultRoute"},
		},
		nagtest.Finding{
			Rule: "VPCSubnetAutoAssignPublicIpDisabled", Why: "The CDK's default for public subnets; nothing but the NAT gateway is in them.",
			At: []string{"/Shop/Vpc/PublicSubnet1/Subnet", "/Shop/Vpc/PublicSubnet2/Subnet"},
		},
	)
}
