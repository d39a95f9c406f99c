// Command infra is a whole backend with hearth: HTTP and WebSocket APIs, a standard and a
// FIFO queue, a schedule, an RDS Proxy in front of Aurora in isolated subnets, concurrency,
// alarms and a dashboard. The same app in plain CDK has five times as many lines.
//
//	npx aws-cdk@2.1148.1 synth --app "go run ./examples/baseline/infra"
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func main() {
	defer jsii.Close()
	// The program builds while the CDK starts.
	hearth.Prebuild(&hearth.HandlerProps{Entry: jsii.String("./examples/baseline/handler")})
	app := awscdk.NewApp(nil)
	newStack(app, "Base")
	app.Synth(nil)
}
