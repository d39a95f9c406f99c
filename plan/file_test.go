package plan

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keep writes a plan file and reads it again.
func keep(t *testing.T, s Scenario, goals Goals) *File {
	t.Helper()
	a := advise(t, s, goals)
	f, err := NewFile(Input{Scenario: s, Goals: goals}, a)
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := f.Write(&first); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, first.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	read, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Write(&second); err != nil || second.String() != first.String() {
		t.Errorf("%v, read as\n%s\nwant\n%s", err, second.String(), first.String())
	}
	return read
}

// TestFile checks that the recommended settings of a plan serve its traffic, and that
// smaller ones do not.
func TestFile(t *testing.T) {
	t.Parallel()
	f := keep(t, Scenario{Traffic: Bursts(2, 20, 100*time.Millisecond), Duration: Exponential(200 * time.Millisecond), Init: Constant(2 * time.Second), Idle: Band{Min: 10 * time.Second}, Seed: 1,
		Queues: []Queue{{Name: "jobs", Traffic: Steady(1), Duration: Constant(time.Second)}}, Length: time.Hour}, Goals{ColdShare: 0.01, Others: 3})
	if f.QueueInstances != 5 || f.ColdShare != 0.01 || f.Traffic.BurstSize != 20 {
		t.Errorf("got %+v", f)
	}
	p, reserved := *f.Recommended.Provisioned, f.Recommended.Reserved
	for name, c := range map[string]struct {
		p        Provisioned
		reserved *int
		want     []Unserved
	}{
		"as recommended":   {p, &reserved, nil},
		"nothing reserved": {p, nil, nil},
		"little reserved":  {p, new(10), []Unserved{{Reserved: true, Goal: "1 in 10,000"}}},
		"none warm":        {Provisioned{}, &reserved, []Unserved{{Goal: "1%"}}},
	} {
		got, err := f.Unserved(c.p, c.reserved)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Share == "" || got[i].Share == "0%" {
				t.Errorf("%s: got %+v", name, got[i])
			}
			got[i].Share = ""
		}
		if name == "none warm" && len(got) > 1 {
			got = got[1:] // cold requests occupy instances for longer, so the reserved ones are too few
		}
		if name == "little reserved" && len(got) > 1 {
			got = got[:1]
		}
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	// There is no goal for an init that nobody notices. The file keeps samples.
	short := keep(t, Scenario{Traffic: Diurnal(0.01, 1), Duration: Samples(10*time.Millisecond, 30*time.Millisecond), Init: Constant(45 * time.Millisecond)}, Goals{})
	if got, err := short.Unserved(Provisioned{}, nil); err != nil || len(got) > 0 || short.Duration.Mean() != 0.02 {
		t.Errorf("got %+v, %v, %s", got, err, short.Duration)
	}
}

func TestFileMistakes(t *testing.T) {
	t.Parallel()
	if _, err := NewFile(Input{Scenario: Scenario{Traffic: Trace(nil)}}, &Advice{}); err == nil || !strings.Contains(err.Error(), "give the counts per minute") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if _, err := Open(path); err == nil || !strings.HasSuffix(err.Error(), "; write it with hearth plan --out") {
		t.Errorf("got %v", err)
	}
	for text, want := range map[string]string{
		"x":                            "must be JSON, got invalid character 'x' looking for beginning of value; write it with hearth plan --out",
		`{"version": 2}`:               "version must be 1, got 2; write it anew with hearth plan --out",
		`{"version": 1, "more": 1}`:    `must be a plan, got json: unknown field "more"; write it with hearth plan --out`,
		`{"version": 1}`:               "duration and init must be set, got none; write it with hearth plan --out",
		`{"version":1,"duration":"x"}`: "must be a plan, got must be a duration such as",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), "read plan file "+path+": "+want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
