package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local/internal/clock"
)

// unready makes a function whose program does not stay ready: "exits", "hangs" and so on.
func unready(t *testing.T, host *Host, program string, config Config) *Function {
	t.Helper()
	opts := with(t, program, Options{})
	config.Name, config.Program, config.Env = "fn", opts.Program, opts.Env
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	f := NewFunction(host, config)
	t.Cleanup(f.Stop)
	return f
}

// next advances the clock to its next timer.
func next(t *testing.T, c *clock.Manual, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.AwaitTimers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(d)
}

// TestProvisionedInstancesThatFail are started again after pauses that grow, one of them
// at a time, with one line for each pause.
func TestProvisionedInstancesThatFail(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"exits":       "fn: an instance did not start: Runtime.ExitError: Runtime exited with error: exit status 3",
		"leaves":      "fn: Runtime exited with error: exit status 1, between invocations",
		"leaves well": "fn: Runtime exited without providing a reason, between invocations",
	} {
		for _, n := range []int{1, 20} {
			t.Run(fmt.Sprint(program, n), func(t *testing.T) {
				t.Parallel()
				log, c := &logged{}, clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
				f := unready(t, &Host{Log: log.logf, Clock: c}, program, Config{Provisioned: map[string]int{"1": n}})
				f.Provision(t.Context()) //nolint:errcheck // the log says so too
				failures := n
				for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
					line := fmt.Sprintf("; the provisioned instance is started again in %v", pause)
					await(t, func() bool { return len(log.with(line)) == 1 })
					await(t, func() bool { counters, _ := f.State(); return counters.Crashes+counters.InitErrors == failures })
					next(t, c, pause)
					failures++
				}
				await(t, func() bool { return len(log.with("in 16s")) == 1 })
				lines := log.with("")
				if len(lines) != 5 {
					t.Errorf("%d lines: %q", len(lines), lines)
				}
				for _, line := range lines { // on a busy machine it leaves before it is ready
					if before, _, _ := strings.Cut(line, ";"); before != want && !strings.HasPrefix(before, "fn: an instance did not start: Runtime.ExitError: Runtime exited ") {
						t.Errorf("got %q, want %s", line, want)
					}
				}
			})
		}
	}
}

// TestFailingInstancesAreMended: a new program starts at once, and without the pauses of
// the old one.
func TestFailingInstancesAreMended(t *testing.T) {
	t.Parallel()
	log, c := &logged{}, clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	f := unready(t, &Host{Log: log.logf, Clock: c}, "exits", Config{Provisioned: map[string]int{"1": 3}, Aliases: map[string]string{"live": "1"}})
	f.Provision(t.Context()) //nolint:errcheck // the log says so too
	next(t, c, time.Second)
	await(t, func() bool { return len(log.with("in 2s")) == 1 })
	config := f.Config()
	config.Env = with(t, "echo", Options{}).Env
	if err := f.Update(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, list := f.State(); len(list) != 3 {
		t.Errorf("%d instances: %+v", len(list), list)
	}
	if _, err := f.event(t, "live", `{"do":"exit"}`); err == nil {
		t.Error("no error")
	}
	await(t, func() bool { counters, list := f.State(); return counters.Crashes == 1 && len(list) == 3 }) // without a pause
	c.Advance(time.Hour)
	if out, err := f.event(t, "live", `{"a":1}`); err != nil || out != `{"a":1}` {
		t.Errorf("got %s, %v", out, err)
	}
	if counters, list := f.State(); len(list) != 3 || counters.InitErrors != 4 || counters.Crashes != 1 {
		t.Errorf("%+v %+v", counters, list)
	}
}

// TestInitPhaseThatHangs keeps neither the start nor an update waiting for long.
func TestInitPhaseThatHangs(t *testing.T) {
	t.Parallel()
	log := &logged{}
	f := unready(t, &Host{Log: log.logf, initPatience: 50 * time.Millisecond}, "hangs", Config{Provisioned: map[string]int{"1": 2}, Aliases: map[string]string{"live": "1"}})
	if err := f.Provision(t.Context()); err != nil {
		t.Error(err)
	}
	want := "fn: the init phase of 2 provisioned instance(s) is not over after 50ms; requests get other instances until then; Lambda allows 2m10s"
	if got := log.with(""); len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}

	config := f.Config()
	config.Env = with(t, "echo", Options{}).Env
	if err := f.Update(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if out, err := f.event(t, "live", `{"a":1}`); err != nil || out != `{"a":1}` {
		t.Errorf("got %s, %v", out, err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	updated := make(chan error, 1)
	config.Env = with(t, "hangs", Options{}).Env
	go func() { updated <- f.Update(ctx, config) }()
	await(t, func() bool { return len(log.with("the old program serves until then")) == 1 })
	cancel(errors.New("impatient"))
	if err := within.Receive(t, updated); err == nil || err.Error() != "impatient" {
		t.Errorf("got %v", err)
	}
	if out, err := f.event(t, "live", `{"a":2}`); err != nil || out != `{"a":2}` {
		t.Errorf("the old program: %s, %v", out, err)
	}
}

// TestSlowInitPhase of an instance without provisioned concurrency: Lambda runs it a
// second time, within the function's timeout.
func TestSlowInitPhase(t *testing.T) {
	t.Parallel()
	log := &logged{}
	f := unready(t, &Host{Log: log.logf, initTimeout: 50 * time.Millisecond}, "is slow", Config{})
	if out, err := f.event(t, "", `{"do":"deadline"}`); err != nil || out > "29" || out < "2" {
		t.Errorf("%s s are left, %v", out, err) // the init phase took one of 30
	}
	if got := log.with("fn: the init phase was not over after 50ms; Lambda runs it again as a part of the invocation, within the function's timeout of 30s"); len(got) != 1 {
		t.Errorf("got %q", log.with(""))
	}
	if out, err := f.event(t, "", `{"do":"deadline"}`); err != nil || !strings.HasPrefix(out, "29.") && out != "30" {
		t.Errorf("%s s are left, %v", out, err)
	}

	f = unready(t, &Host{Log: log.logf, initTimeout: 50 * time.Millisecond}, "is slow", Config{Timeout: 100 * time.Millisecond})
	_, err := f.event(t, "", `{}`)
	wantFunctionError(t, err, "Sandbox.Timedout", "Task timed out after 0.10 seconds")
	if got := log.with("fn: an instance did not start: Sandbox.Timedout: Task timed out after 0.10 seconds, all of them in the init phase"); len(got) != 1 {
		t.Errorf("got %q", log.with(""))
	}
}

// TestInitErrors: the caller of an invocation gets Lambda's own errors with the id of the
// request, and the program's error as it is.
func TestInitErrors(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"exits":      `{"errorMessage":"RequestId: id Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}`,
		"exits well": `{"errorMessage":"RequestId: id Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"}`,
		"init error": `{"errorMessage":"no","errorType":"Own"}`,
		"hangs":      `{"errorMessage":"RequestId: id Error: Task timed out after 0.10 seconds","errorType":"Sandbox.Timedout"}`,
	} {
		f := unready(t, &Host{initTimeout: 50 * time.Millisecond}, program, Config{Timeout: 100 * time.Millisecond})
		if program != "hangs" {
			f = unready(t, &Host{}, program, Config{})
		}
		_, err := f.Invoke(t.Context(), "", Invocation{Payload: []byte(`{}`), RequestID: "id"})
		var failure *FunctionError
		if !errors.As(err, &failure) || string(failure.Payload) != want {
			t.Errorf("%s: got %v, want %s", program, err, want)
		}
	}
}

// TestProgramsThatCannotRun: the error names the cause, which the operating system's does
// not.
func TestProgramsThatCannotRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"missing":        {"", 0, "no such file or directory"},
		"not executable": {"#!/bin/sh\n", 0o644, "permission denied; it is not executable"},
		"no loader":      {"#!/not/there\n", 0o755, "no such file or directory; the program is there, but not the loader or interpreter that it needs, such as another C library's; build it with CGO_ENABLED=0"},
		"other machine":  {"\x7fELF nothing", 0o755, "exec format error; it is built for another machine"},
	} {
		program := filepath.Join(t.TempDir(), "bootstrap")
		if c.mode != 0 {
			if err := errors.Join(process.WriteProgram(program, []byte(c.text)), os.Chmod(program, c.mode)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Start(t.Context(), Options{Program: program})
		if want := "Runtime.InvalidEntrypoint: fork/exec " + program + ": " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// TestAsyncProgramThatCannotRun: such an event is given up like one that a program failed.
func TestAsyncProgramThatCannotRun(t *testing.T) {
	t.Parallel()
	c, records := clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)), make(chan string, 1)
	f := NewFunction(&Host{Clock: c}, Config{Name: "fn", Program: "testdata/none", Timeout: time.Second, Async: Async{
		OnFailure: func(_ context.Context, record []byte) { records <- string(record) },
	}})
	t.Cleanup(f.Stop)
	if err := f.InvokeAsync("gone", Invocation{Payload: []byte(`{}`)}); !errors.Is(err, ErrNoQualifier) {
		t.Errorf("an alias that is not there: %v", err)
	}
	if err := f.InvokeAsync("", Invocation{Payload: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	next(t, c, time.Minute)
	next(t, c, 2*time.Minute)
	record := within.Receive(t, records)
	if !strings.Contains(record, `"condition":"RetriesExhausted","approximateInvokeCount":3`) || !strings.Contains(record, `"errorType":"Runtime.InvalidEntrypoint"`) {
		t.Errorf("got %s", record)
	}
	if counters, _ := f.State(); counters.Errors != 3 || counters.InitErrors != 3 {
		t.Errorf("%+v", counters)
	}
}
