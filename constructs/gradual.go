package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// GradualProps set how the alias of a [Handler] changes over to a new version: in steps,
// through CodeDeploy. When an alarm goes off meanwhile, CodeDeploy goes back to the old
// version, which still exists, and the deployment of the stack fails.
//
// A [Monitoring] that watches the handler adds its alarms about failures of the function,
// its APIs and its queues, up to ten.
//
// Lambda does not allow weights of an alias together with provisioned concurrency. With
// Concurrency.Provisioned, Config must be
// awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE(), which has hooks and a rollback, but
// no steps.
//
// https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html (2026-11)
type GradualProps struct {
	// Config sets the steps:
	// awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES(),
	// LambdaDeploymentConfig_LINEAR_10PERCENT_EVERY_1MINUTE() or another one.
	Config awscodedeploy.ILambdaDeploymentConfig

	// Alarms are further alarms that stop a deployment.
	//
	// @default - those of a [Monitoring]
	Alarms *[]awscloudwatch.IAlarm

	// PostHook is invoked when all invocations go to the new version. It decides whether
	// they continue to.
	//
	// @default - none
	PostHook awslambda.IFunction

	// PreHook is invoked before any invocation goes to the new version. It decides
	// whether the deployment goes on.
	//
	// https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html (2026-11)
	//
	// @default - none
	PreHook awslambda.IFunction
}

// maxDeploymentAlarms is the most alarms of a deployment group.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html (2026-11)
const maxDeploymentAlarms = 10

// allAtOnce is the only configuration without steps.
const allAtOnce = "CodeDeployDefault.LambdaAllAtOnce"

// check checks the props, which may be nil.
func (p *GradualProps) check(r *rules, provisioned bool) {
	if p == nil {
		return
	}
	if p.Config == nil {
		r.breaks("Gradual.Config", "must be set, got none; it says in which steps, such as awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES()")
	} else if name := textOf(p.Config.DeploymentConfigName()); provisioned && name.value != allAtOnce {
		r.breaks("Gradual.Config", "must be awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE() together with Concurrency.Provisioned, got %q; steps are weights of the alias, which Lambda refuses then: unset Provisioned, or deploy without steps", name.value)
	}
	noneNil(r, "Gradual.Alarms", elementsOf(p.Alarms))
	if p.Alarms != nil && len(*p.Alarms) > maxDeploymentAlarms {
		r.breaks("Gradual.Alarms", "must be at most %d alarms, got %d; join some of them in a composite alarm", maxDeploymentAlarms, len(*p.Alarms))
	}
}

// keepVersions keeps the old version after the next one is published, so that CodeDeploy
// can go back to it.
func (p *GradualProps) keepVersions(function *awslambda.FunctionProps) {
	if p != nil {
		function.CurrentVersionOptions = &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN}
	}
}

// deployGradually creates the deployment group of the alias.
func (h *Handler) deployGradually() {
	p := h.props.Gradual
	if p == nil {
		return
	}
	var alarms []interfacesawscloudwatch.IAlarmRef
	if p.Alarms != nil {
		for _, a := range *p.Alarms {
			alarms = append(alarms, a)
		}
	}
	h.deploymentAlarms = len(alarms)
	h.Deployment = awscodedeploy.NewLambdaDeploymentGroup(h, jsii.String("Deployment"), &awscodedeploy.LambdaDeploymentGroupProps{
		Alarms:           &alarms,
		Alias:            h.Alias,
		DeploymentConfig: p.Config,
		PostHook:         p.PostHook,
		PreHook:          p.PreHook,
	})
}

// rollBackOn makes an alarm stop a handler's deployments, if they have steps and room for
// another alarm. An alarm of another stack refers to the function already, so the function's
// stack cannot refer to it.
func (h *Handler) rollBackOn(a awscloudwatch.Alarm) {
	if h != nil && h.Deployment != nil && h.deploymentAlarms < maxDeploymentAlarms && a.Stack() == h.Deployment.Stack() {
		h.Deployment.AddAlarm(a)
		h.deploymentAlarms++
	}
}
