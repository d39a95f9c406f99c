package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/wire"
)

func noJob(context.Context, *Job[string]) error { return nil }
func noRun(context.Context, time.Time) error    { return nil }
func newTestConsumer(name string, fifo bool) Consumer {
	return Queue[string]{Name: name, FIFO: fifo}.Consume(noJob)
}
func named(name string) Warmer { return funcWarmer{name: name} }
func schedule(name, expression string) Schedule {
	return Schedule{Name: name, Expression: expression, Run: noRun}
}
func anyHandler() lambda.Handler { return lambda.NewHandler(func() error { return nil }) }

func TestAppMistakes(t *testing.T) {
	t.Parallel()
	for want, app := range map[string]*App{
		"the App is nil": nil,
		"App.RequestTimeout must be 0 or more, got -1s":                                                     {RequestTimeout: -time.Second},
		"App.WarmTimeout must be 0 or more, got -1s":                                                        {WarmTimeout: -time.Second},
		"App.Queues[0] is empty; make it with Queue.Consume and a function":                                 {Queues: []Consumer{{}}},
		`App.Queues[0]: Queue.Name must be 1 to 75 letters, digits, - or _, without .fifo, got "jobs.fifo"`: {Queues: []Consumer{newTestConsumer("jobs.fifo", true)}},
		"App.Queues[0] (jobs): Queue.Timeout must be 0 or more, got -1s":                                    {Queues: []Consumer{Queue[string]{Name: "jobs", Timeout: -time.Second}.Consume(noJob)}},
		"App.Queues[0] (jobs): Queue.Concurrency must be 0 or more, and at most 1 on a FIFO queue, got 2":   {Queues: []Consumer{Queue[string]{Name: "jobs", FIFO: true, Concurrency: 2}.Consume(noJob)}},
		`App.Queues[0] and App.Queues[1] have one name, "a-b"; give each its own`:                           {Queues: []Consumer{newTestConsumer("a-b", false), newTestConsumer("a-b", true)}},
		`App.Schedules[0]: Schedule.Name must be 1 to 64 letters, digits, -, _ or ., got ""`:                {Schedules: []Schedule{schedule("", "rate(1 day)")}},
		`App.Schedules[0] (n): Schedule.Expression must be cron(…), rate(…) or at(…), got "0 3 * * *"`:      {Schedules: []Schedule{schedule("n", "0 3 * * *")}},
		"App.Schedules[0] (n): Schedule.Run is nil; give it a function":                                     {Schedules: []Schedule{{Name: "n", Expression: "rate(1 day)"}}},
		"App.Schedules[0] (n): Schedule.Timeout must be 0 or more, got -1s":                                 {Schedules: []Schedule{{Name: "n", Expression: "rate(1 day)", Run: noRun, Timeout: -time.Second}}},
		`App.Schedules[0] and App.Schedules[1] are both named "n"; a schedule's name tells its runs apart`:  {Schedules: []Schedule{schedule("n", "rate(1 day)"), schedule("n", "rate(2 days)")}},
		"App.Events[sns] is nil; give it a handler or leave it out":                                         {Events: map[Kind]lambda.Handler{KindSNS: nil}},
		"App.Events[unknown] cannot be told from other events; use App.Fallback":                            {Events: map[Kind]lambda.Handler{KindUnknown: anyHandler()}},
		"App.Events[alb] is served by another part of the App too; keep one of the two":                     {HTTP: http.NotFoundHandler(), Events: map[Kind]lambda.Handler{KindALB: anyHandler()}},
		"App.Warm[0] is nil; leave it out":                                                                  {Warm: []Warmer{nil}},
		"App.Warm[0] has no name; name it, so that errors can":                                              {Warm: []Warmer{named("")}},
		`App.Warm[1] is named "db" like one before it; resource names must differ`:                          {Warm: []Warmer{named("db"), named("db")}},
	} {
		_, err := NewHandler(app)
		if err == nil || err.Error() != "lambdaruntime: "+want {
			t.Errorf("got %v\nwant lambdaruntime: %s", err, want)
		}
	}
	_, err := NewHandler(&App{RequestTimeout: -1, WarmTimeout: -1, Queues: []Consumer{{}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want all three mistakes at once, got %v", err)
	}
	if _, err := NewHandler(&App{}); err != nil {
		t.Errorf("an App that serves nothing yet: %v", err)
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	app := &App{
		HTTP: http.NotFoundHandler(), WebSocket: funcSocket{},
		Queues:    []Consumer{Queue[string]{Name: "captures", Timeout: 30 * time.Second}.Consume(noJob), newTestConsumer("ledger", true)},
		Schedules: []Schedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", TimeZone: "Europe/Berlin", Run: noRun}},
		Events:    map[Kind]lambda.Handler{KindSNS: anyHandler(), KindS3: anyHandler()},
		Warm:      []Warmer{NewResource("db", func(context.Context) (int, error) { return 0, nil }), NewResource("cache", func(context.Context) (int, error) { return 0, nil }).Optional()},
	}
	want := &wire.Manifest{
		Version: 1, HTTP: true, WebSocket: true, RequestTimeout: 10,
		Queues:    []wire.ManifestQueue{{Name: "captures", Timeout: 30, Concurrency: 10}, {Name: "ledger", FIFO: true, Concurrency: 1}},
		Schedules: []wire.ManifestSchedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", TimeZone: "Europe/Berlin"}},
		Warm:      []wire.ManifestResource{{Name: "db", Required: true}, {Name: "cache"}},
		Events:    []string{"sns", "s3"},
	}
	path := filepath.Join(t.TempDir(), "manifest.json")
	if err := app.manifest().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := wire.ReadManifest(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := (&App{}).manifest(); got.RequestTimeout != 0 || got.HTTP || got.Queues == nil {
		t.Errorf("empty App: %+v", got)
	}
}

func TestLogHandler(t *testing.T) {
	for env, want := range map[string]slog.Level{"": slog.LevelInfo, "DEBUG": slog.LevelDebug, "WARN": slog.LevelWarn, "FATAL": slog.LevelError} {
		t.Setenv("AWS_LAMBDA_LOG_LEVEL", env)
		h := newLogHandler(os.Stdout)
		if !h.Enabled(t.Context(), want) || h.Enabled(t.Context(), want-1) {
			t.Errorf("AWS_LAMBDA_LOG_LEVEL=%s: want level %s", env, want)
		}
	}
	t.Setenv("AWS_LAMBDA_LOG_LEVEL", "")
	var out bytes.Buffer
	logger := slog.New(newLogHandler(&out)).With("a", 1).WithGroup("g")
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r"})
	ctx = context.WithValue(ctx, eventKey{}, &Event{Kind: KindSQS, ColdStart: true, requestID: "r", init: 1500 * time.Microsecond})
	ctx = context.WithValue(ctx, traceKey, "Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5;Parent=53995c3f42cd8ad8;Sampled=1")
	ctx = context.WithValue(ctx, messageKey{}, &Message{Queue: "jobs", ID: "m1"})
	logger.InfoContext(ctx, "hello", "b", 2)
	var rec map[string]any
	if err := json.Unmarshal(out.Bytes(), &rec); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, rec["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(rec, "timestamp")
	want := map[string]any{"level": "INFO", "message": "hello", "a": 1.0, "g": map[string]any{
		"b": 2.0, "requestId": "r", "traceId": "1-6922e0c8-0a1b2c3d4e5f60718293a4b5", "kind": "sqs", "coldStart": true, "initDurationMs": 1.5, "queue": "jobs", "messageId": "m1",
	}}
	if diff := cmp.Diff(want, rec); diff != "" {
		t.Error(diff)
	}
}

func TestMetricsAreEmbeddedMetricFormat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := &metricWriter{w: &out, function: "fn"}
	m.coldStart(startInfo{initDuration: 12 * time.Millisecond, warmUp: 3 * time.Millisecond})
	m.jobs("jobs", 3, 2)
	var got []map[string]any
	for line := range strings.Lines(out.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if ms, ok := rec["_aws"].(map[string]any)["Timestamp"].(float64); !ok || ms < 1.7e12 {
			t.Errorf("timestamp in %s", line)
		}
		delete(rec["_aws"].(map[string]any), "Timestamp")
		got = append(got, rec)
	}
	directive := func(dimensions []any, metrics ...any) map[string]any {
		return map[string]any{"CloudWatchMetrics": []any{map[string]any{"Namespace": "Hearth", "Dimensions": dimensions, "Metrics": metrics}}}
	}
	def := func(name, unit string) map[string]any { return map[string]any{"Name": name, "Unit": unit} }
	want := []map[string]any{
		{
			"_aws":         directive([]any{[]any{"FunctionName"}}, def("ColdStart", "Count"), def("InitDuration", "Milliseconds"), def("WarmUpTime", "Milliseconds")),
			"FunctionName": "fn", "ColdStart": 1.0, "InitDuration": 12.0, "WarmUpTime": 3.0,
		},
		{
			"_aws":         directive([]any{[]any{"FunctionName"}, []any{"FunctionName", "Queue"}}, def("JobsDone", "Count"), def("JobsFailed", "Count")),
			"FunctionName": "fn", "Queue": "jobs", "JobsDone": 3.0, "JobsFailed": 2.0,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
