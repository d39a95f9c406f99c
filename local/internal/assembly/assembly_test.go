package assembly

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write writes an assembly of stacks by name, each the JSON of its template.
func write(t *testing.T, stacks map[string]string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	artifacts := map[string]any{}
	for name, template := range stacks {
		artifacts[name] = map[string]any{
			"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-central-1",
			"properties": map[string]any{"templateFile": name + ".json"},
		}
		if files == nil {
			files = map[string]string{}
		}
		files[name+".json"] = template
	}
	if _, ok := files["assets.json"]; ok {
		artifacts["assets"] = map[string]any{"type": "cdk:asset-manifest", "properties": map[string]any{"file": "assets.json"}}
	}
	if files["manifest.json"] == "" {
		data, err := json.Marshal(map[string]any{"artifacts": artifacts})
		if err != nil {
			t.Fatal(err)
		}
		files["manifest.json"] = string(data)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fakeValues knows queues.
type fakeValues struct{}

func (fakeValues) Ref(r *Resource) (any, error) {
	if r.Type == "AWS::SQS::Queue" {
		return "http://sqs/" + r.ID, nil
	}
	return nil, ErrUnknown
}

func (fakeValues) GetAtt(r *Resource, attribute string) (any, error) {
	if r.Type == "AWS::SQS::Queue" {
		return r.ID + "#" + attribute, nil
	}
	return nil, ErrUnknown
}

func load(t *testing.T, stacks map[string]string, files map[string]string) *App {
	t.Helper()
	app, err := Load(write(t, stacks, files), nil)
	if err != nil {
		t.Fatal(err)
	}
	app.SetValues(fakeValues{})
	return app
}

const mainTemplate = `{
  "Parameters": {
    "Size": {"Type": "Number", "Default": 3}, "Names": {"Type": "CommaDelimitedList", "Default": "a, b"}, "Secret": {"Type": "String"}
  },
  "Mappings": {"Sizes": {"eu-central-1": {"small": "s1"}}},
  "Conditions": {
    "IsThree": {"Fn::Equals": [{"Ref": "Size"}, "3"]},
    "Never": {"Fn::Not": [{"Condition": "IsThree"}]},
    "Both": {"Fn::And": [{"Condition": "IsThree"}, {"Fn::Or": [{"Condition": "Never"}, {"Condition": "IsThree"}]}]}
  },
  "Resources": {
    "Jobs": {"Type": "AWS::SQS::Queue"},
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "Left": {"Type": "AWS::SQS::Queue", "Condition": "Never"},
    "Thing": {"Type": "Test::Thing", "Metadata": {"k": "v"}, "Properties": {"Number": "12", "Yes": "true", "Name": {"Ref": "Jobs"}, "None": {"Ref": "AWS::NoValue"}, "Other": {"Ref": "Table"}}},
    "Nested": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "nested.json"}, "Properties": {"Parameters": {"Given": {"Ref": "Jobs"}}}}
  },
  "Outputs": {"JobsUrl": {"Value": {"Ref": "Jobs"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:JobsUrl"}}}, "Bad": {"Value": {"Ref": "Table"}}}
}`

const nestedTemplate = `{"Parameters": {"Given": {"Type": "String"}}, "Resources": {"Inner": {"Type": "AWS::SQS::Queue"}},
  "Outputs": {"Echo": {"Value": {"Fn::Join": ["-", ["got", {"Ref": "Given"}]]}}, "InnerUrl": {"Value": {"Ref": "Inner"}}}}`

func TestResolve(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"Main": mainTemplate, "Other": `{"Resources":{}}`}, map[string]string{"nested.json": nestedTemplate})
	main := app.Stacks[0]
	thing := main.resources["Thing"]
	for text, want := range map[string]any{
		`"plain"`:                                                                "plain",
		`{"a": [1, true, null]}`:                                                 map[string]any{"a": []any{1.0, true, nil}},
		`{"Ref": "AWS::Region"}`:                                                 "eu-central-1",
		`{"Ref": "AWS::AccountId"}`:                                              "000000000000",
		`{"Ref": "Size"}`:                                                        3.0,
		`{"Ref": "Names"}`:                                                       []any{"a", "b"},
		`{"Ref": "Jobs"}`:                                                        "http://sqs/Jobs",
		`{"Fn::GetAtt": ["Jobs", "Arn"]}`:                                        "Jobs#Arn",
		`{"Fn::GetAtt": "Jobs.Arn"}`:                                             "Jobs#Arn",
		`{"Fn::GetAtt": ["Nested", "Outputs.Echo"]}`:                             "got-http://sqs/Jobs",
		`{"Fn::GetAtt": ["Nested", "Outputs.InnerUrl"]}`:                         "http://sqs/Inner",
		`{"Fn::Join": ["", ["a", {"Ref": "Size"}]]}`:                             "a3",
		`{"Fn::Select": ["1", {"Fn::Split": [":", "x:y:z"]}]}`:                   "y",
		`{"Fn::Select": [0, {"Fn::GetAZs": ""}]}`:                                "eu-central-1a",
		`{"Fn::Sub": "${Jobs} ${Jobs.Arn} ${!Lit} ${AWS::Partition}"}`:           "http://sqs/Jobs Jobs#Arn ${Lit} aws",
		`{"Fn::Sub": ["${V}-${Size}", {"V": {"Ref": "Jobs"}}]}`:                  "http://sqs/Jobs-3",
		`{"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}`:          "s1",
		`{"Fn::FindInMap": ["Sizes", "x", "y", {"DefaultValue": "none"}]}`:       "none",
		`{"Fn::If": ["Both", "yes", {"Ref": "Missing"}]}`:                        "yes",
		`{"Fn::If": ["Never", 1, {"Ref": "AWS::NoValue"}]}`:                      nil,
		`{"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}]}`:         map[string]any{"b": []any{}},
		`{"Fn::Base64": "hi"}`:                                                   "aGk=",
		`{"Fn::Length": [1, 2]}`:                                                 2.0,
		`{"Fn::ToJsonString": {"a": {"Ref": "Size"}}}`:                           `{"a":3}`,
		`{"Fn::ImportValue": "Main:JobsUrl"}`:                                    "http://sqs/Jobs",
		`{"Fn::GetStackOutput": {"StackName": "Main", "OutputName": "JobsUrl"}}`: "http://sqs/Jobs",
		`{"Fn::GetStackOutput": {"StackName": "arn:aws:cloudformation:r:a:stack/Main/id", "OutputName": "JobsUrl"}}`: "http://sqs/Jobs",
	} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		got, err := thing.Resolve(value)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"Main": mainTemplate}, map[string]string{"nested.json": nestedTemplate})
	thing := app.Stacks[0].resources["Thing"]
	for text, want := range map[string]string{
		`{"Ref": "Table"}`:                        `Ref "Table" of type AWS::DynamoDB::Table: it is not simulated`,
		`{"Ref": "None"}`:                         `Ref "None": the template has no such resource, so that AWS refuses it`,
		`{"Ref": "Secret"}`:                       `parameter Secret has no default; give it a value with --parameter Secret=VALUE`,
		`{"Fn::GetAtt": ["Table", "Arn"]}`:        `Fn::GetAtt "Table.Arn" of type AWS::DynamoDB::Table: it is not simulated`,
		`{"Fn::GetAtt": ["Nested", "Outputs.X"]}`: `stack Main-Nested has no output "X"`,
		`{"Fn::Select": [5, ["a"]]}`:              `Fn::Select: index 5 is not in a list of 1`,
		`{"Fn::Join": ["", [["a"]]]}`:             `Fn::Join joins strings only`,
		`{"Fn::Sub": "${Gone}"}`:                  `Fn::Sub: Ref "Gone": the template has no such resource, so that AWS refuses it`,
		`{"Fn::ImportValue": "x"}`:                `Fn::ImportValue: no stack of the app exports "x"`,
		`{"Fn::FindInMap": ["Sizes", "a", "b"]}`:  `Fn::FindInMap: there is no value for Sizes, a, b`,
		`{"Fn::If": ["Gone", 1, 2]}`:              `the template has no condition "Gone"`,
		`{"Fn::Transform": {"Name": "x"}}`:        `Fn::Transform of x is not supported here`,
		`{"Fn::New": 1}`:                          `Fn::New is not supported here`,
	} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if _, err := thing.Resolve(value); err == nil || err.Error() != "Main/Thing: "+want {
			t.Errorf("%s:\n got %v\nwant Main/Thing: %s", text, err, want)
		}
	}
	if _, err := thing.Resolve(map[string]any{"Ref": "Table"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"Main": mainTemplate}, map[string]string{"nested.json": nestedTemplate})
	thing := app.OfType("Test::Thing")[0]
	var props struct {
		Number Int
		Yes    *Bool
		Name   string
		None   *string
	}
	// Other cannot be resolved, and nobody asks for it.
	if err := thing.Decode(&props); err != nil || props.Number != 12 || props.Yes == nil || !bool(*props.Yes) || props.Name != "http://sqs/Jobs" || props.None != nil {
		t.Errorf("%+v, %v", props, err)
	}
	var other struct{ Other string }
	if err := thing.Decode(&other); err == nil || !strings.HasPrefix(err.Error(), `Main/Thing: Other: Ref "Table"`) {
		t.Errorf("got %v", err)
	}
	var wrong struct{ Name Int }
	if err := thing.Decode(&wrong); err == nil || !strings.Contains(err.Error(), "must be a whole number") {
		t.Errorf("got %v", err)
	}
}

// TestDecodeTexts reads numbers and booleans where a property is a text, at any depth.
func TestDecodeTexts(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"Main": `{
		"Parameters": {"Version": {"Type": "Number", "Default": 2}},
		"Resources": {"R": {"Type": "Test::Thing", "Properties": {
			"Stage": {"Ref": "Version"}, "Variables": {"a": 1.5, "b": true, "c": "x"}, "List": [1, "b"], "Part": {"NameId": 7, "Number": 8}, "Parts": [{"Name": false}], "Pointer": {"Number": "9"}}}}}`}, nil)
	type part struct {
		Name   string `json:"NameId"`
		Number Int
	}
	type named struct{ Name string }
	type props struct {
		Stage     string
		Variables map[string]string
		List      []string
		Part      part
		Parts     []named
		Pointer   *part
	}
	var got props
	if err := app.OfType("Test::Thing")[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := props{"2", map[string]string{"a": "1.5", "b": "true", "c": "x"}, []string{"1", "b"}, part{"7", 8}, []named{{"false"}}, &part{Number: 9}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"Main": mainTemplate, "Other": `{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`}, map[string]string{
		"nested.json": nestedTemplate,
		"assets.json": `{"files": {"h": {"source": {"path": "asset.h"}, "destinations": {"d": {"objectKey": "h.zip"}}}}}`,
	})
	if got := app.Asset("h.zip"); got != filepath.Join(app.Dir, "asset.h") || app.Asset("x") != "" {
		t.Errorf("asset: %q", got)
	}
	var ids []string
	for _, r := range app.Resources() {
		ids = append(ids, r.String())
	}
	want := []string{"Main/Jobs", "Main/Nested", "Main/Table", "Main/Thing", "Main-Nested/Inner", "Other/Q"} // not Left
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Output{{"Main", "JobsUrl", "http://sqs/Jobs"}}, app.Outputs()); diff != "" {
		t.Error(diff)
	}
	if err := app.Select([]string{"Other"}); err != nil || len(app.Resources()) != 1 {
		t.Errorf("select: %v, %v", err, app.Resources())
	}
	if err := app.Select([]string{"Gone"}); err == nil || err.Error() != `no stack is named "Gone"; the app has Other` {
		t.Errorf("got %v", err)
	}

	if _, err := Load(t.TempDir(), nil); err == nil || !strings.HasSuffix(err.Error(), "synthesize the app first") {
		t.Errorf("got %v", err)
	}
	missing := write(t, nil, map[string]string{"manifest.json": `{"missing": [{"key": "vpc-provider:x"}]}`})
	if _, err := Load(missing, nil); err == nil || !strings.Contains(err.Error(), "looks up vpc-provider:x") {
		t.Errorf("got %v", err)
	}
}

func TestCircle(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{
		"A": `{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}},"Outputs":{"O":{"Value":{"Fn::GetStackOutput":{"StackName":"B","OutputName":"O"}}}}}`,
		"B": `{"Resources":{},"Outputs":{"O":{"Value":{"Fn::GetStackOutput":{"StackName":"A","OutputName":"O"}}}}}`,
	}, nil)
	_, err := app.Stacks[0].resources["Q"].Resolve(map[string]any{"Fn::GetStackOutput": map[string]any{"StackName": "B", "OutputName": "O"}})
	if err == nil || !strings.Contains(err.Error(), "in a circle") {
		t.Errorf("got %v", err)
	}
}

// TestCirclesEnd: a circle of conditions, of nested stacks, or of a template with itself is
// one short error.
func TestCirclesEnd(t *testing.T) {
	t.Parallel()
	const child = `{"Parameters": {"P": {"Type": "String"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"O": {"Value": {"Ref": "P"}}}}`
	nested := func(file, from string) string {
		return `{"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "` + file + `"}, "Properties": {"Parameters": {"P": {"Fn::GetAtt": ["` + from + `", "Outputs.O"]}}}}`
	}
	app := load(t, map[string]string{"S": `{"Resources": {"A": ` + nested("child.json", "B") + `, "B": ` + nested("child.json", "A") + `}}`}, map[string]string{"child.json": child})
	_, err := app.OfType("AWS::SQS::Queue")[0].Resolve(map[string]any{"Ref": "P"})
	if want := "S-A/Q: values refer to each other in a circle"; err == nil || err.Error() != want {
		t.Errorf("nested stacks: got %v, want %s", err, want)
	}
	app = load(t, map[string]string{"S": `{"Conditions": {"A": {"Condition": "B"}, "B": {"Condition": "A"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Condition": "A"}}}`}, nil)
	if diff := cmp.Diff([]string{"S/Q: values refer to each other in a circle"}, app.Undecided()); diff != "" {
		t.Errorf("conditions: %s", diff)
	}
	_, err = Load(write(t, map[string]string{"S": `{"Resources": {"A": ` + nested("self.json", "B") + `}}`}, map[string]string{"self.json": `{"Resources": {"B": ` + nested("self.json", "A") + `}}`}), nil)
	if want := "read assembly: artifact S: nested stack A: nested stack B: its template self.json contains itself"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestNestedStackByHash finds the template of a nested stack without asset metadata.
func TestNestedStackByHash(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	parent := `{"Resources": {
		"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, "/", {"Fn::Sub": "assets-${AWS::AccountId}"}, "/` + hash + `.json"]]}}},
		"Lost": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3/elsewhere.json"}}}}`
	dir := write(t, map[string]string{"App": parent}, map[string]string{
		"assets.json":         `{"files": {"x": {"source": {"path": "child.template.json"}, "destinations": {"d": {"objectKey": "` + hash + `.json"}}}}}`,
		"child.template.json": `{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}}}`,
	})
	app, err := Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	queues := app.OfType("AWS::SQS::Queue")
	if len(queues) != 1 || queues[0].String() != "App-Child/Jobs" || queues[0].Stack.Path != "App/Child" {
		t.Errorf("got %v", queues)
	}
	for _, r := range app.OfType("AWS::CloudFormation::Stack") {
		if found := r.Child() != nil; found != (r.ID == "Child") {
			t.Errorf("%s: found is %v", r, found)
		}
	}
}

// TestSelectedStacksResolve: a stack that was selected resolves its own references, and
// imports from those that were not.
func TestSelectedStacksResolve(t *testing.T) {
	t.Parallel()
	app, err := Load(write(t, map[string]string{
		"A": `{"Resources": {}, "Outputs": {"O": {"Value": "from a", "Export": {"Name": "a"}}}}`,
		"B": `{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}, "X": {"Type": "AWS::X", "Properties": {"Name": {"Fn::ImportValue": "a"}, "Queue": {"Ref": "Jobs"}}}}}`,
	}, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Select([]string{"B"}); err != nil {
		t.Fatal(err)
	}
	app.SetValues(fakeValues{})
	var props struct{ Name, Queue string }
	if err := app.OfType("AWS::X")[0].Decode(&props); err != nil || props.Name != "from a" || props.Queue != "http://sqs/Jobs" {
		t.Errorf("got %+v, %v", props, err)
	}
}
