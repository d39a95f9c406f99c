package hearth

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// TestWholeBatches shows which of the plain CDK's event sources get a warning, once each.
func TestWholeBatches(t *testing.T) {
	const (
		untold = "the program of the Handler is not told that this event source takes partial responses, .*"
		lacks  = "FunctionResponseTypes must have ReportBatchItemFailures, got none, so one failed job .*; pass the queue to NewQueue as QueueProps.Queue, .*"
		plain  = "FunctionResponseTypes should have ReportBatchItemFailures, got none: .*; set ReportBatchItemFailures of the event source, and return the failures"
	)
	reports := &awslambdaeventsources.SqsEventSourceProps{ReportBatchItemFailures: jsii.Bool(true)}
	for name, c := range map[string]struct {
		build func(stack awscdk.Stack, queue awssqs.IQueue, handler *Handler, other awslambda.IFunction)
		want  string
	}{
		"a Queue": {func(stack awscdk.Stack, queue awssqs.IQueue, h *Handler, _ awslambda.IFunction) {
			NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, Queue: queue})
		}, ""},
		"a Queue with a plain function": {func(stack awscdk.Stack, queue awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: fn, Queue: queue})
		}, ""},
		"a Handler": {func(_ awscdk.Stack, queue awssqs.IQueue, h *Handler, _ awslambda.IFunction) {
			h.Alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, nil))
		}, lacks},
		"a Handler with partial responses": {func(_ awscdk.Stack, queue awssqs.IQueue, h *Handler, _ awslambda.IFunction) {
			h.Alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, reports))
		}, untold},
		"a function": {func(_ awscdk.Stack, queue awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			fn.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, nil))
		}, plain},
		"a function with partial responses": {func(_ awscdk.Stack, queue awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			fn.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, reports))
		}, ""},
		"a token": {func(stack awscdk.Stack, queue awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			mapping := awslambda.NewCfnEventSourceMapping(stack, jsii.String("Mapping"), &awslambda.CfnEventSourceMappingProps{
				EventSourceArn: queue.QueueArn(), FunctionName: fn.FunctionArn(),
			})
			mapping.SetFunctionResponseTypes(awscdk.Token_AsList(map[string]any{"Ref": "AWS::NoValue"}, nil))
		}, ""},
		"a queue of another stack": {func(stack awscdk.Stack, _ awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			queue := awssqs.Queue_FromQueueArn(stack, jsii.String("Other"), jsii.String("arn:aws:sqs:eu-north-1:123456789012:other"))
			fn.AddEventSource(awslambdaeventsources.NewSqsEventSource(queue, nil))
		}, plain},
		"a stream": {func(stack awscdk.Stack, _ awssqs.IQueue, _ *Handler, fn awslambda.IFunction) {
			table := awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
				PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("PK"), Type: awsdynamodb.AttributeType_STRING}, Stream: awsdynamodb.StreamViewType_KEYS_ONLY,
			})
			fn.AddEventSource(awslambdaeventsources.NewDynamoEventSource(table, &awslambdaeventsources.DynamoEventSourceProps{StartingPosition: awslambda.StartingPosition_LATEST}))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			queue := awssqs.NewQueue(stack, jsii.String("Queue"), &awssqs.QueueProps{VisibilityTimeout: seconds(360)})
			c.build(stack, queue, NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Manifest: jsii.Bool(false)}), plainFunction(stack, nil))
			awscdk.Aspects_Of(stack).Add(NewChecks(), &awscdk.AspectOptions{Priority: awscdk.AspectPriority_READONLY()})
			annotations := assertions.Annotations_FromStack(stack)
			got := *annotations.FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(jsii.String(".*(ReportBatchItemFailures|partial responses).*")))
			if want := min(1, len(c.want)); len(got) != want {
				t.Fatalf("got %d warnings, want %d: %v", len(got), want, got)
			}
			if c.want != "" {
				annotations.HasWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(jsii.String(c.want)))
			}
		})
	}
}
