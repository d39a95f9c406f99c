// Package attempt puts the attempt into the context of guarded code, so that a store can
// complete it in the code's own database transaction.
package attempt

import (
	"context"
	"sync/atomic"
	"time"
)

// Attempt is one run of guarded code.
type Attempt struct {
	// Store is the store of its claim.
	Store any
	// Key and Owner are those of its claim.
	Key, Owner string
	// Keep is how long the store keeps its result.
	Keep time.Duration
	// Encode makes the stored form of a result.
	Encode func(result any) ([]byte, error)

	completed atomic.Bool
}

// MarkCompleted records that the code completes the attempt itself.
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
