// Command infra is a CDK app with each construct alone that is about a VPC: functions in
// isolated subnets, with a proxy to a database and without, and a relay for pushes.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("InVpc"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}},
	})
	isolated := &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	cluster := awsrds.NewDatabaseCluster(stack, jsii.String("Cluster"), &awsrds.DatabaseClusterProps{
		DefaultDatabaseName: jsii.String("shop"),
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_17_7(),
		}),
		IamAuthentication: jsii.Bool(true),
		Vpc:               vpc,
		VpcSubnets:        isolated,
		Writer:            awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
	})
	inVpc := &hearth.HandlerProps{
		Entry: jsii.String("./test/testdata/vpc/handler"), Concurrency: &hearth.ConcurrencyProps{Reserved: jsii.Number(10)},
		Vpc: vpc, VpcSubnets: isolated,
	}
	handler := hearth.NewHandler(stack, jsii.String("Handler"), inVpc)
	hearth.NewHttpApi(stack, jsii.String("Http"), &hearth.HttpApiProps{Handler: handler.Alias})
	hearth.NewDatabaseProxy(stack, jsii.String("Proxy"), &hearth.DatabaseProxyProps{Cluster: cluster, Vpc: vpc, VpcSubnets: isolated}).Connect(handler, nil)
	sockets := hearth.NewWebSocketApi(stack, jsii.String("WebSocket"), &hearth.WebSocketApiProps{Handler: handler.Alias})
	hearth.NewWebSocketRelay(stack, jsii.String("Relay"), &hearth.WebSocketRelayProps{Api: sockets, Handler: inVpc}).ConnectPush(handler, nil)
	hearth.NewSqsEndpoint(stack, jsii.String("Sqs"), &hearth.SqsEndpointProps{Vpc: vpc})

	direct := *inVpc
	direct.Manifest = jsii.Bool(false)
	other := hearth.NewHandler(stack, jsii.String("Direct"), &direct)
	hearth.NewHttpApi(stack, jsii.String("DirectHttp"), &hearth.HttpApiProps{Handler: other.Alias})
	hearth.NewDirectDatabase(stack, jsii.String("Database"), &hearth.DirectDatabaseProps{
		Cluster: cluster, MaxConnections: jsii.Number(100), User: jsii.String("app"),
	}).Connect(other, nil)
	app.Synth(nil)
}
