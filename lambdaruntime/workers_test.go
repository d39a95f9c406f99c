package lambdaruntime

import (
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

func TestWorkersStayForTheNextFunction(t *testing.T) {
	t.Parallel()
	w := &workers{}
	seen := map[string]bool{}
	for range 20 {
		done := make(chan string)
		w.run(func() { done <- goroutine() })
		seen[<-done] = true
		for idle := 0; idle == 0; runtime.Gosched() { // until it waits for the next
			w.mu.Lock()
			idle = len(w.idle)
			w.mu.Unlock()
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
			if i == 0 {
				runtime.Goexit()
			}
		})
	}
	close(release)
	wg.Wait()

	// Left alone, they end.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		over := len(w.idle) == 0 && !w.look
		w.mu.Unlock()
		if over {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("idle workers do not end")
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
