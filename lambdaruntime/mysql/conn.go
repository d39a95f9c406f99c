package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
)

// conn is one use of a connection. It prepares nothing on the server, and records changes
// of the session. database/sql calls one method of it at a time.
type conn struct {
	*link
	pool  *pool
	lease *database.Lease
	// changed means that this use has left state in the session.
	changed bool
	// begun means that a transaction has begun and not yet ended.
	begun bool
}

// IsValid implements [driver.Validator]: a conn is one use, so database/sql must not keep
// it, whatever SetMaxIdleConns says.
func (c *conn) IsValid() bool { return false }

// Close implements [driver.Conn]: it returns the connection to the pool, or closes it if
// the next use must not get it.
func (c *conn) Close() error {
	c.lease.Release(func(mine bool) {
		if mine && !c.changed && !c.begun && c.link.IsValid() {
			c.pool.put(c.link)
		} else {
			_ = c.link.Close()
		}
	})
	return nil
}

// Begin implements [driver.Conn], for the functions of [sql.Conn.Raw].
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.begun = true
	begun, err := c.link.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{begun, c}, nil
}

// tx is a transaction that reports its end to its connection.
type tx struct {
	driver.Tx
	conn *conn
}

// Commit implements [driver.Tx].
func (t *tx) Commit() error { return t.ended(t.Tx.Commit()) }

// Rollback implements [driver.Tx].
func (t *tx) Rollback() error { return t.ended(t.Tx.Rollback()) }

func (t *tx) ended(err error) error {
	if err == nil {
		t.conn.begun = false
	}
	return err
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.runs(query)
	result, err := c.link.ExecContext(ctx, query, args)
	return result, unskipped(err, args)
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.runs(query)
	rows, err := c.link.QueryContext(ctx, query, args)
	return rows, unskipped(err, args)
}

// runs records whether a statement changes the session.
func (c *conn) runs(query string) {
	c.changed = c.changed || changesSession(query)
}

// unskipped replaces [driver.ErrSkip]. With it the driver asks for a prepared statement,
// because the arguments do not fit into the text.
func unskipped(err error, args []driver.NamedValue) error {
	if errors.Is(err, driver.ErrSkip) {
		return fmt.Errorf("mysql: a statement must have one argument for each ? and stay below Config.MaxAllowedPacket with them, got %d arguments", len(args))
	}
	return err
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &statement{c, query}, nil
}

// Prepare implements [driver.Conn].
func (c *conn) Prepare(query string) (driver.Stmt, error) { return &statement{c, query}, nil }

// statement is a prepared statement that exists in the client only.
type statement struct {
	conn  *conn
	query string
}

// Close implements [driver.Stmt].
func (s *statement) Close() error { return nil }

// NumInput implements [driver.Stmt]: the connection counts the arguments.
func (s *statement) NumInput() int { return -1 }

// ExecContext implements [driver.StmtExecContext].
func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

// QueryContext implements [driver.StmtQueryContext].
func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// Exec implements [driver.Stmt].
func (s *statement) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements [driver.Stmt].
func (s *statement) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}
