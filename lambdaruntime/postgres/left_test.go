package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database/databasetest"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

// open opens the pool of a program at a database.
func open(t *testing.T, url string, opts postgres.Options) *pgxpool.Pool {
	t.Helper()
	t.Setenv("DATABASE_URL", url)
	pool, err := postgres.New("db", opts).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pool // Close would wait for connections that tests do not release
}

const lockRow = `update accounts set balance = balance + 1 where id = 1`

// ways are the ways in which code can hold a database resource. Each locks a row if it
// can.
func ways(pool *pgxpool.Pool) map[string]func(ctx context.Context) error {
	locked := func(tx pgx.Tx, err error) error {
		if err == nil {
			_, err = tx.Exec(context.Background(), lockRow)
		}
		return err
	}
	return map[string]func(ctx context.Context) error{
		"Begin":             func(ctx context.Context) error { return locked(pool.Begin(ctx)) },
		"without cancel":    func(ctx context.Context) error { return locked(pool.Begin(context.WithoutCancel(ctx))) },
		"without a context": func(context.Context) error { return locked(pool.Begin(context.Background())) },
		"a short context": func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, databasetest.Deadline)
			defer cancel()
			return locked(pool.Begin(short))
		},
		"Acquire": func(ctx context.Context) error {
			conn, err := pool.Acquire(ctx)
			if err == nil {
				_, err = conn.Exec(ctx, `begin; `+lockRow)
			}
			return err
		},
		"Hijack": func(ctx context.Context) error {
			conn, err := pool.Acquire(ctx)
			if err == nil {
				_, err = conn.Hijack().Exec(ctx, `begin; `+lockRow)
			}
			return err
		},
		"rows": func(ctx context.Context) error {
			rows, err := pool.Query(ctx, `select generate_series(1, 100000)`)
			if err == nil && !rows.Next() {
				err = errors.New("no rows")
			}
			return err
		},
		"a row": func(ctx context.Context) error {
			pool.QueryRow(ctx, `select 1`)
			return nil
		},
		"a batch": func(ctx context.Context) error {
			b := &pgx.Batch{}
			b.Queue(lockRow)
			b.Queue(`select generate_series(1, 100000)`)
			return func() error { _, err := pool.SendBatch(ctx, b).Exec(); return err }()
		},
		"another goroutine": func(ctx context.Context) error {
			got := make(chan error)
			go func() { got <- locked(pool.Begin(ctx)) }()
			return <-got
		},
		"a nested transaction": func(ctx context.Context) error {
			tx, err := pool.Begin(ctx)
			if err != nil {
				return err
			}
			return locked(tx.Begin(ctx))
		},
	}
}

func TestNothingOutlivesItsOperation(t *testing.T) {
	url := postgrestest.Start(t)
	pool := open(t, url, postgres.Options{})
	if _, err := pool.Exec(t.Context(), `create table accounts (id int primary key, balance int); insert into accounts values (1, 0)`); err != nil {
		t.Fatal(err)
	}
	use := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := pool.Exec(ctx, lockRow)
		return err
	}
	databasetest.Left(t, ways(pool), use)
	t.Run("the database's side", func(t *testing.T) {
		// All connections but the current one are gone.
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		for n := -1; n != 1; {
			if err := pool.QueryRow(ctx, `select count(*) from pg_stat_activity where backend_type = 'client backend'`).Scan(&n); err != nil {
				t.Fatalf("%d connections are left: %v", n, err)
			}
		}
	})
}

func TestLeases(t *testing.T) {
	url := postgrestest.Start(t)
	t.Run("the record names the place", func(t *testing.T) { theRecordNamesThePlace(t, url) })
	t.Run("one who waits learns who holds", func(t *testing.T) { oneWhoWaitsLearnsWhoHolds(t, url) })
	t.Run("code that outlives its operation gets no connection", func(t *testing.T) { codeThatOutlivesItsOperationGetsNoConnection(t, url) })
	t.Run("more is left than there are connections", func(t *testing.T) { aPoolForgetsWhatIsLeft(t, url) })
	t.Run("many operations at once", func(t *testing.T) { manyOperationsAtOnce(t, url) })
}

func theRecordNamesThePlace(t *testing.T, url string) {
	pool := open(t, url, postgres.Options{})
	logs := databasetest.CollectLogs(t)
	ctx, scope := run.WithScope(t.Context(), "request")
	here := databasetest.NextLine()
	if _, err := pool.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	scope.End(nil)
	records := logs.Take()
	if len(records) != 1 || records[0].Taken != here {
		t.Errorf("got %q, want one that names %s", records, here)
	}
}

// oneWhoWaitsLearnsWhoHolds has a connection that belongs to no operation, so its end is
// unknown.
func oneWhoWaitsLearnsWhoHolds(t *testing.T, url string) {
	pool := open(t, url, postgres.Options{})
	here := databasetest.NextLine()
	conn, err := pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wait := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := pool.Exec(ctx, `select 1`)
		return err
	}
	err = wait(t.Context())
	if want := "code outside every request and job has had one for "; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "taken at "+here) {
		t.Errorf("got error %v, want one with %q and %q", err, want, here)
	}
	conn.Release()

	ctx, scope := run.WithScope(t.Context(), "request")
	defer scope.End(nil)
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if err, want := wait(ctx), "postgres: all connections (1) are in use: request has had one for "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want one that starts with %q", err, want)
	}
}

func codeThatOutlivesItsOperationGetsNoConnection(t *testing.T, url string) {
	pool := open(t, url, postgres.Options{})
	ctx, scope := run.WithScope(t.Context(), "request")
	scope.End(errors.New("timed out"))
	want := "postgres: the request or job that asks for a database connection has ended"
	if _, err := pool.Exec(context.WithoutCancel(ctx), `select 1`); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	if _, err := pool.Exec(t.Context(), `select 1`); err != nil {
		t.Error(err)
	}
}

// aPoolForgetsWhatIsLeft leaves far more connections unreleased than the pool has.
func aPoolForgetsWhatIsLeft(t *testing.T, url string) {
	pool := open(t, url, postgres.Options{MaxConns: 2})
	databasetest.CollectLogs(t)
	for i := range 300 {
		ctx, scope := run.WithScope(t.Context(), "request")
		if _, err := pool.Begin(ctx); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		scope.End(nil)
	}
	var n int
	if err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where backend_type = 'client backend' and state like 'idle in%'`).Scan(&n); err != nil || n > 2 {
		t.Errorf("got %d open transactions, %v", n, err)
	}
}

func manyOperationsAtOnce(t *testing.T, url string) {
	pool := open(t, url, postgres.Options{MaxConns: 4})
	databasetest.CollectLogs(t)
	if _, err := pool.Exec(t.Context(), `create table n (id int primary key, n int); insert into n select g, 0 from generate_series(0, 7) g`); err != nil {
		t.Fatal(err)
	}
	err := databasetest.Together(8, 60, func(i, j int) error {
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		ctx, scope := run.WithScope(ctx, "request")
		defer scope.End(nil)
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update n set n = n + 1 where id = $1`, i); err != nil {
			return err
		}
		if j%3 == 0 {
			return nil // left
		}
		return tx.Commit(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	var least, most int
	if err := pool.QueryRow(t.Context(), `select min(n), max(n) from n`).Scan(&least, &most); err != nil || least != 40 || most != 40 {
		t.Errorf("got %d to %d committed updates a row, %v; want 40", least, most, err)
	}
	if open := pool.Stat().TotalConns() - pool.Stat().AcquiredConns(); open > 4+1 {
		t.Errorf("got %d idle connections, want 4", open)
	}
}

// BenchmarkQuery compares the pool with pgx's own in the same query mode.
func BenchmarkQuery(b *testing.B) {
	b.Setenv("DATABASE_URL", postgrestest.Start(b))
	ours, err := postgres.New("db", postgres.Options{}).Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	config := ours.Config()
	config.ConnConfig.Tracer, config.ShouldPing, config.MaxConns = nil, nil, 1
	plain, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	for name, pool := range map[string]*pgxpool.Pool{"plain": plain, "ours": ours} {
		b.Run(name, func(b *testing.B) {
			ctx, scope := run.WithScope(b.Context(), "request")
			defer scope.End(nil)
			b.ReportAllocs()
			for b.Loop() {
				var n int
				if err := pool.QueryRow(ctx, `select $1::int + 1 from (values (1), (2)) v (a) where a = $2`, 1, 2).Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
