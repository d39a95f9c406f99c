package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// Warmer is something that [Start] loads before the first event. A [Resource]
// is one; a program may bring its own.
type Warmer interface {
	// Name identifies the resource in the manifest, logs and init errors.
	Name() string
	// Warm loads the resource. It is called once, in a goroutine of its own,
	// with a context that ends when the init phase must.
	Warm(ctx context.Context) error
	// Required says whether an instance may not start without the resource. A
	// required one that fails is reported to Lambda as an init error with its
	// name; the failure of any other is only logged.
	Required() bool
}

// Resource is a value that is expensive to make and is then kept for the life of
// the instance, such as a database connection. It is loaded in the init phase
// when the App lists it in Warm, and otherwise at its first use. It is safe for
// concurrent use.
type Resource[T any] struct {
	name     string
	optional bool
	users    string // a role of wire.EnvRole, or "" for all
	load     func(ctx context.Context) (T, error)

	mu      sync.Mutex
	loaded  bool
	value   T
	current *loading[T]
}

// loading is one attempt at loading a resource, shared by everyone who waits.
type loading[T any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	value   T
	err     error
}

// NewResource returns a resource that load makes. load must give up when its
// context ends, and must not return a value that ends with its context.
//
// The resource is required: see [Resource.Optional].
func NewResource[T any](name string, load func(ctx context.Context) (T, error)) *Resource[T] {
	return &Resource[T]{name: name, load: load}
}

// Optional makes an instance start even when the resource fails to load; it is
// then loaded at its first use. It returns the resource itself, for use in a
// declaration, and must not be called after Start.
func (r *Resource[T]) Optional() *Resource[T] {
	r.optional = true
	return r
}

// ForRequests says that only HTTP and WebSocket handlers use the resource: where
// queues and schedules have a function of their own (Jobs in the constructs'
// BackendProps), that function does not load it ahead. It returns the resource
// itself, like [Resource.Optional].
func (r *Resource[T]) ForRequests() *Resource[T] {
	r.users = wire.RoleRequests
	return r
}

// ForJobs says that only queue and schedule handlers use the resource: where they
// have a function of their own, the one that serves requests does not load it
// ahead. It returns the resource itself, like [Resource.Optional].
func (r *Resource[T]) ForJobs() *Resource[T] {
	r.users = wire.RoleJobs
	return r
}

// usedIn says whether a function with the given role uses the resource.
func (r *Resource[T]) usedIn(role string) bool { return r.users == "" || role == "" || r.users == role }

// Name implements [Warmer].
func (r *Resource[T]) Name() string { return r.name }

// Required implements [Warmer].
func (r *Resource[T]) Required() bool { return !r.optional }

// Warm implements [Warmer].
func (r *Resource[T]) Warm(ctx context.Context) error {
	_, err := r.get(ctx)
	return err
}

// Get returns the resource's value, loading it first if need be. Concurrent
// callers share one load. A failed load fails those who waited for it, with an
// error that names the resource, and is tried again at the next Get. A caller
// whose ctx ends stops waiting; the load itself is cancelled when nobody waits
// for it any more.
func (r *Resource[T]) Get(ctx context.Context) (T, error) {
	value, err := r.get(ctx)
	if err != nil {
		return value, fmt.Errorf("resource %q: %w", r.name, err)
	}
	return value, nil
}

func (r *Resource[T]) get(ctx context.Context) (T, error) {
	r.mu.Lock()
	if r.loaded {
		defer r.mu.Unlock()
		return r.value, nil
	}
	l := r.current
	if l == nil {
		// The load belongs to all who wait, so it outlives its first caller.
		loadCtx, cancel := context.WithCancel(run.WithoutScope(context.WithoutCancel(ctx)))
		l = &loading[T]{done: make(chan struct{}), cancel: cancel}
		r.current = l
		go r.loadOnce(loadCtx, l)
	}
	l.waiting++
	r.mu.Unlock()

	select {
	case <-l.done:
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		select {
		case <-l.done: // it came in the same moment
		default:
			if l.waiting--; l.waiting == 0 {
				l.cancel()
				if r.current == l {
					r.current = nil // the next Get starts afresh
				}
			}
			var zero T
			return zero, fmt.Errorf("not loaded: %w", context.Cause(ctx))
		}
	}
	return l.value, l.err
}

func (r *Resource[T]) loadOnce(ctx context.Context, l *loading[T]) {
	err := errors.New("its load ended the goroutine without returning")
	var value T
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		l.cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		l.value, l.err = value, err
		if r.current == l {
			r.current = nil
			r.value, r.loaded = value, err == nil
		}
		close(l.done)
	}()
	value, err = r.load(ctx)
	err = run.Readable(err)
}
