package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// Leases bounds how many database connections of a pool are in use and knows their
// holders. When an operation (a request, a job) ends, it takes back that operation's
// connections.
type Leases struct {
	engine string
	slots  chan struct{}

	mu   sync.Mutex
	held map[*Lease]struct{}
	over int // leases that were taken back and not yet released
}

// NewLeases returns the leases of a pool of n database connections. engine names the
// pool's package in errors and logs.
func NewLeases(engine string, n int) *Leases {
	return &Leases{engine: engine, slots: make(chan struct{}, n), held: map[*Lease]struct{}{}}
}

// Max returns how many connections may be in use at once.
func (l *Leases) Max() int { return cap(l.slots) }

// Over returns how many leases have ended although their connections were not released.
func (l *Leases) Over() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// placeDepth is how many callers are searched for the place in the program that acquired
// a connection.
const placeDepth = 24

// Lease is one use of a connection, from the moment that code asks for it until its
// release.
type Lease struct {
	leases *Leases
	ctx    context.Context
	since  time.Time
	pcs    [placeDepth]uintptr
	depth  int
	cancel []func() bool
	left   atomic.Int32 // number of its scopes that have not ended

	// Guarded by leases.mu.
	scopes   []*run.Scope
	close    func() // closes the connection's socket; nil until it is open
	taken    bool   // the operation has ended
	released bool
}

// errEnded is the error when code asks for a connection after its operation has ended.
var errEnded = errors.New("the request or job that asks for a database connection has ended")

// Take waits for its turn and returns the lease of a connection that is about to be
// handed out. When ctx ends first, the error wraps ctx's error and lists the holders of
// the connections.
//
// The lease belongs to the operation of ctx, and ends with it. Without an operation
// (context.Background()), a lease on a handler's own goroutine belongs to all running
// operations, and ends with the last of them. Elsewhere it belongs to none, and ends at
// its release.
func (l *Leases) Take(ctx context.Context) (*Lease, error) {
	var scopes []*run.Scope
	if scope := run.ScopeOf(ctx); scope != nil {
		scopes = []*run.Scope{scope}
	} else {
		scopes = run.Candidates()
	}
	return l.lease(ctx, scopes)
}

// lease waits for its turn, for code that belongs to one of scopes.
func (l *Leases) lease(ctx context.Context, scopes []*run.Scope) (*Lease, error) {
	select {
	case l.slots <- struct{}{}:
	default:
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: all connections (%d) are in use: %s: %w", l.engine, cap(l.slots), l.holders(), ctx.Err())
		}
	}
	lease := &Lease{leases: l, ctx: ctx, since: time.Now(), scopes: scopes}
	lease.depth = runtime.Callers(3, lease.pcs[:])
	l.mu.Lock()
	l.held[lease] = struct{}{}
	l.mu.Unlock()
	lease.left.Store(int32(len(scopes)))
	for _, scope := range scopes {
		lease.cancel = append(lease.cancel, scope.OnEnd(lease.scopeEnded))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if lease.taken { // the scope had ended already
		l.over--
		lease.released = true
		return nil, fmt.Errorf("%s: %w", l.engine, errEnded)
	}
	return lease, nil
}

// Hold sets the function that closes the socket of the lease's connection. It is called
// once, when the operation ends before Release, or at once if it has ended already. It
// may be called while other code uses the connection.
func (l *Lease) Hold(close func()) {
	l.leases.mu.Lock()
	taken := l.taken
	l.close = close
	l.leases.mu.Unlock()
	if taken {
		close()
	}
}

// scopeEnded is called when one of the lease's scopes has ended.
func (l *Lease) scopeEnded(cause error) {
	if l.left.Add(-1) == 0 {
		l.takeBack(cause)
	}
}

// takeBack ends the lease although its holder has not released it.
func (l *Lease) takeBack(cause error) {
	l.leases.mu.Lock()
	if l.released || l.taken {
		l.leases.mu.Unlock()
		return
	}
	l.taken = true
	l.leases.over++
	delete(l.leases.held, l)
	close := l.close
	l.leases.mu.Unlock()
	if close != nil {
		close() // before the next holder waits for the connection's locks
	}
	<-l.leases.slots
	if close == nil {
		return // it was still connecting
	}
	details := []any{slog.String("taken", l.place()), slog.Duration("held", time.Since(l.since).Round(time.Millisecond))}
	const closed = "the connection was closed, so that the database rolls back"
	if cause != nil {
		slog.WarnContext(l.ctx, fmt.Sprintf("%s: %s was abandoned while it had a database connection; %s", l.leases.engine, l.holder(), closed), append(details, slog.String("cause", cause.Error()))...)
		return
	}
	slog.ErrorContext(l.ctx, fmt.Sprintf("%s: %s ended without releasing a database connection; %s; release connections, rows and transactions in a defer", l.leases.engine, l.holder(), closed), details...)
}

// Release ends the lease. back returns the connection to its pool before the next
// caller's turn. mine is false if the operation had ended already: then the socket is
// closed, and back must close the connection.
func (l *Lease) Release(back func(mine bool)) {
	l.leases.mu.Lock()
	if l.released {
		l.leases.mu.Unlock()
		return
	}
	l.released = true
	mine := !l.taken
	if mine {
		delete(l.leases.held, l)
	} else {
		l.leases.over--
	}
	l.leases.mu.Unlock()
	for _, cancel := range l.cancel {
		cancel()
	}
	back(mine)
	if mine {
		<-l.leases.slots
	}
}

// holder names the operation that holds the connection.
func (l *Lease) holder() string {
	var names []string
	for _, scope := range l.scopes {
		if !slices.Contains(names, scope.Name) {
			names = append(names, scope.Name)
		}
	}
	slices.Sort(names)
	if names == nil {
		return "code outside every request and job"
	}
	return strings.Join(names, " or ")
}

// maxHolders is how many holders an error lists.
const maxHolders = 3

// holders describes the holders of the connections, the oldest first.
func (l *Leases) holders() string {
	l.mu.Lock()
	held := make([]*Lease, 0, len(l.held))
	for lease := range l.held {
		held = append(held, lease)
	}
	l.mu.Unlock()
	slices.SortFunc(held, func(a, b *Lease) int { return a.since.Compare(b.since) })
	var list []string
	for i, lease := range held {
		if i == maxHolders {
			list = append(list, fmt.Sprintf("and %d more", len(held)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s has had one for %s, taken at %s", lease.holder(), time.Since(lease.since).Round(time.Millisecond), lease.place()))
	}
	return strings.Join(list, "; ")
}

// drivers are packages between the program and a lease: the place that acquired a
// connection is outside them.
var drivers = []string{
	"database/sql.", "github.com/jackc/pgx/", "github.com/jackc/puddle/", "github.com/go-sql-driver/mysql.",
	"github.com/lambdahearth/hearth/lambdaruntime/internal/database.",
	"github.com/lambdahearth/hearth/lambdaruntime/postgres.",
	"github.com/lambdahearth/hearth/lambdaruntime/mysql.",
}

// place returns where the program acquired the connection, as file:line.
func (l *Lease) place() string {
	frames := runtime.CallersFrames(l.pcs[:l.depth])
	for {
		frame, more := frames.Next()
		if frame.File != "" && !slices.ContainsFunc(drivers, func(p string) bool { return strings.HasPrefix(frame.Function, p) }) {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
