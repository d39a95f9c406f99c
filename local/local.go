// Package local runs Lambda functions on this machine, as processes that talk to
// a Runtime API on loopback: no Docker, no AWS account.
//
// [Build] compiles a handler program for this machine and [StartInstance] starts
// it as one Lambda execution environment, so that a test can send real events to
// the real program:
//
//	program, err := local.Build(ctx, "./handler", t.TempDir())
//	instance, err := local.StartInstance(ctx, local.InstanceOptions{Program: program})
//	defer instance.Stop()
//	response, err := instance.Invoke(ctx, event)
package local

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/lambdahearth/hearth/local/internal/lambda"
)

// Instance is one Lambda execution environment; see [StartInstance].
type Instance = lambda.Instance

// InstanceOptions says how an [Instance] runs.
type InstanceOptions = lambda.Options

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

// Build compiles the Go program in the folder dir for this machine and returns
// the path of the binary, which it puts in the folder out. An error holds the
// compiler's own words.
func Build(ctx context.Context, dir, out string) (string, error) {
	program, err := filepath.Abs(filepath.Join(out, "bootstrap"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", dir, err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", BuildTags, "-o", program, ".")
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", dir, err, bytes.TrimSpace(output.Bytes()))
	}
	return program, nil
}
