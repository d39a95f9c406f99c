package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/wire"
)

// processStart is as close to the start of the process as Go code comes.
var processStart = time.Now()

// Default limits of the warm-up; see App.WarmTimeout.
const (
	warmTimeoutOnDemand    = 9 * time.Second // since the process has started
	warmTimeoutProvisioned = 120 * time.Second
)

// Start runs the program as a Lambda function and never returns. It loads the
// App's warm resources, tells Lambda that the instance is ready, and handles
// events until Lambda ends the process.
//
// A mistake in the App, and a required resource that fails to load, are reported
// to Lambda as an init error and end the process with status 1. Outside Lambda
// Start says so and exits with status 1; use [NewHandler] in tests.
//
// With HEARTH_RESPONSE_STREAM=true in its environment, which the constructs set for a
// streaming Function URL, Start answers requests that come through a Function URL
// while the handler writes; see [StreamHandler].
//
// With HEARTH_MANIFEST=<file> in its environment, Start instead writes what the
// program serves to that file and exits.
func Start(app *App) {
	r, err := newRouter(app)
	if path := os.Getenv(wire.EnvManifest); path != "" {
		if err == nil {
			err = app.manifest().WriteFile(path)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		if err == nil {
			err = errors.New("lambdaruntime: Start runs inside AWS Lambda, where AWS_LAMBDA_RUNTIME_API is set; in tests use lambdaruntime.NewHandler")
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var stream bool
	if err == nil {
		stream, err = responseStream(os.Getenv(wire.EnvResponseStream))
	}
	if err == nil {
		if app.Logger == nil {
			slog.SetDefault(r.log)
		}
		err = r.warmUp(context.Background(), time.Since(processStart))
	}
	if err != nil {
		reportInitError(api, err)
		os.Exit(1)
	}
	r.started.initDuration = time.Since(processStart)
	var handler any = lambda.Handler(r)
	if stream {
		handler = r.startStream
	}
	// Not here: the program may have locked its main goroutine to its thread, as cgo
	// libraries have it, and a handler must not be called on such a goroutine.
	done := make(chan struct{})
	go func() {
		defer close(done)
		lambda.Start(handler)
	}()
	<-done
}

// warmUp loads all warm resources at once, after the program has taken so long to get
// here. It returns an error that names every required one that failed or did not load
// in time.
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
			res.err = readable(w.Warm(ctx))
		}()
	}
	outcome := make([]error, len(warm))
	for i := range outcome {
		outcome[i] = errUnfinished
	}
	take := func(res result) {
		outcome[res.index] = res.err
		if res.err == nil {
			r.log.Debug("resource loaded", "resource", warm[res.index].Name(), "ms", milliseconds(res.took))
		}
	}
collect:
	for range warm {
		select {
		case res := <-results:
			take(res)
		case <-ctx.Done():
			break collect
		}
	}
	for len(results) > 0 { // what came in the same moment as the end
		take(<-results)
	}
	var failed initError
	for i, err := range outcome {
		if cause := context.Cause(ctx); errors.Is(err, errUnfinished) || cause != nil && (errors.Is(err, cause) || errors.Is(err, ctx.Err())) {
			err = cause // the same for loads that heed their context and for those that do not
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

// warmIn leaves out what a function with the given role does not use. The function
// that only relays pushes uses none of the program's resources, and may not be able
// to reach them.
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

// initError is every required resource that failed.
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

// reportInitError tells Lambda why the instance cannot start.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror (2026-11)
func reportInitError(api string, cause error) {
	errorType := "Hearth.InvalidApp"
	var warmUp initError
	if errors.As(cause, &warmUp) {
		errorType = "Hearth.WarmUpFailed"
	}
	fmt.Fprintln(os.Stderr, cause)
	body, err := json.Marshal(struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType"`
		Stack   []string `json:"stackTrace"`
	}{cause.Error(), errorType, []string{}})
	if err == nil {
		var req *http.Request
		req, err = http.NewRequest(http.MethodPost, "http://"+api+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
		if err == nil {
			req.Header.Set("Content-Type", "application/vnd.aws.lambda.error+json")
			req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
			var resp *http.Response
			// No proxy: the Runtime API is on this host.
			client := http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
			if resp, err = client.Do(req); err == nil {
				resp.Body.Close()
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lambdaruntime: report init error:", err)
	}
}
