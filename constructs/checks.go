package hearth

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NewChecks returns an aspect that checks the concurrency and the queues of handwritten
// stacks, with the rules of this package's own constructs. A broken rule becomes an error
// annotation of the resource, and cdk synth fails:
//
//	awscdk.Aspects_Of(app).Add(hearth.NewChecks(), &awscdk.AspectOptions{
//		Priority: awscdk.AspectPriority_READONLY(),
//	})
//
// With this priority, it checks the stacks after other aspects have changed them.
//
// It checks each function: reserved concurrency against the provisioned concurrency of
// its aliases, with target tracking and scheduled actions, and against the sum of its
// event sources with room for its APIs; aliases of $LATEST and weighted aliases with
// provisioned concurrency.
//
// It checks each queue: its visibility timeout against the timeout of the functions that
// consume it, its retention against that of its dead-letter queue, its batches and its
// receive count. It warns of event source mappings of queues that take no partial batch
// responses. It skips values that only CloudFormation resolves, and does not see raw
// overrides (AddPropertyOverride).
func NewChecks() awscdk.IAspect { return &checks{} }

type checks struct{}

// Visit implements awscdk.IAspect.
func (*checks) Visit(node constructs.IConstruct) {
	stack, ok := node.(awscdk.Stack)
	if !ok {
		return
	}
	n := newInventory(stack)
	for _, fn := range n.functions {
		n.checkFunction(fn)
	}
	for _, version := range n.versions {
		if n.properties(version)["ProvisionedConcurrencyConfig"] != nil {
			complain(version, "the provisioned concurrency must be on an alias, got it on a version, which the next deployment replaces with its warm instances; move it to an alias")
		}
	}
	for _, mapping := range n.mappings {
		n.checkMapping(mapping)
	}
	for _, queue := range n.queues {
		n.checkQueue(queue)
	}
}

// complain adds an error to a resource.
func complain(c constructs.IConstruct, message string) {
	awscdk.Annotations_Of(c).AddError(jsii.String("hearth: " + message))
}

// checkFunction checks the reserved concurrency of a function against everything that
// invokes it.
func (n *inventory) checkFunction(fn awscdk.CfnResource) {
	reserved := numberIn(n.properties(fn), "ReservedConcurrentExecutions")
	if reserved.known && reserved.value < 0 {
		complain(fn, fmt.Sprintf("ReservedConcurrentExecutions must be at least 0 instances, got %s; leave it unset to share the account's unreserved instances", reserved))
		return
	}
	ids := n.functionIDs(fn)
	alone := false
	for _, alias := range n.aliasesOf(ids[0]) {
		alone = n.checkAlias(alias, reserved) || alone
	}
	if message := n.warmExcess(ids[0], reserved); message != "" && !alone {
		complain(fn, message)
	}
	d := demand{sources: n.sourcesOf(ids, true), requests: n.answers(ids)}
	if message := d.shortfall(reserved); message != "" {
		complain(fn, "ReservedConcurrentExecutions "+message)
	}
	if message := d.backlog(reserved, "set the maximum concurrency of the event source"); message != "" {
		warn(fn, "unboundedQueue", message)
	}
}

// answers reports whether a client waits for the answers of a function: through API
// Gateway, a load balancer, or a function URL.
func (n *inventory) answers(ids []string) bool {
	if slices.ContainsFunc(n.urls, func(url awscdk.CfnResource) bool { return refersTo(n.properties(url)["TargetFunctionArn"], ids) }) {
		return true
	}
	return slices.ContainsFunc(n.permissions, func(permission awscdk.CfnResource) bool {
		properties := n.properties(permission)
		principal, _ := properties["Principal"].(string)
		waits := strings.HasPrefix(principal, "apigateway.") || strings.HasPrefix(principal, "elasticloadbalancing.")
		return waits && refersTo(properties["FunctionName"], ids)
	})
}

// aliasesOf returns the aliases of the function with this logical id.
func (n *inventory) aliasesOf(function string) []awscdk.CfnResource {
	var aliases []awscdk.CfnResource
	for _, alias := range n.aliases {
		if refersTo(n.properties(alias)["FunctionName"], []string{function}) {
			aliases = append(aliases, alias)
		}
	}
	return aliases
}

// warmExcess describes a function whose aliases together have more provisioned
// concurrency than it has reserved, or returns "".
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
func (n *inventory) warmExcess(function string, reserved number) string {
	sum := 0.0
	var parts []string
	for _, alias := range n.aliasesOf(function) {
		if warm := n.warmOf(alias); warm.known && warm.value > 0 {
			sum += warm.value
			parts = append(parts, fmt.Sprintf("%s (%s)", warm, *alias.Node().Path()))
		}
	}
	if !reserved.known || sum <= reserved.value {
		return ""
	}
	return fmt.Sprintf("the provisioned concurrency of all aliases must be at most the reserved concurrency of the function (%s instances), got %s, the sum of %s; raise the reserved or lower a provisioned number",
		reserved, format(sum), strings.Join(parts, " + "))
}

// warmOf returns the highest provisioned concurrency of an alias.
func (n *inventory) warmOf(alias awscdk.CfnResource) number {
	config, _ := n.properties(alias)["ProvisionedConcurrencyConfig"].(map[string]any)
	warm := numberIn(config, "ProvisionedConcurrentExecutions")
	// Target tracking can go up to the capacity of the scalable target.
	id := n.logicalID(alias)
	for _, target := range n.scalings {
		scaling := n.properties(target)
		if refersTo(scaling["ResourceId"], []string{id}) {
			warm = larger(warm, numberIn(scaling, "MaxCapacity"))
			actions, _ := scaling["ScheduledActions"].([]any)
			for _, action := range actions {
				change, _ := action.(map[string]any)
				bounds, _ := upperNames(change).(map[string]any)["ScalableTargetAction"].(map[string]any)
				warm = larger(warm, larger(numberIn(bounds, "MaxCapacity"), numberIn(bounds, "MinCapacity")))
			}
		}
	}
	return warm
}

// checkAlias reports whether the alias alone has too much provisioned concurrency.
func (n *inventory) checkAlias(alias awscdk.CfnResource, reserved number) (tooMuch bool) {
	properties, warm := n.properties(alias), n.warmOf(alias)
	if !warm.set {
		return false
	}
	if properties["FunctionVersion"] == "$LATEST" {
		complain(alias, "the alias must be of a published version to have provisioned concurrency, got $LATEST, which Lambda refuses; use the function's CurrentVersion")
	}
	if weighted(properties) {
		complain(alias, weightedMessage(*alias.Node().Path()))
	}
	if warm.known && reserved.known && warm.value > reserved.value {
		complain(alias, fmt.Sprintf("the provisioned concurrency must be at most the reserved concurrency of the function (%s instances), got %s; raise the reserved or lower the provisioned number", reserved, warm))
		return true
	}
	return false
}

// larger returns the larger of two numbers; an unknown one counts only when the
// other is unset.
func larger(a, b number) number {
	switch {
	case !a.set:
		return b
	case !b.set || !b.known:
		return a
	case !a.known:
		return b
	}
	return known(math.Max(a.value, b.value))
}

// byID finds a resource by a reference to it.
func (n *inventory) byID(resources []awscdk.CfnResource, reference any) awscdk.CfnResource {
	for _, r := range resources {
		if refersTo(reference, []string{n.logicalID(r)}) {
			return r
		}
	}
	return nil
}

// checkMapping checks an event source mapping. For a queue in the same stack it uses the
// rules of a [Queue].
func (n *inventory) checkMapping(mapping awscdk.CfnResource) {
	properties := n.properties(mapping)
	if !n.toHandler(mapping) { // a Handler warns about its own
		if message := wholeBatches(properties, false, n.app.ofQueue(mapping)); message != "" {
			warn(mapping, "wholeBatches", message)
		}
	}
	queue := n.byID(n.queues, properties["EventSourceArn"])
	if queue == nil {
		return
	}
	source := n.properties(queue)
	v := queueValues{
		consumed:   true,
		fifo:       source["FifoQueue"] == true,
		batch:      numberIn(properties, "BatchSize"),
		window:     numberIn(properties, "MaximumBatchingWindowInSeconds"),
		visibility: numberIn(source, "VisibilityTimeout").orKnown(defaultVisibilitySecs),
	}
	if scaling, ok := properties["ScalingConfig"].(map[string]any); ok {
		v.maxConcurrency = numberIn(scaling, "MaximumConcurrency")
	}
	for _, fn := range n.functions {
		if refersTo(properties["FunctionName"], n.functionIDs(fn)) {
			v.functionTimeout = numberIn(n.properties(fn), "Timeout").or(defaultLambdaTimeoutSecs)
		}
	}
	r := &rules{where: "SqsEventSource"}
	v.checkEventSource(r)
	v.checkVisibility(r)
	for _, err := range r.broken {
		complain(mapping, err.Error())
	}
}

// checkQueue checks a queue against its dead-letter queue.
func (n *inventory) checkQueue(queue awscdk.CfnResource) {
	properties := n.properties(queue)
	redrive, ok := properties["RedrivePolicy"].(map[string]any)
	if !ok {
		return
	}
	if dead := n.byID(n.queues, redrive["DeadLetterTargetArn"]); dead != nil {
		other := n.properties(dead)
		v := queueValues{
			fifo:      properties["FifoQueue"] == true,
			retention: numberIn(properties, "MessageRetentionPeriod"),
			// SQS's own default, unlike that of a Queue's dead-letter queue.
			deadRetention: numberIn(other, "MessageRetentionPeriod").orKnown(defaultRetentionSecs),
		}
		r := &rules{where: "DeadLetterQueue"}
		v.checkRetention(r, "RetentionPeriod")
		if fifo := properties["FifoQueue"] == true; fifo != (other["FifoQueue"] == true) {
			r.breaks("Fifo", "must be %t, as the queue is a %s queue; use a dead-letter queue of the same kind", fifo, kindOf(fifo))
		}
		for _, err := range r.broken {
			complain(queue, err.Error())
		}
	}
	if receives := numberIn(redrive, "MaxReceiveCount"); receives.known && receives.value < leastAdvisedReceiveCount && n.consumed(queue) {
		warn(queue, "lowMaxReceiveCount", lowReceives("MaxReceiveCount", receives))
	}
}

// consumed reports whether a function consumes a queue.
func (n *inventory) consumed(queue awscdk.CfnResource) bool {
	id := n.logicalID(queue)
	return slices.ContainsFunc(n.mappings, func(mapping awscdk.CfnResource) bool {
		return refersTo(n.properties(mapping)["EventSourceArn"], []string{id})
	})
}
