package storetest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
)

// The variables with which a test instructs its child.
const (
	envStep    = "HEARTH_TEST_CRASH_STEP"
	envEffects = "HEARTH_TEST_CRASH_EFFECTS"
)

// CrashStep is the step at which a child of [RunChild] kills itself; "" in any other
// process.
func CrashStep() string { return os.Getenv(envStep) }

// Die kills the process, so that no deferred function runs and nothing is sent any more.
func Die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// RunChild runs the calling test again in a process of its own, with step as [CrashStep],
// and waits until that process has killed itself.
func RunChild(t *testing.T, step string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	name, _, _ := strings.Cut(t.Name(), "/")
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+name+"$", "-test.v")
	child.Env = append(append(os.Environ(), env...), envStep+"="+step)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	err := child.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() || ctx.Err() != nil {
		t.Fatalf("the child must kill itself, got %v:\n%s", err, &out)
	}
}

// crashes are the steps at which [RunCrashes] kills a process, and what must hold then.
var crashes = []struct {
	step    string
	again   bool // whether the next attempt does the work
	effects int  // in the end
}{
	{"before the work", true, 1},
	{"between the effect and the result", true, 2}, // the one gap; see the package's documentation
	{"before the answer", false, 1},
}

// RunCrashes kills processes between the steps of an attempt. open returns the store with
// a clock, or with the machine's if clock is nil; env are the variables of a child.
func RunCrashes(t *testing.T, env []string, open func(t *testing.T, clock *Clock) idempotency.Store) {
	if step := CrashStep(); step != "" {
		got, err := attempt(t, open(t, nil), step)
		t.Fatalf("the step %q did not come: %q, %v", step, got, err)
	}
	for _, c := range crashes {
		t.Run(c.step, func(t *testing.T) {
			effects := filepath.Join(t.TempDir(), "effects")
			t.Setenv(envEffects, effects)
			clock := NewClock()
			store := open(t, clock)
			RunChild(t, c.step, env...)
			if c.again {
				if _, err := attempt(t, store, ""); !errors.Is(err, idempotency.ErrInProgress) {
					t.Fatalf("before the end of the lease: got %v", err)
				}
			}
			clock.Advance(time.Since(clock.Now()) + lease + time.Second)
			want := "by the first"
			if c.again {
				want = "by the next"
			}
			for range 2 { // the second is a repetition in any case
				if got, err := attempt(t, store, ""); err != nil || got != want {
					t.Fatalf("after the lease: got %q, %v; want %q", got, err, want)
				}
			}
			data, err := os.ReadFile(effects)
			if n := bytes.Count(data, []byte("\n")); err != nil || n != c.effects {
				t.Errorf("it took effect %d times, want %d: %v", n, c.effects, err)
			}
		})
	}
}

// attempt makes one attempt at the key, which dies at the given step. Its effect is a
// line in a file.
func attempt(t *testing.T, store idempotency.Store, dieAt string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	step := func(name string) {
		if name == dieAt {
			Die()
		}
	}
	effects := os.Getenv(envEffects)
	guard := idempotency.New("crashes", store, idempotency.Options{Lease: lease, Keep: keep})
	got, err := idempotency.Do(ctx, guard, effects, func(context.Context) (string, error) {
		step("before the work")
		f, err := os.OpenFile(effects, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString("done\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		step("between the effect and the result")
		if dieAt != "" {
			return "by the first", nil
		}
		return "by the next", nil
	})
	step("before the answer")
	return got, err
}
