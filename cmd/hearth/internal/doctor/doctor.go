// Package doctor is the command hearth doctor. It checks the programs, ports and files
// that the other commands need, and says how to get a missing one.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/internal/pgserver"
)

// The oldest versions that work: go.mod's, and the oldest Node release that gets
// security fixes. Node 20 is end-of-life since 2026-04-30 and still works, but the CDK
// warns at each synthesis. https://github.com/nodejs/release (2026-11)
const (
	oldestGo      = "go1.26"
	oldestNode    = 20
	supportedNode = 22
)

// cdkCLI is the CDK CLI that Hearth is tested with.
const cdkCLI = "aws-cdk@2.1148.1"

// patience is the time limit for a program to print its version.
const patience = 20 * time.Second

// Options are the options of [Run].
type Options struct {
	// Dir is the folder to check. It need not have a project.
	Dir string
	// Port is the port of hearth dev, which must be free.
	Port int
	// Module is the path of Hearth's module, and Version the version of the command; "" is
	// unknown.
	Module, Version string
}

// A state is the result of a check.
type state string

const (
	good     state = "ok"
	optional state = "absent"  // some features do not work
	doubtful state = "warning" // works, with a problem
	bad      state = "missing" // Hearth does not work
)

var colors = map[state]terminal.Color{good: terminal.Green, optional: terminal.Yellow, doubtful: terminal.Yellow, bad: terminal.Red}

// A finding is a line of the output: the thing checked, its state, and what to do.
type finding struct {
	name   string
	state  state
	text   string
	remedy string
}

// Run prints a line for each check, and fails if Hearth cannot work without a missing
// thing.
func Run(ctx context.Context, opts Options, out *terminal.Terminal) error {
	findings := []finding{
		checkGo(ctx), checkNode(ctx), checkNPX(), checkCDK(ctx), checkPostgres(ctx), checkTemp(ctx), checkPort(opts.Port),
	}
	findings = append(findings, checkProject(opts)...)
	broken := 0
	for _, f := range findings {
		if f.state == bad {
			broken++
		}
		line := fmt.Sprintf("%-8s %-11s %s\n", f.state, f.name, f.text)
		if f.remedy != "" {
			line += fmt.Sprintf("%-20s %s\n", "", f.remedy)
		}
		if err := out.WriteColored(line, string(f.state), colors[f.state]); err != nil {
			return err
		}
	}
	if broken > 0 {
		return fmt.Errorf("doctor: nothing must be missing, got %d; see the lines above", broken)
	}
	return nil
}

// versionOf runs a program and returns the first line that it prints.
func versionOf(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	output, err := cmd.Output()
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return line, nil
}

func checkGo(ctx context.Context) finding {
	const remedy = "install Go 1.26 or newer: https://go.dev/dl"
	got, err := versionOf(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return finding{"Go", bad, err.Error(), remedy}
	}
	if version.IsValid(got) && version.Compare(got, oldestGo) < 0 {
		return finding{"Go", bad, got + " is too old", remedy}
	}
	return finding{"Go", good, strings.TrimPrefix(got, "go"), ""}
}

func checkNode(ctx context.Context) finding {
	const remedy = "install Node 22 or 24, which the CDK runs in: https://nodejs.org"
	got, err := versionOf(ctx, "node", "--version")
	if err != nil {
		return finding{"Node", bad, err.Error(), remedy}
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(got, "v"), ".")
	switch n, err := strconv.Atoi(major); {
	case err != nil:
		return finding{"Node", doubtful, "its version is not known: " + got, remedy}
	case n < oldestNode:
		return finding{"Node", bad, got + " is too old", remedy}
	case n < supportedNode:
		return finding{"Node", doubtful, got + " works, but gets no security fixes", remedy}
	}
	return finding{"Node", good, strings.TrimPrefix(got, "v"), ""}
}

func checkNPX() finding {
	if _, err := exec.LookPath("npx"); err != nil {
		return finding{"npx", optional, "no npx in PATH; the CDK CLI cannot be fetched", "install npm, which comes with Node; hearth dev and go test do without"}
	}
	return finding{"npx", good, "fetches the CDK CLI", ""}
}

func checkCDK(ctx context.Context) finding {
	if _, err := exec.LookPath("cdk"); err != nil {
		return finding{"CDK CLI", good, "not installed; to deploy, npx -y " + cdkCLI + " is enough", ""}
	}
	got, err := versionOf(ctx, "cdk", "--version")
	if err != nil {
		return finding{"CDK CLI", doubtful, "cdk --version: " + err.Error(), "deploy with npx -y " + cdkCLI}
	}
	number, _, _ := strings.Cut(got, " ")
	_, tested, _ := strings.Cut(cdkCLI, "@")
	if v := "v" + number; semver.IsValid(v) && semver.Compare(v, "v"+tested) < 0 {
		return finding{"CDK CLI", doubtful, number + " may be too old for the assemblies of newer CDK libraries", "install -g " + cdkCLI + " with npm, or deploy with npx -y " + cdkCLI}
	}
	return finding{"CDK CLI", good, number, ""}
}

func checkPostgres(ctx context.Context) finding {
	postgres, err := pgserver.Find("postgres")
	if err == nil {
		err = pgserver.Installed()
	}
	if err != nil {
		return finding{"PostgreSQL", optional, err.Error() + "; needed by apps with a database only", "install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17), or name a database with --database"}
	}
	got, err := versionOf(ctx, postgres, "--version")
	if err != nil {
		return finding{"PostgreSQL", doubtful, err.Error(), ""}
	}
	return finding{"PostgreSQL", good, strings.TrimPrefix(got, "postgres (PostgreSQL) "), ""}
}

// checkTemp starts a program in the folder for temporary files, where Hearth builds the
// handlers.
func checkTemp(ctx context.Context) finding {
	dir, err := os.MkdirTemp("", "hearth-doctor-")
	if err != nil {
		return finding{"TMPDIR", bad, err.Error(), "set TMPDIR to a folder that you may write"}
	}
	defer os.RemoveAll(dir)
	if runtime.GOOS == "windows" {
		return finding{"TMPDIR", good, os.TempDir(), ""}
	}
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		return finding{"TMPDIR", bad, err.Error(), "set TMPDIR to a folder that you may write"}
	}
	if err := exec.CommandContext(ctx, program).Run(); err != nil {
		return finding{"TMPDIR", bad, "no program may run there: " + err.Error(), "set TMPDIR to a folder that is not mounted noexec"}
	}
	return finding{"TMPDIR", good, os.TempDir(), ""}
}

func checkPort(port int) finding {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return finding{"port", doubtful, err.Error(), "stop what serves there, or start hearth dev --port with another one"}
	}
	l.Close() //nolint:errcheck // it served its purpose
	return finding{"port", good, fmt.Sprintf("%d is free", port), ""}
}

// checkProject checks the CDK app in the folder, if there is one.
func checkProject(opts Options) []finding {
	data, err := os.ReadFile(filepath.Join(opts.Dir, "cdk.json"))
	if errors.Is(err, os.ErrNotExist) {
		return []finding{{"project", optional, "there is no cdk.json in this folder", "hearth new NAME makes a project"}}
	}
	if err != nil {
		return []finding{{"project", bad, err.Error(), ""}}
	}
	var config struct{ App string }
	if err := json.Unmarshal(data, &config); err != nil {
		return []finding{{"project", bad, "read cdk.json: " + err.Error(), "correct the file"}}
	}
	if config.App == "" {
		return []finding{{"project", bad, "cdk.json has no app", `say how to synthesize, such as "app": "go run ./infra"`}}
	}
	findings := []finding{{"project", good, config.App, ""}}
	path := goMod(opts.Dir)
	if path == "" {
		return findings // an app in another language
	}
	if data, err = os.ReadFile(path); err != nil {
		return append(findings, finding{"go.mod", bad, err.Error(), ""})
	}
	mod, err := modfile.Parse(path, data, nil)
	if err != nil {
		return append(findings, finding{"go.mod", bad, err.Error(), "correct the file"})
	}
	for _, r := range mod.Require {
		if r.Mod.Path != opts.Module {
			continue
		}
		for _, other := range mod.Replace {
			if other.Old.Path == opts.Module {
				return append(findings, finding{"go.mod", good, "Hearth is replaced by " + other.New.Path, ""})
			}
		}
		command, _, _ := strings.Cut(opts.Version, "+")
		if command != "" && command != r.Mod.Version {
			return append(findings, finding{
				"go.mod", doubtful, fmt.Sprintf("requires Hearth %s, and this command is %s", r.Mod.Version, command),
				"install the same version: go install " + opts.Module + "/cmd/hearth@" + r.Mod.Version,
			})
		}
		return append(findings, finding{"go.mod", good, "requires Hearth " + r.Mod.Version, ""})
	}
	return findings
}

// goMod returns the go.mod that a folder belongs to, "" for none.
func goMod(dir string) string {
	dir, err := filepath.Abs(dir)
	for ; err == nil; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "go.mod")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}
