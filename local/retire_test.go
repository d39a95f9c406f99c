package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestReloadKeepsBatches: a batch in progress ends by itself when its mapping changes, is
// disabled or is removed. Its message is received once.
func TestReloadKeepsBatches(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(resources map[string]any){
		"changed":  func(resources map[string]any) { properties(resources, "MailsEvent")["BatchSize"] = 1 },
		"disabled": func(resources map[string]any) { properties(resources, "MailsEvent")["Enabled"] = false },
		"removed":  func(resources map[string]any) { delete(resources, "MailsEvent") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			template := ledgerTemplate()
			writeAssembly(t, dir, "Chaos", template)
			e, err := local.Start(t.Context(), local.Options{Assembly: dir, Programs: map[string]string{"Ledger": self}, Env: map[string]string{envLedger: os.DevNull}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Stop)
			counters := func() local.SQSCounters {
				for _, q := range e.State().Queues {
					if q.LogicalID == "Mails" {
						return q.Counters
					}
				}
				t.Fatal("no queue")
				return local.SQSCounters{}
			}
			gate := filepath.Join(dir, "gate")
			if err := e.Send("Mails", "await "+gate, ""); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the job has begun", func() bool { return counters().InFlight == 1 })
			change(template["Resources"].(map[string]any))
			writeAssembly(t, dir, "Chaos", template)
			if err := e.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c := counters(); c.InFlight != 1 || c.Visible != 0 {
				t.Errorf("after the reload: %+v", c)
			}
			if err := os.WriteFile(gate, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the job is done", func() bool { return counters().Deleted == 1 })
			if c := counters(); c.Received != 1 {
				t.Errorf("at the end: %+v", c)
			}
		})
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
