package hearth

import (
	"regexp"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

// sourcePath is the id that the CDK gives an event source.
var sourcePath = regexp.MustCompile(`Test/Alias/SqsEventSource[^)]*/Resource`)

// byHand is a stack in plain CDK, to check.
type byHand struct {
	reserved, warm, warmest, sources, retention, dead, visibility, receives *float64
	fifo, latest, weights, request, deadFifo, onVersion                     bool
}

func (b byHand) build(t *testing.T) awscdk.Stack {
	context := flags(t)
	// With this flag synth fails, but the tests read the annotations.
	context["@aws-cdk/core:annotationsInValidationReport"] = false
	stack := setupWith(t, context)
	fn := awslambda.NewFunction(stack, jsii.String("Fn"), &awslambda.FunctionProps{
		Code:                         awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
		Handler:                      jsii.String("index.handler"),
		ReservedConcurrentExecutions: b.reserved,
		Runtime:                      awslambda.Runtime_NODEJS_22_X(),
		Timeout:                      seconds(10),
	})
	version := awslambda.IVersion(fn.CurrentVersion())
	if b.latest {
		version = fn.LatestVersion()
	}
	alias := awslambda.NewAlias(stack, jsii.String("Alias"), &awslambda.AliasProps{AliasName: jsii.String("live"), Version: version, ProvisionedConcurrentExecutions: b.warm})
	if b.weights {
		alias.Node().DefaultChild().(awslambda.CfnAlias).SetRoutingConfig(&awslambda.CfnAlias_AliasRoutingConfigurationProperty{
			AdditionalVersionWeights: &[]any{&awslambda.CfnAlias_VersionWeightProperty{FunctionVersion: jsii.String("1"), FunctionWeight: jsii.Number(0.1)}},
		})
	}
	if b.warmest != nil {
		alias.AddAutoScaling(&awslambda.AutoScalingOptions{MaxCapacity: jsii.Number(1)}).ScaleOnSchedule(jsii.String("Day"), &awsapplicationautoscaling.ScalingSchedule{
			Schedule: awsapplicationautoscaling.Schedule_Cron(&awsapplicationautoscaling.CronOptions{Hour: jsii.String("8")}), MinCapacity: b.warmest,
		})
	}
	if b.onVersion {
		awslambda.NewCfnVersion(stack, jsii.String("Version"), &awslambda.CfnVersionProps{
			FunctionName: fn.FunctionName(), ProvisionedConcurrencyConfig: &awslambda.CfnVersion_ProvisionedConcurrencyConfigurationProperty{ProvisionedConcurrentExecutions: jsii.Number(1)},
		})
	}
	var fifo, deadFifo *bool
	if b.fifo {
		fifo = jsii.Bool(true)
	}
	if b.deadFifo {
		deadFifo = jsii.Bool(true)
	}
	lasts := func(n *float64) awscdk.Duration {
		if n == nil {
			return nil
		}
		return awscdk.Duration_Seconds(n)
	}
	if b.receives == nil {
		b.receives = jsii.Number(5)
	}
	if b.visibility == nil {
		b.visibility = jsii.Number(60)
	}
	queue := awssqs.NewQueue(stack, jsii.String("Queue"), &awssqs.QueueProps{
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			MaxReceiveCount: b.receives,
			Queue:           awssqs.NewQueue(stack, jsii.String("Dead"), &awssqs.QueueProps{Fifo: deadFifo, RetentionPeriod: lasts(b.dead)}),
		},
		Fifo: fifo, RetentionPeriod: lasts(b.retention), VisibilityTimeout: lasts(b.visibility),
	})
	alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, &awslambdaeventsources.SqsEventSourceProps{MaxConcurrency: b.sources}))
	if b.request {
		awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
			DefaultIntegration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), alias, nil),
		})
	}
	awscdk.Aspects_Of(stack).Add(NewChecks(), &awscdk.AspectOptions{Priority: awscdk.AspectPriority_READONLY()})
	return stack
}

func TestChecks(t *testing.T) {
	n := func(v float64) *float64 { return jsii.Number(v) }
	token := awscdk.Token_AsNumber(map[string]any{"Ref": "AWS::NoValue"})
	for name, c := range map[string]struct {
		stack byHand
		want  []string
	}{
		"sound":                    {byHand{reserved: n(11), warm: n(5), sources: n(10), request: true}, nil},
		"tokens":                   {byHand{reserved: token, warm: token, sources: n(10)}, nil},
		"sources below":            {byHand{reserved: n(10), sources: n(10)}, nil},
		"sources and requests":     {byHand{reserved: n(10), sources: n(10), request: true}, []string{"hearth: ReservedConcurrentExecutions must be at least 11 instances, the sum of the queues' MaxConcurrency: 10 (SOURCE) and 1 for requests, got 10; raise it or lower a MaxConcurrency"}},
		"sources above":            {byHand{reserved: n(9), sources: n(10)}, []string{"hearth: ReservedConcurrentExecutions must be at least 10 instances, the sum of the queues' MaxConcurrency: 10 (SOURCE), got 9; raise it or lower a MaxConcurrency"}},
		"warm at":                  {byHand{reserved: n(5), warm: n(5), sources: n(2)}, nil},
		"warm above":               {byHand{reserved: n(5), warm: n(6), sources: n(2)}, []string{"hearth: the provisioned concurrency must be at most the reserved concurrency of the function (5 instances), got 6; raise the reserved or lower the provisioned number"}},
		"unknown warm on schedule": {byHand{reserved: n(5), warm: token, warmest: n(6), sources: n(2)}, []string{"hearth: the provisioned concurrency must be at most the reserved concurrency of the function (5 instances), got 6; raise the reserved or lower the provisioned number"}},
		"unknown warm at schedule": {byHand{reserved: n(5), warm: token, warmest: n(5), sources: n(2)}, nil},
		"warm on schedule":         {byHand{reserved: n(5), warm: n(1), warmest: n(6), sources: n(2)}, []string{"hearth: the provisioned concurrency must be at most the reserved concurrency of the function (5 instances), got 6; raise the reserved or lower the provisioned number"}},
		"latest":                   {byHand{warm: n(1), latest: true}, []string{"hearth: the alias must be of a published version to have provisioned concurrency, got $LATEST, which Lambda refuses; use the function's CurrentVersion"}},
		"latest without":           {byHand{latest: true}, nil},
		"weights":                  {byHand{warm: n(1), weights: true}, []string{"hearth: the alias Test/Alias/Resource must not have weights together with provisioned concurrency, which Lambda refuses; shift all traffic at once, or unset Provisioned during the shift"}},
		"weights without":          {byHand{weights: true}, nil},
		"version":                  {byHand{onVersion: true}, []string{"hearth: the provisioned concurrency must be on an alias, got it on a version, which the next deployment replaces with its warm instances; move it to an alias"}},
		"negative":                 {byHand{reserved: n(-1)}, []string{"hearth: ReservedConcurrentExecutions must be at least 0 instances, got -1; leave it unset to share the account's unreserved instances"}},
		"visibility below":         {byHand{visibility: n(59)}, []string{"hearth: SqsEventSource.VisibilityTimeout must be at least 6 times the function's timeout plus MaxBatchingWindow (6 × 10 + 0 = 60 seconds), got 59; raise it or leave it unset"}},
		"retention of dead below":  {byHand{retention: n(600), dead: n(599)}, []string{"hearth: DeadLetterQueue.RetentionPeriod must be at least RetentionPeriod (600 seconds), got 599; its clock starts when the message is first sent, so less deletes failed messages at once"}},
		"retention of dead at":     {byHand{retention: n(600), dead: n(600)}, nil},
		"retention by default":     {byHand{retention: n(345601)}, []string{"hearth: DeadLetterQueue.RetentionPeriod must be at least RetentionPeriod (345601 seconds), got 345600; its clock starts when the message is first sent, so less deletes failed messages at once"}},
		"dead of another kind":     {byHand{fifo: true}, []string{"hearth: DeadLetterQueue.Fifo must be true, as the queue is a FIFO queue; use a dead-letter queue of the same kind"}},
		"dead of the same kind":    {byHand{fifo: true, deadFifo: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			errors := assertions.Annotations_FromStack(c.stack.build(t)).FindError(jsii.String("*"), assertions.Match_AnyValue())
			for _, e := range *errors {
				got = append(got, sourcePath.ReplaceAllString(e.Entry.Data.(string), "SOURCE"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestChecksWarn shows the warnings, about mistakes that may be intended.
func TestChecksWarn(t *testing.T) {
	stack := byHand{reserved: jsii.Number(5), receives: jsii.Number(1)}.build(t)
	annotations := assertions.Annotations_FromStack(stack)
	annotations.HasWarning(jsii.String("/Test/Queue/Resource"), assertions.Match_StringLikeRegexp(jsii.String("MaxReceiveCount is 1; throttled invocations count")))
	annotations.HasWarning(jsii.String("/Test/Fn/Resource"), assertions.Match_StringLikeRegexp(jsii.String("can keep all 5 reserved instances busy")))
}

// TestChecksAcceptHearth shows that the checks find nothing in a backend.
func TestChecksAcceptHearth(t *testing.T) {
	stack := setup(t)
	newFullBackend(stack)
	newSeparateBackend(awscdk.NewStack(stack, jsii.String("Inner"), nil))
	awscdk.Aspects_Of(stack).Add(NewChecks(), &awscdk.AspectOptions{Priority: awscdk.AspectPriority_READONLY()})
	assertions.Annotations_FromStack(stack).HasNoError(jsii.String("*"), assertions.Match_AnyValue())
}

// TestChecksWholeStack shows that the aliases of a function count together, and that
// nested stacks are checked too.
func TestChecksWholeStack(t *testing.T) {
	build := func(reserved float64) awscdk.Stack {
		context := flags(t)
		context["@aws-cdk/core:annotationsInValidationReport"] = false
		stack := setupWith(t, context)
		nested := awscdk.NewNestedStack(stack, jsii.String("Nested"), nil)
		for _, scope := range []awscdk.Stack{stack, nested} {
			fn := plainFunction(scope, reserve(reserved))
			for _, name := range []string{"blue", "green"} {
				fn.AddAlias(&name, &awslambda.AliasOptions{ProvisionedConcurrentExecutions: jsii.Number(3)})
			}
		}
		awscdk.Aspects_Of(stack).Add(NewChecks(), nil)
		return stack
	}
	assertions.Annotations_FromStack(build(6)).HasNoError(jsii.String("*"), assertions.Match_AnyValue())
	annotations := assertions.Annotations_FromStack(build(5))
	for _, path := range []string{"Test", "Test/Nested"} {
		annotations.HasError(jsii.String("/"+path+"/Fn/Resource"), jsii.String("hearth: the provisioned concurrency of all aliases must be at most the reserved concurrency of the function (5 instances), got 6, the sum of 3 ("+path+"/Fn/Aliasblue/Resource) + 3 ("+path+"/Fn/Aliasgreen/Resource); raise the reserved or lower a provisioned number"))
	}
}
