package checks

import (
	"fmt"
	"testing"
)

func TestExports(t *testing.T) {
	t.Parallel()
	for name, expect := range map[string]int{`"a"`: 1, `"b"`: 0, parameter: 0} {
		findings, err := Template("t.json", fmt.Appendf(nil, `{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {
			"A": {"Value": "1", "Export": {"Name": "a"}}, "B": {"Value": "2", "Export": {"Name": %s}}}}`, name))
		if err != nil || len(findings) != expect {
			t.Errorf("%s: got %v, %v", name, findings, err)
		}
	}
}
