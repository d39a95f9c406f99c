package database

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
)

const (
	// ConnectTimeout bounds one attempt to connect and log in. The proxy answers within
	// milliseconds even when the database does not.
	ConnectTimeout = 5 * time.Second
	// PingAfter is how long a connection may be idle before it is checked: it may
	// have broken unnoticed while the instance was frozen.
	PingAfter = time.Second
	// PingTimeout bounds that check.
	PingTimeout = time.Second
	// MaxIdle is below the proxy's own 30 minutes, so that the proxy does not close a
	// connection first.
	// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-creating.html (2026-11)
	MaxIdle = 25 * time.Minute
	// MaxLifetime spreads connections again after the proxy has scaled. The proxy's own
	// limit is 24 hours.
	MaxLifetime = time.Hour
	// MaxLifetimeJitter keeps instances that started together from reconnecting
	// together.
	MaxLifetimeJitter = 10 * time.Minute
)

// MaxConns returns how many database connections an instance may use at once, if its
// program sets n.
func MaxConns(n int) (int, error) {
	switch {
	case n < 0:
		return 0, fmt.Errorf("Options.MaxConns must be 0 or more, got %d", n)
	case n == 0:
		return awsenv.MaxConcurrency(), nil
	}
	return n, nil
}

// Age is how long a connection has existed and been idle, by the wall clock: the
// monotonic clock may stop while Lambda keeps the instance frozen.
type Age struct {
	// IdleSince is when the connection was used last.
	IdleSince time.Time

	until time.Time
}

// NewAge returns the age of a new connection.
func NewAge() Age {
	now := WallClock()
	return Age{until: now.Add(MaxLifetime + rand.N(MaxLifetimeJitter)), IdleSince: now}
}

// Rest records that the connection is idle from now on.
func (a *Age) Rest() { a.IdleSince = WallClock() }

// State says whether an idle connection may be used.
type State int

const (
	// Fresh connections can be used at once.
	Fresh State = iota
	// Stale connections must answer a ping first.
	Stale
	// Expired connections must not be used again.
	Expired
)

// State returns whether the idle connection may be used. A wall clock that was set back
// makes it stale.
func (a *Age) State() State {
	now := WallClock()
	switch idle := now.Sub(a.IdleSince); {
	case idle > MaxIdle || now.After(a.until):
		return Expired
	case idle < 0 || idle > PingAfter:
		return Stale
	}
	return Fresh
}

// WallClock returns the time without its monotonic reading.
func WallClock() time.Time { return time.Now().Round(0) }
