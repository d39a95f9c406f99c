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

// TestCommands: the command is the shell's, as the CDK CLI runs it.
func TestCommands(t *testing.T) {
	t.Parallel()
	for app, want := range map[string]string{
		"printf %s b > out": "b", `A=b B="c  d" sh -c 'printf %s "$A$B" > out'`: "bc  d", "(printf b > out)": "b", "! false && printf b > out": "b",
		"exec sh -c 'printf b > out'": "b", "if true; then printf b; fi > out": "b", "cd sub && printf b > ../out": "b", "printf b > out # a comment": "b",
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		err := (&Project{Dir: dir, App: app, Output: t.TempDir(), Cache: t.TempDir()}).Synth(t.Context(), io.Discard)
		got, readErr := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil || readErr != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, %v", app, got, err, readErr)
		}
	}
}

// TestAppIsAssembly: an app may be the folder of an assembly, as for the CDK CLI.
func TestAppIsAssembly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "synthesized"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "synthesized", "output": "other"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var status strings.Builder
	if err := p.Synth(t.Context(), &status); err != nil || status.String() != "nothing to synthesize: \"synthesized\" is the folder of an assembly\n" || p.Output != filepath.Join(p.Dir, "synthesized") {
		t.Errorf("got %q, %v, output %s", status.String(), err, p.Output)
	}
}

// TestBelowTheProject: the message of a folder without a cdk.json names the app's.
func TestBelowTheProject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	below := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cdk.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want := "there is no cdk.json in " + below + "; change to the folder of your CDK app, or name it with --dir " + dir
	if _, err := Read(below); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
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
		"npx ts-node app.ts": "", "go run ./none": "", "cd infra && go run .": "infra", "cd ./infra && cd .. && go run -tags x .": ".", "A=b go run ./infra": "infra",
		"go -C infra run .": "infra", "go run -C infra .": "infra", "cd 'infra' && npx cdk": "", "go": "", "go run": "", "go -C infra": "", "go build && go run ./infra x": "infra",
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
	home := t.TempDir()
	config := filepath.Join(home, ".aws", "config")
	if err := os.Mkdir(filepath.Dir(config), 0o755); err != nil {
		t.Fatal(err)
	}
	profiles := "[default]\nregion = eu-central-1\n# region = x\n[ profile  work ]\r\nregion=eu-north-1 # ours\r\ns3 =\n  region_x = y\n[profile plain]\noutput = json\n"
	if err := os.WriteFile(config, []byte(profiles), 0o644); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"":                                   "000000000000 us-east-1",
		"AWS_REGION=eu-west-1":               "000000000000 eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-2":       "000000000000 eu-west-2",
		"CDK_DEFAULT_ACCOUNT=123456789012":   "123456789012 us-east-1",
		"CDK_DEFAULT_REGION=ap-southeast-2":  "000000000000 ap-southeast-2",
		"CDK_DEFAULT_REGION= AWS_REGION=x-y": "000000000000 x-y",
		// profiles
		"AWS_CONFIG_FILE=" + config:                                               "000000000000 eu-central-1",
		"AWS_PROFILE=work AWS_CONFIG_FILE=" + config:                              "000000000000 eu-north-1",
		"AWS_DEFAULT_PROFILE=work AWS_CONFIG_FILE=" + config:                      "000000000000 eu-north-1",
		"AWS_PROFILE=plain AWS_CONFIG_FILE=" + config:                             "000000000000 eu-central-1",
		"AWS_PROFILE=work AWS_REGION=eu-west-1 AWS_CONFIG_FILE=" + config:         "000000000000 eu-west-1",
		"AWS_PROFILE=work HOME=" + home:                                           "000000000000 eu-north-1",
		"AWS_PROFILE=work AWS_CONFIG_FILE=" + filepath.Join(home, "not", "there"): "000000000000 us-east-1",
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

// TestCompile: with a cache, a Go app is compiled before it runs, with its time; without
// one, or where a shell has a part in the command, the command runs as it is.
func TestCompile(t *testing.T) {
	t.Parallel()
	dir, cache := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := func(word string) string {
		return "package main\n\nimport (\n\t\"os\"\n\t\"strings\"\n)\n\nfunc main() {\n\tos.WriteFile(\"out\", []byte(\"" + word + " \"+strings.Join(os.Args[1:], \",\")), 0o644)\n}\n"
	}
	write("go.mod", "module app\n\ngo 1.26\n")
	synth := func(app, cache string) (status, out string, err error) {
		t.Helper()
		os.Remove(filepath.Join(dir, "out"))
		var b strings.Builder
		err = (&Project{Dir: dir, App: app, Output: t.TempDir(), Cache: cache}).Synth(t.Context(), &b)
		data, _ := os.ReadFile(filepath.Join(dir, "out"))
		return b.String(), string(data), err
	}
	for _, word := range []string{"first", "second"} {
		write("infra/main.go", program(word))
		status, out, err := synth("go run ./infra a b", cache)
		if err != nil || !strings.HasPrefix(status, "compiled ./infra (") || out != word+" a,b" {
			t.Errorf("%s: %q, %q, %v", word, status, out, err)
		}
	}
	for _, app := range []string{"go run -tags x ./infra a b", "go run ./infra a b && true", "go run infra/main.go a b"} {
		if status, out, err := synth(app, cache); err != nil || !strings.HasPrefix(status, "synthesized (") || out != "second a,b" {
			t.Errorf("%s: %q, %q, %v", app, status, out, err)
		}
	}
	if status, out, err := synth("go run ./infra", ""); err != nil || !strings.HasPrefix(status, "synthesized (") || out != "second " {
		t.Errorf("without a cache: %q, %q, %v", status, out, err)
	}
	write("infra/main.go", "package main\n\nfunc main() { undefined() }\n")
	if _, _, err := synth("go run ./infra", cache); err == nil || !strings.HasPrefix(err.Error(), "compile \"go run ./infra\": exit status 1\n") || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v", err)
	}
	write("infra/main.go", "package main\n\nimport \"os\"\n\nfunc main() { println(\"no stack\"); os.Exit(3) }\n")
	if _, _, err := synth("go run ./infra", cache); err == nil || err.Error() != "synthesize with \"go run ./infra\": exit status 3\nno stack" {
		t.Errorf("got %v", err)
	}
}
