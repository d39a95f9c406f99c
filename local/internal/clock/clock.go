// Package clock is the time that the local engine runs on: the machine's, or one
// that a test moves by hand.
//
// Simulators read the time from a [Clock] and wait on its timers only, so that a
// test with a [Manual] clock sees a visibility timeout of 12 hours pass in no time
// and with no luck involved.
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
	// NewTimer returns a timer that fires once, d from now; at once when d is
	// not positive.
	NewTimer(d time.Duration) Timer
	// NewTimerAt returns a timer that fires at t; at once when that has come. It
	// is for those who have read the time before: NewTimer would count from now.
	NewTimerAt(t time.Time) Timer
}

// Timer is a single event in the future.
type Timer interface {
	// C delivers the time at which the timer fired. It holds one value, so that
	// nobody has to be waiting.
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

// Sleep waits until d has passed on the clock and returns nil, or returns the
// cause of ctx when that ends first.
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
