package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// connector makes the pool's connections.
type connector struct {
	config *mysqldriver.Config
	// token makes the password of one connection; nil leaves the configured one.
	token func(context.Context) (string, error)
	limit *limit
}

// Driver implements [driver.Connector].
func (c *connector) Driver() driver.Driver { return mysqldriver.MySQLDriver{} }

// Connect implements [driver.Connector].
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	config := c.config.Clone()
	if c.token != nil {
		token, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		config.Passwd = token
	}
	dial := config.DialFunc
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var socket net.Conn
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var err error
		socket, err = dial(ctx, network, addr)
		return socket, err
	}
	connector, err := mysqldriver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	plain, err := connector.Connect(limited)
	if err != nil {
		return nil, err
	}
	conn := &conn{fullConn: plain.(fullConn), limit: c.limit, socket: socket, fresh: true}
	conn.watch(ctx)
	return conn, nil
}

// fullConn is what a connection of the driver can do.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// conn is a connection of the driver that prepares nothing on the server, is
// checked after a pause, and can be taken from abandoned work. database/sql calls
// one method of it at a time.
type conn struct {
	fullConn
	limit  *limit
	socket net.Conn
	// fresh says that nothing has used it since it was made.
	fresh bool
	// idleSince is when it went back to the pool.
	idleSince time.Time

	mu    sync.Mutex
	lease *lease // nil while nobody has it
	over  bool   // taken from abandoned work
}

// ResetSession implements [driver.SessionResetter]: it comes before each use of a
// connection but the first.
func (c *conn) ResetSession(ctx context.Context) error {
	if err := c.fullConn.ResetSession(ctx); err != nil {
		return err
	}
	if wallClock().Sub(c.idleSince) > pingAfter {
		limited, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		if c.fullConn.Ping(limited) != nil {
			return driver.ErrBadConn // the pool takes another one
		}
	}
	c.watch(ctx)
	return nil
}

// IsValid implements [driver.Validator]: it comes when a connection goes back to
// the pool.
func (c *conn) IsValid() bool {
	c.idleSince = wallClock()
	return !c.release() && c.fullConn.IsValid()
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	if c.release() {
		defer c.limit.lower()
	}
	return c.fullConn.Close()
}

// Ping implements [driver.Pinger].
func (c *conn) Ping(ctx context.Context) error {
	c.use(ctx)
	return c.fullConn.Ping(ctx)
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.use(ctx)
	return c.fullConn.BeginTx(ctx, opts)
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.use(ctx)
	result, err := c.fullConn.ExecContext(ctx, query, args)
	return result, unskipped(err, args)
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.use(ctx)
	rows, err := c.fullConn.QueryContext(ctx, query, args)
	return rows, unskipped(err, args)
}

// unskipped is an error instead of [driver.ErrSkip], with which the driver asks for
// a prepared statement because the arguments do not go into the text.
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

// wallClock goes on while the instance is frozen, which the monotonic one need not.
func wallClock() time.Time { return time.Now().Round(0) }
