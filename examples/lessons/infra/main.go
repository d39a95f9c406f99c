// Command infra deploys the lessons, each as a separate stack.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/jsii-runtime-go"

	hearth "github.com/lambdahearth/hearth/constructs"
)

// throttle limits the rates of APIs: requests above them do not reach the function.
var throttle = &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)}

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	lesson := func(name, entry string, make func(stack awscdk.Stack, props *hearth.BackendProps)) {
		stack := awscdk.NewStack(app, jsii.String(name), nil)
		make(stack, &hearth.BackendProps{Entry: jsii.String(entry)})
	}
	lesson("Queue", "./queue", queue)
	lesson("Schedule", "./schedule", schedule)
	lesson("WebSocket", "./websocket", webSocket)
	lesson("Streaming", "./streaming", streaming)
	lesson("Database", "./database", database)
	lesson("Retries", "./retries", retries)
	app.Synth(nil)
}

func queue(stack awscdk.Stack, props *hearth.BackendProps) {
	props.Queues = map[string]*hearth.QueueProps{"mails": {MaxConcurrency: jsii.Number(5)}}
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}

func schedule(stack awscdk.Stack, props *hearth.BackendProps) {
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}

func webSocket(stack awscdk.Stack, props *hearth.BackendProps) {
	props.WebSocket = &hearth.WebSocketApiProps{Throttle: throttle}
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}

// streaming has a function URL instead of an HTTP API, which cannot stream.
func streaming(stack awscdk.Stack, props *hearth.BackendProps) {
	props.FunctionUrl = &hearth.FunctionUrlProps{Streaming: jsii.Bool(true)}
	props.Concurrency = &hearth.ConcurrencyProps{Reserved: jsii.Number(10)}
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}

// database is in subnets without access to the internet, which the program does not need.
func database(stack awscdk.Stack, props *hearth.BackendProps) {
	isolated := &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}},
	})
	props.Database = &hearth.DatabaseProxyProps{Vpc: vpc, Cluster: awsrds.NewDatabaseCluster(stack, jsii.String("Database"), &awsrds.DatabaseClusterProps{
		Engine:                   awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{Version: awsrds.AuroraPostgresEngineVersion_VER_17_7()}),
		Writer:                   awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
		Vpc:                      vpc,
		VpcSubnets:               isolated,
		Credentials:              awsrds.Credentials_FromUsername(jsii.String("visits"), nil),
		ManageMasterUserPassword: jsii.Bool(true),
		DefaultDatabaseName:      jsii.String("visits"),
		IamAuthentication:        jsii.Bool(true),
		StorageEncrypted:         jsii.Bool(true),
	})}
	props.Concurrency = &hearth.ConcurrencyProps{Reserved: jsii.Number(20)}
	props.Http = &hearth.HttpApiProps{Throttle: throttle}
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}

// retries has a table for the keys of completed jobs and requests.
func retries(stack awscdk.Stack, props *hearth.BackendProps) {
	props.Http = &hearth.HttpApiProps{Throttle: throttle}
	props.IdempotencyTable = &hearth.IdempotencyTableProps{}
	hearth.NewBackend(stack, jsii.String("Backend"), props)
}
