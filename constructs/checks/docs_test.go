package checks

import (
	"strings"
	"testing"
)

func TestRulesSaySo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rule := range Rules() {
		if seen[rule.ID] || rule.ID == "" || rule.Severity == "" || !strings.HasSuffix(rule.Fault, ".") || !strings.HasPrefix(rule.Page, "https://docs.aws.amazon.com/") {
			t.Errorf("rule %+v must have an id of its own, a severity, a sentence and a page", rule)
		}
		if rule.ID != silenceRule.ID && (rule.each == nil) == (rule.whole == nil) || rule.ID != silenceRule.ID && (rule.each == nil) != (rule.types == nil) {
			t.Errorf("rule %s must be about types of resources, or about templates", rule.ID)
		}
		seen[rule.ID] = true
	}
}
