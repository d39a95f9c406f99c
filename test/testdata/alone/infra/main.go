// Command infra is a CDK app with each construct alone, without a Backend.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Alone"), nil)
	handler := hearth.NewHandler(stack, jsii.String("Handler"), &hearth.HandlerProps{Entry: jsii.String("./test/testdata/alone/handler")})
	hearth.NewQueue(stack, jsii.String("Jobs"), &hearth.QueueProps{Handler: handler.Alias, Name: jsii.String("jobs")}).ConnectSend(handler, nil)
	hearth.NewQueue(stack, jsii.String("Results"), &hearth.QueueProps{Name: jsii.String("jobs")}).
		ConnectSend(handler, &hearth.ConnectOptions{Name: jsii.String("results")})
	hearth.NewSchedule(stack, jsii.String("Tick"), &hearth.ScheduleProps{
		Expression: jsii.String("rate(1 day)"), Handler: handler.Alias, Name: jsii.String("tick"),
	})
	hearth.NewHttpApi(stack, jsii.String("Http"), &hearth.HttpApiProps{Handler: handler.Alias})
	hearth.NewWebSocketApi(stack, jsii.String("WebSocket"), &hearth.WebSocketApiProps{Handler: handler.Alias}).ConnectPush(handler, nil)
	hearth.NewConnectionRegistry(stack, jsii.String("Online"), nil).Connect(handler, nil)
	hearth.NewIdempotencyTable(stack, jsii.String("Once"), nil).Connect(handler, nil)
	hearth.NewRestApi(stack, jsii.String("Rest"), &hearth.RestApiProps{Handler: handler.Alias})
	app.Synth(nil)
}
