package hearth

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
)

// configureAsyncInvoke sets how Lambda handles asynchronous events of the alias. It refuses
// FIFO queues and topics as destinations: Lambda cannot send to them, and the records would
// be lost.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (2026-11)
func (h *Handler) configureAsyncInvoke(r *rules) {
	if h.props.AsyncInvoke == nil {
		return
	}
	options := *h.props.AsyncInvoke
	failure, success := &destination{of: options.OnFailure}, &destination{of: options.OnSuccess}
	if options.OnFailure != nil {
		options.OnFailure = failure
	}
	if options.OnSuccess != nil {
		options.OnSuccess = success
	}
	h.Alias.ConfigureAsyncInvoke(&options)
	for _, to := range []struct {
		field string
		*destination
	}{{"OnFailure", failure}, {"OnSuccess", success}} {
		if isFifo(to.arn) {
			r.breaks("AsyncInvoke."+to.field, "must be a standard queue or topic, got a FIFO one, to which Lambda cannot send; choose another")
		}
	}
	refuse(h, r.broken)
}

// destination keeps the ARN that a destination gives to the CDK. The CDK calls it.
type destination struct {
	of  awslambda.IDestination
	arn *string
}

// Bind implements awslambda.IDestination.
func (d *destination) Bind(scope constructs.Construct, fn awslambda.IFunction, options *awslambda.DestinationOptions) *awslambda.DestinationConfig {
	config := d.of.Bind(scope, fn, options)
	d.arn = config.Destination
	return config
}

// isFifo reports whether an ARN is that of a FIFO queue or topic.
func isFifo(arn *string) bool {
	if text := textOf(arn); text.known || !text.set {
		return strings.HasSuffix(text.value, ".fifo")
	}
	reference, ok := awscdk.Tokenization_ReverseString(arn).FirstToken().(awscdk.Reference)
	if !ok {
		return false
	}
	switch target := reference.Target().(type) {
	case awssqs.CfnQueue:
		return target.FifoQueue() == true
	case awssns.CfnTopic:
		return target.FifoTopic() == true
	}
	return false
}
