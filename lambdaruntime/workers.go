package lambdaruntime

import (
	"sync"
	"time"
)

// workers runs functions in goroutines that stay for the next one: a new goroutine
// starts with a small stack, and to grow it costs as much as a small request does
// otherwise. The zero workers are ready for use.
type workers struct {
	mu   sync.Mutex
	idle []chan func() // each worker takes its next function, or nil to end
	used bool          // since the last look at idle
	look bool          // a look at idle is due
}

// workerIdle is how long workers stay when nothing is to be done: long enough for
// the next event, short enough that a test which looks for leaks sees none.
const workerIdle = 100 * time.Millisecond

// A bubble of testing/synctest, whose clock starts in the year 2000, ends with an
// error while a goroutine of it waits: there, goroutines do not stay.
// https://pkg.go.dev/testing/synctest (2026-11)
var synctestEnds = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// run runs f in a goroutine of its own. f must not panic; when it ends its
// goroutine (runtime.Goexit), that worker is gone.
func (w *workers) run(f func()) {
	if time.Now().Unix() < synctestEnds {
		go f()
		return
	}
	w.mu.Lock()
	w.used = true
	n := len(w.idle)
	if n == 0 {
		w.mu.Unlock()
		go w.work(f)
		return
	}
	next := w.idle[n-1]
	w.idle = w.idle[:n-1]
	w.mu.Unlock()
	next <- f
}

func (w *workers) work(f func()) {
	growStack(0)
	next := make(chan func(), 1)
	for f != nil {
		f()
		w.mu.Lock()
		w.idle = append(w.idle, next)
		if !w.look {
			w.look = true
			time.AfterFunc(workerIdle, w.dismiss)
		}
		w.mu.Unlock()
		f = <-next
	}
}

// dismiss ends the idle workers when none was used since it last looked.
func (w *workers) dismiss() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.used {
		w.used = false
		time.AfterFunc(workerIdle, w.dismiss)
		return
	}
	w.look = false
	for _, next := range w.idle {
		next <- nil
	}
	w.idle = nil
}

// growStack makes room on a new goroutine's stack while there is next to nothing
// on it that the runtime would have to move.
//
//go:noinline
func growStack(i int) byte {
	var room [6 << 10]byte
	return room[i]
}
