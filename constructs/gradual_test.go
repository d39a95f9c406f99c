package hearth

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/jsii-runtime-go"
)

// TestGradual shows that the functions of a backend change over in steps, stop at the
// alarms about their own failures, and keep the old version.
func TestGradual(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:      entry("full"),
		Handler:    &HandlerProps{Gradual: &GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES(), PreHook: existingFunction(stack)}},
		Jobs:       &HandlerProps{},
		Monitoring: &MonitoringProps{Email: jsii.String("oncall@example.com")},
	})
	template := template(stack)
	groups := resources(stack, "AWS::CodeDeploy::DeploymentGroup")
	if len(groups) != 2 {
		t.Fatalf("%d deployment groups, want one for each function", len(groups))
	}
	for id, group := range groups {
		wants := []string{"HandlerErrors", "HandlerTimeouts", "HandlerInitErrors", "HttpServerErrors", "WebSocketSocketErrors"}
		if strings.Contains(id, "BackendJobs") {
			wants = []string{"JobsErrors", "JobsTimeouts", "JobsInitErrors", "QueueledgerJobsFailed", "QueuescreenshotsJobsFailed"}
		}
		for _, want := range append(wants, `"DEPLOYMENT_STOP_ON_ALARM"`, "CodeDeployDefault.LambdaCanary10Percent5Minutes") {
			if !strings.Contains(group, want) {
				t.Errorf("%s has no %s: %s", id, want, group)
			}
		}
	}
	for id, alias := range resources(stack, "AWS::Lambda::Alias") {
		if !strings.Contains(alias, `"UpdatePolicy":{"CodeDeployLambdaAliasUpdate":{`) {
			t.Errorf("%s does not change over in steps: %s", id, alias)
		}
	}
	template.HasResource(jsii.String("AWS::Lambda::Version"), map[string]any{"DeletionPolicy": "Retain"})
	if b.Handler.Deployment == nil || b.Jobs.Deployment == nil {
		t.Error("Deployment must be the deployment group")
	}
}

func TestGradualRules(t *testing.T) {
	canary := awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES()
	token := awscodedeploy.LambdaDeploymentConfig_FromLambdaDeploymentConfigName(setup(t), jsii.String("Config"), tokenProp())
	check := func(p *GradualProps, provisioned bool) func(*rules) {
		return func(r *rules) { p.check(r, provisioned) }
	}
	alarms := func(n int) *GradualProps {
		alarm := awscloudwatch.Alarm_FromAlarmArn(setup(t), jsii.String("Sales"), jsii.String("arn:aws:cloudwatch:eu-north-1:123456789012:alarm:sales"))
		all := slices.Repeat([]awscloudwatch.IAlarm{alarm}, n)
		return &GradualProps{Alarms: &all, Config: canary}
	}
	refused := func(name string) []string {
		return []string{"P.Gradual.Config must be awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE() together with Concurrency.Provisioned, got \"" + name + "\"; steps are weights of the alias, which Lambda refuses then: unset Provisioned, or deploy without steps"}
	}
	runRules(t, []ruleCase{
		{"unset", check(nil, true), nil},
		{"canary", check(&GradualProps{Config: canary}, false), nil},
		{"nothing", check(&GradualProps{}, false), []string{"P.Gradual.Config must be set, got none; it says in which steps, such as awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES()"}},
		{"provisioned canary", check(&GradualProps{Config: canary}, true), refused(*canary.DeploymentConfigName())},
		{"provisioned token", check(&GradualProps{Config: token}, true), refused("")},
		{"provisioned at once", check(&GradualProps{Config: awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE()}, true), nil},
		{"ten alarms", check(alarms(10), false), nil},
		{"eleven alarms", check(alarms(11), false), []string{"P.Gradual.Alarms must be at most 10 alarms, got 11; join some of them in a composite alarm"}},
	})
}

// TestGradualAlone shows a handler without a backend, with an alarm of its own.
func TestGradualAlone(t *testing.T) {
	stack := setup(t)
	alarm := awscloudwatch.Alarm_FromAlarmArn(stack, jsii.String("Sales"), jsii.String("arn:aws:cloudwatch:eu-north-1:123456789012:alarm:sales"))
	NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry:       entry("empty"),
		Concurrency: &ConcurrencyProps{Provisioned: Fixed(2)},
		Gradual:     &GradualProps{Alarms: &[]awscloudwatch.IAlarm{alarm}, Config: awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE()},
	})
	template := template(stack)
	template.HasResourceProperties(jsii.String("AWS::CodeDeploy::DeploymentGroup"), map[string]any{
		"AlarmConfiguration": map[string]any{"Alarms": []any{map[string]any{"Name": "sales"}}, "Enabled": true},
	})
	template.HasResource(jsii.String("AWS::Lambda::Alias"), map[string]any{"UpdatePolicy": assertions.Match_AnyValue()})
}
