package lambdaruntime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/runtimeapi"
)

// Start runs the program as a Lambda function and never returns. It loads the
// App's warm resources, tells Lambda that the instance is ready, and handles
// events until Lambda ends the process: one at a time, or as many as
// AWS_LAMBDA_MAX_CONCURRENCY says on Lambda Managed Instances.
//
// If the App has a mistake or a required resource fails to load, Start reports an init
// error to Lambda and exits with status 1. Outside Lambda it prints an error and exits
// with status 1; use [NewHandler] in tests.
//
// # Abandoned code
//
// Code that ignores the end of its context is abandoned: its event is answered, and it
// runs on. It never costs another event. When it blocks later events, the process ends
// with status 1, after the answer and before the next event, and Lambda starts a fresh
// one. This happens when:
//
//   - a job of a FIFO queue, a schedule run or a further event was abandoned;
//   - abandoned jobs hold every place of a standard queue;
//   - a fifth request was abandoned;
//   - five timeouts came in a row, after a panic or abandoned code in the same process,
//     which may have left a lock behind.
//
// # Variables
//
// With HEARTH_RESPONSE_STREAM=true, which the constructs set for a streaming function
// URL, Start streams the responses to requests through a function URL. With
// HEARTH_RESPONSE_STREAM_REST=true it streams those to requests through a REST API.
// HEARTH_PARTIAL_RESPONSES names the queues whose event source mappings take partial
// batch responses; see [Queue.Consume]. With HEARTH_MANIFEST=<file>, Start instead writes
// the program's manifest to that file and exits.
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
	client := &runtimeapi.Client{Address: api, Connections: lambdacontext.MaxConcurrency()}
	if err == nil {
		if app.Logger == nil {
			slog.SetDefault(r.log)
		}
		r.warnOfQueues(os.Getenv(wire.EnvRole))
		if app.Shutdown != nil {
			r.callAtShutdown(client)
		}
		err = r.warmUp(context.Background(), sinceProcessStart())
	}
	if err != nil {
		reportInitError(client, err)
		os.Exit(1)
	}
	r.started.initDuration = sinceProcessStart()
	r.runner.Watchdog = &run.Watchdog{}
	client.Handle = r.fromAPI(client.Connections == 1)
	client.Done = func() bool {
		pool, held := r.health.Sick()
		if pool != nil {
			r.logSick(pool, held)
		}
		return pool != nil
	}
	if err := client.Run(); err != nil {
		r.log.Error("the instance ends", "error", err.Error())
	}
	os.Exit(1)
}

// apiContext is the context of an invocation. It has a deadline but does not end:
// operations have their own, earlier limits.
type apiContext struct {
	context.Context
	deadline time.Time
	traceID  string
}

func (c *apiContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *apiContext) Value(key any) any {
	if key == traceKey {
		return c.traceID
	}
	return c.Context.Value(key)
}

// fromAPI makes the router a handler of the Runtime API's loop. alone means that the
// process handles one invocation at a time.
func (r *router) fromAPI(alone bool) runtimeapi.Handler {
	return func(inv *runtimeapi.Invocation, late func(runtimeapi.Answer)) (runtimeapi.Answer, bool) {
		lc := &lambdacontext.LambdaContext{AwsRequestID: inv.RequestID, InvokedFunctionArn: inv.FunctionARN, TenantID: inv.TenantID}
		ctx := lambdacontext.NewContext(&apiContext{context.Background(), inv.Deadline, inv.TraceID}, lc)
		if err := readClient(inv, lc); err != nil {
			ec, _ := r.newEvent(ctx, inv.Payload) // for the record in the log
			return toAPI(r.failed(ec, err)), true
		}
		if alone { // where X-Ray's SDK and others look for it
			_ = os.Setenv("_X_AMZN_TRACE_ID", inv.TraceID)
		}
		ways := streamed{inv.Stream(wire.ResponseStreamType), r.streamURL, r.streamREST}
		a, ok := r.serve(ctx, inv.Payload, ways, func(a answer) { late(toAPI(a)) })
		return toAPI(a), ok
	}
}

// readClient reads the user and device that a mobile SDK sends along.
func readClient(inv *runtimeapi.Invocation, lc *lambdacontext.LambdaContext) error {
	if inv.ClientContext != "" {
		if err := json.Unmarshal([]byte(inv.ClientContext), &lc.ClientContext); err != nil {
			return fmt.Errorf("lambdaruntime: read the client context: %w", err)
		}
	}
	if inv.CognitoIdentity != "" {
		if err := json.Unmarshal([]byte(inv.CognitoIdentity), &lc.Identity); err != nil {
			return fmt.Errorf("lambdaruntime: read the Cognito identity: %w", err)
		}
	}
	return nil
}

func toAPI(a answer) runtimeapi.Answer {
	if a.err == nil {
		return runtimeapi.Answer{Body: a.body}
	}
	return runtimeapi.Answer{Err: &runtimeapi.Error{Type: errorType(a.err), Message: a.err.Error()}}
}

// errorType names an error for Lambda: by its type, as aws-lambda-go does. It skips
// errors that only add text (package fmt), down to the first one with a type of its own.
func errorType(err error) string {
	var response messages.InvokeResponse_Error
	var typed *typedError
	var panicked *run.PanicError
	switch {
	case errors.As(err, &response) && response.Type != "":
		return response.Type
	case errors.As(err, &typed):
		return typed.kind
	case errors.As(err, &panicked):
		return "Hearth.Panic"
	case errors.Is(err, ErrTimeout):
		return "Hearth.TimedOut"
	}
	for {
		t := reflect.TypeOf(err)
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		inner := errors.Unwrap(err)
		if inner == nil || t.PkgPath() != "fmt" { // fmt's errors only add text
			return t.Name()
		}
		err = inner
	}
}

// shutdownTime is how long App.Shutdown may take. Lambda waits 500 ms for a function
// with an internal extension.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
const shutdownTime = 300 * time.Millisecond

// callAtShutdown calls App.Shutdown at SIGTERM. Lambda sends SIGTERM only to functions
// with an extension, so it registers one.
func (r *router) callAtShutdown(client *runtimeapi.Client) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	if err := client.Register("hearth-shutdown"); err != nil {
		r.log.Warn("App.Shutdown will not be called: the extension that it takes cannot be registered", "error", err.Error())
	}
	go func() {
		<-ended
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() {
				if v := recover(); v != nil {
					r.log.Error("panic in App.Shutdown", "panic", fmt.Sprint(v))
				}
			}()
			r.app.Shutdown(ctx)
		}()
		select {
		case <-done:
		case <-ctx.Done():
			r.log.Error("App.Shutdown took too long", "limitMs", milliseconds(shutdownTime))
		}
		os.Exit(0)
	}()
}

// reportInitError tells Lambda why the instance cannot start.
func reportInitError(client *runtimeapi.Client, cause error) {
	kind := "Hearth.InvalidApp"
	var warmUp initError
	if errors.As(cause, &warmUp) {
		kind = "Hearth.WarmUpFailed"
	}
	fmt.Fprintln(os.Stderr, cause)
	if err := client.InitError(&runtimeapi.Error{Type: kind, Message: cause.Error()}); err != nil {
		fmt.Fprintln(os.Stderr, "lambdaruntime: report init error:", err)
	}
}
