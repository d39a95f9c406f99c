package hearth

import (
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/internal/wire"
)

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html (2026-11)
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html (2026-11)
const (
	minEventAgeSecs = 60
	maxEventAgeSecs = 24 * 60 * 60
	maxRetries      = 185
	minFlexibleSecs = 60
	maxFlexibleSecs = 24 * 60 * 60

	// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html (2026-11)
	maxScheduleDescription = 512

	defaultEventAgeSecs = 60 * 60
)

var scheduleNamePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// ScheduleProps configure a [Schedule].
type ScheduleProps struct {
	// Expression sets when the schedule runs: "rate(5 minutes)", "cron(0 3 * * ? *)" with
	// the fields minutes, hours, day of month, month, day of week and year, or
	// "at(2027-01-31T09:00:00)" for one run.
	Expression *string

	// Handler is the function of the schedule: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// Name is the program's logical name for the schedule: up to 64 letters, digits, "-",
	// "_" and ".". It is in each event, as detail.schedule.
	Name *string

	// DeadLetterQueue receives the events that EventBridge Scheduler could not deliver.
	// It must be a standard queue in the region of the schedule.
	//
	// @default - none: they are dropped, of which synth warns; in a [Backend], its ScheduleDeadLetterQueue
	DeadLetterQueue awssqs.IQueue

	// Description is shown in the console, up to 512 letters.
	//
	// @default - none
	Description *string

	// Enabled turns the schedule on.
	//
	// @default true
	Enabled *bool

	// EncryptionKey encrypts the event of the schedule.
	//
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html (2026-11)
	//
	// @default - a key that EventBridge Scheduler owns
	EncryptionKey awskms.IKey

	// FlexibleWindow spreads the runs over this time after the scheduled one, 1 minute to
	// 24 hours, to take the load off full hours.
	//
	// @default - none: each run starts within a minute
	FlexibleWindow awscdk.Duration

	// Group holds the schedule.
	//
	// @default - the group "default"
	Group awsscheduler.IScheduleGroup

	// MaxEventAge is how late an event may be delivered, 1 minute to 24 hours.
	//
	// @default 1 hour
	MaxEventAge awscdk.Duration

	// RetryAttempts is how often EventBridge Scheduler retries the delivery, 0 to 185. A
	// run that fails in the program has been delivered: Lambda itself runs it twice more,
	// unless HandlerProps.AsyncInvoke changes that.
	//
	// @default 185
	RetryAttempts *float64

	// Role is the role with which EventBridge Scheduler invokes the function. It gets the
	// permission to do so.
	//
	// @default - a new role, which may do only that
	Role awsiam.IRole

	// TimeZone is the IANA name of the time zone of a cron or at expression, such
	// as "Europe/Oslo".
	//
	// @default UTC
	TimeZone *string
}

// Schedule is an EventBridge Scheduler schedule that invokes a function, with a role that
// permits only that. The function receives
//
//	{
//	  "version": "0",
//	  "id": "8f9a5d3c-…",
//	  "detail-type": "Scheduled Event",
//	  "source": "aws.scheduler",
//	  "time": "2026-11-23T03:00:00Z",
//	  "resources": ["arn:aws:scheduler:eu-north-1:123456789012:schedule/default/…"],
//	  "detail": {"schedule": "nightly"}
//	}
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html (2026-11)
type Schedule struct {
	constructs.Construct

	// Role is the role with which EventBridge Scheduler invokes the function.
	Role awsiam.IRole
	// Schedule is the schedule.
	Schedule awsscheduler.Schedule

	app  *app
	name *string
	// group is the name of the group that holds the schedule.
	group string
}

// NewSchedule creates a schedule. It panics with every broken rule at once.
func NewSchedule(scope constructs.Construct, id *string, props *ScheduleProps) *Schedule {
	if props == nil {
		props = &ScheduleProps{}
	}
	p := *props
	s := &Schedule{name: p.Name}
	s.app = newConstruct(s, scope, id)
	r := &rules{where: "ScheduleProps"}
	s.app.checkInvoked(r, p.Handler)
	p.check(r)
	if p.DeadLetterQueue != nil && s.app.parents[p.DeadLetterQueue] == nil {
		// The deployment fails otherwise: https://github.com/aws/aws-cdk/pull/32032 (2026-11)
		checkRegion(r, "DeadLetterQueue", placeOfQueue(p.DeadLetterQueue), s.app.placeOf(s), "the schedule", "create one there")
	}
	if p.EncryptionKey != nil {
		s.app.checkRegionOf(r, s, "EncryptionKey", p.EncryptionKey.KeyArn())
	}
	if p.Group != nil {
		s.app.checkRegionOf(r, s, "Group", p.Group.ScheduleGroupArn())
	}
	if p.Role != nil && s.app.parents[p.Role] == nil {
		s.app.checkAccountOf(r, s, "Role", p.Role.RoleArn())
	}
	s.app.contractOf(p.Handler).checkSchedule(r, textOf(p.Name))
	refuse(s, r.broken)

	if p.MaxEventAge == nil {
		p.MaxEventAge = s.app.duration(defaultEventAgeSecs)
	}
	var window awsscheduler.TimeWindow
	if p.FlexibleWindow != nil {
		window = awsscheduler.TimeWindow_Flexible(p.FlexibleWindow)
	}
	var zone awscdk.TimeZone
	if p.TimeZone != nil {
		zone = awscdk.TimeZone_Of(p.TimeZone)
	}
	s.group = "default"
	if p.Group != nil {
		s.group = *p.Group.ScheduleGroupName()
	}
	s.Role = p.Role
	if s.Role == nil {
		s.Role = newScheduleRole(s, "Role", p.Group)
	}
	its := &awsscheduler.ScheduleProps{
		Description:   p.Description,
		Enabled:       p.Enabled,
		Key:           p.EncryptionKey,
		Schedule:      awsscheduler.ScheduleExpression_Expression(p.Expression, zone),
		ScheduleGroup: p.Group,
		Target: awsschedulertargets.NewLambdaInvoke(p.Handler, &awsschedulertargets.ScheduleTargetBaseProps{
			DeadLetterQueue: p.DeadLetterQueue,
			Input:           awsscheduler.ScheduleTargetInput_FromObject(scheduledEvent(p.Name)),
			MaxEventAge:     p.MaxEventAge,
			RetryAttempts:   p.RetryAttempts,
			Role:            s.Role,
		}),
		TimeWindow: window,
	}
	if err := caught(func() { s.Schedule = awsscheduler.NewSchedule(s, jsii.String("Schedule"), its) }); err != nil {
		if s.app.functionOf(p.Handler) == nil && strings.Contains(err.Error(), "Cannot modify permission") {
			r.breaks("Handler", "must be a function whose permissions the CDK may change, got %s, imported by its ARN alone; import it with awslambda.Function_FromFunctionAttributes and SameEnvironment, or SkipPermissions if its own stack permits the schedule", *p.Handler.Node().Path())
			refuse(s, r.broken)
		}
		panic(err)
	}
	s.grantDeadLetters(p.DeadLetterQueue)
	if p.DeadLetterQueue == nil {
		warn(s, "lostRuns", "a run that EventBridge Scheduler cannot deliver is dropped after its retries; set DeadLetterQueue, and OnFailure of HandlerProps.AsyncInvoke for runs that fail in the program")
	}
	return s
}

// grantDeadLetters lets the role use the key of the dead-letter queue: the CDK's target
// permits only to send.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html (2026-11)
func (s *Schedule) grantDeadLetters(queue awssqs.IQueue) {
	if queue == nil {
		return
	}
	if key := queue.EncryptionMasterKey(); key != nil {
		key.Grant(s.Role, jsii.String("kms:Decrypt"), jsii.String("kms:GenerateDataKey"))
	}
}

// Name is the program's logical name for the schedule.
func (s *Schedule) Name() *string { return s.name }

// newScheduleRole creates the role here. The CDK's target would create it in the scope of
// the stack, shared by all schedules of a function. The conditions keep other accounts
// and other groups from using it.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html (2026-11)
func newScheduleRole(scope constructs.Construct, id string, group awsscheduler.IScheduleGroup) awsiam.Role {
	stack := appOf(scope).stackOf(scope)
	groupArn := stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("scheduler"), Resource: jsii.String("schedule-group"), ResourceName: jsii.String("default"),
	})
	if group != nil {
		groupArn = group.ScheduleGroupArn()
	}
	return awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceAccount": stack.Account(),
				"aws:SourceArn":     groupArn,
			}},
		}),
	})
}

// scheduledEvent is the input of the target; see [wire.ScheduleSource].
func scheduledEvent(name *string) map[string]any {
	return map[string]any{
		"version":     "0",
		"id":          "<aws.scheduler.execution-id>",
		"detail-type": wire.ScheduleDetailType,
		"source":      wire.ScheduleSource,
		"time":        "<aws.scheduler.scheduled-time>",
		"resources":   []string{"<aws.scheduler.schedule-arn>"},
		"detail":      map[string]any{"schedule": *name},
	}
}

func (p *ScheduleProps) check(r *rules) {
	name, expression := textOf(p.Name), textOf(p.Expression)
	switch {
	case !name.set:
		r.breaks("Name", "must be set, got none; the program tells its schedules apart by it")
	case name.known && !scheduleNamePattern.MatchString(name.value):
		r.breaks("Name", "must be 1 to 64 letters, digits, -, _ and ., got %q; rename it", name.value)
	}
	switch {
	case !expression.set:
		r.breaks("Expression", "must be rate(...), cron(...) or at(...), got none; set it")
	case expression.known:
		checkExpression(r, "Expression", expression.value, textOf(p.TimeZone))
	}
	if description := textOf(p.Description); description.known && len(description.value) > maxScheduleDescription {
		r.breaks("Description", "must be at most %d letters, got %d; shorten it", maxScheduleDescription, len(description.value))
	}
	if p.DeadLetterQueue != nil && isTrue(p.DeadLetterQueue.Fifo()) {
		r.breaks("DeadLetterQueue", "must be a standard queue, got a FIFO queue; EventBridge Scheduler cannot send to it")
	}
	window := secondsOf(p.FlexibleWindow)
	r.within("FlexibleWindow", window, minFlexibleSecs, maxFlexibleSecs, "seconds", "leave it unset for exact times")
	if window.known && window.value >= minFlexibleSecs && int(window.value)%60 != 0 {
		r.breaks("FlexibleWindow", "must be whole minutes, got %s seconds; round it", window)
	}
	r.within("MaxEventAge", secondsOf(p.MaxEventAge), minEventAgeSecs, maxEventAgeSecs, "seconds", "see the retry policy of EventBridge Scheduler")
	r.within("RetryAttempts", numberOf(p.RetryAttempts), 0, maxRetries, "retries", "MaxEventAge bounds them too")
}

// checkExpression finds mistakes that would fail the deployment minutes later, in the
// words of the parser with which the local engine runs schedules.
func checkExpression(r *rules, field, expression string, zone text) {
	if zone.known {
		if _, err := schedule.Parse("rate(1 day)", zone.value); err != nil || zone.value == "" {
			r.breaks("TimeZone", "must be the name of a time zone in the IANA database, such as Europe/Oslo, got %q; correct it", zone.value)
		}
	}
	e, err := schedule.Parse(expression, "")
	switch {
	case err == nil && e.NeverDue():
		r.breaks(field, "must be due at some time, got %q, which is never due; correct the days", expression)
	case err != nil:
		r.breaks(field, "must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got %q (%w); rewrite it", expression, errors.Unwrap(err))
	}
}
