package checks

import (
	"regexp"
	"strings"
)

const (
	typeQueue = "AWS::SQS::Queue"

	queueQuotas    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"
	deadLetterPage = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
	fifoPage       = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html"

	defaultVisibilitySeconds = 30
	maxVisibilitySeconds     = 43_200
	minRetentionSeconds      = 60
	defaultRetentionSeconds  = 345_600
	maxRetentionSeconds      = 1_209_600
	maxDelaySeconds          = 900
	maxReceiveWaitSeconds    = 20
	minMessageBytes          = 1024
	maxMessageBytes          = 1_048_576
	maxReceiveCount          = 1000
	maxRedriveSources        = 10
	maxQueueNameLetters      = 80
)

// deadLetterQueue returns the dead-letter queue of a queue, or nil.
func (r *resource) deadLetterQueue() *resource {
	return r.get("RedrivePolicy", "deadLetterTargetArn").queue()
}

var queueRules = []Rule{
	{
		ID: "queue-range", Severity: Error, Page: queueQuotas,
		Fault: "A timeout, delay, retention or size outside of SQS's range; SQS refuses the queue.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			between(r.get("VisibilityTimeout"), "VisibilityTimeout", 0, maxVisibilitySeconds, " seconds", report)
			between(r.get("MessageRetentionPeriod"), "MessageRetentionPeriod", minRetentionSeconds, maxRetentionSeconds, " seconds", report)
			between(r.get("DelaySeconds"), "DelaySeconds", 0, maxDelaySeconds, " seconds", report)
			between(r.get("ReceiveMessageWaitTimeSeconds"), "ReceiveMessageWaitTimeSeconds", 0, maxReceiveWaitSeconds, " seconds", report)
			between(r.get("MaximumMessageSize"), "MaximumMessageSize", minMessageBytes, maxMessageBytes, " bytes", report)
		},
	},
	{
		ID: "queue-receive-count", Severity: Error, Page: queueQuotas,
		Fault: "A maxReceiveCount outside of SQS's range; SQS refuses the queue.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			between(r.get("RedrivePolicy", "maxReceiveCount"), "RedrivePolicy.maxReceiveCount", 1, maxReceiveCount, " receives", report)
		},
	},
	{
		ID: "queue-redrive", Severity: Error, Page: deadLetterPage,
		Fault: "An incomplete RedrivePolicy or RedriveAllowPolicy, such as one without maxReceiveCount; SQS refuses the queue.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			for _, name := range []string{"deadLetterTargetArn", "maxReceiveCount"} {
				if policy := r.get("RedrivePolicy"); len(policy.keys()) > 0 && policy.get(name).absent() {
					report("RedrivePolicy.%s must be set, got none; set it", name)
				}
			}
			policy := r.get("RedriveAllowPolicy")
			sources, known := policy.get("sourceQueueArns").list()
			switch permission := policy.get("redrivePermission").text(); {
			case !known || len(policy.keys()) == 0:
			case permission == "":
				report("RedriveAllowPolicy.redrivePermission must be allowAll, denyAll or byQueue, got none; set it")
			case permission == "byQueue" && (len(sources) == 0 || len(sources) > maxRedriveSources):
				report("RedriveAllowPolicy.sourceQueueArns must have from 1 to %d queues with byQueue, got %d; change the list", maxRedriveSources, len(sources))
			case (permission == "allowAll" || permission == "denyAll") && len(sources) > 0:
				report("RedriveAllowPolicy.sourceQueueArns must be unset with redrivePermission %s, got %d; remove them or set byQueue", permission, len(sources))
			}
		},
	},
	{
		ID: "queue-encryption", Severity: Error, Page: queueQuotas,
		Fault: "A queue with both a KMS key and SQS's own encryption; SQS refuses it.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			if key := r.get("KmsMasterKeyId"); r.get("SqsManagedSseEnabled").is() && key.has() && !key.unknown() {
				report("SqsManagedSseEnabled must be false with KmsMasterKeyId, got true; remove one of them")
			}
		},
	},
	{
		ID: "queue-dead-letter-retention", Severity: Error, Page: deadLetterPage,
		Fault: "A dead-letter queue with a shorter retention than its standard source; SQS counts from the first send, so it deletes failed messages early.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			dead := r.deadLetterQueue()
			if dead == nil || r.get("FifoQueue").is() || r.get("FifoQueue").unknown() {
				return
			}
			source, ok1 := r.get("MessageRetentionPeriod").numberOr(defaultRetentionSeconds)
			kept, ok2 := dead.get("MessageRetentionPeriod").numberOr(defaultRetentionSeconds)
			if ok1 && ok2 && kept < source {
				report("RedrivePolicy.deadLetterTargetArn must be a queue whose MessageRetentionPeriod is at least that of this queue (%s seconds), got %s for %s; raise MessageRetentionPeriod of %s",
					scalar(source), scalar(kept), dead.id, dead.id)
			}
		},
	},
	{
		ID: "queue-dead-letter-kind", Severity: Error, Page: deadLetterPage,
		Fault: "A standard dead-letter queue of a FIFO queue, or the other way round; SQS refuses it.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			dead := r.deadLetterQueue()
			if dead == nil || r.get("FifoQueue").unknown() || dead.get("FifoQueue").unknown() {
				return
			}
			if fifo := r.get("FifoQueue").is(); fifo != dead.get("FifoQueue").is() {
				report("RedrivePolicy.deadLetterTargetArn must be a %s queue like this queue, got %s, a %s queue; change one of them", kindOf(fifo), dead.id, kindOf(!fifo))
			}
		},
	},
	{
		ID: "queue-redrive-allowed", Severity: Error, Page: deadLetterPage,
		Fault: "A dead-letter queue whose RedriveAllowPolicy does not allow its source; SQS refuses the source.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			dead := r.deadLetterQueue()
			if dead == nil {
				return
			}
			switch permission := dead.get("RedriveAllowPolicy", "redrivePermission").text(); permission {
			case "denyAll":
				report("RedrivePolicy.deadLetterTargetArn must be a queue that allows this one as a source, got %s, whose RedriveAllowPolicy denies all; change that policy", dead.id)
			case "byQueue":
				sources, known := dead.get("RedriveAllowPolicy", "sourceQueueArns").list()
				for _, source := range sources {
					known = known && source.queue() != r && source.queue() != nil
				}
				if known {
					report("RedrivePolicy.deadLetterTargetArn must be a queue that allows this one as a source, got %s, whose RedriveAllowPolicy names other queues; add this one", dead.id)
				}
			}
		},
	},
	{
		ID: "queue-name", Severity: Error, Page: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html",
		Fault: "A queue name that is too long, has invalid characters, or whose .fifo ending does not match FifoQueue; SQS refuses the queue.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			name, known := r.get("QueueName").literal()
			if !known || r.get("FifoQueue").unknown() {
				return
			}
			base, suffixed := strings.CutSuffix(name, ".fifo")
			if fifo := r.get("FifoQueue").is(); fifo != suffixed {
				report("QueueName must end in .fifo for a FIFO queue and for no other, got %q with FifoQueue %t; change one of them", name, fifo)
			}
			if len(name) > maxQueueNameLetters || !queueName.MatchString(base) {
				report("QueueName must be at most %d letters, digits, - and _, got %q with %d characters; change it", maxQueueNameLetters, name, len(name))
			}
		},
	},
	{
		ID: "queue-fifo-settings", Severity: Error, Page: fifoPage,
		Fault: "A setting of FIFO queues on a standard queue, or a throughput limit per message group without deduplication per group; SQS refuses it.",
		types: []string{typeQueue},
		each: func(r *resource, report reporter) {
			if r.get("FifoQueue").unknown() {
				return
			}
			for _, name := range []string{"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"} {
				if v := r.get(name); !r.get("FifoQueue").is() && v.has() && !v.unknown() && v.text() != "false" {
					report("%s must be unset for a standard queue, got %q; remove it or set FifoQueue", name, v.text())
				}
			}
			scope, known := r.get("DeduplicationScope").literal()
			if r.get("FifoQueue").is() && r.get("FifoThroughputLimit").text() == "perMessageGroupId" && (r.get("DeduplicationScope").absent() || known && scope != "messageGroup") {
				report("DeduplicationScope must be messageGroup with FifoThroughputLimit perMessageGroupId, got %q; set it", scope)
			}
		},
	},
}

var queueName = regexp.MustCompile("^[A-Za-z0-9_-]+$")

func kindOf(fifo bool) string {
	if fifo {
		return "FIFO"
	}
	return "standard"
}
