// Package local runs AWS backends on this machine, with Lambda's concurrency model and
// without Docker or an AWS account.
//
// [Start] runs a synthesized CDK app: its functions as processes, one for each instance,
// its HTTP and WebSocket APIs, queues, tables and schedules. In a test:
//
//	clock := local.NewManualClock(time.Now())
//	engine, err := local.Start(t.Context(), local.Options{Assembly: "cdk.out", Clock: clock})
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer engine.Stop()
//	resp, err := http.Post(engine.HTTPURL()+"/orders", "application/json", body)
//	clock.Advance(6 * time.Minute) // a visibility timeout passes
//
// The engine reads only the cloud assembly, so it runs apps of plain CDK as well.
// [State.NotSimulated] lists the resources that it does not simulate. All ports bind to
// loopback. Programs get no variables of this process's own environment except those that
// [Options] names.
//
// [Build] compiles one handler program for this machine. [StartInstance] starts it as one
// Lambda execution environment, and a test sends it events directly:
//
//	program, err := local.Build(ctx, "./handler", t.TempDir())
//	instance, err := local.StartInstance(ctx, local.InstanceOptions{Program: program})
//	defer instance.Stop()
//	response, err := instance.Invoke(ctx, event)
package local

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"github.com/lambdahearth/hearth/local/internal/lambda"
)

// Instance is one Lambda execution environment; see [StartInstance].
type Instance = lambda.Instance

// InstanceOptions configures an [Instance].
type InstanceOptions = lambda.Options

// Stream is a response that arrives while the function writes it; see
// [Instance.InvokeStream].
type Stream = lambda.Stream

// FunctionError is an error that a function reported, or that Lambda reports for it: a
// timeout (Sandbox.Timedout), a crash (Runtime.ExitError), or a response over the size
// limit (Function.ResponseSizeTooLarge).
type FunctionError = lambda.FunctionError

// ErrStopped is returned for invocations of an instance whose process has ended.
var ErrStopped = lambda.ErrStopped

// StartInstance starts a program as one execution environment and waits for the end of
// its init phase. The caller stops the instance.
func StartInstance(ctx context.Context, opts InstanceOptions) (*Instance, error) {
	return lambda.Start(ctx, opts)
}

// BuildTags are the build tags of a program for this machine: lambda.norpc as in
// production, and hearth.local. With hearth.local a program can select files that must
// not be deployed, such as an embedded database.
const BuildTags = "lambda.norpc,hearth.local"

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func fileSum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
