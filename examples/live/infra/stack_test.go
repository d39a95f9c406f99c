package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

// TestStack checks the template and compares it with testdata/stack.json. After an intended
// change, run "go test ./infra -update" and read the file's diff.
func TestStack(t *testing.T) {
	t.Chdir("..") // the folder of cdk.json, where the CDK runs
	stack := newStack(awscdk.NewApp(hearthtest.AppProps(t, "cdk.json")), "Test")
	hearthtest.Check(t, stack)
	hearthtest.Snapshot(t, stack, "infra/testdata/stack.json")
}
