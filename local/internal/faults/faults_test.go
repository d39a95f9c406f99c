package faults

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func setup(t *testing.T, faults ...Fault) (*Set, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := New(func() time.Time { return now }, 7)
	if err := s.Replace(faults); err != nil {
		t.Fatal(err)
	}
	return s, &now
}

func TestFaultsAreForWhatTheyName(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, Fault{Kind: Throttle, Function: "a"}, Fault{Kind: Delay, Delay: Duration(time.Second)}, Fault{Kind: Duplicate, Queue: "q"}, Fault{Kind: Database, Off: true})
	if !s.Throttle("a") || s.Throttle("b") {
		t.Error("want a throttled, b not")
	}
	if got := s.Delay("b"); got != time.Second {
		t.Errorf("delay %v", got)
	}
	if !s.Duplicate("q") || s.Duplicate("r") || s.DatabaseGone() {
		t.Error("want the messages of q alone twice, and the database there")
	}
	if _, kill := s.Kill("a"); kill || s.SlowInit("a") != 0 {
		t.Error("want nothing else")
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, Fault{Kind: Throttle, Share: 0.25})
	n := 0
	for range 4000 {
		if s.Throttle("a") {
			n++
		}
	}
	if n < 900 || n > 1100 {
		t.Errorf("%d of 4000", n)
	}
}

func TestFaultsEnd(t *testing.T) {
	t.Parallel()
	fault := Fault{Kind: SlowInit, Delay: Duration(time.Second), For: Duration(10 * time.Second)}
	s, now := setup(t, fault)
	*now = now.Add(9 * time.Second)
	if err := s.Replace([]Fault{fault, {Kind: Throttle}}); err != nil { // the first goes on
		t.Fatal(err)
	}
	if s.SlowInit("a") != time.Second {
		t.Error("want it to go on for ten seconds")
	}
	if state := s.State(); !state[0].Active || state[0].Left != 1 || !state[1].Active || state[1].Left != 0 {
		t.Errorf("%+v", state)
	}
	*now = now.Add(time.Second)
	if s.SlowInit("a") != 0 || s.State()[0].Active {
		t.Error("want it over after ten seconds")
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := Read([]byte(`{"faults": [{"kind": "delay", "delay": "1.5s", "share": 0.5}]}`))
	if err != nil || len(got) != 1 || got[0] != (Fault{Kind: Delay, Delay: Duration(1500 * time.Millisecond), Share: 0.5}) {
		t.Errorf("%+v, %v", got, err)
	}
	data, err := json.Marshal(File{got})
	if err != nil || string(data) != `{"faults":[{"kind":"delay","share":0.5,"delay":"1.5s"}]}` {
		t.Errorf("%s, %v", data, err)
	}
	_, err = Read([]byte(`{"faults": [{"kind": "x", "share": 2}, {"kind": "delay", "queue": "q", "for": "-1s"}]}`))
	want := strings.Join([]string{
		`fault 1: kind must be one of ["kill" "throttle" "delay" "slowInit" "duplicate" "database"], got "x"`, `share must be 0 to 1, got 2`,
		`fault 2: delay must be set for "delay"`, `for must be 0 or more, got -1s`, `queue is for "duplicate" alone, got it for "delay"`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
