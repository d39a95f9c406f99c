// Package attempt tells a store which attempt the guarded code belongs to, so that the
// store can complete it in the code's own database transaction.
package attempt

import (
	"context"
	"sync/atomic"
	"time"
)

// Attempt is one run of guarded code.
type Attempt struct {
	// Store is where it was begun.
	Store any
	// Key and Owner are those of its claim.
	Key, Owner string
	// Keep is how long its result is remembered.
	Keep time.Duration
	// Encode makes what is stored of a result.
	Encode func(result any) ([]byte, error)

	completed atomic.Bool
}

// MarkCompleted says that the code completes the attempt itself.
func (a *Attempt) MarkCompleted() { a.completed.Store(true) }

// Completed reports whether the code has completed the attempt itself.
func (a *Attempt) Completed() bool { return a.completed.Load() }

type key struct{}

// With returns a context that belongs to an attempt.
func With(ctx context.Context, a *Attempt) context.Context { return context.WithValue(ctx, key{}, a) }

// From returns the innermost attempt that ctx belongs to, or nil.
func From(ctx context.Context) *Attempt {
	a, _ := ctx.Value(key{}).(*Attempt)
	return a
}
