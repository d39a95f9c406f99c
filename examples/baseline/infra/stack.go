package main

import (
	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	apigw "github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	apigwv2 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	rds "github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

func newStack(scope constructs.Construct, id string) cdk.Stack {
	stack := cdk.NewStack(scope, jsii.String(id), nil)
	vpc := ec2.NewVpc(stack, jsii.String("Vpc"), &ec2.VpcProps{
		FlowLogs: &map[string]*ec2.FlowLogOptions{"All": {}}, MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0),
		SubnetConfiguration: &[]*ec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: ec2.SubnetType_PRIVATE_ISOLATED}},
	})
	group := func(id string) *[]ec2.ISecurityGroup {
		return &[]ec2.ISecurityGroup{ec2.NewSecurityGroup(stack, jsii.String(id), &ec2.SecurityGroupProps{AllowAllOutbound: jsii.Bool(false), Vpc: vpc})}
	}
	cluster := rds.NewDatabaseCluster(stack, jsii.String("Db"), &rds.DatabaseClusterProps{
		Backup: &rds.BackupProps{Retention: cdk.Duration_Days(jsii.Number(7))}, CloudwatchLogsExports: jsii.Strings("postgresql"), CopyTagsToSnapshot: jsii.Bool(true),
		Credentials: rds.Credentials_FromUsername(jsii.String("app"), nil), DefaultDatabaseName: jsii.String("app"), DeletionProtection: jsii.Bool(true),
		Engine:            rds.DatabaseClusterEngine_AuroraPostgres(&rds.AuroraPostgresClusterEngineProps{Version: rds.AuroraPostgresEngineVersion_VER_17_7()}),
		IamAuthentication: jsii.Bool(true), ManageMasterUserPassword: jsii.Bool(true), RemovalPolicy: cdk.RemovalPolicy_SNAPSHOT, SecurityGroups: group("DbSG"), ServerlessV2MaxCapacity: jsii.Number(4),
		StorageEncrypted: jsii.Bool(true), Vpc: vpc, VpcSubnets: &ec2.SubnetSelection{SubnetType: ec2.SubnetType_PRIVATE_ISOLATED}, Writer: rds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
	})
	// WebSocket APIs write logs with a role that belongs to the whole account.
	role := iam.NewRole(stack, jsii.String("ApiGatewayLogs"), &iam.RoleProps{
		AssumedBy:       iam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		ManagedPolicies: &[]iam.IManagedPolicy{iam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AmazonAPIGatewayPushToCloudWatchLogs"))},
	})
	account := apigw.NewCfnAccount(stack, jsii.String("ApiGatewayAccount"), &apigw.CfnAccountProps{CloudWatchRoleArn: role.RoleArn()})
	throttle := &apigwv2.ThrottleSettings{BurstLimit: jsii.Number(1000), RateLimit: jsii.Number(500)}
	backend := hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry:       jsii.String("./examples/baseline/handler"),
		Concurrency: &hearth.ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: hearth.Autoscaled(2, 20)},
		Database:    &hearth.DatabaseProxyProps{Cluster: cluster, Vpc: vpc},
		Handler:     &hearth.HandlerProps{MemorySize: jsii.Number(256), SecurityGroups: group("FnSG"), Timeout: cdk.Duration_Seconds(jsii.Number(29))},
		Http:        &hearth.HttpApiProps{CorsPreflight: &apigwv2.CorsPreflightOptions{AllowOrigins: jsii.Strings("https://example.com")}, Throttle: throttle},
		Monitoring:  &hearth.MonitoringProps{Email: jsii.String("oncall@example.com")},
		Queues:      map[string]*hearth.QueueProps{"jobs": {MaxConcurrency: jsii.Number(10)}, "ordered": {MaxConcurrency: jsii.Number(10)}},
		WebSocket:   &hearth.WebSocketApiProps{AccessLogs: jsii.Bool(true), Throttle: throttle}, WebSocketRelay: jsii.Bool(true),
	})
	backend.WebSocket.Stage.Node().AddDependency(account)
	return stack
}
