package checks

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	queueAndExport = `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}},
		"Outputs": {"Queue": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}, "Export": {"Name": "Queues:Q"}}}}`
	slowConsumer = `{"Resources": {
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 60}},
		"Map": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Fn::GetAtt": ["Fn", "Arn"]}, "EventSourceArn": SOURCE}}%s}}`
)

// TestOtherStacks checks that references through imports and nested stacks find the resource
// in another template.
func TestOtherStacks(t *testing.T) {
	t.Parallel()
	consumer := func(source, more string) []byte {
		return []byte(strings.NewReplacer("SOURCE", source, "%s", more).Replace(slowConsumer))
	}
	nested := func(parameters string) string {
		return `, "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": {` + parameters + `}}, "Metadata": {"aws:asset:path": "nested.template.json"}}`
	}
	imported := `{"Fn::ImportValue": "Queues:Q"}`
	for name, test := range map[string]struct {
		sources []Source
		found   bool
	}{
		"import":             {[]Source{{"a.json", consumer(imported, "")}, {"b.json", []byte(queueAndExport)}}, true},
		"import of none":     {[]Source{{"a.json", consumer(imported, "")}}, false},
		"ambiguous import":   {[]Source{{"a.json", consumer(imported, "")}, {"b.json", []byte(queueAndExport)}, {"c.json", []byte(queueAndExport)}}, false},
		"output":             {[]Source{{"a.json", consumer(`{"Fn::GetAtt": ["Nested", "Outputs.Queue"]}`, nested(""))}, {"nested.template.json", []byte(queueAndExport)}}, true},
		"parameter":          {[]Source{{"a.json", []byte(`{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}` + nested(`"Queue": {"Fn::GetAtt": ["Q", "Arn"]}`) + `}}`)}, {"nested.template.json", consumer(`{"Ref": "Queue"}`, "")}}, true},
		"unknown parameter":  {[]Source{{"nested.template.json", consumer(`{"Ref": "Queue"}`, "")}}, false},
		"template elsewhere": {[]Source{{"a.json", consumer(`{"Fn::GetAtt": ["Nested", "Outputs.Queue"]}`, nested(""))}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := Check(test.sources...)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == "mapping-visibility" && f.LogicalID == "Map" })
			if found != test.found {
				t.Errorf("got %v", findings)
			}
		})
	}
}

// TestOpenTemplates checks that no rule reports resources as missing if a macro, a loop or
// an unknown nested stack may add them.
func TestOpenTemplates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change{
		"loop":         set("Fn::ForEach::More", `["X", ["a", "b"], {}]`),
		"nested stack": set("Nested", `{"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/more.json"}}`),
	} {
		findings, err := Template("clean.json", clean(t, c, set("ApiPermission", ""), set("HandlerPolicy", ""), set("ApiStage", ""), set("Scaling.Properties.ResourceId", `{"Fn::Sub": "function:${Handler}:prod"}`)))
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: got %v, %v", name, findings, err)
		}
	}
	findings, err := Template("t.json", []byte(`{"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::Jobs": ["X", ["A"], {"${X}": {"Type": "AWS::SQS::Queue"}}]},
		"Outputs": {"Fn::ForEach::Urls": ["X", ["A"], {"${X}Url": {"Value": {"Ref": {"Fn::Sub": "${X}"}}}}]}}`))
	if err != nil || len(findings) > 0 {
		t.Errorf("loop of outputs: got %v, %v", findings, err)
	}
	findings, err = Template("t.json", []byte(`{"Transform": "Own::Macro", "Resources": {
		"Fn": {"Type": "AWS::Lambda::Function"},
		"Url": {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": {"Fn::GetAtt": "Fn.Arn"}}},
		"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET", "Fn::Transform": {"Name": "AWS::Include"}}}}}`))
	if err != nil || len(findings) > 0 {
		t.Errorf("macro: got %v, %v", findings, err)
	}
}

// TestByteOrderMark reads a template with a mark as one without.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	const template = `{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 901}}}}`
	want, err := Template("t.json", []byte(template))
	if err != nil || len(want) != 1 {
		t.Fatalf("got %v, %v", want, err)
	}
	if got, err := Template("t.json", []byte("\ufeff"+template)); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestNoTemplate(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"Resources:":        "read template t.yaml: must be a CloudFormation template in JSON, got invalid character 'R' looking for beginning of value; synthesize the app, or convert the file",
		`{"name": "shop"}`:  "read template t.yaml: must have Resources, got none; name a CloudFormation template",
		`{"Resources": {}}`: "read template t.yaml: must have Resources, got none; name a CloudFormation template",
	} {
		if _, err := Template("t.yaml", []byte(data)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
