package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local/internal/clock"

	"github.com/lambdahearth/hearth/internal/within"
)

func setup(t *testing.T, host *Host, config Config) *Function {
	t.Helper()
	opts := with(t, "echo", Options{Env: config.Env})
	config.Program, config.Env = opts.Program, opts.Env
	if config.Name == "" {
		config.Name = "fn"
	}
	if config.Aliases == nil {
		config.Aliases = map[string]string{"live": "1"}
	}
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	f := NewFunction(host, config)
	t.Cleanup(f.Stop)
	if err := f.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *Function) event(t *testing.T, qualifier, payload string) (string, error) {
	t.Helper()
	out, err := f.Invoke(t.Context(), qualifier, Invocation{Payload: []byte(payload)})
	return string(out), err
}

// environmentOf asks an instance for its environment.
func environmentOf(t *testing.T, f *Function, qualifier string) map[string]string {
	t.Helper()
	out, err := f.event(t, qualifier, `{"do":"env"}`)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	return env
}

func number(n int) *int { return &n }

// occupy keeps n instances busy until the test ends.
func occupy(t *testing.T, f *Function, n int) {
	t.Helper()
	before, _ := f.State()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for range n {
		go f.Invoke(ctx, "live", Invocation{Payload: []byte(`{"do":"sleep"}`)}) //nolint:errcheck // it never ends
	}
	await(t, func() bool { c, _ := f.State(); return c.Invocations == before.Invocations+n })
}

// await waits for an effect of another goroutine or process.
func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
	}
}

func TestProvisionedAndSpillover(t *testing.T) {
	t.Parallel()
	f := setup(t, &Host{}, Config{Reserved: number(3), Provisioned: map[string]int{"1": 1}})
	if env := environmentOf(t, f, "live"); env["AWS_LAMBDA_INITIALIZATION_TYPE"] != "provisioned-concurrency" || env["AWS_LAMBDA_FUNCTION_VERSION"] != "1" {
		t.Errorf("through the alias: %v", env)
	}
	if env := environmentOf(t, f, ""); env["AWS_LAMBDA_INITIALIZATION_TYPE"] != "on-demand" || env["AWS_LAMBDA_FUNCTION_VERSION"] != "$LATEST" {
		t.Errorf("unqualified: %v", env)
	}
	occupy(t, f, 1) // the provisioned one
	if env := environmentOf(t, f, "live"); env["AWS_LAMBDA_INITIALIZATION_TYPE"] != "on-demand" {
		t.Errorf("spill-over: %v", env)
	}
	occupy(t, f, 2)
	_, err := f.event(t, "live", `{}`)
	var throttled *ThrottleError
	if !errors.As(err, &throttled) || throttled.Reason != "ReservedFunctionConcurrentInvocationLimitExceeded" {
		t.Errorf("over the reservation: %v", err)
	}
	c, instances := f.State()
	if c.Provisioned != 2 || c.Spillover != 3 || c.Throttles != 1 || c.MaxConcurrent != 3 || len(instances) != 4 {
		t.Errorf("%+v %+v", c, instances)
	}
	if _, err := f.event(t, "gone", `{}`); !errors.Is(err, ErrNoQualifier) {
		t.Errorf("got %v", err)
	}
}

func TestReservedZeroAndAccount(t *testing.T) {
	t.Parallel()
	host := &Host{Concurrency: 3}
	stopped := setup(t, host, Config{Reserved: number(0)})
	if _, err := stopped.event(t, "live", `{}`); err == nil || !strings.Contains(err.Error(), "ReservedFunctionConcurrentInvocationLimitExceeded") {
		t.Errorf("reserved 0: %v", err)
	}
	setup(t, host, Config{Name: "other", Reserved: number(2)})
	free := setup(t, host, Config{Name: "free"})
	occupy(t, free, 1)
	if _, err := free.event(t, "live", `{}`); err == nil || !strings.Contains(err.Error(), "ConcurrentInvocationLimitExceeded") {
		t.Errorf("over what the others leave: %v", err)
	}
}

func TestRetireAndReuse(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	f := setup(t, &Host{Clock: c}, Config{Provisioned: map[string]int{"1": 1}})
	for range 2 { // one instance is enough
		if _, err := f.event(t, "", `{}`); err != nil {
			t.Fatal(err)
		}
	}
	if _, instances := f.State(); len(instances) != 2 {
		t.Errorf("instances: %+v", instances)
	}
	if err := c.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(DefaultIdle)
	await(t, func() bool { counters, _ := f.State(); return counters.Retired == 1 })
	if _, instances := f.State(); len(instances) != 1 || !instances[0].Provisioned {
		t.Errorf("instances: %+v", instances)
	}
}

func TestCrashedInstancesAreReplaced(t *testing.T) {
	t.Parallel()
	f := setup(t, &Host{}, Config{Provisioned: map[string]int{"1": 1}})
	_, before := f.State()
	_, err := f.event(t, "live", `{"do":"exit"}`)
	wantFunctionError(t, err, "Runtime.ExitError", "exit status 4")
	await(t, func() bool {
		_, now := f.State()
		return len(now) == 1 && now[0].PID != before[0].PID && now[0].Provisioned
	})
	_, now := f.State()
	process.Kill(now[0].PID) // while it is idle
	await(t, func() bool { c, _ := f.State(); return c.Crashes == 2 })
	if out, err := f.event(t, "live", `{"a":1}`); err != nil || out != `{"a":1}` {
		t.Errorf("got %s, %v", out, err)
	}
	if c, _ := f.State(); c.Errors != 1 {
		t.Errorf("%+v", c)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := setup(t, &Host{}, Config{Provisioned: map[string]int{"1": 2}, Env: map[string]string{"COLOR": "red"}})

	// A busy instance finishes; a broken configuration changes nothing.
	results := make(chan error, 1)
	go func() {
		_, err := f.event(t, "live", `{"do":"nap"}`)
		results <- err
	}()
	await(t, func() bool { c, _ := f.State(); return c.Invocations == 1 })
	broken := f.Config()
	broken.Program = "testdata/none"
	if err := f.Update(t.Context(), broken); err == nil {
		t.Error("a program that is not there started")
	}
	if color := environmentOf(t, f, "live")["COLOR"]; color != "red" {
		t.Errorf("after a failed update: %q", color)
	}

	// No invocation fails while instances are swapped.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := f.event(t, "live", `{}`); err != nil {
					t.Errorf("during an update: %v", err)
					return
				}
			}
		})
	}
	next := f.Config()
	next.Env = map[string]string{"TEST_PROGRAM": "echo", "COLOR": "blue"}
	if err := f.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if color := environmentOf(t, f, "live")["COLOR"]; color != "blue" {
			t.Errorf("after an update: %q", color)
		}
	}
	close(stop)
	wg.Wait()
	if err := within.Receive(t, results); err != nil {
		t.Errorf("what was on its way: %v", err)
	}
}

func TestAsync(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	records, dead := make(chan string, 1), make(chan string, 1)
	f := setup(t, &Host{Clock: c}, Config{Async: Async{
		OnFailure:  func(_ context.Context, record []byte) { records <- string(record) },
		OnSuccess:  func(_ context.Context, record []byte) { records <- string(record) },
		DeadLetter: func(_ context.Context, event []byte, _ string, _ *FunctionError) { dead <- string(event) },
	}})
	if err := f.InvokeAsync("live", Invocation{Payload: []byte(`{"a":1}`), RequestID: "id"}); err != nil {
		t.Fatal(err)
	}
	if got := within.Receive(t, records); !strings.Contains(got, `"condition":"Success"`) || !strings.Contains(got, `"responsePayload":{"a":1}`) {
		t.Errorf("success: %s", got)
	}
	if err := f.InvokeAsync("live", Invocation{Payload: []byte(`{"do":"fail"}`)}); err != nil {
		t.Fatal(err)
	}
	for retry := 1; retry <= 2; retry++ {
		await(t, func() bool { n, _ := f.State(); return n.AsyncRetries == retry })
		if err := c.AwaitTimers(t.Context(), 2); err != nil { // the retry and an idle instance
			t.Fatal(err)
		}
		c.Advance(time.Duration(retry) * time.Minute)
	}
	if got := within.Receive(t, records); !strings.Contains(got, `"condition":"RetriesExhausted","approximateInvokeCount":3`) || !strings.Contains(got, "no luck") {
		t.Errorf("failure: %s", got)
	}
	if got := within.Receive(t, dead); got != `{"do":"fail"}` {
		t.Errorf("dead letter: %s", got)
	}
	if err := f.InvokeAsync("live", Invocation{Payload: make([]byte, maxAsyncBytes+1)}); err == nil {
		t.Error("an event of over 1 MB was taken")
	}
}

// TestRecords: the records that destinations get, field by field.
func TestRecords(t *testing.T) {
	t.Parallel()
	none, zero := 0, 0
	for name, c := range map[string]struct {
		qualifier, payload string
		reserved           *int
		want               string
	}{
		"success": {"", `{"a":1}`, nil, `"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST","condition":"Success","approximateInvokeCount":1},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":{"a":1}}`},
		"failure": {"", `{"do":"fail"}`, nil, `"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":1},` +
			`"requestPayload":{"do":"fail"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no luck","errorType":"errorString"}}`},
		"alias": {"live", `{"a":1}`, nil, `"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:live","condition":"Success","approximateInvokeCount":1},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"1"},"responsePayload":{"a":1}}`},
		"no concurrency": {"", `{"a":1}`, &zero, `"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST","condition":"ZeroReservedConcurrency","approximateInvokeCount":0},` +
			`"requestPayload":{"a":1}}`},
	} {
		records := make(chan string, 1)
		keep := func(_ context.Context, record []byte) { records <- string(record) }
		f := setup(t, &Host{Clock: clock.NewManual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))}, Config{Region: defaultRegion, Account: defaultAccount, Reserved: c.reserved, Async: Async{Retries: &none, OnFailure: keep, OnSuccess: keep}})
		if err := f.InvokeAsync(c.qualifier, Invocation{Payload: []byte(c.payload), RequestID: "id"}); err != nil {
			t.Fatal(err)
		}
		want := `{"version":"1.0","timestamp":"2026-11-23T00:00:00.000Z","requestContext":{"requestId":"id",` + c.want
		if got := within.Receive(t, records); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	i := start(t, Options{Freeze: true})
	for n := range 20 {
		want := fmt.Sprintf(`{"n":%d}`, n)
		if out, err := i.Invoke(t.Context(), []byte(want)); err != nil || string(out) != want {
			t.Fatalf("got %s, %v", out, err)
		}
	}
	frozen := func() bool {
		i.freezer.mu.Lock()
		defer i.freezer.mu.Unlock()
		return i.freezer.frozen
	}
	await(t, frozen)
	if _, err := i.Invoke(t.Context(), []byte(`{}`)); err != nil {
		t.Error(err)
	}
	await(t, frozen)
	i.Stop() // a frozen process ends too
}

func TestLineWriter(t *testing.T) {
	t.Parallel()
	var lines []string
	w := newLineWriter(writerFunc(func(p []byte) { lines = append(lines, string(p)) }))
	long := strings.Repeat("e", maxLine-2) + "ü" // the limit is inside the last character
	for _, part := range []string{"a", "b\nc", "\n\nd", long, "f"} {
		if n, err := w.Write([]byte(part)); err != nil || n != len(part) {
			t.Fatal(n, err)
		}
	}
	w.(*lineWriter).flush()
	w.(*lineWriter).flush()
	if want := []string{"ab\n", "c\n", "\n", "d" + long[:maxLine-2] + "\n", "üf\n"}; !slices.Equal(lines, want) {
		t.Errorf("%.20q", lines)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }
