// Command infra is the CDK app, which defines the deployed resources. cdk.json names it.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	hearth "github.com/lambdahearth/hearth/constructs"
)

const stackName = "Full"

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newStack(app, stackName)
	app.Synth(nil)
}

func newStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)
	vpc := newVpc(stack)
	// The API rejects requests above these rates, so they do not reach the function and
	// cost nothing.
	throttle := &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)}
	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry: jsii.String("./handler"),
		// The database has enough connections for this number of instances.
		Concurrency:        &hearth.ConcurrencyProps{Reserved: jsii.Number(20)},
		ConnectionRegistry: &hearth.ConnectionRegistryProps{},
		Database:           &hearth.DatabaseProxyProps{Cluster: newDatabase(stack, vpc), Vpc: vpc},
		// Pushes to WebSocket clients go over the internet.
		Handler:   &hearth.HandlerProps{VpcSubnets: &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}},
		Http:      &hearth.HttpApiProps{Throttle: throttle},
		WebSocket: &hearth.WebSocketApiProps{Throttle: throttle},
		// During a backlog, the requests keep the other instances.
		Queues: map[string]*hearth.QueueProps{"orders": {MaxConcurrency: jsii.Number(5)}},
	})
	return stack
}

// newVpc makes a network in two zones, with one NAT gateway.
func newVpc(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs:      jsii.Number(2),
		NatGateways: jsii.Number(1),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC},
			{Name: jsii.String("function"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
			{Name: jsii.String("database"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		},
	})
}

// newDatabase makes an Aurora cluster whose capacity follows the load. RDS stores and
// rotates the password, which only the proxy uses.
func newDatabase(stack awscdk.Stack, vpc awsec2.IVpc) awsrds.DatabaseCluster {
	return awsrds.NewDatabaseCluster(stack, jsii.String("Database"), &awsrds.DatabaseClusterProps{
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_17_7(),
		}),
		Writer:                   awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
		ServerlessV2MinCapacity:  jsii.Number(0.5),
		ServerlessV2MaxCapacity:  jsii.Number(4),
		Vpc:                      vpc,
		VpcSubnets:               &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		Credentials:              awsrds.Credentials_FromUsername(jsii.String("app"), nil),
		ManageMasterUserPassword: jsii.Bool(true),
		DefaultDatabaseName:      jsii.String("app"),
		IamAuthentication:        jsii.Bool(true),
		StorageEncrypted:         jsii.Bool(true),
		DeletionProtection:       jsii.Bool(true),
		RemovalPolicy:            awscdk.RemovalPolicy_SNAPSHOT,
		Backup:                   &awsrds.BackupProps{Retention: awscdk.Duration_Days(jsii.Number(7))},
	})
}
