// Command infra shows how an app that exists already takes parts of hearth: its
// VPC, its function and its HTTP API are its own, and it gets a queue and a
// WebSocket API in front of the function that it has.
//
//	npx aws-cdk@2.1148.1 synth --app "go run ./examples/embed/infra"
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newStack(app, "Shop")
	app.Synth(nil)
}
