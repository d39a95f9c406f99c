package hearth

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// reportBatchItemFailures is the response type with which Lambda deletes the messages of
// a batch that succeeded and SQS delivers the others again. Without it, the default of
// CloudFormation and of the CDK, a batch succeeds or fails as a whole.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
const reportBatchItemFailures = "ReportBatchItemFailures"

// takesPartialResponses reads the properties of an event source mapping. It assumes that
// a token is a list with the response type.
func takesPartialResponses(mapping map[string]any) bool {
	switch types := mapping["FunctionResponseTypes"].(type) {
	case nil:
		return false
	case []any:
		return slices.Contains(types, any(reportBatchItemFailures))
	}
	return true
}

// ofSomeQueue reports whether an event source mapping is for SQS, even if the queue is in
// another stack: other sources have properties that SQS does not have.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html (2026-11)
func ofSomeQueue(mapping map[string]any) bool {
	for _, other := range []string{"StartingPosition", "Queues", "Topics", "DocumentDBEventSourceConfig", "SelfManagedEventSource"} {
		if mapping[other] != nil {
			return false
		}
	}
	return mapping["EventSourceArn"] != nil
}

// wholeBatches returns the warning about the mapping of a queue whose batches fail or
// succeed as a whole, or "". toHandler says that the mapping invokes a [Handler], made
// that a [Queue] made it.
func wholeBatches(mapping map[string]any, toHandler, made bool) string {
	switch {
	case made || !ofSomeQueue(mapping):
		return ""
	case toHandler && takesPartialResponses(mapping):
		return "the program of the Handler is not told that this event source takes partial responses, so one failed job brings back all messages of its batch; pass the queue to NewQueue as QueueProps.Queue, with the Handler's Alias"
	case toHandler:
		return "FunctionResponseTypes must have ReportBatchItemFailures, got none, so one failed job brings back all messages of its batch; pass the queue to NewQueue as QueueProps.Queue, with the Handler's Alias"
	case !takesPartialResponses(mapping):
		return "FunctionResponseTypes should have ReportBatchItemFailures, got none: one failed message brings back its whole batch, and Lambda deletes the messages that a handler names as failed; set ReportBatchItemFailures of the event source, and return the failures"
	}
	return ""
}

// warnOfWholeBatches checks the event source mappings that other code has made for the
// function, in its stack.
func (h *Handler) warnOfWholeBatches(stack awscdk.Stack) {
	if h.warnedOfBatches {
		return
	}
	h.warnedOfBatches = true // a second synth would repeat the warning
	n := newInventory(stack)
	ids := n.functionIDs(h.resource)
	for _, mapping := range n.mappings {
		if properties := n.properties(mapping); refersTo(properties["FunctionName"], ids) {
			if message := wholeBatches(properties, true, h.app.ofQueue(mapping)); message != "" {
				warn(mapping, "wholeBatches", message)
			}
		}
	}
}

// toHandler reports whether a mapping invokes a [Handler] of the same stack.
func (n *inventory) toHandler(mapping awscdk.CfnResource) bool {
	stack := n.app.stackOf(n.stack)
	for _, h := range n.app.handlers {
		if n.app.stackOf(h) == stack && refersTo(n.properties(mapping)["FunctionName"], n.functionIDs(h.resource)) {
			return true
		}
	}
	return false
}
