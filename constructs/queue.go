package hearth

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html (2026-11)
const (
	maxDelaySecs      = 15 * 60
	minRetentionSecs  = 60
	maxRetentionSecs  = 14 * 24 * 60 * 60
	maxVisibilitySecs = 12 * 60 * 60
	minReceives       = 1
	maxReceives       = 1000

	defaultRetentionSecs           = 4 * 24 * 60 * 60
	defaultDeadLetterRetentionSecs = 14 * 24 * 60 * 60
	defaultVisibilitySecs          = 30
	defaultReceives                = 5
)

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html (2026-11)
const (
	minBatchMessages         = 1
	maxBatchMessages         = 10000
	maxFifoBatchMessages     = 10
	maxUnwindowedMessages    = 10
	maxWindowSecs            = 5 * 60
	minConcurrencyInstances  = 2
	maxConcurrencyInstances  = 1000
	minPollers               = 2
	maxMinPollers            = 200
	maxMaxPollers            = 10000
	cdkMaxPollers            = 2000 // the most that the CDK's own construct accepts
	defaultMaxPollers        = 200
	maxFilters               = 10
	maxFilterLetters         = 4096
	visibilityPerTimeout     = 6
	defaultBatchMessages     = 10
	leastAdvisedReceiveCount = 5
)

// A queue's name has up to 80 characters, five of them for ".fifo".
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11)
const maxQueueNameLetters = 70 // with "-dead" and ".fifo"

var queueNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,75}$`)

// QueueProps configure a [Queue]. All of them are optional: a queue without
// Handler is one that programs only send to.
type QueueProps struct {
	// BatchSize is the most messages in one invocation: 1 to 10, or up to 10000
	// for a standard queue with MaxBatchingWindow of at least 1 second. A batch
	// also ends at 6 MB.
	//
	// @default 10
	BatchSize *float64

	// ContentBasedDeduplication drops a message of a FIFO queue if its body equals that
	// of another one within 5 minutes, so that senders need no deduplication id.
	//
	// @default false
	ContentBasedDeduplication *bool

	// DeadLetterQueue receives the messages that failed too often, instead of a new
	// queue. It must be of the same kind, in the same account and region. The one of a
	// standard queue must keep messages at least as long as RetentionPeriod.
	//
	// @default - a new queue
	DeadLetterQueue awssqs.IQueue

	// DeadLetterRetention is how long the dead-letter queue keeps a message, up to 14
	// days. For a standard queue it counts from the first sending of the message, so it
	// must be at least RetentionPeriod; for a FIFO queue it counts from the move.
	//
	// @default 14 days
	DeadLetterRetention awscdk.Duration

	// DeliveryDelay hides each new message for up to 15 minutes.
	//
	// @default 0 seconds
	DeliveryDelay awscdk.Duration

	// Enabled says that messages invoke the function; false leaves them in the queue.
	//
	// @default true
	Enabled *bool

	// EncryptionMasterKey encrypts the queue and its dead-letter queue.
	//
	// @default - a key that SQS manages
	EncryptionMasterKey awskms.IKey

	// Fifo makes a queue with strict order within each message group, and a dead-letter
	// queue of the same kind.
	//
	// @default - false, or the kind of Queue
	Fifo *bool

	// Filters are patterns for the messages, up to 10 of up to 4096 letters each, made with
	// awslambda.FilterCriteria_Filter. Lambda deletes a message that matches none of
	// them.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html (2026-11)
	//
	// @default - none: every message invokes the function
	Filters *[]*map[string]interface{}

	// FunctionTimeout is the timeout of Handler. Set it for an imported function, whose
	// timeout is unknown.
	//
	// @default - the timeout of Handler, when it is created in this app
	FunctionTimeout awscdk.Duration

	// Handler consumes the messages: a [Handler]'s Alias, or any function. It must report
	// the failed messages of a batch. A function of another stack could make a cycle
	// between the stacks. Then create the Queue in that stack, and pass it a queue of
	// this stack in Queue.
	//
	// @default - none: programs only send to the queue
	Handler awslambda.IFunction

	// HighThroughput raises the limit of a FIFO queue from 300 calls per second for all
	// its messages to a quota for each message group. Deduplication then also applies
	// within one group only.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html (2026-11)
	//
	// @default false
	HighThroughput *bool

	// MaxBatchingWindow is how long Lambda gathers messages for a batch, up to 5 minutes.
	// FIFO queues have none.
	//
	// @default 0 seconds
	MaxBatchingWindow awscdk.Duration

	// MaxConcurrency is the highest number of instances that the messages of this queue
	// may keep busy, 2 to 1000. Without it a backlog can take every instance of the
	// function.
	//
	// @default - no bound but that of the function
	MaxConcurrency *float64

	// MaxReceiveCount is how often SQS delivers a message before it moves it to the
	// dead-letter queue, 1 to 1000. A throttled invocation counts too, so less than 5
	// loses good messages under load.
	//
	// @default 5
	MaxReceiveCount *float64

	// Name is the program's logical name for the queue: up to 75 letters, digits, "-" and
	// "_", without ".fifo". CloudFormation generates the physical name. With Handler, the
	// program gives the messages of this queue to its consumer of this name.
	//
	// @default - none
	Name *string

	// Pollers are event pollers that run all the time, for a sudden load that must not
	// wait for Lambda to start polling. They cost money by the hour, and contradict
	// MaxConcurrency: each poller keeps up to 10 instances busy.
	//
	// @default - Lambda starts and stops pollers with the load
	Pollers *PollersProps

	// Queue is an existing queue to use instead of a new one. It keeps its own
	// dead-letter queue, encryption, policy, retention and visibility timeout: make the
	// visibility timeout at least six times the function's timeout plus
	// MaxBatchingWindow. It must be in the region of Handler, and may belong to another
	// account.
	//
	// @default - a new queue
	Queue awssqs.IQueue

	// QueueName is the physical name of the queue, without ".fifo". The dead-letter queue
	// gets it with "-dead", and its redrive allow policy then names this queue alone. The
	// name may contain tokens, such as awscdk.Aws_STACK_NAME(). CloudFormation cannot
	// replace a queue with its own name in one deployment.
	//
	// Without QueueName, the dead-letter queue has no such policy, and any queue of the
	// account and region can use it: SQS's default. CloudFormation generates the name of
	// this queue only after the dead-letter queue exists, and has no resource that adds the
	// policy later. docs/constructs.md says what protects the messages then.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html (2026-11)
	//
	// @default - generated by CloudFormation
	QueueName *string

	// Refine changes the CDK's own props of the new queue before it is created. It must
	// not change a value that a prop here sets.
	//
	// @default - none
	Refine func(props *awssqs.QueueProps)

	// RefineDeadLetterQueue changes the CDK's own props of the new dead-letter queue
	// before it is created. Its RedriveAllowPolicy must admit this queue.
	//
	// @default - none
	RefineDeadLetterQueue func(props *awssqs.QueueProps)

	// RefineEventSource changes the CDK's own props of the event source mapping before it
	// is created.
	//
	// @default - none
	RefineEventSource func(props *awslambda.EventSourceMappingProps)

	// RemovalPolicy decides whether the new queue and its dead-letter queue, with their
	// messages, are kept when they leave the stack or are replaced.
	//
	// @default - awscdk.RemovalPolicy_DESTROY; in a [Backend], that of the backend
	RemovalPolicy awscdk.RemovalPolicy

	// RetentionPeriod is the longest that a message waits, 1 minute to 14 days.
	//
	// @default 4 days
	RetentionPeriod awscdk.Duration

	// VisibilityTimeout is how long a received message stays hidden, up to 12 hours. For
	// a consumed queue it must be at least six times the function's timeout plus
	// MaxBatchingWindow, so that Lambda can retry throttled invocations before SQS
	// delivers the message again.
	//
	// @default - six times the function's timeout plus MaxBatchingWindow; 30 seconds without Handler
	VisibilityTimeout awscdk.Duration
}

// PollersProps are the event pollers of a queue in provisioned mode.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (2026-11)
type PollersProps struct {
	// Max is the highest number of pollers, 2 to 10000. This queue can then keep ten
	// times as many instances busy.
	//
	// @default 200
	Max *float64

	// Min is the number of pollers without load, 2 to 200.
	//
	// @default 2
	Min *float64
}

// Queue is an SQS queue with a dead-letter queue of the same kind, both encrypted and
// accessible through TLS only. It includes the event source mapping that invokes a
// function with its messages.
//
// The mapping takes partial batch responses: the function returns the ids of the failed
// messages, and Lambda deletes the others.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
type Queue struct {
	constructs.Construct

	// DeadLetterQueue receives the messages that failed too often; nil for an existing
	// queue.
	DeadLetterQueue awssqs.IQueue
	// EventSource invokes the function; nil without Handler.
	EventSource awslambda.EventSourceMapping
	// Queue is the queue.
	Queue awssqs.IQueue

	app    *app
	alarms *QueueAlarms
	name   text
	id     *string // what logicalID returns
	// What address returns.
	url, physical string
	stack         awscdk.Stack
	creates       bool          // the queue is new
	given         awssqs.IQueue // the queue that is not
	// consumer is the Handler that consumes the queue, or nil.
	consumer *Handler
	// dead and oldest are the metrics of the alarms.
	dead, oldest awscloudwatch.Metric
}

// NewQueue creates a queue, or wires an existing one. It panics with every broken
// rule at once.
func NewQueue(scope constructs.Construct, id *string, props *QueueProps) *Queue {
	if props == nil {
		props = &QueueProps{}
	}
	p := *props
	q := &Queue{Queue: p.Queue, creates: p.Queue == nil, given: p.Queue, name: textOf(p.Name)}
	q.app = newConstruct(q, scope, id)
	v := p.values()
	if v.consumed && !v.functionTimeout.set {
		v.functionTimeout = q.app.timeoutOf(p.Handler)
	}
	r := &rules{where: "QueueProps"}
	v.check(r)
	if p.QueueName != nil {
		q.app.checkUnique(r, q, "queue", "QueueName", q.physicalName(*p.QueueName, v.fifo))
		if p.DeadLetterQueue == nil {
			q.app.checkUnique(r, q, "queue", "QueueName", q.physicalName(*p.QueueName+"-dead", v.fifo))
		}
	}
	q.checkPlaces(r, &p)
	if p.Handler != nil {
		q.app.checkInvoked(r, p.Handler)
		if q.app.functionOf(p.Handler) == nil { // the mapping is beside a function of the app
			q.app.checkHere(r, q, p.Handler, "the mapping of the queue")
		}
	}
	q.app.contractOf(p.Handler).checkQueue(r, v)
	refuse(q, r.broken)

	if q.Queue == nil {
		q.create(r, &p, v)
	}
	if p.Handler == nil {
		return q
	}
	mapping := &awslambda.EventSourceMappingProps{
		BatchSize:               p.BatchSize,
		Enabled:                 p.Enabled,
		EventSourceArn:          q.Queue.QueueArn(),
		Filters:                 p.Filters,
		MaxConcurrency:          p.MaxConcurrency,
		ReportBatchItemFailures: jsii.Bool(true),
		Target:                  p.Handler,
	}
	if !v.fifo {
		mapping.MaxBatchingWindow = p.MaxBatchingWindow
	}
	manyPollers := false
	if p.Pollers != nil {
		pollers := &awslambda.ProvisionedPollerConfig{MaximumPollers: p.Pollers.Max, MinimumPollers: p.Pollers.Min}
		if manyPollers = v.maxPollers.known && v.maxPollers.value > cdkMaxPollers; manyPollers {
			pollers.MaximumPollers = jsii.Number(cdkMaxPollers)
		}
		mapping.ProvisionedPollerConfig = pollers
	}
	refineProps(r, "RefineEventSource", mapping, p.RefineEventSource, p, map[string]string{"ProvisionedPollerConfig": "QueueProps.Pollers"})
	refuse(q, r.broken)
	fn := q.app.functionOf(p.Handler)
	home, child := constructs.Construct(q), "EventSource"
	if invoked, ours := p.Handler.(constructs.Construct); ours && fn != nil && q.app.stackOf(fn) != q.app.stackOf(q) {
		// The function's role and variables refer to the queue. A mapping beside the queue
		// would refer to the function, and the two stacks to each other in a circle.
		home, child = invoked, "EventSource-"+*awscdk.Names_NodeUniqueId(q.Node())
	}
	q.EventSource = awslambda.NewEventSourceMapping(home, &child, mapping)
	if manyPollers {
		q.EventSource.Node().DefaultChild().(awscdk.CfnResource).AddPropertyOverride(jsii.String("ProvisionedPollerConfig.MaximumPollers"), p.Pollers.Max)
	}
	q.app.queueSources[q.EventSource] = true
	q.app.made[q.app.stackOf(home)]++
	if fn != nil && q.name.known {
		e := q.app.environmentOf(fn)
		e.addQueue(q.name.value, q)
		e.addPartial(q.name.value)
	}
	q.consumer = q.app.ownerOf(p.Handler)
	source := v.source("")
	source.path = func() string { return pathOf(q) }
	q.app.budgetOf(p.Handler).addSource(source)
	if q.app.ownerOf(p.Handler) != nil || p.Handler.Role() != nil {
		q.Queue.GrantConsumeMessages(p.Handler)
	} else {
		warn(q, "functionWithoutRole", "the function was imported without its role; give that role sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on this queue")
	}
	return q
}

// create makes the queue and its dead-letter queue.
func (q *Queue) create(r *rules, p *QueueProps, v queueValues) {
	encryption := awssqs.QueueEncryption_SQS_MANAGED
	if p.EncryptionMasterKey != nil {
		encryption = awssqs.QueueEncryption_KMS
	}
	retention := func(d awscdk.Duration, fallback float64) awscdk.Duration {
		if d == nil {
			return q.app.duration(fallback)
		}
		return d
	}
	q.DeadLetterQueue = p.DeadLetterQueue
	if q.DeadLetterQueue == nil {
		dead := &awssqs.QueueProps{
			Encryption:          encryption,
			EncryptionMasterKey: p.EncryptionMasterKey,
			EnforceSSL:          jsii.Bool(true),
			Fifo:                p.Fifo,
			RemovalPolicy:       p.RemovalPolicy,
			RetentionPeriod:     retention(p.DeadLetterRetention, defaultDeadLetterRetentionSecs),
		}
		if p.QueueName != nil {
			dead.QueueName = q.physicalName(*p.QueueName+"-dead", v.fifo)
			// An ARN that is made from the name needs no reference to the queue, which
			// refers to its dead-letter queue.
			dead.RedriveAllowPolicy = &awssqs.RedriveAllowPolicy{SourceQueues: &[]awssqs.IQueue{q.byName(*p.QueueName, v.fifo)}}
		}
		refineProps(r, "RefineDeadLetterQueue", dead, p.RefineDeadLetterQueue, struct{}{}, map[string]string{"RetentionPeriod": "QueueProps.DeadLetterRetention"})
		refuse(q, r.broken)
		q.DeadLetterQueue = awssqs.NewQueue(q, jsii.String("DeadLetterQueue"), dead)
	}
	props := &awssqs.QueueProps{
		ContentBasedDeduplication: p.ContentBasedDeduplication,
		DeadLetterQueue:           &awssqs.DeadLetterQueue{Queue: q.DeadLetterQueue, MaxReceiveCount: p.MaxReceiveCount},
		DeliveryDelay:             p.DeliveryDelay,
		Encryption:                encryption,
		EncryptionMasterKey:       p.EncryptionMasterKey,
		EnforceSSL:                jsii.Bool(true),
		Fifo:                      p.Fifo,
		RemovalPolicy:             p.RemovalPolicy,
		RetentionPeriod:           retention(p.RetentionPeriod, defaultRetentionSecs),
		VisibilityTimeout:         p.VisibilityTimeout,
	}
	if p.MaxReceiveCount == nil {
		props.DeadLetterQueue.MaxReceiveCount = jsii.Number(defaultReceives)
	}
	if isTrue(p.HighThroughput) {
		props.DeduplicationScope = awssqs.DeduplicationScope_MESSAGE_GROUP
		props.FifoThroughputLimit = awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID
	}
	if p.VisibilityTimeout == nil {
		props.VisibilityTimeout = q.app.duration(v.defaultVisibility().value)
	}
	if p.QueueName != nil {
		props.QueueName = q.physicalName(*p.QueueName, v.fifo)
	}
	refineProps(r, "Refine", props, p.Refine, p, map[string]string{"DeduplicationScope": "QueueProps.HighThroughput", "FifoThroughputLimit": "QueueProps.HighThroughput"})
	refuse(q, r.broken)
	q.Queue = awssqs.NewQueue(q, jsii.String("Queue"), props)
	if v.receives.known && v.receives.value < leastAdvisedReceiveCount {
		warn(q, "lowMaxReceiveCount", lowReceives("QueueProps.MaxReceiveCount", v.receives))
	}
}

// physicalName returns the name of a queue with the suffix of its kind.
func (q *Queue) physicalName(name string, fifo bool) *string {
	if fifo {
		name += ".fifo"
	}
	return &name
}

// byName returns the queue of this name in the stack.
func (q *Queue) byName(name string, fifo bool) awssqs.IQueue {
	arn := q.app.stackOf(q).FormatArn(&awscdk.ArnComponents{Resource: q.physicalName(name, fifo), Service: jsii.String("sqs")})
	return awssqs.Queue_FromQueueAttributes(q, jsii.String("Source"), &awssqs.QueueAttributes{Fifo: &fifo, QueueArn: arn})
}

func lowReceives(field string, receives number) string {
	return field + " is " + receives.String() + "; throttled invocations count as receives, so with less than 5 good messages reach the dead-letter queue under load"
}

// GrantSend lets a grantee send to this queue. The grant includes the queue's encryption
// key.
func (q *Queue) GrantSend(grantee awsiam.IGrantable) awsiam.Grant {
	return q.Queue.GrantSendMessages(grantee)
}

// ConnectSend lets a program send to this queue. It adds the queue's URL to
// HEARTH_QUEUES, under the connection's name or, without one, under the queue's logical
// name. It panics when there is neither.
func (q *Queue) ConnectSend(client Client, options *ConnectOptions) awsiam.Grant {
	name := options.name(q)
	if name == "" {
		if q.name.standIn != "" {
			return q.connectSend(client, q.name.standIn)
		}
		if !q.name.known {
			r := &rules{where: "QueueProps"}
			refuse(q, []error{r.brokenRule("Name", "must be set for ConnectSend, got none; it is the name by which the program sends, and ConnectOptions.Name can give another one")})
		}
		name = q.name.value
	}
	return q.connectSend(client, name)
}

func (q *Queue) connectSend(client Client, name string) awsiam.Grant {
	return connect(q, q.app.regionOf(q, q.given), client, func(fn awslambda.Function) awsiam.Grant {
		q.app.environmentOf(fn).addQueue(name, q)
		return q.GrantSend(fn)
	})
}

// address returns the queue's URL and physical name, as CloudFormation resolves them, and
// the stack that creates it. URLs of queues of one stack begin alike; stack is nil for an
// existing queue.
func (q *Queue) address() (url, name string, stack awscdk.Stack) {
	if q.url == "" {
		q.url, q.physical = *q.Queue.QueueUrl(), *q.Queue.QueueName()
		if q.creates {
			q.stack = q.app.stackOf(q)
		}
	}
	return q.url, q.physical, q.stack
}

// urlOf returns the queue's URL, by which two constructs of one queue are the same.
func (q *Queue) urlOf() string {
	url, _, _ := q.address()
	return url
}

// logicalID returns the logical id of a queue that the app creates, otherwise "".
// CloudFormation makes the queue's name from it, unless the name is fixed.
func (q *Queue) logicalID() string {
	if q.id == nil {
		q.id = jsii.String("")
		if resource, ok := q.Queue.Node().DefaultChild().(awssqs.CfnQueue); ok {
			if id, ok := resource.Stack().Resolve(resource.LogicalId()).(string); ok {
				q.id = &id
			}
		}
	}
	return *q.id
}

// GrantRedrive lets a grantee move the messages of the dead-letter queue back to this
// queue, as an operator does after a fix. It panics for an existing queue, whose
// dead-letter queue is unknown.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html (2026-11)
func (q *Queue) GrantRedrive(grantee awsiam.IGrantable) awsiam.Grant {
	if q.DeadLetterQueue == nil {
		r := &rules{where: "QueueProps"}
		refuse(q, []error{r.brokenRule("Queue", "must be unset for GrantRedrive, as the dead-letter queue of an existing queue is not known; grant it where that queue is created")})
	}
	q.Queue.GrantSendMessages(grantee)
	return q.DeadLetterQueue.Grant(grantee,
		jsii.String("sqs:StartMessageMoveTask"), jsii.String("sqs:CancelMessageMoveTask"), jsii.String("sqs:ListMessageMoveTasks"),
		jsii.String("sqs:ReceiveMessage"), jsii.String("sqs:DeleteMessage"), jsii.String("sqs:GetQueueAttributes"))
}
