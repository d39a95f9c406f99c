// Command samestack is the stack of the plain CDK app, resource for resource, with
// hearth's constructs: synthbench compares the two. It lacks the relay and the further
// alarms of examples/baseline. Only the response of the WebSocket API's $default route is
// added.
package main

import (
	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	apigw "github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	apigwv2 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	rds "github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

var isolated = &ec2.SubnetSelection{SubnetType: ec2.SubnetType_PRIVATE_ISOLATED}

func main() {
	defer jsii.Close()
	hearth.Prebuild(&hearth.HandlerProps{Entry: jsii.String("./examples/baseline/handler")})
	app := cdk.NewApp(nil)
	newStack(app)
	app.Synth(nil)
}

func newStack(app cdk.App) {
	stack := cdk.NewStack(app, jsii.String("Base"), nil)
	// For any warning, the CDK writes a report, which takes about 40 ms. The app in plain CDK
	// has no warning.
	cdk.Annotations_Of(stack).AcknowledgeWarning(jsii.String("hearth:lostRuns"), jsii.String("the app in plain CDK has no dead-letter queue either"))
	vpc := ec2.NewVpc(stack, jsii.String("Vpc"), &ec2.VpcProps{
		FlowLogs: &map[string]*ec2.FlowLogOptions{"All": {}}, MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0),
		SubnetConfiguration: &[]*ec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: ec2.SubnetType_PRIVATE_ISOLATED}},
	})
	group := func(id string) *[]ec2.ISecurityGroup {
		return &[]ec2.ISecurityGroup{ec2.NewSecurityGroup(stack, jsii.String(id), &ec2.SecurityGroupProps{AllowAllOutbound: jsii.Bool(false), Vpc: vpc})}
	}
	cluster := newCluster(stack, vpc, group("DbSG"))
	handler := hearth.NewHandler(stack, jsii.String("Handler"), &hearth.HandlerProps{
		Entry:          jsii.String("./examples/baseline/handler"),
		Concurrency:    &hearth.ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: hearth.Autoscaled(2, 20)},
		MemorySize:     jsii.Number(256),
		SecurityGroups: group("FnSG"), Timeout: cdk.Duration_Seconds(jsii.Number(29)), Vpc: vpc, VpcSubnets: isolated,
	})
	database := hearth.NewDatabaseProxy(stack, jsii.String("Database"), &hearth.DatabaseProxyProps{Cluster: cluster, Vpc: vpc, VpcSubnets: isolated})
	database.Connect(handler.Function, nil)
	database.AddDependent(handler.Alias)

	throttle := &apigwv2.ThrottleSettings{BurstLimit: jsii.Number(1000), RateLimit: jsii.Number(500)}
	http := hearth.NewHttpApi(stack, jsii.String("Http"), &hearth.HttpApiProps{
		Handler: handler.Alias, CorsPreflight: &apigwv2.CorsPreflightOptions{AllowOrigins: jsii.Strings("https://example.com")}, Throttle: throttle,
	})
	ws := hearth.NewWebSocketApi(stack, jsii.String("WebSocket"), &hearth.WebSocketApiProps{Handler: handler.Alias, AccessLogs: jsii.Bool(true), Throttle: throttle})
	ws.Stage.Node().AddDependency(newAccount(stack))
	// As in plain CDK, without a relay: hearth's own grant would refuse isolated subnets.
	ws.Stage.GrantManagementApiAccess(handler.Function)
	handler.Function.AddEnvironment(jsii.String("WS_CALLBACK_URL"), ws.Stage.CallbackUrl(), nil)

	endpoint := hearth.NewSqsEndpoint(stack, jsii.String("SqsEndpoint"), &hearth.SqsEndpointProps{Vpc: vpc, VpcSubnets: isolated})
	endpoint.Connect(handler.Function)
	vpc.AddInterfaceEndpoint(jsii.String("ExecuteApiEndpoint"), &ec2.InterfaceVpcEndpointOptions{
		Open: jsii.Bool(false), SecurityGroups: endpoint.Endpoint.Connections().SecurityGroups(), Service: ec2.InterfaceVpcEndpointAwsService_APIGATEWAY(), Subnets: isolated,
	})
	queues := []*hearth.Queue{
		hearth.NewQueue(stack, jsii.String("Jobs"), &hearth.QueueProps{Handler: handler.Alias, MaxConcurrency: jsii.Number(10), Name: jsii.String("jobs")}),
		hearth.NewQueue(stack, jsii.String("Ordered"), &hearth.QueueProps{Fifo: jsii.Bool(true), Handler: handler.Alias, MaxConcurrency: jsii.Number(10), Name: jsii.String("ordered")}),
	}
	for _, queue := range queues {
		queue.ConnectSend(handler.Function, nil)
	}
	hearth.NewSchedule(stack, jsii.String("Tick"), &hearth.ScheduleProps{Expression: jsii.String("rate(5 minutes)"), Handler: handler.Alias, Name: jsii.String("tick")})
	newDashboard(stack, handler, http, queues)
	cdk.NewCfnOutput(stack, jsii.String("HttpUrl"), &cdk.CfnOutputProps{Value: http.Url()})
	cdk.NewCfnOutput(stack, jsii.String("WsUrl"), &cdk.CfnOutputProps{Value: ws.Url()})
}

func newCluster(stack cdk.Stack, vpc ec2.Vpc, groups *[]ec2.ISecurityGroup) rds.DatabaseCluster {
	logs := awslogs.NewLogGroup(stack, jsii.String("DbLogs"), &awslogs.LogGroupProps{
		LogGroupName: jsii.String("/aws/rds/cluster/base-db/postgresql"), RemovalPolicy: cdk.RemovalPolicy_DESTROY, Retention: awslogs.RetentionDays_ONE_MONTH,
	})
	cluster := rds.NewDatabaseCluster(stack, jsii.String("Db"), &rds.DatabaseClusterProps{
		Backup: &rds.BackupProps{Retention: cdk.Duration_Days(jsii.Number(7))}, CloudwatchLogsExports: jsii.Strings("postgresql"), ClusterIdentifier: jsii.String("base-db"),
		CopyTagsToSnapshot: jsii.Bool(true), Credentials: rds.Credentials_FromUsername(jsii.String("app"), nil), DefaultDatabaseName: jsii.String("app"),
		DeletionProtection: jsii.Bool(true), Engine: rds.DatabaseClusterEngine_AuroraPostgres(&rds.AuroraPostgresClusterEngineProps{Version: rds.AuroraPostgresEngineVersion_VER_17_7()}),
		IamAuthentication: jsii.Bool(true), ManageMasterUserPassword: jsii.Bool(true), RemovalPolicy: cdk.RemovalPolicy_SNAPSHOT, SecurityGroups: groups,
		ServerlessV2MaxCapacity: jsii.Number(4), ServerlessV2MinCapacity: jsii.Number(0.5), StorageEncrypted: jsii.Bool(true), Vpc: vpc, VpcSubnets: isolated,
		Writer: rds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
	})
	cluster.Node().AddDependency(logs)
	return cluster
}

// newAccount makes the role with which the account's WebSocket APIs log.
func newAccount(stack cdk.Stack) apigw.CfnAccount {
	role := iam.NewRole(stack, jsii.String("ApiGatewayLogs"), &iam.RoleProps{
		AssumedBy:       iam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		ManagedPolicies: &[]iam.IManagedPolicy{iam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AmazonAPIGatewayPushToCloudWatchLogs"))},
	})
	account := apigw.NewCfnAccount(stack, jsii.String("ApiGatewayAccount"), &apigw.CfnAccountProps{CloudWatchRoleArn: role.RoleArn()})
	account.ApplyRemovalPolicy(cdk.RemovalPolicy_RETAIN, nil)
	role.ApplyRemovalPolicy(cdk.RemovalPolicy_RETAIN)
	return account
}

// newDashboard shows five alarms and the same four graphs. A Monitoring would add
// more alarms than the app in plain CDK has.
func newDashboard(stack cdk.Stack, handler *hearth.Handler, http *hearth.HttpApi, queues []*hearth.Queue) {
	minute := cdk.Duration_Minutes(jsii.Number(1))
	sum := &awscloudwatch.MetricOptions{Period: minute, Statistic: jsii.String("Sum")}
	spillover := handler.Alias.Metric(jsii.String("ProvisionedConcurrencySpilloverInvocations"), sum)
	alarms := []interfacesawscloudwatch.IAlarmRef{awscloudwatch.NewAlarm(stack, jsii.String("SpilloverAlarm"), &awscloudwatch.AlarmProps{
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD, EvaluationPeriods: jsii.Number(1), Metric: spillover, Threshold: jsii.Number(0),
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})}
	var depth []awscloudwatch.IMetric
	for _, queue := range queues {
		watched := queue.AddAlarms(nil)
		alarms = append(alarms, watched.OldestMessage, watched.DeadLetters)
		depth = append(depth, queue.Queue.MetricApproximateNumberOfMessagesVisible(nil),
			queue.DeadLetterQueue.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Period: minute, Statistic: jsii.String("Maximum")}))
	}
	graph := func(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Left: &metrics, Title: jsii.String(title)})
	}
	awscloudwatch.NewDashboard(stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{Widgets: &[]*[]awscloudwatch.IWidget{
		{awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{Alarms: &alarms, Width: jsii.Number(24)})},
		{
			graph("Function", handler.Alias.MetricInvocations(sum), handler.Alias.MetricErrors(sum), handler.Function.MetricThrottles(sum), spillover),
			graph("Latency", handler.Alias.MetricDuration(&awscloudwatch.MetricOptions{Statistic: jsii.String("p50")}),
				handler.Alias.MetricDuration(&awscloudwatch.MetricOptions{Statistic: jsii.String("p99")})),
			graph("Queues", depth...),
			graph("HTTP API", http.Api.MetricCount(sum), http.Api.MetricClientError(sum), http.Api.MetricServerError(sum)),
		},
	}})
}
