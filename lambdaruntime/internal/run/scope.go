// Package run runs the program's own code: one request, WebSocket event, job or run
// of a schedule at a time, each with a limit. It has the one panic handler, the one
// tracer hook and the one rule for code that does not return in time.
package run

import (
	"context"
	"sync"
)

// Scope is the lifetime of one operation: the request, WebSocket event, job, schedule run
// or custom event that a handler was called for. It ends, before the answer is sent, when
// the handler has returned, panicked or been abandoned. Resources that an operation
// borrows, such as database connections, are then given back.
//
// A Scope is safe for concurrent use.
type Scope struct {
	// Name names the operation in errors and logs: request, job of queue "jobs".
	Name string

	mu    sync.Mutex
	hooks map[*hook]struct{}
	ended bool
	cause error
}

type hook struct{ f func(cause error) }

type scopeKey struct{}

// ScopeOf returns the scope of ctx, or nil outside every operation. A context derived
// from an operation's context belongs to it too, even one from [context.WithoutCancel] or
// one that ends earlier.
func ScopeOf(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// WithScope returns a context of a new scope, which the caller must end.
func WithScope(ctx context.Context, name string) (context.Context, *Scope) {
	s := &Scope{Name: name}
	s.enlist()
	return context.WithValue(ctx, scopeKey{}, s), s
}

// WithoutScope returns a context that belongs to no operation, for work that outlives the
// operation that starts it.
func WithoutScope(ctx context.Context) context.Context {
	return context.WithValue(ctx, scopeKey{}, (*Scope)(nil))
}

// OnEnd calls f once when the scope ends. cause is nil when the handler has returned or
// panicked, and the reason when it was abandoned and its code still runs. f runs on the
// goroutine that ends the scope, before the answer is sent, and must return soon. If the
// scope has already ended, OnEnd calls f at once. cancel unregisters f, and reports
// whether it will not be called any more.
func (s *Scope) OnEnd(f func(cause error)) (cancel func() bool) {
	h := &hook{f}
	s.mu.Lock()
	if s.ended {
		cause := s.cause
		s.mu.Unlock()
		f(cause)
		return func() bool { return false }
	}
	if s.hooks == nil {
		s.hooks = map[*hook]struct{}{}
	}
	s.hooks[h] = struct{}{}
	s.mu.Unlock()
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, ok := s.hooks[h]
		delete(s.hooks, h)
		return ok
	}
}

// End ends the scope. Only the first call has an effect.
func (s *Scope) End(cause error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended, s.cause = true, cause
	hooks := s.hooks
	s.hooks = nil
	s.mu.Unlock()
	s.delist()
	for h := range hooks {
		h.f(cause)
	}
}
