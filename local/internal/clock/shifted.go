package clock

import (
	"sync"
	"time"
)

// Shifted is a clock that runs like the machine's, and that a user can move forward. It
// is safe for concurrent use.
//
//	c := clock.NewShifted()
//	c.Advance(time.Hour) // an hour passes at once
type Shifted struct {
	mu      sync.Mutex
	offset  time.Duration
	pending map[*shiftedTimer]bool
}

// NewShifted returns a clock that shows the machine's time.
func NewShifted() *Shifted { return &Shifted{pending: map[*shiftedTimer]bool{}} }

// Now returns the machine's time plus all moves.
func (c *Shifted) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// NewTimer returns a timer that fires when the clock has advanced by d, by itself or by
// moves.
func (c *Shifted) NewTimer(d time.Duration) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newTimer(time.Now().Add(c.offset + d))
}

// NewTimerAt is [Shifted.NewTimer] for a point in time.
func (c *Shifted) NewTimerAt(at time.Time) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newTimer(at)
}

// newTimer makes a timer. c.mu is held.
func (c *Shifted) newTimer(at time.Time) Timer {
	t := &shiftedTimer{clock: c, at: at, c: make(chan time.Time, 1)}
	c.pending[t] = true
	t.timer = time.AfterFunc(c.until(at), t.fire)
	return t
}

func (c *Shifted) until(at time.Time) time.Duration { return time.Until(at.Add(-c.offset)) }

// Advance moves the clock forward by d. Timers whose time has come fire at once.
func (c *Shifted) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += max(d, 0)
	for t := range c.pending {
		t.timer.Reset(max(c.until(t.at), 0))
	}
}

type shiftedTimer struct {
	clock *Shifted
	at    time.Time
	timer *time.Timer
	c     chan time.Time
}

func (t *shiftedTimer) C() <-chan time.Time { return t.c }

// fire sends the time, once.
func (t *shiftedTimer) fire() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.clock.pending[t] {
		delete(t.clock.pending, t)
		t.c <- time.Now().Add(t.clock.offset)
	}
}

func (t *shiftedTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	pending := t.clock.pending[t]
	delete(t.clock.pending, t)
	t.timer.Stop()
	return pending
}

// Runs reports whether a clock advances by itself, like the machine's. Such a clock may
// jump: the machine was asleep, or somebody moved the clock.
func Runs(c Clock) bool {
	switch c.(type) {
	case Real, *Shifted:
		return true
	}
	return false
}
