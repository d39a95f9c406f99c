package lambdaruntime

import "time"

// workers runs functions in goroutines that stay for the next one, with their stacks
// as they have grown. The zero workers are ready for use.
type workers struct{ idle idle[worker] }

// worker takes its next function, or nil to end.
type worker chan func()

func (w worker) end() { w <- nil }

// run runs f in a goroutine of its own. f must not panic; when it ends its
// goroutine (runtime.Goexit), that worker is gone.
func (w *workers) run(f func()) {
	if inBubble(time.Now()) {
		go f()
		return
	}
	if next, ok := w.idle.take(); ok {
		next <- f
		return
	}
	go func() {
		growStack(0)
		next := make(worker, 1)
		for f := f; f != nil; f = <-next {
			f()
			w.idle.keep(next)
		}
	}()
}
