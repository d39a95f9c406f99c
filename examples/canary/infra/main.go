// Command infra deploys the canary example. A new version of the program gets a tenth of the
// requests for five minutes; if requests fail, CodeDeploy rolls back to the old version.
//
//	npx aws-cdk deploy --app "go run ./examples/canary/infra" -c version=1.2.0
//	curl $(url)/version
//
// During a deployment one request in ten answers 1.2.0. Make the program answer 500, and
// deploy it: within minutes the alarm "Canary… ServerErrors" goes off, CodeDeploy goes
// back to the old version, and CloudFormation rolls the stack back.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newStack(app, "Canary")
	app.Synth(nil)
}
