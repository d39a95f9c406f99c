package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// Default limits of the warm-up; see App.WarmTimeout.
const (
	warmTimeoutOnDemand    = 9 * time.Second // since the process has started
	warmTimeoutProvisioned = 120 * time.Second
)

// warmUp loads all warm resources at once; after is the time since the process started.
// It returns an error that names every required one that failed or did not load in time.
func (r *router) warmUp(ctx context.Context, after time.Duration) error {
	warm := warmIn(os.Getenv(wire.EnvRole), r.app.Warm)
	if len(warm) == 0 {
		return nil
	}
	limit := r.app.WarmTimeout
	if limit == 0 {
		limit = max(warmTimeoutOnDemand-after, time.Second)
		switch os.Getenv("AWS_LAMBDA_INITIALIZATION_TYPE") {
		case "provisioned-concurrency", "lambda-managed-instances":
			limit = warmTimeoutProvisioned
		}
	}
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("warm-up %w after %s", ErrTimeout, limit))
	defer cancel()

	type result struct {
		index int
		took  time.Duration
		err   error
	}
	results := make(chan result, len(warm))
	for i, w := range warm {
		go func() {
			res := result{index: i, err: errors.New("its load ended the goroutine without returning")}
			defer func() {
				if v := recover(); v != nil {
					res.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
				}
				res.took = time.Since(start)
				results <- res
			}()
			res.err = run.Readable(w.Warm(ctx))
		}()
	}
	outcome := make([]error, len(warm))
	for i := range outcome {
		outcome[i] = errUnfinished
	}
	record := func(res result) {
		outcome[res.index] = res.err
		if res.err == nil {
			r.log.Debug("resource loaded", "resource", warm[res.index].Name(), "ms", milliseconds(res.took))
		}
	}
collect:
	for range warm {
		select {
		case res := <-results:
			record(res)
		case <-ctx.Done():
			break collect
		}
	}
	for len(results) > 0 { // what came in the same moment as the end
		record(<-results)
	}
	var failed initError
	for i, err := range outcome {
		if cause := context.Cause(ctx); errors.Is(err, errUnfinished) || cause != nil && (errors.Is(err, cause) || errors.Is(err, ctx.Err())) {
			err = cause // the same error whether or not the load obeys its context
		}
		if err == nil {
			continue
		}
		name := warm[i].Name()
		if warm[i].Required() {
			r.log.Error("required resource failed to load", "resource", name, "error", err.Error())
			failed = append(failed, fmt.Errorf("required resource %q: %w", name, err))
		} else {
			r.log.Warn("optional resource failed to load; it is tried again at its first use", "resource", name, "error", err.Error())
		}
	}
	r.started.warmUp = time.Since(start)
	if failed != nil {
		return failed
	}
	return nil
}

// warmIn leaves out the resources that a function with the given role does not use. The
// function that only relays pushes uses none of them, and may be unable to reach them.
func warmIn(role string, all []Warmer) []Warmer {
	var warm []Warmer
	for _, w := range all {
		r, ok := w.(interface{ usedIn(role string) bool })
		if role != wire.RoleRelay && (!ok || r.usedIn(role)) {
			warm = append(warm, w)
		}
	}
	return warm
}

// errUnfinished marks a resource whose load has not returned.
var errUnfinished = errors.New("still loading")

// initError holds the errors of all required resources that failed.
type initError []error

func (e initError) Error() string {
	msg := "lambdaruntime: warm-up failed: "
	for i, err := range e {
		if i > 0 {
			msg += "; "
		}
		msg += err.Error()
	}
	return msg
}
