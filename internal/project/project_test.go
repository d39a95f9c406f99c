package project

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSynthIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	p := &Project{Dir: t.TempDir(), App: "sleep 1000; true", Output: t.TempDir()}
	reason := errors.New("enough")
	time.AfterFunc(50*time.Millisecond, func() { cancel(reason) })
	if err := p.Synth(ctx, io.Discard); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}

func TestGoProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "infra"), 0o755); err != nil {
		t.Fatal(err)
	}
	for app, want := range map[string]string{
		"go run ./infra": "infra", "go mod download && go run -tags x ./infra": "infra", "go run main.go": ".", "go run infra/main.go": "infra",
		"npx ts-node app.ts": "", "go run ./none": "",
	} {
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if got := (&Project{Dir: dir, App: app}).GoProgram(); got != want {
			t.Errorf("%s: got %q, want %q", app, got, want)
		}
	}
}

// TestSynthEnvironment: an app finds an account and a region, as under the CDK CLI.
func TestSynthEnvironment(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                   "000000000000 us-east-1",
		"AWS_REGION=eu-west-1":               "000000000000 eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-2":       "000000000000 eu-west-2",
		"CDK_DEFAULT_ACCOUNT=123456789012":   "123456789012 us-east-1",
		"CDK_DEFAULT_REGION=ap-southeast-2":  "000000000000 ap-southeast-2",
		"CDK_DEFAULT_REGION= AWS_REGION=x-y": "000000000000 x-y",
	} {
		dir := t.TempDir()
		command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `echo "$CDK_DEFAULT_ACCOUNT $CDK_DEFAULT_REGION" > out`)
		command.Dir, command.Env = dir, synthEnvironment(strings.Fields(given))
		if err := command.Run(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%q: got %q, %v, want %q", given, got, err, want)
		}
	}
}
