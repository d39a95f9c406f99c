// Package hearthtest holds snapshot tests for stacks with hearth's constructs. They
// compare the template of a stack with a file in the repository, after replacing the
// parts that change from build to build by stable names.
//
//	func TestMain(m *testing.M) { hearthtest.Main(m) }
//
//	func TestStack(t *testing.T) {
//		app := awscdk.NewApp(hearthtest.AppProps(t, "../cdk.json"))
//		stack := infra.NewStack(app, "Shop")
//		hearthtest.Check(t, stack)
//		hearthtest.Snapshot(t, stack, "testdata/shop.json")
//	}
//
// Run the tests with -update to write the files, and read their diff: a changed logical
// id means that CloudFormation replaces the resource.
//
// Tests that use the CDK must not run in parallel with each other: all of them
// share one process of the CDK.
package hearthtest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/lambdahearth/hearth/constructs/checks"
)

// validation is the environment variable that turns the CDK's own validation off.
const validation = "CDK_VALIDATION"

// Main runs the tests of a package without the CDK's own validation. It takes seconds for
// each stack, and cdk synth runs it anyway. Set CDK_VALIDATION to true to turn it on.
// Call Main from TestMain; it exits.
func Main(m *testing.M) {
	if os.Getenv(validation) == "" {
		// The CDK's process got its environment before main, so the variable can only be
		// set for a new process.
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), validation+"=false")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		jsii.Close()
		if err := cmd.Run(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// AppProps are the props of an app that makes the same templates as cdk synth. They have
// the context of a cdk.json, which go test does not read itself, and an output directory
// that is deleted after the test.
func AppProps(t testing.TB, cdkJSON string) *awscdk.AppProps {
	t.Helper()
	data, err := os.ReadFile(cdkJSON)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatalf("read %s: %v", cdkJSON, err)
	}
	return &awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Context:            &config.Context,
		Outdir:             jsii.String(t.TempDir()),
	}
}

// Template returns the template of a stack as indented JSON with stable names:
// ASSET-1, ASSET-2 and so on for the hashes of assets, in the order in which the
// template has them, and VERSION for the part of a Lambda version's id that
// changes with the function.
func Template(stack awscdk.Stack) ([]byte, error) {
	data, err := json.MarshalIndent(assertions.Template_FromStack(stack, nil).ToJSON(), "", "  ")
	if err != nil {
		return nil, err
	}
	return append(normalize(data), '\n'), nil
}

var (
	assetHash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	// The name of an output for another stack continues with an attribute and a hash of
	// the id.
	versionID = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}(?:([A-Za-z]*)[0-9A-F]{8})?\b`)
)

func normalize(template []byte) []byte {
	names := map[string]string{}
	template = assetHash.ReplaceAllFunc(template, func(hash []byte) []byte {
		name, seen := names[string(hash)]
		if !seen {
			name = fmt.Sprintf("ASSET-%d", len(names)+1)
			names[string(hash)] = name
		}
		return []byte(name)
	})
	return versionID.ReplaceAll(template, []byte("${1}VERSION${2}"))
}

// updateFlag is looked up by name, because other packages of the test binary may
// define the same flag.
const updateFlag = "update"

func init() {
	if flag.Lookup(updateFlag) == nil {
		flag.Bool(updateFlag, false, "write the snapshots")
	}
}

// Updating reports whether the tests were run with -update.
func Updating() bool {
	f := flag.Lookup(updateFlag)
	return f != nil && f.Value.String() == "true"
}

// Snapshot compares the template of a stack with a file, see [Template]. If they differ,
// it first lists the resources that the update would replace and delete, and the data it
// would lose. With -update it writes the file instead.
func Snapshot(t testing.TB, stack awscdk.Stack, path string) {
	t.Helper()
	got, err := Template(stack)
	if err != nil {
		t.Fatal(err)
	}
	if Updating() {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v; run go test -update to write it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(string(want), string(got)); diff != "" {
		t.Errorf("the template differs from %s; run go test -update if it should\n%s(-want +got):\n%s", path, cost(path, want, got), diff)
	}
}

// cost describes the effect of an update from one template to another.
func cost(path string, before, after []byte) string {
	changes, err := checks.Compare([]checks.Source{{Name: path, Data: before}}, []checks.Source{{Name: path, Data: after}})
	if err != nil {
		return fmt.Sprintf("what the update does is not known: %v\n", err)
	}
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "  %s\n", strings.TrimPrefix(c.String(), path+": "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "the update from it would\n" + b.String()
}

// Check checks the template of a stack with the rules of package checks, as hearth check
// does: an error fails the test, a warning is logged. Silences leave findings out.
func Check(t testing.TB, stack awscdk.Stack, silences ...checks.Silence) {
	t.Helper()
	template, err := Template(stack)
	if err != nil {
		t.Fatal(err)
	}
	name := *stack.StackName()
	findings, err := checks.Template(name, template)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range checks.Apply(silences, name, findings) {
		if f.Severity == checks.Error {
			t.Errorf("%s", f.String())
		} else {
			t.Logf("%s", f.String())
		}
	}
}

// difference returns the lines that differ, without the common beginning and the common
// end.
func difference(want, got string) string {
	if want == got {
		return ""
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	start := 0
	for start < len(w) && start < len(g) && w[start] == g[start] {
		start++
	}
	end := 0
	for end < len(w)-start && end < len(g)-start && w[len(w)-1-end] == g[len(g)-1-end] {
		end++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "@@ line %d @@\n", start+1)
	for _, line := range w[start : len(w)-end] {
		b.WriteString("-" + line + "\n")
	}
	for _, line := range g[start : len(g)-end] {
		b.WriteString("+" + line + "\n")
	}
	return b.String()
}
