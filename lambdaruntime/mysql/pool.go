package mysql

import (
	"context"
	"database/sql/driver"
	"net"
	"sync"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
)

// pool makes and keeps the connections. To database/sql it looks like a source of new
// connections. So the pool sees every use of a connection, the context of that use, and
// its end. database/sql keeps none.
type pool struct {
	config *mysqldriver.Config
	// token makes the password of one connection; nil leaves the configured one.
	token  func(context.Context) (string, error)
	leases *database.Leases

	mu     sync.Mutex
	idle   []*link // last in, first out
	closed bool
}

// link is a connection to the server.
type link struct {
	fullConn
	socket net.Conn // below TLS
	age    database.Age
}

// fullConn lists the methods of the driver's connections.
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

// Driver implements [driver.Connector].
func (p *pool) Driver() driver.Driver { return mysqldriver.MySQLDriver{} }

// Connect implements [driver.Connector]: it lends a connection, which its Close
// returns.
func (p *pool) Connect(ctx context.Context) (driver.Conn, error) {
	lease, err := p.leases.Take(ctx)
	if err != nil {
		return nil, err
	}
	l, err := p.link(ctx)
	if err != nil {
		lease.Release(func(bool) {})
		return nil, err
	}
	lease.Hold(func() { _ = l.socket.Close() })
	return &conn{link: l, pool: p, lease: lease}, nil
}

// link returns an idle connection that works, or a new one.
func (p *pool) link(ctx context.Context) (*link, error) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return p.dial(ctx)
		}
		l := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if l.works(ctx) {
			return l, nil
		}
		_ = l.Close()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// works checks a connection that was idle.
func (l *link) works(ctx context.Context) bool {
	switch l.age.State() {
	case database.Expired:
		return false
	case database.Stale:
		limited, cancel := context.WithTimeout(ctx, database.PingTimeout)
		defer cancel()
		return l.Ping(limited) == nil
	}
	return l.ResetSession(ctx) == nil // it checks the socket
}

// dial opens a connection.
func (p *pool) dial(ctx context.Context) (*link, error) {
	config := p.config.Clone()
	if p.token != nil {
		token, err := p.token(ctx)
		if err != nil {
			return nil, err
		}
		config.Passwd = token
	}
	dial := config.DialFunc
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	l := &link{age: database.NewAge()}
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var err error
		l.socket, err = dial(ctx, network, addr)
		return l.socket, err
	}
	connector, err := mysqldriver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, database.ConnectTimeout)
	defer cancel()
	plain, err := connector.Connect(limited)
	if err != nil {
		return nil, err
	}
	l.fullConn = plain.(fullConn)
	return l, nil
}

// put returns a connection to the idle ones.
func (p *pool) put(l *link) {
	l.age.Rest()
	p.mu.Lock()
	if !p.closed {
		p.idle = append(p.idle, l)
		l = nil
	}
	p.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
}

// Close implements [io.Closer], which sql.DB's Close calls.
func (p *pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, l := range idle {
		_ = l.Close()
	}
	return nil
}
