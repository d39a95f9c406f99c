package idempotency

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

type charge struct{ Order string }

// visibility records the delays of messages.
type visibility struct {
	mu     sync.Mutex
	delays []time.Duration
}

func (v *visibility) ChangeVisibility(_ context.Context, _, _ string, delay time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.delays = append(v.delays, delay)
	return nil
}

func orderOf(job *lambdaruntime.Job[charge]) string { return job.Payload.Order }

func TestJob(t *testing.T) {
	t.Parallel()
	type bench struct {
		*lambdatest.Backend
		*testing.T
		store *spy
		later *visibility
		mu    sync.Mutex // an abandoned job runs on during the test
		done  []string
		do    func(ctx context.Context, job *lambdaruntime.Job[charge]) error
	}
	run := func(name string, key func(*lambdaruntime.Job[charge]) string, opts Options, test func(b *bench)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{T: t, store: newSpy(), later: &visibility{}}
				guard := New("charge", b.store, opts)
				do := Job(guard, key, func(ctx context.Context, job *lambdaruntime.Job[charge]) error {
					b.mu.Lock()
					b.done = append(b.done, job.Payload.Order)
					b.mu.Unlock()
					if b.do != nil {
						return b.do(ctx, job)
					}
					return nil
				})
				b.Backend = lambdatest.New(t, &lambdaruntime.App{Visibility: b.later, Queues: []lambdaruntime.Consumer{
					lambdaruntime.Queue[charge]{Name: "charges", Concurrency: 1}.Consume(do),
					lambdaruntime.Queue[charge]{Name: "refunds", Concurrency: 1}.Consume(do),
				}})
				test(b)
			})
		})
	}
	deliver := func(b *bench, queue, id, order string, fails bool, done ...string) {
		b.T.Helper()
		failed := b.Batch(queue, lambdatest.Message{ID: id, Body: lambdatest.JSON(charge{order})})
		b.mu.Lock()
		defer b.mu.Unlock()
		if (len(failed) > 0) != fails || !slices.Equal(b.done, done) {
			b.Errorf("%s, message %s of order %q: failed %q, done %q; want %v, %q", queue, id, order, failed, b.done, fails, done)
		}
	}
	run("a message that comes again", nil, Options{}, func(b *bench) {
		deliver(b, "charges", "1", "a", false, "a")
		deliver(b, "charges", "1", "a", false, "a")
		deliver(b, "charges", "2", "a", false, "a", "a")
		deliver(b, "refunds", "1", "a", false, "a", "a", "a")
	})
	run("a message that was sent again", orderOf, Options{}, func(b *bench) {
		deliver(b, "charges", "1", "a", false, "a")
		deliver(b, "charges", "2", "a", false, "a")
		deliver(b, "charges", "3", "1", false, "a", "1")
		deliver(b, "refunds", "1", "a", false, "a", "1", "a")
	})
	run("an empty key", orderOf, Options{}, func(b *bench) { deliver(b, "charges", "1", "", true) })
	run("an error", orderOf, Options{}, func(b *bench) {
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error { return errors.New("no") }
		deliver(b, "charges", "1", "a", true, "a")
		b.do = nil
		deliver(b, "charges", "1", "a", false, "a", "a")
		deliver(b, "charges", "1", "a", false, "a", "a")
	})
	run("a delay that the job asks for", orderOf, Options{}, func(b *bench) {
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error {
			return lambdaruntime.RetryAfter(errors.New("no"), 7*time.Second)
		}
		deliver(b, "charges", "1", "a", true, "a")
		if !slices.Equal(b.later.delays, []time.Duration{7 * time.Second}) {
			b.Errorf("got the delays %v", b.later.delays)
		}
	})
	run("a Drop", orderOf, Options{}, func(b *bench) {
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error { return lambdaruntime.Drop(errors.New("no")) }
		deliver(b, "charges", "1", "a", false, "a")
		deliver(b, "charges", "2", "a", false, "a")
	})
	run("a Drop of another guard's refusal", orderOf, Options{}, func(b *bench) {
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error { return lambdaruntime.Drop(&InProgressError{}) }
		deliver(b, "charges", "1", "a", false, "a")
	})
	run("a message whose key is in progress comes again after the lease", orderOf, Options{}, func(b *bench) {
		b.Timeout = 30 * time.Second
		// The process of the first one dies: it is never completed.
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error { return nil }
		b.store.fail["complete"] = errors.New("gone")
		deliver(b, "charges", "1", "a", false, "a")
		time.Sleep(9500 * time.Millisecond)
		deliver(b, "charges", "2", "a", true, "a")
		// 31 s from the first delivery until the lease ends, less the 9.5 s since,
		// rounded up.
		if !slices.Equal(b.later.delays, []time.Duration{22 * time.Second}) {
			b.Errorf("got the delays %v", b.later.delays)
		}
		time.Sleep(b.later.delays[0])
		deliver(b, "charges", "2", "a", false, "a", "a")
	})
	run("a job that ignores its time-out", orderOf, Options{}, func(b *bench) {
		b.Timeout = 10 * time.Second
		b.do = func(context.Context, *lambdaruntime.Job[charge]) error { time.Sleep(20 * time.Second); return nil }
		deliver(b, "charges", "1", "a", true, "a")
		time.Sleep(time.Minute) // it ends, late
		if got := b.store.claims[0].Lease; got != 11*time.Second {
			b.Errorf("got a lease of %s, want a second more than the invocation has", got)
		}
	})
}
