package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
)

// inventory is the resources of a stack that the budget is about, whoever
// created them. Their properties are read when they are asked for: each read
// goes to the CDK's own process.
type inventory struct {
	functions, aliases, versions, mappings, queues, urls, permissions, scalings []awscdk.CfnResource

	read map[awscdk.CfnResource]map[string]any
}

// takeInventory looks at everything in a stack, but not in the stacks below it:
// their logical ids are their own.
func takeInventory(stack awscdk.Stack) *inventory {
	n := &inventory{read: map[awscdk.CfnResource]map[string]any{}}
	everything := *stack.Node().FindAll(constructs.ConstructOrder_PREORDER)
	inner := map[string]bool{}
	for _, c := range everything[1:] {
		if below, ok := c.(awscdk.Stack); ok {
			for _, theirs := range *below.Node().FindAll(constructs.ConstructOrder_PREORDER) {
				inner[*theirs.Node().Path()] = true
			}
		}
	}
	for _, c := range everything {
		if len(inner) > 0 && inner[*c.Node().Path()] {
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
		properties = propertiesOf(r)
		n.read[r] = properties
	}
	return properties
}

// logicalID is the name by which others refer to a resource.
func logicalID(r awscdk.CfnResource) string {
	id, _ := r.Stack().Resolve(r.LogicalId()).(string)
	return id
}

// functionIDs returns the logical ids by which a function is invoked: its own,
// and those of its aliases and versions.
func (n *inventory) functionIDs(fn awscdk.CfnResource) []string {
	ids := []string{logicalID(fn)}
	for _, qualified := range [][]awscdk.CfnResource{n.versions, n.aliases} {
		for _, r := range qualified {
			if refersTo(n.properties(r)["FunctionName"], ids[:1]) {
				ids = append(ids, logicalID(r))
			}
		}
	}
	return ids
}

// sourcesOf returns the event sources of the function that goes by these ids,
// without those that a [Queue] of this package made.
func (n *inventory) sourcesOf(ids []string, withQueues bool) []source {
	var sources []source
	for _, r := range n.mappings {
		mapping := r.(awslambda.CfnEventSourceMapping)
		if !withQueues && ofQueue(mapping) {
			continue
		}
		properties := n.properties(mapping)
		if refersTo(properties["FunctionName"], ids) {
			sources = append(sources, sourceIn(*mapping.Node().Path(), properties))
		}
	}
	return sources
}

// ofQueue tells whether a [Queue] made a mapping: it has told the budget itself.
func ofQueue(mapping awslambda.CfnEventSourceMapping) bool {
	l2 := mapping.Node().Scope()
	if l2 == nil || l2.Node().Scope() == nil {
		return false
	}
	_, ours := l2.Node().Scope().(*Queue)
	return ours
}
