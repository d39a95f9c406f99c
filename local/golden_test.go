package local_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestConstructsTemplates starts the constructs' golden templates, with one program in
// place of each of theirs.
func TestConstructsTemplates(t *testing.T) {
	t.Parallel()
	goldens, err := filepath.Glob("../constructs/testdata/golden/*.json")
	if err != nil || len(goldens) == 0 {
		t.Fatal(goldens, err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, golden := range goldens {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var template map[string]any
			if err := json.Unmarshal(data, &template); err != nil {
				t.Fatal(err)
			}
			programs := map[string]string{}
			for id := range template["Resources"].(map[string]any) {
				programs[id] = self
			}
			e, err := local.Start(t.Context(), local.Options{
				Assembly: writeAssembly(t, t.TempDir(), "Golden", template), Programs: programs, Env: map[string]string{envLedger: os.DevNull},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Stop()
			s := e.State()
			t.Logf("%d functions, %d queues, %d tables, %d event sources, %d schedules, %d HTTP APIs, %d WebSocket APIs, %d not simulated",
				len(s.Functions), len(s.Queues), len(s.Tables), len(s.EventSources), len(s.Schedules), len(s.HTTPAPIs), len(s.WebSocketAPIs), len(s.NotSimulated))
			for _, r := range s.NotSimulated {
				if r.Why != "" {
					t.Logf("%+v", r)
				}
			}
		})
	}
}
