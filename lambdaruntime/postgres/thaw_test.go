package postgres

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

// freeze makes the pool's one connection idle for d, by the wall clock alone.
func freeze(t *testing.T, pool *pgxpool.Pool, d time.Duration) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := sessionOf(conn.Conn())
	conn.Release()
	s.age.IdleSince = s.age.IdleSince.Add(-d)
}

func TestFirstQueryAfterAThaw(t *testing.T) {
	server := postgrestest.NewServer(t)
	pooler := postgrestest.NewPooler(t, server.URL, 2)
	admin, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	for name, tc := range map[string]struct {
		url   string
		gone  func(t *testing.T) // while the instance is frozen
		after time.Duration
	}{
		"nothing has happened": {server.URL, func(*testing.T) {}, 40 * time.Second},
		"the server has ended the connection": {server.URL, func(t *testing.T) {
			if _, err := admin.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`); err != nil {
				t.Fatal(err)
			}
		}, 40 * time.Second},
		"the proxy was replaced":                  {pooler.URL, func(t *testing.T) { pooler.Stop(); pooler.Start(t) }, 40 * time.Second},
		"the proxy's limit for idling has passed": {pooler.URL, func(*testing.T) {}, 40 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", tc.url)
			pool, err := New("db", Options{}).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 3 {
				freeze(t, pool, tc.after)
				tc.gone(t)
				if _, err := pool.Exec(ctx, `select $1::int`, 1); err != nil {
					t.Fatal(err)
				}
			}
			for pool.Stat().TotalConns() != 1 { // the broken ones go by themselves
				if ctx.Err() != nil {
					t.Fatalf("got %d connections, want 1", pool.Stat().TotalConns())
				}
				runtime.Gosched()
			}
		})
	}
}

func TestAFrozenConnectionIsChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		pings int
		conns int
	}{
		"no freeze":                       {0, 0, 1},
		"a freeze":                        {2 * database.PingAfter, 1, 1},
		"a clock that was set back":       {-time.Hour, 1, 1},
		"a freeze past the proxy's limit": {database.MaxIdle + time.Second, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := setup(t)
			pool, err := New("db", Options{}).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			freeze(t, pool, tc.after)
			p.mu.Lock()
			p.messages = nil
			p.mu.Unlock()
			if _, err := pool.Exec(t.Context(), "update t set a = $1", 1); err != nil {
				t.Fatal(err)
			}
			pings := 0
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, m := range p.messages {
				if m == "query -- ping" {
					pings++
				}
			}
			if pings != tc.pings || len(p.tokens) != tc.conns {
				t.Errorf("got %d pings and %d log-ins, want %d and %d", pings, len(p.tokens), tc.pings, tc.conns)
			}
		})
	}
}
