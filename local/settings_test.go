package local_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/local"
)

// TestReadSettings reads the example, whose function is autoscaled.
func TestReadSettings(t *testing.T) {
	t.Parallel()
	got, err := local.ReadSettings(bookmarksAssembly(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	reserved := 50
	visibility := 6 * time.Minute
	want := []local.FunctionSettings{{
		Stack: "Bookmarks", LogicalID: "BackendHandlerFunction7E095CCF", Entry: "examples/bookmarks/handler",
		MemoryMB: 512, Timeout: time.Minute, Reserved: &reserved, Provisioned: 2, MaxProvisioned: 20, Utilization: 0.7, API: "http",
		Queues: []local.QueueSettings{
			{Name: "changes", FIFO: true, BatchSize: 10, MaxConcurrency: 15, Visibility: visibility, MaxReceives: 5, PartialResponses: true},
			{Name: "titles", BatchSize: 10, MaxConcurrency: 5, Visibility: visibility, MaxReceives: 5, PartialResponses: true},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := local.ReadSettings(t.TempDir()); err == nil {
		t.Error("a folder without an assembly has settings")
	}
}

// TestReadSettingsOfPlainTemplates reads a template of plain CDK: fixed numbers,
// schedules, pollers, a REST API, and a function of another runtime, which ReadSettings
// leaves out.
func TestReadSettingsOfPlainTemplates(t *testing.T) {
	t.Parallel()
	ref := func(id string) any { return map[string]any{"Ref": id} }
	att := func(id, name string) any { return map[string]any{"Fn::GetAtt": []any{id, name}} }
	resource := func(kind string, properties map[string]any) any {
		return map[string]any{"Type": kind, "Properties": properties}
	}
	action := func(schedule string, lowest, highest int) any {
		a := map[string]any{"MaxCapacity": highest}
		if lowest > 0 {
			a["MinCapacity"] = lowest
		}
		return map[string]any{"ScheduledActionName": "a", "Schedule": schedule, "ScalableTargetAction": a}
	}
	dir := writeAssembly(t, t.TempDir(), "Plain", map[string]any{"Resources": map[string]any{
		"Node": resource("AWS::Lambda::Function", map[string]any{"Runtime": "nodejs22.x", "Role": att("Bucket", "Arn")}),
		"Fn": resource("AWS::Lambda::Function", map[string]any{"Runtime": "provided.al2023", "Environment": map[string]any{"Variables": map[string]any{
			"BUCKET": ref("Bucket")}}}),
		"Bucket":  resource("AWS::S3::Bucket", nil),
		"Version": resource("AWS::Lambda::Version", map[string]any{"FunctionName": ref("Fn")}),
		"Live": resource("AWS::Lambda::Alias", map[string]any{"FunctionName": ref("Fn"), "FunctionVersion": att("Version", "Version"), "Name": "live",
			"ProvisionedConcurrencyConfig": map[string]any{"ProvisionedConcurrentExecutions": "3"}}),
		"Target": resource("AWS::ApplicationAutoScaling::ScalableTarget", map[string]any{
			"ResourceId": map[string]any{"Fn::Join": []any{"", []any{"function:", ref("Fn"), ":live"}}}, "ScalableDimension": "lambda:function:ProvisionedConcurrency",
			"MinCapacity": 3, "MaxCapacity": 30, "RoleARN": att("Bucket", "Arn"),
			"ScheduledActions": []any{action("cron(0 18 * * ? *)", 0, 4), action("cron(55 7 * * ? *)", 10, 20), action("cron(0 8 ? * MON *)", 1, 2)},
		}),
		"Queue": resource("AWS::SQS::Queue", map[string]any{"KmsMasterKeyId": att("Bucket", "Arn")}),
		"Mapping": resource("AWS::Lambda::EventSourceMapping", map[string]any{"EventSourceArn": att("Queue", "Arn"), "FunctionName": ref("Live"), "MaximumBatchingWindowInSeconds": 5,
			"BatchSize": 100, "ProvisionedPollerConfig": map[string]any{"MinimumPollers": 2, "MaximumPollers": 9}}),
		"Api": resource("AWS::ApiGateway::RestApi", map[string]any{"Name": "n"}),
		"Method": resource("AWS::ApiGateway::Method", map[string]any{"RestApiId": ref("Api"), "Integration": map[string]any{"Uri": map[string]any{"Fn::Join": []any{"", []any{
			"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", ref("Live"), "/invocations"}}}}}),
	}})
	got, err := local.ReadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []local.FunctionSettings{{
		Stack: "Plain", LogicalID: "Fn", MemoryMB: 128, X86: true, Timeout: 3 * time.Second, Provisioned: 3, MaxProvisioned: 3, API: "rest",
		Schedules: []local.CapacityChange{{At: 7*time.Hour + 55*time.Minute, Min: 10, Max: 20}, {At: 18 * time.Hour, Min: 3, Max: 4}},
		Queues:    []local.QueueSettings{{Name: "Queue", BatchSize: 100, Window: 5 * time.Second, MinPollers: 2, MaxPollers: 9, Visibility: 30 * time.Second}},
		Notes:     []string{"The schedule cron(0 8 ? * MON *) of Fn does not hold each day at one time, so that it is left out."},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
