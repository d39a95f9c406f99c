package postgres

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
)

// watcher sees what is done with the pool and its connections, as the pool's tracer.
// It bounds the connections in use and takes them back from operations that have
// ended: the pool itself would wait for such an operation to release them, and an
// instance with one connection would be stuck until then. It also knows which
// connections must not be used again, since their session has changed.
type watcher struct{ leases *database.Leases }

// session is what the watcher knows of a connection. The connection keeps it.
type session struct {
	lease   *database.Lease // nil while nobody has the connection
	changed bool            // something of its holder would stay in it
	age     database.Age
}

const sessionKey = "github.com/lambdahearth/hearth/lambdaruntime/postgres"

func sessionOf(conn *pgx.Conn) *session {
	s, _ := conn.PgConn().CustomData()[sessionKey].(*session)
	if s == nil { // of a connection that is still being made
		s = &session{age: database.NewAge()}
		conn.PgConn().CustomData()[sessionKey] = s
	}
	return s
}

type leaseKey struct{}

// refused is the context of an Acquire that fails: the pool returns its error.
type refused struct {
	context.Context
	err error
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c refused) Done() <-chan struct{} { return closed }
func (c refused) Err() error            { return c.err }

// TraceAcquireStart implements [pgxpool.AcquireTracer]: it waits for a connection's
// turn.
func (w *watcher) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	lease, err := w.leases.Take(ctx)
	if err != nil {
		return refused{ctx, err}
	}
	w.settle(pool)
	return context.WithValue(ctx, leaseKey{}, lease)
}

// settleTime is more than a release takes from its first step to its last, even on
// a busy machine, and less than connecting takes.
const settleTime = 10 * time.Millisecond

// settle waits until a connection whose lease has just ended is back in the pool as
// well, a moment later, since the pool would open another one instead. One that is
// being closed may take longer, and is not waited for.
func (w *watcher) settle(pool *pgxpool.Pool) {
	for start := time.Now(); time.Since(start) < settleTime; runtime.Gosched() {
		if int(pool.Stat().AcquiredConns()) < w.leases.Max()+w.leases.Over() {
			return
		}
	}
}

// TraceAcquireEnd implements [pgxpool.AcquireTracer].
func (w *watcher) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	lease, ok := ctx.Value(leaseKey{}).(*database.Lease)
	if !ok {
		return
	}
	if data.Err != nil {
		lease.Release(func(bool) {})
		return
	}
	sessionOf(data.Conn).lease = lease
	socket := socketOf(data.Conn)
	lease.Hold(func() { _ = socket.Close() })
}

// TraceRelease implements [pgxpool.ReleaseTracer].
func (w *watcher) TraceRelease(_ *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	s := sessionOf(data.Conn)
	lease := s.lease
	if lease == nil {
		return // taken by AcquireAllIdle
	}
	s.lease = nil
	lease.Release(func(mine bool) {
		s.age.Rest()
		if s.changed || !mine {
			discard(data.Conn) // so that the pool throws it away
		}
	})
}

// TraceQueryStart implements [pgx.QueryTracer].
func (w *watcher) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	w.ran(conn, data.SQL)
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (w *watcher) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements [pgx.BatchTracer].
func (w *watcher) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		w.ran(conn, q.SQL)
	}
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (w *watcher) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (w *watcher) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TracePrepareStart implements [pgx.PrepareTracer]: a statement with a name stays.
func (w *watcher) TracePrepareStart(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	if data.Name != "" {
		w.changed(conn)
	}
	return ctx
}

// TracePrepareEnd implements [pgx.PrepareTracer].
func (w *watcher) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// ran notes what a statement does to the session.
func (w *watcher) ran(conn *pgx.Conn, sql string) {
	if s := sessionOf(conn); s.lease != nil && !s.changed {
		s.changed = changesSession(sql)
	}
}

// changed notes that the session has changed. What AfterConnect does is the same in
// every connection.
func (w *watcher) changed(conn *pgx.Conn) {
	if s := sessionOf(conn); s.lease != nil {
		s.changed = true
	}
}

// shouldPing decides, before an idle connection is used, whether it must answer a
// ping first. An expired one gets a ping too, but no answer.
func shouldPing(conn *pgx.Conn) bool {
	switch s := sessionOf(conn); s.age.State() {
	case database.Fresh:
		return false
	case database.Expired:
		_ = socketOf(conn).Close()
	}
	return true
}

// socketOf is what the connection is made of below TLS, whose own Close may have to
// wait for the server. It can be closed while other code uses the connection.
func socketOf(conn *pgx.Conn) net.Conn {
	c := conn.PgConn().Conn()
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

// discard closes a connection that its holder has returned.
func discard(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), database.PingTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}
