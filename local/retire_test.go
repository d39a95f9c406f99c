package local_test

import (
	"os"
	"path/filepath"
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
