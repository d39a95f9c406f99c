package hearth

import (
	"bytes"
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

const greeter = "package main\n\nimport \"example.com/greet\"\n\nvar name = \"nobody\"\n\nfunc main() { println(greet.Greeting(), name) }\n"

// TestBuildWorkspace shows that a program builds in a workspace, with a module
// that is found nowhere else.
func TestBuildWorkspace(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	dir := files(t, map[string]string{
		"go.work":              "go 1.26\n\nuse (\n\t./shop\n\t./greet\n)\n",
		"shop/go.mod":          "module example.com/shop\n\ngo 1.26\n\nrequire example.com/greet v0.0.0\n",
		"shop/handler/main.go": greeter,
		"greet/go.mod":         "module example.com/greet\n\ngo 1.26\n",
		"greet/greet.go":       "package greet\n\nfunc Greeting() string { return \"from the workspace\" }\n",
	})
	p, err := newProgram(filepath.Join(dir, "shop", "handler"), "arm64", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mustBinary(t, p), []byte("from the workspace")) {
		t.Error("the module of the workspace must be used")
	}
}

// TestBuildVendored shows that a program builds from its vendor folder, with no
// network.
func TestBuildVendored(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off")
	dir := files(t, map[string]string{
		"go.mod":                            "module example.com/shop\n\ngo 1.26\n\nrequire example.com/greet v1.0.0\n",
		"handler/main.go":                   greeter,
		"vendor/modules.txt":                "# example.com/greet v1.0.0\n## explicit; go 1.26\nexample.com/greet\n",
		"vendor/example.com/greet/greet.go": "package greet\n\nfunc Greeting() string { return \"from the vendor folder\" }\n",
	})
	p, err := newProgram(filepath.Join(dir, "handler"), "arm64", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mustBinary(t, p), []byte("from the vendor folder")) {
		t.Error("the vendored module must be used")
	}
}

func TestBuildLinkerFlags(t *testing.T) {
	p := clone(t)
	if err := os.WriteFile(filepath.Join(p.dir, "main.go"), []byte("package main\n\nvar version = \"none\"\n\nfunc main() { println(version) }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := newProgram(p.dir, "amd64", nil, []string{"-X main.version=one.two.three"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mustBinary(t, p), []byte("one.two.three")) {
		t.Error("the linker flag must have an effect")
	}
}

func TestHandlerFiles(t *testing.T) {
	dir := files(t, map[string]string{"rates.json": "{}", "templates/mail.txt": "hello", "templates/more/other.txt": "there"})
	staged, err := stage([]byte("binary"), map[string]string{"config/rates.json": filepath.Join(dir, "rates.json"), "templates": filepath.Join(dir, "templates")})
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(staged)
	for name, want := range map[string]string{"bootstrap": "binary", "config/rates.json": "{}", "templates/mail.txt": "hello", "templates/more/other.txt": "there"} {
		if got, err := os.ReadFile(filepath.Join(staged, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	missing := filepath.Join(dir, "none")
	got := refusal(t, func() {
		NewHandler(setup(t), jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Files: map[string]string{"none": missing}})
	})
	if want := "Test/Handler: 1 problem\n  - HandlerProps.Files must be files that can be read, got stat " + missing + ": no such file or directory; correct the paths"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHandlerAsset shows that files and linker flags are part of the asset, and
// that several functions of one program have one.
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
	paths := func(names ...string) func(*rules) { return handlerValues{files: names}.check }
	inside := func(name string) string {
		return `P.Files must have paths inside the deployed program other than bootstrap, got "` + name + `"; use / and neither .. nor a leading /`
	}
	runRules(t, []ruleCase{
		{"files", paths("a", "a/b"), nil},
		{"files outside", paths("../a", "/a", ".", "bootstrap"), []string{inside("../a"), inside("/a"), inside("."), inside("bootstrap")}},
		{"flags", handlerValues{flags: []string{"-X a.b=c"}}.check, nil},
		{"no flag", handlerValues{flags: []string{"X a.b=c", ""}}.check, []string{
			`P.LinkerFlags must be a flag with its value for each element, got "X a.b=c"; start it with -`,
			`P.LinkerFlags must be a flag with its value for each element, got ""; start it with -`,
		}},
		{"parts", handlerValues{half: Jobs}.check, nil},
		{"no part", handlerValues{half: "all"}.check, []string{`P.Half must be Requests or Jobs, got "all"; leave it unset for everything`}},
		{"role", func(r *rules) { checkVariableNames(r, []string{"HEARTH_ROLE"}) }, []string{"P.Environment must not have HEARTH_ROLE, which says which half of the program runs; set HandlerProps.Half"}},
	})
}

// TestPrebuild shows that each program is built once, however many functions use
// it.
func TestPrebuild(t *testing.T) {
	// go runs this wrapper, which notes each build.
	dir := clone(t).dir
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
