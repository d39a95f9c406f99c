package hearth

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/internal/wire"
)

// The goldens of the parts use a function that hearth did not make, as in an existing
// app.

func existingFunction(stack awscdk.Stack) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String("Existing"), &awslambda.FunctionProps{
		Code:    awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
		Handler: jsii.String("index.handler"),
		Runtime: awslambda.Runtime_NODEJS_22_X(),
		Timeout: seconds(10),
	})
}

func importedFunction(stack awscdk.Stack) awslambda.IFunction {
	return awslambda.Function_FromFunctionAttributes(stack, jsii.String("Imported"), &awslambda.FunctionAttributes{
		FunctionArn:     jsii.String("arn:aws:lambda:eu-north-1:123456789012:function:imported"),
		Role:            awsiam.Role_FromRoleArn(stack, jsii.String("ImportedRole"), jsii.String("arn:aws:iam::123456789012:role/imported"), nil),
		SameEnvironment: jsii.Bool(true),
	})
}

func newVpc(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), NatGateways: jsii.Number(1), RestrictDefaultSecurityGroup: jsii.Bool(false),
	})
}

func newIsolatedVpc(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), RestrictDefaultSecurityGroup: jsii.Bool(false),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}},
	})
}

func newCluster(stack awscdk.Stack, vpc awsec2.IVpc) awsrds.DatabaseCluster {
	return awsrds.NewDatabaseCluster(stack, jsii.String("Db"), &awsrds.DatabaseClusterProps{
		DefaultDatabaseName: jsii.String("app"),
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_17_7(),
		}),
		Vpc:        vpc,
		VpcSubnets: &awsec2.SubnetSelection{Subnets: vpc.SelectSubnets(nil).Subnets},
		Writer:     awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
	})
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }

func TestHandlerMinimal(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})
	if h.Manifest() == nil {
		t.Error("the manifest must have been read")
	}
	golden(t, stack)
}

func TestHandlerFull(t *testing.T) {
	stack := setup(t)
	vpc := newVpc(stack)
	NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry:        entry("silent"),
		Architecture: awslambda.Architecture_X86_64(),
		BuildTags:    []string{"extra"},
		Concurrency: &ConcurrencyProps{
			Provisioned: &ProvisionedConcurrency{Min: jsii.Number(1), Max: jsii.Number(3), Utilization: jsii.Number(0.5)},
			Reserved:    jsii.Number(10),
		},
		Description:  jsii.String("All of it"),
		Environment:  &map[string]*string{"STAGE": jsii.String("test")},
		FunctionName: jsii.String("everything"),
		Layers: &[]awslambda.ILayerVersion{awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"),
			jsii.String("arn:aws:lambda:eu-north-1:123456789012:layer:extension:1"))},
		LogRetention:   awslogs.RetentionDays_ONE_WEEK,
		Manifest:       jsii.Bool(false),
		MemorySize:     jsii.Number(1769),
		SecurityGroups: &[]awsec2.ISecurityGroup{awsec2.NewSecurityGroup(stack, jsii.String("Sg"), &awsec2.SecurityGroupProps{Vpc: vpc})},
		Timeout:        seconds(30),
		Tracing:        awslambda.Tracing_PASS_THROUGH,
		Vpc:            vpc,
		VpcSubnets:     &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
	})
	golden(t, stack)
}

func TestHandlerExisting(t *testing.T) {
	stack := setup(t)
	group := awslogs.NewLogGroup(stack, jsii.String("Logs"), nil)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry:       entry("empty"),
		Concurrency: &ConcurrencyProps{Provisioned: Fixed(2)},
		LogGroup:    group,
		Role:        awsiam.Role_FromRoleArn(stack, jsii.String("Role"), jsii.String("arn:aws:iam::123456789012:role/own"), nil),
	})
	if h.LogGroup != awslogs.ILogGroup(group) {
		t.Error("LogGroup must be the given one")
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::Logs::LogGroup"), jsii.Number(1))
	template.ResourceCountIs(jsii.String("AWS::IAM::Role"), jsii.Number(0))
	template.ResourceCountIs(jsii.String("AWS::ApplicationAutoScaling::ScalableTarget"), jsii.Number(0))
	template.HasResourceProperties(jsii.String("AWS::Lambda::Alias"), map[string]any{
		"Name": "live", "ProvisionedConcurrencyConfig": map[string]any{"ProvisionedConcurrentExecutions": 2},
	})
}

func TestHandlerScheduledConcurrency(t *testing.T) {
	stack := setup(t)
	at := func(hour string) awsapplicationautoscaling.Schedule {
		return awsapplicationautoscaling.Schedule_Cron(&awsapplicationautoscaling.CronOptions{Hour: &hour, Minute: jsii.String("0")})
	}
	NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry: entry("empty"),
		Concurrency: &ConcurrencyProps{Provisioned: &ProvisionedConcurrency{
			Min: jsii.Number(1),
			Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
				"evening": {Schedule: at("18"), MinCapacity: jsii.Number(1), MaxCapacity: jsii.Number(1)},
				"morning": {Schedule: at("8"), MinCapacity: jsii.Number(5), MaxCapacity: jsii.Number(5)},
			},
		}},
	})
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::ApplicationAutoScaling::ScalingPolicy"), jsii.Number(0))
	template.HasResourceProperties(jsii.String("AWS::ApplicationAutoScaling::ScalableTarget"), map[string]any{
		"MaxCapacity": 1, "MinCapacity": 1,
		"ScheduledActions": []any{
			map[string]any{
				"Schedule": "cron(0 18 * * ? *)", "ScheduledActionName": "evening",
				"ScalableTargetAction": map[string]any{"MaxCapacity": 1, "MinCapacity": 1},
			},
			map[string]any{
				"Schedule": "cron(0 8 * * ? *)", "ScheduledActionName": "morning",
				"ScalableTargetAction": map[string]any{"MaxCapacity": 5, "MinCapacity": 5},
			},
		},
	})
}

// TestHandlerLeavesNothing shows that no directory is left over, unless the CDK must
// deploy from it.
func TestHandlerLeavesNothing(t *testing.T) {
	for staging, want := range map[bool]int{true: 0, false: 1} {
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		stack := setup(t)
		stack.Node().SetContext(jsii.String(disableAssetStaging), !staging)
		NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})
		left, err := filepath.Glob(filepath.Join(tmp, "hearth-*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != want {
			t.Errorf("with staging %t, %v is left", staging, left)
		}
	}
}

func TestHandlerPaused(t *testing.T) {
	stack := setup(t)
	NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(0)}})
	template(stack).HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{"ReservedConcurrentExecutions": 0})
}

// TestHandlerRefusal shows a whole error: the path, and every broken rule.
func TestHandlerRefusal(t *testing.T) {
	stack := setup(t)
	got := refusal(t, func() {
		NewHandler(stack, jsii.String("Handler"), &HandlerProps{
			Entry:       entry("full"),
			Concurrency: &ConcurrencyProps{Reserved: jsii.Number(-1)},
			MemorySize:  jsii.Number(64),
			Timeout:     seconds(20),
		})
	})
	want := `Test/Handler: 4 problems
  - HandlerProps.MemorySize must be 128 to 10240 MB, got 64; see the memory limits of Lambda
  - HandlerProps.Concurrency.Reserved must be at least 0 instances, got -1; leave it unset to share the account's unreserved instances
  - HandlerProps.Timeout must be more than 30 seconds, the timeout of a job of queue "screenshots" in the program, got 20; raise it or shorten the other
  - HandlerProps.Timeout must be more than 20 seconds, the timeout of a job of queue "ledger" in the program, got 20; raise it or shorten the other`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestHttpApiMinimal(t *testing.T) {
	stack := setup(t)
	NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: existingFunction(stack)})
	golden(t, stack)
}

func TestHttpApiFull(t *testing.T) {
	stack := setup(t)
	domain := awsapigatewayv2.DomainName_FromDomainNameAttributes(stack, jsii.String("Domain"), &awsapigatewayv2.DomainNameAttributes{
		Name: jsii.String("api.example.com"), RegionalDomainName: jsii.String("d-1.execute-api.eu-north-1.amazonaws.com"), RegionalHostedZoneId: jsii.String("Z1"),
	})
	api := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{
		Handler:            importedFunction(stack),
		AccessLogRetention: awslogs.RetentionDays_ONE_DAY,
		ApiName:            jsii.String("shop"),
		CorsPreflight: &awsapigatewayv2.CorsPreflightOptions{
			AllowMethods: &[]awsapigatewayv2.CorsHttpMethod{awsapigatewayv2.CorsHttpMethod_ANY},
			AllowOrigins: jsii.Strings("https://example.com"),
		},
		DisableExecuteApiEndpoint: jsii.Bool(true),
		DomainMapping:             &awsapigatewayv2.DomainMappingOptions{DomainName: domain},
		Throttle:                  &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)},
	})
	if got, want := *api.Url(), "https://api.example.com/"; got != want {
		t.Errorf("Url = %q, want %q", got, want)
	}
	golden(t, stack)
}

func TestHttpApiWithoutLogs(t *testing.T) {
	stack := setup(t)
	api := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: existingFunction(stack), AccessLogs: jsii.Bool(false), DisableExecuteApiEndpoint: jsii.Bool(true)})
	if api.AccessLogGroup != nil || api.Url() != nil {
		t.Error("there must be no log group and no URL")
	}
	template(stack).HasResourceProperties(jsii.String("AWS::ApiGatewayV2::Stage"), map[string]any{"AccessLogSettings": assertions.Match_Absent()})
}

func TestWebSocketApiMinimal(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	api := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn})
	api.ConnectManage(fn, nil)
	golden(t, stack)
}

func TestWebSocketApiFull(t *testing.T) {
	stack := setup(t)
	domain := awsapigatewayv2.DomainName_FromDomainNameAttributes(stack, jsii.String("Domain"), &awsapigatewayv2.DomainNameAttributes{
		Name: jsii.String("ws.example.com"), RegionalDomainName: jsii.String("d-1.execute-api.eu-north-1.amazonaws.com"), RegionalHostedZoneId: jsii.String("Z1"),
	})
	api := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{
		Handler:            importedFunction(stack),
		AccessLogRetention: awslogs.RetentionDays_ONE_DAY,
		AccessLogs:         jsii.Bool(true),
		ApiName:            jsii.String("chat"),
		DomainMapping:      &awsapigatewayv2.DomainMappingOptions{DomainName: domain, MappingKey: jsii.String("v1")},
		StageName:          jsii.String("v1"),
		Throttle:           &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)},
	})
	if got, want := *api.Url(), "wss://ws.example.com/v1"; got != want {
		t.Errorf("Url = %q, want %q", got, want)
	}
	golden(t, stack)
}

func TestQueueMinimal(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: fn, Name: jsii.String("jobs")})
	q.ConnectSend(fn, nil)
	golden(t, stack)
}

func TestQueueFull(t *testing.T) {
	stack := setup(t)
	NewQueue(stack, jsii.String("Ledger"), &QueueProps{
		BatchSize:                 jsii.Number(5),
		ContentBasedDeduplication: jsii.Bool(true),
		DeadLetterRetention:       awscdk.Duration_Days(jsii.Number(10)),
		DeliveryDelay:             seconds(5),
		Enabled:                   jsii.Bool(false),
		EncryptionMasterKey:       awskms.NewKey(stack, jsii.String("Key"), nil),
		Fifo:                      jsii.Bool(true),
		FunctionTimeout:           seconds(20),
		Handler:                   importedFunction(stack),
		HighThroughput:            jsii.Bool(true),
		MaxConcurrency:            jsii.Number(2),
		MaxReceiveCount:           jsii.Number(3),
		Name:                      jsii.String("ledger"),
		RetentionPeriod:           awscdk.Duration_Days(jsii.Number(2)),
		VisibilityTimeout:         seconds(120),
	})
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Ledger"),
		assertions.Match_StringLikeRegexp(jsii.String("QueueProps.MaxReceiveCount is 3; throttled invocations count")))
	golden(t, stack)
}

func TestQueueBatch(t *testing.T) {
	stack := setup(t)
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: existingFunction(stack), BatchSize: jsii.Number(500), MaxBatchingWindow: seconds(5)})
	template := template(stack)
	template.HasResourceProperties(jsii.String("AWS::SQS::Queue"), map[string]any{"VisibilityTimeout": 65})
	template.HasResourceProperties(jsii.String("AWS::Lambda::EventSourceMapping"), map[string]any{"BatchSize": 500, "MaximumBatchingWindowInSeconds": 5})
}

func TestQueueExisting(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	existing := awssqs.Queue_FromQueueArn(stack, jsii.String("Mine"), jsii.String("arn:aws:sqs:eu-north-1:123456789012:mine.fifo"))
	q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: fn, Queue: existing, Name: jsii.String("mine")})
	q.ConnectSend(fn, nil)
	if q.DeadLetterQueue != nil {
		t.Error("an existing queue has its own dead-letter queue")
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(0))
	template.HasResourceProperties(jsii.String("AWS::Lambda::EventSourceMapping"), map[string]any{
		"EventSourceArn": "arn:aws:sqs:eu-north-1:123456789012:mine.fifo", "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
	})
	template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Environment": map[string]any{"Variables": map[string]any{"HEARTH_QUEUES": assertions.Match_AnyValue()}},
	})
}

func TestQueueStranger(t *testing.T) {
	stack := setup(t)
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{
		FunctionTimeout: seconds(10),
		Handler:         awslambda.Function_FromFunctionName(stack, jsii.String("Stranger"), jsii.String("stranger")),
	})
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Jobs"),
		assertions.Match_StringLikeRegexp(jsii.String("the function was imported without its role")))
	template(stack).HasResourceProperties(jsii.String("AWS::SQS::Queue"), map[string]any{"VisibilityTimeout": 60})
}

func TestQueueProducer(t *testing.T) {
	stack := setup(t)
	q := NewQueue(stack, jsii.String("Out"), nil)
	got := refusal(t, func() { q.ConnectSend(existingFunction(stack), nil) })
	want := "Test/Out: 1 problem\n  - QueueProps.Name must be set for ConnectSend, got none; it is the name by which the program sends, and ConnectOptions.Name can give another one"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(2))
	template.ResourceCountIs(jsii.String("AWS::Lambda::EventSourceMapping"), jsii.Number(0))
}

func TestScheduleMinimal(t *testing.T) {
	stack := setup(t)
	s := NewSchedule(stack, jsii.String("Nightly"), &ScheduleProps{
		Expression: jsii.String("rate(1 day)"), Handler: existingFunction(stack), Name: jsii.String("nightly"),
	})
	if *s.Name() != "nightly" {
		t.Errorf("Name = %q", *s.Name())
	}
	golden(t, stack)
}

func TestScheduleFull(t *testing.T) {
	stack := setup(t)
	NewSchedule(stack, jsii.String("Nightly"), &ScheduleProps{
		Expression:      jsii.String("cron(0 3 * * ? *)"),
		Handler:         importedFunction(stack),
		Name:            jsii.String("nightly"),
		DeadLetterQueue: awssqs.NewQueue(stack, jsii.String("Late"), nil),
		Description:     jsii.String("Clean up"),
		Enabled:         jsii.Bool(false),
		FlexibleWindow:  seconds(600),
		Group:           awsscheduler.NewScheduleGroup(stack, jsii.String("Group"), nil),
		MaxEventAge:     seconds(120),
		RetryAttempts:   jsii.Number(0),
		TimeZone:        jsii.String("Europe/Oslo"),
	})
	golden(t, stack)
}

func TestDatabaseProxyMinimal(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	d := NewDatabaseProxy(stack, jsii.String("Database"), &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc})
	fn := awslambda.NewFunction(stack, jsii.String("Existing"), &awslambda.FunctionProps{
		Code:    awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
		Handler: jsii.String("index.handler"),
		Runtime: awslambda.Runtime_NODEJS_22_X(),
		Vpc:     vpc,
	})
	alias := awslambda.NewAlias(stack, jsii.String("Alias"), &awslambda.AliasProps{AliasName: jsii.String("live"), Version: fn.CurrentVersion()})
	d.Connect(fn, nil)
	d.AddDependent(alias)
	golden(t, stack)
}

func TestDatabaseProxyFull(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	group := awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("DbSg"), jsii.String("sg-0123456789abcdef0"), nil)
	instance := awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(stack, jsii.String("Db"), &awsrds.DatabaseInstanceAttributes{
		Engine:                  awsrds.DatabaseInstanceEngine_Mysql(&awsrds.MySqlInstanceEngineProps{Version: awsrds.MysqlEngineVersion_VER_8_0()}),
		InstanceEndpointAddress: jsii.String("db.example.com"),
		InstanceIdentifier:      jsii.String("db"),
		Port:                    jsii.Number(3307),
		SecurityGroups:          &[]awsec2.ISecurityGroup{group},
	})
	d := NewDatabaseProxy(stack, jsii.String("Database"), &DatabaseProxyProps{
		Vpc:                   vpc,
		BorrowTimeout:         seconds(5),
		Database:              jsii.String("shop"),
		IdleClientTimeout:     seconds(600),
		Instance:              instance,
		MaxConnectionsPercent: jsii.Number(80),
		Secrets: &[]awssecretsmanager.ISecret{
			awssecretsmanager.Secret_FromSecretCompleteArn(stack, jsii.String("One"), jsii.String("arn:aws:secretsmanager:eu-north-1:123456789012:secret:one-abcdef")),
			awssecretsmanager.Secret_FromSecretCompleteArn(stack, jsii.String("Two"), jsii.String("arn:aws:secretsmanager:eu-north-1:123456789012:secret:two-abcdef")),
		},
		MaxIdleConnectionsPercent: jsii.Number(10),
		SecurityGroups:            &[]awsec2.ISecurityGroup{awsec2.NewSecurityGroup(stack, jsii.String("Sg"), &awsec2.SecurityGroupProps{Vpc: vpc, AllowAllOutbound: jsii.Bool(false)})},
		SessionPinningFilters:     &[]awsrds.SessionPinningFilter{awsrds.SessionPinningFilter_EXCLUDE_VARIABLE_SETS()},
		User:                      jsii.String("app"),
		VpcSubnets:                &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
	})
	d.Connect(NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Vpc: vpc}), nil)
	golden(t, stack)
}

func TestSqsEndpointMinimal(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	e := NewSqsEndpoint(stack, jsii.String("Sqs"), &SqsEndpointProps{Vpc: vpc})
	e.Connect(NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Vpc: vpc}))
	golden(t, stack)
}

func TestSqsEndpointFull(t *testing.T) {
	stack := setup(t)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0), SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
		{Name: jsii.String("functions"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		{Name: jsii.String("endpoints"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
	}})
	NewSqsEndpoint(stack, jsii.String("Sqs"), &SqsEndpointProps{Vpc: vpc, VpcSubnets: &awsec2.SubnetSelection{SubnetGroupName: jsii.String("endpoints")}})
	golden(t, stack)
}

func TestWebSocketRelayMinimal(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	api := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn})
	NewWebSocketRelay(stack, jsii.String("Relay"), &WebSocketRelayProps{Api: api, Handler: &HandlerProps{Entry: entry("relayed")}}).ConnectPush(fn, nil)
	golden(t, stack)
}

func TestWebSocketRelayFull(t *testing.T) {
	stack := setup(t)
	api := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: existingFunction(stack)})
	NewWebSocketRelay(stack, jsii.String("Relay"), &WebSocketRelayProps{
		Api: api,
		Handler: &HandlerProps{
			Architecture: awslambda.Architecture_X86_64(),
			BuildTags:    []string{"relaytag"},
			Concurrency:  &ConcurrencyProps{Reserved: jsii.Number(7), Provisioned: Fixed(2)},
			Entry:        entry("relayed"),
			Environment:  &map[string]*string{"GREETING": jsii.String("hello")},
			Files:        map[string]string{"go.txt": "main_test.go"},
			FunctionName: jsii.String("requests"),
			Layers:       &[]awslambda.ILayerVersion{awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Layer"), jsii.String("arn:aws:lambda:eu-north-1:123456789012:layer:probe:1"))},
			LinkerFlags:  []string{"-X main.version=1"},
			LogRetention: awslogs.RetentionDays_ONE_DAY,
			Manifest:     jsii.Bool(false),
			Timeout:      seconds(90),
			Tracing:      awslambda.Tracing_DISABLED,
			Vpc:          newIsolatedVpc(stack),
		},
		MaxConcurrency: jsii.Number(4),
	})
	golden(t, stack)
}

func TestConnectionRegistryMinimal(t *testing.T) {
	stack := setup(t)
	NewConnectionRegistry(stack, jsii.String("Online"), nil).Connect(existingFunction(stack), nil)
	golden(t, stack)
}

func TestConnectionRegistryFull(t *testing.T) {
	stack := setup(t)
	NewConnectionRegistry(stack, jsii.String("Online"), &ConnectionRegistryProps{
		EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil),
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		Vpc:           newIsolatedVpc(stack),
	}).Connect(existingFunction(stack), nil)
	golden(t, stack)
}

func TestConnectionRegistryExistingTable(t *testing.T) {
	stack := setup(t)
	table := awsdynamodb.Table_FromTableName(stack, jsii.String("Mine"), jsii.String("mine"))
	r := NewConnectionRegistry(stack, jsii.String("Online"), &ConnectionRegistryProps{Table: table})
	r.Connect(existingFunction(stack), nil)
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::DynamoDB::Table"), jsii.Number(0))
	template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Environment": map[string]any{"Variables": map[string]any{wire.EnvConnectionsTable: "mine"}},
	})
	got := refusal(t, func() {
		NewConnectionRegistry(stack, jsii.String("Broken"), &ConnectionRegistryProps{Table: table, RemovalPolicy: awscdk.RemovalPolicy_RETAIN})
	})
	want := "Test/Broken: 1 problem\n  - ConnectionRegistryProps.RemovalPolicy must be unset with Table, which has its own; remove it"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIdempotencyTableMinimal(t *testing.T) {
	stack := setup(t)
	NewIdempotencyTable(stack, jsii.String("Once"), nil).Connect(existingFunction(stack), nil)
	golden(t, stack)
}

func TestIdempotencyTableFull(t *testing.T) {
	stack := setup(t)
	NewIdempotencyTable(stack, jsii.String("Once"), &IdempotencyTableProps{
		EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Vpc:           newIsolatedVpc(stack),
	}).Connect(existingFunction(stack), &ConnectOptions{Name: jsii.String("payments")})
	golden(t, stack)
}

func TestIdempotencyTableExistingTable(t *testing.T) {
	stack := setup(t)
	table := awsdynamodb.Table_FromTableName(stack, jsii.String("Mine"), jsii.String("mine"))
	NewIdempotencyTable(stack, jsii.String("Once"), &IdempotencyTableProps{Table: table}).Connect(existingFunction(stack), nil)
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::DynamoDB::Table"), jsii.Number(0))
	template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Environment": map[string]any{"Variables": map[string]any{wire.EnvIdempotencyTable: "mine"}},
	})
	got := refusal(t, func() {
		NewIdempotencyTable(stack, jsii.String("Broken"), &IdempotencyTableProps{Table: table, EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	})
	want := "Test/Broken: 1 problem\n  - IdempotencyTableProps.EncryptionKey must be unset with Table, which has its own; remove it"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDatabaseProxyOutsideVpc(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	d := NewDatabaseProxy(stack, jsii.String("Database"), &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc})
	got := refusal(t, func() { d.Connect(existingFunction(stack), nil) })
	want := "Test/Database: 1 problem\n  - HandlerProps.Vpc must be set for a function that connects to the database, got none for Test/Existing; place it in the VPC of the proxy"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNothing shows that each constructor accepts nil props and reports the missing ones.
func TestNothing(t *testing.T) {
	stack := setup(t)
	for want, create := range map[string]func(id *string){
		"HandlerProps.Entry must be":         func(id *string) { NewHandler(stack, id, nil) },
		"HttpApiProps.Handler must be":       func(id *string) { NewHttpApi(stack, id, nil) },
		"WebSocketApiProps.Handler must be":  func(id *string) { NewWebSocketApi(stack, id, nil) },
		"RestApiProps.Handler must be":       func(id *string) { NewRestApi(stack, id, nil) },
		"FunctionUrlProps.Handler must be":   func(id *string) { NewFunctionUrl(stack, id, nil) },
		"SqsEndpointProps.Vpc must be":       func(id *string) { NewSqsEndpoint(stack, id, nil) },
		"WebSocketRelayProps.Api must be":    func(id *string) { NewWebSocketRelay(stack, id, nil) },
		"ScheduleProps.Handler must be":      func(id *string) { NewSchedule(stack, id, nil) },
		"DatabaseProxyProps.Cluster must be": func(id *string) { NewDatabaseProxy(stack, id, nil) },
		"BackendProps.Entry must be":         func(id *string) { NewBackend(stack, id, nil) },
	} {
		if got := refusal(t, func() { create(jsii.String(want)) }); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWrongScope shows the words for a construct outside a stack, or with the id of
// another.
func TestWrongScope(t *testing.T) {
	stack := setup(t)
	app := stack.Node().Root().(awscdk.App)
	stage := awscdk.NewStage(app, jsii.String("Stage"), nil)
	NewQueue(stack, jsii.String("Taken"), nil)
	for want, create := range map[string]func(){
		`*hearth.Queue "Jobs" must be in a stack, got the app or a stage as its scope; pass a stack`:        func() { NewQueue(app, jsii.String("Jobs"), nil) },
		`*hearth.Handler "Api" must be in a stack, got the app or a stage as its scope; pass a stack`:       func() { NewHandler(stage, jsii.String("Api"), silent(nil)) },
		`*hearth.Queue must have an id that is unique in its scope, got "Taken" again in "Test"; rename it`: func() { NewQueue(stack, jsii.String("Taken"), nil) },
	} {
		if got := refusal(t, create); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestScope shows that each construct can be the scope of another, which needs care in
// Go; see newConstruct.
func TestScope(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	fn := existingFunction(stack)
	for _, scope := range []constructs.Construct{
		NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")}),
		NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: fn}),
		NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn}),
		NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn}),
		NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: fn}),
		NewSqsEndpoint(stack, jsii.String("Sqs"), &SqsEndpointProps{Vpc: vpc}),
		NewConnectionRegistry(stack, jsii.String("Online"), nil),
		NewIdempotencyTable(stack, jsii.String("Once"), nil),
		NewQueue(stack, jsii.String("Queue"), nil),
		NewSchedule(stack, jsii.String("Schedule"), &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: fn, Name: jsii.String("s")}),
		NewDatabaseProxy(stack, jsii.String("Database"), &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc}),
		NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("empty")}),
	} {
		child := constructs.NewConstruct(scope, jsii.String("Child"))
		if got, want := *child.Node().Path(), *scope.Node().Path()+"/Child"; got != want {
			t.Errorf("path is %q, want %q", got, want)
		}
	}
}
