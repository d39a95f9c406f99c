package hearth

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

// All tests of this package are serial: the jsii runtime is one Node process
// whose requests must not interleave.

// validation is the environment variable of the CDK's own validation, which takes
// seconds: TestMain turns it off, and tests that need it run in a process of their own.
const validation = "CDK_VALIDATION"

func TestMain(m *testing.M) { hearthtest.Main(m) }

// updating reports whether to write the golden files.
func updating() bool { return flag.Lookup("update").Value.String() == "true" } // hearthtest defines it

// flags are the feature flags of cdk synth, from cdk.json.
func flags(t *testing.T) map[string]any {
	t.Helper()
	return *hearthtest.AppProps(t, "../cdk.json").Context
}

// setup returns the stack "Test" in an app of its own.
func setup(t *testing.T) awscdk.Stack {
	t.Helper()
	return setupWith(t, flags(t))
}

func setupWith(t *testing.T, context map[string]any) awscdk.Stack {
	t.Helper()
	props := hearthtest.AppProps(t, "../cdk.json")
	props.Context = &context
	return awscdk.NewStack(awscdk.NewApp(props), jsii.String("Test"), nil)
}

// template synthesizes a stack.
func template(stack awscdk.Stack) assertions.Template {
	return assertions.Template_FromStack(stack, nil)
}

func entry(name string) *string { return jsii.String("testdata/programs/" + name) }

// assetHash is the hash of an asset in a template.
var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

// golden compares the template of a stack with the one in testdata.
func golden(t *testing.T, stack awscdk.Stack) {
	t.Helper()
	name := strings.ReplaceAll(strings.TrimPrefix(t.Name(), "Test"), "/", "-")
	path := filepath.Join("testdata", "golden", name)
	hearthtest.Snapshot(t, stack, path+".json")
	digest(t, stack, path+".txt")
}

// digest compares the logical ids and types of a stack with a file that a reviewer can
// read: a removed line is a deleted or replaced resource.
func digest(t *testing.T, stack awscdk.Stack, path string) {
	t.Helper()
	data, err := hearthtest.Template(stack)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, id := range sortedKeys(template.Resources) {
		fmt.Fprintln(&lines, id, template.Resources[id].Type)
	}
	if updating() {
		if err := os.WriteFile(path, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), lines.String()); diff != "" {
		t.Errorf("the resources differ from %s (-want +got):\n%s", path, diff)
	}
}

// refusal returns the message of a constructor's panic.
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

const (
	here      = "eu-west-1"
	elsewhere = "us-east-1"
	ours      = "111111111111"
	theirs    = "222222222222"
)

// deployed returns a stack of the same app that says where it is deployed.
func deployed(stack awscdk.Stack, id, account, region string) awscdk.Stack {
	return awscdk.NewStack(stack.Node().Root().(awscdk.App), &id, &awscdk.StackProps{
		CrossRegionReferences: jsii.Bool(true), Env: &awscdk.Environment{Account: &account, Region: &region},
	})
}

// runCases creates a construct in a stack of its own for each case. Refused ones name the
// broken rule; with "" they must be accepted.
func runCases(t *testing.T, cases map[string]struct {
	create func(stack awscdk.Stack)
	want   string
}) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			stack := deployed(setup(t), "Here", ours, here)
			if c.want == "" {
				c.create(stack)
				template(stack)
				return
			}
			if got := refusal(t, func() { c.create(stack) }); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
		})
	}
}
