package hearth

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

// regional creates a stack with a whole backend on a domain.
func regional(scope awscdk.Stage, id, region string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, &awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("123456789012"), Region: &region}})
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(20)},
		Http:        &HttpApiProps{Domain: &DomainProps{Name: jsii.String("api.example.com"), Certificate: certificateOf(stack)}},
		Jobs:        &HandlerProps{},
		Monitoring:  &MonitoringProps{Email: jsii.String("oncall@example.com")},
		Queues:      map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(2)}, "screenshots": {MaxConcurrency: jsii.Number(2)}},
	})
	return stack
}

// TestTwoRegionsAndStages shows that one app can deploy one program to two regions and
// two stages, each complete and independent.
func TestTwoRegionsAndStages(t *testing.T) {
	app := setup(t).Node().Root().(awscdk.App)
	var stacks []awscdk.Stack
	for _, name := range []string{"Dev", "Prod"} {
		stage := awscdk.NewStage(app, &name, nil)
		stacks = append(stacks, regional(stage, "North", "eu-north-1"), regional(stage, "West", "eu-west-1"))
	}
	want := slices.Sorted(maps.Keys(resources(stacks[0], "AWS::SQS::Queue")))
	for _, stack := range stacks {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(resources(stack, "AWS::SQS::Queue")))); diff != "" {
			t.Errorf("%s has other queues:\n%s", *stack.Node().Path(), diff)
		}
		if n := len(resources(stack, "AWS::ApiGatewayV2::DomainName")); n != 1 {
			t.Errorf("%s has %d domains, want its own", *stack.Node().Path(), n)
		}
		for id, fn := range resources(stack, "AWS::Lambda::Function") {
			if strings.Contains(fn, "Fn::ImportValue") {
				t.Errorf("%s of %s needs another stack: %s", id, *stack.Node().Path(), fn)
			}
		}
	}
}

// TestStateEndsWithItsApp shows that two apps in one process share no state.
func TestStateEndsWithItsApp(t *testing.T) {
	one, two := setup(t), setup(t)
	h := NewHandler(one, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})
	if appOf(one) != appOf(h) || appOf(one) == appOf(two) {
		t.Error("each app must have a state of its own")
	}
	if appOf(two).ownerOf(h.Function) != nil {
		t.Error("a handler of another app must not be known")
	}
}
