package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// resourcesIn returns the resources of certain types in a tree. The CDK selects them in
// its own process: Node().FindAll would bring each construct of the tree over to Go.
func resourcesIn(scope constructs.IConstruct, types ...string) []constructs.IConstruct {
	return *awscdk.ConstructSelector_ResourcesOfType(*jsii.Strings(types...)...).Select(scope)
}

// inventory lists the resources of a stack that the budget depends on, whatever code
// created them. It reads their properties only when needed: each read is a request to the
// CDK's own process.
type inventory struct {
	app *app

	functions, aliases, versions, mappings, queues, urls, permissions, scalings []awscdk.CfnResource

	read  map[awscdk.CfnResource]map[string]any
	stack awscdk.Stack
}

// The resources with which other code can wire something to a function.
const (
	typeAlias   = "AWS::Lambda::Alias"
	typeMapping = "AWS::Lambda::EventSourceMapping"
	typeScaling = "AWS::ApplicationAutoScaling::ScalableTarget"
)

// newInventory lists the resources of a stack, but not of the stacks below it: those
// have their own logical ids.
func newInventory(stack awscdk.Stack) *inventory {
	n := &inventory{app: appOf(stack), read: map[awscdk.CfnResource]map[string]any{}, stack: stack}
	for _, c := range resourcesIn(stack, "AWS::Lambda::Function", typeAlias, "AWS::Lambda::Version", typeMapping,
		"AWS::SQS::Queue", "AWS::Lambda::Url", "AWS::Lambda::Permission", typeScaling) {
		if n.app.sameStack(c.(awscdk.CfnResource).Stack()) != n.app.sameStack(stack) {
			continue
		}
		switch r := c.(type) {
		case awslambda.CfnFunction:
			n.functions = append(n.functions, r)
		case awslambda.CfnAlias:
			n.aliases = append(n.aliases, r)
		case awslambda.CfnVersion:
			n.versions = append(n.versions, r)
		case awslambda.CfnEventSourceMapping:
			n.mappings = append(n.mappings, r)
		case awssqs.CfnQueue:
			n.queues = append(n.queues, r)
		case awslambda.CfnUrl:
			n.urls = append(n.urls, r)
		case awslambda.CfnPermission:
			n.permissions = append(n.permissions, r)
		case awsapplicationautoscaling.CfnScalableTarget:
			n.scalings = append(n.scalings, r)
		}
	}
	return n
}

func (n *inventory) properties(r awscdk.CfnResource) map[string]any {
	properties, done := n.read[r]
	if !done {
		properties = propertiesIn(n.stack, r)
		n.read[r] = properties
	}
	return properties
}

// logicalID returns the name that references to a resource use.
func (n *inventory) logicalID(r awscdk.CfnResource) string {
	id, _ := n.stack.Resolve(r.LogicalId()).(string)
	return id
}

// functionIDs returns the logical ids by which a function is invoked: its own, and those
// of its aliases and versions.
func (n *inventory) functionIDs(fn awscdk.CfnResource) []string {
	ids := []string{n.logicalID(fn)}
	for _, qualified := range [][]awscdk.CfnResource{n.versions, n.aliases} {
		for _, r := range qualified {
			if refersTo(n.properties(r)["FunctionName"], ids[:1]) {
				ids = append(ids, n.logicalID(r))
			}
		}
	}
	return ids
}

// sourcesOf returns the event sources of the function with these logical ids. It leaves
// out those that a [Queue] made unless withQueues is set.
func (n *inventory) sourcesOf(ids []string, withQueues bool) []source {
	var sources []source
	for _, mapping := range n.mappings {
		if !withQueues && n.app.ofQueue(mapping) {
			continue
		}
		properties := n.properties(mapping)
		if refersTo(properties["FunctionName"], ids) {
			sources = append(sources, sourceIn(mapping, properties))
		}
	}
	return sources
}
