package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// lab is a runner under test, with a watchdog or with timers.
type lab struct {
	*Runner
	health   Health
	panics   []string
	spans    []string
	watchdog bool
}

func newLab(watchdog bool) *lab {
	l := &lab{watchdog: watchdog}
	l.Runner = &Runner{Health: &l.health}
	l.Panicked = func(_ context.Context, name string, p *PanicError, stack []byte) {
		l.panics = append(l.panics, fmt.Sprint(name, ": ", p.Value, len(stack) > 0))
	}
	l.Start = func(ctx context.Context, name string) (context.Context, func(error)) {
		return ctx, func(err error) { l.spans = append(l.spans, fmt.Sprint(name, " ", err)) }
	}
	if watchdog {
		l.Watchdog = &Watchdog{}
	}
	return l
}

// each runs a test with timers and with a watchdog, in a bubble.
func each(t *testing.T, test func(t *testing.T, l *lab)) {
	for _, watchdog := range []bool{false, true} {
		t.Run(fmt.Sprintf("watchdog %v", watchdog), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, newLab(watchdog)) })
		})
	}
}

func TestRunReturns(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	each(t, func(t *testing.T, l *lab) {
		pool := &Pool{Name: "requests"}
		for _, want := range []error{nil, no} {
			var scope *Scope
			ended := 0
			out, ok := l.Run(t.Context(), Op{Name: "request", Limit: time.Second, Pool: pool}, func(ctx context.Context) error {
				scope = ScopeOf(ctx)
				scope.OnEnd(func(cause error) { ended++ })
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Second {
					t.Errorf("deadline %v", deadline)
				}
				return want
			}, func(Outcome) { t.Error("late") })
			if !ok || out.Err != want || out.Failure() != want || out.Abandoned || ended != 1 || scope.Name != "request" {
				t.Errorf("got %+v, %v, scope ended %d times", out, ok, ended)
			}
		}
		time.Sleep(time.Minute) // nothing comes late
		if got := fmt.Sprint(l.spans); got != "[request <nil> request no]" {
			t.Error(got)
		}
	})
}

func TestRunPanics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		pool := &Pool{}
		for _, value := range []any{"oh", http.ErrAbortHandler, (*http.MaxBytesError)(nil)} {
			out, ok := l.Run(t.Context(), Op{Name: "request", Pool: pool}, func(context.Context) error { panic(value) }, nil)
			var p *PanicError
			if !ok || !errors.As(out.Failure(), &p) || p.Value != value || p.Aborted() != (value == http.ErrAbortHandler) {
				t.Errorf("got %+v, %v", out, ok)
			}
		}
		// A nil pointer as an error: reading it panics.
		out, _ := l.Run(t.Context(), Op{Name: "request", Pool: pool}, func(context.Context) error { return (*TimeoutError)(nil) }, nil)
		if _, ok := out.Err.(*PanicError); !ok {
			t.Errorf("got %+v", out)
		}
		if len(l.panics) != 3 {
			t.Errorf("panics %q", l.panics)
		}
	})
}

func TestRunGoexit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		late := make(chan Outcome, 1)
		go l.Run(t.Context(), Op{Name: "request", Limit: time.Second, Pool: &Pool{}}, func(context.Context) error { runtime.Goexit(); return nil }, func(out Outcome) { late <- out })
		out := <-late
		if p, ok := out.Err.(*PanicError); !ok || p.Value != goexit || out.Abandoned {
			t.Errorf("got %+v", out)
		}
		if pool, _ := l.health.Sick(); pool != nil {
			t.Error("sick")
		}
	})
}

func TestRunAbandons(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		pool := &Pool{Name: "requests", Spare: 1}
		release := make(chan struct{})
		abandon := func(limit, grace time.Duration, ctx context.Context) (Outcome, time.Duration) {
			start := time.Now()
			late := make(chan Outcome, 1)
			go func() {
				if _, ok := l.Run(ctx, Op{Name: "request", Limit: limit, Grace: grace, Pool: pool}, func(ctx context.Context) error {
					ScopeOf(ctx).OnEnd(func(cause error) {
						if cause == nil {
							t.Error("the scope does not know that it was abandoned")
						}
					})
					<-release
					return nil
				}, func(out Outcome) { late <- out }); ok {
					t.Error("Run and late have both answered")
				}
			}()
			out := <-late
			return out, time.Since(start)
		}
		out, took := abandon(time.Second, 300*time.Millisecond, t.Context())
		if !out.Abandoned || !errors.Is(out.Failure(), ErrTimeout) || out.Failure().Error() != "request: timed out after 1s" || took != 1300*time.Millisecond {
			t.Errorf("got %+v after %s", out, took)
		}
		if pool, _ := l.health.Sick(); pool != nil || l.health.Abandoned(&Pool{}) != 0 {
			t.Error("sick after one")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(200*time.Millisecond, func() { cancel(errors.New("nobody waits")) })
		out, took = abandon(time.Hour, 100*time.Millisecond, ctx)
		if !out.Abandoned || out.Failure().Error() != "nobody waits" || took != 300*time.Millisecond {
			t.Errorf("got %+v after %s", out, took)
		}
		sick, held := l.health.Sick()
		if sick != pool || len(held) != 2 || held[0].Name != "request" || !held[0].Since.Before(held[1].Since) || l.health.Abandoned(pool) != 2 {
			t.Errorf("sick %v, held %v", sick, held)
		}
		close(release)
		synctest.Wait()
		if sick, _ := l.health.Sick(); sick != nil || l.health.Abandoned(pool) != 0 {
			t.Error("sick after all have returned")
		}
	})
}

// TestTheWatchdogWatchesOn: a call is stuck while the timer is set for an earlier one,
// which has returned.
func TestTheWatchdogWatchesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		pool := &Pool{}
		op := Op{Name: "request", Limit: time.Second, Pool: pool}
		l.Run(t.Context(), op, func(context.Context) error { return nil }, nil)
		time.Sleep(700 * time.Millisecond)
		start, release, late := time.Now(), make(chan struct{}), make(chan time.Duration, 1)
		go l.Run(t.Context(), op, func(context.Context) error { <-release; return nil }, func(Outcome) { late <- time.Since(start) })
		select {
		case took := <-late:
			if took != time.Second {
				t.Errorf("abandoned after %s", took)
			}
		case <-time.After(time.Minute):
			t.Error("never abandoned")
		}
		close(release)
	})
}

// TestRunReturnsInItsGrace: handlers obey their context, and return its error or not.
func TestRunReturnsInItsGrace(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		for _, want := range []error{nil, errors.New("cancelled")} {
			out, ok := l.Run(t.Context(), Op{Name: "job", Limit: time.Second, Grace: time.Second, Pool: &Pool{}}, func(ctx context.Context) error {
				<-ctx.Done()
				if ctx.Err() != context.DeadlineExceeded {
					t.Errorf("Err is %v", ctx.Err())
				}
				return want
			}, func(Outcome) { t.Error("late") })
			if !ok || out.Err != want || !errors.Is(out.Cause, ErrTimeout) || want != nil && out.Failure() != out.Cause || want == nil && out.Failure() != nil {
				t.Errorf("got %+v", out)
			}
		}
	})
}

// TestSuspectTimeouts ends a process after a panic, perhaps with a lock held, when every
// later operation times out.
func TestSuspectTimeouts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, l *lab) {
		pool := &Pool{Name: "requests", Spare: 4}
		do := func(what string) {
			l.Run(t.Context(), Op{Name: "request", Limit: time.Second, Grace: time.Second, Pool: pool}, func(ctx context.Context) error {
				switch what {
				case "panic":
					panic("with a lock")
				case "timeout":
					<-ctx.Done()
				}
				return ctx.Err()
			}, func(Outcome) { t.Error("late") })
		}
		sick := func() bool { p, _ := l.health.Sick(); return p != nil }
		for range 20 {
			do("timeout")
		}
		if sick() {
			t.Error("a database that is away is no reason to end")
		}
		do("ok")
		do("panic")
		for range 4 {
			do("timeout")
		}
		do("ok")
		for range 4 {
			do("timeout")
		}
		if sick() {
			t.Error("sick though one came through")
		}
		do("timeout")
		if !sick() {
			t.Error("not sick after five timeouts in a row")
		}
	})
}

// TestContextIsTheStandardOne compares an opContext with one of package context, used in
// the same ways at the same times.
func TestContextIsTheStandardOne(t *testing.T) {
	t.Parallel()
	type key struct{}
	for _, looks := range [][]string{{}, {"done"}, {"derive"}, {"value"}, {"err"}} {
		for _, end := range []string{"deadline", "parent", "end", "early"} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancelParent := context.WithCancelCause(context.WithValue(t.Context(), key{}, "v"))
				defer cancelParent(nil)
				cause := &TimeoutError{"x", time.Second}
				deadline := time.Now().Add(time.Second)
				if end == "early" {
					deadline = time.Now().Add(-time.Second)
				}
				std, cancel := context.WithDeadlineCause(parent, deadline, cause)
				defer cancel()
				own := &opContext{parent: parent, deadline: deadline, cause: cause}
				defer own.end()
				var derived []context.Context
				for _, look := range looks {
					switch look {
					case "done":
						own.Done()
					case "derive":
						for _, ctx := range []context.Context{std, own} {
							d, stop := context.WithCancel(ctx)
							defer stop()
							derived = append(derived, d)
						}
					case "value":
						if own.Value(key{}) != "v" {
							t.Error("the parent's value is lost")
						}
					case "err":
						if fmt.Sprint(own.Err(), context.Cause(own)) != fmt.Sprint(std.Err(), context.Cause(std)) {
							t.Errorf("before: %v", own.Err())
						}
					}
				}
				switch end {
				case "deadline":
					time.Sleep(2 * time.Second)
				case "parent":
					cancelParent(errors.New("gone"))
				case "end":
					own.end()
					cancel()
				}
				synctest.Wait()
				d1, ok1 := std.Deadline()
				d2, ok2 := own.Deadline()
				want, got := fmt.Sprint(std.Err(), context.Cause(std), d1, ok1), fmt.Sprint(own.Err(), context.Cause(own), d2, ok2)
				if want != got {
					t.Errorf("%v, %s: got %s, want %s", looks, end, got, want)
				}
				select {
				case <-own.Done():
				default:
					t.Errorf("%v, %s: not done", looks, end)
				}
				if len(derived) == 2 && fmt.Sprint(derived[0].Err(), context.Cause(derived[0])) != fmt.Sprint(derived[1].Err(), context.Cause(derived[1])) {
					t.Errorf("%v, %s: derived: got %v, %v", looks, end, derived[1].Err(), context.Cause(derived[1]))
				}
			})
		}
	}
}
