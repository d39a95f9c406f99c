package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Manual is a clock that stands still until a test moves it. Its zero value is not
// usable; make one with [NewManual]. It is safe for concurrent use.
//
//	c := clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
//	go consumer.Run(ctx, c)
//	c.AwaitTimers(ctx, 1) // the consumer waits for something now
//	c.Advance(30 * time.Second)
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	made    uint64
	pending []*manualTimer // by deadline, then by age
	changed chan struct{}  // closed when a timer is added to pending
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	return &Manual{now: start, changed: make(chan struct{})}
}

// Now returns the time of the clock's last move.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer returns a timer that fires during the call of [Manual.Advance] that reaches
// its time.
func (m *Manual) NewTimer(d time.Duration) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newTimer(m.now.Add(d))
}

// NewTimerAt is [Manual.NewTimer] for a point in time.
func (m *Manual) NewTimerAt(at time.Time) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newTimer(at)
}

func (m *Manual) newTimer(at time.Time) Timer {
	t := &manualTimer{clock: m, at: at, made: m.made, c: make(chan time.Time, 1)}
	m.made++
	if !at.After(m.now) {
		t.c <- m.now
		return t
	}
	i, _ := slices.BinarySearchFunc(m.pending, t, func(a, b *manualTimer) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(a.made) - int(b.made)
	})
	m.pending = slices.Insert(m.pending, i, t)
	close(m.changed)
	m.changed = make(chan struct{})
	return t
}

// Advance moves the clock by d and fires every timer whose time has come. It fires them
// in order; at each, the clock shows that timer's time. A timer made meanwhile counts
// from the clock's present time. Advance does not wait for the timers' receivers.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.now.Add(d)
	for len(m.pending) > 0 && !m.pending[0].at.After(end) {
		t := m.pending[0]
		m.pending = slices.Delete(m.pending, 0, 1)
		m.now = t.at
		t.c <- t.at
	}
	if end.After(m.now) {
		m.now = end
	}
}

// AwaitTimers waits until at least n timers are pending: n goroutines of the program
// under test then wait for the clock. If ctx ends first, it returns the cause.
func (m *Manual) AwaitTimers(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		pending, changed := len(m.pending), m.changed
		m.mu.Unlock()
		if pending >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Timers returns the number of pending timers.
func (m *Manual) Timers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending)
}

type manualTimer struct {
	clock *Manual
	at    time.Time
	made  uint64
	c     chan time.Time
}

func (t *manualTimer) C() <-chan time.Time { return t.c }

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.pending, t)
	if i < 0 {
		return false
	}
	t.clock.pending = slices.Delete(t.clock.pending, i, i+1)
	return true
}
