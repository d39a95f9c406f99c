package local_test

import (
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestFindingsFollowTheTemplate checks that the map has the findings of the template that
// runs, also after a reload.
func TestFindingsFollowTheTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(retention int) {
		t.Helper()
		writeAssembly(t, dir, "Shop", map[string]any{"Resources": map[string]any{
			"Dead": map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"MessageRetentionPeriod": retention}},
			"Jobs": map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"RedrivePolicy": map[string]any{
				"deadLetterTargetArn": map[string]any{"Fn::GetAtt": []any{"Dead", "Arn"}}, "maxReceiveCount": 3,
			}}},
		}})
	}
	write(60)
	e, err := local.Start(t.Context(), local.Options{Assembly: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	a := &api{e, e.Token()}
	rules := func() (rules []string) {
		t.Helper()
		var m struct{ Findings []struct{ Rule string } }
		a.must(t, "GET", "/map", "", &m)
		for _, f := range m.Findings {
			rules = append(rules, f.Rule)
		}
		return rules
	}
	if got := rules(); len(got) != 1 || got[0] != "queue-dead-letter-retention" {
		t.Errorf("got %v", got)
	}
	write(1_209_600)
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rules(); len(got) != 0 {
		t.Errorf("after the reload: got %v", got)
	}
}
