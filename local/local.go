// Package local runs AWS backends on this machine, with Lambda's concurrency model
// and without Docker or an AWS account.
//
// [Start] runs a synthesized CDK app: its functions as processes, one for each
// instance, its HTTP and WebSocket APIs, queues, tables and schedules. In a test:
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
// It reads the cloud assembly alone and so runs what plain CDK wrote as well. What
// it does not simulate it says, in [State.NotSimulated]. Everything binds to
// loopback, and programs get none of this process's own environment but what
// [Options] name.
//
// [Build] compiles one handler program for this machine and [StartInstance] starts
// it as one Lambda execution environment, to send it events by hand:
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

// InstanceOptions says how an [Instance] runs.
type InstanceOptions = lambda.Options

// Stream is a response that comes while the function writes it; see
// [Instance.InvokeStream].
type Stream = lambda.Stream

// FunctionError is an error that a function reported, or that Lambda reports for
// it: a timeout (Sandbox.Timedout), a crash (Runtime.ExitError), a response that
// is too large (Function.ResponseSizeTooLarge).
type FunctionError = lambda.FunctionError

// ErrStopped is returned for invocations of an instance whose process has ended.
var ErrStopped = lambda.ErrStopped

// StartInstance starts a program as one execution environment and waits until
// its init phase is over. The caller stops it.
func StartInstance(ctx context.Context, opts InstanceOptions) (*Instance, error) {
	return lambda.Start(ctx, opts)
}

// BuildTags are the build tags of a program that runs on this machine:
// lambda.norpc as in production, and hearth.local, by which a program may choose
// files that must not be deployed, such as an embedded database.
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
