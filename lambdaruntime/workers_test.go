package lambdaruntime

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// goroutine tells goroutines apart by the number in their stack trace.
func goroutine() string {
	b := make([]byte, 64)
	b = b[:runtime.Stack(b, false)]
	for i, c := range b {
		if c == '[' {
			return string(b[:i])
		}
	}
	return string(b)
}

// hold keeps what is idle until somebody calls dismiss, however slow the machine is.
func (k *idle[T]) hold() { k.look = true }

func (k *idle[T]) len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.all)
}

func TestWorkersStayForTheNextFunction(t *testing.T) {
	t.Parallel()
	w := &workers{}
	w.idle.hold()
	seen := map[string]bool{}
	for range 20 {
		done := make(chan string)
		w.run(func() { done <- goroutine() })
		seen[<-done] = true
		for idle := 0; idle == 0; runtime.Gosched() { // until it waits for the next
			idle = w.idle.len()
		}
	}
	if len(seen) != 1 {
		t.Errorf("20 functions, one after the other, ran in %d goroutines", len(seen))
	}

	// All at once, and one ends its goroutine.
	var wg sync.WaitGroup
	release := make(chan struct{})
	for i := range 5 {
		wg.Add(1)
		w.run(func() {
			defer wg.Done()
			<-release
			if i == 4 {
				runtime.Goexit()
			}
		})
	}
	close(release)
	wg.Wait()

	w.idle.dismiss()
	for g := range seen {
		awaitEnd(t, g)
	}
}

// awaitEnd waits until a goroutine that has nothing more to do has ended.
func awaitEnd(t *testing.T, goroutine string) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte(goroutine+"[")) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s, which is idle, does not end", goroutine)
		}
	}
}

func TestWorkersDoNotStayInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine stays
		w := &workers{}
		done := make(chan struct{})
		w.run(func() { close(done) })
		<-done
	})
}
