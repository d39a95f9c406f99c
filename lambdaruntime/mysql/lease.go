package mysql

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/work"
)

// lease is one use of a connection, from the moment that the pool hands it out until
// it is back. When the time of the work that has it is up, the connection's socket
// is closed: whatever the work waits for ends, and the database frees its locks.
// database/sql itself ends transactions and rows with their contexts, but a
// connection that work has asked for by sql.DB.Conn, or in which a query runs
// without the context, would stay away until the work returns it.
//
// The context that the connection was asked for with may end for other reasons,
// such as a timeout meant for the waiting alone: those end nothing.
type lease struct {
	stops []func() bool
}

// watch makes the connection lose its socket when ctx's work has timed out.
func (c *conn) watch(ctx context.Context) {
	ctx = work.Of(ctx)
	if ctx.Done() == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease == nil {
		c.lease = &lease{}
	}
	l := c.lease
	l.stops = append(l.stops, context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), lambdaruntime.ErrTimeout) {
			return
		}
		c.mu.Lock()
		if c.lease != l || c.over {
			c.mu.Unlock()
			return // released in the same moment
		}
		c.over = true
		c.mu.Unlock()
		// Only the socket: the rest of c belongs to the abandoned work.
		_ = c.socket.Close()
		c.limit.raise()
	}))
}

// use comes before each use of the connection. A fresh one may have been made with a
// context of the pool's own, so that the first use says whose it is.
func (c *conn) use(ctx context.Context) {
	if c.fresh {
		c.fresh = false
		c.watch(ctx)
	}
}

// release ends the lease and reports whether abandoned work had it.
func (c *conn) release() (over bool) {
	c.mu.Lock()
	l, over := c.lease, c.over
	c.lease = nil
	c.mu.Unlock()
	c.fresh = false
	if l != nil {
		for _, stop := range l.stops {
			stop()
		}
	}
	return over
}

// limit is how many connections the pool may have open: those to work with, and
// those without a socket that abandoned work has yet to return.
type limit struct {
	db    *sql.DB
	conns int

	mu        sync.Mutex
	abandoned int
}

// raise makes up for one abandoned connection.
func (l *limit) raise() {
	l.set(1)
	// Whoever waits for a connection does not see the new limit; one that comes
	// back to the pool is given to them.
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		defer cancel()
		if conn, err := l.db.Conn(ctx); err == nil {
			_ = conn.Close()
		}
	}()
}

// lower comes when an abandoned connection has been returned.
func (l *limit) lower() { l.set(-1) }

func (l *limit) set(more int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned += more
	l.db.SetMaxOpenConns(l.conns + l.abandoned)
}
