package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/storetest"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

// start starts a server, with a pooling proxy of two connections in front of it if
// pooled, and makes the table and one of effects.
func start(t *testing.T, pooled bool) {
	t.Helper()
	url := postgrestest.Start(t)
	if pooled {
		url = postgrestest.StartPooler(t, url, 2)
	}
	t.Setenv("DATABASE_URL", url)
	s := connect(t, nil, 1)
	if err := s.EnsureTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := poolOf(t, s).Exec(t.Context(), `create table effects (key text)`); err != nil {
		t.Fatal(err)
	}
}

// connect returns a store with its own pool, and with clock unless that is nil.
func connect(t *testing.T, clock *storetest.Clock, conns int) *Store {
	t.Helper()
	pool, err := postgres.New("db", postgres.Options{MaxConns: conns}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := New(func(context.Context) (*pgxpool.Pool, error) { return pool, nil })
	if clock != nil {
		s.now = func() *time.Time {
			now := clock.Now()
			return &now
		}
	}
	return s
}

func poolOf(t *testing.T, s *Store) *pgxpool.Pool {
	t.Helper()
	pool, err := s.pool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func open(t *testing.T, clock *storetest.Clock) idempotency.Store { return connect(t, clock, 8) }

func TestStore(t *testing.T) {
	for name, pooled := range map[string]bool{"direct": false, "behind a proxy": true} {
		t.Run(name, func(t *testing.T) {
			start(t, pooled)
			storetest.Run(t, open)
		})
	}
}

func TestCrashes(t *testing.T) {
	if storetest.CrashStep() == "" {
		start(t, false)
	}
	storetest.RunCrashes(t, nil, open)
}

// charge is an attempt whose effect, a row, is in one transaction with its result. step
// is called with the name of each step.
func charge(ctx context.Context, s *Store, key string, step func(name string)) (string, error) {
	guard := idempotency.New("charge", s, idempotency.Options{Lease: time.Minute})
	got, err := idempotency.Do(ctx, guard, key, func(ctx context.Context) (string, error) {
		pool, err := s.pool(ctx)
		if err != nil {
			return "", err
		}
		step("before the work")
		result := "charged " + key
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `insert into effects values ($1)`, key); err != nil {
				return err
			}
			step("between the effect and the result")
			if err := s.CompleteTx(ctx, tx, result); err != nil {
				return err
			}
			step("before the commit")
			return nil
		})
		step("after the commit")
		return result, err
	})
	step("before the answer")
	return got, err
}

// effects counts the committed effects of a key.
func effects(t *testing.T, s *Store, key string) (n int) {
	t.Helper()
	if err := poolOf(t, s).QueryRow(t.Context(), `select count(*) from effects where key = $1`, key).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNoCrashMakesTwoEffects kills the process between any two steps of an attempt that
// completes in its effect's transaction.
func TestNoCrashMakesTwoEffects(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
	defer cancel()
	const key = "order 1"
	if at := storetest.CrashStep(); at != "" {
		_, err := charge(ctx, connect(t, nil, 1), key+at, func(name string) {
			if name == at {
				storetest.Die()
			}
		})
		t.Fatalf("the step %q did not come: %v", at, err)
	}
	for name, pooled := range map[string]bool{"direct": false, "behind a proxy": true} {
		t.Run(name, func(t *testing.T) {
			start(t, pooled)
			for _, c := range []struct {
				step      string
				committed bool
			}{
				{"before the work", false}, {"between the effect and the result", false}, {"before the commit", false},
				{"after the commit", true}, {"before the answer", true},
			} {
				t.Run(c.step, func(t *testing.T) {
					clock := storetest.NewClock()
					s := connect(t, clock, 1)
					storetest.RunChild(t, c.step)
					n := 0
					if c.committed {
						n = 1
					} else if _, err := charge(ctx, s, key+c.step, func(string) {}); !errors.Is(err, idempotency.ErrInProgress) {
						t.Fatalf("before the end of the lease: got %v", err)
					}
					if got := effects(t, s, key+c.step); got != n {
						t.Fatalf("the crash left %d effects, want %d", got, n)
					}
					clock.Advance(time.Since(clock.Now()) + time.Minute + time.Second)
					for range 2 {
						if got, err := charge(ctx, s, key+c.step, func(string) {}); err != nil || got != "charged "+key+c.step {
							t.Fatalf("after the lease: got %q, %v", got, err)
						}
					}
					if got := effects(t, s, key+c.step); got != 1 {
						t.Errorf("got %d effects, want 1", got)
					}
				})
			}
		})
	}
}

func TestCompleteTx(t *testing.T) {
	start(t, false)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
	defer cancel()
	t.Run("a slow first owner is rolled back", func(t *testing.T) {
		clock := storetest.NewClock()
		slow, fast := connect(t, clock, 1), connect(t, clock, 1)
		_, err := charge(ctx, slow, "slow", func(name string) {
			if name != "before the work" {
				return
			}
			clock.Advance(time.Minute)
			if got, err := charge(ctx, fast, "slow", func(string) {}); err != nil || got != "charged slow" {
				t.Errorf("the second attempt: got %q, %v", got, err)
			}
		})
		if !errors.Is(err, idempotency.ErrLost) {
			t.Errorf("the first attempt: got %v, want ErrLost", err)
		}
		if n := effects(t, fast, "slow"); n != 1 {
			t.Errorf("got %d effects, want 1", n)
		}
	})
	t.Run("a second attempt waits for the commit at most", func(t *testing.T) {
		s, other := connect(t, nil, 1), connect(t, nil, 1)
		second := make(chan error, 1)
		_, err := charge(ctx, s, "two", func(name string) {
			switch name {
			case "between the effect and the result":
				if _, err := charge(ctx, other, "two", func(string) {}); !errors.Is(err, idempotency.ErrInProgress) {
					t.Errorf("while the first works: got %v", err)
				}
			case "before the commit":
				go func() {
					_, err := charge(ctx, other, "two", func(string) {})
					second <- err
				}()
			}
		})
		if err != nil {
			t.Error(err)
		}
		if err := <-second; err != nil {
			t.Errorf("the second attempt: %v", err)
		}
		if n := effects(t, s, "two"); n != 1 {
			t.Errorf("got %d effects, want 1", n)
		}
	})
	t.Run("an error rolls back and releases", func(t *testing.T) {
		s := connect(t, nil, 1)
		guard := idempotency.New("charge", s, idempotency.Options{})
		no := errors.New("no")
		_, err := idempotency.Do(ctx, guard, "fails", func(ctx context.Context) (int, error) {
			return 0, pgx.BeginFunc(ctx, poolOf(t, s), func(tx pgx.Tx) error {
				return errors.Join(s.CompleteTx(ctx, tx, 1), no)
			})
		})
		if !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
		if _, err := charge(ctx, s, "fails", func(string) {}); err != nil {
			t.Errorf("the next attempt: %v", err)
		}
	})
	t.Run("the guard stores nothing beside the transaction", func(t *testing.T) {
		s := connect(t, nil, 1)
		guard := idempotency.New("charge", s, idempotency.Options{})
		_, err := idempotency.Do(ctx, guard, "rolled back", func(ctx context.Context) (int, error) {
			_ = pgx.BeginFunc(ctx, poolOf(t, s), func(tx pgx.Tx) error {
				return errors.Join(s.CompleteTx(ctx, tx, 1), errors.New("roll back"))
			})
			return 1, nil // a mistake: nothing is committed
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := charge(ctx, s, "rolled back", func(string) {}); !errors.Is(err, idempotency.ErrInProgress) {
			t.Errorf("the next attempt: got %v, want ErrInProgress until the lease is over", err)
		}
	})
	t.Run("only in the code of a guard on this store", func(t *testing.T) {
		s, other := connect(t, nil, 1), idempotency.New("charge", idempotency.NewMemory(nil), idempotency.Options{})
		const want = "pgstore: CompleteTx: the context must be that of code which a guard on this store runs"
		if err := s.CompleteTx(ctx, nil, 1); err == nil || err.Error() != want {
			t.Errorf("outside: got %v", err)
		}
		_, err := idempotency.Do(ctx, other, "k", func(ctx context.Context) (int, error) { return 0, s.CompleteTx(ctx, nil, 1) })
		if err == nil || err.Error() != want {
			t.Errorf("on another store: got %v", err)
		}
	})
}

// TestJobsAndRequests runs the program of the package's example.
func TestJobsAndRequests(t *testing.T) {
	start(t, false)
	s := connect(t, nil, 1)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
	defer cancel()
	insert := func(ctx context.Context, key string, result any) error {
		return pgx.BeginFunc(ctx, poolOf(t, s), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `insert into effects values ($1)`, key); err != nil {
				return err
			}
			return s.CompleteTx(ctx, tx, result)
		})
	}
	guard := idempotency.New("all", s, idempotency.Options{})
	t.Run("a job", func(t *testing.T) {
		do := idempotency.Job(guard, nil, func(ctx context.Context, job *lambdaruntime.Job[string]) error { return insert(ctx, job.Payload, nil) })
		job := &lambdaruntime.Job[string]{Message: lambdaruntime.Message{Queue: "jobs", ID: "1"}, Payload: "job"}
		for range 2 {
			if err := do(ctx, job); err != nil {
				t.Error(err)
			}
		}
		if n := effects(t, s, "job"); n != 1 {
			t.Errorf("got %d effects, want 1", n)
		}
	})
	t.Run("a request", func(t *testing.T) {
		api := idempotency.HTTP(guard, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			response := idempotency.Response{Status: 201, Header: http.Header{"Location": {"/1"}}, Body: []byte("made\n")}
			if err := insert(r.Context(), "request", response); err != nil {
				t.Error(err)
			}
			response.Write(w)
		}), idempotency.HTTPOptions{})
		for _, replayed := range []string{"", "true"} {
			r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
			r.Header.Set("Idempotency-Key", "k1")
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			if w.Code != 201 || w.Body.String() != "made\n" || w.Header().Get("Location") != "/1" || w.Header().Get("Idempotent-Replayed") != replayed {
				t.Errorf("got %d %v %q", w.Code, w.Header(), w.Body)
			}
		}
		if n := effects(t, s, "request"); n != 1 {
			t.Errorf("got %d effects, want 1", n)
		}
	})
}

func TestEnsureTableAtOnce(t *testing.T) {
	t.Setenv("DATABASE_URL", postgrestest.Start(t))
	s := connect(t, nil, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.EnsureTable(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestDatabaseClock uses the database's clock.
func TestDatabaseClock(t *testing.T) {
	start(t, false)
	s := connect(t, nil, 1)
	begin := func(key, owner string, lease time.Duration) idempotency.Outcome {
		t.Helper()
		out, err := s.Begin(t.Context(), idempotency.Claim{Key: key, Owner: owner, Lease: lease})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	begin("long", "ana", time.Hour)
	if out := begin("long", "ben", time.Hour); out.Status != idempotency.InProgress || out.Lease > time.Hour || out.Lease < time.Hour-storetest.Deadline {
		t.Errorf("got %+v, want nearly an hour", out)
	}
	begin("short", "ana", 0)
	if out := begin("short", "ben", time.Hour); out.Status != idempotency.Acquired {
		t.Errorf("after a lease of nothing: got %+v", out)
	}
	if err := s.Complete(t.Context(), idempotency.Claim{Key: "short", Owner: "ben"}, []byte("="), 0); err != nil {
		t.Fatal(err)
	}
	if out := begin("short", "cleo", time.Hour); out.Status != idempotency.Acquired {
		t.Errorf("after a result of no time: got %+v", out)
	}
}

func TestDeleteExpired(t *testing.T) {
	start(t, false)
	clock := storetest.NewClock()
	s := connect(t, clock, 1)
	for i := range 5 {
		c := idempotency.Claim{Key: fmt.Sprint("done ", i), Owner: "ana", Lease: time.Minute}
		if _, err := s.Begin(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Complete(t.Context(), c, []byte("="), time.Duration(i+1)*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Begin(t.Context(), idempotency.Claim{Key: "dead", Owner: "ana", Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	deleted := func(limit, want int) {
		t.Helper()
		if n, err := s.DeleteExpired(t.Context(), limit); err != nil || n != want {
			t.Errorf("got %d deleted, %v; want %d", n, err, want)
		}
	}
	deleted(10, 0)
	clock.Advance(3 * time.Hour)
	deleted(2, 2)
	deleted(2, 1)
	clock.Advance(20 * time.Hour)
	deleted(10, 2)
	clock.Advance(2 * time.Hour)
	deleted(10, 1) // the claim of a process that died
	deleted(10, 0)
}
