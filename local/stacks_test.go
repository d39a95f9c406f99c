package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestSelectedStacks: a stack that does not run starts no database, and its region is not
// that of the others.
func TestSelectedStacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"version": "54.0.0", "artifacts": {
			"First": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-west-1", "properties": {"templateFile": "First.json"}},
			"Second": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-north-1", "properties": {"templateFile": "Second.json"}}}}`,
		"First.json":  `{"Resources": {"Proxy": {"Type": "AWS::RDS::DBProxy", "Properties": {"EngineFamily": "POSTGRESQL"}}}}`,
		"Second.json": `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Database: local.DatabaseAuto, Stacks: []string{"Second"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	state := e.State()
	if state.Database != "" || len(state.Proxies) != 0 {
		t.Errorf("database %q, proxies %q", state.Database, state.Proxies)
	}
	if got := state.Queues[0].ARN; !strings.HasPrefix(got, "arn:aws:sqs:eu-north-1:") {
		t.Errorf("queue %s", got)
	}
}

// TestOneLogicalIDTwice: two stacks have the same logical ids, as two stacks of one
// construct do. A name that both have picks neither; with the stack it picks its own.
func TestOneLogicalIDTwice(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const template = `{"Resources": {
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023"}}, "Q": {"Type": "AWS::SQS::Queue"},
		"At": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Name": "nightly", "GroupName": {"Ref": "AWS::StackName"}, "ScheduleExpression": "rate(1 day)", "State": "DISABLED", "Target": {"Arn": {"Fn::GetAtt": ["Q", "Arn"]}}}}}}`
	for name, text := range map[string]string{
		"manifest.json": `{"artifacts": {
			"A": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}, "B": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}}}`,
		"t.json": template,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log := &lines{}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: dir, Log: log.add, Programs: map[string]string{"A/Fn": self}, Handlers: map[string]string{"Gone": "x"}, Issuers: map[string]local.Issuer{"C/Auth": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	for want, got := range map[string]error{
		`more than one queue is named "Q": A/Q, B/Q`:                e.Send("Q", "x", ""),
		`more than one schedule is named "nightly": A/At, B/At`:     e.Trigger("nightly"),
		`there is no schedule "C/At"; the app has nightly, nightly`: e.Trigger("C/At"),
	} {
		if got == nil || got.Error() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if err := e.Send("B/Q", "x", ""); err != nil {
		t.Error(err)
	}
	if err := e.Trigger("B/At"); err != nil {
		t.Error(err)
	}
	state := e.State()
	if len(state.Functions) != 1 || state.Functions[0].Name != "A-Fn" {
		t.Errorf("only A/Fn has a program: %+v", state.Functions)
	}
	for _, q := range state.Queues {
		if (q.Counters.Sent > 0) != (q.Name == "B-Q") {
			t.Errorf("%s: %+v", q.Name, q.Counters)
		}
	}
	for _, want := range []string{"--handler Gone: the app has no function with this logical id", "--issuer C/Auth: the app has no authorizer with this logical id"} {
		if log.count(want) != 1 {
			t.Errorf("no line %q in %q", want, log.all())
		}
	}
}
