package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	hearth "github.com/lambdahearth/hearth/constructs"
)

// stack is the whole service: a network, a database and the backend.
type stack struct {
	awscdk.Stack
	backend *hearth.Backend
}

func newStack(scope constructs.Construct, id string) *stack {
	s := &stack{Stack: awscdk.NewStack(scope, jsii.String(id), nil)}
	vpc := s.network()
	// The API rejects requests above these rates, so they do not reach the function and
	// cost nothing.
	throttle := &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(200), RateLimit: jsii.Number(100)}
	s.backend = hearth.NewBackend(s.Stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry:       jsii.String("./examples/bookmarks/handler"),
		Concurrency: &hearth.ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: hearth.Autoscaled(2, 20)},
		Database:    &hearth.DatabaseProxyProps{Cluster: s.database(vpc), Vpc: vpc},
		// The function fetches titles from the internet, and pushes to WebSocket clients.
		Handler: &hearth.HandlerProps{
			VpcSubnets: &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
		},
		Http:      &hearth.HttpApiProps{Throttle: throttle},
		WebSocket: &hearth.WebSocketApiProps{Throttle: throttle},
		// The owner of the address confirms it once.
		Monitoring: &hearth.MonitoringProps{Email: jsii.String("oncall@example.com")},
		// Together the queues use less than half of the instances; HTTP keeps the rest.
		Queues: map[string]*hearth.QueueProps{
			"changes": {MaxConcurrency: jsii.Number(15)},
			"titles":  {MaxConcurrency: jsii.Number(5)},
		},
	})
	return s
}

// network makes a VPC in two availability zones. The function's subnets reach the internet,
// and the database's subnets do not. One NAT gateway serves both zones: if its zone fails,
// titles and pushes wait, and everything else works.
func (s *stack) network() awsec2.IVpc {
	return awsec2.NewVpc(s.Stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs:      jsii.Number(2),
		NatGateways: jsii.Number(1),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: jsii.Number(28)},
			{Name: jsii.String("function"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS, CidrMask: jsii.Number(24)},
			{Name: jsii.String("database"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED, CidrMask: jsii.Number(26)},
		},
		FlowLogs: &map[string]*awsec2.FlowLogOptions{
			"All": {Destination: awsec2.FlowLogDestination_ToCloudWatchLogs(
				awslogs.NewLogGroup(s.Stack, jsii.String("FlowLogs"), &awslogs.LogGroupProps{
					Retention:     awslogs.RetentionDays_ONE_MONTH,
					RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
				}), nil)},
		},
	})
}

// database makes an Aurora cluster whose capacity follows the load. RDS stores and rotates
// the password, which only the proxy of the backend uses.
func (s *stack) database(vpc awsec2.IVpc) awsrds.DatabaseCluster {
	return awsrds.NewDatabaseCluster(s.Stack, jsii.String("Database"), &awsrds.DatabaseClusterProps{
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_17_7(),
		}),
		Writer:                   awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
		ServerlessV2MinCapacity:  jsii.Number(0.5),
		ServerlessV2MaxCapacity:  jsii.Number(4),
		Vpc:                      vpc,
		VpcSubnets:               &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		Credentials:              awsrds.Credentials_FromUsername(jsii.String("bookmarks"), nil),
		ManageMasterUserPassword: jsii.Bool(true),
		DefaultDatabaseName:      jsii.String("bookmarks"),
		IamAuthentication:        jsii.Bool(true),
		StorageEncrypted:         jsii.Bool(true),
		CopyTagsToSnapshot:       jsii.Bool(true),
		DeletionProtection:       jsii.Bool(true),
		RemovalPolicy:            awscdk.RemovalPolicy_SNAPSHOT,
		Backup:                   &awsrds.BackupProps{Retention: awscdk.Duration_Days(jsii.Number(7))},
	})
}
