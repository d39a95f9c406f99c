package checks

import (
	"maps"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/internal/eventpattern"
)

const (
	mappingPage    = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
	sqsScalingPage = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"
	sqsMappingPage = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"

	minMappingConcurrency = 2
	maxMappingConcurrency = 1000

	// Read on 2026-11-26 in the SDK's description of ProvisionedPollerConfig.
	minQueuePollers        = 2
	maxQueueMinimumPollers = 200
	maxQueuePollers        = 10_000

	defaultBatch           = 10
	maxBatchWithoutWindow  = 10
	maxStandardBatch       = 10_000
	maxFIFOBatch           = 10
	maxWindowSeconds       = 300
	defaultFunctionTimeout = 3
	visibilityFactor       = 6
)

var mappingRules = []Rule{
	{
		ID: "mapping-concurrency", Severity: Error, Page: sqsScalingPage,
		Fault: "A queue's MaximumConcurrency that Lambda does not accept, or that is above the function's reserved concurrency; SQS moves throttled messages to the dead-letter queue.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			v := r.get("ScalingConfig", "MaximumConcurrency")
			between(v, "ScalingConfig.MaximumConcurrency", minMappingConcurrency, maxMappingConcurrency, " invocations", report)
			t, ok := r.get("FunctionName").target()
			if !ok {
				return
			}
			reserved, known := t.function.get("ReservedConcurrentExecutions").number()
			if most, ok := v.number(); ok && known && reserved > 0 && most > reserved {
				report("ScalingConfig.MaximumConcurrency must be at most the reserved concurrency of %s (%s instances), got %s; lower it or reserve more", t.function.id, scalar(reserved), scalar(most))
			}
		},
	},
	{
		ID: "mapping-concurrency-sum", Severity: Warning, Page: sqsScalingPage,
		Fault: "Queues of one function that together may run more invocations than its reserved concurrency; Lambda throttles them under load.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			reserved, known := r.get("ReservedConcurrentExecutions").number()
			if !known || reserved <= 0 {
				return
			}
			sum, mappings := 0.0, 0
			for _, m := range r.stack.app.ofType(typeMapping) {
				t, ok := m.get("FunctionName").target()
				most, bounded := m.get("ScalingConfig", "MaximumConcurrency").number()
				if ok && t.function == r && bounded && !m.conditional && most <= reserved {
					sum += most
					mappings++
				}
			}
			if mappings > 1 && sum > reserved {
				report("ReservedConcurrentExecutions must be at least %s instances, the sum of MaximumConcurrency of its %d mappings, got %s; raise it or lower a MaximumConcurrency", scalar(sum), mappings, scalar(reserved))
			}
		},
	},
	{
		ID: "mapping-pollers", Severity: Error, Page: mappingPage,
		Fault: "A mapping with both ScalingConfig and ProvisionedPollerConfig, or with a number of pollers that Lambda does not accept; Lambda refuses the mapping.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			pollers := r.get("ProvisionedPollerConfig")
			if _, known := r.get("ScalingConfig", "MaximumConcurrency").number(); known && pollers.has() && !pollers.unknown() {
				report("ScalingConfig must be unset with ProvisionedPollerConfig, got both; remove one of them")
			}
			least, ok1 := pollers.get("MinimumPollers").number()
			most, ok2 := pollers.get("MaximumPollers").number()
			if r.get("EventSourceArn").queue() != nil {
				between(pollers.get("MinimumPollers"), "ProvisionedPollerConfig.MinimumPollers", minQueuePollers, maxQueueMinimumPollers, " pollers", report)
				between(pollers.get("MaximumPollers"), "ProvisionedPollerConfig.MaximumPollers", minQueuePollers, maxQueuePollers, " pollers", report)
			}
			if ok1 && ok2 && least > most {
				report("ProvisionedPollerConfig.MinimumPollers must be at most MaximumPollers (%s), got %s; lower it", scalar(most), scalar(least))
			}
		},
	},
	{
		ID: "mapping-batch", Severity: Error, Page: sqsMappingPage,
		Fault: "A batch size or window that Lambda does not accept for this kind of queue; Lambda refuses the mapping.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			window, windowKnown := r.get("MaximumBatchingWindowInSeconds").numberOr(0)
			between(r.get("MaximumBatchingWindowInSeconds"), "MaximumBatchingWindowInSeconds", 0, maxWindowSeconds, " seconds", report)
			q := r.get("EventSourceArn").queue()
			if q == nil || q.get("FifoQueue").unknown() {
				return
			}
			batch, known := r.get("BatchSize").numberOr(defaultBatch)
			switch fifo := q.get("FifoQueue").is(); {
			case fifo && windowKnown && window > 0:
				report("MaximumBatchingWindowInSeconds must be unset for FIFO queue %s, got %s; remove it", q.id, scalar(window))
			case fifo && known && batch > maxFIFOBatch:
				report("BatchSize must be at most %d for FIFO queue %s, got %s; lower it", maxFIFOBatch, q.id, scalar(batch))
			case !fifo && known && batch > maxStandardBatch:
				report("BatchSize must be at most %d, got %s; lower it", maxStandardBatch, scalar(batch))
			case !fifo && known && windowKnown && batch > maxBatchWithoutWindow && window < 1:
				report("MaximumBatchingWindowInSeconds must be at least 1 second for a BatchSize above %d, got %s for %s; set it or lower BatchSize", maxBatchWithoutWindow, scalar(window), scalar(batch))
			}
			if known && batch < 1 {
				report("BatchSize must be at least 1, got %s; raise it", scalar(batch))
			}
		},
	},
	{
		ID: "mapping-source", Severity: Error, Page: mappingPage,
		Fault: "A setting for streams on a queue's mapping, or for queues on a stream's mapping; Lambda refuses it.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			source := r.get("EventSourceArn")
			kind, settings := "a queue", streamSettings
			if source.resource(typeTable, typeStream) != nil {
				kind, settings = "a stream", queueSettings
			} else if source.queue() == nil {
				return
			}
			for _, name := range slices.Sorted(maps.Keys(settings)) {
				// Lambda may accept a value that means the same as none.
				if v := r.get(name); v.has() && !v.unknown() && v.text() != settings[name] && !strings.Contains(v.text(), tokenStart) || len(v.keys()) > 0 {
					report("%s must be unset for %s, got a value; remove it", name, kind)
				}
			}
		},
	},
	{
		ID: "mapping-filter", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html",
		Fault: "A filter whose pattern is not an event pattern; Lambda refuses the mapping.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			filters, _ := r.get("FilterCriteria", "Filters").list()
			for i, f := range filters {
				text, known := f.get("Pattern").literal()
				if !known {
					continue
				}
				pattern, err := eventpattern.Decode([]byte(text))
				fields, object := pattern.(map[string]any)
				if err != nil || !object {
					report("FilterCriteria.Filters[%d].Pattern must be a JSON object such as {\"body\": {\"kind\": [\"order\"]}}, got %q; correct it", i, text)
				} else if _, err := eventpattern.Object("Pattern", fields); err != nil && len(fields) > 0 {
					report("FilterCriteria.Filters[%d].Pattern must be an event pattern, got %q (%v); correct it", i, text, err)
				}
			}
		},
	},
	{
		ID: "mapping-visibility", Severity: Error, Page: sqsMappingPage,
		Fault: "A visibility timeout below the function's timeout, also through an alias; Lambda refuses the mapping.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			if q, f, visibility, timeout := visibilityOf(r); q != nil && visibility < timeout {
				report("EventSourceArn must be a queue whose VisibilityTimeout is at least the timeout of %s (%s seconds), got %s for %s; raise VisibilityTimeout of %s to %s",
					f.id, scalar(timeout), scalar(visibility), q.id, q.id, scalar(visibilityFactor*timeout))
			}
		},
	},
	{
		ID: "mapping-visibility-retries", Severity: Warning, Page: sqsMappingPage,
		Fault: "A visibility timeout below six times the function's timeout plus the window; SQS delivers a throttled batch again while Lambda still retries it.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			q, f, visibility, timeout := visibilityOf(r)
			window, known := r.get("MaximumBatchingWindowInSeconds").numberOr(0)
			if bound := visibilityFactor*timeout + window; q != nil && known && visibility >= timeout && visibility < bound {
				report("VisibilityTimeout of %s must be at least %d times the timeout of %s plus the window (%d × %s + %s = %s seconds), got %s; raise it",
					q.id, visibilityFactor, f.id, visibilityFactor, scalar(timeout), scalar(window), scalar(bound), scalar(visibility))
			}
		},
	},
	{
		ID: "mapping-role", Severity: Error, Page: sqsMappingPage,
		Fault: "A function whose role may not receive from the queue, or read the stream; Lambda refuses the mapping.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			q := r.get("EventSourceArn").queue()
			t, ok := r.get("FunctionName").target()
			if source := r.get("EventSourceArn").resource(typeTable, typeStream); source != nil && ok {
				role := t.function.get("Role").resource(typeRole)
				arn := tokenOf(source, map[string]string{typeTable: "StreamArn", typeStream: "Arn"}[source.kind])
				if missing := role.lacks(streamActions[source.kind], arn, value{r.stack, unknown{}}); len(missing) > 0 {
					report("the role %s of function %s must be allowed %s on the stream of %s, got no statement that allows it, or one that denies it; change the policies of the role", role.id, t.function.id, list(missing), source.id)
				}
			}
			if q == nil || !ok {
				return
			}
			if q.policyDenies("sqs:ReceiveMessage", "*") {
				report("EventSourceArn must be a queue that the function may receive from, got %s, whose policy denies sqs:ReceiveMessage to everybody; remove that statement", q.id)
				return
			}
			if q.policyAllows("sqs:ReceiveMessage", "") {
				return
			}
			role := t.function.get("Role").resource(typeRole)
			if missing := role.lacks(receiveActions, tokenOf(q, "Arn"), q.get("QueueName")); len(missing) > 0 {
				report("the role %s of function %s must be allowed %s on queue %s, got no statement that allows it, or one that denies it; change the policies of the role", role.id, t.function.id, list(missing), q.id)
			}
		},
	},
	{
		ID: "mapping-shared", Severity: Warning, Page: sqsMappingPage,
		Fault: "Mappings of one queue to several functions; each message reaches only one of them, and the filter of one mapping deletes messages of the other.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			q := r.get("EventSourceArn").queue()
			t, ok := r.get("FunctionName").target()
			if q == nil || !ok || !r.enabled() {
				return
			}
			for _, other := range r.earlier() {
				if of, ok := other.get("FunctionName").target(); ok && of.function != t.function && other.get("EventSourceArn").queue() == q && other.enabled() {
					report("EventSourceArn must be a queue of one function, got %s, which %s maps to function %s; give each function a queue, or fan out with a topic", q.id, other.id, of.function.id)
					return
				}
			}
		},
	},
	{
		ID: "mapping-duplicate", Severity: Error, Page: mappingPage,
		Fault: "Two mappings of one queue to one function or alias; Lambda refuses the second.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			q := r.get("EventSourceArn").queue()
			t, ok := r.get("FunctionName").target()
			if q == nil || !ok {
				return
			}
			for _, other := range r.earlier() {
				if same, ok := other.get("FunctionName").target(); ok && same == t && other.get("EventSourceArn").queue() == q {
					report("EventSourceArn must be a queue without another mapping to the function, got %s, which %s maps too; remove one of them", q.id, other.id)
				}
			}
		},
	},
}

// enabled reports whether a mapping certainly exists and receives.
func (r *resource) enabled() bool {
	enabled := r.get("Enabled")
	return !r.conditional && (enabled.absent() || enabled.is())
}

// streamSettings are the settings of mappings that only streams have, with the value that
// means the same as none. The description of a setting in CreateEventSourceMapping names
// its sources. queueSettings are the settings that only queues have.
var (
	streamSettings = map[string]string{
		"BisectBatchOnFunctionError": "false", "DestinationConfig": "", "MaximumRecordAgeInSeconds": "-1", "MaximumRetryAttempts": "-1",
		"ParallelizationFactor": "1", "StartingPosition": "", "StartingPositionTimestamp": "", "TumblingWindowInSeconds": "0",
	}
	queueSettings = map[string]string{"ProvisionedPollerConfig": "", "ScalingConfig": ""}
)

// visibilityOf returns the queue and the function of a mapping, with their timeouts in
// seconds. The queue is nil if anything is unknown.
func visibilityOf(r *resource) (q, f *resource, visibility, timeout float64) {
	t, ok := r.get("FunctionName").target()
	if q = r.get("EventSourceArn").queue(); q == nil || !ok {
		return nil, nil, 0, 0
	}
	timeout, ok1 := t.function.get("Timeout").numberOr(defaultFunctionTimeout)
	visibility, ok2 := q.get("VisibilityTimeout").numberOr(defaultVisibilitySeconds)
	if !ok1 || !ok2 {
		return nil, nil, 0, 0
	}
	return q, t.function, visibility, timeout
}
