package dev

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/internal/project"
)

// TestCheck checks that hearth dev prints the findings of hearth check at each synthesis,
// unless they are silenced.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "cdk.out"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cdk.out/manifest.json", `{"artifacts": {"Shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.json"}}}}`)
	write("cdk.out/Shop.json", `{"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 901}}}}`)
	found := func() string {
		out := &buffer{}
		(&server{project: &project.Project{Dir: dir, Output: filepath.Join(dir, "cdk.out")}, out: terminal.New(out)}).check()
		return out.String()
	}
	if got, want := found(), "check: cdk.out/Shop.json: Fn: error: Timeout must be from 1 to 900 seconds, got 901; lower it [function-timeout]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	write("hearth-checks.json", `[{"rule": "function-timeout", "at": "Fn", "reason": "a test"}]`)
	if got := found(); got != "" {
		t.Errorf("silenced: %q", got)
	}
	write("hearth-checks.json", "{")
	if got := found(); got == "" {
		t.Error("a file of silences that cannot be read is not named")
	}
}
