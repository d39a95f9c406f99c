package checks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const slowFunction = `{
  "Parameters": {"P": {"Type": "String"}},
  "Resources": {
    "Queue": {"Type": "AWS::SQS::Queue"},

    "Fn": {
      "Type": "AWS::Lambda::Function", "Properties": {"Timeout": 901}, "Metadata": {"aws:cdk:path": "Shop/Fn/Resource"}
    }
  }
}`

// writeAssembly writes an assembly with a slow function; its metadata has the place in the
// app's source code that makes the function.
func writeAssembly(t *testing.T, manifest, metadata string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{"manifest.json": manifest, "Shop.metadata.json": metadata, "Shop.template.json": slowFunction} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLocation checks that a finding has the line of its resource, and the place in the
// app's source code, in both formats of the CDK's metadata.
func TestLocation(t *testing.T) {
	t.Parallel()
	const inManifest = `{"artifacts": {"Shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}, "metadata": {
		"/Shop/Fn/Resource": [{"type": "aws:cdk:logicalId", "data": "Fn", "trace": ["new Function (/app/node_modules/aws-cdk-lib/aws-lambda/lib/function.js:1:9)", "new Shop (/app/lib/shop.ts:12:5)", "node:internal/main:1:1"]}]}}}}`
	const inFile = `{"artifacts": {"Shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}, "additionalMetadataFile": "Shop.metadata.json"}}}`
	for name, c := range map[string]struct{ manifest, metadata, source string }{
		"trace":          {inManifest, "", "/app/lib/shop.ts:12"},
		"creation stack": {inFile, `{"/Shop/Fn/Resource": [{"type": "aws:cdk:logicalId", "data": "Fn"}, {"type": "aws:cdk:creationStack", "data": ["...aws-cdk-lib...", "new Shop (lib/shop.ts:12:5)"]}]}`, "lib/shop.ts:12"},
		"none":           {inFile, `{"/Shop/Fn/Resource": [{"type": "aws:cdk:logicalId", "data": "Fn"}, {"type": "aws:cdk:creationStack", "data": ["...jsii runtime...", "(no user code in 10 frames, use --stack-trace-limit to capture more)"]}]}`, ""},
		"unreadable":     {inFile, `[`, ""},
	} {
		findings, err := Paths(writeAssembly(t, c.manifest, c.metadata))
		if err != nil || len(findings) != 1 {
			t.Errorf("%s: %v, %v", name, findings, err)
			continue
		}
		if f := findings[0]; f.Line != 6 || f.Source != c.source {
			t.Errorf("%s: line %d, source %q, want line 6, %q", name, f.Line, f.Source, c.source)
		}
	}
}

var example = Finding{
	Rule: "function-timeout", Severity: Error, File: "cdk.out/Shop.template.json", LogicalID: "Fn", Path: "Shop/Fn/Resource",
	Message: "Timeout must be from 1 to 900 seconds, got 901; lower it", Line: 6,
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	made := example
	made.Source, made.Severity, made.Message = "lib/a,b.ts:12", Warning, "50 %\nof it"
	for want, f := range map[string]Finding{
		"::error file=cdk.out/Shop.template.json,line=6,title=function-timeout::cdk.out/Shop.template.json: Fn (Shop/Fn/Resource): error: Timeout must be from 1 to 900 seconds, got 901; lower it [function-timeout]": example,
		"::warning file=lib/a%2Cb.ts,line=12,title=function-timeout::cdk.out/Shop.template.json: Fn (Shop/Fn/Resource) at lib/a,b.ts:12: warning: 50 %25%0Aof it [function-timeout]":                                   made,
		"::warning file=t.json,title=silence::t.json: warning: x [silence]": {Rule: "silence", Severity: Warning, File: "t.json", Message: "x"},
	} {
		if got := f.GitHub(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	data, err := SARIF([]Finding{example})
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID, HelpURI string }
				}
			}
			Results []json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Tool.Driver.Rules) != len(Rules()) {
		t.Errorf("got %s", data)
	}
	var result map[string]any
	if err := json.Unmarshal(log.Runs[0].Results[0], &result); err != nil {
		t.Fatal(err)
	}
	index := int(result["ruleIndex"].(float64))
	delete(result, "ruleIndex")
	if log.Runs[0].Tool.Driver.Rules[index].ID != "function-timeout" {
		t.Errorf("the rule at %d is %s", index, log.Runs[0].Tool.Driver.Rules[index].ID)
	}
	want := map[string]any{
		"ruleId": "function-timeout", "level": "error", "message": map[string]any{"text": example.Message},
		"partialFingerprints": map[string]any{"resource/v1": "function-timeout Shop.template.json Fn"},
		"locations": []any{map[string]any{
			"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": "cdk.out/Shop.template.json"}, "region": map[string]any{"startLine": 6.0}},
			"logicalLocations": []any{map[string]any{"fullyQualifiedName": "Shop/Fn/Resource", "kind": "resource"}},
		}},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if data, err := SARIF(nil); err != nil || !json.Valid(data) {
		t.Errorf("nothing found: %s, %v", data, err)
	}
}

func TestSilencesFile(t *testing.T) {
	t.Parallel()
	apply := func(silences ...Silence) []string {
		var got []string
		for _, f := range Apply(silences, "silences.json", []Finding{example}) {
			got = append(got, f.String())
		}
		return got
	}
	for name, c := range map[string]struct {
		silence Silence
		want    []string
	}{
		"path":       {Silence{"function-timeout", "Shop/Fn/Resource", "a test"}, nil},
		"logical id": {Silence{"function-timeout", "Fn", "a test"}, nil},
		"prefix":     {Silence{"function-timeout", "Shop/*", "a test"}, nil},
		"other rule": {Silence{"queue-retention", "Fn", "a test"}, []string{example.String(), `silences.json: warning: a silence must name a rule that finds something, got "queue-retention" at "Fn"; remove it [silence]`}},
		"no reason":  {Silence{"function-timeout", "Fn", " "}, []string{example.String(), `silences.json: warning: the silence of "function-timeout" at "Fn" must have a reason, got none; say why the finding does no harm [silence]`}},
		"elsewhere":  {Silence{"function-timeout", "", "a test"}, []string{example.String(), `silences.json: warning: a silence must name a rule that finds something, got "function-timeout" at ""; remove it [silence]`}},
	} {
		if diff := cmp.Diff(c.want, apply(c.silence)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	file := filepath.Join(t.TempDir(), "silences.json")
	for text, ok := range map[string]bool{`[{"rule": "a", "at": "b", "reason": "c"}]`: true, `[{"rules": "a"}]`: false, `{}`: false} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSilences(file); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
