package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

func TestQueuePollersAndFilters(t *testing.T) {
	stack := setup(t)
	dead := awssqs.NewQueue(stack, jsii.String("Dead"), nil)
	q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{
		DeadLetterQueue: dead,
		Filters:         &[]*map[string]any{awslambda.FilterCriteria_Filter(&map[string]any{"body": map[string]any{"kind": awslambda.FilterRule_IsEqual("resize")}})},
		Handler:         existingFunction(stack),
		Pollers:         &PollersProps{Min: jsii.Number(3), Max: jsii.Number(5)},
	})
	if q.DeadLetterQueue != awssqs.IQueue(dead) {
		t.Error("the dead-letter queue must be the given one")
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(2))
	template.HasResourceProperties(jsii.String("AWS::Lambda::EventSourceMapping"), map[string]any{
		"FilterCriteria":          map[string]any{"Filters": []any{map[string]any{"Pattern": `{"body":{"kind":["resize"]}}`}}},
		"ProvisionedPollerConfig": map[string]any{"MinimumPollers": 3, "MaximumPollers": 5},
		"ScalingConfig":           assertions.Match_Absent(),
	})
}

func TestQueueAlarms(t *testing.T) {
	stack := setup(t)
	q := NewQueue(stack, jsii.String("Jobs"), nil)
	topic := awssns.NewTopic(stack, jsii.String("Topic"), nil)
	alarms := q.AddAlarms(&QueueAlarmsProps{
		Actions:       &[]awscloudwatch.IAlarmAction{awscloudwatchactions.NewSnsAction(topic)},
		DeadLetters:   jsii.Number(3),
		OldestMessage: seconds(120),
	})
	if q.AddAlarms(nil) != alarms {
		t.Error("a second call must return the same alarms")
	}
	golden(t, stack)
}

func TestQueueAlarmsOfExisting(t *testing.T) {
	stack := setup(t)
	q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Queue: awssqs.NewQueue(stack, jsii.String("Mine"), nil)})
	if alarms := q.AddAlarms(nil); alarms.DeadLetters != nil || alarms.OldestMessage == nil {
		t.Error("the dead-letter queue of an existing queue is not known")
	}
	got := refusal(t, func() { q.GrantRedrive(existingFunction(stack)) })
	want := "Test/Jobs: 1 problem\n  - QueueProps.Queue must be unset for GrantRedrive, as the dead-letter queue of an existing queue is not known; grant it where that queue is created"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQueueAlarmRules(t *testing.T) {
	for name, c := range map[string]struct {
		props *QueueAlarmsProps
		want  string
	}{
		"no letters":    {&QueueAlarmsProps{DeadLetters: jsii.Number(0)}, "QueueAlarmsProps.DeadLetters must be 1 to 1000000 messages, got 0; leave it unset for 1"},
		"too early":     {&QueueAlarmsProps{OldestMessage: seconds(59)}, "QueueAlarmsProps.OldestMessage must be 60 to 1209600 seconds, got 59; no message waits longer than 14 days"},
		"much too late": {&QueueAlarmsProps{OldestMessage: awscdk.Duration_Days(jsii.Number(15))}, "QueueAlarmsProps.OldestMessage must be 60 to 1209600 seconds, got 1296000; no message waits longer than 14 days"},
	} {
		t.Run(name, func(t *testing.T) {
			q := NewQueue(setup(t), jsii.String("Jobs"), nil)
			if got, want := refusal(t, func() { q.AddAlarms(c.props) }), "Test/Jobs: 1 problem\n  - "+c.want; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestQueueRedriveAllowPolicy: the dead-letter queue of a queue with a name, which may be
// a token, admits that queue alone.
func TestQueueRedriveAllowPolicy(t *testing.T) {
	for name, test := range map[string]struct {
		props QueueProps
		want  string // the end of the ARN; "" for no policy
	}{
		"generated":   {QueueProps{}, ""},
		"fixed":       {QueueProps{QueueName: jsii.String("jobs")}, `":jobs"`},
		"fixed, FIFO": {QueueProps{Fifo: jsii.Bool(true), QueueName: jsii.String("jobs")}, `":jobs.fifo"`},
		"token":       {QueueProps{QueueName: jsii.String(*awscdk.Aws_STACK_NAME() + "-jobs")}, `":",{"Ref":"AWS::StackName"},"-jobs"`},
		"token, FIFO": {QueueProps{Fifo: jsii.Bool(true), QueueName: jsii.String(*awscdk.Aws_STACK_NAME() + "-jobs")}, `":",{"Ref":"AWS::StackName"},"-jobs.fifo"`},
		"by its prop": {QueueProps{RefineDeadLetterQueue: func(p *awssqs.QueueProps) {
			p.RedriveAllowPolicy = &awssqs.RedriveAllowPolicy{SourceQueues: &[]awssqs.IQueue{
				awssqs.Queue_FromQueueArn(setup(t), jsii.String("Own"), jsii.String("arn:aws:sqs:eu-north-1:123456789012:Test-Jobs-1")),
			}}
		}}, `["arn:aws:sqs:eu-north-1:123456789012:Test-Jobs-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			NewQueue(stack, jsii.String("Jobs"), &test.props)
			var dead string
			for id, queue := range resources(stack, "AWS::SQS::Queue") {
				if strings.HasPrefix(id, "JobsDeadLetterQueue") {
					dead = queue
				}
			}
			switch {
			case test.want == "":
				if dead == "" || strings.Contains(dead, "RedriveAllowPolicy") {
					t.Error(dead)
				}
			case !strings.Contains(dead, `"redrivePermission":"byQueue"`) || !strings.Contains(dead, test.want+"]"):
				t.Errorf("no %s in %s", test.want, dead)
			}
		})
	}
}

// TestGivenDeadLetterQueue shows the rules of a dead-letter queue that the app creates.
func TestGivenDeadLetterQueue(t *testing.T) {
	days := func(n float64) awscdk.Duration { return awscdk.Duration_Days(jsii.Number(n)) }
	given := func(fifo *bool, retention awscdk.Duration, dead *awssqs.QueueProps) func(awscdk.Stack) {
		return func(stack awscdk.Stack) {
			dead.Fifo = fifo
			NewQueue(stack, jsii.String("It"), &QueueProps{DeadLetterQueue: awssqs.NewQueue(stack, jsii.String("Dead"), dead), Fifo: fifo, RetentionPeriod: retention})
		}
	}
	policy := func(permission awssqs.RedrivePermission) *awssqs.QueueProps {
		return &awssqs.QueueProps{RedriveAllowPolicy: &awssqs.RedriveAllowPolicy{RedrivePermission: permission}}
	}
	fifo := jsii.Bool(true)
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"as long":     {given(nil, days(10), &awssqs.QueueProps{RetentionPeriod: days(10)}), ""},
		"shorter":     {given(nil, days(10), &awssqs.QueueProps{RetentionPeriod: days(9)}), "QueueProps.DeadLetterQueue.RetentionPeriod must be at least RetentionPeriod (864000 seconds), got 777600; its clock starts when the message is first sent, so less deletes failed messages at once"},
		"defaults":    {given(nil, nil, &awssqs.QueueProps{}), ""},
		"SQS default": {given(nil, days(5), &awssqs.QueueProps{}), "QueueProps.DeadLetterQueue.RetentionPeriod must be at least RetentionPeriod (432000 seconds), got 345600"},
		"FIFO":        {given(fifo, days(10), &awssqs.QueueProps{RetentionPeriod: days(1)}), ""},
		"imported": {func(s awscdk.Stack) {
			dead := awssqs.Queue_FromQueueArn(s, jsii.String("Dead"), jsii.String("arn:aws:sqs:"+here+":"+ours+":dead"))
			NewQueue(s, jsii.String("It"), &QueueProps{DeadLetterQueue: dead, RetentionPeriod: days(14)})
		}, ""},
		"admits all":  {given(nil, nil, policy(awssqs.RedrivePermission_ALLOW_ALL)), ""},
		"admits none": {given(nil, nil, policy(awssqs.RedrivePermission_DENY_ALL)), "QueueProps.DeadLetterQueue must be a queue that this one may use, got one whose redrive allow policy denies all; change that policy, or leave it unset for a new one"},
	})
}

func TestQueueRedrive(t *testing.T) {
	stack := setup(t)
	q := NewQueue(stack, jsii.String("Jobs"), nil)
	q.GrantRedrive(awsiam.NewRole(stack, jsii.String("Operator"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()}))
	template(stack).HasResourceProperties(jsii.String("AWS::IAM::Policy"), map[string]any{"PolicyDocument": map[string]any{
		"Statement": assertions.Match_ArrayWith(&[]any{map[string]any{
			"Action": []any{"sqs:CancelMessageMoveTask", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ListMessageMoveTasks", "sqs:ReceiveMessage", "sqs:StartMessageMoveTask"},
			"Effect": "Allow", "Resource": map[string]any{"Fn::GetAtt": []any{assertions.Match_StringLikeRegexp(jsii.String("JobsDeadLetterQueue")), "Arn"}},
		}}),
	}})
}

func TestQueueSourceRules(t *testing.T) {
	consumer := func(change func(*queueValues)) func(*rules) {
		v := queueValues{consumed: true, functionTimeout: known(60)}
		change(&v)
		return v.check
	}
	pollers := func(least, most number) func(*rules) {
		return consumer(func(v *queueValues) { v.pollers, v.minPollers, v.maxPollers = true, least, most })
	}
	none := number{}
	runRules(t, []ruleCase{
		{"pollers by default", pollers(none, none), nil},
		{"pollers lowest", pollers(known(2), known(2)), nil},
		{"pollers below", pollers(known(1), none), []string{"P.Pollers.Min must be 2 to 200 pollers, got 1; leave it unset for 2"}},
		{"pollers highest", pollers(known(200), known(10000)), nil},
		{"pollers above", pollers(known(201), known(10001)), []string{
			"P.Pollers.Min must be 2 to 200 pollers, got 201; leave it unset for 2",
			"P.Pollers.Max must be 2 to 10000 pollers, got 10001; leave it unset for 200",
		}},
		{"pollers swapped", pollers(known(4), known(3)), []string{"P.Pollers.Max must be at least Pollers.Min (4 pollers), got 3; raise it"}},
		{"pollers token", pollers(unresolved, known(2)), nil},
		{"pollers and concurrency", consumer(func(v *queueValues) { v.pollers, v.maxConcurrency = true, known(5) }), []string{"P.MaxConcurrency must be unset with Pollers, whose Max bounds the instances; remove one of them"}},
		{"10 filters", consumer(func(v *queueValues) { v.filters = 10 }), nil},
		{"11 filters", consumer(func(v *queueValues) { v.filters = 11 }), []string{"P.Filters must be at most 10 patterns, got 11; join some of them, or filter in the program"}},
		{"dead letters of another kind", consumer(func(v *queueValues) { v.ownDead, v.deadFifo = true, true }), []string{"P.DeadLetterQueue must be a standard queue, as the queue is, got a FIFO queue; pass another one"}},
		{"dead letters with retention", consumer(func(v *queueValues) { v.ownDead, v.deadRetention = true, known(60) }), []string{"P.DeadLetterRetention must be unset with DeadLetterQueue, which has its own; set it where that queue is created"}},
		{"pollers of a producer", queueValues{pollers: true, filters: 1}.check, []string{
			"P.Filters must be unset without Handler, as nothing consumes the queue; set Handler too",
			"P.Pollers must be unset without Handler, as nothing consumes the queue; set Handler too",
		}},
	})
}
