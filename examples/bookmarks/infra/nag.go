package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// addNag checks the app with cdk-nag's AwsSolutions pack: cdk synth -c nag=true.
// Each suppression has the reason why the finding is intended.
func addNag(app constructs.Construct, s *stack) {
	suppress := func(c constructs.IConstruct, id, reason string, appliesTo ...any) {
		s := &cdknag.NagPackSuppression{Id: jsii.String(id), Reason: jsii.String(reason)}
		if appliesTo != nil {
			s.AppliesTo = &appliesTo
		}
		cdknag.NagSuppressions_AddResourceSuppressions(c, &[]*cdknag.NagPackSuppression{s}, jsii.Bool(true))
	}
	suppress(s.backend.Http, "AwsSolutions-APIG4",
		"The example serves one demo user to everybody. Add your JWT authorizer to the $default route: the handler reads its claims.")
	suppress(s.backend.WebSocket, "AwsSolutions-APIG4",
		"Only $connect can carry an authorizer, and the example has no users of its own; the handler reads the authorizer's principal.")
	suppress(s.backend.WebSocket, "AwsSolutions-APIG1",
		"Access logs of WebSocket APIs need a role that belongs to the whole account; set WebSocket.AccessLogs once the account has it.")
	suppress(s.backend.Handler, "AwsSolutions-IAM4",
		"Lambda's own policies, for its log group and for network interfaces, which have no names in advance.",
		"Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
		"Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")
	suppress(s.backend.Handler, "AwsSolutions-IAM5",
		"X-Ray's actions have no resources; the ids of WebSocket connections are not known in advance.",
		"Resource::*", map[string]any{"regex": `/^Resource::arn:.*:execute-api:.*\/@connections\/\*$/g`})
	suppress(s.backend.ScheduleDeadLetterQueue, "AwsSolutions-SQS3",
		"It is a dead-letter queue itself: that of EventBridge Scheduler and of the alias, which the rule does not know.")
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true)}), nil)
}
