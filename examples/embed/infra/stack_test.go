package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

func TestStack(t *testing.T) {
	stack := newStack(awscdk.NewApp(hearthtest.AppProps(t, "../../../cdk.json")), "Shop")
	assertions.Annotations_FromStack(stack).HasNoError(jsii.String("*"), assertions.Match_AnyValue())
	hearthtest.Snapshot(t, stack, "testdata/shop.json")
}
