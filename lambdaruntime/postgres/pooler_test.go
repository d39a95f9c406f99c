package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database/databasetest"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

// TestSharedConnections has more clients than the proxy has connections, so that nearly
// every step of a client uses another connection than the step before.
func TestSharedConnections(t *testing.T) {
	pool := open(t, postgrestest.StartPooler(t, postgrestest.Start(t), 2), postgres.Options{MaxConns: 8})
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `create table events (id serial, worker int, at timestamp, doc jsonb)`); err != nil {
		t.Fatal(err)
	}
	night := time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC)
	err := databasetest.Together(8, 150, func(i, j int) error {
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		ctx, scope := run.WithScope(ctx, "request")
		defer scope.End(nil)
		// Another text for each client, so that one's statement is never another's.
		var text string
		var n int
		if err := pool.QueryRow(ctx, fmt.Sprintf(`select $1::text || '%d', $2::int`, i), "a", j).Scan(&text, &n); err != nil || text != fmt.Sprintf("a%d", i) || n != j {
			return fmt.Errorf("got %q and %d of client %d, turn %d: %v", text, n, i, j, err)
		}
		if _, err := pool.Exec(ctx, `insert into events (worker, at, doc) values ($1, $2, $3)`, i, night.Add(time.Duration(j)*time.Second), map[string]int{"turn": j}); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if j%10 != 0 {
			return nil
		}
		b := &pgx.Batch{}
		b.Queue(`select count(*) from events where worker = $1`, i).QueryRow(func(r pgx.Row) error { return r.Scan(&n) })
		b.Queue(fmt.Sprintf(`select max(doc->>'turn') from events where worker = $1 and %d = $2`, i), i, i)
		if err := pool.SendBatch(ctx, b).Close(); err != nil || n != j+1 {
			return fmt.Errorf("batch: %d events, want %d: %v", n, j+1, err)
		}
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `update events set doc = doc || $1 where worker = $2`, map[string]any{"tx": i}, i)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var right, all int
	if err := pool.QueryRow(t.Context(), `select count(*) filter (where at = $1::timestamp + (doc->>'turn')::int * interval '1 second'), count(*) from events`, night).Scan(&right, &all); err != nil || right != all || all != 8*150 {
		t.Errorf("got %d right of %d events, %v; want %d", right, all, err, 8*150)
	}
}

// TestNothingOutlivesItsOperationBehindAProxy is [TestNothingOutlivesItsOperation] behind
// a proxy, whose two connections to the server would soon be used up.
func TestNothingOutlivesItsOperationBehindAProxy(t *testing.T) {
	server := postgrestest.Start(t)
	pool := open(t, postgrestest.StartPooler(t, server, 2), postgres.Options{})
	if _, err := pool.Exec(t.Context(), `create table accounts (id int primary key, balance int); insert into accounts values (1, 0)`); err != nil {
		t.Fatal(err)
	}
	databasetest.CollectLogs(t)
	ways := ways(pool)
	delete(ways, "without a context") // which a handler's goroutine is needed for
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
				defer cancel()
				op, scope := run.WithScope(ctx, "request")
				if err := way(op); err != nil {
					t.Fatal(err)
				}
				scope.End(nil)
				if _, err := pool.Exec(ctx, lockRow); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRestarts sends requests while the proxy and the server are stopped and started
// again: those in between fail, and all later ones succeed.
func TestRestarts(t *testing.T) {
	server := postgrestest.NewServer(t)
	pooler := postgrestest.NewPooler(t, server.URL, 2)
	pool := open(t, pooler.URL, postgres.Options{MaxConns: 2})
	request := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		ctx, scope := run.WithScope(ctx, "request")
		defer scope.End(nil)
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `select $1::int`, 1)
			return err
		})
	}
	for name, restart := range map[string]func(){
		"the proxy":  func() { pooler.Stop(); pooler.Start(t) },
		"the server": func() { server.Stop(); server.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				if err := request(); err != nil {
					t.Fatal(err)
				}
				restart()
				// Each connection that was idle for less than a second may fail one.
				failed := 0
				for range 10 {
					if err := request(); err != nil {
						failed++
					}
				}
				if failed > 3 {
					t.Errorf("%d of 10 requests failed after the restart", failed)
				}
			}
		})
	}
}
