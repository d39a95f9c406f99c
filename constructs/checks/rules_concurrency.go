package checks

import (
	"fmt"
	"strings"
)

const (
	typeScalableTarget = "AWS::ApplicationAutoScaling::ScalableTarget"

	concurrencyPage = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
	provisionedPage = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"
	scalingPage     = "https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-lambda.html"

	accountConcurrency = 1000 // the default quota of an account
	minUnreserved      = 100
)

// scaled returns the function and qualifier of a scalable target.
func scaled(r *resource) (t target, known bool) {
	if r.get("ServiceNamespace").text() != "lambda" && !strings.HasPrefix(r.get("ScalableDimension").text(), "lambda:") {
		return target{}, false
	}
	name, is := strings.CutPrefix(r.get("ResourceId").text(), "function:")
	if !is {
		return target{}, false
	}
	return r.stack.app.targetOf(name)
}

var concurrencyRules = []Rule{
	{
		ID: "account-concurrency", Severity: Warning, Page: concurrencyPage,
		Fault: "Reserved concurrency of one template that leaves less than 100 of 1,000 instances, the default quota; Lambda refuses it in an account without a higher one.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			sum, highest := 0.0, 0.0
			var largest *resource
			var parts []string
			for _, f := range r.stack.byType[typeFunction] {
				if n, known := f.get("ReservedConcurrentExecutions").number(); known && n > 0 && !f.conditional {
					if n > highest {
						largest, highest = f, n
					}
					sum += n
					parts = append(parts, fmt.Sprintf("%s (%s)", scalar(n), f.id))
				}
			}
			if r == largest && sum > accountConcurrency-minUnreserved {
				report("ReservedConcurrentExecutions of all functions together must be at most %d instances with the default quota, got %s: %s; lower one, or make sure that the account's quota is higher",
					accountConcurrency-minUnreserved, scalar(sum), strings.Join(parts, " + "))
			}
		},
	},
	{
		ID: "provisioned-latest", Severity: Error, Page: provisionedPage,
		Fault: "Provisioned concurrency on an alias of $LATEST; Lambda refuses it.",
		types: []string{typeAlias},
		each: func(r *resource, report reporter) {
			if version := r.get("FunctionVersion").text(); version == "$LATEST" && r.get("ProvisionedConcurrencyConfig").has() {
				report("FunctionVersion must be a published version with ProvisionedConcurrencyConfig, got %q; point the alias to a version", version)
			}
		},
	},
	{
		ID: "provisioned-range", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html",
		Fault: "Provisioned concurrency of less than one instance; Lambda refuses it.",
		types: []string{typeAlias, typeVersion},
		each: func(r *resource, report reporter) {
			if n, known := r.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions").number(); known && n < 1 {
				report("ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions must be at least 1 instance, got %s; remove ProvisionedConcurrencyConfig or raise it", scalar(n))
			}
		},
	},
	{
		ID: "provisioned-weights", Severity: Error,
		Page:  weightsPage,
		Fault: "Provisioned concurrency on an alias that divides invocations between two versions; Lambda refuses it.",
		types: []string{typeAlias},
		each: func(r *resource, report reporter) {
			weights, known := r.get("RoutingConfig", "AdditionalVersionWeights").list()
			if known && len(weights) > 0 && r.get("ProvisionedConcurrencyConfig").has() && !r.get("ProvisionedConcurrencyConfig").unknown() {
				report("RoutingConfig must be unset with ProvisionedConcurrencyConfig, got %d weights; remove one of them", len(weights))
			}
		},
	},
	{
		ID: "provisioned-reserved", Severity: Error, Page: provisionedPage,
		Fault: "Provisioned concurrency of a function's aliases and versions above its reserved concurrency; Lambda refuses it.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			reserved, known := r.get("ReservedConcurrentExecutions").number()
			if !known {
				return
			}
			sum := 0.0
			var parts []string
			for _, w := range r.warm() {
				sum += w.instances
				parts = append(parts, fmt.Sprintf("%s (%s)", scalar(w.instances), w.resource.id))
			}
			if sum > reserved {
				report("ReservedConcurrentExecutions must be at least the provisioned concurrency of its aliases and versions (%s = %s instances), got %s; raise it or lower a provisioned number",
					strings.Join(parts, " + "), scalar(sum), scalar(reserved))
			}
		},
	},
	{
		ID: "provisioned-bypassed", Severity: Warning, Page: provisionedPage,
		Fault: "An API, mapping, schedule or URL of the function itself while its alias has the warm instances; those idle, and clients wait for cold starts.",
		types: callerTypes,
		each: func(r *resource, report reporter) {
			for _, c := range callsOf(r) {
				if c.target.qualifier != "" {
					continue
				}
				for _, w := range c.target.function.warm() {
					if w.resource.kind == typeAlias && w.instances > 0 {
						report("%s must be alias %s, which has the provisioned concurrency, got function %s; name the alias", c.property, w.resource.id, c.target.function.id)
					}
				}
			}
		},
	},
	{
		ID: "scaling-reserved", Severity: Error, Page: scalingPage,
		Fault: "Autoscaling of provisioned concurrency beyond the function's reserved concurrency; scaling out fails under load.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			t, ok := scaled(r)
			if !ok {
				return
			}
			reserved, known := t.function.get("ReservedConcurrentExecutions").number()
			if most, ok := r.get("MaxCapacity").number(); ok && known && most > reserved {
				report("MaxCapacity must be at most the reserved concurrency of %s (%s instances), got %s; lower it or reserve more", t.function.id, scalar(reserved), scalar(most))
			}
		},
	},
	{
		ID: "scaling-capacity", Severity: Error,
		Page:  "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
		Fault: "A scalable target whose minimum is above its maximum; Application Auto Scaling refuses it.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			least, ok1 := r.get("MinCapacity").number()
			most, ok2 := r.get("MaxCapacity").number()
			if ok1 && ok2 && least > most {
				report("MinCapacity must be at most MaxCapacity (%s), got %s; lower it or raise MaxCapacity", scalar(most), scalar(least))
			}
		},
	},
	{
		ID: "scaling-resource", Severity: Error, Page: scalingPage,
		Fault: "A scalable target of a function whose ResourceId names no alias or version; Application Auto Scaling refuses it.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			if t, ok := scaled(r); ok && (t.qualifier == "" || t.qualifier == "$LATEST") {
				report("ResourceId must be function:{name}:{alias or version}, got %q; name the alias", r.get("ResourceId").text())
			}
		},
	},
	{
		ID: "scaling-order", Severity: Error, Page: scalingPage,
		Fault: "A scalable target that CloudFormation may create before its alias; the deployment then fails.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			t, ok := scaled(r)
			if !ok {
				return
			}
			if alias := t.aliasOf(); alias != nil && !r.waitsFor(alias) {
				report("DependsOn must be alias %s, which ResourceId names without a reference, got none; set it", alias.id)
			}
		},
	},
}
