// Package work tells what a context belongs to: the request, job or run that a
// handler was called for. Packages that hand things out to handlers take them back
// when that work has timed out.
package work

import "context"

// Key is the context key of the [context.Context] that ends with the work.
type Key struct{}

// Of returns the context that ends with the work which ctx was made for, where ctx
// ends no later than that one, as every context does that a handler derives for a
// part of its work. A context that lives longer, such as one detached from its
// request, is returned as it is.
func Of(ctx context.Context) context.Context {
	whole, ok := ctx.Value(Key{}).(context.Context)
	if !ok {
		return ctx
	}
	end, bounded := ctx.Deadline()
	if last, ok := whole.Deadline(); !ok || !bounded || end.After(last) {
		return ctx
	}
	return whole
}
