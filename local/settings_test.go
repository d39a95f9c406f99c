package local_test

import (
	"maps"
	"strings"
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
		Runs:     []local.ScheduleSettings{{Name: "nightly", Expression: "cron(0 3 * * ? *)", TimeZone: "Etc/UTC"}},
		Database: &local.DatabaseSettings{Proxy: true, Percent: 100, Borrow: 2 * time.Minute},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := local.ReadSettings(t.TempDir()); err == nil {
		t.Error("a folder without an assembly has settings")
	}
}

// TestReadSettingsOfPlainTemplates reads a template of plain CDK: fixed numbers,
// schedules of some days in a time zone, pollers, a REST API, and a function of another runtime, which ReadSettings
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
	berlin := action("cron(30 0,9 ? * MON-FRI *)", 5, 6)
	berlin.(map[string]any)["Timezone"] = "Europe/Berlin"
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
			"ScheduledActions": []any{action("cron(0 18 * * ? *)", 0, 4), action("cron(55 7 * * ? *)", 10, 20), action("cron(0 8 1 * ? *)", 1, 2), berlin},
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
		Schedules: []local.CapacityChange{
			{At: 7*time.Hour + 55*time.Minute, Min: 10, Max: 20},
			{At: 8*time.Hour + 30*time.Minute, Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, Min: 5, Max: 6},
			{At: 18 * time.Hour, Min: 3, Max: 4},
			{At: 23*time.Hour + 30*time.Minute, Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Sunday}, Min: 5, Max: 6},
		},
		Queues: []local.QueueSettings{{Name: "Queue", BatchSize: 100, Window: 5 * time.Second, MinPollers: 2, MaxPollers: 9, Visibility: 30 * time.Second}},
		Notes: []string{"The schedule cron(0 8 1 * ? *) of Fn is not the same in each week, so that it is left out.",
			"The schedule cron(30 0,9 ? * MON-FRI *) of Fn follows the clock of Europe/Berlin; the plan has its times in winter.",
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestReadSchedules reads schedules of EventBridge Scheduler and rules: of functions and
// queues, with windows, dates and time zones. It leaves out schedules that are disabled or
// lead elsewhere, and names invalid ones.
func TestReadSchedules(t *testing.T) {
	t.Parallel()
	att := func(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
	resource := func(kind string, properties map[string]any) any {
		return map[string]any{"Type": kind, "Properties": properties}
	}
	schedule := func(expression, target string, more map[string]any) any {
		properties := map[string]any{"ScheduleExpression": expression, "Target": map[string]any{"Arn": att(target), "RoleArn": att("Role")}, "FlexibleTimeWindow": map[string]any{"Mode": "OFF"}}
		maps.Copy(properties, more)
		return resource("AWS::Scheduler::Schedule", properties)
	}
	dir := writeAssembly(t, t.TempDir(), "Plain", map[string]any{"Resources": map[string]any{
		"Fn":       resource("AWS::Lambda::Function", map[string]any{"Runtime": "provided.al2023"}),
		"Queue":    resource("AWS::SQS::Queue", nil),
		"Topic":    resource("AWS::SNS::Topic", nil),
		"Role":     resource("AWS::IAM::Role", nil),
		"Mapping":  resource("AWS::Lambda::EventSourceMapping", map[string]any{"EventSourceArn": att("Queue"), "FunctionName": map[string]any{"Ref": "Fn"}}),
		"Disabled": schedule("rate(1 minute)", "Fn", map[string]any{"State": "DISABLED"}),
		"Else":     schedule("rate(1 minute)", "Topic", nil),
		"Untimed":  schedule("rate(1 minute)", "Fn", map[string]any{"FlexibleTimeWindow": map[string]any{"MaximumWindowInMinutes": "x"}}),
		"Invalid":  schedule("cron(0 3 * * * *)", "Fn", nil),
		"Flexible": schedule("cron(0 3 * * ? *)", "Fn", map[string]any{
			"ScheduleExpressionTimezone": "Europe/Berlin", "FlexibleTimeWindow": map[string]any{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
			"StartDate": "2026-12-01T00:00:00Z", "EndDate": "2026-12-03T00:00:00Z"}),
		"Messages": schedule("rate(1 hour)", "Queue", nil),
		"Rule": resource("AWS::Events::Rule", map[string]any{"ScheduleExpression": "rate(5 minutes)", "State": "ENABLED", "Targets": []any{
			map[string]any{"Id": "a", "Arn": att("Fn")}, map[string]any{"Id": "b", "Arn": att("Queue")}}}),
		"Pattern": resource("AWS::Events::Rule", map[string]any{"EventPattern": map[string]any{}, "Targets": []any{map[string]any{"Id": "a", "Arn": att("Fn")}}}),
	}})
	got, err := local.ReadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	flexible := local.ScheduleSettings{
		Name: "Flexible", Expression: "cron(0 3 * * ? *)", TimeZone: "Europe/Berlin", Window: 15 * time.Minute,
		Start: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC),
	}
	want := []local.ScheduleSettings{
		flexible, {Name: "Messages", Expression: "rate(1 hour)", Queue: "Queue"},
		{Name: "Rule/a", Expression: "rate(5 minutes)"}, {Name: "Rule/b", Expression: "rate(5 minutes)", Queue: "Queue"},
	}
	if diff := cmp.Diff(want, got[0].Runs); diff != "" {
		t.Error(diff)
	}
	if notes := got[0].Notes; len(notes) != 2 || notes[1] != `Left out of the plan: Plain/Untimed: FlexibleTimeWindow: must be a whole number, got "x".` || !strings.HasPrefix(notes[0], `The schedule Invalid is left out: schedule expression "cron(0 3 * * * *)": `) {
		t.Errorf("got %q", notes)
	}
	var times []string
	began := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for at := flexible.Next(began, began); !at.IsZero(); at = flexible.Next(at, began) {
		times = append(times, at.UTC().Format(time.RFC3339))
	}
	if diff := cmp.Diff([]string{"2026-12-01T02:00:00Z", "2026-12-02T02:00:00Z"}, times); diff != "" {
		t.Error(diff)
	}
	rate := local.ScheduleSettings{Expression: "rate(5 minutes)", Start: began.Add(time.Hour)}
	if first := rate.Next(began, began); !first.Equal(rate.Start) || !rate.Next(first, began).Equal(first.Add(5*time.Minute)) {
		t.Errorf("a rate with a start date first runs at %s", first)
	}
}

// TestReadDatabases reads the database that functions connect to, with and without RDS
// Proxy.
func TestReadDatabases(t *testing.T) {
	t.Parallel()
	resource := func(kind string, properties map[string]any) any {
		return map[string]any{"Type": kind, "Properties": properties}
	}
	att := func(id, name string) any { return map[string]any{"Fn::GetAtt": []any{id, name}} }
	pool := func(settings map[string]any) any {
		return resource("AWS::RDS::DBProxyTargetGroup", map[string]any{"ConnectionPoolConfigurationInfo": settings})
	}
	parameters := func(n any) any {
		return resource("AWS::RDS::DBParameterGroup", map[string]any{"Parameters": map[string]any{"max_connections": n}})
	}
	for name, c := range map[string]struct {
		resources map[string]any
		want      *local.DatabaseSettings
		notes     int
	}{
		"direct":   {nil, &local.DatabaseSettings{}, 0},
		"number":   {map[string]any{"Parameters": parameters("200")}, &local.DatabaseSettings{MaxConnections: 200}, 0},
		"formula":  {map[string]any{"Parameters": parameters("LEAST({DBInstanceClassMemory/9531392},5000)")}, &local.DatabaseSettings{}, 0},
		"proxy":    {map[string]any{"Pool": pool(nil)}, &local.DatabaseSettings{Proxy: true, Percent: 100, Borrow: 2 * time.Minute}, 0},
		"settings": {map[string]any{"Pool": pool(map[string]any{"MaxConnectionsPercent": 80, "ConnectionBorrowTimeout": 0}), "Parameters": parameters(100)}, &local.DatabaseSettings{Proxy: true, Percent: 80, MaxConnections: 100}, 0},
		"unknown":  {map[string]any{"Pool": pool(map[string]any{"MaxConnectionsPercent": "x"})}, &local.DatabaseSettings{}, 1},
		"several":  {map[string]any{"Pool": pool(nil), "Other": pool(map[string]any{"MaxConnectionsPercent": 80})}, nil, 1},
	} {
		resources := map[string]any{
			"Db": resource("AWS::RDS::DBInstance", nil),
			"Fn": resource("AWS::Lambda::Function", map[string]any{"Runtime": "provided.al2023", "Environment": map[string]any{"Variables": map[string]any{"HOST": att("Db", "Endpoint.Address")}}}),
			"Un": resource("AWS::Lambda::Function", map[string]any{"Runtime": "provided.al2023"}),
		}
		maps.Copy(resources, c.resources)
		got, err := local.ReadSettings(writeAssembly(t, t.TempDir(), "Plain", map[string]any{"Resources": resources}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got[0].Database); diff != "" || len(got[0].Notes) != c.notes || got[1].Database != nil {
			t.Errorf("%s: %s, notes %q, and %+v", name, diff, got[0].Notes, got[1].Database)
		}
	}
}
