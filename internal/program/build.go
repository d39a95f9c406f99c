package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/internal/process"
)

// ForLambda returns the program built for Lambda. The bytes depend only on the source,
// the Go version and the fields of Source. The source's folder, the user and Go variables
// change nothing.
func (s Source) ForLambda() ([]byte, error) {
	dir, err := os.MkdirTemp("", "hearth-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "bootstrap")
	// The baseline instruction sets are fixed, so a developer's own GOAMD64 or
	// GOARM64 changes neither the bytes nor the machines that they run on.
	err = s.build(out, "GOOS=linux", "GOARCH="+s.GOARCH, "GOAMD64=v1", "GOARM64=v8.0")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte("\x7fELF")) {
		return nil, errNotMain
	}
	return data, nil
}

// build runs go build in the directory of the program, so that its own module, workspace
// and vendor folder apply. These flags override GOFLAGS.
func (s Source) build(out string, env ...string) error {
	pinned, err := s.pinned()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", fmt.Sprintf("-buildvcs=%t", s.VersionControl), "-tags", s.Tags,
		"-ldflags", s.LinkerFlags, "-o", out, ".")
	cmd.Dir = s.Dir
	cmd.Env = append(append(os.Environ(), pinned...), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if stderr.Len() == 0 {
			return fmt.Errorf("go build: %w", err)
		}
		return fmt.Errorf("%sgo build says:\n%s", s.needsCgo(stderr.String()), strings.TrimRight(stderr.String(), "\n"))
	}
	return nil
}

// keptFlags are the flags of GOFLAGS that choose where modules come from. Any other one
// could change the bytes: -cover would deploy an instrumented program.
var keptFlags = []string{"-mod", "-modfile", "-modcacherw", "-overlay", "-insecure"}

// goFlag matches one flag of GOFLAGS. Quotes around a flag keep its spaces.
var goFlag = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

// pinned returns the variables that keep a developer's settings, in the shell or with go
// env -w, from changing the bytes.
func (s Source) pinned() ([]string, error) {
	return pins.get([3]string{s.Dir, os.Getenv("GOFLAGS"), os.Getenv("GOENV")}, s.readPinned)
}

// pins caches them, because both builds of a program need them.
var pins memo[[3]string, []string]

func (s Source) readPinned() ([]string, error) {
	settings := func(env ...string) (map[string]string, error) {
		cmd := exec.Command("go", "env", "-json", "GOFLAGS", "GOEXPERIMENT")
		cmd.Dir = s.Dir
		cmd.Env = append(os.Environ(), env...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go env: %w\n%s", err, strings.TrimRight(stderr.String(), "\n"))
		}
		values := map[string]string{}
		return values, json.Unmarshal(out, &values)
	}
	values, err := settings("GOEXPERIMENT=")
	if err != nil {
		return nil, err
	}
	if experiment := values["GOEXPERIMENT"]; experiment != "" {
		return nil, fmt.Errorf("GOEXPERIMENT must be unset, so that every machine builds the same program, got %q; run go env -u GOEXPERIMENT", experiment)
	}
	flags := slices.DeleteFunc(goFlag.FindAllString(values["GOFLAGS"], -1), func(flag string) bool {
		name, _, _ := strings.Cut(strings.Replace(strings.Trim(flag, `'"`), "--", "-", 1), "=")
		return !slices.Contains(keptFlags, name)
	})
	// With an empty GOFLAGS, the one of go env -w would apply.
	flags = append(flags, "-trimpath")
	return []string{"CGO_ENABLED=0", "GO111MODULE=on", "GO_EXTLINK_ENABLED=", "GOEXPERIMENT=", "GOFIPS140=off", "GOFLAGS=" + strings.Join(flags, " ")}, nil
}

// needsCgo returns the cause and the remedy when a build failed because packages need
// cgo; otherwise "". A program for Lambda is built without cgo.
func (s Source) needsCgo(stderr string) string {
	if !strings.Contains(stderr, "build constraints exclude all Go files") && !strings.Contains(stderr, "undefined: ") {
		return ""
	}
	cmd := exec.Command("go", "list", "-deps", "-e", "-tags", s.Tags, "-f", "{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", ".")
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	packages := strings.Fields(string(out))
	if err != nil || len(packages) == 0 {
		return ""
	}
	return fmt.Sprintf("it must build without cgo, got cgo in %s; use packages in pure Go, or build the program yourself and pass it in HandlerProps.Code with ManifestFile; ", strings.Join(packages, ", "))
}

// ForHost builds the program for this machine into the folder out, with debug
// information, and returns the path of the binary.
func (s Source) ForHost(ctx context.Context, out string) (string, error) {
	program, err := filepath.Abs(filepath.Join(out, "bootstrap"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", s.Dir, err)
	}
	if _, err := os.Stat(s.Dir); err != nil { // the error of exec would name the go command
		return "", fmt.Errorf("build %s: %w", s.Dir, err)
	}
	args := []string{"build", "-tags", s.Tags, "-o", program}
	if s.Debug {
		args = append(args, "-gcflags=all=-N -l")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "GOOS=", "GOARCH=") // this machine, also where those of Lambda are set
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	process.Group(cmd)
	cmd.Cancel = func() error { process.Kill(cmd.Process.Pid); return nil } // the compilers too
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", &BuildError{s.Dir, err, string(bytes.TrimSpace(output.Bytes()))}
	}
	return program, nil
}

// BuildError is the error of a program that the go command does not build.
type BuildError struct {
	// Dir is the program's folder.
	Dir string
	// Cause is how the command ended.
	Cause error
	// Output is the command's output.
	Output string
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("build %s: %v\n%s", e.Dir, e.Cause, e.Output)
}

func (e *BuildError) Unwrap() error { return e.Cause }
