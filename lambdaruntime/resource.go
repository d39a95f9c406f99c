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

// Warmer is something that [Start] loads before the first event. A [Resource] is one; a
// program may define its own.
type Warmer interface {
	// Name identifies the resource in the manifest, logs and init errors.
	Name() string
	// Warm loads the resource. Start calls it once, in a goroutine of its own, with a
	// context that ends when the warm-up must end.
	Warm(ctx context.Context) error
	// Required reports whether the resource must load before the instance may start. If a
	// required one fails, Lambda gets an init error with its name. The failure of any
	// other is only logged.
	Required() bool
}

// Resource is a value that is expensive to make and then lives as long as the instance,
// such as a database connection. Start loads it in the init phase when the App lists it
// in Warm; otherwise its first use does. It is safe for concurrent use.
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

// NewResource returns a resource that load makes. load must return when its context ends,
// and its value must stay usable after that.
//
// The resource is required: see [Resource.Optional].
func NewResource[T any](name string, load func(ctx context.Context) (T, error)) *Resource[T] {
	return &Resource[T]{name: name, load: load}
}

// Optional makes an instance start even when the resource fails to load; its first use
// then loads it. It returns the resource itself, for use in a declaration. Do not call it
// after Start.
func (r *Resource[T]) Optional() *Resource[T] {
	r.optional = true
	return r
}

// ForRequests says that only HTTP and WebSocket handlers use the resource. If jobs have a
// second function (Jobs in the constructs' BackendProps), that function does not load it
// ahead. It returns the resource itself, like [Resource.Optional].
func (r *Resource[T]) ForRequests() *Resource[T] {
	r.users = wire.RoleRequests
	return r
}

// ForJobs says that only queue and schedule handlers use the resource. If jobs have a
// second function, the function of the requests does not load it ahead. It returns the
// resource itself, like [Resource.Optional].
func (r *Resource[T]) ForJobs() *Resource[T] {
	r.users = wire.RoleJobs
	return r
}

// usedIn reports whether a function with the given role uses the resource.
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

// Get returns the resource's value, loading it first if needed. Concurrent callers share
// one load. A failed load returns an error that names the resource to all of them, and
// the next Get tries again. A caller whose ctx ends stops waiting; the load itself is
// cancelled when no caller waits any more.
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
		// Several callers share the load, so it outlives the first one's context.
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
		case <-l.done: // the load ended in the same moment
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
