package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local"
)

// TestReloadKeepsBatches: a batch in progress ends by itself when its mapping changes, is
// disabled or is removed. Its message is received once.
func TestReloadKeepsBatches(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(resources map[string]any){
		"changed":  func(resources map[string]any) { properties(resources, "MailsEvent")["BatchSize"] = 1 },
		"disabled": func(resources map[string]any) { properties(resources, "MailsEvent")["Enabled"] = false },
		"removed":  func(resources map[string]any) { delete(resources, "MailsEvent") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBatch(t)
			b.reload(change)
			if c := b.counters(); c.InFlight != 1 || c.Visible != 0 {
				t.Errorf("after the reload: %+v", c)
			}
			if err := os.WriteFile(b.gate, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the job is done", func() bool { return b.counters().Deleted == 1 })
			if c := b.counters(); c.Received != 1 {
				t.Errorf("at the end: %+v", c)
			}
		})
	}
}

// TestStopEndsBatches: Stop ends the batches of all mappings, whether they still poll or
// not. The function's timeout of 20 s is far away.
func TestStopEndsBatches(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(resources map[string]any){
		"unchanged": func(map[string]any) {},
		"removed":   func(resources map[string]any) { delete(resources, "MailsEvent") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBatch(t)
			b.reload(change)
			began := time.Now()
			b.e.Stop()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("Stop took %s", took)
			}
		})
	}
}

// TestRemovedMappingReturns: a mapping that returns in a later reload polls again.
func TestRemovedMappingReturns(t *testing.T) {
	t.Parallel()
	b := startBatch(t)
	if err := os.WriteFile(b.gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job is done", func() bool { return b.counters().Deleted == 1 })
	var mapping any
	b.reload(func(resources map[string]any) { mapping = resources["MailsEvent"]; delete(resources, "MailsEvent") })
	if err := b.e.Send("Mails", "more", ""); err != nil {
		t.Fatal(err)
	}
	// An invocation takes longer than a poller that still waits for the message.
	if _, err := b.e.Invoke(t.Context(), "Ledger", []byte(`{"do":"env"}`)); err != nil {
		t.Fatal(err)
	}
	if c := b.counters(); c.Visible != 1 || c.Received != 1 {
		t.Errorf("without a mapping: %+v", c)
	}
	b.reload(func(resources map[string]any) { resources["MailsEvent"] = mapping })
	eventually(t, "the second job is done", func() bool { return b.counters().Deleted == 2 })
}

// runningBatch is an engine whose queue Mails has a job that waits for the file gate.
type runningBatch struct {
	t         *testing.T
	e         *local.Engine
	dir, gate string
	template  map[string]any
}

func startBatch(t *testing.T) *runningBatch {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &runningBatch{t: t, dir: t.TempDir(), template: ledgerTemplate()}
	b.gate = filepath.Join(b.dir, "gate")
	writeAssembly(t, b.dir, "Chaos", b.template)
	if b.e, err = local.Start(t.Context(), local.Options{Assembly: b.dir, Programs: map[string]string{"Ledger": self}, Env: map[string]string{envLedger: os.DevNull}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.e.Stop)
	if err := b.e.Send("Mails", "await "+b.gate, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job has begun", func() bool { return b.counters().InFlight == 1 })
	return b
}

func (b *runningBatch) counters() local.SQSCounters {
	b.t.Helper()
	for _, q := range b.e.State().Queues {
		if q.LogicalID == "Mails" {
			return q.Counters
		}
	}
	b.t.Fatal("no queue")
	return local.SQSCounters{}
}

func (b *runningBatch) reload(change func(resources map[string]any)) {
	b.t.Helper()
	change(b.template["Resources"].(map[string]any))
	writeAssembly(b.t, b.dir, "Chaos", b.template)
	if err := b.e.Reload(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// TestLossesAreNamed: a reload says which queues and tables lose messages and items.
func TestLossesAreNamed(t *testing.T) {
	t.Parallel()
	log, dir := &lines{}, t.TempDir()
	table := func(key string) map[string]any {
		return map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
			"TableName": "notes", "KeySchema": []any{map[string]any{"AttributeName": key, "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": key, "AttributeType": "S"}},
		}}
	}
	resources := map[string]any{
		"Notes": table("id"), "Jobs": map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "jobs"}},
		"Empty": map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "empty"}},
	}
	writeAssembly(t, dir, "App", map[string]any{"Resources": resources})
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Log: log.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	put := func(key string) {
		t.Helper()
		awsCall(t, e.DynamoDBEndpoint(), "DynamoDB_20120810.PutItem", `{"TableName":"notes","Item":{"`+key+`":{"S":"1"}}}`)
	}
	put("id")
	for _, body := range []string{"a", "b"} {
		if err := e.Send("jobs", body, ""); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(want ...string) {
		t.Helper()
		before := len(log.all())
		writeAssembly(t, dir, "App", map[string]any{"Resources": resources})
		if err := e.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := log.all()[before:]; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	reload()
	resources["Notes"] = table("other")
	delete(resources, "Jobs")
	delete(resources, "Empty")
	reload("queue jobs is no longer in the app; its 2 messages are deleted", "table notes has other keys, so it is a new table; its 1 items are deleted")
	put("other")
	delete(resources, "Notes")
	reload("table notes is no longer in the app; its 1 items are deleted")
}
