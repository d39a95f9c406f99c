package run

import (
	"sync"
	"time"
)

// Watchdog abandons calls whose time is over. One timer serves all calls of a process: it
// is set again only for a call that ends before it. Requests with one limit set it about
// once per limit. The zero Watchdog is ready for use.
type Watchdog struct {
	mu    sync.Mutex
	calls map[*call]time.Time // when each is to be abandoned
	next  time.Time           // when the timer is due; zero when it is not set
	timer *time.Timer
}

func (w *Watchdog) add(c *call, giveUp time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		w.calls = map[*call]time.Time{}
	}
	w.calls[c] = giveUp
	w.set(giveUp)
}

func (w *Watchdog) remove(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.calls, c)
}

// set sets the timer, unless it is due earlier.
func (w *Watchdog) set(at time.Time) {
	if !w.next.IsZero() && !at.Before(w.next) {
		return
	}
	w.next = at
	if w.timer == nil {
		w.timer = time.AfterFunc(time.Until(at), w.abandonDue)
	} else {
		w.timer.Reset(time.Until(at))
	}
}

// abandonDue abandons the calls whose time is over, and sets the timer for the others.
func (w *Watchdog) abandonDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = time.Time{}
	now := time.Now()
	for c, giveUp := range w.calls {
		if giveUp.After(now) {
			w.set(giveUp)
			continue
		}
		delete(w.calls, c)
		go c.abandon()
	}
}
