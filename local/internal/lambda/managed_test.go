package lambda

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
)

// rendezvous is an address that answers when n requests are there at the same time.
func rendezvous(t *testing.T, n int) string {
	t.Helper()
	var mu sync.Mutex
	there, all := 0, make(chan struct{})
	srv := within.Server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if there++; there == n {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-r.Context().Done():
		}
	}))
	return srv.URL
}

// TestManagedInstances: one process handles several invocations at once, and no more
// than it may.
func TestManagedInstances(t *testing.T) {
	t.Parallel()
	const each = 4
	for _, c := range []struct{ invocations, processes int }{{each, 1}, {each + 1, 2}, {3 * each, 3}} {
		f := setup(t, &Host{}, Config{PerInstance: each})
		if out := environmentOf(t, f, "live"); out["AWS_LAMBDA_MAX_CONCURRENCY"] != "4" {
			t.Errorf("AWS_LAMBDA_MAX_CONCURRENCY is %q", out["AWS_LAMBDA_MAX_CONCURRENCY"])
		}
		// Warm as many processes as the load needs; one that starts takes one invocation.
		for len(instances(f)) < c.processes {
			load(t, f, (len(instances(f))*each)+1)
		}
		load(t, f, c.invocations)
		if got := len(instances(f)); got != c.processes {
			t.Errorf("%d invocations at once: %d processes, want %d", c.invocations, got, c.processes)
		}
		counters, _ := f.State()
		if counters.MaxConcurrent < c.invocations || counters.Errors != 0 {
			t.Errorf("%+v", counters)
		}
		// A process that ends takes all its invocations along; the next ones find another.
		results := make(chan error, each)
		for range each - 1 {
			go func() {
				_, err := f.Invoke(t.Context(), "live", Invocation{Payload: []byte(`{"do":"sleep"}`)})
				results <- err
			}()
		}
		await(t, func() bool { return active(f) == each-1 })
		f.Invoke(t.Context(), "live", Invocation{Payload: []byte(`{"do":"exit"}`)})
		if c.processes == 1 {
			for range each - 1 {
				var failure *FunctionError
				if err := within.Receive(t, results); !errors.As(err, &failure) || failure.Type != "Runtime.ExitError" {
					t.Errorf("got %v", err)
				}
			}
		}
		if out, err := f.event(t, "live", `{"n":1}`); err != nil || out != `{"n":1}` {
			t.Errorf("afterwards: %s, %v", out, err)
		}
	}
}

// TestManagedTimeouts: a timeout ends neither the process nor the code that is late. That
// code keeps its place, and its answer is refused.
func TestManagedTimeouts(t *testing.T) {
	t.Parallel()
	f := setup(t, &Host{}, Config{PerInstance: 2, Timeout: 2 * time.Second})
	echo := func() {
		t.Helper()
		if out, err := f.event(t, "live", `{"a":1}`); err != nil || out != `{"a":1}` {
			t.Errorf("got %s, %v", out, err)
		}
	}
	echo()
	for processes, invocations := range []int{1: 2, 2: 1} { // at once
		results := make(chan error, 2)
		for range invocations {
			go func() {
				_, err := f.event(t, "live", `{"do":"sleep"}`)
				results <- err
			}()
		}
		for range invocations {
			wantFunctionError(t, within.Receive(t, results), "Sandbox.Timedout", "Task timed out after 2.00 seconds")
		}
		if got := len(instances(f)); invocations > 0 && got != processes {
			t.Errorf("%d processes, want %d", got, processes)
		}
	}
	echo()
	if counters, list := f.State(); len(list) != 2 || counters.Timeouts != 3 || counters.Crashes != 0 {
		t.Errorf("%+v %+v", counters, list)
	}

	opts := with(t, "calls", Options{})
	f = NewFunction(&Host{}, Config{Name: "fn", Program: opts.Program, Env: opts.Env, Timeout: 2 * time.Second, PerInstance: 2})
	t.Cleanup(f.Stop)
	_, err := f.event(t, "", `{"calls":[["POST","invocation/{id}/response","late"]]}`)
	wantFunctionError(t, err, "Sandbox.Timedout", "Task timed out after 2.00 seconds")
	await(t, func() bool { return late(f) == 0 })
	if out, err := f.event(t, "", `{"report":true}`); err != nil || out != `["410 Gone InvokeTimeout"]` || len(instances(f)) != 1 {
		t.Errorf("got %s, %v, %d processes", out, err, len(instances(f)))
	}
}

// TestAttempts: a retry has the request id of an invocation whose code is late. The answer
// of that code is not taken for the retry's.
func TestAttempts(t *testing.T) {
	t.Parallel()
	for _, echoes := range []bool{true, false} {
		api := newRuntimeAPI(Options{Concurrency: 2})
		srv := httptest.NewServer(api.handler())
		defer srv.Close()
		call := func(method, path, attempt string) (status int, got string) {
			t.Helper()
			req, err := http.NewRequest(method, srv.URL+"/2018-06-01/runtime/invocation/"+path, strings.NewReader(attempt))
			if err != nil {
				t.Fatal(err)
			}
			if echoes && attempt != "" {
				req.Header.Set("Lambda-Runtime-Invocation-Id", attempt)
			}
			resp, err := within.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode, resp.Header.Get("Lambda-Runtime-Invocation-Id")
		}
		first, retry := &invocation{id: "id", attempt: "first", done: make(chan struct{})}, &invocation{id: "id", attempt: "retry", done: make(chan struct{})}
		for _, inv := range []*invocation{first, retry} {
			go func() { api.next <- inv }()
			if status, got := call("GET", "next", ""); status != 200 || got != inv.attempt {
				t.Fatalf("got %d %s", status, got)
			}
			if inv == first {
				api.expire(first)
			}
		}
		if echoes {
			if status, _ := call("POST", "id/response", "first"); status != 410 {
				t.Errorf("the late answer: %d", status)
			}
			within.Receive(t, first.done)
		}
		if status, _ := call("POST", "id/response", "retry"); status != 202 || string(retry.response) != "retry" {
			t.Errorf("the retry's answer: %d %s", status, retry.response)
		}
		if status, _ := call("POST", "id/response", "unknown"); status != map[bool]int{true: 400, false: 410}[echoes] {
			t.Errorf("another answer: %d", status)
		}
	}
}

// late returns the number of invocations whose code runs on after their timeout.
func late(f *Function) (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for env := range f.set {
		n += env.instance.overdue.Load()
	}
	return n
}

func instances(f *Function) []InstanceState {
	_, list := f.State()
	return list
}

func active(f *Function) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for env := range f.set {
		n += env.active
	}
	return n
}

// load sends n invocations that wait for each other.
func load(t *testing.T, f *Function, n int) {
	t.Helper()
	url := rendezvous(t, n)
	results := make(chan error, n)
	for range n {
		go func() {
			_, err := f.Invoke(t.Context(), "live", streamEvent(t, url))
			results <- err
		}()
	}
	for range n {
		if err := within.Receive(t, results); err != nil {
			t.Error(err)
		}
	}
	await(t, func() bool { return active(f) == 0 })
}
