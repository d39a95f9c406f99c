package hearth

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// holdCode is the program of the function behind [ProvisionedConcurrency.HoldAtUpdate].
// CloudFormation takes at most 4,096 characters of inline code.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html (2026-11)
//
//go:embed hold_at_update.js
var holdCode string

// holderID is the id of the function under its stack. All handlers of a stack share it.
const holderID = "HearthHoldAtUpdate"

// holderTimeoutSecs leaves time for the read and three tries to answer.
const holderTimeoutSecs = 60

// holdTimeoutSecs bounds a deployment's wait if the function cannot run. Lambda invokes it
// up to three times within that time.
const holdTimeoutSecs = 600

// firstInstances returns the number of warm instances with which a version starts: Min,
// or the number of the version before if HoldAtUpdate is set.
func (h *Handler) firstInstances() *float64 {
	p := h.props.Concurrency.Provisioned
	switch {
	case p == nil:
		return nil
	case !isTrue(p.HoldAtUpdate):
		// With target tracking too, so that a deployment waits for warm instances.
		return p.Min
	}
	reader := holderIn(awscdk.Stack_Of(h))
	// The policy is a resource of the handler. In the shared role's own policy, the
	// functions of two handlers would refer to each other in a circle if one knows the
	// other's alias.
	alias := *h.Function.FunctionArn() + ":" + aliasName
	policy := awsiam.NewPolicy(h, jsii.String("HoldAtUpdatePolicy"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{reader.Role()},
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("lambda:GetProvisionedConcurrencyConfig"),
			Resources: &[]*string{&alias},
		})},
	})
	hold := awscdk.NewCustomResource(h, jsii.String("HoldAtUpdate"), &awscdk.CustomResourceProps{
		Properties: &map[string]any{
			"FunctionName": h.Function.FunctionName(),
			"Max":          p.upperBounds(),
			"Min":          p.Min,
			"Qualifier":    aliasName,
			"Version":      h.Version.Version(), // makes CloudFormation ask again for each version
		},
		ResourceType:   jsii.String("Custom::HearthHoldAtUpdate"),
		ServiceTimeout: newDuration(holdTimeoutSecs),
		ServiceToken:   reader.FunctionArn(),
	})
	hold.Node().AddDependency(policy)
	return awscdk.Token_AsNumber(hold.GetAtt(jsii.String("Instances")))
}

// upperBounds returns the numbers of which the highest is the most that the alias can
// have.
func (p *ProvisionedConcurrency) upperBounds() []*float64 {
	var bounds []*float64
	add := func(n *float64) {
		if n != nil {
			bounds = append(bounds, n)
		}
	}
	add(p.Max)
	for _, name := range sortedKeys(p.Schedules) {
		if s := p.Schedules[name]; s != nil {
			add(s.MinCapacity)
			add(s.MaxCapacity)
		}
	}
	return bounds
}

// holderIn returns the function of a stack that reads the number of an alias for
// CloudFormation.
func holderIn(stack awscdk.Stack) awslambda.Function {
	if found, ok := stack.Node().TryFindChild(jsii.String(holderID)).(constructs.Construct); ok {
		return found.Node().FindChild(jsii.String("Function")).(awslambda.Function)
	}
	scope := constructs.NewConstruct(stack, jsii.String(holderID))
	return awslambda.NewFunction(scope, jsii.String("Function"), &awslambda.FunctionProps{
		Architecture:  awslambda.Architecture_ARM_64(),
		Code:          awslambda.Code_FromInline(jsii.String(holdCode)),
		Description:   jsii.String("Keeps the number of warm instances of an alias through an update"),
		Handler:       jsii.String("index.handler"),
		LogGroup:      newLogGroup(scope, "LogGroup", "", ""),
		LoggingFormat: awslambda.LoggingFormat_JSON,
		MemorySize:    jsii.Number(256),
		Runtime:       awslambda.Runtime_NODEJS_24_X(),
		Timeout:       newDuration(holderTimeoutSecs),
	})
}
