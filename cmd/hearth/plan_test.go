package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/plan"
)

// TestPlan checks that, without a project, the JSON has the keys that other programs read,
// and the figures of Erlang's formula.
func TestPlan(t *testing.T) {
	t.Parallel()
	hearth := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"plan"}, args...), strings.NewReader(""), &out, io.Discard); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	type figures struct {
		ColdShare, SpillShare, ThrottledShare, MeanInstances, MeanBusy, MeanIdle *float64
		Latency                                                                  struct{ P50, P90, P99, P999 *float64 }
	}
	args := []string{"--json", "--rate", "5", "--duration", "1s", "--init", "0s", "--idle", "10m", "--provisioned", "8", "--reserved", "50", "--seed", "1", "--requests", "400000"}
	text := hearth(args...)
	var got figures
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got             *float64
		want, tolerance float64
	}{
		"spillShare": {got.SpillShare, 0.070048, 1e-4}, "throttledShare": {got.ThrottledShare, 0, 1e-9}, "coldShare": {got.ColdShare, 0, 0.001},
		"meanBusy": {got.MeanBusy, 5, 0.1}, "meanInstances": {got.MeanInstances, 15, 2}, "meanIdle": {got.MeanIdle, 10, 2},
		"p50": {got.Latency.P50, math.Ln2, 0.02}, "p90": {got.Latency.P90, math.Log(10), 0.05}, "p99": {got.Latency.P99, math.Log(100), 0.1}, "p999": {got.Latency.P999, math.Log(1000), 0.3},
	} {
		if c.got == nil || math.Abs(*c.got-c.want) > c.tolerance {
			t.Errorf("%s: got %v, want %g", name, c.got, c.want)
		}
	}
	if hearth(args...) != text {
		t.Error("the same seed gives other bytes")
	}
	if hearth(append(args, "--seed", "2")...) == text {
		t.Error("another seed gives the same bytes")
	}
	page := filepath.Join(t.TempDir(), "plan.html")
	out := hearth("--rate", "0.001", "--duration", "constant:200ms", "--init", "2s", "--requests", "20000", "--html", page, "--out", page+".json")
	if f, err := plan.Open(page + ".json"); err != nil || f.Recommended.Provisioned.Min != 1 {
		t.Errorf("the plan file: %+v, %v", f, err)
	}
	if data, err := os.ReadFile(page); err != nil || !bytes.Contains(data, []byte("<svg")) || !strings.Contains(out, "The page is "+page) || !strings.Contains(out, "hearth.Fixed(1)") {
		t.Errorf("got %v, %s", err, out)
	}
}

func TestPlanMistakes(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"plan: unknown flag: --x; see hearth plan --help":                                                         {"--x"},
		"plan takes no arguments, got 1 argument; see hearth plan --help":                                         {"5"},
		`plan: --rate must be a number, got "often"; see hearth plan --help`:                                      {"--rate", "often"},
		`plan: invalid argument "0" for "--rate" flag: must be above 0 requests a second; see hearth plan --help`: {"--rate", "0"},
		`plan: --deploy must be a duration such as 30s or 5m, got "noon"; see hearth plan --help`:                 {"--deploy", "noon"},
	} {
		if err := run(t.Context(), append([]string{"plan"}, args...), nil, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v:\ngot  %v\nwant %s", args, err, want)
		}
	}
}
