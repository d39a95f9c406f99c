package lambdaruntime

import (
	"sync"
	"time"
)

// idle keeps goroutines that have nothing to do for what comes next, and ends them
// when nothing does. The zero idle is ready for use.
type idle[T interface{ end() }] struct {
	mu   sync.Mutex
	all  []T
	used bool // since the last look at all
	look bool // a look at all is due
}

// idleTime is how long they stay: long enough for the next event, short enough that a
// test which looks for leaks sees none.
const idleTime = 100 * time.Millisecond

// A bubble of testing/synctest, whose clock starts in the year 2000, ends with an
// error while a goroutine of it waits: there, goroutines do not stay.
// https://pkg.go.dev/testing/synctest (2026-11)
var synctestEnds = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func inBubble(now time.Time) bool { return now.Before(synctestEnds) }

// take returns one that was kept, if there is one.
func (k *idle[T]) take() (one T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = true
	n := len(k.all)
	if n == 0 {
		return one, false
	}
	one, k.all[n-1] = k.all[n-1], one // what is taken must not be held here
	k.all = k.all[:n-1]
	return one, true
}

// keep keeps one for the next take.
func (k *idle[T]) keep(one T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, one)
	if !k.look {
		k.look = true
		time.AfterFunc(idleTime, k.dismiss)
	}
}

// dismiss ends all of them when none was taken since it last looked.
func (k *idle[T]) dismiss() {
	k.mu.Lock()
	if k.used {
		k.used = false
		time.AfterFunc(idleTime, k.dismiss)
		k.mu.Unlock()
		return
	}
	all := k.all
	k.all, k.look = nil, false
	k.mu.Unlock()
	for _, one := range all {
		one.end()
	}
}

// growStack makes room on a new goroutine's stack while there is next to nothing
// on it that the runtime would have to move: a new goroutine starts with a small
// stack, and to grow it costs as much as a small request does otherwise.
//
//go:noinline
func growStack(i int) byte {
	var room [6 << 10]byte
	return room[i]
}
