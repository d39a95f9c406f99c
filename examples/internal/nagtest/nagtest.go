// Package nagtest compares the findings of cdk-nag's packs AwsSolutions, NIST 800-53 R5 and
// HIPAA for a stack with the expected ones.
package nagtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

// AppProps returns the props of the app that cdk.json describes, for [Check].
func AppProps(t *testing.T, cdkJSON string) *awscdk.AppProps {
	t.Helper()
	props := hearthtest.AppProps(t, cdkJSON)
	// With this flag a finding would fail the synthesis, but Check reads the annotations.
	(*props.Context)["@aws-cdk/core:annotationsInValidationReport"] = false
	return props
}

// Check fails the test for each unexpected finding, and for each expected finding that is
// missing. An item of expected has a rule, or a rule with a part of the finding's text, the
// reason why the findings stay, and their paths:
//
//	{"AwsSolutions-IAM5[Resource::*]", "X-Ray knows no resources.", []string{"/Shop/Handler/…"}}
//
// A rule of NIST 800-53 and HIPAA has its name without the pack, because both packs have
// most of the rules: "LambdaInsideVPC".
func Check(t *testing.T, stack awscdk.Stack, expected ...Finding) {
	t.Helper()
	aspects := awscdk.Aspects_Of(stack)
	aspects.Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{}), nil)
	aspects.Add(cdknag.NewNIST80053R5Checks(&cdknag.NagPackProps{}), nil)
	aspects.Add(cdknag.NewHIPAASecurityChecks(&cdknag.NagPackProps{}), nil)
	left := map[string]bool{}
	for _, f := range *assertions.Annotations_FromStack(stack).FindError(jsii.String("*"), assertions.Match_AnyValue()) {
		rule, _, _ := strings.Cut(fmt.Sprint(f.Entry.Data), ": ")
		rule = strings.TrimPrefix(strings.TrimPrefix(rule, "NIST.800.53.R5-"), "HIPAA.Security-")
		left[*f.Id+" "+rule] = true
	}
	for _, e := range expected {
		if len(e.Why) < 20 {
			t.Errorf("%s stays without a reason", e.Rule)
		}
		for _, path := range e.At {
			key := path + " " + e.Rule
			if !left[key] {
				t.Errorf("%s is not found any more; remove it from the test", key)
			}
			delete(left, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		t.Error(key)
	}
}

// Finding is a finding of one rule at some paths, with the reason why it stays.
type Finding struct {
	Rule string
	Why  string
	At   []string
}

// The reasons for findings that every stack with hearth's constructs has.
const (
	ReasonInlinePolicy  = "The CDK writes the statements of each role as a policy of that role alone: nothing else can attach it, and it ends with the role."
	ReasonLambdaDLQ     = "Nothing sends events to the function by its own name. Runs of schedules that fail go where the alias says, and messages to the dead-letter queue of their queue."
	ReasonLogGroupKey   = "CloudWatch Logs encrypts every log group with a key of its own. Whoever needs another key passes a LogGroup that has it."
	ReasonTopicKey      = "The messages of alarms hold no data of users, and CloudWatch cannot publish to a topic with the key of SNS; a topic with a key of the customer is one of MonitoringProps.Actions."
	ReasonOutsideVPC    = "The function needs nothing in a VPC, and would need NAT to reach API Gateway from there."
	ReasonConcurrency   = "The function may use what the account has; a limit of its own is HandlerProps.Concurrency."
	ReasonScheduleQueue = "It is a dead-letter queue itself: that of EventBridge Scheduler and of the alias, which the rule does not know."
)
