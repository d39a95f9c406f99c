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

func TestOwnExport(t *testing.T) {
	t.Parallel()
	template := func(export, imported string) []byte {
		return fmt.Appendf(nil, `{"Parameters": {"Parameter": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::Join": ["", ["x", {"Fn::ImportValue": %s}]]}}}}, "Outputs": {
			"A": {"Value": "1", "Export": {"Name": %s}}}}`, imported, export)
	}
	other := Source{"other.json", []byte(`{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"A": {"Value": "1", "Export": {"Name": "a"}}}}`)}
	for _, c := range []struct {
		sources []Source
		want    int
	}{
		{[]Source{{"t.json", template(`"a"`, `"a"`)}}, 1},
		{[]Source{{"t.json", template(`{"Fn::Sub": "${AWS::StackName}-a"}`, `{"Fn::Sub": "${AWS::StackName}-a"}`)}}, 1},
		{[]Source{{"t.json", template(`"a"`, `"b"`)}}, 0},
		{[]Source{{"t.json", template(parameter, parameter)}}, 0},
		{[]Source{{"t.json", template(`"a"`, `"a"`)}, other}, 0},
	} {
		findings, err := Check(c.sources...)
		if err != nil || len(findings) != c.want || c.want > 0 && findings[0].Rule != "export-own" {
			t.Errorf("%s: got %v, %v", c.sources[0].Data, findings, err)
		}
	}
}

func TestNestedParameters(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"Queue": "x"}`:                  "",
		`{"Queue": "x", "Size": 1}`:       "",
		`{"Queue": {"Ref": "Elsewhere"}}`: "",
		`{}`:                              "Parameters must have Queue, which has no default in the nested template, got none; set it",
		`{"Queue": "x", "Topic": "y"}`:    `Parameters must be parameters of the nested template, got "Topic", which it does not declare; remove it`,
		`{"Fn::Transform": {}}`:           "",
	} {
		findings, err := Check(
			Source{"a.json", []byte(`{"Resources": {"Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": ` + given + `}, "Metadata": {"aws:asset:path": "nested.template.json"}}}}`)},
			Source{"nested.template.json", []byte(`{"Parameters": {"Queue": {"Type": "String"}, "Size": {"Type": "Number", "Default": 2}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}`)})
		got := ""
		for _, f := range findings {
			got += f.Message
		}
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", given, got, err, want)
		}
	}
}
