package checks

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSilence(t *testing.T) {
	t.Parallel()
	const template = `{"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": %s}, "Metadata": {"hearth:checks": {"function-timeout": %q}}}}}`
	for name, test := range map[string]struct {
		timeout, reason string
		want            []string
	}{
		"with a reason": {"901", "a test of the error page", nil},
		"without": {"901", " ", []string{
			"t.json: Fn: error: Timeout must be from 1 to 900 seconds, got 901; lower it [function-timeout]",
			"t.json: Fn: warning: Metadata hearth:checks.function-timeout must be a reason, got none; say why the finding does no harm [silence]",
		}},
		"stale": {"900", "a test of the error page", []string{
			`t.json: Fn: warning: Metadata hearth:checks must name a rule that finds something here, got "function-timeout"; remove it [silence]`,
		}},
	} {
		findings, err := Template("t.json", fmt.Appendf(nil, template, test.timeout, test.reason))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, f.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSilenceTemplate checks that the template's metadata silences a finding about the whole
// template.
func TestSilenceTemplate(t *testing.T) {
	t.Parallel()
	findings, err := Template("t.json", []byte(`{"Metadata": {"hearth:checks": {"export-duplicate": "a test"}}, "Resources": {}, "Outputs": {
		"A": {"Value": "1", "Export": {"Name": "a"}}, "B": {"Value": "2", "Export": {"Name": "a"}}}}`))
	if err != nil || len(findings) > 0 {
		t.Errorf("got %v, %v", findings, err)
	}
}
