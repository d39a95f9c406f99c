package hearth

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

// All tests of this package are serial: the jsii runtime is one Node process
// whose requests must not interleave.

var update = flag.Bool("update", false, "write the golden templates")

// validation is the environment variable with which the CDK turns its own
// validation off. It takes seconds, so only TestStrictValidation has it on.
const validation = "CDK_VALIDATION"

func TestMain(m *testing.M) {
	if os.Getenv(validation) == "" {
		// The jsii runtime took its environment when the packages of the CDK were
		// initialized, so it is too late to set a variable in this process.
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), validation+"=false")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		jsii.Close()
		if err := cmd.Run(); err != nil {
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// flags are the feature flags that cdk synth has from cdk.json.
func flags(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	return config.Context
}

// setup returns the stack "Test" in an app of its own.
func setup(t *testing.T) awscdk.Stack {
	t.Helper()
	return setupWith(t, flags(t))
}

func setupWith(t *testing.T, context map[string]any) awscdk.Stack {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Context:            &context,
		Outdir:             jsii.String(t.TempDir()),
	})
	return awscdk.NewStack(app, jsii.String("Test"), nil)
}

// template synthesizes a stack.
func template(stack awscdk.Stack) assertions.Template {
	return assertions.Template_FromStack(stack, nil)
}

func entry(name string) *string { return jsii.String("testdata/programs/" + name) }

var (
	assetHash = regexp.MustCompile(`[0-9a-f]{64}`)
	versionID = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`)
)

// golden compares the template of a stack with the one in testdata. What depends
// on the compiler's version is left out: the hash of the binary, and the ids of
// versions, which contain it.
func golden(t *testing.T, stack awscdk.Stack) {
	t.Helper()
	data, err := json.MarshalIndent(template(stack).ToJSON(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(data) + "\n"
	got = assetHash.ReplaceAllString(got, "ASSET")
	got = versionID.ReplaceAllString(got, "${1}VERSION")
	path := filepath.Join("testdata", "golden", strings.ReplaceAll(strings.TrimPrefix(t.Name(), "Test"), "/", "-")+".json")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test ./constructs -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("template differs from %s (-want +got):\n%s", path, diff)
	}
}

// refusal returns what a constructor panics with.
func refusal(t *testing.T, create func()) (message string) {
	t.Helper()
	defer func() {
		switch p := recover().(type) {
		case nil:
			t.Error("the constructor must panic")
		case error:
			message = p.Error()
		default:
			message = fmt.Sprint(p)
		}
	}()
	create()
	return ""
}
