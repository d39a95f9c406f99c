package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRun: assemblies are found, started and counted; one that cannot start is named, and
// other manifests are left alone.
func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	const manifest = `{"version": "54.0.0", "artifacts": {"Shop": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "Shop.template.json"}}}}`
	write(t, filepath.Join(root, "good", "manifest.json"), manifest)
	write(t, filepath.Join(root, "good", "Shop.template.json"), `{"Resources": {
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs24.x", "Handler": "index.handler", "Code": {"ZipFile": "x"}, "Role": "r"}},
		"Queue": {"Type": "AWS::SQS::Queue"}, "Bucket": {"Type": "AWS::S3::Bucket"}}}`)
	write(t, filepath.Join(root, "broken", "manifest.json"), manifest)
	write(t, filepath.Join(root, "web", "manifest.json"), `{"name": "an app for browsers"}`)
	for _, runtime := range []string{"", "provided.al2023"} {
		r, err := run(t.Context(), []string{root}, runtime, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.assemblies) != 2 || r.started != 1 || r.functions != 1 || r.queues != 1 || r.notSimulated["AWS::S3::Bucket"] != 1 {
			t.Errorf("%q: got %+v", runtime, r)
		}
		if len(r.failures) != 1 || !strings.HasPrefix(r.failures[0], filepath.Join(root, "broken")+": ") {
			t.Errorf("%q: failures %q", runtime, r.failures)
		}
		var out strings.Builder
		r.print(&out)
		if !strings.HasPrefix(out.String(), "2 assemblies, 1 started, 1 failed (") || !strings.Contains(out.String(), "\nfailed: ") {
			t.Errorf("printed %s", out.String())
		}
	}
}

func TestChangeRuntime(t *testing.T) {
	t.Parallel()
	got, err := changeRuntime([]byte(`{"Resources":{"Fn":{"Type":"AWS::Lambda::Function","Properties":{"Runtime":"x"}},"Q":{"Type":"AWS::SQS::Queue"}}}`), "provided.al2023")
	if want := `{"Resources":{"Fn":{"Properties":{"Runtime":"provided.al2023"},"Type":"AWS::Lambda::Function"},"Q":{"Type":"AWS::SQS::Queue"}}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
