package hearth

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
)

// queueValues are the values of a queue and its event source for the rules. They come from
// [QueueProps], or, in [NewChecks], from the properties of resources.
type queueValues struct {
	name     text
	physical text
	removal  awscdk.RemovalPolicy
	consumed bool
	existing bool
	// fifo is the kind of the queue, and wantFifo the value of the props.
	fifo           bool
	wantFifo       *bool
	contentDedup   bool
	highThroughput bool
	encrypted      bool
	enabled        bool
	batch          number
	window         number
	maxConcurrency number
	pollers        bool
	minPollers     number
	maxPollers     number
	filters        int
	nilFilter      bool
	noFilters      bool
	longestFilter  int
	// odd are the keys of a filter that has others than "pattern".
	odd             []string
	ownDead         bool
	deadFifo        bool
	deadDenies      bool // the given dead-letter queue admits no queue
	receives        number
	retention       number
	deadRetention   number
	givenRetention  number // of the given dead-letter queue
	delay           number
	visibility      number
	functionTimeout number
}

func (p *QueueProps) values() queueValues {
	v := queueValues{
		name:            textOf(p.Name),
		physical:        textOf(p.QueueName),
		removal:         p.RemovalPolicy,
		consumed:        p.Handler != nil,
		existing:        p.Queue != nil,
		fifo:            isTrue(p.Fifo),
		wantFifo:        p.Fifo,
		contentDedup:    p.ContentBasedDeduplication != nil,
		highThroughput:  p.HighThroughput != nil,
		encrypted:       p.EncryptionMasterKey != nil,
		enabled:         p.Enabled != nil,
		batch:           numberOf(p.BatchSize),
		window:          secondsOf(p.MaxBatchingWindow),
		maxConcurrency:  numberOf(p.MaxConcurrency),
		receives:        numberOf(p.MaxReceiveCount),
		retention:       secondsOf(p.RetentionPeriod),
		deadRetention:   secondsOf(p.DeadLetterRetention),
		delay:           secondsOf(p.DeliveryDelay),
		visibility:      secondsOf(p.VisibilityTimeout),
		functionTimeout: secondsOf(p.FunctionTimeout),
	}
	if v.existing {
		v.fifo = isTrue(p.Queue.Fifo())
	}
	if p.Pollers != nil {
		v.pollers, v.minPollers, v.maxPollers = true, numberOf(p.Pollers.Min), numberOf(p.Pollers.Max)
	}
	if p.Filters != nil {
		v.noFilters = len(*p.Filters) == 0
		v.filters, v.nilFilter = len(*p.Filters), slices.Contains(*p.Filters, nil)
		for _, filter := range *p.Filters {
			if filter != nil {
				if _, made := (*filter)["pattern"]; !made || len(*filter) != 1 {
					v.odd = sortedKeys(*filter)
				}
				pattern, _ := (*filter)["pattern"].(string)
				v.longestFilter = max(v.longestFilter, len(pattern))
			}
		}
	}
	if p.DeadLetterQueue != nil {
		v.ownDead, v.deadFifo = true, isTrue(p.DeadLetterQueue.Fifo())
		v.givenRetention, v.deadDenies = deadLettersOf(p.DeadLetterQueue)
	}
	return v
}

// deadLettersOf returns the retention of a dead-letter queue, and whether its redrive allow
// policy denies all queues. Those of an imported queue are unknown.
func deadLettersOf(queue awssqs.IQueue) (retention number, denies bool) {
	resource, created := queue.Node().DefaultChild().(awssqs.CfnQueue)
	if !created {
		return number{set: true}, false
	}
	properties := propertiesOf(resource)
	allow, _ := properties["RedriveAllowPolicy"].(map[string]any)
	return numberIn(properties, "MessageRetentionPeriod").orKnown(defaultRetentionSecs), allow["RedrivePermission"] == "denyAll"
}

// source returns the instances that the event source may keep busy.
func (v queueValues) source(name string) source {
	if v.pollers {
		return source{name: name, max: pollersBound(v.maxPollers), pollers: true}
	}
	return source{name: name, max: v.maxConcurrency}
}

// minVisibility returns the shortest visibility timeout that lets Lambda retry; unknown
// while the function's timeout is unknown. For a batching window that is a token, it
// assumes unknownWindow seconds.
func (v queueValues) minVisibility(unknownWindow float64) number {
	if !v.functionTimeout.known {
		return number{}
	}
	window := v.window.or(0)
	if !window.known {
		window = known(unknownWindow)
	}
	return known(visibilityPerTimeout*v.functionTimeout.value + window.value)
}

// defaultVisibility is the visibility timeout of a queue whose props have none.
func (v queueValues) defaultVisibility() number {
	if !v.consumed {
		return known(defaultVisibilitySecs)
	}
	return v.minVisibility(maxWindowSecs)
}

func (v queueValues) check(r *rules) {
	if v.name.known && !queueNamePattern.MatchString(v.name.value) {
		r.breaks("Name", "must be 1 to 75 letters, digits, - and _, got %q; leave \".fifo\" out, it is added to the physical name", v.name.value)
	}
	if v.name.set && !v.name.known && v.name.standIn == "" {
		r.breaks("Name", "must be a plain string, got a token; it is told to the program at synth")
	}
	if v.physical.known && !queueNamePattern.MatchString(v.physical.value) || len(v.physical.value) > maxQueueNameLetters {
		r.breaks("QueueName", "must be 1 to %d letters, digits, - and _, got %q; leave \".fifo\" out, it is added", maxQueueNameLetters, v.physical.value)
	}
	checkRemoval(r, "RemovalPolicy", v.removal)
	if v.existing {
		v.checkExisting(r)
	} else {
		v.checkNew(r)
	}
	if v.consumed {
		v.checkEventSource(r)
	} else {
		v.checkUnconsumed(r)
	}
}

// checkExisting refuses props that would change the existing queue.
func (v queueValues) checkExisting(r *rules) {
	if v.wantFifo != nil && *v.wantFifo != v.fifo {
		r.breaks("Fifo", "must be the kind of Queue, which is %s, got %t; remove Fifo or pass another queue", kindOf(v.fifo), *v.wantFifo)
	}
	r.mustBeUnset("with Queue, which has its own; set it where that queue is created",
		given{"ContentBasedDeduplication", v.contentDedup},
		given{"DeadLetterQueue", v.ownDead},
		given{"DeadLetterRetention", v.deadRetention.set},
		given{"DeliveryDelay", v.delay.set},
		given{"EncryptionMasterKey", v.encrypted},
		given{"HighThroughput", v.highThroughput},
		given{"MaxReceiveCount", v.receives.set},
		given{"QueueName", v.physical.set},
		given{"RemovalPolicy", v.removal != ""},
		given{"RetentionPeriod", v.retention.set},
		given{"VisibilityTimeout", v.visibility.set},
	)
}

func (v queueValues) checkNew(r *rules) {
	if !v.fifo && v.contentDedup {
		r.breaks("ContentBasedDeduplication", "must be unset for a standard queue, which does not deduplicate; set Fifo, or remove it")
	}
	if !v.fifo && v.highThroughput {
		r.breaks("HighThroughput", "must be unset for a standard queue, whose throughput is nearly unlimited; set Fifo, or remove it")
	}
	r.within("DeliveryDelay", v.delay, 0, maxDelaySecs, "seconds", "use a schedule for longer delays")
	r.within("MaxReceiveCount", v.receives, minReceives, maxReceives, "receives", "5 or more is advised")
	r.within("RetentionPeriod", v.retention, minRetentionSecs, maxRetentionSecs, "seconds", "a message cannot wait longer than 14 days")
	r.within("DeadLetterRetention", v.deadRetention, minRetentionSecs, maxRetentionSecs, "seconds", "a message cannot wait longer than 14 days")
	if v.ownDead {
		r.mustBeUnset("with DeadLetterQueue, which has its own; set it where that queue is created", given{"DeadLetterRetention", v.deadRetention.set})
		if v.deadFifo != v.fifo {
			r.breaks("DeadLetterQueue", "must be a %s queue, as the queue is, got a %s queue; pass another one", kindOf(v.fifo), kindOf(v.deadFifo))
		}
		if v.deadDenies {
			r.breaks("DeadLetterQueue", "must be a queue that this one may use, got one whose redrive allow policy denies all; change that policy, or leave it unset for a new one")
		}
		v.deadRetention = v.givenRetention
	}
	field := "DeadLetterRetention"
	if v.ownDead {
		field = "DeadLetterQueue.RetentionPeriod"
	}
	v.checkRetention(r, field)
	r.within("VisibilityTimeout", v.visibility, 0, maxVisibilitySecs, "seconds", "a message cannot be hidden longer than 12 hours")
	if v.consumed {
		v.checkVisibility(r)
	}
}

// checkRetention checks the retention of the dead-letter queue of a standard queue. For a
// FIFO queue, the message's age starts anew in its dead-letter queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html (2026-11)
func (v queueValues) checkRetention(r *rules, field string) {
	if v.fifo {
		return
	}
	retention, dead := v.retention.or(defaultRetentionSecs), v.deadRetention.or(defaultDeadLetterRetentionSecs)
	if retention.known && dead.known && retention.value <= maxRetentionSecs && dead.value < retention.value {
		r.breaks(field, "must be at least RetentionPeriod (%s seconds), got %s; its clock starts when the message is first sent, so less deletes failed messages at once", retention, dead)
	}
}

// checkVisibility checks that Lambda can retry before SQS delivers a message again.
func (v queueValues) checkVisibility(r *rules) {
	least := v.minVisibility(0)
	switch {
	case !v.visibility.set && !least.known:
		r.breaks("VisibilityTimeout", "must be set when the timeout of Handler is not known here, got none; set it, or FunctionTimeout")
	case v.visibility.known && least.known && v.visibility.value < least.value:
		r.breaks("VisibilityTimeout", "must be at least %d times the function's timeout plus MaxBatchingWindow (%d × %s + %s = %s seconds), got %s; raise it or leave it unset",
			visibilityPerTimeout, visibilityPerTimeout, v.functionTimeout, v.window.or(0), least, v.visibility)
	}
}

func (v queueValues) checkEventSource(r *rules) {
	batch, window := v.batch.or(defaultBatchMessages), v.window.or(0)
	switch {
	case v.fifo:
		r.within("BatchSize", batch, minBatchMessages, maxFifoBatchMessages, "messages for a FIFO queue", "Lambda takes no larger batches from it")
		if window.known && window.value > 0 {
			r.breaks("MaxBatchingWindow", "must be 0 for a FIFO queue, got %s seconds; remove it", window)
		}
	default:
		r.within("BatchSize", batch, minBatchMessages, maxBatchMessages, "messages", "Lambda takes no larger batches")
		if batch.known && window.known && batch.value > maxUnwindowedMessages && window.value < 1 {
			r.breaks("MaxBatchingWindow", "must be at least 1 second for a BatchSize of more than %d, got %s for %s messages; set it or lower BatchSize", maxUnwindowedMessages, window, batch)
		}
		r.within("MaxBatchingWindow", window, 0, maxWindowSecs, "seconds", "Lambda does not gather messages for longer")
	}
	r.within("MaxConcurrency", v.maxConcurrency, minConcurrencyInstances, maxConcurrencyInstances, "instances", "leave it unset for no bound")
	if v.pollers {
		v.checkPollers(r)
	}
	if v.nilFilter {
		r.breaks("Filters", "must have a pattern in each element, got nil; remove it")
	}
	if v.filters > maxFilters {
		r.breaks("Filters", "must be at most %d patterns, got %d; join some of them, or filter in the program", maxFilters, v.filters)
	}
	if v.noFilters {
		r.breaks("Filters", "must have at least 1 pattern, got none; leave it unset for every message")
	}
	if v.odd != nil {
		r.breaks("Filters", "must be made with awslambda.FilterCriteria_Filter, got a map with the keys %s; pass the map to it", list(v.odd))
	}
	if v.longestFilter > maxFilterLetters {
		r.breaks("Filters", "must be patterns of at most %d letters, got %d; shorten it, or filter in the program", maxFilterLetters, v.longestFilter)
	}
	r.within("FunctionTimeout", v.functionTimeout, minTimeoutSecs, maxTimeoutSecs, "seconds", "it is the timeout of Handler")
}

func (v queueValues) checkPollers(r *rules) {
	if v.maxConcurrency.set {
		r.breaks("MaxConcurrency", "must be unset with Pollers, whose Max bounds the instances; remove one of them")
	}
	r.within("Pollers.Min", v.minPollers, minPollers, maxMinPollers, "pollers", "leave it unset for 2")
	r.within("Pollers.Max", v.maxPollers, minPollers, maxMaxPollers, "pollers", "leave it unset for 200")
	least, most := v.minPollers.or(minPollers), v.maxPollers.or(defaultMaxPollers)
	if least.known && most.known && most.value < least.value {
		r.breaks("Pollers.Max", "must be at least Pollers.Min (%s pollers), got %s; raise it", least, most)
	}
}

// checkUnconsumed refuses props of the event source mapping on a queue without Handler.
func (v queueValues) checkUnconsumed(r *rules) {
	r.mustBeUnset("without Handler, as nothing consumes the queue; set Handler too",
		given{"BatchSize", v.batch.set},
		given{"Enabled", v.enabled},
		given{"Filters", v.filters > 0},
		given{"FunctionTimeout", v.functionTimeout.set},
		given{"MaxBatchingWindow", v.window.set},
		given{"MaxConcurrency", v.maxConcurrency.set},
		given{"Pollers", v.pollers},
	)
}

func kindOf(fifo bool) string {
	if fifo {
		return "FIFO"
	}
	return "standard"
}
