package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// spy is a store that records a guard's calls, and may fail.
type spy struct {
	Store
	fail map[string]error // by method

	mu     sync.Mutex
	claims []Claim // of Begin
	calls  []string
}

func newSpy() *spy { return &spy{Store: NewMemory(nil), fail: map[string]error{}} }

func (s *spy) note(method string, c Claim) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, method)
	if method == "begin" {
		s.claims = append(s.claims, c)
	}
	return s.fail[method]
}

func (s *spy) Begin(ctx context.Context, c Claim) (Outcome, error) {
	if err := s.note("begin", c); err != nil {
		return Outcome{}, err
	}
	return s.Store.Begin(ctx, c)
}

func (s *spy) Complete(ctx context.Context, c Claim, result []byte, keep time.Duration) error {
	if err := s.note("complete", c); err != nil {
		return err
	}
	return s.Store.Complete(ctx, c, result, keep)
}

func (s *spy) Release(ctx context.Context, c Claim) error {
	if err := s.note("release", c); err != nil {
		return err
	}
	return s.Store.Release(ctx, c)
}

// collectLogs returns the test's logs.
func collectLogs(t *testing.T) *bytes.Buffer {
	t.Helper()
	var logs bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logs, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &logs
}

type receipt struct {
	ID  int
	Sum string `json:",omitempty"`
}

// counter is guarded code that counts its runs.
type counter struct {
	n   int
	err error
}

func (c *counter) work(context.Context) (receipt, error) {
	c.n++
	return receipt{c.n, "5 EUR"}, c.err
}

func TestDo(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	type bench struct {
		*testing.T
		store *spy
		guard *Guard
		counter
	}
	do := func(b *bench, key string, want int, wantErr error) {
		b.Helper()
		got, err := Do(b.Context(), b.guard, key, b.work)
		if !errors.Is(err, wantErr) || wantErr == nil && (err != nil || got != receipt{want, "5 EUR"}) || err != nil && got != (receipt{}) {
			b.Errorf("got %+v, %v; want receipt %d, %v", got, err, want, wantErr)
		}
	}
	run := func(name string, test func(t *bench)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newSpy()
				test(&bench{T: t, store: store, guard: New("charge", store, Options{})})
			})
		})
	}
	run("the first result is replayed until it expires", func(b *bench) {
		do(b, "a", 1, nil)
		do(b, "a", 1, nil)
		do(b, "b", 2, nil)
		time.Sleep(24*time.Hour - time.Second) // of the bubble
		do(b, "a", 1, nil)
		time.Sleep(time.Second)
		do(b, "a", 3, nil)
	})
	run("guards of one name share keys, others do not", func(b *bench) {
		do(b, "a", 1, nil)
		b.guard = New("charge", b.store, Options{})
		do(b, "a", 1, nil)
		b.guard = New("refund", b.store, Options{})
		do(b, "a", 2, nil)
	})
	run("an error frees the key", func(b *bench) {
		b.err = no
		do(b, "a", 0, no)
		b.err = nil
		do(b, "a", 2, nil)
		do(b, "a", 2, nil)
	})
	run("a panic frees the key", func(b *bench) {
		func() {
			defer func() {
				if v := recover(); v != no {
					b.Errorf("recovered %v", v)
				}
			}()
			_, _ = Do(b.Context(), b.guard, "a", func(context.Context) (int, error) { panic(no) })
		}()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = Do(b.Context(), b.guard, "a", func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
		})
		wg.Wait()
		do(b, "a", 1, nil)
	})
	run("a Drop is remembered", func(b *bench) {
		b.err = lambdaruntime.Drop(fmt.Errorf("card is stolen, %s", strings.Repeat("ö", 1000)))
		for range 2 {
			got, err := Do(b.Context(), b.guard, "a", b.work)
			if !lambdaruntime.IsDrop(err) || !strings.HasPrefix(err.Error(), "card is stolen, ö") || got != (receipt{}) || b.n != 1 {
				b.Errorf("got %v, %v after %d runs", got, err, b.n)
			}
			b.err = nil
		}
	})
	run("an empty key", func(b *bench) {
		if _, err := Do(b.Context(), b.guard, "", b.work); err == nil || err.Error() != "idempotency: the key must not be empty" || b.n != 0 {
			b.Errorf("got %v", err)
		}
	})
	run("the store gets hashes", func(b *bench) {
		key := "order of ana@example.com " + strings.Repeat("x", 10_000)
		do(b, key, 1, nil)
		do(b, key, 1, nil)
		for _, c := range b.store.claims {
			if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(c.Key) || !regexp.MustCompile(`^[A-Z2-7]{26}$`).MatchString(c.Owner) || c.Fingerprint != "" {
				b.Errorf("got the claim %+v", c)
			}
		}
		if c := b.store.claims; c[0].Key != c[1].Key || c[0].Owner == c[1].Owner {
			b.Errorf("got the claims %+v; want one key of two owners", c)
		}
	})
	run("a result that cannot be kept is not made again", func(b *bench) {
		large := strings.Repeat("x", MaxResult-1) // and two quotes
		got, err := Do(b.Context(), b.guard, "large", func(context.Context) (string, error) { return large, nil })
		if err != nil || got != large {
			b.Errorf("got %d bytes, %v", len(got), err)
		}
		_, err = Do(b.Context(), b.guard, "large", func(context.Context) (string, error) { b.Error("again"); return "", nil })
		if want := "idempotency: done before, but the first result was not kept: it has 262145 bytes, over the limit of 262144 bytes"; !errors.Is(err, ErrNotKept) || err.Error() != want {
			b.Errorf("got %v", err)
		}
		for i := range 2 {
			_, err = Do(b.Context(), b.guard, "channel", func(context.Context) (chan int, error) { return nil, nil })
			if i == 1 != errors.Is(err, ErrNotKept) {
				b.Errorf("attempt %d: got %v", i, err)
			}
		}
		if got, err := Do(b.Context(), b.guard, "fits", func(context.Context) (string, error) { return large[1:], nil }); err != nil || got != large[1:] {
			b.Errorf("at the limit: %v", err)
		}
		if got, err := Do(b.Context(), b.guard, "fits", func(context.Context) (string, error) { return "", no }); err != nil || got != large[1:] {
			b.Errorf("at the limit: %v", err)
		}
	})
	run("a first result of another type", func(b *bench) {
		do(b, "a", 1, nil)
		_, err := Do(b.Context(), b.guard, "a", func(context.Context) (int, error) { return 0, nil })
		if err == nil || !strings.HasPrefix(err.Error(), "idempotency: read the first result: json: ") {
			b.Errorf("got %v", err)
		}
	})
	run("nothing runs when the store cannot be reached", func(b *bench) {
		b.store.fail["begin"] = no
		do(b, "a", 0, no)
		if b.n != 0 {
			b.Error("it ran")
		}
	})
	run("an attempt goes on being stored when its context has ended", func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		got, err := Do(ctx, b.guard, "a", func(context.Context) (receipt, error) { cancel(); return b.work(ctx) })
		if err != nil || got.ID != 1 {
			b.Errorf("got %v, %v", got, err)
		}
		do(b, "a", 1, nil)
		ctx, cancel = context.WithCancel(b.Context())
		if _, err := Do(ctx, b.guard, "b", func(ctx context.Context) (receipt, error) { cancel(); return receipt{}, ctx.Err() }); !errors.Is(err, context.Canceled) {
			b.Errorf("got %v", err)
		}
		do(b, "b", 2, nil)
	})
}

// TestStoreFails has a store that fails after the guarded code, which must not be
// repeated because of that.
func TestStoreFails(t *testing.T) {
	logs := collectLogs(t)
	store := newSpy()
	guard := New("charge", store, Options{})
	c := &counter{}
	store.fail["complete"] = errors.New("throttled")
	if got, err := Do(t.Context(), guard, "secret key", c.work); err != nil || got.ID != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Do(t.Context(), guard, "secret key", c.work); !errors.Is(err, ErrInProgress) {
		t.Errorf("a repetition: got %v", err)
	}
	store.fail["release"] = errors.New("throttled")
	c.err = errors.New("no")
	if _, err := Do(t.Context(), guard, "other secret key", c.work); !errors.Is(err, c.err) {
		t.Errorf("got %v", err)
	}
	got := regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(logs.String(), "")
	want := `{"level":"ERROR","msg":"the result of an idempotency key was not remembered; a repetition may take effect again once the lease is over","guard":"charge","error":"throttled"}
{"level":"WARN","msg":"an idempotency key was not released; the next attempt waits for the end of its lease","guard":"charge","error":"throttled"}
`
	if got != want {
		t.Errorf("got the logs\n%swant\n%s", got, want)
	}
}

func TestAttemptsAtOnce(t *testing.T) {
	t.Parallel()
	run := func(name string, opts Options, test func(t *testing.T, guard *Guard, store *spy)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newSpy()
				test(t, New("charge", store, opts), store)
			})
		})
	}
	// slow takes its time and ignores its context.
	slow := func(d time.Duration, result int) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { time.Sleep(d); return result, nil }
	}
	run("the second is refused", Options{Lease: time.Minute}, func(t *testing.T, guard *Guard, _ *spy) {
		go Do(t.Context(), guard, "a", slow(10*time.Second, 1)) //nolint:errcheck
		synctest.Wait()
		time.Sleep(5 * time.Second)
		_, err := Do(t.Context(), guard, "a", slow(0, 2))
		var busy *InProgressError
		if !errors.As(err, &busy) || busy.Lease != 55*time.Second || err.Error() != "idempotency: the same key is in progress, for 55s at most" {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got, err := Do(t.Context(), guard, "a", slow(0, 2)); err != nil || got != 1 {
			t.Errorf("got %d, %v", got, err)
		}
	})
	run("the second waits", Options{Wait: true}, func(t *testing.T, guard *Guard, store *spy) {
		go Do(t.Context(), guard, "a", slow(10*time.Second, 1)) //nolint:errcheck
		synctest.Wait()
		start := time.Now()
		if got, err := Do(t.Context(), guard, "a", slow(0, 2)); err != nil || got != 1 {
			t.Errorf("got %d, %v", got, err)
		}
		if d := time.Since(start); d < 10*time.Second || d > 11*time.Second {
			t.Errorf("it waited %s, want just over 10s", d)
		}
		if n := len(store.claims); n < 12 || n > 30 {
			t.Errorf("it looked %d times", n-1)
		}
	})
	run("the second waits until shortly before its end", Options{Wait: true}, func(t *testing.T, guard *Guard, _ *spy) {
		go Do(t.Context(), guard, "a", slow(10*time.Second, 1)) //nolint:errcheck
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := Do(ctx, guard, "a", slow(0, 2)); !errors.Is(err, ErrInProgress) || time.Since(start) != 4500*time.Millisecond {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		time.Sleep(time.Minute)
	})
	run("the second goes on when the first has failed", Options{Wait: true}, func(t *testing.T, guard *Guard, _ *spy) {
		go Do(t.Context(), guard, "a", func(context.Context) (int, error) { //nolint:errcheck
			time.Sleep(10 * time.Second)
			return 0, errors.New("no")
		})
		synctest.Wait()
		if got, err := Do(t.Context(), guard, "a", slow(0, 2)); err != nil || got != 2 {
			t.Errorf("got %d, %v", got, err)
		}
	})
	run("a slow first one loses its key and changes nothing", Options{Lease: time.Minute}, func(t *testing.T, guard *Guard, _ *spy) {
		first := make(chan error, 1)
		go func() {
			_, err := Do(t.Context(), guard, "a", slow(2*time.Minute, 1))
			first <- err
		}()
		synctest.Wait()
		time.Sleep(time.Minute)
		if got, err := Do(t.Context(), guard, "a", slow(0, 2)); err != nil || got != 2 {
			t.Errorf("the second: got %d, %v", got, err)
		}
		if err := <-first; !errors.Is(err, ErrLost) || err.Error() != "idempotency: the lease was over and another attempt at the same key has begun" {
			t.Errorf("the first: got %v", err)
		}
		if got, err := Do(t.Context(), guard, "a", slow(0, 3)); err != nil || got != 2 {
			t.Errorf("a repetition: got %d, %v", got, err)
		}
	})
	run("the context of the work ends with the lease", Options{Lease: time.Minute}, func(t *testing.T, guard *Guard, _ *spy) {
		start := time.Now()
		_, err := Do(t.Context(), guard, "a", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

func TestLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for _, c := range []struct {
			ctx  context.Context
			opts Options
			want time.Duration
		}{
			{t.Context(), Options{}, 15 * time.Minute},
			{short, Options{}, 21 * time.Second},
			{short, Options{Lease: time.Hour}, time.Hour},
		} {
			store := newSpy()
			if _, err := Do(c.ctx, New("charge", store, c.opts), "a", (&counter{}).work); err != nil {
				t.Fatal(err)
			}
			if got := store.claims[0].Lease; got != c.want {
				t.Errorf("got a lease of %s, want %s", got, c.want)
			}
		}
	})
}

func TestNewPanics(t *testing.T) {
	t.Parallel()
	store := NewMemory(nil)
	for want, make := range map[string]func(){
		"idempotency: New: name must not be empty; it tells the keys of guards apart": func() { New("", store, Options{}) },
		"idempotency: New: store must not be nil":                                     func() { New("a", nil, Options{}) },
		"idempotency: Options.Lease must be 0 or more, got -1s":                       func() { New("a", store, Options{Lease: -time.Second}) },
		"idempotency: Options.Keep must be 0 or more, got -1s":                        func() { New("a", store, Options{Keep: -time.Second}) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got %v, want %s", got, want)
				}
			}()
			make()
		}()
	}
}
