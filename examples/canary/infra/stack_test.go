package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

func TestStack(t *testing.T) {
	t.Chdir("../../..")
	stack := newStack(awscdk.NewApp(hearthtest.AppProps(t, "cdk.json")), "Canary")
	data, err := hearthtest.Template(stack)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"CodeDeployLambdaAliasUpdate", "CodeDeployDefault.LambdaCanary10Percent5Minutes", "DEPLOYMENT_STOP_ON_ALARM",
		`"Ref": "BackendMonitoringBackendHttpServerErrors`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in the template", want)
		}
	}
	hearthtest.Snapshot(t, stack, "examples/canary/infra/testdata/canary.json")
}
