// Command infra shows a move to hearth: an app in plain CDK has an API and a queue with
// handwritten functions, and a Backend replaces the functions. The API, the queue and its
// messages stay. docs/moving-in.md describes the steps.
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
