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

// watcher is the pool's tracer, and so sees every use of the pool and its connections. It
// bounds the connections in use and takes them back from operations that have ended. The
// pool itself would wait for such an operation to release them, and an instance with one
// connection would be stuck. It also knows which connections have a changed session, and
// must not be used again.
type watcher struct{ leases *database.Leases }

// session is the watcher's data of a connection. The connection stores it.
type session struct {
	lease   *database.Lease // nil while the connection is idle
	changed bool            // its holder has left state in the session
	age     database.Age
}

const sessionKey = "github.com/lambdahearth/hearth/lambdaruntime/postgres"

func sessionOf(conn *pgx.Conn) *session {
	s, _ := conn.PgConn().CustomData()[sessionKey].(*session)
	if s == nil { // the connection is still being opened
		s = &session{age: database.NewAge()}
		conn.PgConn().CustomData()[sessionKey] = s
	}
	return s
}

type leaseKey struct{}

// refused is the context of an Acquire that must fail: the pool returns its error.
type refused struct {
	context.Context
	err error
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c refused) Done() <-chan struct{} { return closed }
func (c refused) Err() error            { return c.err }

// TraceAcquireStart implements [pgxpool.AcquireTracer]: it waits for a free lease.
func (w *watcher) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	lease, err := w.leases.Take(ctx)
	if err != nil {
		return refused{ctx, err}
	}
	w.settle(pool)
	return context.WithValue(ctx, leaseKey{}, lease)
}

// settleTime is longer than a release takes from its first step to its last, even on a
// busy machine, and shorter than connecting takes.
const settleTime = 10 * time.Millisecond

// settle waits until a connection whose lease has just ended is back in the pool, which
// happens a moment later: otherwise the pool would open another one. It does not wait for
// a connection that is being closed, which may take longer.
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
			discard(data.Conn) // the pool drops a closed connection
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

// TracePrepareStart implements [pgx.PrepareTracer]: named statements change the session.
func (w *watcher) TracePrepareStart(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	if data.Name != "" {
		w.changed(conn)
	}
	return ctx
}

// TracePrepareEnd implements [pgx.PrepareTracer].
func (w *watcher) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// ran records whether a statement changes the session.
func (w *watcher) ran(conn *pgx.Conn, sql string) {
	if s := sessionOf(conn); s.lease != nil && !s.changed {
		s.changed = changesSession(sql)
	}
}

// changed records that the session has changed. Changes by AfterConnect do not count:
// they are the same in every connection.
func (w *watcher) changed(conn *pgx.Conn) {
	if s := sessionOf(conn); s.lease != nil {
		s.changed = true
	}
}

// shouldPing decides whether an idle connection must answer a ping before its use. An
// expired one must too, but its socket is closed, so the ping fails.
func shouldPing(conn *pgx.Conn) bool {
	switch s := sessionOf(conn); s.age.State() {
	case database.Fresh:
		return false
	case database.Expired:
		_ = socketOf(conn).Close()
	}
	return true
}

// socketOf returns the connection's socket below TLS, because the Close of TLS may have
// to wait for the server. It may be closed while other code uses the connection.
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
