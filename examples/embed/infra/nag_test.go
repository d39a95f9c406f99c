package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

// suppressed are the findings of AwsSolutions that stay, with their reasons.
var suppressed = map[string]string{
	"AwsSolutions-APIG1": "The team's own API has no access logs; those of a WebSocket API need a role of the whole account, which is its owner's to make.",
	"AwsSolutions-APIG4": "The program authorizes requests and connections itself; API Gateway asks nobody on $disconnect and $default.",
	"AwsSolutions-IAM4":  "Lambda's own execution policies for network interfaces and logs.",
	"AwsSolutions-IAM5":  "The ids of connections are not known in advance.",
}

func TestNag(t *testing.T) {
	props := hearthtest.AppProps(t, "../../../cdk.json")
	// With this flag synth fails, where this test looks at the annotations.
	(*props.Context)["@aws-cdk/core:annotationsInValidationReport"] = false
	stack := newStack(awscdk.NewApp(props), "Shop")
	var suppressions []*cdknag.NagPackSuppression
	for id, reason := range suppressed {
		suppressions = append(suppressions, &cdknag.NagPackSuppression{Id: jsii.String(id), Reason: jsii.String(reason)})
	}
	cdknag.NagSuppressions_AddStackSuppressions(stack, &suppressions, jsii.Bool(true))
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true)}), nil)
	for _, finding := range *assertions.Annotations_FromStack(stack).FindError(jsii.String("*"), assertions.Match_AnyValue()) {
		t.Errorf("%s: %v", *finding.Id, finding.Entry.Data)
	}
}
