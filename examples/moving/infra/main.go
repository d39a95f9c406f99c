// Command infra shows a move: an app in plain CDK, with an API and a queue that functions
// written by hand serve, before and after a Backend takes over. The API, the queue and
// its messages stay. docs/moving-in.md goes through it.
//
//	npx aws-cdk@2.1148.1 synth --app "go run ./examples/moving/infra"
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	after(app, "Orders")
	app.Synth(nil)
}
