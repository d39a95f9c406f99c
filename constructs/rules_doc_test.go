package hearth

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	templatechecks "github.com/lambdahearth/hearth/constructs/checks"
)

// documented is a mistake, made with hearth and in plain CDK.
type documented struct {
	// mistake is the text in docs/rules.md.
	mistake string
	// hearth makes it, and fails with says.
	hearth func(stack awscdk.Stack)
	says   string
	// plain makes it without hearth, and synthesizes.
	plain func(scope constructs.Construct)
}

// plainFunction is a function in plain CDK that ends after 60 seconds.
func plainFunction(scope constructs.Construct, change func(*awslambda.FunctionProps)) awslambda.Function {
	props := &awslambda.FunctionProps{
		Code:    awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
		Handler: jsii.String("index.handler"),
		Runtime: awslambda.Runtime_NODEJS_24_X(),
		Timeout: seconds(60),
	}
	if change != nil {
		change(props)
	}
	return awslambda.NewFunction(scope, jsii.String("Fn"), props)
}

func plainAlias(scope constructs.Construct, fn awslambda.Function, warm *float64) awslambda.Alias {
	return awslambda.NewAlias(scope, jsii.String("Live"), &awslambda.AliasProps{
		AliasName: jsii.String("live"), ProvisionedConcurrentExecutions: warm, Version: fn.CurrentVersion(),
	})
}

func plainConsumer(scope constructs.Construct, fn awslambda.IFunction, visibility float64, most *float64) {
	queue := awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{VisibilityTimeout: seconds(visibility)})
	fn.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, &awslambdaeventsources.SqsEventSourceProps{MaxConcurrency: most}))
}

func reserve(n float64) func(*awslambda.FunctionProps) {
	return func(p *awslambda.FunctionProps) { p.ReservedConcurrentExecutions = jsii.Number(n) }
}

func plainSchedule(scope constructs.Construct, expression string, dead awssqs.IQueue) {
	awsscheduler.NewSchedule(scope, jsii.String("Schedule"), &awsscheduler.ScheduleProps{
		Schedule: awsscheduler.ScheduleExpression_Expression(&expression, nil),
		Target:   awsschedulertargets.NewLambdaInvoke(plainFunction(scope, nil), &awsschedulertargets.ScheduleTargetBaseProps{DeadLetterQueue: dead}),
	})
}

func plainIsolated(scope constructs.Construct) awsec2.IVpc {
	return awsec2.NewVpc(scope, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), RestrictDefaultSecurityGroup: jsii.Bool(false),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: jsii.String("isolated"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}},
	})
}

func plainCluster(scope constructs.Construct, vpc awsec2.IVpc) awsrds.DatabaseCluster {
	return awsrds.NewDatabaseCluster(scope, jsii.String("Db"), &awsrds.DatabaseClusterProps{
		DefaultDatabaseName: jsii.String("app"),
		Engine:              awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{Version: awsrds.AuroraPostgresEngineVersion_VER_17_7()}),
		StorageEncrypted:    jsii.Bool(true),
		Vpc:                 vpc,
		VpcSubnets:          &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		Writer:              awsrds.ClusterInstance_ServerlessV2(jsii.String("writer"), nil),
	})
}

func plainHttp(scope constructs.Construct, fn awslambda.IFunction) {
	awsapigatewayv2.NewHttpApi(scope, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		DefaultIntegration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), fn, nil),
	})
}

func silent(concurrency *ConcurrencyProps) *HandlerProps {
	return &HandlerProps{Entry: entry("silent"), Manifest: jsii.Bool(false), Concurrency: concurrency}
}

func documentedRules() []documented {
	n := func(v float64) *float64 { return jsii.Number(v) }
	id := jsii.String("It")
	return []documented{
		{
			"More warm instances than the function may have",
			func(stack awscdk.Stack) {
				NewHandler(stack, id, silent(&ConcurrencyProps{Reserved: n(5), Provisioned: Fixed(6)}))
			},
			"Provisioned must be at most Reserved (5 instances), got 6; raise Reserved or lower the provisioned number",
			func(scope constructs.Construct) { plainAlias(scope, plainFunction(scope, reserve(5)), n(6)) },
		},
		{
			"Warm instances of two aliases that together are more than the function may have",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, silent(&ConcurrencyProps{Reserved: n(5), Provisioned: Fixed(3)}))
				h.Function.AddAlias(jsii.String("blue"), &awslambda.AliasOptions{ProvisionedConcurrentExecutions: n(3)})
				template(stack)
			},
			"the provisioned concurrency of all aliases must be at most the reserved concurrency of the function (5 instances), got 6, the sum of 3 (Test/It/Function/Aliasblue/Resource) + 3 (Test/It/Alias/Resource); raise the reserved or lower a provisioned number",
			func(scope constructs.Construct) {
				fn := plainFunction(scope, reserve(5))
				plainAlias(scope, fn, n(3))
				fn.AddAlias(jsii.String("blue"), &awslambda.AliasOptions{ProvisionedConcurrentExecutions: n(3)})
			},
		},
		{
			"Warm instances of a paused function",
			func(stack awscdk.Stack) {
				NewHandler(stack, id, silent(&ConcurrencyProps{Reserved: n(0), Provisioned: Fixed(2)}))
			},
			"Provisioned must be unset while Reserved is 0, which pauses the function, got 2; unset it, or set Reserved to at least 2",
			func(scope constructs.Construct) { plainAlias(scope, plainFunction(scope, reserve(0)), n(2)) },
		},
		{
			"Queues that can take every instance from the requests",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, silent(&ConcurrencyProps{Reserved: n(10)}))
				NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, MaxConcurrency: n(10)})
				NewHttpApi(stack, jsii.String("Api"), &HttpApiProps{Handler: h.Alias})
				template(stack)
			},
			"must be at least 11 instances, the sum of the queues' MaxConcurrency: 10 (Test/Jobs) and 1 for requests, got 10; raise it or lower a MaxConcurrency",
			func(scope constructs.Construct) {
				fn := plainFunction(scope, reserve(10))
				plainConsumer(scope, fn, 360, n(10))
				plainHttp(scope, fn)
			},
		},
		{
			"An API that goes past the warm instances",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, silent(&ConcurrencyProps{Provisioned: Fixed(2)}))
				NewHttpApi(stack, jsii.String("Api"), &HttpApiProps{Handler: h.Function})
			},
			"Handler must be Handler.Alias, to which the provisioned concurrency belongs, got Handler.Function; pass the alias",
			func(scope constructs.Construct) {
				fn := plainFunction(scope, nil)
				plainAlias(scope, fn, n(2))
				plainHttp(scope, fn)
			},
		},
		{
			"A message that is seen again while its function still works on it",
			func(stack awscdk.Stack) {
				NewQueue(stack, id, &QueueProps{Handler: existingFunction(stack), VisibilityTimeout: seconds(59)})
			},
			"VisibilityTimeout must be at least 6 times the function's timeout plus MaxBatchingWindow (6 × 10 + 0 = 60 seconds), got 59; raise it or leave it unset",
			func(scope constructs.Construct) {
				plainConsumer(scope, plainAlias(scope, plainFunction(scope, nil), nil), 359, nil)
			},
		},
		{
			"Dead letters that are deleted before anybody looks at them",
			func(stack awscdk.Stack) {
				NewQueue(stack, id, &QueueProps{DeadLetterRetention: seconds(3600)})
			},
			"DeadLetterRetention must be at least RetentionPeriod (345600 seconds), got 3600; its clock starts when the message is first sent, so less deletes failed messages at once",
			func(scope constructs.Construct) {
				dead := awssqs.NewQueue(scope, jsii.String("Dead"), &awssqs.QueueProps{RetentionPeriod: seconds(3600)})
				awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{DeadLetterQueue: &awssqs.DeadLetterQueue{MaxReceiveCount: n(5), Queue: dead}})
			},
		},
		{
			"A queue that the program does not consume",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, &HandlerProps{Entry: entry("empty")})
				NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, Name: jsii.String("jobs")})
			},
			`Name must be a queue that the program consumes, got "jobs" without a consumer (it consumes none); rename it, or add a consumer in "testdata/programs/empty"`,
			func(scope constructs.Construct) { plainConsumer(scope, plainFunction(scope, nil), 360, nil) },
		},
		{
			"A consumer or a schedule of the program that nothing is wired to",
			func(stack awscdk.Stack) {
				NewHandler(stack, id, &HandlerProps{Entry: entry("full")})
				template(stack)
			},
			`queue "ledger" must be wired, as "testdata/programs/full" consumes it, got no Queue with this Name and Handler; create one, remove the consumer, or set Manifest: false`,
			func(scope constructs.Construct) { plainFunction(scope, nil) },
		},
		{
			"A standard queue for a FIFO consumer",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, &HandlerProps{Entry: entry("full")})
				NewQueue(stack, jsii.String("Ledger"), &QueueProps{Handler: h.Alias, Name: jsii.String("ledger")})
			},
			`Fifo must be true, as the program consumes "ledger" as a FIFO queue, got false; change it, or the consumer in "testdata/programs/full"`,
			func(scope constructs.Construct) { plainConsumer(scope, plainFunction(scope, nil), 360, nil) },
		},
		{
			"A function that Lambda kills before the program's own timeout",
			func(stack awscdk.Stack) {
				NewHandler(stack, id, &HandlerProps{Entry: entry("full"), Timeout: seconds(30)})
			},
			`Timeout must be more than 30 seconds, the timeout of a job of queue "screenshots" in the program, got 30; raise it or shorten the other`,
			func(scope constructs.Construct) {
				plainConsumer(scope, plainFunction(scope, func(p *awslambda.FunctionProps) { p.Timeout = seconds(30) }), 360, nil)
			},
		},
		{
			"An API in front of a program that serves none",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, &HandlerProps{Entry: entry("empty")})
				NewHttpApi(stack, jsii.String("Api"), &HttpApiProps{Handler: h.Alias})
			},
			`Handler must be a program that serves HTTP, got "testdata/programs/empty", which does not; set App.HTTP in it, or remove the API`,
			func(scope constructs.Construct) { plainHttp(scope, plainFunction(scope, nil)) },
		},
		{
			"A streaming and a buffered URL of one program",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, silent(nil))
				NewFunctionUrl(stack, jsii.String("Live"), &FunctionUrlProps{Handler: h.Alias, Streaming: jsii.Bool(true)})
				other := awslambda.NewAlias(stack, jsii.String("Other"), &awslambda.AliasProps{AliasName: jsii.String("other"), Version: h.Version})
				NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: other})
			},
			"Streaming must be true as in Test/Live, a URL of the same program, which cannot tell by which of them a request came, got false; set both alike, or give one a Handler of its own",
			func(scope constructs.Construct) {
				fn := plainFunction(scope, nil)
				fn.AddFunctionUrl(nil)
				plainAlias(scope, fn, nil).AddFunctionUrl(&awslambda.FunctionUrlOptions{InvokeMode: awslambda.InvokeMode_RESPONSE_STREAM})
			},
		},
		{
			"Two URLs of one alias",
			func(stack awscdk.Stack) {
				h := NewHandler(stack, id, silent(nil))
				NewFunctionUrl(stack, jsii.String("Live"), &FunctionUrlProps{Handler: h.Alias})
				NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: h.Alias})
			},
			"Handler must be an alias or function without a URL, of which it can have one, got that of Test/Live; remove one of them",
			func(scope constructs.Construct) {
				alias := plainAlias(scope, plainFunction(scope, nil), nil)
				for _, url := range []string{"One", "Two"} {
					awslambda.NewFunctionUrl(scope, &url, &awslambda.FunctionUrlProps{Function: alias})
				}
			},
		},
		{
			"Credentials for every origin",
			func(stack awscdk.Stack) {
				NewRestApi(stack, id, &RestApiProps{Handler: existingFunction(stack), CorsPreflight: &awsapigateway.CorsOptions{AllowCredentials: jsii.Bool(true), AllowOrigins: jsii.Strings("*")}})
			},
			`CorsPreflight.AllowCredentials must be unset while AllowOrigins has "*", got true; any site could act for a signed-in user, so browsers refuse it: list the origins, or unset it`,
			func(scope constructs.Construct) {
				awsapigateway.NewLambdaRestApi(scope, jsii.String("Api"), &awsapigateway.LambdaRestApiProps{
					CloudWatchRole: jsii.Bool(false), DefaultCorsPreflightOptions: &awsapigateway.CorsOptions{AllowCredentials: jsii.Bool(true), AllowOrigins: jsii.Strings("*")},
					Handler: plainFunction(scope, nil),
				})
			},
		},
		{
			"An origin with a path, which no browser sends",
			func(stack awscdk.Stack) {
				NewHttpApi(stack, id, &HttpApiProps{Handler: existingFunction(stack), CorsPreflight: &awsapigatewayv2.CorsPreflightOptions{AllowOrigins: jsii.Strings("https://example.com/")}})
			},
			`CorsPreflight.AllowOrigins must have origins such as https://example.com, without a path, got "https://example.com/"; correct it`,
			func(scope constructs.Construct) {
				awsapigatewayv2.NewHttpApi(scope, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{CorsPreflight: &awsapigatewayv2.CorsPreflightOptions{AllowOrigins: jsii.Strings("https://example.com/")}})
			},
		},
		{
			"Variables of more than 4 KB",
			func(stack awscdk.Stack) {
				props := silent(nil)
				props.Environment = &map[string]*string{"RULES": jsii.String(strings.Repeat("x", 5000))}
				NewHandler(stack, id, props)
				template(stack)
			},
			"the environment variables of Test/It must be at most 4096 bytes, got at least 5005, of which RULES has 5005; shorten them, or move long values to a file of HandlerProps.Files or to a parameter",
			func(scope constructs.Construct) {
				plainFunction(scope, func(p *awslambda.FunctionProps) {
					p.Environment = &map[string]*string{"RULES": jsii.String(strings.Repeat("x", 5000))}
				})
			},
		},
		{
			"A cron expression in the Unix dialect",
			func(stack awscdk.Stack) {
				NewSchedule(stack, id, &ScheduleProps{Expression: jsii.String("cron(0 3 * * *)"), Handler: existingFunction(stack), Name: jsii.String("nightly")})
			},
			`Expression must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got "cron(0 3 * * *)" (cron must have 6 fields: minutes, hours, day of month, month, day of week, year; got 5); rewrite it`,
			func(scope constructs.Construct) { plainSchedule(scope, "cron(0 3 * * *)", nil) },
		},
		{
			"A FIFO dead-letter queue of a schedule",
			func(stack awscdk.Stack) {
				NewSchedule(stack, id, &ScheduleProps{
					DeadLetterQueue: awssqs.NewQueue(stack, jsii.String("Dead"), &awssqs.QueueProps{Fifo: jsii.Bool(true)}),
					Expression:      jsii.String("rate(1 day)"), Handler: existingFunction(stack), Name: jsii.String("nightly"),
				})
			},
			"DeadLetterQueue must be a standard queue, got a FIFO queue; EventBridge Scheduler cannot send to it",
			func(scope constructs.Construct) {
				plainSchedule(scope, "rate(1 day)", awssqs.NewQueue(scope, jsii.String("Dead"), &awssqs.QueueProps{Fifo: jsii.Bool(true)}))
			},
		},
		{
			"A push to WebSocket clients from isolated subnets",
			func(stack awscdk.Stack) {
				NewBackend(stack, id, &BackendProps{Entry: entry("full"), Handler: &HandlerProps{Vpc: newIsolatedVpc(stack)}})
			},
			"WebSocketRelay must be true for a program with a WebSocket API in isolated subnets, from which nothing reaches @connections (it has no VPC endpoint), got false; set it, choose subnets with NAT in Handler.VpcSubnets, or leave the VPC",
			func(scope constructs.Construct) {
				vpc := plainIsolated(scope)
				fn := plainFunction(scope, func(p *awslambda.FunctionProps) {
					p.Vpc, p.VpcSubnets = vpc, &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
				})
				api := awsapigatewayv2.NewWebSocketApi(scope, jsii.String("Api"), nil)
				awsapigatewayv2.NewWebSocketStage(scope, jsii.String("Stage"), &awsapigatewayv2.WebSocketStageProps{
					AutoDeploy: jsii.Bool(true), StageName: jsii.String("live"), WebSocketApi: api,
				}).GrantManagementApiAccess(fn)
			},
		},
		{
			"A function without a way to its database",
			func(stack awscdk.Stack) {
				vpc := newIsolatedVpc(stack)
				NewDatabaseProxy(stack, id, &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc}).Connect(existingFunction(stack), nil)
			},
			"Vpc must be set for a function that connects to the database, got none for Test/Existing; place it in the VPC of the proxy",
			func(scope constructs.Construct) {
				vpc := plainIsolated(scope)
				cluster := plainCluster(scope, vpc)
				awsrds.NewDatabaseProxy(scope, jsii.String("Proxy"), &awsrds.DatabaseProxyProps{
					IamAuth: jsii.Bool(true), ProxyTarget: awsrds.ProxyTarget_FromCluster(cluster), Secrets: &[]awssecretsmanager.ISecret{cluster.Secret()}, Vpc: vpc,
					VpcSubnets: &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
				}).GrantConnect(plainFunction(scope, nil), jsii.String("app"))
			},
		},
		{
			"A function in a VPC, but in none of its subnets",
			func(stack awscdk.Stack) {
				props := silent(nil)
				props.Vpc, props.VpcSubnets = newIsolatedVpc(stack), &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{}}
				NewHandler(stack, id, props)
			},
			"VpcSubnets.Subnets must have at least 1 subnet, got none; leave VpcSubnets unset for the default",
			func(scope constructs.Construct) {
				vpc := plainIsolated(scope)
				plainFunction(scope, func(p *awslambda.FunctionProps) {
					p.Vpc, p.VpcSubnets = vpc, &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{}}
				})
			},
		},
		{
			"More connections than the database takes",
			func(stack awscdk.Stack) {
				newDirectBackend(stack, n(20), n(100))
				template(stack)
			},
			"MaxConnections must be at least 200 connections, the sum of reserved instances × connections of each: 20 × 10 (Test/Backend/Handler/Function), got 100; lower Reserved, or put a DatabaseProxy in between",
			func(scope constructs.Construct) {
				vpc := plainIsolated(scope)
				cluster := plainCluster(scope, vpc)
				fn := plainFunction(scope, func(p *awslambda.FunctionProps) {
					p.Vpc, p.VpcSubnets = vpc, &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
				})
				cluster.Connections().AllowDefaultPortFrom(fn, nil)
				cluster.GrantConnect(fn, jsii.String("app"))
			},
		},
	}
}

// TestDocumentedRules shows that each mistake of docs/rules.md fails with hearth.
func TestDocumentedRules(t *testing.T) {
	for _, rule := range documentedRules() {
		t.Run(rule.mistake, func(t *testing.T) {
			stack := setup(t)
			if got := refusal(t, func() { rule.hearth(stack) }); !strings.Contains(got, rule.says) {
				t.Errorf("got %q, want %q", got, rule.says)
			}
		})
	}
}

// TestPlainAccepts shows that the same mistakes synthesize in plain CDK, with its own
// validation on. It runs them in one stack, in a process with validation.
func TestPlainAccepts(t *testing.T) {
	if os.Getenv(validation) == "true" {
		stack := setup(t)
		for _, rule := range documentedRules() {
			rule.plain(constructs.NewConstruct(stack, jsii.String(strings.ReplaceAll(rule.mistake, " ", ""))))
		}
		template(stack)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPlainAccepts$")
	cmd.Env = append(os.Environ(), validation+"=true")
	if output, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(output), "CloudFormation Validate") {
		t.Errorf("%v\n%s", err, output)
	}
}

const rulesIntro = `# The rules

All mistakes that Hearth finds before a deployment, in one table.

Those found by **synth** are refused by the constructs, with the message in the last
column. Each deploys in plain CDK, or fails minutes later in the middle of a deployment.
Plain CDK (2.270 to 2.276, with its recommended feature flags and its validation on)
synthesizes every one of them. Both halves of each row are tests: ` + "`TestDocumentedRules` and `TestPlainAccepts`" + `
in ` + "`constructs/rules_doc_test.go`" + `, which also writes this page. For stacks that are
written by hand, the aspect ` + "`hearth.NewChecks()`" + ` has the rules about concurrency and
queues.

Those found by **check** are rules over synthesized templates, of apps in any language; see
[checks.md](checks.md). The last column has the severity and AWS's page, as of 2026-11.

A value that only CloudFormation resolves is not checked by either.

| Found by | The mistake | What is said |
|---|---|---|
`

// TestRulesPage keeps docs/rules.md in step with the tests and with package checks.
func TestRulesPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(rulesIntro)
	for _, rule := range documentedRules() {
		page.WriteString("| synth | " + rule.mistake + " | " + rule.says + " |\n")
	}
	for _, rule := range templatechecks.Rules() {
		page.WriteString("| check: `" + rule.ID + "` | " + rule.Fault + " | " + string(rule.Severity) + ", [AWS](" + rule.Page + ") |\n")
	}
	path := filepath.Join("..", "docs", "rules.md")
	if updating() {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("the page differs; run go test ./constructs -update (-want +got):\n%s", diff)
	}
}
