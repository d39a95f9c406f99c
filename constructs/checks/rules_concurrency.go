package checks

import (
	"fmt"
	"strings"
)

const (
	concurrencyPage = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
	provisionedPage = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"

	accountConcurrency = 1000 // the default quota of an account
	minUnreserved      = 100
)

var concurrencyRules = []Rule{
	{
		ID: "account-concurrency", Severity: Warning, Page: concurrencyPage,
		Fault: "Reserved concurrency in one template that leaves fewer than 100 instances of the default quota (1,000); Lambda refuses it unless the quota is higher.",
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
		Fault: "Provisioned concurrency on an alias that points to $LATEST; Lambda refuses it.",
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
				report("RoutingConfig.AdditionalVersionWeights must be empty with ProvisionedConcurrencyConfig, got %d; remove one of them", len(weights))
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
		Fault: "An API, mapping, schedule or URL that invokes the function itself, although its alias has the warm instances; clients wait for cold starts.",
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
}
