package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/examples/internal/nagtest"
)

func TestNag(t *testing.T) {
	t.Chdir("../../..")
	const (
		backend  = "/Canary/Backend/"
		function = backend + "Handler/Function/"
	)
	nagtest.Check(t, newStack(awscdk.NewApp(nagtest.AppProps(t, "cdk.json")), "Canary"),
		nagtest.Finding{
			Rule: "AwsSolutions-APIG4", Why: "The example serves its version to everybody, at most a hundred times a second.",
			At: []string{backend + "Http/Api/DefaultRoute/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]",
			Why:  "CodeDeploy's own policy for shifting the aliases of functions.",
			At:   []string{backend + "Handler/Deployment/ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
			Why:  "Lambda's own policy for writing logs, which the CDK gives every function.",
			At:   []string{function + "ServiceRole/Resource"},
		},
		nagtest.Finding{
			Rule: "AwsSolutions-IAM5[Resource::*]", Why: "X-Ray knows no resources to which writing segments could be limited.",
			At: []string{function + "ServiceRole/DefaultPolicy/Resource"},
		},
		nagtest.Finding{Rule: "IAMNoInlinePolicy", Why: nagtest.ReasonInlinePolicy, At: []string{function + "ServiceRole/DefaultPolicy/Resource"}},
		nagtest.Finding{Rule: "LambdaConcurrency", Why: nagtest.ReasonConcurrency, At: []string{function + "Resource"}},
		nagtest.Finding{Rule: "LambdaDLQ", Why: nagtest.ReasonLambdaDLQ, At: []string{function + "Resource"}},
		nagtest.Finding{Rule: "LambdaInsideVPC", Why: nagtest.ReasonOutsideVPC, At: []string{function + "Resource"}},
		nagtest.Finding{Rule: "CloudWatchLogGroupEncrypted", Why: nagtest.ReasonLogGroupKey, At: []string{backend + "Handler/LogGroup/Resource", backend + "Http/AccessLogs/Resource"}},
		nagtest.Finding{Rule: "SNSEncryptedKMS", Why: nagtest.ReasonTopicKey, At: []string{backend + "Monitoring/Topic/Resource"}},
	)
}
