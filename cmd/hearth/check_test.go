package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeTemplate writes a template with a function that has a timeout.
func writeTemplate(t *testing.T, timeout string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shop.template.json")
	text := `{"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": ` + timeout + `}, "Metadata": {"aws:cdk:path": "Shop/Fn/Resource"}}}}`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCheck(t *testing.T) {
	t.Parallel()
	faulty, clean := writeTemplate(t, "901"), writeTemplate(t, "900")
	hearth := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"check"}, args...), strings.NewReader(""), &out, io.Discard)
		return out.String(), err
	}
	t.Run("a line", func(t *testing.T) {
		t.Parallel()
		out, err := hearth(clean, faulty)
		if want := faulty + ": Fn (Shop/Fn/Resource): error: Timeout must be from 1 to 900 seconds, got 901; lower it [function-timeout]\n"; out != want {
			t.Errorf("got %q, want %q", out, want)
		}
		if err == nil || !strings.Contains(err.Error(), "got 1") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		t.Parallel()
		out, err := hearth(faulty, "--json")
		var got []map[string]any
		if json.Unmarshal([]byte(out), &got) != nil || err == nil || len(got) != 1 {
			t.Fatalf("got %s, %v", out, err)
		}
		for name, want := range map[string]string{"rule": "function-timeout", "severity": "error", "file": faulty, "logicalId": "Fn", "path": "Shop/Fn/Resource"} {
			if got[0][name] != want {
				t.Errorf("%s: got %q, want %q", name, got[0][name], want)
			}
		}
	})
	t.Run("formats", func(t *testing.T) {
		t.Parallel()
		for format, want := range map[string]string{
			"text": faulty + ": Fn (", "json": "[\n", "sarif": "{\n  \"$schema\"", "github": "::error file=" + faulty + ",line=1,title=function-timeout::",
		} {
			if out, err := hearth("--format", format, faulty); err == nil || !strings.HasPrefix(out, want) {
				t.Errorf("%s: got %s, %v", format, out, err)
			}
		}
		for want, args := range map[string][]string{
			`check: --format must be one of text, json, sarif, github, got "xml"`: {"--format", "xml", clean},
			"check: --json and --format sarif must not be given both; remove one": {"--json", "--format", "sarif", clean},
		} {
			if _, err := hearth(args...); err == nil || err.Error() != want {
				t.Errorf("%v: got %v", args, err)
			}
		}
	})
	t.Run("silences", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "silences.json")
		if err := os.WriteFile(file, []byte(`[{"rule": "function-timeout", "at": "Shop/*", "reason": "a test"}]`), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := hearth("--silences", file, faulty); out != "" || err != nil {
			t.Errorf("got %s, %v", out, err)
		}
		if out, err := hearth("--silences", file, clean); !strings.Contains(out, "a silence must name a rule that finds something") || err != nil {
			t.Errorf("a stale silence: %s, %v", out, err)
		}
		if _, err := hearth("--silences", file+"x", clean); err == nil {
			t.Error("a file that is named must exist")
		}
	})
	t.Run("clean", func(t *testing.T) {
		t.Parallel()
		if out, err := hearth("--json", clean); strings.TrimSpace(out) != "[]" || err != nil {
			t.Errorf("got %s, %v", out, err)
		}
		if out, err := hearth(clean); out != "" || err != nil {
			t.Errorf("got %s, %v", out, err)
		}
	})
	t.Run("against", func(t *testing.T) {
		t.Parallel()
		out, err := hearth("--against", faulty, clean)
		if want := clean + ": Fn (Shop/Fn/Resource): update AWS::Lambda::Function because of Timeout\n"; out != want || err != nil {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
		out, err = hearth("--json", "--against", faulty, clean)
		var got []map[string]string
		if json.Unmarshal([]byte(out), &got) != nil || err != nil || len(got) != 1 {
			t.Fatalf("got %s, %v", out, err)
		}
		for name, want := range map[string]string{"change": "update", "logicalId": "Fn", "type": "AWS::Lambda::Function", "because": "Timeout", "loses": ""} {
			if got[0][name] != want {
				t.Errorf("%s: got %q, want %q", name, got[0][name], want)
			}
		}
		if _, err := hearth("--against", "none.json", clean); err == nil {
			t.Error("got no error for an old template that does not exist")
		}
	})
	t.Run("no template", func(t *testing.T) {
		t.Parallel()
		if _, err := hearth(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "synthesize the app first") {
			t.Errorf("got %v", err)
		}
		if _, err := hearth(t.TempDir()); err == nil || !strings.Contains(err.Error(), "manifest.json") {
			t.Errorf("got %v", err)
		}
	})
}
