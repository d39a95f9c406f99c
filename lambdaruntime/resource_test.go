package lambdaruntime

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
)

func TestResourceLoadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var loads atomic.Int32
		r := NewResource("db", func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return int(loads.Add(1)), nil
		})
		results := make(chan int, 10)
		for range cap(results) {
			go func() {
				v, err := r.Get(t.Context())
				if err != nil {
					t.Error(err)
				}
				results <- v
			}()
		}
		for range cap(results) {
			if v := <-results; v != 1 {
				t.Errorf("got %d", v)
			}
		}
		if v, err := r.Get(t.Context()); v != 1 || err != nil || loads.Load() != 1 {
			t.Errorf("got %d, %v after %d loads", v, err, loads.Load())
		}
	})
}

func TestResourceRetriesAFailedLoad(t *testing.T) {
	t.Parallel()
	loads := 0
	refused := errors.New("connection refused")
	r := NewResource("db", func(context.Context) (string, error) {
		switch loads++; loads {
		case 1:
			return "", refused
		case 2:
			panic("nil map")
		}
		return "connected", nil
	})
	if _, err := r.Get(t.Context()); !errors.Is(err, refused) || err.Error() != `resource "db": connection refused` {
		t.Errorf("got %v", err)
	}
	if _, err := r.Get(t.Context()); err == nil || !strings.HasPrefix(err.Error(), `resource "db": panic: nil map`) {
		t.Errorf("got %v", err)
	}
	if v, err := r.Get(t.Context()); v != "connected" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestResourceCallersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var started, cancelled atomic.Int32
		r := NewResource("db", func(ctx context.Context) (int32, error) {
			n := started.Add(1)
			select {
			case <-ctx.Done():
				cancelled.Add(1)
				return 0, ctx.Err()
			case <-time.After(10 * time.Second):
				return n, nil
			}
		})
		get := func(patience time.Duration) (int32, error) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return r.Get(ctx)
		}
		// The first caller leaves; the load goes on for the second.
		second := make(chan error, 1)
		go func() {
			_, err := get(time.Minute)
			second <- err
		}()
		if _, err := get(time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := <-second; err != nil || cancelled.Load() != 0 {
			t.Errorf("got %v, %d cancelled", err, cancelled.Load())
		}
		// When all have left, the load is cancelled, and the next Get starts anew.
		r = NewResource("db", r.load)
		if _, err := get(time.Second); !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), `resource "db": not loaded`) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if cancelled.Load() != 1 {
			t.Error("the load nobody waits for goes on")
		}
		if v, err := get(time.Minute); err != nil || v != 3 {
			t.Errorf("got %d, %v", v, err)
		}
	})
}

type funcWarmer struct {
	name     string
	required bool
	warm     func(ctx context.Context) error
}

func (w funcWarmer) Name() string                   { return w.name }
func (w funcWarmer) Required() bool                 { return w.required }
func (w funcWarmer) Warm(ctx context.Context) error { return w.warm(ctx) }

func TestWarmUp(t *testing.T) {
	t.Parallel()
	sleep := func(d time.Duration) func(context.Context) error {
		return func(ctx context.Context) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	stubborn := func(context.Context) error { time.Sleep(time.Hour); return nil }
	fails := func(context.Context) error { return errors.New("refused") }
	for name, c := range map[string]struct {
		warm    []Warmer
		timeout time.Duration
		took    time.Duration
		err     string
	}{
		"all at once": {[]Warmer{funcWarmer{"a", true, sleep(3 * time.Second)}, funcWarmer{"b", true, sleep(4 * time.Second)}}, 0, 4 * time.Second, ""},
		"nothing":     {nil, 0, 0, ""},
		"required fails": {[]Warmer{funcWarmer{"db", true, fails}, funcWarmer{"cache", true, sleep(time.Second)}}, 0, time.Second,
			`lambdaruntime: warm-up failed: required resource "db": refused`},
		"a resource is late": {[]Warmer{NewResource("db", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })}, time.Second, time.Second,
			`lambdaruntime: warm-up failed: required resource "db": warm-up timed out after 1s`},
		"two fail": {[]Warmer{funcWarmer{"db", true, fails}, funcWarmer{"keys", true, func(context.Context) error { return errors.New("denied") }}}, 0, 0,
			`lambdaruntime: warm-up failed: required resource "db": refused; required resource "keys": denied`},
		"optional fails": {[]Warmer{funcWarmer{"cache", false, fails}}, 0, 0, ""},
		"required is late": {[]Warmer{funcWarmer{"db", true, sleep(time.Minute)}}, 0, 9 * time.Second,
			`lambdaruntime: warm-up failed: required resource "db": warm-up timed out after 9s`},
		"required is late and stubborn": {[]Warmer{funcWarmer{"db", true, stubborn}}, 2 * time.Second, 2 * time.Second,
			`lambdaruntime: warm-up failed: required resource "db": warm-up timed out after 2s`},
		"optional is late and stubborn": {[]Warmer{funcWarmer{"db", false, stubborn}}, 2 * time.Second, 2 * time.Second, ""},
		"panic": {[]Warmer{funcWarmer{"db", true, func(context.Context) error { panic("oh") }}}, 0, 0,
			`lambdaruntime: warm-up failed: required resource "db": panic: oh`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, &App{Warm: c.warm, WarmTimeout: c.timeout})
				start := time.Now()
				err := b.router.warmUp(t.Context(), 0)
				if took := time.Since(start); took != c.took || b.router.started.warmUp != took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				switch {
				case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)):
					t.Errorf("got %v\nwant %s", err, c.err)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

func TestWarmUpInitializationTypes(t *testing.T) {
	for name, c := range map[string]struct {
		kind        string
		after, want time.Duration
	}{
		"on demand":                            {"on-demand", 0, 9 * time.Second},
		"on demand, after much of its own":     {"on-demand", 3500 * time.Millisecond, 5500 * time.Millisecond},
		"on demand, after too much of its own": {"on-demand", 12 * time.Second, time.Second},
		"provisioned":                          {"provisioned-concurrency", 0, 120 * time.Second},
		"provisioned, after much of its own":   {"provisioned-concurrency", 3500 * time.Millisecond, 120 * time.Second},
		"managed instances":                    {"lambda-managed-instances", 0, 120 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_LAMBDA_INITIALIZATION_TYPE", c.kind)
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, &App{Warm: []Warmer{funcWarmer{"db", true, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}})
				start := time.Now()
				err := b.router.warmUp(t.Context(), c.after)
				if took := time.Since(start); err == nil || took != c.want {
					t.Errorf("%v after %s, want %s", err, took, c.want)
				}
			})
		})
	}
}

func TestWarmUpInRoles(t *testing.T) {
	t.Parallel()
	load := func(context.Context) (int, error) { return 1, nil }
	all := []Warmer{
		NewResource("db", load), NewResource("templates", load).ForRequests(), NewResource("fonts", load).ForJobs(), funcWarmer{name: "own"},
	}
	for role, want := range map[string]string{
		"":                "db templates fonts own",
		wire.RoleRequests: "db templates own",
		wire.RoleJobs:     "db fonts own",
		wire.RoleRelay:    "",
	} {
		var names []string
		for _, w := range warmIn(role, all) {
			names = append(names, w.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("role %q warms %q, want %q", role, got, want)
		}
	}
}
