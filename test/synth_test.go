package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// infra has the CDK apps of the examples, each built once.
var infra = map[string]func() (string, error){
	"bookmarks": buildInfra("bookmarks"), "embed": buildInfra("embed"), "baseline": buildInfra("baseline"), "canary": buildInfra("canary"),
	"alone": build("./test/testdata/alone/infra"), "drill": build("./test/testdata/drill/infra"),
	"vpc": build("./test/testdata/vpc/infra"),
}

func buildInfra(example string) func() (string, error) {
	return build("./examples/" + example + "/infra")
}

func build(app string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		program := filepath.Join(builds, filepath.Base(filepath.Dir(app))+"-"+filepath.Base(app))
		cmd := exec.Command("go", "build", "-o", program, app)
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return program, nil
	})
}

// synth runs an example's CDK app in dir the way the CDK CLI does, with the context
// of cdk.json and more, and returns the cloud assembly's folder.
func synth(t *testing.T, example, dir string, context map[string]any, env ...string) string {
	t.Helper()
	program, err := infra[example]()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var cdk struct {
		App     string
		Context map[string]any
	}
	if err := json.Unmarshal(data, &cdk); err != nil {
		t.Fatal(err)
	}
	if cdk.App != "go run ./examples/bookmarks/infra" {
		t.Errorf("cdk.json names the app %q", cdk.App)
	}
	if cdk.Context["@aws-cdk/core:validateAgainstDefaultRules"] != true {
		t.Error("cdk.json does not validate strictly")
	}
	for k, v := range context {
		cdk.Context[k] = v
	}
	if data, err = json.Marshal(cdk.Context); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+string(data)), env...)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("synth: %v\n%s", err, output)
	}
	return out
}

// wasValidated holds that CDK's own validation has looked at the cloud assembly, for
// only then there is a report, and that it has found nothing.
func wasValidated(t *testing.T, assembly string) {
	t.Helper()
	report, err := os.ReadFile(filepath.Join(assembly, "validation-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var validation struct {
		PluginReports []struct{ Conclusion string }
	}
	if err := json.Unmarshal(report, &validation); err != nil {
		t.Fatal(err)
	}
	for _, r := range validation.PluginReports {
		if r.Conclusion != "success" {
			t.Errorf("CloudFormation validation: %s", report)
		}
	}
}
