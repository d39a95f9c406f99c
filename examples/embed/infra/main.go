// Command infra shows how an existing app adds parts of hearth. It keeps its VPC, its
// function and its HTTP API, and gets a queue and a WebSocket API that invoke the same
// function.
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
