package hearth

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aws/jsii-runtime-go"
)

// AccountConcurrencyContext is the context key for the quota of concurrent executions of
// the account that an app is deployed to, such as 1000; a new account has 10. With it,
// synth refuses reserved concurrency that Lambda would refuse:
//
//	"context": { "hearth:accountConcurrency": 1000 }
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const AccountConcurrencyContext = "hearth:accountConcurrency"

// unreservedInstances are what Lambda keeps for functions without a reservation.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html (2026-11)
const unreservedInstances = 100

// checkQuota checks the reserved concurrency of all handlers in the account and region
// against the quota. If these are not known, it counts those of the stack. Only the first
// handler reports it.
func (h *Handler) checkQuota() []string {
	context := h.node.TryGetContext(jsii.String(AccountConcurrencyContext))
	if context == nil {
		return nil
	}
	stack, at := h.app.stackOf(h), h.app.placeOf(h)
	known := at.account.known && at.region.known
	handlers := map[string]*Handler{}
	for _, other := range h.app.handlers {
		if h.app.stackOf(other) == stack || known && h.app.placeOf(other) == at {
			handlers[pathOf(other)] = other
		}
	}
	paths := sortedKeys(handlers)
	if handlers[paths[0]] != h {
		return nil
	}
	quota, ok := accountConcurrency(context)
	if !ok {
		return []string{fmt.Sprintf("the context %s must be the account's quota, a whole number of at least 1 instance, got %v; correct it in cdk.json or after --context", AccountConcurrencyContext, quoted(context))}
	}
	sum := 0.0
	var parts []string
	for _, path := range paths {
		if reserved := h.app.reservedOf(handlers[path].Function); reserved.known && reserved.value > 0 {
			sum += reserved.value
			parts = append(parts, fmt.Sprintf("%s (%s)", reserved, path))
		}
	}
	if sum == 0 || sum <= quota-unreservedInstances {
		return nil
	}
	return []string{fmt.Sprintf("the reserved concurrency of all handlers must be at most %s instances, the account's %s less the %d that Lambda keeps unreserved, got %s, the sum of %s; lower Reserved, or ask for a higher quota and change %s in cdk.json",
		format(max(quota-unreservedInstances, 0)), format(quota), unreservedInstances, format(sum), strings.Join(parts, " + "), AccountConcurrencyContext)}
}

// accountConcurrency reads the quota, a number in cdk.json or text on the command line.
func accountConcurrency(v any) (quota float64, ok bool) {
	switch v := v.(type) {
	case float64:
		quota = v
	case string:
		quota, _ = strconv.ParseFloat(v, 64)
	}
	return quota, quota >= 1 && quota <= math.MaxInt32 && quota == math.Trunc(quota)
}

// quoted returns a value of the context for a message.
func quoted(v any) any {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return v
}
