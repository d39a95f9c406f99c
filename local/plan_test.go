package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/pgserver"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/internal/within"
)

// startLedger starts the app of ledgerTemplate, changed.
func startLedger(t *testing.T, opts local.Options, change func(resources map[string]any)) (*local.Engine, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := ledgerTemplate()
	if change != nil {
		change(template["Resources"].(map[string]any))
	}
	opts.Assembly = writeAssembly(t, t.TempDir(), "Chaos", template)
	if opts.Programs == nil {
		opts.Programs = map[string]string{"Ledger": self}
	}
	if opts.Env == nil {
		opts.Env = map[string]string{}
	}
	opts.Env[envLedger] = os.DevNull
	e, err := local.Start(t.Context(), opts)
	if err == nil {
		t.Cleanup(e.Stop)
	}
	return e, err
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		opts   local.Options
		change func(map[string]any)
	}{
		`the folder of the function's Go program, /none, is not`:    {opts: local.Options{Programs: map[string]string{}, Handlers: map[string]string{"Ledger": "/none"}}},
		`address must be on loopback (127.0.0.1, ::1 or localhost)`: {opts: local.Options{Addr: "0.0.0.0:0"}},
		`database: must be postgres://…, mysql://…`:                 {opts: local.Options{Database: "localhost:5432"}},
		`no stack is named "Gone"; the app has Chaos`:               {opts: local.Options{Stacks: []string{"Gone"}}},
		`schedule Chaos-Bad: schedule expression "daily"`: {change: func(resources map[string]any) {
			resources["Bad"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": map[string]any{
				"ScheduleExpression": "daily", "Target": map[string]any{"Arn": map[string]any{"Ref": "Live"}}}}
		}},
		`Chaos/Bad: target a: InputTemplate must use names of InputPathsMap, got <tme>`: {change: func(resources map[string]any) {
			resources["Bad"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{
				"ScheduleExpression": "rate(1 day)", "Targets": []any{map[string]any{"Id": "a", "Arn": map[string]any{"Ref": "Live"},
					"InputTransformer": map[string]any{"InputPathsMap": map[string]any{"time": "$.time"}, "InputTemplate": `"at <tme>"`}}}}}
		}},
	} {
		if _, err := startLedger(t, c.opts, c.change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := local.Start(t.Context(), local.Options{}); err == nil || err.Error() != "start: Options.Assembly must be set" {
		t.Errorf("got %v", err)
	}
}

func TestEnvironmentOfFunctions(t *testing.T) {
	t.Setenv("UNRELATED", "1")
	e, err := startLedger(t, local.Options{
		Environ: []string{"CHAOS_COLOR=red", "CHAOSCOLOR=no", "OTHER=no"}, Env: map[string]string{"GIVEN": "2", "TEST_PRINT_ENV": "1"},
		Database: "postgres://app:secret@db.local:6432/shop",
	}, func(resources map[string]any) {
		resources["Ledger"].(map[string]any)["Properties"].(map[string]any)["Environment"] = map[string]any{"Variables": map[string]any{
			"QUEUE": map[string]any{"Ref": "Orders"}, "HEARTH_DATABASE_HOST": "x", "HEARTH_DATABASE_PORT": "5432", "NUMBER": 5,
			"HEARTH_QUEUES": map[string]any{"Fn::Join": []any{"", []any{"~=Chaos-,", map[string]any{"Fn::Join": []any{"~", map[string]any{"Fn::Split": []any{
				"Chaos-", map[string]any{"Fn::Join": []any{"", []any{"orders=", map[string]any{"Ref": "Orders"}, ",mail-out=", map[string]any{"Fn::GetAtt": []any{"Mails", "QueueName"}}}}},
			}}}}}}},
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Invoke(t.Context(), "Ledger", []byte(`{"do":"env"}`))
	if err != nil {
		t.Fatal(err)
	}
	env := string(out)
	for _, want := range []string{
		`"CHAOS_COLOR=red"`, `"GIVEN=2"`, `"QUEUE=` + e.QueueURL("Orders") + `"`, `"AWS_ENDPOINT_URL_SQS=` + e.SQSEndpoint() + `"`, `"NUMBER=5"`,
		`"HEARTH_QUEUES=~=Chaos-,orders=`,
		`"DATABASE_URL=postgres://app:secret@db.local:6432/shop"`, `"HEARTH_DATABASE_HOST=db.local"`, `"HEARTH_DATABASE_PORT=6432"`,
		`"HEARTH_DATABASE_USER=app"`, `"HEARTH_DATABASE_NAME=shop"`, `"AWS_LAMBDA_FUNCTION_NAME=Chaos-Ledger"`, `"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"`,
	} {
		if !strings.Contains(env, want) {
			t.Errorf("no %s in %s", want, env)
		}
	}
	for _, secret := range []string{"UNRELATED", "OTHER=", "CHAOSCOLOR", "HOME="} {
		if strings.Contains(env, `"`+secret) {
			t.Errorf("%s is in %s", secret, env)
		}
	}
	resp, err := within.Client.Get(e.URL() + "/_hearth/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	state, _ := io.ReadAll(resp.Body)
	if strings.Contains(string(state), "secret") || !strings.Contains(string(state), `"alias": "mail-out"`) {
		t.Errorf("state: %s", state)
	}
	if got, want := e.QueueURL("mail-out"), e.SQSEndpoint()+"/000000000000/Chaos-Mails"; got != want || e.QueueURL("none") != "" {
		t.Errorf("queue URL %q, want %q", got, want)
	}
}

// TestLoggingEnvironment: the handler and the logging configuration, as AWS documents
// them.
func TestLoggingEnvironment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		logging any
		want    []string
		not     []string
	}{
		{nil, []string{"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/Chaos-Ledger", "_HANDLER=main"}, []string{"AWS_LAMBDA_LOG_FORMAT=", "AWS_LAMBDA_LOG_LEVEL="}},
		{map[string]any{"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": map[string]any{"Ref": "Logs"}},
			[]string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=DEBUG", "AWS_LAMBDA_LOG_GROUP_NAME=/shop"}, nil},
		{map[string]any{"LogFormat": "JSON"}, []string{"AWS_LAMBDA_LOG_LEVEL=INFO"}, nil},
		{map[string]any{"LogFormat": "Text", "LogGroup": "mine"}, []string{"AWS_LAMBDA_LOG_GROUP_NAME=mine"}, []string{"AWS_LAMBDA_LOG_FORMAT=", "AWS_LAMBDA_LOG_LEVEL="}},
	} {
		e, err := startLedger(t, local.Options{Env: map[string]string{"TEST_PRINT_ENV": "1"}}, func(resources map[string]any) {
			properties(resources, "Ledger")["Handler"] = "main"
			if c.logging != nil {
				properties(resources, "Ledger")["LoggingConfig"] = c.logging
			}
			resources["Logs"] = map[string]any{"Type": "AWS::Logs::LogGroup", "Properties": map[string]any{"LogGroupName": "/shop"}}
		})
		if err != nil {
			t.Fatal(err)
		}
		env, err := e.Invoke(t.Context(), "Ledger", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(env), `"`+want+`"`) {
				t.Errorf("%v: no %s in %s", c.logging, want, env)
			}
		}
		for _, not := range c.not {
			if strings.Contains(string(env), not) {
				t.Errorf("%v: %s is set", c.logging, not)
			}
		}
	}
}

// TestManagedInstances: a function on a capacity provider handles several invocations in
// one process.
func TestManagedInstances(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		provider map[string]any
		want     string
	}{
		{map[string]any{"CapacityProviderArn": "arn", "PerExecutionEnvironmentMaxConcurrency": 7}, `"AWS_LAMBDA_MAX_CONCURRENCY=7"`},
		{map[string]any{"CapacityProviderArn": "arn"}, `"AWS_LAMBDA_MAX_CONCURRENCY=16"`},
	} {
		e, err := startLedger(t, local.Options{Env: map[string]string{"TEST_PRINT_ENV": "1"}}, func(resources map[string]any) {
			properties(resources, "Ledger")["CapacityProviderConfig"] = map[string]any{"LambdaManagedInstancesCapacityProviderConfig": c.provider}
		})
		if err != nil {
			t.Fatal(err)
		}
		if env, err := e.Invoke(t.Context(), "Ledger", []byte(`{}`)); err != nil || !strings.Contains(string(env), c.want) {
			t.Errorf("%v: %s, %v", c.provider, env, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Invoke(t.Context(), "", []byte(`{}`)); err != nil {
		t.Errorf("the only function: %v", err)
	}
	for want, got := range map[string]error{
		`there is no queue "none"; the app has Chaos-Mails, Chaos-Orders.fifo`:            e.Send("none", "x", ""),
		`more than one queue matches "chaos"; the app has Chaos-Mails, Chaos-Orders.fifo`: e.Send("chaos", "x", ""),
		`the app has no schedule`: e.Trigger("x"),
	} {
		if got == nil || got.Error() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if _, err := e.Invoke(t.Context(), "none", []byte(`{}`)); err == nil || err.Error() != `there is no function "none"; the app has Chaos-Ledger` {
		t.Errorf("got %v", err)
	}
	if _, err := e.Invoke(t.Context(), "Ledger", []byte(`x`)); err == nil || err.Error() != "invoke: the event must be JSON" {
		t.Errorf("got %v", err)
	}
}

func TestControlIsForThisMachine(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		method, path, host, header string
		want                       int
	}{
		"state":          {"GET", "state", "", "", 200},
		"another name":   {"GET", "state", "evil.example", "", 403},
		"a form":         {"POST", "send?name=Mails", "", "", 403},
		"a guess":        {"POST", "send?name=Mails", "", "1", 403},
		"send":           {"POST", "send?name=Mails", "", "token", 200},
		"send nowhere":   {"POST", "send?name=none", "", "token", 400},
		"something else": {"POST", "delete", "", "token", 404},
		"invoke":         {"POST", "invoke?name=Ledger", "localhost:1", "token", 200},
		"state by POST":  {"POST", "state", "", "token", 405},
	} {
		req, err := http.NewRequest(c.method, e.URL()+"/_hearth/"+c.path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		if c.header == "token" {
			c.header = e.Token()
		}
		if c.header != "" {
			req.Header.Set("X-Hearth", c.header)
		}
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", what, resp.StatusCode, c.want)
		}
	}
}

// TestReload changes the template under a running engine.
func TestReload(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := ledgerTemplate()
	resources := template["Resources"].(map[string]any)
	delete(resources, "MailsEvent") // so that messages stay
	dir := writeAssembly(t, t.TempDir(), "Chaos", template)
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Programs: map[string]string{"Ledger": self, "Second": self}, Env: map[string]string{envLedger: os.DevNull}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	if err := e.Send("Mails", "kept", ""); err != nil {
		t.Fatal(err)
	}
	pid := e.State().Functions[0].Instances[0].PID

	resources["Second"] = resources["Ledger"]
	delete(resources, "Orders")
	delete(resources, "OrdersEvent")
	resources["Mails"].(map[string]any)["Properties"].(map[string]any)["VisibilityTimeout"] = 7
	writeAssembly(t, dir, "Chaos", template)
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := e.State()
	if len(s.Functions) != 2 || len(s.Queues) != 1 || len(s.EventSources) != 0 || s.Queues[0].Counters.Visible != 1 {
		t.Errorf("%+v", s)
	}
	if !slices.ContainsFunc(s.Functions[0].Instances, func(i local.InstanceState) bool { return i.PID == pid }) {
		t.Error("a function that did not change has new instances")
	}
	// What cannot be read leaves all as it was.
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := e.Reload(t.Context()); err == nil {
		t.Error("a broken assembly was taken")
	}
	if _, err := e.Invoke(t.Context(), "Second", []byte(`{}`)); err != nil {
		t.Error(err)
	}
	delete(resources, "Second")
	writeAssembly(t, dir, "Chaos", template)
	if err := e.Reload(t.Context()); err != nil || len(e.State().Functions) != 1 {
		t.Errorf("%v, %+v", err, e.State().Functions)
	}
	e.Stop()
	if err := e.Reload(t.Context()); err == nil || err.Error() != "the engine has stopped" {
		t.Errorf("after Stop: %v", err)
	}
}

// TestDatabase runs the example on a PostgreSQL server that the engine starts.
func TestDatabase(t *testing.T) {
	t.Parallel()
	if err := pgserver.Installed(); err != nil {
		t.Skipf("skipped, as PostgreSQL is not installed: %v", err)
	}
	b := startBookmarks(t, local.Options{Database: local.DatabaseAuto})
	var made bookmark
	if status := b.request(t, "POST", "/bookmarks", "", `{"url":"http://127.0.0.1:1/"}`, &made); status != 202 {
		t.Fatalf("status %d", status)
	}
	eventually(t, "the bookmark is there", func() bool { return b.request(t, "GET", "/bookmarks/"+made.ID, "", "", nil) == 200 })
	if database := b.State().Database; !strings.HasPrefix(database, "postgres://hearth:xxxxx@127.0.0.1:") || !strings.Contains(database, "/bookmarks?") {
		t.Errorf("database %q", database)
	}
}

// TestDatabases starts a function with two databases on one PostgreSQL server.
func TestDatabases(t *testing.T) {
	t.Parallel()
	if err := pgserver.Installed(); err != nil {
		t.Skipf("skipped, as PostgreSQL is not installed: %v", err)
	}
	log := &lines{}
	e, err := startLedger(t, local.Options{Database: wire.EnginePostgres, Log: log.add, Env: map[string]string{"TEST_PRINT_ENV": "1"}}, func(resources map[string]any) {
		resources["Ledger"].(map[string]any)["Properties"].(map[string]any)["Environment"] = map[string]any{"Variables": map[string]any{
			"HEARTH_DATABASE_HOST": "x", "HEARTH_DATABASE_NAME": "shop", "HEARTH_DATABASE_HOST_REPORTS": "x", "HEARTH_DATABASE_NAME_REPORTS": "Sales 1",
			"HEARTH_DATABASE_HOST_TAKEN": "x", "HEARTH_DATABASE_NAME_TAKEN": "template0",
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Reload(t.Context()); err != nil { // the databases exist already
		t.Fatal(err)
	}
	out, err := e.Invoke(t.Context(), "Ledger", []byte(`{"do":"env"}`))
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if log.count(`database "template0" cannot be made`) == 0 {
		t.Errorf("no line about the database that cannot be made: %q", log.all())
	}
	if database := e.State().Database; !strings.Contains(database, "/?") {
		t.Errorf("want a server without a database's name, got %q", database)
	}
	for variable, want := range map[string]string{"DATABASE_URL": "shop", "DATABASE_URL_REPORTS": "Sales 1"} {
		i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, variable+"=") })
		if i < 0 {
			t.Errorf("no %s in %q", variable, env)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, strings.TrimPrefix(env[i], variable+"="))
		if err != nil {
			t.Errorf("%s: %v", variable, err)
			continue
		}
		var got string
		if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&got); err != nil || got != want {
			t.Errorf("%s leads to %q, %v, want %q", variable, got, err, want)
		}
		conn.Close(ctx)
	}
}

// TestNoDatabase is an app that has no RDS Proxy.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{Database: local.DatabaseAuto}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if database := e.State().Database; database != "" {
		t.Errorf("started %s for nobody", database)
	}
}

func TestErrorsOfFunctions(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Invoke(t.Context(), "Ledger", []byte(`{"Records":"x"}`))
	var failure *local.FunctionError
	if !errors.As(err, &failure) || failure.Type == "" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Invoke(ctx, "Ledger", []byte(`{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestMalformedBatchResponse: a batch response that Lambda cannot read is a line with the
// function, the request id and the reason.
func TestMalformedBatchResponse(t *testing.T) {
	t.Parallel()
	log := &lines{}
	// The program answers everything with a list of its variables.
	e, err := startLedger(t, local.Options{Log: log.add, Env: map[string]string{"TEST_PRINT_ENV": "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Send("Mails", "x", ""); err != nil {
		t.Fatal(err)
	}
	const want = "the response to a batch of queue Chaos-Mails is malformed: it must be a JSON object"
	for deadline := time.Now().Add(within.Limit); log.count("Chaos-Ledger: RequestId: ", want) != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in %q", want, log.all())
		}
	}
}

// TestWarnings: the engine reports a template's mistakes at the start, once, and later
// only new ones.
func TestWarnings(t *testing.T) {
	t.Parallel()
	log := &lines{}
	want := "queue Chaos-Orders.fifo: the mapping has no FunctionResponseTypes ReportBatchItemFailures"
	e, err := startLedger(t, local.Options{Log: log.add}, func(resources map[string]any) {
		for _, r := range resources {
			if r := r.(map[string]any); r["Type"] == "AWS::Lambda::EventSourceMapping" {
				delete(r["Properties"].(map[string]any), "FunctionResponseTypes")
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := log.count("FunctionResponseTypes"); n != len(e.State().EventSources) || n == 0 || log.count(want) != 1 {
		t.Errorf("%d lines for %d event sources: %q", n, len(e.State().EventSources), log.all())
	}
	if len(e.State().Warnings) != len(e.State().EventSources) {
		t.Errorf("state: %q", e.State().Warnings)
	}
	if e, err = startLedger(t, local.Options{Log: log.add}, nil); err != nil {
		t.Fatal(err)
	}
	if w := e.State().Warnings; len(w) != 0 {
		t.Errorf("with partial responses: %q", w)
	}
}

// lines collects an engine's log.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, line)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

// count counts the lines that contain all the parts.
func (l *lines) count(parts ...string) (n int) {
	for _, line := range l.all() {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	return n
}

// TestRules: rules with a schedule run and can be triggered; the others are listed.
func TestRules(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{Clock: local.NewManualClock(startOfTests)}, func(resources map[string]any) {
		arn := func(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
		resources["Nightly"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{
			"ScheduleExpression": "cron(0 3 * * ? *)", "State": "ENABLED",
			"Targets": []any{map[string]any{"Id": "Target0", "Arn": map[string]any{"Ref": "Live"}, "Input": `{"night":true}`}},
		}}
		resources["Both"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{
			"ScheduleExpression": "rate(1 day)", "State": "DISABLED",
			"Targets": []any{map[string]any{"Id": "A", "Arn": map[string]any{"Ref": "Live"}}, map[string]any{"Id": "B", "Arn": arn("Mails")}, map[string]any{"Id": "C", "Arn": arn("Topic")}},
		}}
		resources["Topic"] = map[string]any{"Type": "AWS::SNS::Topic", "Properties": map[string]any{}}
		resources["Pattern"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{"EventPattern": map[string]any{"source": []any{"aws.s3"}}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, s := range e.State().Schedules {
		names[s.Name] = s.Expression
	}
	if diff := cmp.Diff(map[string]string{"Chaos-Nightly": "cron(0 3 * * ? *)", "Chaos-Both/A": "rate(1 day)", "Chaos-Both/B": "rate(1 day)"}, names); diff != "" {
		t.Error(diff)
	}
	if err := e.Trigger("Nightly"); err != nil {
		t.Error(err)
	}
	eventually(t, "the function ran", func() bool { return e.State().Functions[0].Counters.Invocations > 0 })
	why := map[string]string{}
	for _, r := range e.State().NotSimulated {
		why[r.LogicalID] = r.Why
	}
	if why["Pattern"] != "it has no schedule: events are not simulated" || why["Both"] != "its target C is neither a function nor a queue that runs here" {
		t.Errorf("%v", why)
	}
}

// TestMessageGroups: a schedule or rule sends to a FIFO queue in the group that it names.
func TestMessageGroups(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{Clock: local.NewManualClock(startOfTests)}, func(resources map[string]any) {
		resources["Invoices"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "invoices.fifo", "FifoQueue": true}}
		target := func(group string) map[string]any {
			return map[string]any{"Id": "A", "Arn": map[string]any{"Fn::GetAtt": []any{"Invoices", "Arn"}}, "RoleArn": "r", "SqsParameters": map[string]any{"MessageGroupId": group}}
		}
		resources["Rule"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{
			"Name": "rule", "ScheduleExpression": "rate(1 day)", "State": "ENABLED", "Targets": []any{target("of-rule")},
		}}
		resources["Schedule"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": map[string]any{
			"Name": "schedule", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": map[string]any{"Mode": "OFF"}, "Target": target("of-schedule"),
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rule", "schedule"} {
		if err := e.Trigger(name); err != nil {
			t.Fatal(err)
		}
		want := `"MessageGroupId":"of-` + name + `"`
		eventually(t, "a message of the group of the "+name, func() bool {
			return strings.Contains(sqsCall(t, e, "ReceiveMessage", "invoices.fifo", `"AttributeNames":["All"],"MaxNumberOfMessages":10`), want)
		})
	}
}

// TestDeadLetterOfFunction: a failed event in a dead-letter queue has the attributes that
// Lambda gives it.
func TestDeadLetterOfFunction(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{Clock: local.NewManualClock(startOfTests)}, func(resources map[string]any) {
		arn := func(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
		resources["Dead"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "dead"}}
		properties(resources, "Ledger")["DeadLetterConfig"] = map[string]any{"TargetArn": arn("Dead")}
		resources["Async"] = map[string]any{"Type": "AWS::Lambda::EventInvokeConfig", "Properties": map[string]any{
			"FunctionName": map[string]any{"Ref": "Ledger"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0,
		}}
		resources["Rule"] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{
			"Name": "rule", "ScheduleExpression": "rate(1 day)", "State": "ENABLED",
			"Targets": []any{map[string]any{"Id": "A", "Arn": arn("Ledger"), "Input": `{"Records":1}`}}, // no batch
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Trigger("rule"); err != nil {
		t.Fatal(err)
	}
	answer := ""
	eventually(t, "the event is dead", func() bool {
		answer = sqsCall(t, e, "ReceiveMessage", "dead", `"MessageAttributeNames":["All"]`)
		return strings.Contains(answer, "MessageId")
	})
	for _, want := range []string{
		`"Body":"{\"Records\":1}"`, `"ErrorCode":{"DataType":"Number","StringValue":"200"}`, `"ErrorMessage":{"DataType":"String","StringValue":"json: cannot unmarshal`, `"RequestID":{"DataType":"String","StringValue":"`,
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
}

// TestDebug: no time limit ends a process that a debugger holds, and its number is said.
func TestDebug(t *testing.T) {
	t.Parallel()
	log := &lines{}
	e, err := startLedger(t, local.Options{Debug: true, Log: log.add}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := e.State().Functions[0]
	if f.TimeoutSeconds < 3600 {
		t.Errorf("the timeout is %v s", f.TimeoutSeconds)
	}
	for _, i := range f.Instances {
		if log.count(fmt.Sprintf("Chaos-Ledger: process %d is ready for a debugger: dlv attach %d", i.PID, i.PID)) != 1 {
			t.Errorf("process %d: %q", i.PID, log.all())
		}
	}
}
