// Command infra deploys the bookmarks example. The CDK runs it, as cdk.json at the
// root of the repository says.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := newStack(app, "Bookmarks")
	if checks := app.Node().TryGetContext(jsii.String("nag")); checks == "true" || checks == true {
		addNag(app, stack)
	}
	app.Synth(nil)
}
