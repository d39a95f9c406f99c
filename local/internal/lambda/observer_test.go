package lambda

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// witness records the observer's calls.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, fmt.Sprintf(format, args...))
}

func (w *witness) has(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.seen, func(s string) bool { return strings.Contains(s, text) })
}

func (w *witness) Instance(e InstanceEvent) {
	w.note("instance %d step %d %s", e.ID, e.Step, e.Why)
}
func (w *witness) Arrived(function string, event *Invocation) Watch {
	w.note("%s: %s arrived", function, event.Payload)
	return watcher{w, string(event.Payload)}
}
func (w *witness) Output(_ int, function string, line []byte) { w.note("%s wrote %s", function, line) }

type watcher struct {
	*witness
	event string
}

func (w watcher) Acquired(instance int, use Use) { w.note("%s on %d %+v", w.event, instance, use) }
func (w watcher) Running()                       { w.note("%s runs", w.event) }
func (w watcher) Lost()                          { w.note("%s is lost", w.event) }
func (w watcher) Ended(response []byte, err error) {
	w.note("%s ended %s %v", w.event, response, err)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	w := &witness{}
	none := 0
	f := setup(t, &Host{Observer: w}, Config{Reserved: &none})
	if _, err := f.event(t, "live", `{"a":1}`); err == nil {
		t.Fatal("want a throttle")
	}
	if err := f.SetReserved(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := f.event(t, "live", `{"a":2}`); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`fn: {"a":1} arrived`, `{"a":1} ended  TooManyRequestsException: Rate Exceeded. ReservedFunctionConcurrentInvocationLimitExceeded`,
		`fn: {"a":2} arrived`, `{"a":2} on 1 {Cold:true Provisioned:false Spill:false}`, `instance 1 step 0 `, `instance 1 step 1 `, `{"a":2} runs`, `{"a":2} ended {"a":2} <nil>`,
	}
	w.mu.Lock()
	got := slices.Clone(w.seen)
	w.mu.Unlock()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAct(t *testing.T) {
	t.Parallel()
	w := &witness{}
	f := setup(t, &Host{Observer: w}, Config{Provisioned: map[string]int{"1": 1}})
	only := func() InstanceState {
		t.Helper()
		var list []InstanceState
		await(t, func() bool {
			_, list = f.State()
			return len(list) == 1 && list[0].PID != 0
		})
		return list[0]
	}
	act := func(id int, action string) {
		t.Helper()
		if found, err := f.Act(id, action); !found || err != nil {
			t.Fatalf("%s: %v, %v", action, found, err)
		}
	}
	first := only()
	await(t, func() bool { _, err := f.Act(first.ID, "freeze"); return err == nil })
	if !only().Frozen {
		t.Error("want it frozen")
	}
	act(first.ID, "thaw")
	if only().Frozen {
		t.Error("want it thawed")
	}
	act(first.ID, "freeze")
	if _, err := f.event(t, "live", `{}`); err != nil || only().Frozen {
		t.Errorf("an event thaws it: %v", err)
	}
	act(first.ID, "kill")
	await(t, func() bool { s := only(); return s.ID != first.ID })
	second := only()
	act(second.ID, "recycle")
	await(t, func() bool { s := only(); return s.ID != second.ID })
	for _, want := range []string{fmt.Sprintf("instance %d step 2 %s", first.ID, EndKilled), fmt.Sprintf("instance %d step 2 %s", second.ID, EndRecycled)} {
		await(t, func() bool { return w.has(want) })
	}
	if found, _ := f.Act(999, "kill"); found {
		t.Error("there is no such instance")
	}
	if found, err := f.Act(only().ID, "paint"); !found || err == nil {
		t.Error("there is no such action")
	}
}

func TestSetReserved(t *testing.T) {
	t.Parallel()
	host := &Host{Concurrency: 10}
	f := setup(t, host, Config{Provisioned: map[string]int{"1": 1}})
	one, two, minus := 1, 2, -1
	for _, c := range []struct {
		n    *int
		want string
	}{{&two, ""}, {&minus, "reserved concurrency must be 0 or more, got -1"}, {nil, ""}, {&one, ""}} {
		got := ""
		if err := f.SetReserved(c.n); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if _, err := f.event(t, "live", `{}`); err != nil || host.busy != 0 || host.reserved != 1 {
		t.Errorf("%v, %d busy, %d reserved", err, host.busy, host.reserved)
	}
}

// broken are faults that always happen.
type broken struct{}

func (broken) Throttle(function string) bool          { return function == "throttled" }
func (broken) SlowInit(string) time.Duration          { return 50 * time.Millisecond }
func (broken) Delay(string) time.Duration             { return 20 * time.Millisecond }
func (broken) Kill(name string) (time.Duration, bool) { return 0, name == "killed" }

func TestFaults(t *testing.T) {
	t.Parallel()
	host := &Host{Faults: broken{}}
	if _, err := setup(t, host, Config{Name: "throttled"}).event(t, "live", `{}`); err == nil || !strings.Contains(err.Error(), "TooManyRequests") {
		t.Errorf("got %v", err)
	}
	began := time.Now()
	if _, err := setup(t, host, Config{Name: "slow"}).event(t, "live", `{}`); err != nil || time.Since(began) < 70*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	f := setup(t, host, Config{Name: "killed"})
	await(t, func() bool {
		_, err := f.event(t, "live", `{"do":"sleep","ms":100}`)
		return err != nil && strings.Contains(err.Error(), "Runtime.ExitError")
	})
}
