package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallsShareAGoroutine(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{})
	b.router.coroutines.idle.hold()
	seen := map[string]bool{}
	for i := range 20 {
		want := fmt.Errorf("error %d", i)
		err, abandoned := b.router.call(t.Context(), call{what: "call", limit: time.Minute, fn: func(context.Context) error {
			seen[goroutine()] = true
			return want
		}})
		if err != want || abandoned {
			t.Fatalf("got %v, abandoned %t", err, abandoned)
		}
	}
	if len(seen) != 1 || seen[goroutine()] {
		t.Errorf("20 calls, one after the other, ran in %d goroutines", len(seen))
	}

	b.router.coroutines.idle.dismiss()
	for g := range seen {
		awaitEnd(t, g)
	}
}

func TestCallsThatEndTheirGoroutine(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{})
	for range 3 {
		err, abandoned := b.router.call(t.Context(), call{what: "call", fn: func(context.Context) error {
			runtime.Goexit()
			return nil
		}})
		var p *panicError
		if !errors.As(err, &p) || abandoned {
			t.Errorf("got %v, abandoned %t", err, abandoned)
		}
		if err, _ := b.router.call(t.Context(), call{what: "call", fn: func(context.Context) error { return nil }}); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
}

// TestHandlersMayLockTheirThread: to switch from a goroutine that is locked to its
// thread would end the process.
func TestHandlersMayLockTheirThread(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(){
		"returns":            func() {},
		"panics":             func() { panic("asked to") },
		"ends its goroutine": runtime.Goexit,
		"takes too long":     func() { time.Sleep(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				_, abandoned := setup(t, &App{}).router.call(t.Context(), call{what: "call", limit: time.Minute, fn: func(context.Context) error {
					for range maxThreadLocks {
						runtime.LockOSThread()
					}
					then()
					return nil
				}, ended: func() { close(ended) }})
				<-ended
				if abandoned != (name == "takes too long") {
					t.Errorf("abandoned: %t", abandoned)
				}
			})
		})
	}
}

func TestCallsEnd(t *testing.T) {
	t.Parallel()
	cancelled := errors.New("cancelled")
	for name, c := range map[string]struct {
		limit, grace, deadline, cancel time.Duration // cancel: of the parent
		takes                          time.Duration // after the end of its context
		want                           time.Duration
		cause                          error
		abandoned                      bool
	}{
		"limit":                         {limit: time.Second, takes: time.Hour, want: time.Second, cause: ErrTimeout, abandoned: true},
		"short limit":                   {limit: time.Microsecond, takes: time.Hour, want: time.Microsecond, cause: ErrTimeout, abandoned: true},
		"heeds the limit":               {limit: time.Second, grace: time.Second, takes: 999 * time.Millisecond, want: 1999 * time.Millisecond, cause: ErrTimeout},
		"grace":                         {limit: time.Second, grace: time.Second, takes: time.Hour, want: 2 * time.Second, cause: ErrTimeout, abandoned: true},
		"parent is cancelled":           {limit: time.Minute, cancel: time.Second, takes: time.Hour, want: time.Second, cause: cancelled, abandoned: true},
		"parent is cancelled, no limit": {cancel: time.Second, grace: time.Second, takes: time.Hour, want: 2 * time.Second, cause: cancelled, abandoned: true},
		"heeds its parent":              {limit: time.Minute, cancel: time.Second, grace: time.Second, takes: time.Millisecond, want: 1001 * time.Millisecond, cause: cancelled},
		"parent's deadline":             {deadline: time.Second, grace: time.Second, takes: time.Hour, want: 2 * time.Second, cause: context.DeadlineExceeded, abandoned: true},
		"parent ends during the grace":  {limit: time.Second, grace: time.Second, cancel: 1500 * time.Millisecond, takes: time.Hour, want: 2 * time.Second, cause: ErrTimeout, abandoned: true},
		"limit during the parent's":     {limit: 1500 * time.Millisecond, grace: time.Second, cancel: time.Second, takes: time.Hour, want: 2 * time.Second, cause: cancelled, abandoned: true},
		"parent is cancelled at once":   {limit: time.Second, cancel: time.Nanosecond, takes: time.Hour, want: firstLook, cause: cancelled, abandoned: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // fails when a goroutine stays
				b := setup(t, &App{})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, func() { cancel(cancelled) })
				}
				if c.deadline > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, c.deadline)
					defer stop()
				}
				ended := make(chan struct{})
				start := time.Now()
				err, abandoned := b.router.call(ctx, call{what: "call", limit: c.limit, grace: c.grace, fn: func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(c.takes)
					return errors.New("stopped")
				}, ended: func() { close(ended) }})
				if took := time.Since(start); took != c.want || abandoned != c.abandoned || !errors.Is(err, c.cause) {
					t.Errorf("after %s: %v, abandoned %t; want after %s: %v, abandoned %t", took, err, abandoned, c.want, c.cause, c.abandoned)
				}
				<-ended
			})
		})
	}
}

// TestNextCallIsWatchedToo has one call after another on the same goroutine.
func TestNextCallIsWatchedToo(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"its limit": firstLook * 3 / 2, "its parent": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, &App{})
			b.router.coroutines.idle.hold()
			defer b.router.coroutines.idle.dismiss()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var first, second string
			if err, abandoned := b.router.call(ctx, call{what: "call", limit: time.Hour, fn: func(context.Context) error {
				first = goroutine()
				time.Sleep(firstLook * 3 / 2) // so that somebody looks, and watches
				return nil
			}}); err != nil || abandoned {
				t.Fatalf("got %v, abandoned %t", err, abandoned)
			}
			release, ended := make(chan struct{}), make(chan struct{})
			_, abandoned := b.router.call(ctx, call{what: "call", limit: limit, fn: func(context.Context) error {
				second = goroutine()
				if limit == time.Hour {
					cancel()
				}
				<-release
				return nil
			}, ended: func() { close(ended) }})
			close(release)
			<-ended
			if !abandoned || first != second {
				t.Errorf("abandoned: %t; ran on %s and %s", abandoned, first, second)
			}
		})
	}
}

// watchedContext counts those who wait for its end.
type watchedContext struct {
	context.Context
	watchers atomic.Int32
}

func (*watchedContext) Value(any) any { return nil }

// AfterFunc is what [context.AfterFunc] and derived contexts call.
func (c *watchedContext) AfterFunc(f func()) (stop func() bool) {
	c.watchers.Add(1)
	unwatch := context.AfterFunc(c.Context, f)
	return func() bool {
		c.watchers.Add(-1)
		return unwatch()
	}
}

func TestCallsLeaveNobodyWatching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		ctx := &watchedContext{Context: parent}
		_, _ = setup(t, &App{}).router.call(ctx, call{what: "call", limit: time.Minute, fn: func(context.Context) error {
			time.Sleep(time.Second)
			if n := ctx.watchers.Load(); n != 2 { // the call's context, and the coroutine
				t.Errorf("%d watch during the call", n)
			}
			return nil
		}})
		if n := ctx.watchers.Load(); n != 0 {
			t.Errorf("%d watch after the call", n)
		}
	})
}

// TestCallReturnsAsItIsGivenUp: its goroutine must stay until the caller has gone, for
// the timer is about to let it go.
func TestCallReturnsAsItIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := call{what: "call"}
		c.begin(t.Context(), setup(t, &App{}).router)
		defer c.cancel()
		w := newCoroutine()
		c.fn = func(context.Context) error {
			w.mu.Lock()
			w.state = callAbandoned // as look does, which then yields
			w.mu.Unlock()
			time.AfterFunc(time.Second, func() { w.yield(struct{}{}) })
			return nil
		}
		w.call = c
		start := time.Now()
		w.next()
		if took := time.Since(start); took != time.Second {
			t.Errorf("let go after %s", took)
		}
		close(w.left)
	})
}

// TestBubbleAfterOtherCalls uses a handler in a bubble that has served outside of it.
func TestBubbleAfterOtherCalls(t *testing.T) {
	b := setup(t, &App{})
	serve := func(ctx context.Context) {
		err, abandoned := b.router.call(ctx, call{what: "call", limit: time.Minute, grace: time.Hour, fn: func(ctx context.Context) error {
			if inBubble(time.Now()) {
				<-ctx.Done()
			}
			return nil
		}})
		if err != nil || abandoned {
			t.Errorf("got %v, abandoned %t", err, abandoned)
		}
	}
	serve(t.Context())
	synctest.Test(t, func(t *testing.T) { serve(t.Context()) })
	serve(t.Context())
}

// TestCallsThatEndAsTheyAreGivenUp lets calls return in the moment in which they are
// given up, looked at or their parents end, one after the other on the same
// goroutine: whatever comes late must not reach the next call.
func TestCallsThatEndAsTheyAreGivenUp(t *testing.T) {
	t.Parallel()
	const longest = 2 * time.Millisecond
	stop := errors.New("stop")
	var mu sync.Mutex
	outcomes := map[string]int{}
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			b := setup(t, &App{})
			random := rand.New(rand.NewPCG(1, uint64(client)))
			for n := range 400 {
				takes := time.Duration(random.Int64N(int64(longest)))
				kind, c := "left alone", call{what: "call", limit: time.Minute}
				ctx, cancel := context.WithCancel(t.Context())
				switch n % 4 {
				case 1:
					kind, c.limit = "limit", takes
				case 2:
					kind, c.limit, c.grace = "grace", takes/2, takes/2
				case 3:
					kind = "parent"
					defer time.AfterFunc(takes, cancel).Stop()
				}
				b.router.coroutines.idle.mu.Lock()
				if all := b.router.coroutines.idle.all; len(all) > 0 {
					for range 3 {
						time.AfterFunc(time.Duration(random.Int64N(int64(longest))), all[0].look)
					}
				}
				b.router.coroutines.idle.mu.Unlock()
				c.fn = func(context.Context) error {
					time.Sleep(takes)
					return stop
				}
				err, abandoned := b.router.call(ctx, c)
				cancel()
				switch {
				case abandoned && (kind == "left alone" || err == stop), !abandoned && kind == "left alone" && err != stop,
					err != stop && !errors.Is(err, ErrTimeout) && !errors.Is(err, context.Canceled):
					t.Errorf("%s: %v, abandoned %t", kind, err, abandoned)
				}
				mu.Lock()
				outcomes[fmt.Sprintf("%s, abandoned %t", kind, abandoned)]++
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	for _, kind := range []string{"limit", "grace", "parent"} {
		if outcomes[kind+", abandoned true"] == 0 {
			t.Errorf("outcomes: %v", outcomes)
		}
	}
	t.Log(outcomes)
}
