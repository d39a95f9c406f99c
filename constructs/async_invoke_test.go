package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// TestAsyncDestinations shows which destinations get the records of asynchronous events.
func TestAsyncDestinations(t *testing.T) {
	id := jsii.String("To")
	queue := func(in awscdk.Stack, fifo bool) awslambda.IDestination {
		return awslambdadestinations.NewSqsDestination(awssqs.NewQueue(in, id, &awssqs.QueueProps{Fifo: &fifo}))
	}
	topic := func(in awscdk.Stack, fifo bool) awslambda.IDestination {
		return awslambdadestinations.NewSnsDestination(awssns.NewTopic(in, id, &awssns.TopicProps{Fifo: &fifo}))
	}
	other := func(stack awscdk.Stack) awscdk.Stack {
		return awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"), nil)
	}
	for name, c := range map[string]struct {
		destination func(stack awscdk.Stack) awslambda.IDestination
		accepted    bool
	}{
		"queue":               {func(s awscdk.Stack) awslambda.IDestination { return queue(s, false) }, true},
		"FIFO queue":          {func(s awscdk.Stack) awslambda.IDestination { return queue(s, true) }, false},
		"another stack":       {func(s awscdk.Stack) awslambda.IDestination { return queue(other(s), false) }, true},
		"FIFO, another stack": {func(s awscdk.Stack) awslambda.IDestination { return queue(other(s), true) }, false},
		"topic":               {func(s awscdk.Stack) awslambda.IDestination { return topic(s, false) }, true},
		"FIFO topic":          {func(s awscdk.Stack) awslambda.IDestination { return topic(s, true) }, false},
		"imported": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewSqsDestination(awssqs.Queue_FromQueueArn(s, id, jsii.String("arn:aws:sqs:eu-north-1:123456789012:lost")))
		}, true},
		"imported FIFO": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewSqsDestination(awssqs.Queue_FromQueueArn(s, id, jsii.String("arn:aws:sqs:eu-north-1:123456789012:lost.fifo")))
		}, false},
		"bus": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewEventBridgeDestination(awsevents.NewEventBus(s, id, nil))
		}, true},
		"bucket": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewS3Destination(awss3.NewBucket(s, id, nil))
		}, true},
		"function": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewLambdaDestination(existingFunction(s), nil)
		}, true},
		"response": {func(s awscdk.Stack) awslambda.IDestination {
			return awslambdadestinations.NewLambdaDestination(existingFunction(s), &awslambdadestinations.LambdaDestinationOptions{ResponseOnly: jsii.Bool(true)})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			props := silent(nil)
			props.AsyncInvoke = &awslambda.EventInvokeConfigOptions{OnFailure: c.destination(stack)}
			create := func() { NewHandler(stack, jsii.String("It"), props) }
			if c.accepted {
				create()
				template(stack).ResourceCountIs(jsii.String("AWS::Lambda::EventInvokeConfig"), jsii.Number(1))
				return
			}
			if got, want := refusal(t, create), "HandlerProps.AsyncInvoke.OnFailure must be a standard queue or topic, got a FIFO one, to which Lambda cannot send; choose another"; !strings.HasSuffix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
