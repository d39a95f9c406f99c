// Command infra is a CDK app whose monitoring the drill tests.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Drill"), nil)
	backend := hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry:       jsii.String("./test/testdata/drill/handler"),
		Concurrency: &hearth.ConcurrencyProps{Reserved: jsii.Number(5), Provisioned: hearth.Fixed(1)},
		Handler:     &hearth.HandlerProps{Timeout: awscdk.Duration_Seconds(jsii.Number(10))},
		Queues:      map[string]*hearth.QueueProps{"jobs": {MaxConcurrency: jsii.Number(2)}, "ledger": {MaxConcurrency: jsii.Number(2)}},
	})
	url := hearth.NewFunctionUrl(stack, jsii.String("Url"), &hearth.FunctionUrlProps{
		AuthType: awslambda.FunctionUrlAuthType_NONE, Handler: backend.Handler.Alias,
	})
	rest := hearth.NewRestApi(stack, jsii.String("Rest"), &hearth.RestApiProps{Handler: backend.Handler.Alias})
	hearth.NewMonitoring(stack, jsii.String("Alarms"), &hearth.MonitoringProps{
		Backend: backend, Dashboard: jsii.Bool(false), Email: jsii.String("oncall@example.com"), FunctionUrls: []*hearth.FunctionUrl{url}, RestApis: []*hearth.RestApi{rest},
	})
	app.Synth(nil)
}
