package postgres

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/work"
)

// maxAbandoned is how many connections of abandoned work may be in the pool
// besides those in use. They are closed and cost the database nothing.
const maxAbandoned = 16

// leases bounds the connections in use and takes them back from abandoned work.
// The pool itself would wait for such work to return, and an instance with one
// connection would be stuck until then.
//
// It sees each Acquire and Release as the pool's tracer. A lease ends when the
// connection is released or when the time of the whole work is up, whichever comes
// first. The context given to Acquire may end for other reasons, such as a timeout
// meant for the waiting alone: those end nothing.
type leases struct {
	slots chan struct{}

	mu        sync.Mutex
	held      map[*pgx.Conn]*lease
	abandoned int // how many of held are over
}

type lease struct {
	free func() // gives the slot back, once
	stop func() bool
	over bool // the work's time was up
}

func newLeases(n int) *leases {
	return &leases{slots: make(chan struct{}, n), held: map[*pgx.Conn]*lease{}}
}

type slotKey struct{}

// TraceAcquireStart implements [pgxpool.AcquireTracer]: it waits for a slot. When
// ctx ends first, Acquire itself fails with it.
func (l *leases) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	select {
	case l.slots <- struct{}{}:
		l.settle(pool)
		return context.WithValue(ctx, slotKey{}, sync.OnceFunc(func() { <-l.slots }))
	case <-ctx.Done():
		return ctx
	}
}

// settleTime is more than a release takes from its first step to its last, even on
// a busy machine, and less than connecting takes.
const settleTime = 10 * time.Millisecond

// settle waits until a connection whose slot was just given back is back in the
// pool as well, a moment later, since the pool would open another one instead. One
// that is being closed may take longer, and is not waited for.
func (l *leases) settle(pool *pgxpool.Pool) {
	for start := time.Now(); time.Since(start) < settleTime; runtime.Gosched() {
		l.mu.Lock()
		most := cap(l.slots) + l.abandoned
		l.mu.Unlock()
		if int(pool.Stat().AcquiredConns()) < most {
			return
		}
	}
}

// TraceAcquireEnd implements [pgxpool.AcquireTracer].
func (l *leases) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	free, ok := ctx.Value(slotKey{}).(func())
	if !ok {
		return
	}
	if data.Err != nil {
		free()
		return
	}
	ctx = work.Of(ctx)
	conn, lease := data.Conn, &lease{free: free}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[conn] = lease
	lease.stop = context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), lambdaruntime.ErrTimeout) {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.held[conn] != lease {
			return // released in the same moment
		}
		lease.over = true
		l.abandoned++
		// Only the socket: the rest of conn belongs to the abandoned work.
		_ = conn.PgConn().Conn().Close()
		free()
	})
}

// TraceRelease implements [pgxpool.ReleaseTracer].
func (l *leases) TraceRelease(_ *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	l.mu.Lock()
	lease := l.held[data.Conn]
	delete(l.held, data.Conn)
	over := lease != nil && lease.over
	if over {
		l.abandoned--
	}
	l.mu.Unlock()
	if lease == nil {
		return
	}
	lease.stop()
	if over {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = data.Conn.Close(ctx) // so that the pool throws it away
	}
	lease.free()
}

// TraceQueryStart implements [pgx.QueryTracer], which a tracer must be.
func (l *leases) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (l *leases) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
