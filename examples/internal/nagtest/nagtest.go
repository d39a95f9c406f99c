// Package nagtest holds a stack against the AwsSolutions rules of cdk-nag, finding
// by finding.
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

// AppProps are those of the app that cdk.json describes, for [Check].
func AppProps(t *testing.T, cdkJSON string) *awscdk.AppProps {
	t.Helper()
	props := hearthtest.AppProps(t, cdkJSON)
	// With this flag a finding fails the synth, where Check looks at the annotations.
	(*props.Context)["@aws-cdk/core:annotationsInValidationReport"] = false
	return props
}

// Check fails the test for each finding that is not expected, and for each expected
// one that there is not. expected has, for a rule, or a rule with a part of what was
// found, the reason why its findings stay, and the paths where they are:
//
//	{"AwsSolutions-IAM5[Resource::*]", "X-Ray knows no resources.", []string{"/Shop/Handler/…"}}
func Check(t *testing.T, stack awscdk.Stack, expected ...Finding) {
	t.Helper()
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{}), nil)
	left := map[string]bool{}
	for _, f := range *assertions.Annotations_FromStack(stack).FindError(jsii.String("*"), assertions.Match_AnyValue()) {
		rule, _, _ := strings.Cut(fmt.Sprint(f.Entry.Data), ": ")
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

// Finding is what one rule finds in the same way at some places, and why it stays.
type Finding struct {
	Rule string
	Why  string
	At   []string
}
