package test

import (
	"os/exec"
	"strings"
	"testing"
)

// deps lists what a package links, the standard library aside.
func deps(t *testing.T, tags string, packages ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-tags", tags, "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.Fields(string(out))
}

const module = "github.com/lambdahearth/hearth/"

// TestImportFences keeps apart what must not meet: a Lambda program links the
// runtime and aws-lambda-go, and the local engine knows the constructs only by
// the cloud assembly they make.
func TestImportFences(t *testing.T) {
	t.Parallel()
	cdk := []string{"github.com/aws/aws-cdk-go/", "github.com/aws/jsii-runtime-go", "github.com/aws/constructs-go/", "github.com/cdklabs/", module + "constructs"}
	tests := []string{"github.com/google/go-cmp", "github.com/stretchr/"}
	for pkg, forbidden := range map[string][]string{
		"./lambdaruntime":                         append(append([]string{"github.com/aws/aws-sdk-go-v2", "github.com/jackc/", module + "local"}, cdk...), tests...),
		"./lambdaruntime/idempotency":             {"github.com/aws/aws-sdk-go-v2", "github.com/jackc/"},
		"./lambdaruntime/idempotency/dynamostore": {"github.com/jackc/"},
		"./lambdaruntime/idempotency/pgstore":     {"github.com/aws/aws-sdk-go-v2/service/dynamodb"},
		"./lambdaruntime/...":                     append(append([]string{"github.com/aws/aws-sdk-go-v2/config", module + "local"}, cdk...), tests...),
		"./local/...":                             append(cdk, module+"lambdaruntime"),
		"./cmd/...":                               append(cdk, module+"lambdaruntime"),
		"./constructs/checks":                     append([]string{module + "lambdaruntime", module + "local"}, cdk...),
		"./internal/wire":                         {"github.com/", "golang.org/"},
		"./plan":                                  append([]string{"github.com/aws/", "golang.org/", module + "lambdaruntime", module + "local", module + "internal"}, cdk...),
		"./constructs":                            {module + "lambdaruntime", module + "local", "github.com/cdklabs/cdk-nag-go"},
		"./examples/bookmarks/handler":            append(append([]string{"modernc.org/", module + "local", "github.com/aws/aws-sdk-go-v2/config"}, cdk...), tests...),
	} {
		for _, dep := range deps(t, "lambda.norpc", pkg) {
			for _, f := range forbidden {
				// The checks are the part of the constructs that needs templates alone.
				if strings.HasPrefix(dep, f) && dep != module+"internal/wire" && dep != module+"constructs/checks" {
					t.Errorf("%s links %s", pkg, dep)
				}
			}
		}
	}
	for _, dep := range deps(t, "lambda.norpc", "./lambdaruntime") {
		if !strings.HasPrefix(dep, module) && !strings.HasPrefix(dep, "github.com/aws/aws-lambda-go/") {
			t.Errorf("the runtime links %s, and so does every program", dep)
		}
	}
}
