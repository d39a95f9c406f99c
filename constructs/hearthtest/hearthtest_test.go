package hearthtest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
	hearth "github.com/lambdahearth/hearth/constructs"
	"github.com/lambdahearth/hearth/constructs/checks"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

// newStack is an app that embeds one construct of hearth beside its own.
func newStack(t *testing.T, delay float64) awscdk.Stack {
	stack := awscdk.NewStack(awscdk.NewApp(hearthtest.AppProps(t, "../../cdk.json")), jsii.String("Shop"), nil)
	awssqs.NewQueue(stack, jsii.String("Mine"), &awssqs.QueueProps{DeliveryDelay: awscdk.Duration_Seconds(jsii.Number(delay))})
	hearth.NewHandler(stack, jsii.String("Handler"), &hearth.HandlerProps{Entry: jsii.String("../testdata/programs/empty")})
	return stack
}

// TestStack is a team's test of its stack.
func TestStack(t *testing.T) {
	hearthtest.Snapshot(t, newStack(t, 1), "testdata/shop.json")
}

// recorder records the failures and logs of a test.
type recorder struct {
	testing.TB
	messages []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.messages = append(r.messages, format)
	for _, arg := range args {
		if text, ok := arg.(string); ok {
			r.messages = append(r.messages, text)
		}
	}
}

func TestSnapshotDiffers(t *testing.T) {
	if flag.Lookup("update").Value.String() == "true" {
		t.Skip("the snapshot would be written")
	}
	r := &recorder{TB: t}
	hearthtest.Snapshot(r, newStack(t, 2), "testdata/shop.json")
	got := strings.Join(r.messages, "\n")
	if !strings.Contains(got, "-        \"DelaySeconds\": 1") || !strings.Contains(got, "+        \"DelaySeconds\": 2") || strings.Contains(got, "Handler") {
		t.Errorf("got %s", got)
	}
}

// TestSnapshotSaysWhatItCosts: a queue whose kind changes is replaced, and its messages
// are lost. That stands before the diff.
func TestSnapshotSaysWhatItCosts(t *testing.T) {
	queue := func(fifo bool) awscdk.Stack {
		stack := awscdk.NewStack(awscdk.NewApp(hearthtest.AppProps(t, "../../cdk.json")), jsii.String("Shop"), nil)
		props := &awssqs.QueueProps{}
		if fifo {
			props.Fifo = jsii.Bool(true)
		}
		awssqs.NewQueue(stack, jsii.String("Mine"), props)
		return stack
	}
	before, err := hearthtest.Template(queue(false))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shop.json")
	if err := os.WriteFile(path, before, 0o644); err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		t.Skip("the snapshot would be written")
	}
	r := &recorder{TB: t}
	hearthtest.Snapshot(r, queue(true), path)
	if got := strings.Join(r.messages, "\n"); !strings.Contains(got, "the update from it would\n  Mine") || !strings.Contains(got, ": replace AWS::SQS::Queue because of FifoQueue; loses its messages") {
		t.Errorf("got %s", got)
	}
}

// TestCheck: an error of the rules fails the test, unless it is silenced with a reason.
func TestCheck(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(hearthtest.AppProps(t, "../../cdk.json")), jsii.String("Shop"), nil)
	awssqs.NewCfnQueue(stack, jsii.String("Mine"), &awssqs.CfnQueueProps{DelaySeconds: jsii.Number(901)})
	r := &recorder{TB: t}
	hearthtest.Check(r, stack)
	if got := strings.Join(r.messages, "\n"); !strings.Contains(got, "Shop: Mine: error: DelaySeconds must be ") {
		t.Errorf("got %s", got)
	}
	r = &recorder{TB: t}
	hearthtest.Check(r, stack, checks.Silence{Rule: "queue-range", At: "Mine", Reason: "a test"})
	if len(r.messages) > 0 {
		t.Errorf("got %q", r.messages)
	}
}

func TestTemplateIsStable(t *testing.T) {
	template, err := hearthtest.Template(newStack(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"S3Key": "ASSET-1.zip"`, "VERSION"} {
		if !strings.Contains(string(template), want) {
			t.Errorf("the template must have %s", want)
		}
	}
	want, err := os.ReadFile(filepath.Join("testdata", "shop.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(template) {
		t.Error("two synths must give the same template")
	}
}

// TestTemplateOfSeveralStacks shows that the output that exports a version to another
// stack has a stable name, like the version itself.
func TestTemplateOfSeveralStacks(t *testing.T) {
	templates := func(memory float64) (string, string) {
		app := awscdk.NewApp(hearthtest.AppProps(t, "../../cdk.json"))
		first, second := awscdk.NewStack(app, jsii.String("First"), nil), awscdk.NewStack(app, jsii.String("Second"), nil)
		version := awslambda.NewFunction(first, jsii.String("Fn"), &awslambda.FunctionProps{
			Code: awslambda.Code_FromInline(jsii.String("x")), Handler: jsii.String("index.handler"),
			MemorySize: &memory, Runtime: awslambda.Runtime_NODEJS_24_X(),
		}).CurrentVersion()
		awscdk.NewCfnOutput(second, jsii.String("Arn"), &awscdk.CfnOutputProps{Value: version.FunctionArn()})
		awscdk.NewCfnOutput(second, jsii.String("Version"), &awscdk.CfnOutputProps{Value: version.Version()})
		var texts [2]string
		for i, stack := range []awscdk.Stack{first, second} {
			data, err := hearthtest.Template(stack)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = strings.Replace(string(data), fmt.Sprintf(`"MemorySize": %g`, memory), `"MemorySize": N`, 1)
		}
		return texts[0], texts[1]
	}
	first, second := templates(128)
	otherFirst, otherSecond := templates(256)
	if first != otherFirst || second != otherSecond {
		t.Errorf("the templates differ:\n%s", cmp.Diff(first+second, otherFirst+otherSecond))
	}
	for _, name := range []string{"VERSION\"", "VERSIONVersion\""} {
		if !strings.Contains(second, name) {
			t.Errorf("%s is not in %s", name, second)
		}
	}
}
