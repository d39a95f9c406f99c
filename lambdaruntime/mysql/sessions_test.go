package mysql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database/databasetest"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql/mysqltest"
)

// TestNoStateReachesTheNextJob leaves state in the session of one job. It looks for it in
// the next job, and for a lost INSERT of that.
func TestNoStateReachesTheNextJob(t *testing.T) {
	server := mysqltest.Start(t)
	multi := server + "&multiStatements=true"
	pool := open(t, multi, mysql.Options{})
	t.Setenv("DATABASE_URL", server)
	other, err := mysql.New("db", mysql.Options{}).Get(t.Context()) // another instance
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, ddl := range []string{
		`create table n (n int)`, `create table left_table (a int)`, `insert into left_table values (1)`, `create sequence s`,
		`create procedure leave_variable() set @x = 1`,
		`create procedure leave_transaction() begin start transaction; insert into n values (0); end`,
		`create procedure fail_in_transaction() begin start transaction; insert into n values (0); insert into missing values (0); end`,
	} {
		if _, err := pool.ExecContext(t.Context(), ddl); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(query string, args ...any) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := pool.ExecContext(ctx, query, args...)
			return err
		}
	}
	onConn := func(queries ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			conn, err := pool.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			for _, query := range queries {
				if _, err := conn.ExecContext(ctx, query); err != nil {
					return err
				}
			}
			return nil
		}
	}
	failing := func(f func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error { _ = f(ctx); return nil }
	}
	const (
		variable    = `select @x is null`
		transaction = `select @@in_transaction = 0 and @@autocommit = 1`
	)
	for name, tc := range map[string]struct {
		leave func(context.Context) error
		clean string
	}{
		"BEGIN":                               {exec(`begin`), transaction},
		"BEGIN and an INSERT":                 {onConn(`begin`, `insert into n values (0)`), transaction},
		"START TRANSACTION":                   {exec(`start transaction`), transaction},
		"a transaction behind another":        {exec(`do 1; begin`), transaction},
		"BEGIN and an error":                  {failing(exec(`begin; insert into missing values (1)`)), transaction},
		"autocommit off":                      {exec(`set autocommit = 0`), transaction},
		"autocommit off with others":          {exec(`SET @x = 1, SESSION autocommit = ?`, 0), transaction},
		"a procedure's transaction":           {exec(`call leave_transaction()`), transaction},
		"a transaction of a failed procedure": {failing(exec(`call fail_in_transaction()`)), transaction},
		"COMMIT AND CHAIN":                    {onConn(`commit and chain`, `insert into n values (0)`), transaction},
		"a transaction that was left": {func(ctx context.Context) error {
			_, err := pool.BeginTx(ctx, nil)
			return err
		}, transaction},
		"a variable":             {exec(`set @x = 1`), variable},
		"a variable of a query":  {func(ctx context.Context) error { return pool.QueryRowContext(ctx, `select @x := 1`).Scan(new(int)) }, variable},
		"a procedure's variable": {exec(`call leave_variable()`), variable},
		"a compound statement":   {exec(`if 1 then set autocommit = 0; end if`), transaction},
		"the driver's own Begin": {func(ctx context.Context) error {
			conn, err := pool.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			return conn.Raw(func(c any) error { _, err := c.(driver.Conn).Begin(); return err }) //nolint:staticcheck // programs may
		}, transaction},
		"a lock with a quoted name": {func(ctx context.Context) error {
			return pool.QueryRowContext(ctx, "select `get_lock`('l', 1)").Scan(new(int))
		}, `select not (is_used_lock('l') <=> connection_id())`},
		"a system variable":   {exec(`set sql_mode = ''`), `select @@sql_mode <> ''`},
		"SET in a comment":    {exec(`/*!40101 set @x = 1 */`), variable},
		"the isolation level": {exec(`set session transaction isolation level serializable`), `select @@tx_isolation <> 'SERIALIZABLE'`},
		"a temporary table":   {exec(`create temporary table left_table (a int)`), `select count(*) = 1 from left_table`},
		"a lock": {func(ctx context.Context) error {
			return pool.QueryRowContext(ctx, `select get_lock('l', 1)`).Scan(new(int))
		}, `select not (is_used_lock('l') <=> connection_id())`},
		"locked tables":        {exec(`lock tables n read`), `select @@in_transaction = 0`},
		"another database":     {exec(`use mysql`), `select database() = 'test'`},
		"a prepared statement": {exec(`prepare p from 'select 1'`), `select variable_value = 0 from information_schema.session_status where variable_name = 'Com_prepare_sql'`},
		"a sequence":           {func(ctx context.Context) error { return pool.QueryRowContext(ctx, `select nextval(s)`).Scan(new(int)) }, `select lastval(s) is null`},
		"LAST_INSERT_ID(n)": {func(ctx context.Context) error {
			return pool.QueryRowContext(ctx, `select last_insert_id(7)`).Scan(new(int))
		}, `select last_insert_id() = 0`},
	} {
		t.Run(name, func(t *testing.T) {
			databasetest.CollectLogs(t)
			limited, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
			defer cancel()
			ctx, job := run.WithScope(limited, "job")
			if err := tc.leave(ctx); err != nil {
				t.Fatal(err)
			}
			job.End(nil)
			ctx, job = run.WithScope(limited, "job")
			defer job.End(nil)
			var clean bool
			if err := pool.QueryRowContext(ctx, tc.clean).Scan(&clean); err != nil {
				t.Fatal(err)
			}
			if !clean {
				t.Error("it is still there")
			}
			if _, err := pool.ExecContext(ctx, `insert into n values (1)`); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := other.QueryRowContext(limited, `select count(*) from n where n = 1`).Scan(&n); err != nil || n == 0 {
				t.Errorf("another instance sees %d rows, %v: the INSERT is in a transaction", n, err)
			}
			if _, err := other.ExecContext(limited, `delete from n`); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestAnUnchangedSessionIsUsedAgain is the other half: a new connection costs time.
func TestAnUnchangedSessionIsUsedAgain(t *testing.T) {
	pool := open(t, mysqltest.Start(t), mysql.Options{})
	id := func() (n int) {
		t.Helper()
		if err := pool.QueryRowContext(t.Context(), `select connection_id()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := id()
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
		tx, err := pool.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{`create table if not exists t (id int auto_increment primary key, a int)`, `insert into t (a) values (1)`, `update t set a = 2`} {
			if _, err := tx.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.ExecContext(t.Context(), `insert into missing values (1)`); err == nil {
		t.Error("got no error of a missing table")
	}
	if got := id(); got != first {
		t.Errorf("got another connection")
	}
}

// TestRestarts sends requests while the server is stopped and started again, and while it
// ends connections: all requests after that succeed.
func TestRestarts(t *testing.T) {
	server := mysqltest.NewServer(t)
	pool := open(t, server.URL, mysql.Options{MaxConns: 2})
	request := func() (id int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		ctx, scope := run.WithScope(ctx, "request")
		defer scope.End(nil)
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer tx.Rollback()
		if err := tx.QueryRowContext(ctx, `select connection_id()`).Scan(&id); err != nil {
			return 0, err
		}
		return id, tx.Commit()
	}
	for name, restart := range map[string]func(id int){
		"the server is killed": func(int) { server.Stop(); server.Start(t) },
		"the connection is killed": func(id int) {
			// The transaction makes the pool use a second connection for the kill.
			ctx, scope := run.WithScope(t.Context(), "request")
			defer scope.End(nil)
			tx, err := pool.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if _, err := pool.ExecContext(ctx, `kill ?`, id); err != nil {
				t.Log(err) // it may have killed itself
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				id, err := request()
				if err != nil {
					t.Fatal(err)
				}
				restart(id)
				for range 5 {
					if _, err := request(); err != nil {
						t.Errorf("afterwards: %v", err)
					}
				}
			}
		})
	}
}
