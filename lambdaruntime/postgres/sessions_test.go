package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database/databasetest"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

// TestNoStateReachesTheNextJob leaves state in the session of one job and looks for it in
// the next.
func TestNoStateReachesTheNextJob(t *testing.T) {
	pool := open(t, postgrestest.Start(t), postgres.Options{})
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `
		create sequence s;
		create procedure leave() language plpgsql as $$ begin perform set_config('app.who', 'alice', false); end $$`); err != nil {
		t.Fatal(err)
	}
	exec := func(sql string, args ...any) func(context.Context, *pgxpool.Pool) error {
		return func(ctx context.Context, pool *pgxpool.Pool) error {
			_, err := pool.Exec(ctx, sql, args...)
			return err
		}
	}
	// The closed connection's server process may hold its state a moment longer, but the
	// next job must not see it.
	const (
		user    = `select coalesce(current_setting('app.who', true), '') = ''`
		locks   = `select count(*) = 0 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`
		tables  = `select to_regclass('left_table') is null`
		cursors = `select count(*) = 0 from pg_cursors where name = 'left_cursor'`
		// currval's error in a session that has not used the sequence.
		sequence = `select currval('s') is null`
	)
	for name, tc := range map[string]struct {
		leave func(context.Context, *pgxpool.Pool) error
		clean string
	}{
		"SET":                         {exec(`set app.who = 'alice'`), user},
		"SET after another statement": {exec(`select 1; set app.who = 'alice'`), user},
		"SET ROLE":                    {exec(`set role pg_monitor`), `select current_user = 'test'`},
		"SET search_path":             {exec(`set search_path = pg_catalog`), `select current_setting('search_path') <> 'pg_catalog'`},
		"UPDATE of pg_settings":       {exec(`update pg_settings set setting = 'pg_catalog' where name = 'search_path'`), `select current_setting('search_path') <> 'pg_catalog'`},
		"set_config":                  {exec(`select set_config('app.who', $1, false)`, "alice"), user},
		"set_config by an argument":   {exec(`select set_config('app.who', 'alice', $1)`, false), user},
		"DO":                          {exec(`do $$ begin perform set_config('app.who', 'alice', false); end $$`), user},
		"CALL":                        {exec(`call leave()`), user},
		"a temporary table":           {exec(`create temp table left_table (a int)`), tables},
		"SELECT INTO TEMP":            {exec(`select 1 as a into temporary left_table`), tables},
		"an advisory lock":            {exec(`select pg_advisory_lock($1)`, 1), locks},
		"a tried advisory lock":       {exec(`select pg_try_advisory_lock_shared(1, 2)`), locks},
		"LISTEN":                      {exec(`listen ch`), `select count(*) = 0 from pg_listening_channels()`},
		"SQL's PREPARE":               {exec(`prepare left_statement as select 1`), `select count(*) = 0 from pg_prepared_statements where name = 'left_statement'`},
		"a cursor":                    {exec(`declare left_cursor cursor with hold for select 1`), cursors},
		"nextval":                     {exec(`select nextval('s')`), sequence},
		"a statement with a name": {func(ctx context.Context, pool *pgxpool.Pool) error {
			return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				_, err := c.Conn().Prepare(ctx, "left_statement", `select 1`)
				return err
			})
		}, `select count(*) = 0 from pg_prepared_statements where name = 'left_statement'`},
		"a batch": {func(ctx context.Context, pool *pgxpool.Pool) error {
			b := &pgx.Batch{}
			b.Queue(`select 1`)
			b.Queue(`set app.who = 'alice'`)
			return pool.SendBatch(ctx, b).Close()
		}, user},
		"a transaction": {func(ctx context.Context, pool *pgxpool.Pool) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `set app.who = 'alice'`)
				return err
			})
		}, user},
		"an open transaction": {exec(`begin; create table left_table (a int)`), tables},
	} {
		t.Run(name, func(t *testing.T) {
			limited, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
			defer cancel()
			ctx, job := run.WithScope(limited, "job")
			if err := tc.leave(ctx, pool); err != nil {
				t.Fatal(err)
			}
			job.End(nil)
			ctx, job = run.WithScope(limited, "job")
			defer job.End(nil)
			var clean bool
			err := pool.QueryRow(ctx, tc.clean).Scan(&clean)
			if tc.clean == sequence {
				clean = err != nil
			} else if err != nil {
				t.Fatal(err)
			}
			if !clean {
				t.Error("it is still there")
			}
		})
	}
}

// TestAnUnchangedSessionIsUsedAgain is the other half: a new connection costs time.
func TestAnUnchangedSessionIsUsedAgain(t *testing.T) {
	pool := open(t, postgrestest.Start(t), postgres.Options{Configure: func(c *pgxpool.Config) error {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, `set app.same = 'the same'`)
			return err
		}
		return nil
	}})
	defer pool.Close()
	pid := func() (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `select pg_backend_pid()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := pid()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for _, sql := range []string{`set local app.who = 'alice'`, `select set_config('app.who', 'bob', true)`, `select pg_advisory_xact_lock(1)`, `create table t (id serial)`, `insert into t default values`} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := pid(); got != first {
		t.Errorf("got another connection")
	}
}
