package run

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Pool is what operations of one sort share in the process, such as the requests, or
// the jobs of one queue.
type Pool struct {
	// Name names the pool in logs: requests, jobs of queue "jobs".
	Name string
	// Spare is how many abandoned operations may still run before they keep others
	// from running, and the process must end. 0 means that none may, as on a FIFO
	// queue, where what runs on may act after its successor.
	Spare int

	abandoned int // of Health
	timeouts  int // of Health: in a row
}

// maxTimeouts is how many operations of a pool may time out in a row, in a process
// where something panicked, or was abandoned and still runs: it may hold a lock that
// they wait for.
const maxTimeouts = 5

// Health knows what abandoned operations still run, and tells when they keep others
// from running. The zero Health is ready for use.
type Health struct {
	mu       sync.Mutex
	held     map[*call]time.Time // since when
	panicked bool                // something did
	sick     *Pool               // ran into too many timeouts
}

// Held is an operation that was abandoned and still runs.
type Held struct {
	Ctx   context.Context
	Name  string
	Since time.Time
}

// Abandoned returns how many abandoned operations of a pool still run.
func (h *Health) Abandoned(p *Pool) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.abandoned
}

// Sick reports the pool whose operations cannot be relied on any more, or nil, and
// what still runs in the process though it was abandoned, the oldest first.
func (h *Health) Sick() (*Pool, []Held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	pool := h.sick
	for c := range h.held {
		if c.op.Pool.abandoned > c.op.Pool.Spare {
			pool = c.op.Pool
		}
	}
	if pool == nil {
		return nil, nil
	}
	var held []Held
	for c, since := range h.held {
		held = append(held, Held{c, c.op.Name, since})
	}
	slices.SortFunc(held, func(a, b Held) int { return a.Since.Compare(b.Since) })
	return pool, held
}

func (h *Health) abandon(c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held == nil {
		h.held = map[*call]time.Time{}
	}
	h.held[c] = time.Now()
	c.op.Pool.abandoned++
}

func (h *Health) returned(c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.held[c]; ok {
		delete(h.held, c)
		c.op.Pool.abandoned--
	}
}

// note counts an operation that has returned.
func (h *Health) note(p *Pool, out Outcome) {
	_, panicked := out.Err.(*PanicError) //nolint:errorlint // it is made here, and not wrapped
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case panicked:
		h.panicked = true
	case out.Cause == nil:
		p.timeouts = 0
		if h.sick == p {
			h.sick = nil
		}
	default:
		if p.timeouts++; p.timeouts >= maxTimeouts && (h.panicked || len(h.held) > 0) {
			h.sick = p
		}
	}
}
