package run

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Pool is a group of similar operations in the process, such as the requests, or the jobs
// of one queue.
type Pool struct {
	// Name names the pool in logs: requests, jobs of queue "jobs".
	Name string
	// Spare is how many abandoned operations may still run before the process must end,
	// because they block others. 0 means none: on a FIFO queue, an abandoned job may act
	// after the next one.
	Spare int

	abandoned int // of Health
	timeouts  int // of Health: in a row
}

// maxTimeouts is how many operations of a pool may time out in a row after a panic, or
// while abandoned code still runs. Either may hold a lock that the others wait for.
const maxTimeouts = 5

// Health counts the abandoned operations that still run, and reports when they block
// others. The zero Health is ready for use.
type Health struct {
	mu       sync.Mutex
	held     map[*call]time.Time // since when
	panicked bool                // some operation did
	sick     *Pool               // has had too many timeouts
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

// Sick returns the pool that can no longer run its operations, or nil. It also returns
// all abandoned operations that still run in the process, the oldest first.
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
