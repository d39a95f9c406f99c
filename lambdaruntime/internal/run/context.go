package run

import (
	"context"
	"sync"
	"time"
)

// opContext is the context of [context.WithDeadlineCause], but made at its first use:
// most requests end without one, and need no timer.
type opContext struct {
	parent   context.Context
	deadline time.Time // zero for none
	cause    error     // at the deadline

	mu     sync.Mutex
	made   context.Context // nil until its first use
	cancel context.CancelFunc
	ended  bool
}

// Deadline implements [context.Context].
func (c *opContext) Deadline() (time.Time, bool) {
	parent, ok := c.parent.Deadline()
	if c.deadline.IsZero() || ok && parent.Before(c.deadline) {
		return parent, ok
	}
	return c.deadline, true
}

// Done implements [context.Context].
func (c *opContext) Done() <-chan struct{} { return c.make().Done() }

// Err implements [context.Context].
func (c *opContext) Err() error { return c.current().Err() }

// Value implements [context.Context].
func (c *opContext) Value(key any) any { return c.current().Value(key) }

// current returns the made context, or the parent while the two do not differ.
func (c *opContext) current() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.made != nil:
		return c.made
	case c.ended || !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return c.makeLocked()
	}
	return c.parent
}

func (c *opContext) make() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.makeLocked()
}

func (c *opContext) makeLocked() context.Context {
	if c.made == nil {
		if c.deadline.IsZero() {
			c.made, c.cancel = context.WithCancel(c.parent)
		} else {
			c.made, c.cancel = context.WithDeadlineCause(c.parent, c.deadline, c.cause)
		}
		if c.ended {
			c.cancel()
		}
	}
	return c.made
}

// end cancels the context.
func (c *opContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}
