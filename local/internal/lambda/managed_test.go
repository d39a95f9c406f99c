package lambda

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
)

// rendezvous is an address that answers when n requests are there at the same time.
func rendezvous(t *testing.T, n int) string {
	t.Helper()
	var mu sync.Mutex
	there, all := 0, make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
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
	t.Cleanup(srv.Close)
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
