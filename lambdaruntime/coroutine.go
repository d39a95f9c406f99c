package lambdaruntime

import (
	"context"
	"iter"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// coroutine runs one call after another on a goroutine of its own. Its caller waits
// for each, and is let go when the call takes too long.
//
// The processor switches from the caller to that goroutine and back directly, as
// [iter.Pull] lets it. A channel would go through the scheduler, which wakes another
// processor for each goroutine that it makes ready: for a small request, that takes
// as long as everything else. The iterator here yields once for each call, when it has
// returned. When its time is over first, the goroutine that notices yields in its
// place, so that the caller goes on while the iterator still runs: yield may be called
// on any goroutine, by one at a time.
//
// Go ends the process when one of the two goroutines is locked to its thread
// ([runtime.LockOSThread]) at such a switch.
type coroutine struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	left  chan struct{} // closed when the caller of an abandoned call has gone

	// Written by the caller before the call.
	r    *router
	call call

	mu      sync.Mutex
	state   callState
	timer   *time.Timer // looks at the call
	looking bool        // the timer is set
	unwatch func() bool // of the context's end; nil when nobody watches
	until   time.Time   // when the grace is over; zero before the context's end

	// Read by the caller after the call.
	err  error
	gone bool // the call has ended the goroutine
}

// callState is the state of a call. Whoever changes it from running yields.
type callState uint8

const (
	callRunning callState = 1 + iota
	callReturned
	callAbandoned
)

// firstLook is when a running call is first looked at, unless its limit or its
// invocation's deadline comes before. Until then nothing watches it, which is most of
// what watching a short call would cost; that its context was cancelled is noticed so
// much later.
const firstLook = 100 * time.Millisecond

func newCoroutine() *coroutine {
	w := &coroutine{left: make(chan struct{})}
	w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
		growStack(0)
		w.yield = yield
		for w.work() {
		}
	})
	return w
}

// end ends the goroutine of an idle coroutine.
func (w *coroutine) end() { w.stop() }

// work does one call. It returns true when there is another.
func (w *coroutine) work() bool {
	w.start()
	back := false
	defer func() {
		if !back { // this goroutine ends
			w.gone = true
			w.finish()
		}
	}()
	w.do()
	back = true
	return w.finish()
}

func (w *coroutine) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.until = callRunning, time.Time{}
	if w.call.first < firstLook || !w.looking {
		w.set(w.call.first)
	}
}

// set sets the timer.
func (w *coroutine) set(d time.Duration) {
	w.looking = true
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.look)
		return
	}
	w.timer.Reset(d)
}

func (w *coroutine) do() {
	returned := false
	defer func() {
		if !returned { // it panicked, or called runtime.Goexit
			w.err = &panicError{} // in case the Logger panics as well
			w.err = w.r.panicked(w.call.ctx, w.call.what, recover(), debug.Stack())
		}
	}()
	w.err = readable(w.call.fn(w.call.ctx))
	returned = true
}

// maxThreadLocks is how many calls of [runtime.LockOSThread] a handler may leave
// without their [runtime.UnlockOSThread]. There is no way to ask; with more of them
// the switch back ends the process.
const maxThreadLocks = 8

// finish lets the caller have the result, and waits for the next call. It returns
// false when there is none.
func (w *coroutine) finish() bool {
	if w.call.ended != nil {
		w.call.ended()
	}
	for range maxThreadLocks {
		runtime.UnlockOSThread()
	}
	if w.returned() {
		return w.yield(struct{}{})
	}
	<-w.left
	return false
}

// returned reports whether the caller still waits.
func (w *coroutine) returned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unwatch != nil {
		w.unwatch()
		w.unwatch = nil
		w.timer.Stop() // it is set for this call; else it may stay for the next
		w.looking = false
	}
	if w.state == callRunning {
		w.state = callReturned
	}
	return w.state == callReturned
}

// look abandons the call when its time is over, and otherwise sees to it that its end
// is not missed. It may come late, when there is no call or the next one.
func (w *coroutine) look() {
	if w.overdue() {
		w.yield(struct{}{})
	}
}

func (w *coroutine) overdue() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking = false
	if w.state != callRunning {
		return false
	}
	if w.unwatch == nil {
		w.unwatch = context.AfterFunc(w.call.ctx, w.look)
	}
	if w.call.ctx.Err() == nil {
		return false
	}
	if w.until.IsZero() {
		w.until = time.Now().Add(w.call.grace)
	}
	if rest := time.Until(w.until); rest > 0 {
		w.set(rest)
		return false
	}
	w.state = callAbandoned
	return true
}

// coroutines keeps coroutines for the next call. The zero coroutines are ready for
// use.
type coroutines struct{ idle idle[*coroutine] }

// run runs c.fn and returns its error, or that the call was abandoned.
func (k *coroutines) run(r *router, c *call) (err error, abandoned bool) {
	var w *coroutine
	if !c.bubble {
		w, _ = k.idle.take()
	}
	if w == nil {
		w = newCoroutine()
	}
	w.r, w.call = r, *c
	w.next()
	if w.state == callAbandoned {
		close(w.left)
		return nil, true
	}
	err = w.err
	if w.gone || c.bubble {
		go w.stop() // which ends its own goroutine where the call has ended the other
		return err, false
	}
	w.r, w.call, w.err = nil, call{}, nil
	k.idle.keep(w)
	return err, false
}
