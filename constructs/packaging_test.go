package hearth

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// files writes a tree of text files to a new folder.
func files(t *testing.T, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// clone returns the folder of a small program in a new module.
func clone(t *testing.T) string {
	t.Helper()
	return filepath.Join(files(t, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n", "handler/main.go": "package main\n\nfunc main() {}\n"}), "handler")
}

func TestHandlerFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	got := refusal(t, func() {
		NewHandler(setup(t), jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Files: map[string]string{"none": missing}})
	})
	if want := "Test/Handler: 1 problem\n  - HandlerProps.Files must be files that can be read, got lstat " + missing + ": no such file or directory; correct the paths"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHandlerAsset shows that files and linker flags are part of the asset, and that
// several functions of one program share it.
func TestHandlerAsset(t *testing.T) {
	stack := setup(t)
	dir := files(t, map[string]string{"a": "1"})
	for id, props := range map[string]*HandlerProps{
		"One":   {},
		"Two":   {},
		"Files": {Files: map[string]string{"a": filepath.Join(dir, "a")}},
		"X86":   {Architecture: awslambda.Architecture_X86_64()},
	} {
		props.Entry = entry("empty")
		NewHandler(stack, &id, props)
	}
	assets := map[string][]string{}
	for id, resource := range resources(stack, "AWS::Lambda::Function") {
		hash := assetHash.FindString(resource)
		assets[hash] = append(assets[hash], id)
	}
	if len(assets) != 3 {
		t.Errorf("assets are %v, want three", assets)
	}
}

func TestPackagingRules(t *testing.T) {
	paths := func(names ...string) func(*rules) {
		p := &HandlerProps{Files: map[string]string{}}
		for _, name := range names {
			p.Files[name] = "file"
		}
		return p.check
	}
	inside := func(name string) string {
		return `P.Files must have paths inside the deployed program other than bootstrap, got "` + name + `"; use / and neither .. nor a leading /`
	}
	runRules(t, []ruleCase{
		{"files", paths("a", "a/b"), nil},
		{"files outside", paths("../a", "/a", ".", "bootstrap"), []string{inside("."), inside("../a"), inside("/a"), inside("bootstrap")}},
		{"flags", (&HandlerProps{LinkerFlags: []string{"-X a.b=c"}}).check, nil},
		{"no flag", (&HandlerProps{LinkerFlags: []string{"X a.b=c", ""}}).check, []string{
			`P.LinkerFlags must be a flag with its value for each element, got "X a.b=c"; start it with -`,
			`P.LinkerFlags must be a flag with its value for each element, got ""; start it with -`,
		}},
		{"parts", (&HandlerProps{Half: Jobs}).check, nil},
		{"no part", (&HandlerProps{Half: "all"}).check, []string{`P.Half must be Requests or Jobs, got "all"; leave it unset for everything`}},
		{"role", func(r *rules) { checkVariable(r, "Environment", "HEARTH_ROLE", jsii.String("jobs")) }, []string{"P.Environment must not have HEARTH_ROLE, which says which half of the program runs; set HandlerProps.Half"}},
	})
}

// TestPrebuild shows that each program is built once, however many functions use it.
func TestPrebuild(t *testing.T) {
	// This wrapper of go records each build.
	dir := clone(t)
	log := filepath.Join(t.TempDir(), "builds")
	bin := t.TempDir()
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$GOOS$GOARCH\" >>" + log + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	props := &HandlerProps{Entry: &dir, Manifest: jsii.Bool(false)}
	Prebuild(props, &HandlerProps{Entry: jsii.String("nowhere")}, &HandlerProps{})
	stack := setup(t)
	NewHandler(stack, jsii.String("One"), props)
	NewHandler(stack, jsii.String("Two"), props)
	builds, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(builds), "linuxarm64"); got != 1 {
		t.Errorf("the program was built %d times:\n%s", got, builds)
	}
}
