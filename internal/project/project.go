// Package project reads and synthesizes CDK apps as the CDK CLI does, for hearth dev and
// for tests.
package project

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local"
)

// Project is a folder with a cdk.json.
type Project struct {
	Dir string
	// App is the command that synthesizes, or the folder of an assembly.
	App string
	// Output is the folder of the cloud assembly.
	Output string
	// Cache is a folder for the compiled app, so that it is linked again only after a
	// change. "" means no cache.
	Cache string

	context     map[string]any
	synthesized bool // App is the folder of an assembly
}

// Read reads cdk.json in dir and the looked-up context beside it.
// https://docs.aws.amazon.com/cdk/v2/guide/cli.html#cli-config (2026-11)
func Read(dir string) (*Project, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(abs, "cdk.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no cdk.json in %s; change to the folder of your CDK app, or name it with --dir%s", abs, above(abs))
	}
	if err != nil {
		return nil, err
	}
	var config struct {
		App     string
		Output  string
		Context map[string]any
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("read cdk.json: %w", err)
	}
	if config.App == "" {
		return nil, errors.New(`read cdk.json: app must be the command that synthesizes, such as "go run ./infra"`)
	}
	p := &Project{Dir: abs, App: config.App, Output: config.Output, context: map[string]any{}}
	if p.Output == "" {
		p.Output = "cdk.out"
	}
	if !filepath.IsAbs(p.Output) {
		p.Output = filepath.Join(abs, p.Output)
	}
	if dir := join(abs, config.App); isDir(dir) {
		p.Output, p.synthesized = dir, true
	}
	looked := map[string]any{}
	if data, err := os.ReadFile(filepath.Join(abs, "cdk.context.json")); err == nil {
		if err := json.Unmarshal(data, &looked); err != nil {
			return nil, fmt.Errorf("read cdk.context.json: %w", err)
		}
	}
	maps.Copy(p.context, looked)
	maps.Copy(p.context, config.Context)
	// The CDK CLI sets them too, so that construct paths and assets can be found.
	p.context["aws:cdk:enable-path-metadata"] = true
	p.context["aws:cdk:enable-asset-metadata"] = true
	return p, nil
}

// above names the nearest folder above dir that has a cdk.json; "" if there is none.
func above(dir string) string {
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		if _, err := os.Stat(filepath.Join(dir, "cdk.json")); err == nil {
			return " " + dir
		}
	}
	return ""
}

// GoProgram returns the folder of the Go program that synthesizes, or "" for any other
// command. It follows cd DIR && and the flag -C.
func (p *Project) GoProgram() string {
	dir, fields := p.Dir, strings.Fields(p.App)
	for i := 0; i < len(fields); i++ {
		if fields[i] == "cd" && i+2 < len(fields) && fields[i+2] == "&&" {
			dir = join(dir, fields[i+1])
		}
		if fields[i] != "go" {
			continue
		}
		arguments := fields[i+1:]
		if len(arguments) > 2 && arguments[0] == "-C" {
			dir, arguments = join(dir, arguments[1]), arguments[2:]
		}
		if len(arguments) == 0 || arguments[0] != "run" {
			continue
		}
		if arguments = arguments[1:]; len(arguments) > 2 && arguments[0] == "-C" {
			dir, arguments = join(dir, arguments[1]), arguments[2:]
		}
		for _, f := range arguments {
			if strings.HasPrefix(f, "-") {
				continue
			}
			if strings.HasSuffix(f, ".go") {
				f = filepath.Dir(f)
			}
			program := join(dir, f)
			if isDir(program) {
				return program
			} // else it is the value of a flag
		}
	}
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// join returns the path of a folder that a command in dir names.
func join(dir, path string) string {
	path = strings.Trim(path, `"'`)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// synthEnvironment adds the account and the region that the CDK CLI takes from the
// credentials: an app may read them. Here the account is the engine's own, and the region
// comes from the environment or the profile.
// https://docs.aws.amazon.com/cdk/v2/guide/environments.html (2026-11)
func synthEnvironment(environ []string) []string {
	values := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	env := slices.Clone(environ)
	if values["CDK_DEFAULT_ACCOUNT"] == "" {
		env = append(env, "CDK_DEFAULT_ACCOUNT="+local.DefaultAccount)
	}
	if values["CDK_DEFAULT_REGION"] == "" {
		env = append(env, "CDK_DEFAULT_REGION="+cmp.Or(values["AWS_REGION"], values["AWS_DEFAULT_REGION"], profileRegion(values), local.DefaultRegion))
	}
	return env
}

// profileRegion returns the region of the AWS profile that the environment selects, or of
// the profile default. It reads no credentials.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html (2026-11)
func profileRegion(env map[string]string) string {
	path := env["AWS_CONFIG_FILE"]
	if path == "" && env["HOME"] != "" {
		path = filepath.Join(env["HOME"], ".aws", "config")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	regions, section := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			section = strings.Join(strings.Fields(name), " ")
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "region" {
			value, _, _ = strings.Cut(value, " #")
			regions[section] = strings.TrimSpace(value)
		}
	}
	profile := cmp.Or(env["AWS_PROFILE"], env["AWS_DEFAULT_PROFILE"], "default")
	return cmp.Or(regions["profile "+profile], regions[profile], regions["default"], regions["profile default"])
}

// patience is how long a step runs before it reports that it is still running.
const patience = 3 * time.Second

// Synth runs the app, and shows its output only if it fails. It leaves CloudFormation
// validation, which takes many seconds, to cdk synth. With a Cache, it first compiles an
// app that is a Go program. status gets a line with the time of each step.
func (p *Project) Synth(ctx context.Context, status io.Writer) error {
	if p.synthesized {
		fmt.Fprintf(status, "nothing to synthesize: %q is the folder of an assembly\n", p.App)
		return nil
	}
	data, err := json.Marshal(p.context)
	if err != nil {
		return err
	}
	command, err := p.command(ctx, status)
	if err != nil {
		return err
	}
	command.Dir = p.Dir
	command.Env = append(synthEnvironment(os.Environ()), "CDK_OUTDIR="+p.Output, "CDK_CONTEXT_JSON="+string(data), "CDK_VALIDATION=false")
	started := time.Now()
	if err := run(ctx, command, status, "still synthesizing "); err != nil {
		return p.explain("synthesize with", err)
	}
	fmt.Fprintf(status, "synthesized (%.1f s)\n", time.Since(started).Seconds())
	return nil
}

// explain wraps the failure of a step with its command.
func (p *Project) explain(step string, err error) error {
	var failed *Failure
	if errors.As(err, &failed) {
		return fmt.Errorf("%s %q: %w", step, p.App, err)
	}
	return err
}

// command is the command that synthesizes.
func (p *Project) command(ctx context.Context, status io.Writer) (*exec.Cmd, error) {
	fields := strings.Fields(p.App)
	plain := !strings.ContainsAny(p.App, "&|;<>$`'\"\\*?") // characters that a shell treats specially
	if p.Cache != "" && plain && len(fields) >= 3 && fields[0] == "go" && fields[1] == "run" && !strings.HasPrefix(fields[2], "-") && !strings.HasSuffix(fields[2], ".go") {
		started := time.Now()
		sum := sha256.Sum256([]byte(p.Dir + "\x00" + fields[2]))
		dir := filepath.Join(p.Cache, "infra-"+hex.EncodeToString(sum[:8]))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("synthesize: %w", err)
		}
		program := filepath.Join(dir, "infra")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", program, fields[2])
		build.Dir = p.Dir
		build.Env = append(os.Environ(), "GOOS=", "GOARCH=") // it runs here, also where those of Lambda are set
		if err := run(ctx, build, status, "still compiling; the first compile of a CDK app takes minutes "); err != nil {
			return nil, p.explain("compile", err)
		}
		fmt.Fprintf(status, "compiled %s (%.1f s)\n", fields[2], time.Since(started).Seconds())
		return exec.Command(program, fields[3:]...), nil
	}
	return exec.Command("/bin/sh", "-c", p.App), nil
}

// Failure is the error of a command that ran and failed, with its output.
type Failure struct {
	cause  error
	output string
}

func (f *Failure) Error() string { return f.cause.Error() + "\n" + f.output }

func (f *Failure) Unwrap() error { return f.cause }

// run runs a command until ctx ends. status gets the line long if it takes long.
func run(ctx context.Context, command *exec.Cmd, status io.Writer, long string) error {
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	process.Group(command)
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	var err error // read after done is closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = command.Wait()
	}()
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	for shown := false; ; {
		select {
		case <-done:
			if shown {
				fmt.Fprintln(status)
			}
			if err != nil {
				return &Failure{err, strings.TrimSpace(output.String())}
			}
			return nil
		case <-ticker.C:
			if !shown {
				fmt.Fprint(status, "  "+long)
			} else {
				fmt.Fprint(status, ".")
			}
			shown = true
		case <-ctx.Done():
			process.Terminate(command.Process.Pid)
			select {
			case <-done:
			case <-time.After(time.Second):
				process.Kill(command.Process.Pid)
				<-done
			}
			return context.Cause(ctx)
		}
	}
}
