package local

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func module(path, version string) *debug.Module { return &debug.Module{Path: path, Version: version} }

// TestOldSDKs: only modules that ignore the endpoint variables are named.
func TestOldSDKs(t *testing.T) {
	t.Parallel()
	replaced := func(path, version string, by *debug.Module) *debug.Module {
		return &debug.Module{Path: path, Version: version, Replace: by}
	}
	for _, c := range []struct {
		module *debug.Module
		remedy string // "" for a module that reads the variables
	}{
		{module("github.com/aws/aws-sdk-go", "v1.44.300"), "use github.com/aws/aws-sdk-go-v2 v1.22.0 or later"},
		{module("github.com/aws/aws-sdk-go-v2", "v1.21.2"), "use github.com/aws/aws-sdk-go-v2 v1.22.0 or later"},
		{module("github.com/aws/aws-sdk-go-v2", "v1.22.0"), ""},
		{module("github.com/aws/aws-sdk-go-v2/config", "v1.20.0"), "use github.com/aws/aws-sdk-go-v2/config v1.21.0 or later"},
		{module("github.com/aws/aws-sdk-go-v2/config", "v1.21.0"), ""},
		{module("github.com/aws/aws-sdk-go-v2/service/sqs", "v1.25.1"), "use github.com/aws/aws-sdk-go-v2/service/sqs v1.26.0 or later"},
		{module("github.com/aws/aws-sdk-go-v2/service/sqs", "v1.26.0"), ""},
		{module("github.com/aws/aws-sdk-go-v2/service/dynamodb", "v1.24.0"), "use github.com/aws/aws-sdk-go-v2/service/dynamodb v1.25.0 or later"},
		{module("github.com/aws/aws-sdk-go-v2/service/dynamodb", "v1.25.0"), ""},
		{module("github.com/aws/aws-sdk-go-v2/service/s3", "v1.0.0"), ""},
		{module("github.com/aws/aws-lambda-go", "v1.0.0"), ""},
		{replaced("github.com/aws/aws-sdk-go-v2", "v1.40.0", module("github.com/aws/aws-sdk-go-v2", "v1.20.0")), "use github.com/aws/aws-sdk-go-v2 v1.22.0 or later"},
		{replaced("github.com/aws/aws-sdk-go-v2", "v1.20.0", module("github.com/aws/aws-sdk-go-v2", "v1.40.0")), ""},
		{replaced("github.com/aws/aws-sdk-go", "v1.44.0", module("../fork", "")), "use github.com/aws/aws-sdk-go-v2 v1.22.0 or later"},
		{replaced("github.com/aws/aws-sdk-go", "v1.44.0", module("example.com/fork", "v0.1.0")), "use github.com/aws/aws-sdk-go-v2 v1.22.0 or later"},
		{replaced("github.com/aws/aws-sdk-go-v2", "v1.40.0", module("../fork", "")), ""},
	} {
		why := ignoresEndpoints(&buildinfo.BuildInfo{Deps: []*debug.Module{c.module}})
		if (why != "") != (c.remedy != "") || !strings.Contains(why, c.remedy) || why != "" && !strings.Contains(why, "which ignores AWS_ENDPOINT_URL_SQS") {
			t.Errorf("%+v: %q", c.module, why)
		}
	}
}

// TestOtherServices: clients of services that are not simulated are named, unless the user
// says where their calls go.
func TestOtherServices(t *testing.T) {
	t.Parallel()
	var deps []*debug.Module
	for _, name := range []string{"", "/config", "/feature/rds/auth", "/service/sqs", "/service/sts", "/service/internal/presigned-url", "/service/apigatewaymanagementapi", "/service/dynamodb"} {
		deps = append(deps, module("github.com/aws/aws-sdk-go-v2"+name, "v1.60.0"))
	}
	info := &buildinfo.BuildInfo{Deps: deps}
	engine := map[string]string{"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2"}
	if why := callsOthers(info, engine); why != "" {
		t.Errorf("all of them are simulated: %q", why)
	}
	if why := callsOthers(info, map[string]string{"AWS_ENDPOINT_URL_SQS": "x"}); !strings.Contains(why, "the clients of dynamodb, which") {
		t.Errorf("an app without tables: %q", why)
	}
	info.Deps = append(info.Deps, module("github.com/aws/aws-sdk-go-v2/service/s3", "v1.60.0"), module("github.com/aws/aws-sdk-go-v2/service/sns", "v1.60.0"))
	if why := callsOthers(info, engine); !strings.HasPrefix(why, "the program is built with the clients of s3, sns, which are not simulated: ") {
		t.Errorf("got %q", why)
	}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"} {
		if why := callsOthers(info, map[string]string{name: "mine"}); why != "" {
			t.Errorf("with %s: %q", name, why)
		}
	}
}

// TestBuildInformation is there in stripped programs, and its absence says nothing.
func TestBuildInformation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module app\n\ngo 1.26\n\nrequire github.com/aws/aws-sdk-go v1.0.0\n\nreplace github.com/aws/aws-sdk-go => ./fork\n",
		"main.go":        "package main\n\nimport _ \"github.com/aws/aws-sdk-go/aws\"\n\nfunc main() {}\n",
		"fork/go.mod":    "module github.com/aws/aws-sdk-go\n",
		"fork/aws/a.go":  "package aws\n",
		"plain/main.txt": "no program",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if list := sdkWarnings(program, nil); len(list) != 1 || !strings.Contains(list[0], "github.com/aws/aws-sdk-go v1.0.0, which ignores") {
		t.Errorf("got %q", list)
	}
	if list := sdkWarnings(filepath.Join(dir, "plain", "main.txt"), nil); len(list) != 0 {
		t.Errorf("got %q", list)
	}
}
