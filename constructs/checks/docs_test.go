package checks

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The table in docs/checks.md is made from the rules; -update writes it.
func TestDocs(t *testing.T) {
	t.Parallel()
	const file, start, end = "../../docs/checks.md", "| Rule | Severity |", "<!-- end of the rules -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), start)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no table", file)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%s The fault, and what AWS does | AWS (2026-11) |\n|---|---|---|---|\n", start)
	for _, rule := range Rules() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | [page](%s) |\n", rule.ID, rule.Severity, rule.Fault, rule.Page)
	}
	golden(t, file, before+table.String()+"\n"+end+after)
}

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
