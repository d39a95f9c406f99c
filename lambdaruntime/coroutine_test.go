package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
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
	for name, then := range map[string]func(){
		"":                           func() {},
		"and panic on the way":       func() { panic("asked to") },
		"and recover from a panic":   func() { defer func() { _ = recover() }(); panic("asked to") },
		"and end it again":           runtime.Goexit,
		"and panic as net/http does": func() { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, &App{})
			for range 3 {
				err, abandoned := b.router.call(t.Context(), call{what: "call", fn: func(context.Context) error {
					defer then()
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
		})
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
		"parent's short deadline":       {limit: time.Minute, deadline: 20 * time.Millisecond, takes: time.Hour, want: 20 * time.Millisecond, cause: context.DeadlineExceeded, abandoned: true},
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

// TestNextCall has one call after another on the same goroutine: what the first left
// behind must not change how long the second may take.
func TestNextCall(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	type times struct{ limit, grace, cancel, takes, want time.Duration }
	for firstName, first := range map[string]times{
		"short":                 {limit: time.Hour},
		"looked at":             {limit: time.Hour, takes: firstLook * 3 / 2, want: firstLook * 3 / 2},
		"returned in its grace": {limit: 20 * ms, grace: time.Hour, takes: 30 * ms, want: 30 * ms},
		"cancelled":             {limit: time.Hour, grace: time.Hour, cancel: firstLook * 3 / 2, takes: firstLook * 2, want: firstLook * 2},
	} {
		for _, gap := range []time.Duration{0, firstLook / 2, firstLook * 2} {
			for secondName, second := range map[string]times{
				"short limit": {limit: 20 * ms, takes: time.Hour, want: 20 * ms},
				"limit":       {limit: firstLook * 3 / 2, takes: time.Hour, want: firstLook * 3 / 2},
				"grace":       {limit: 20 * ms, grace: 30 * ms, takes: time.Hour, want: 50 * ms},
				"cancelled":   {limit: time.Hour, cancel: firstLook * 3, takes: time.Hour, want: firstLook * 3},
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", firstName, gap, secondName), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						w := newCoroutine()
						w.r = setup(t, &App{}).router
						do := func(c times) {
							ctx, cancel := context.WithCancel(t.Context())
							defer cancel()
							if c.cancel > 0 {
								time.AfterFunc(c.cancel, cancel)
							}
							w.call = call{what: "call", limit: c.limit, grace: c.grace, fn: func(context.Context) error {
								time.Sleep(c.takes)
								return nil
							}}
							w.call.begin(ctx, w.r)
							defer w.call.cancel()
							start := time.Now()
							w.next()
							if took, abandoned := time.Since(start), w.state == callAbandoned; took != c.want || abandoned != (c.takes > c.want) {
								t.Errorf("after %s, abandoned %t; want %s", took, abandoned, c.want)
							}
						}
						do(first)
						time.Sleep(gap)
						do(second)
						close(w.left)
						time.Sleep(time.Hour) // until the handler has ended
					})
				})
			}
		}
	}
}

// TestShortCallsAreNotWatched: a call that was watched leaves nobody who would look at
// the next one.
func TestShortCallsAreNotWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCoroutine()
		defer w.stop()
		w.r = setup(t, &App{}).router
		for _, takes := range []time.Duration{2 * firstLook, 0} {
			w.call = call{what: "call", limit: time.Hour, fn: func(context.Context) error {
				time.Sleep(takes)
				synctest.Wait()
				w.mu.Lock()
				defer w.mu.Unlock()
				if watched := w.unwatch != nil; watched != (takes > 0) {
					t.Errorf("a call of %s is watched: %t", takes, watched)
				}
				return nil
			}}
			w.call.begin(t.Context(), w.r)
			w.next()
			w.call.cancel()
		}
	})
}

// brokenHandler is a slog.Handler that panics.
type brokenHandler struct{ slog.Handler }

func (brokenHandler) Handle(context.Context, slog.Record) error { panic("broken Logger") }

// TestPanicInTheLoggerOfAPanic: the process ends, as the panic is nobody's; the call
// must not look as if it had gone well.
func TestPanicInTheLoggerOfAPanic(t *testing.T) {
	t.Parallel()
	r, err := newRouter(&App{Logger: slog.New(brokenHandler{slog.Default().Handler()})})
	if err != nil {
		t.Fatal(err)
	}
	w := newCoroutine()
	w.r, w.call = r, call{what: "call", fn: func(context.Context) error { panic("asked to") }}
	w.call.begin(t.Context(), r)
	defer w.call.cancel()
	w.next()
	if w.err == nil || !w.gone {
		t.Errorf("got %v, gone %t", w.err, w.gone)
	}
	defer func() {
		if v := recover(); v != "broken Logger" {
			t.Errorf("the goroutine ended with %v", v)
		}
	}()
	w.stop()
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

// TestBubbleAfterOtherCalls uses a handler in a bubble that has served outside of it,
// with deadlines that are far from the bubble's clock.
func TestBubbleAfterOtherCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{})
	serve := func(ctx context.Context, deadline time.Time) {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		err, abandoned := b.router.call(ctx, call{what: "call", fn: func(ctx context.Context) error {
			if inBubble(time.Now()) {
				time.Sleep(2 * firstLook)
			}
			return nil
		}})
		if err != nil || abandoned {
			t.Errorf("got %v, abandoned %t", err, abandoned)
		}
	}
	serve(t.Context(), time.Now().Add(time.Minute))
	synctest.Test(t, func(t *testing.T) {
		serve(t.Context(), time.Now().Add(time.Minute))
		serve(t.Context(), synctestEnds.AddDate(30, 0, 0))
	})
	serve(t.Context(), time.Now().Add(time.Minute))
}

// ownContext has a deadline of its own, as contexts of other libraries may.
type ownContext struct {
	context.Context
	deadline time.Time
}

func (c ownContext) Deadline() (time.Time, bool) { return c.deadline, true }

// TestDeadlinesThatEndNothing: a call's time is over when its context has ended.
func TestDeadlinesThatEndNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		later, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, parent := range []context.Context{context.Background(), later} {
			start := time.Now()
			err, abandoned := setup(t, &App{}).router.call(ownContext{parent, start.Add(time.Second)}, call{what: "call", limit: time.Minute, fn: func(context.Context) error {
				time.Sleep(time.Second * 3 / 2)
				return nil
			}})
			if took := time.Since(start); err != nil || abandoned || took != time.Second*3/2 {
				t.Errorf("after %s: %v, abandoned %t", took, err, abandoned)
			}
		}
	})
}

// TestPanicNil: without a value, a panic looks like the end of a goroutine.
func TestPanicNil(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{})
		ended := 0
		err, abandoned := b.router.call(t.Context(), call{what: "call", fn: func(context.Context) error { panic(nil) }, ended: func() { ended++ }})
		synctest.Wait()
		var p *panicError
		if !errors.As(err, &p) || abandoned || ended != 1 {
			t.Errorf("got %v, abandoned %t, ended %d times", err, abandoned, ended)
		}
	})
}

// TestTakenIsNotHeld: what a call holds must go with it, however many were idle.
func TestTakenIsNotHeld(t *testing.T) {
	t.Parallel()
	k := &idle[*coroutine]{}
	k.hold()
	k.keep(newCoroutine())
	k.keep(newCoroutine())
	for range 2 {
		w, ok := k.take()
		if !ok || k.all[:cap(k.all)][len(k.all)] != nil {
			t.Errorf("took %v, which is still held", w)
		}
		w.end()
	}
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
	for _, kind := range []string{"limit", "grace"} { // a parent's end must first be looked for
		if outcomes[kind+", abandoned true"] == 0 {
			t.Errorf("outcomes: %v", outcomes)
		}
	}
	t.Log(outcomes)
}
