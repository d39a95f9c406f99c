package test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// template is what the tests look at of a CloudFormation template.
type template struct {
	Resources map[string]resource
}

type resource struct {
	Type       string
	Properties map[string]any
	DependsOn  []string
}

func readTemplate(t *testing.T, assembly string) (*template, []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(assembly, "Bookmarks.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &template{}
	if err := json.Unmarshal(data, tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl, data
}

// of returns the logical ids of the resources of one type, sorted.
func (tmpl *template) of(kind string) []string {
	var ids []string
	for id, r := range tmpl.Resources {
		if r.Type == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// text is a property as JSON, to look for references in.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// TestBookmarksPassesEveryCheck synthesizes the example with CDK's own strict
// validation and with cdk-nag. Both fail the synth when they find something; that
// they looked at all shows in their reports.
func TestBookmarksPassesEveryCheck(t *testing.T) {
	t.Parallel()
	assembly := synth(t, "bookmarks", "..", map[string]any{"nag": "true"}, "CDK_VALIDATION=true")
	wasValidated(t, assembly)

	file, err := os.Open(filepath.Join(assembly, "AwsSolutions--Bookmarks-NagReport.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compliant := 0
	for _, row := range rows[1:] { // Rule ID, Resource ID, Compliance, Exception Reason, …
		switch row[2] {
		case "Compliant":
			compliant++
		case "Suppressed":
			if len(row[3]) < 40 {
				t.Errorf("%s of %s is suppressed without a reason: %q", row[0], row[1], row[3])
			}
		default:
			t.Errorf("%s of %s is %s", row[0], row[1], row[2])
		}
	}
	if compliant < 40 {
		t.Errorf("cdk-nag found only %d things to check", compliant)
	}

	metadata, err := os.ReadFile(filepath.Join(assembly, "Bookmarks.metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"aws:cdk:error", "aws:cdk:warning"} {
		if bytes.Contains(metadata, []byte(kind)) {
			t.Errorf("the synth leaves annotations of type %s", kind)
		}
	}
}

// TestBookmarksTemplate looks at what the example deploys.
func TestBookmarksTemplate(t *testing.T) {
	t.Parallel()
	tmpl, data := readTemplate(t, synth(t, "bookmarks", "..", nil, "CDK_VALIDATION=false"))
	checkGolden(t, "testdata/bookmarks.template.json", normalise(data))

	counts := map[string]int{}
	for _, api := range tmpl.of("AWS::ApiGatewayV2::Api") {
		counts[tmpl.Resources[api].Properties["ProtocolType"].(string)]++
	}
	for _, kind := range []string{"AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule", "AWS::RDS::DBProxy", "AWS::Lambda::Alias"} {
		counts[kind] = len(tmpl.of(kind))
	}
	want := map[string]int{
		"HTTP": 1, "WEBSOCKET": 1, "AWS::SQS::Queue": 5, "AWS::Lambda::EventSourceMapping": 2, "AWS::Scheduler::Schedule": 1, "AWS::RDS::DBProxy": 1, "AWS::Lambda::Alias": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}

	kinds := map[any]int{}
	for _, id := range tmpl.of("AWS::SQS::Queue") {
		q := tmpl.Resources[id].Properties
		policy, ok := q["RedrivePolicy"].(map[string]any)
		if !ok {
			continue // a dead-letter queue itself
		}
		kinds[q["FifoQueue"]]++
		target := policy["deadLetterTargetArn"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
		if dead := tmpl.Resources[target]; dead.Properties["FifoQueue"] != q["FifoQueue"] {
			t.Errorf("queue %s has a dead-letter queue of another kind", id)
		}
	}
	if kinds[true] != 1 || kinds[nil] != 1 {
		t.Errorf("queues with a dead-letter queue: %v", kinds)
	}

	// The alias carries the provisioned concurrency, and all that invokes the
	// function goes through it.
	alias := tmpl.of("AWS::Lambda::Alias")[0]
	properties := tmpl.Resources[alias].Properties
	if properties["Name"] != "live" || text(properties["ProvisionedConcurrencyConfig"]) != `{"ProvisionedConcurrentExecutions":2}` {
		t.Errorf("alias: %s", text(properties))
	}
	if !strings.Contains(text(properties["FunctionVersion"]), "Version") {
		t.Errorf("the alias is not that of a published version: %s", text(properties))
	}
	for kind, property := range map[string]string{
		"AWS::ApiGatewayV2::Integration": "IntegrationUri", "AWS::Lambda::EventSourceMapping": "FunctionName",
		"AWS::Lambda::Permission": "FunctionName", "AWS::Scheduler::Schedule": "Target",
	} {
		ids := tmpl.of(kind)
		if len(ids) == 0 {
			t.Errorf("no %s", kind)
		}
		for _, id := range ids {
			if got := text(tmpl.Resources[id].Properties[property]); !strings.Contains(got, `{"Ref":"`+alias+`"}`) {
				t.Errorf("%s of %s passes by the alias: %s", property, id, got)
			}
		}
	}
	for _, id := range tmpl.of("AWS::Lambda::EventSourceMapping") {
		if got := text(tmpl.Resources[id].Properties["FunctionResponseTypes"]); got != `["ReportBatchItemFailures"]` {
			t.Errorf("%s: FunctionResponseTypes %s", id, got)
		}
	}
	proxy := tmpl.Resources[tmpl.of("AWS::RDS::DBProxy")[0]].Properties
	if proxy["RequireTLS"] != true || !strings.Contains(text(proxy["Auth"]), `"IAMAuth":"REQUIRED"`) {
		t.Errorf("proxy: %s", text(proxy))
	}
	if !slices.Contains(tmpl.Resources[alias].DependsOn, tmpl.of("AWS::RDS::DBProxyTargetGroup")[0]) {
		t.Error("the warm instances may start before their database can be reached")
	}
}

var (
	assetHash = regexp.MustCompile(`[0-9a-f]{64}`)
	versionID = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`)
)

// normalise gives what changes with every build a stable name.
func normalise(template []byte) []byte {
	template = versionID.ReplaceAll(template, []byte("${1}<version>"))
	names := map[string]string{}
	return assetHash.ReplaceAllFunc(template, func(hash []byte) []byte {
		if names[string(hash)] == "" {
			names[string(hash)] = fmt.Sprintf("<asset-%d>", len(names)+1)
		}
		return []byte(names[string(hash)])
	})
}

func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run go test ./test -update and read the diff):\n%s", path, diff)
	}
}

// TestSameAssetFromAnyFolder copies the source to two folders, synthesizes both
// and expects the same bytes.
func TestSameAssetFromAnyFolder(t *testing.T) {
	t.Parallel()
	var templates [2][]byte
	var programs [2][]byte
	for i := range templates {
		dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", i*3), "clone")
		for _, part := range []string{"go.mod", "go.sum", "internal", "lambdaruntime", "examples"} {
			copyTree(t, filepath.Join("..", part), filepath.Join(dir, part))
		}
		assembly := synth(t, "bookmarks", dir, nil, "CDK_VALIDATION=false")
		_, templates[i] = readTemplate(t, assembly)
		matches, err := filepath.Glob(filepath.Join(assembly, "asset.*.zip"))
		if err != nil || len(matches) != 1 {
			t.Fatalf("programs in the assembly: %v %v", matches, err)
		}
		if programs[i], err = os.ReadFile(matches[0]); err != nil {
			t.Fatal(err)
		}
		archive, err := zip.OpenReader(matches[0])
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		if first := archive.File[0]; first.Name != "bootstrap" || first.Mode().Perm() != 0o755 {
			t.Errorf("%s has the mode %v", first.Name, first.Mode())
		}
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("the two builds of the program differ")
	}
	if diff := cmp.Diff(string(templates[0]), string(templates[1])); diff != "" {
		t.Error(diff)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rest)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
