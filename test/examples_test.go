package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestExamplesPassStrictValidation synthesizes the examples that cdk.json does not
// name with CDK's own validation, which fails the synth when it finds something. That
// it looked at all shows in its report.
func TestExamplesPassStrictValidation(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"embed", "baseline", "canary"} {
		wasValidated(t, synth(t, example, "..", nil, "CDK_VALIDATION=true"))
	}
}

// TestExamplesPassCfnLint holds the snapshots of all examples against cfn-lint. W3005
// is about dependencies that the CDK adds beside a reference, to be safe.
func TestExamplesPassCfnLint(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	templates, err := filepath.Glob("../examples/*/infra/testdata/*.json")
	if err != nil || len(templates) < 2 {
		t.Fatal(templates, err)
	}
	args := []string{"--regions", "eu-north-1", "--ignore-checks", "W3005", "--"}
	for _, path := range append(templates, "testdata/bookmarks.template.json") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// What the snapshots have in place of hashes is no logical id.
		plain := filepath.Join(t.TempDir(), filepath.Base(path))
		if err := os.WriteFile(plain, bytes.ReplaceAll(data, []byte("<version>"), []byte("Version")), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, plain)
	}
	if output, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
