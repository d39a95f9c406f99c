package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// shop is an API with a function that sends to a queue and consumes the same queue.
const shop = `{"Resources": {
	"Jobs": {"Type": "AWS::SQS::Queue"},
	"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Timeout": 7,
		"Environment": {"Variables": {"QUEUE": {"Ref": "Jobs"}, "BUCKET": {"Ref": "Bucket"}, "HEARTH_DATABASE_HOST": {"Fn::GetAtt": ["Proxy", "Endpoint"]},
			"SELF": {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"}}}}},
	"Map": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Fn"}, "BatchSize": 3, "FunctionResponseTypes": ["ReportBatchItemFailures"]}},
	"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP", "Name": "shop"}},
	"Int": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"ApiId": {"Ref": "Api"}, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": {"Fn::GetAtt": ["Fn", "Arn"]}}},
	"Get": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /", "Target": {"Fn::Sub": "integrations/${Int}"}}},
	"Live": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "live"}},
	"Proxy": {"Type": "AWS::RDS::DBProxy", "Properties": {"EngineFamily": "POSTGRESQL"}},
	"Bucket": {"Type": "AWS::S3::Bucket"}
}}`

// write writes an assembly of one stack, and returns its folder.
func write(t *testing.T, template string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"Shop.template.json": template,
		"manifest.json":      `{"version": "1", "artifacts": {"Shop": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "Shop.template.json"}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// planned plans the assembly in a folder. The function Fn has a program.
func planned(t *testing.T, dir string) *Plan {
	t.Helper()
	app, err := assembly.Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Make(app, Inputs{
		Region: assembly.DefaultRegion, Account: assembly.DefaultAccount, Addresses: &Addresses{Main: "here:1"}, Programs: map[string]string{"Fn": "/bin/shop"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t *testing.T) (*assembly.App, Inputs) {
	t.Helper()
	dir := write(t, shop)
	app, err := assembly.Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return app, Inputs{
		Region: assembly.DefaultRegion, Account: assembly.DefaultAccount,
		Addresses: &Addresses{SQS: "http://queues", Main: "here:1", MainHTTP: ID(app.OfType("AWS::ApiGatewayV2::Api")[0])},
		Programs:  map[string]string{"Fn": "/bin/shop"},
	}
}

// TestMake plans an app for addresses at which nothing listens.
func TestMake(t *testing.T) {
	t.Parallel()
	app, in := load(t)
	p, err := Make(app, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Functions) != 1 || len(p.Queues) != 1 || len(p.Mappings) != 1 || len(p.HTTPAPIs) != 1 {
		t.Fatalf("got %d functions, %d queues, %d mappings, %d APIs", len(p.Functions), len(p.Queues), len(p.Mappings), len(p.HTTPAPIs))
	}
	f := p.Functions[0]
	want := map[string]string{
		"QUEUE":                "http://queues/" + in.Account + "/" + p.Queues[0].Definition.Name,
		"BUCKET":               "not-known-here-shop-bucket",
		"SELF":                 "http://here:1/live",
		wire.EnvDatabaseHost:   noDatabase,
		"AWS_ENDPOINT_URL_SQS": "http://queues",
	}
	if diff := cmp.Diff(want, f.Config.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if f.Source.Program != "/bin/shop" || f.Config.Timeout.Seconds() != 7 {
		t.Errorf("got program %q, timeout %v", f.Source.Program, f.Config.Timeout)
	}
	if m := p.Mappings[0]; m.Queue != p.Queues[0].Definition.Name || m.Options.BatchSize != 3 {
		t.Errorf("got mapping %+v", m)
	}
	if !p.HasQueue(p.Queues[0].Definition.Name) || p.HasQueue("other") {
		t.Error("the plan does not know its queues")
	}
	if len(p.NotSimulated) != 1 || p.NotSimulated[0].LogicalID != "Bucket" {
		t.Errorf("not simulated: got %v", p.NotSimulated)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "variable BUCKET") {
		t.Errorf("got warnings %q", p.Warnings)
	}
}

// TestMakeAgain checks that a plan depends only on its inputs: the same inputs give the same
// plan, and other inputs do not change the first plan.
func TestMakeAgain(t *testing.T) {
	t.Parallel()
	say := func(p *Plan, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal([]any{p.Functions[0].Config.Env, p.Queues[0].Definition, p.Mappings[0].Queue, p.Mappings[0].Function, p.Warnings, p.NotSimulated})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	app, in := load(t)
	first, err := Make(app, in)
	before := say(first, err)
	elsewhere := in
	elsewhere.Addresses = &Addresses{SQS: "http://elsewhere", Main: "there:2", MainHTTP: in.Addresses.MainHTTP}
	elsewhere.Env = map[string]string{"BUCKET": "mine"}
	if other := say(Make(app, elsewhere)); !strings.Contains(other, "http://there:2/live") || !strings.Contains(other, `"BUCKET":"mine"`) {
		t.Errorf("got %s", other)
	}
	if got := say(first, nil); got != before {
		t.Errorf("the first plan changed:\n%s", cmp.Diff(before, got))
	}
	if got := say(Make(app, in)); got != before {
		t.Errorf("the same inputs give another plan:\n%s", cmp.Diff(before, got))
	}
}

// TestRemedyForOneName names a stage rather than one of its stacks, and never a nested one.
func TestRemedyForOneName(t *testing.T) {
	t.Parallel()
	const queue = `"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}`
	for stacks, want := range map[string]string{
		"A,B":           "choose one with --stack A",
		"Dev/A,Prod/A":  "choose one with --stack Dev",
		"Dev/A,Dev/B":   "choose one with --stack Dev/A",
		"A/nested":      "give one of them another name",
		"A,Prod/nested": "choose one with --stack A",
	} {
		dir := t.TempDir()
		artifacts := []string{}
		files := map[string]string{"nested.json": `{"Resources": {` + queue + `}}`}
		for i, name := range strings.Split(stacks, ",") {
			file := fmt.Sprintf("%d.json", i)
			own, nested := strings.CutSuffix(name, "/nested")
			resources := queue
			if nested {
				resources = `"N": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "nested.json"}}`
				if len(stacks) == len(name) {
					resources += "," + queue
				}
			}
			files[file] = `{"Resources": {` + resources + `}}`
			artifacts = append(artifacts, fmt.Sprintf(`"%d": {"type": "aws:cloudformation:stack", "displayName": %q, "properties": {"templateFile": %q, "stackName": "s%d"}}`, i, own, file, i))
		}
		files["manifest.json"] = `{"artifacts": {` + strings.Join(artifacts, ",") + `}}`
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		app, err := assembly.Load(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Make(app, Inputs{Addresses: &Addresses{}}); err == nil || !strings.HasSuffix(err.Error(), "; "+want) {
			t.Errorf("%s: got %v, want %s", stacks, err, want)
		}
	}
}

// TestNamesInACircle: two queues whose names need each other's are an error.
func TestNamesInACircle(t *testing.T) {
	t.Parallel()
	app, err := assembly.Load(write(t, `{"Resources": {
		"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "B"}}},
		"B": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": ["A", "QueueName"]}}}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Make(app, Inputs{Region: assembly.DefaultRegion, Account: assembly.DefaultAccount, Addresses: &Addresses{}})
	if err == nil || !strings.Contains(err.Error(), "values refer to each other in a circle") {
		t.Errorf("got %v", err)
	}
}
