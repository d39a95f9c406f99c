// Package clock is the local engine's time: the machine's, or a clock that a test moves.
//
// Simulators read the time only from a [Clock] and wait only on its timers. So with a
// [Manual] clock a test can pass a visibility timeout of 12 hours at once, and
// deterministically.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and makes timers. Implementations are safe for concurrent
// use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// NewTimer returns a timer that fires once, d from now; at once if d is not positive.
	NewTimer(d time.Duration) Timer
	// NewTimerAt returns a timer that fires at t; at once if t has passed. Use it after
	// reading the time: NewTimer would count from a later now.
	NewTimerAt(t time.Time) Timer
}

// Timer is a single event in the future.
type Timer interface {
	// C delivers the time at which the timer fired. Its buffer holds one value, so that
	// the clock never blocks.
	C() <-chan time.Time
	// Stop keeps the timer from firing and reports whether it had not fired yet.
	// It does not close C.
	Stop() bool
}

// Real is the machine's clock.
type Real struct{}

// Now returns time.Now.
func (Real) Now() time.Time { return time.Now() }

// NewTimer returns a timer of package time.
func (Real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

// NewTimerAt returns a timer of package time.
func (Real) NewTimerAt(t time.Time) Timer { return realTimer{time.NewTimer(time.Until(t))} }

type realTimer struct{ t *time.Timer }

func (r realTimer) C() <-chan time.Time { return r.t.C }
func (r realTimer) Stop() bool          { return r.t.Stop() }

// Sleep waits until d has passed on the clock and returns nil. If ctx ends first, it
// returns the cause.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
