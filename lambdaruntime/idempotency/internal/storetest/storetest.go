// Package storetest holds the tests that every store of package idempotency must pass.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
)

// Deadline bounds each test's calls of a store.
const Deadline = time.Minute

// Clock is a store's clock. It starts at the machine's time, to the second, since a
// simulated database has a clock of its own.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands still.
func NewClock() *Clock { return &Clock{now: time.Now().Truncate(time.Second)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const (
	lease = time.Minute
	keep  = time.Hour
)

// bench is a store with a clock and a key that no other test uses.
type bench struct {
	*testing.T
	ctx   context.Context
	store idempotency.Store
	clock *Clock
	key   string
}

// claim is an attempt at the key; tag makes its fingerprint.
func (b *bench) claim(owner string) idempotency.Claim {
	return idempotency.Claim{Key: b.key, Owner: owner, Fingerprint: "of " + owner, Lease: lease}
}

func (b *bench) begin(owner string, want idempotency.Outcome) {
	b.Helper()
	got, err := b.store.Begin(b.ctx, b.claim(owner))
	if err != nil || got.Status != want.Status || got.Fingerprint != want.Fingerprint || !bytes.Equal(got.Result, want.Result) || (got.Lease-want.Lease).Abs() > time.Millisecond {
		b.Fatalf("begin of %s: got %+v, %v; want %+v", owner, got, err, want)
	}
}

func (b *bench) acquires(owner string) {
	b.Helper()
	b.begin(owner, idempotency.Outcome{Fingerprint: "of " + owner})
}

func (b *bench) completes(owner, result string, want error) {
	b.Helper()
	if err := b.store.Complete(b.ctx, b.claim(owner), []byte(result), keep); !errors.Is(err, want) || want == nil && err != nil {
		b.Fatalf("complete of %s: got %v, want %v", owner, err, want)
	}
}

func (b *bench) releases(owner string) {
	b.Helper()
	if err := b.store.Release(b.ctx, b.claim(owner)); err != nil {
		b.Fatalf("release of %s: %v", owner, err)
	}
}

func busy(owner string, left time.Duration) idempotency.Outcome {
	return idempotency.Outcome{Status: idempotency.InProgress, Fingerprint: "of " + owner, Lease: left}
}

func done(owner, result string) idempotency.Outcome {
	return idempotency.Outcome{Status: idempotency.Done, Fingerprint: "of " + owner, Result: []byte(result)}
}

// Run checks a store against all promises. open returns the store with the given clock;
// every call of it returns the same keys.
func Run(t *testing.T, open func(t *testing.T, clock *Clock) idempotency.Store) {
	run := func(name string, promise func(b *bench)) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), Deadline)
			defer cancel()
			clock := NewClock()
			promise(&bench{t, ctx, open(t, clock), clock, fmt.Sprintf("%064x", nextKey.Add(1))})
		})
	}
	run("a second attempt is told who is at it and for how long", func(b *bench) {
		b.acquires("ana")
		b.begin("ben", busy("ana", lease))
		b.clock.Advance(lease - time.Millisecond)
		b.begin("ben", busy("ana", time.Millisecond))
	})
	run("the first result is remembered", func(b *bench) {
		b.acquires("ana")
		b.completes("ana", "=1", nil)
		b.begin("ben", done("ana", "=1"))
		b.clock.Advance(lease) // the lease no longer matters
		b.begin("ben", done("ana", "=1"))
		b.completes("ben", "=2", idempotency.ErrLost)
		b.begin("cleo", done("ana", "=1"))
	})
	run("a result of any bytes and of the largest size", func(b *bench) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		largest := strings.Repeat(string(all), idempotency.MaxResult/256) + "="
		b.acquires("ana")
		b.completes("ana", largest, nil)
		b.begin("ben", done("ana", largest))
	})
	run("a result expires at its time", func(b *bench) {
		b.acquires("ana")
		b.clock.Advance(2 * time.Second)
		b.completes("ana", "=1", nil)
		b.clock.Advance(keep - time.Second)
		b.begin("ben", done("ana", "=1"))
		b.clock.Advance(time.Second)
		b.acquires("ben")
		b.begin("cleo", busy("ben", lease))
		b.completes("ana", "=2", idempotency.ErrLost)
		b.completes("ben", "=3", nil)
		b.begin("cleo", done("ben", "=3"))
	})
	run("a released key is free", func(b *bench) {
		b.acquires("ana")
		b.releases("ben") // not ben's
		b.begin("ben", busy("ana", lease))
		b.releases("ana")
		b.releases("ana")
		b.acquires("ben")
		b.completes("ana", "=1", idempotency.ErrLost)
	})
	run("a result cannot be released", func(b *bench) {
		b.acquires("ana")
		b.completes("ana", "=1", nil)
		b.releases("ana")
		b.begin("ben", done("ana", "=1"))
	})
	run("the next attempt may begin when the lease is over", func(b *bench) {
		b.acquires("ana")
		b.clock.Advance(lease)
		b.acquires("ben")
		b.begin("cleo", busy("ben", lease))
	})
	run("a slow first owner changes nothing of the second's", func(b *bench) {
		b.acquires("ana")
		b.clock.Advance(lease)
		b.acquires("ben")
		b.completes("ana", "=1", idempotency.ErrLost)
		b.releases("ana")
		b.begin("cleo", busy("ben", lease))
		b.completes("ben", "=2", nil)
		b.completes("ana", "=1", idempotency.ErrLost)
		b.releases("ana")
		b.begin("cleo", done("ben", "=2"))
	})
	run("a slow first owner completes when nobody else has begun", func(b *bench) {
		b.acquires("ana")
		b.clock.Advance(2 * lease)
		b.completes("ana", "=1", nil)
		b.begin("ben", done("ana", "=1"))
	})
	run("a call whose answer was lost can be repeated", func(b *bench) {
		b.acquires("ana")
		b.acquires("ana")
		b.completes("ana", "=1", nil)
		b.completes("ana", "=1", nil)
		b.begin("ana", done("ana", "=1"))
	})
	run("a key that nobody has claimed", func(b *bench) {
		b.releases("ana")
		b.completes("ana", "=1", idempotency.ErrLost)
		b.acquires("ben")
	})
	run("keys do not touch each other", func(b *bench) {
		b.acquires("ana")
		first := b.key
		b.key = strings.Repeat("f", 63) + string(first[63])
		b.acquires("ben")
		b.completes("ben", "=2", nil)
		b.key = first
		b.begin("cleo", busy("ana", lease))
	})
	run("an ended context", func(b *bench) {
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		if _, err := b.store.Begin(ctx, b.claim("ana")); !errors.Is(err, context.Canceled) {
			b.Errorf("begin: got %v", err)
		}
		if err := b.store.Complete(ctx, b.claim("ana"), []byte("="), keep); !errors.Is(err, context.Canceled) {
			b.Errorf("complete: got %v", err)
		}
		if err := b.store.Release(ctx, b.claim("ana")); !errors.Is(err, context.Canceled) {
			b.Errorf("release: got %v", err)
		}
		b.acquires("ben")
	})
	run("of many attempts at once, one begins", func(b *bench) {
		for _, before := range []func(){
			func() {},
			func() { b.clock.Advance(lease) },
			func() { b.clock.Advance(lease); b.completesWinner("=1"); b.clock.Advance(keep) },
		} {
			before()
			var wg sync.WaitGroup
			var acquired atomic.Int32
			for i := range 12 {
				wg.Go(func() {
					owner := fmt.Sprint("owner ", i)
					out, err := b.store.Begin(b.ctx, b.claim(owner))
					if err != nil {
						b.Errorf("begin: %v", err)
					} else if out.Status == idempotency.Acquired {
						acquired.Add(1)
					}
				})
			}
			wg.Wait()
			if acquired.Load() != 1 {
				b.Fatalf("%d attempts began, want 1", acquired.Load())
			}
		}
	})
	run("attempts and releases at once overlap nowhere", func(b *bench) {
		var wg sync.WaitGroup
		var inside, rounds atomic.Int32
		for i := range 4 {
			wg.Go(func() {
				for round := range 25 {
					owner := fmt.Sprint(i, " in round ", round)
					out, err := b.store.Begin(b.ctx, b.claim(owner))
					if err != nil {
						b.Errorf("begin: %v", err)
						return
					}
					if out.Status != idempotency.Acquired {
						continue
					}
					if inside.Add(1) != 1 {
						b.Error("two owners at once")
					}
					rounds.Add(1)
					inside.Add(-1)
					if err := b.store.Release(b.ctx, b.claim(owner)); err != nil {
						b.Errorf("release: %v", err)
					}
				}
			})
		}
		wg.Wait()
		if rounds.Load() == 0 {
			b.Error("nobody began")
		}
	})
}

// nextKey counts the keys of this process.
var nextKey atomic.Int64

// completesWinner completes the claim that holds the key.
func (b *bench) completesWinner(result string) {
	b.Helper()
	out, err := b.store.Begin(b.ctx, b.claim("asks"))
	if err != nil {
		b.Fatal(err)
	}
	if out.Status == idempotency.Acquired {
		b.completes("asks", result, nil)
		return
	}
	b.completes(strings.TrimPrefix(out.Fingerprint, "of "), result, nil)
}
