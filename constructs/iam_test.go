package hearth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

// TestIam lists all permissions of a whole backend's roles. A change of this list is a
// change of permissions.
func TestIam(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	provisioned := Autoscaled(2, 20)
	provisioned.HoldAtUpdate = jsii.Bool(true)
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:              entry("relayed"),
		Concurrency:        &ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: provisioned},
		ConnectionRegistry: &ConnectionRegistryProps{},
		Database:           &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc},
		Monitoring:         &MonitoringProps{},
		WebSocketRelay:     jsii.Bool(true),
		Jobs:               &HandlerProps{},
	})
	// The only actions without a resource: X-Ray has none.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html (2026-11)
	everything := map[string]bool{"xray:PutTelemetryRecords": true, "xray:PutTraceSegments": true}
	var got []string
	for id, policy := range resources(stack, "AWS::IAM::Policy") {
		var resource struct {
			Properties struct {
				PolicyDocument struct {
					Statement []struct {
						Action   any
						Effect   string
						Resource any
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(policy), &resource); err != nil {
			t.Fatal(err)
		}
		for _, s := range resource.Properties.PolicyDocument.Statement {
			for _, action := range texts(s.Action) {
				for _, on := range texts(s.Resource) {
					got = append(got, fmt.Sprintf("%s: %s on %s", strings.TrimSuffix(id[:len(id)-8], "ServiceRoleDefaultPolicy"), action, on))
					if strings.Contains(action, "*") || s.Effect != "Allow" || on == "*" && !everything[action] {
						t.Errorf("%s has %s %s on %s", id, s.Effect, action, on)
					}
				}
			}
		}
	}
	slices.Sort(got)
	list := strings.Join(slices.Compact(got), "\n") + "\n"
	path := filepath.Join("testdata", "iam.txt")
	if updating() {
		if err := os.WriteFile(path, []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), list); diff != "" {
		t.Errorf("the rights differ from %s (-want +got):\n%s", path, diff)
	}
}

// texts returns a string, a list of strings, or references as plain text.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, inner := range v {
			all = append(all, texts(inner)...)
		}
		return all
	}
	return []string{flat(v)}
}

// flat writes an intrinsic function as short text.
func flat(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return "{" + ref + "}"
		}
		if parts, ok := v["Fn::GetAtt"].([]any); ok {
			return "{" + flat(parts[0]) + "}"
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			parts, ok := join[1].([]any)
			if !ok { // what was split
				return flat(join[1])
			}
			for i, part := range parts {
				if i > 0 {
					b.WriteString(flat(join[0]))
				}
				b.WriteString(flat(part))
			}
			return b.String()
		}
		if sel, ok := v["Fn::Select"].([]any); ok {
			return flat(sel[1])
		}
		if split, ok := v["Fn::Split"].([]any); ok {
			return flat(split[1])
		}
	}
	data, _ := json.Marshal(v)
	return string(data)
}
