package hearth

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clone writes a small module with a dependency of its own to a new folder.
func clone(t *testing.T) program {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	for name, text := range map[string]string{
		"go.mod":              "module example.com/shop\n\ngo 1.26\n",
		"handler/main.go":     "package main\n\nimport \"example.com/shop/greet\"\n\nfunc main() { println(greet.Greeting()) }\n",
		"greet/greet.go":      "package greet\n\nfunc Greeting() string { return \"hello\" }\n",
		"greet/greet_loud.go": "//go:build loud\n\npackage greet\n\nfunc init() { println(\"HELLO\") }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := newProgram(filepath.Join(dir, "handler"), "arm64", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustBinary(t *testing.T, p program) []byte {
	t.Helper()
	binary, err := p.binary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestBuildIsReproducible(t *testing.T) {
	one := clone(t)
	first := mustBinary(t, one)
	t.Setenv("GOFLAGS", "-buildvcs=auto -trimpath=false -tags=loud")
	t.Setenv("GOARM64", "v9.0")
	two := clone(t)
	if !bytes.Equal(first, mustBinary(t, two)) {
		t.Error("the same source in two folders must build to the same bytes, whatever the environment")
	}
	if bytes.Contains(first, []byte(one.dir)) {
		t.Errorf("the binary contains the folder %s", one.dir)
	}
	two.tags += ",loud"
	if bytes.Equal(first, mustBinary(t, two)) {
		t.Error("a build tag must have an effect")
	}
	two.goarch = "amd64"
	if bytes.Equal(first, mustBinary(t, two)) {
		t.Error("the architecture must have an effect")
	}
}

func TestStage(t *testing.T) {
	dir, err := stage([]byte("binary"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	info, err := os.Stat(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o755 {
		t.Errorf("mode is %o, want 755", info.Mode().Perm())
	}
}

func TestManifest(t *testing.T) {
	p, err := newProgram(*entry("full"), "arm64", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"screenshots", "ledger"}, queueNames(m)); diff != "" {
		t.Errorf("queues differ (-want +got):\n%s", diff)
	}
	p.goarch = "amd64"
	if again, _ := p.manifest(); again != m {
		t.Error("the program must be asked once in a process")
	}
}

func TestManifestErrors(t *testing.T) {
	for name, want := range map[string]string{
		"broken":  "go build says:\n# .*broken\n\\./main.go:5:2: undefined: undeclared",
		"library": "it is not package main",
		"silent":  "read manifest: the program must write its manifest, got none before it exited; call lambdaruntime.Start first thing in main, or set Manifest: false and declare what it serves\nlistening on :8080",
		"stuck":   "read manifest: the program must write its manifest within 1s, got nothing; call lambdaruntime.Start first thing in main, or set Manifest: false and declare what it serves\nconnecting",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := newProgram(*entry(name), "", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			timeout := manifestTimeout
			if name == "stuck" {
				timeout = time.Second
			}
			_, err = p.runForManifest(timeout)
			if err == nil {
				t.Fatal("want an error")
			}
			if !regexp.MustCompile("^" + want + "$").MatchString(err.Error()) {
				t.Errorf("got %q, want %q", err, want)
			}
		})
	}
}

func TestEntryErrors(t *testing.T) {
	stack := setup(t)
	for name, want := range map[string]string{
		"nowhere":         `HandlerProps.Entry must be the directory of a Go main package, got "testdata/programs/nowhere" (stat `,
		"full/main.go":    `is a file); it is relative to the working directory of the CDK app`,
		"broken":          "HandlerProps.Entry must be a Go program that says what it serves, got \"testdata/programs/broken\"; go build says:\n# github.com/lambdahearth/hearth/constructs/testdata/programs/broken\n./main.go:5:2: undefined: undeclared",
		"library":         `HandlerProps.Entry must be a Go program that says what it serves, got "testdata/programs/library"; it is not package main`,
		"../../testdata/": "go build says:\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := refusal(t, func() { NewHandler(stack, &name, &HandlerProps{Entry: entry(name)}) })
			if !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
