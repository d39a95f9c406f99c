// Package templates makes a project from each template in an empty folder, and does with
// it what a newcomer does.
package templates

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/pgserver"
	"github.com/lambdahearth/hearth/test/transcript"
)

// all is set by make templates. The first compile of the CDK that new projects get takes
// minutes, which go test ./... should not.
var all = flag.Bool("templates", false, "make, test, synthesize and run a project from each template")

// cdk is the CDK CLI.
const cdk = "aws-cdk@2.1148.1"

func TestTemplates(t *testing.T) {
	if !*all {
		t.Skip("skipped: make templates runs it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	hearth := filepath.Join(t.TempDir(), "hearth")
	run(t, root, "go", "build", "-o", hearth, "./cmd/hearth")
	for _, template := range []string{"api", "jobs", "live", "app", "full"} {
		t.Run(template, func(t *testing.T) {
			parent := t.TempDir()
			run(t, parent, hearth, "new", "--template", template, "--module", "example.com/my-"+template, "my-"+template)
			dir := filepath.Join(parent, "my-"+template)
			run(t, dir, "go", "mod", "edit", "-replace", "github.com/lambdahearth/hearth="+root)
			run(t, dir, "go", "mod", "tidy")
			run(t, dir, "go", "vet", "./...")
			run(t, dir, "go", "test", "./...")
			if _, err := exec.LookPath("npx"); err != nil {
				t.Log("not synthesized by the CDK CLI: there is no npx")
			} else {
				if out := run(t, dir, "npx", "-y", cdk, "synth", "--quiet"); strings.Contains(out, "feature flags are not configured") {
					t.Errorf("cdk.json must have each flag that the CDK recommends:\n%s", out)
				}
				run(t, dir, "go", "tool", "hearth", "check")
			}
			if err := pgserver.Installed(); err != nil && template == "full" {
				t.Skipf("not run: %v", err)
			}
			page, err := os.ReadFile(filepath.Join(dir, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(page), "# my-"+template+"\n") {
				t.Errorf("the page begins %.30q", page)
			}
			transcript.Start(t, hearth, dir).Run(t, transcript.Parse(string(page)))
		})
	}
}

// TestInto makes a project in a module that exists.
func TestInto(t *testing.T) {
	if !*all {
		t.Skip("skipped: make templates runs it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	hearth := filepath.Join(t.TempDir(), "hearth")
	run(t, root, "go", "build", "-o", hearth, "./cmd/hearth")
	dir := t.TempDir()
	run(t, dir, "go", "mod", "init", "example.com/mono")
	// What is printed is typed, as far as the next step.
	for _, line := range strings.Split(run(t, dir, hearth, "new", "--into", ".", "--template", "jobs", "billing"), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "go mod edit ") || strings.HasPrefix(line, "go get ") || strings.HasPrefix(line, "go mod tidy") {
			run(t, dir, "/bin/sh", "-c", line)
		}
	}
	run(t, dir, "go", "test", "./...")
}

// run runs a command in dir and returns what it prints.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return string(output)
}
