package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database/databasetest"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql/mysqltest"
)

// open opens the pool of a program at a database.
func open(t *testing.T, url string, opts mysql.Options) *sql.DB {
	t.Helper()
	t.Setenv("DATABASE_URL", url)
	pool, err := mysql.New("db", opts).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

const lockRow = `update accounts set balance = balance + 1 where id = 1`

// ways are the ways in which code can hold a database resource. Each locks a row if it
// can.
func ways(pool *sql.DB) map[string]func(ctx context.Context) error {
	locked := func(tx *sql.Tx, err error) error {
		if err == nil {
			_, err = tx.Exec(lockRow)
		}
		return err
	}
	unread := func(rows *sql.Rows, err error) error {
		if err == nil && !rows.Next() {
			err = errors.New("no rows")
		}
		return err
	}
	const many = `with recursive n as (select 1 as n union all select n + 1 from n where n < 900) select a.n from n a, n b`
	return map[string]func(ctx context.Context) error{
		"BeginTx":        func(ctx context.Context) error { return locked(pool.BeginTx(ctx, nil)) },
		"Begin":          func(context.Context) error { return locked(pool.Begin()) },
		"without cancel": func(ctx context.Context) error { return locked(pool.BeginTx(context.WithoutCancel(ctx), nil)) },
		"Conn and a transaction": func(ctx context.Context) error {
			conn, err := pool.Conn(ctx)
			if err != nil {
				return err
			}
			return locked(conn.BeginTx(context.Background(), nil))
		},
		"Conn and BEGIN": func(ctx context.Context) error {
			conn, err := pool.Conn(ctx)
			if err == nil {
				_, err = conn.ExecContext(ctx, `begin`)
			}
			if err == nil {
				_, err = conn.ExecContext(ctx, lockRow)
			}
			return err
		},
		"QueryContext": func(ctx context.Context) error { return unread(pool.QueryContext(ctx, many)) },
		"Query":        func(context.Context) error { return unread(pool.Query(many)) },
		"a statement": func(ctx context.Context) error {
			stmt, err := pool.Prepare(many)
			if err != nil {
				return err
			}
			return unread(stmt.QueryContext(ctx))
		},
		"a row": func(ctx context.Context) error {
			pool.QueryRowContext(ctx, many)
			return nil
		},
		"another goroutine": func(ctx context.Context) error {
			got := make(chan error)
			go func() { got <- locked(pool.BeginTx(ctx, nil)) }()
			return <-got
		},
	}
}

func TestNothingOutlivesItsOperation(t *testing.T) {
	pool := open(t, mysqltest.Start(t), mysql.Options{})
	for _, query := range []string{`create table accounts (id int primary key, balance int)`, `insert into accounts values (1, 0)`} {
		if _, err := pool.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	databasetest.Left(t, ways(pool), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := pool.ExecContext(ctx, lockRow)
		return err
	})
}

func TestLeases(t *testing.T) {
	url := mysqltest.Start(t)
	t.Run("the record names the place", func(t *testing.T) { theRecordNamesThePlace(t, url) })
	t.Run("one who waits learns who holds", func(t *testing.T) { oneWhoWaitsLearnsWhoHolds(t, url) })
	t.Run("code that outlives its operation gets no connection", func(t *testing.T) { codeThatOutlivesItsOperationGetsNoConnection(t, url) })
	t.Run("more is left than there are connections", func(t *testing.T) { aPoolForgetsWhatIsLeft(t, url) })
	t.Run("many operations at once", func(t *testing.T) { manyOperationsAtOnce(t, url) })
}

func theRecordNamesThePlace(t *testing.T, url string) {
	pool := open(t, url, mysql.Options{})
	logs := databasetest.CollectLogs(t)
	ctx, scope := run.WithScope(t.Context(), "request")
	here := databasetest.NextLine()
	if _, err := pool.BeginTx(ctx, nil); err != nil {
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
	pool := open(t, url, mysql.Options{})
	here := databasetest.NextLine()
	conn, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wait := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := pool.ExecContext(ctx, `do 1`)
		return err
	}
	err = wait(t.Context())
	if want := "code outside every request and job has had one for "; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "taken at "+here) {
		t.Errorf("got error %v, want one with %q and %q", err, want, here)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}

	ctx, scope := run.WithScope(t.Context(), "request")
	defer scope.End(nil)
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err, want := wait(ctx), "mysql: all connections (1) are in use: request has had one for "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want one that starts with %q", err, want)
	}
}

func codeThatOutlivesItsOperationGetsNoConnection(t *testing.T, url string) {
	pool := open(t, url, mysql.Options{})
	ctx, scope := run.WithScope(t.Context(), "request")
	scope.End(errors.New("timed out"))
	want := "mysql: the request or job that asks for a database connection has ended"
	if _, err := pool.ExecContext(context.WithoutCancel(ctx), `do 1`); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	if _, err := pool.ExecContext(t.Context(), `do 1`); err != nil {
		t.Error(err)
	}
}

// aPoolForgetsWhatIsLeft leaves far more connections unreleased than the pool has.
func aPoolForgetsWhatIsLeft(t *testing.T, url string) {
	pool := open(t, url, mysql.Options{MaxConns: 2})
	databasetest.CollectLogs(t)
	for i := range 300 {
		ctx, scope := run.WithScope(t.Context(), "request")
		if _, err := pool.Conn(ctx); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		scope.End(nil)
	}
	if _, err := pool.ExecContext(t.Context(), `do 1`); err != nil {
		t.Error(err)
	}
}

func manyOperationsAtOnce(t *testing.T, url string) {
	pool := open(t, url, mysql.Options{MaxConns: 4})
	databasetest.CollectLogs(t)
	for _, query := range []string{`create table n (id int primary key, n int)`, `insert into n values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)`} {
		if _, err := pool.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	err := databasetest.Together(8, 60, func(i, j int) error {
		ctx, cancel := context.WithTimeout(t.Context(), databasetest.Deadline)
		defer cancel()
		ctx, scope := run.WithScope(ctx, "request")
		defer scope.End(nil)
		tx, err := pool.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update n set n = n + 1 where id = ?`, i); err != nil {
			return err
		}
		if j%3 == 0 {
			return nil // left
		}
		return tx.Commit()
	})
	if err != nil {
		t.Fatal(err)
	}
	var least, most int
	if err := pool.QueryRowContext(t.Context(), `select min(n), max(n) from n`).Scan(&least, &most); err != nil || least != 40 || most != 40 {
		t.Errorf("got %d to %d committed updates a row, %v; want 40", least, most, err)
	}
}

// BenchmarkQuery compares the pool with database/sql's own over the plain driver.
func BenchmarkQuery(b *testing.B) {
	b.Setenv("DATABASE_URL", mysqltest.Start(b))
	ours, err := mysql.New("db", mysql.Options{}).Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer ours.Close()
	config := mysqldriver.NewConfig()
	if err := ours.QueryRowContext(b.Context(), `select @@socket`).Scan(&config.Addr); err != nil {
		b.Fatal(err)
	}
	config.Net, config.User, config.DBName, config.InterpolateParams = "unix", "root", "test", true
	connector, err := mysqldriver.NewConnector(config)
	if err != nil {
		b.Fatal(err)
	}
	plain := sql.OpenDB(connector)
	defer plain.Close()
	for name, pool := range map[string]*sql.DB{"plain": plain, "ours": ours} {
		b.Run(name, func(b *testing.B) {
			ctx, scope := run.WithScope(b.Context(), "request")
			defer scope.End(nil)
			b.ReportAllocs()
			for b.Loop() {
				var n int
				if err := pool.QueryRowContext(ctx, `select ? + 1 from (select 1 as a) v where a = ?`, 1, 1).Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
