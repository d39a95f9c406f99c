package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/runtimeapi"
)

// TestInvocationContext checks that every field of the Runtime API reaches the context.
func TestInvocationContext(t *testing.T) {
	// Not parallel: the environment is the process's.
	t.Setenv("_X_AMZN_TRACE_ID", "old")
	deadline := time.Now().Add(time.Minute)
	var got string
	b := setup(t, &App{Fallback: lambda.NewHandler(func(ctx context.Context) error {
		lc, _ := lambdacontext.FromContext(ctx)
		until, _ := ctx.Deadline()
		e, _ := EventFromContext(ctx)
		got = fmt.Sprint(lc.AwsRequestID, lc.InvokedFunctionArn, lc.TenantID, lc.ClientContext.Custom["k"], lc.Identity.CognitoIdentityID,
			ctx.Value("x-amzn-trace-id"), os.Getenv("_X_AMZN_TRACE_ID"), until.Before(deadline), time.Until(until) > 50*time.Second, e.Deadline.Equal(deadline))
		return nil
	})})
	inv := runtimeapi.Invocation{
		Payload: "{}", RequestID: "id ", Deadline: deadline, FunctionARN: "arn ", TraceID: "Root=1 ", TenantID: "tenant ",
		ClientContext: `{"custom":{"k":"v "}}`, CognitoIdentity: `{"cognitoIdentityId":"c "}`,
	}
	for alone, trace := range map[bool]string{true: "Root=1 ", false: "old"} {
		os.Setenv("_X_AMZN_TRACE_ID", "old")
		a, ok := b.router.fromAPI(alone)(&inv, nil)
		if want := "id arn tenant v c Root=1 " + trace + "true true true"; !ok || a.Err != nil || got != want {
			t.Errorf("alone %v: got %s, %v, want %s", alone, got, a.Err, want)
		}
	}
	for name, change := range map[string]func(*runtimeapi.Invocation){
		"read the client context": func(i *runtimeapi.Invocation) { i.ClientContext = "{" }, "read the Cognito identity": func(i *runtimeapi.Invocation) { i.CognitoIdentity = "x" },
	} {
		broken := inv
		change(&broken)
		a, ok := b.router.fromAPI(true)(&broken, nil)
		logs := b.logged(`event failed`)
		if !ok || a.Err == nil || len(logs) == 0 || logs[len(logs)-1]["requestId"] != "id " || logs[len(logs)-1]["kind"] != "unknown" {
			t.Errorf("%s: got %+v, logs %v", name, a, logs)
		}
	}
}

// TestErrorTypes names errors for Lambda: Hearth's errors by their own names, all others
// by the type of their cause.
func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"errorString":        errors.New("x"),
		"PathError":          fmt.Errorf("open: %w", &fs.PathError{Err: errors.New("no")}),
		"Hearth.TimedOut":    fmt.Errorf("schedule: %w", &run.TimeoutError{Name: "x"}),
		"Hearth.Panic":       &run.PanicError{Value: http.ErrAbortHandler},
		"Own.Type":           fmt.Errorf("x: %w", messages.InvokeResponse_Error{Type: "Own.Type"}),
		"Hearth.ResponseCut": &typedError{"Hearth.ResponseCut", errors.New("x")},
	} {
		if got := errorType(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}
