package hearth

import (
	"fmt"
	"math"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/internal/wire"
)

var unresolved = number{set: true}

// numberProp returns the prop that [numberOf] reads as n.
func numberProp(n number) *float64 {
	switch {
	case !n.set:
		return nil
	case !n.known:
		return awscdk.Token_AsNumber(map[string]any{"Ref": "Number"})
	}
	return &n.value
}

// durationProp returns the prop that [secondsOf] reads as n.
func durationProp(n number) awscdk.Duration {
	if !n.set {
		return nil
	}
	return awscdk.Duration_Seconds(numberProp(n))
}

// tokenProp returns the prop that [textOf] reads as a token.
func tokenProp() *string { return awscdk.Token_AsString(map[string]any{"Ref": "Text"}, nil) }

// ruleCase is one props value and the messages of its rules.
type ruleCase struct {
	name  string
	check func(*rules)
	want  []string
}

func runRules(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &rules{where: "P"}
			c.check(r)
			var got []string
			for _, err := range r.broken {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("messages differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	within := func(n number) func(*rules) {
		return func(r *rules) { r.within("F", n, 1, 10, "things", "do this") }
	}
	atLeast := func(n number) func(*rules) {
		return func(r *rules) { r.within("F", n, 1, math.Inf(1), "things", "do this") }
	}
	runRules(t, []ruleCase{
		{"unset", within(number{}), nil},
		{"token", within(unresolved), nil},
		{"below", within(known(0)), []string{"P.F must be 1 to 10 things, got 0; do this"}},
		{"lowest", within(known(1)), nil},
		{"fraction", within(known(1.5)), []string{"P.F must be a whole number of things, got 1.5; do this"}},
		{"highest", within(known(10)), nil},
		{"above", within(known(11)), []string{"P.F must be 1 to 10 things, got 11; do this"}},
		{"below no end", atLeast(known(0)), []string{"P.F must be at least 1 thing, got 0; do this"}},
		{"no end", atLeast(known(1e9)), nil},
		{"no number", atLeast(known(math.NaN())), []string{"P.F must be a whole number of things, got NaN; do this"}},
		{"infinity", atLeast(numberOf(jsii.Number(math.Inf(1)))), []string{"P.F must be a whole number of things, got +Inf; do this"}},
		{"negative infinity", atLeast(numberOf(jsii.Number(math.Inf(-1)))), []string{"P.F must be a whole number of things, got -Inf; do this"}},
	})
}

func TestConcurrencyRules(t *testing.T) {
	reserve := func(reserved number) func(*rules) { return (&ConcurrencyProps{Reserved: numberProp(reserved)}).check }
	warm := func(reserved number, p ProvisionedConcurrency) func(*rules) {
		return (&ConcurrencyProps{Provisioned: &p, Reserved: numberProp(reserved)}).check
	}
	fixed := func(reserved, n number) func(*rules) {
		return warm(reserved, ProvisionedConcurrency{Min: numberProp(n)})
	}
	scaled := func(reserved, lowest, highest, busy number) func(*rules) {
		return warm(reserved, ProvisionedConcurrency{Min: numberProp(lowest), Max: numberProp(highest), Utilization: numberProp(busy)})
	}
	hourly := awsapplicationautoscaling.Schedule_Expression(jsii.String("rate(1 hour)"))
	capacity := func(lowest, highest number) *awsapplicationautoscaling.ScalingSchedule {
		return &awsapplicationautoscaling.ScalingSchedule{MaxCapacity: numberProp(highest), MinCapacity: numberProp(lowest), Schedule: hourly}
	}
	hold := func(lowest, highest number, schedules ...*awsapplicationautoscaling.ScalingSchedule) func(*rules) {
		p := ProvisionedConcurrency{HoldAtUpdate: jsii.Bool(true), Max: numberProp(highest), Min: numberProp(lowest), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{}}
		for i, s := range schedules {
			p.Schedules[fmt.Sprint(i)] = s
		}
		return warm(number{}, p)
	}
	neverAbove := []string{"P.Provisioned.HoldAtUpdate must be unset unless Max or a schedule is above Min (2 instances), with which each version starts anyway; remove it, or raise Max"}
	none := number{}
	runRules(t, []ruleCase{
		{"nothing", (*ConcurrencyProps)(nil).check, nil},
		{"hold above", hold(known(2), known(3)), nil},
		{"hold at", hold(known(2), known(2)), neverAbove},
		{"hold fixed", hold(known(2), none), neverAbove},
		{"hold token", hold(unresolved, known(2)), nil},
		{"hold below token", hold(known(2), unresolved), nil},
		{"hold above by schedule", hold(known(2), none, capacity(none, known(3))), nil},
		{"hold above by the minimum of a schedule", hold(known(2), known(2), capacity(known(3), unresolved)), nil},
		{"hold by schedule of a token", hold(known(2), none, capacity(unresolved, none)), nil},
		{"hold at schedule", hold(known(2), none, capacity(known(1), known(2))), neverAbove},
		{"negative reserved", reserve(known(-1)), []string{"P.Reserved must be at least 0 instances, got -1; leave it unset to share the account's unreserved instances"}},
		{"paused", reserve(known(0)), nil},
		{"paused and warm", fixed(known(0), known(2)), []string{"P.Provisioned must be unset while Reserved is 0, which pauses the function, got 2; unset it, or set Reserved to at least 2"}},
		{"paused and none warm", fixed(known(0), known(0)), nil},
		{"reserved token", fixed(unresolved, known(1000)), nil},
		{"no number", fixed(none, none), []string{"P.Provisioned.Min must be at least 1 instance, got none; use Fixed or Autoscaled"}},
		{"none warm", fixed(none, known(0)), []string{"P.Provisioned.Min must be at least 1 instance, got 0; leave Provisioned unset for none"}},
		{"one warm", fixed(none, known(1)), nil},
		{"token warm", fixed(known(1), unresolved), nil},
		{"all warm", fixed(known(5), known(5)), nil},
		{"too many warm", fixed(known(5), known(6)), []string{"P.Provisioned must be at most Reserved (5 instances), got 6; raise Reserved or lower the provisioned number"}},
		{"same max", scaled(none, known(2), known(2), none), nil},
		{"max below min", scaled(none, known(2), known(1), none), []string{"P.Provisioned.Max must be at least Provisioned.Min (2 instances), got 1; raise it, or use Fixed"}},
		{"max token", scaled(known(1), known(1), unresolved, none), nil},
		{"max over reserved", scaled(known(50), known(2), known(60), none), []string{"P.Provisioned must be at most Reserved (50 instances), got 60; raise Reserved or lower the provisioned number"}},
		{"idle", scaled(none, known(1), known(2), known(0.1)), nil},
		{"too idle", scaled(none, known(1), known(2), known(0.09)), []string{"P.Provisioned.Utilization must be 0.1 to 0.9, got 0.09; it is a ratio, so 70% is 0.7"}},
		{"busy", scaled(none, known(1), known(2), known(0.9)), nil},
		{"too busy", scaled(none, known(1), known(2), known(70)), []string{"P.Provisioned.Utilization must be 0.1 to 0.9, got 70; it is a ratio, so 70% is 0.7"}},
		{"schedules", warm(known(10), ProvisionedConcurrency{Min: jsii.Number(1), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
			"day":   capacity(known(5), known(10)),
			"night": capacity(known(1), none),
			"token": capacity(unresolved, unresolved),
		}}), nil},
		{"bad schedules", warm(known(10), ProvisionedConcurrency{Min: jsii.Number(1), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
			"empty":   nil,
			"high":    capacity(none, known(11)),
			"low":     capacity(known(0), none),
			"none":    capacity(none, known(0)),
			"swapped": capacity(known(3), known(2)),
		}}), []string{
			`P.Provisioned.Schedules["empty"].Schedule must be set, got none; it says when the numbers change`,
			`P.Provisioned.Schedules["empty"] must have MinCapacity, MaxCapacity or both, got none; set what changes`,
			`P.Provisioned.Schedules["high"] must be at most Reserved (10 instances), got 11; raise Reserved or lower the provisioned number`,
			`P.Provisioned.Schedules["low"].MinCapacity must be at least 1 instance, got 0; with 0, later deployments of the alias fail; 1 is the least`,
			`P.Provisioned.Schedules["none"].MaxCapacity must be at least 1 instance, got 0; with 0, later deployments of the alias fail; 1 is the least`,
			`P.Provisioned.Schedules["swapped"].MaxCapacity must be at least MinCapacity (3 instances), got 2; raise it`,
		}},
		{"busy token", scaled(none, known(1), known(2), unresolved), nil},
		{"no share", scaled(none, known(1), known(2), known(math.NaN())), []string{"P.Provisioned.Utilization must be 0.1 to 0.9, got NaN; it is a ratio, so 70% is 0.7"}},
		{"a share of a fixed number", scaled(none, known(1), none, known(0.5)), []string{"P.Provisioned.Utilization must be unset without Max, since the number is fixed or follows Schedules; remove it, or set Max"}},
		{"one bound beyond the other", warm(none, ProvisionedConcurrency{Min: jsii.Number(3), Max: jsii.Number(4), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
			"high": capacity(known(5), none),
			"low":  capacity(none, known(2)),
		}}), []string{
			`P.Provisioned.Schedules["high"].MinCapacity must be at most the highest of Max and each MaxCapacity (4 instances), got 5; set MaxCapacity too`,
			`P.Provisioned.Schedules["low"].MaxCapacity must be at least the lowest of Min and each MinCapacity (3 instances), got 2; set MinCapacity too`,
		}},
		{"one bound after another schedule", warm(none, ProvisionedConcurrency{Min: jsii.Number(3), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
			"day":   capacity(known(1), known(9)),
			"high":  capacity(known(5), none),
			"low":   capacity(none, known(2)),
			"token": capacity(unresolved, none),
		}}), nil},
		{"schedules that AWS refuses", warm(none, ProvisionedConcurrency{Min: jsii.Number(1), Max: jsii.Number(2), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{
			"":    capacity(known(1), none),
			"a/b": capacity(known(1), none),
			"bad": {MinCapacity: jsii.Number(1), Schedule: awsapplicationautoscaling.Schedule_Expression(jsii.String("cron(60 3 * * ? *)"))},
		}}), []string{
			`P.Provisioned.Schedules[""] must have a name of 1 to 256 characters other than : / and |, without spaces at its ends; rename it`,
			`P.Provisioned.Schedules["a/b"] must have a name of 1 to 256 characters other than : / and |, without spaces at its ends; rename it`,
			`P.Provisioned.Schedules["bad"].Schedule must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got "cron(60 3 * * ? *)" (minutes must be values from 0 to 59, got "60"); rewrite it`,
		}},
	})
}

func TestHandlerRules(t *testing.T) {
	stack := setup(t)
	logs := awslogs.LogGroup_FromLogGroupName(stack, jsii.String("Logs"), jsii.String("logs"))
	groups := &[]awsec2.ISecurityGroup{awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("Group"), jsii.String("sg-1"), nil)}
	subnets := &awsec2.SubnetSelection{}
	token := awscdk.Token_AsNumber(map[string]any{"Ref": "Size"})
	memory := func(n float64) func(*rules) { return (&HandlerProps{MemorySize: &n}).check }
	timeout := func(n float64) func(*rules) { return (&HandlerProps{Timeout: seconds(n)}).check }
	runRules(t, []ruleCase{
		{"memory below", memory(127), []string{"P.MemorySize must be 128 to 10240 MB, got 127; see the memory limits of Lambda"}},
		{"memory lowest", memory(128), nil},
		{"memory highest", memory(10240), nil},
		{"memory above", memory(10241), []string{"P.MemorySize must be 128 to 10240 MB, got 10241; see the memory limits of Lambda"}},
		{"memory token", memory(*token), nil},
		{"timeout below", timeout(0), []string{"P.Timeout must be 1 to 900 seconds, got 0; split work that takes longer"}},
		{"timeout lowest", timeout(1), nil},
		{"timeout highest", timeout(900), nil},
		{"timeout above", timeout(901), []string{"P.Timeout must be 1 to 900 seconds, got 901; split work that takes longer"}},
		{"timeout token", timeout(*token), nil},
		{"tags in one", (&HandlerProps{BuildTags: []string{"a", "b,c"}}).check, []string{`P.BuildTags must be one tag for each element, got "b,c"; split it`}},
		{"variable names", func(r *rules) {
			checkVariables(r, "Environment", &map[string]*string{"A": jsii.String(""), "AB": jsii.String(""), "_AB": jsii.String(""), "A-B": jsii.String("")})
		}, []string{
			`P.Environment must have names of 2 or more letters, digits and _ that start with a letter, got "A"; rename it`,
			`P.Environment must have names of 2 or more letters, digits and _ that start with a letter, got "A-B"; rename it`,
			`P.Environment must have names of 2 or more letters, digits and _ that start with a letter, got "_AB"; rename it`,
		}},
		{"a variable of Lambda", func(r *rules) { checkVariable(r, "Environment", "AWS_REGION", jsii.String("x")) }, []string{"P.Environment must not have AWS_REGION, which Lambda sets itself; rename it"}},
		{"a variable without a value", func(r *rules) { checkVariables(r, "Environment", &map[string]*string{"AB": nil}) }, []string{"P.Environment must have a value for AB, got nil; remove it, or set an empty string"}},
		{"manifest variable", func(r *rules) { checkVariable(r, "Environment", wire.EnvManifest, jsii.String("x")) }, []string{"P.Environment must not have HEARTH_MANIFEST, with which the program writes its manifest and exits; remove it"}},
		{"two log groups", (&HandlerProps{LogGroup: logs, LogRetention: awslogs.RetentionDays_ONE_DAY}).check, []string{"P.LogRetention must be unset with LogGroup, which has its own retention; remove one of them"}},
		{"no VPC", (&HandlerProps{SecurityGroups: groups, VpcSubnets: subnets}).check, []string{
			"P.SecurityGroups must be unset without Vpc; set Vpc too",
			"P.VpcSubnets must be unset without Vpc; set Vpc too",
		}},
		{"VPC", (&HandlerProps{SecurityGroups: groups, Vpc: newVpc(stack), VpcSubnets: subnets}).check, nil},
	})
}

func TestTimeoutRules(t *testing.T) {
	m := &Manifest{
		HTTP: true, RequestTimeout: 10,
		Queues:    []wire.ManifestQueue{{Name: "jobs", Timeout: 30}, {Name: "endless"}},
		Schedules: []wire.ManifestSchedule{{Name: "nightly", Timeout: 20}},
	}
	check := func(n number) func(*rules) { return func(r *rules) { checkTimeouts(r, m, n) } }
	runRules(t, []ruleCase{
		{"above", check(known(31)), nil},
		{"token", check(unresolved), nil},
		{"at one", check(known(30)), []string{`P.Timeout must be more than 30 seconds, the timeout of a job of queue "jobs" in the program, got 30; raise it or shorten the other`}},
		{"below all", check(known(5)), []string{
			`P.Timeout must be more than 10 seconds, the timeout of a request in the program, got 5; raise it or shorten the other`,
			`P.Timeout must be more than 30 seconds, the timeout of a job of queue "jobs" in the program, got 5; raise it or shorten the other`,
			`P.Timeout must be more than 20 seconds, the timeout of schedule "nightly" in the program, got 5; raise it or shorten the other`,
		}},
	})
	request := func(timeout, limit float64) func(*rules) {
		return func(r *rules) {
			checkRequestTimeout(r, "Handler", "a WebSocket", limit, &Manifest{RequestTimeout: timeout})
		}
	}
	runRules(t, []ruleCase{
		{"request below", request(28.9, 29), nil},
		{"request at", request(29, 29), []string{"P.Handler must be a program whose request timeout is less than 29 seconds, for which a WebSocket API waits, got 29; lower it in App"}},
	})
}

func TestQueueRules(t *testing.T) {
	// consumer returns the rules of a queue with a consumer that takes 60 seconds.
	consumer := func(change func(*queueValues)) func(*rules) {
		v := queueValues{consumed: true, functionTimeout: known(60)}
		change(&v)
		return v.check
	}
	batch := func(fifo bool, size, window number) func(*rules) {
		return consumer(func(v *queueValues) { v.fifo, v.batch, v.window = fifo, size, window })
	}
	none := number{}
	name := func(s string) func(*rules) {
		return queueValues{name: text{value: s, known: true, set: true}}.check
	}
	seventyFive := "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-abcdefghij"
	producer := func(change func(*queueValues)) func(*rules) {
		v := queueValues{}
		change(&v)
		return v.check
	}
	runRules(t, []ruleCase{
		{"nothing", queueValues{}.check, nil},
		{"longest name", name(seventyFive), nil},
		{"too long a name", name(seventyFive + "k"), []string{`P.Name must be 1 to 75 letters, digits, - and _, got "` + seventyFive + `k"; leave ".fifo" out, it is added to the physical name`}},
		{"physical name", name("jobs.fifo"), []string{`P.Name must be 1 to 75 letters, digits, - and _, got "jobs.fifo"; leave ".fifo" out, it is added to the physical name`}},
		{"token name", queueValues{name: text{set: true}}.check, []string{"P.Name must be a plain string, got a token; it is told to the program at synth"}},

		{"default batch", batch(false, none, none), nil},
		{"no batch", batch(false, known(0), none), []string{"P.BatchSize must be 1 to 10000 messages, got 0; Lambda takes no larger batches"}},
		{"batch of 10", batch(false, known(10), none), nil},
		{"batch of 11", batch(false, known(11), none), []string{"P.MaxBatchingWindow must be at least 1 second for a BatchSize of more than 10, got 0 for 11 messages; set it or lower BatchSize"}},
		{"batch of 11 in 1 second", batch(false, known(11), known(1)), nil},
		{"batch of 11 in a token", batch(false, known(11), unresolved), nil},
		{"batch of a token", batch(false, unresolved, none), nil},
		{"largest batch", batch(false, known(10000), known(300)), nil},
		{"too large a batch", batch(false, known(10001), known(300)), []string{"P.BatchSize must be 1 to 10000 messages, got 10001; Lambda takes no larger batches"}},
		{"too long a window", batch(false, none, known(301)), []string{"P.MaxBatchingWindow must be 0 to 300 seconds, got 301; Lambda does not gather messages for longer"}},
		{"FIFO batch of 10", batch(true, known(10), none), nil},
		{"FIFO batch of 11", batch(true, known(11), none), []string{"P.BatchSize must be 1 to 10 messages for a FIFO queue, got 11; Lambda takes no larger batches from it"}},
		{"FIFO window", batch(true, none, known(1)), []string{"P.MaxBatchingWindow must be 0 for a FIFO queue, got 1 seconds; remove it"}},
		{"FIFO window of 0", batch(true, none, known(0)), nil},
		{"FIFO window of a token", batch(true, none, unresolved), nil},

		{"concurrency below", consumer(func(v *queueValues) { v.maxConcurrency = known(1) }), []string{"P.MaxConcurrency must be 2 to 1000 instances, got 1; leave it unset for no bound"}},
		{"concurrency lowest", consumer(func(v *queueValues) { v.maxConcurrency = known(2) }), nil},
		{"concurrency highest", consumer(func(v *queueValues) { v.maxConcurrency = known(1000) }), nil},
		{"concurrency above", consumer(func(v *queueValues) { v.maxConcurrency = known(1001) }), []string{"P.MaxConcurrency must be 2 to 1000 instances, got 1001; leave it unset for no bound"}},
		{"concurrency token", consumer(func(v *queueValues) { v.maxConcurrency = unresolved }), nil},

		{"visibility below", consumer(func(v *queueValues) { v.visibility, v.window = known(364), known(5) }), []string{"P.VisibilityTimeout must be at least 6 times the function's timeout plus MaxBatchingWindow (6 × 60 + 5 = 365 seconds), got 364; raise it or leave it unset"}},
		{"visibility at", consumer(func(v *queueValues) { v.visibility, v.window = known(365), known(5) }), nil},
		{"visibility token", consumer(func(v *queueValues) { v.visibility = unresolved }), nil},
		{"visibility highest", consumer(func(v *queueValues) { v.visibility = known(43200) }), nil},
		{"visibility above", consumer(func(v *queueValues) { v.visibility = known(43201) }), []string{"P.VisibilityTimeout must be 0 to 43200 seconds, got 43201; a message cannot be hidden longer than 12 hours"}},
		{"visibility of a stranger", consumer(func(v *queueValues) { v.functionTimeout = none }), []string{"P.VisibilityTimeout must be set when the timeout of Handler is not known here, got none; set it, or FunctionTimeout"}},
		{"visibility set for a stranger", consumer(func(v *queueValues) { v.functionTimeout, v.visibility = none, known(60) }), nil},
		{"visibility of a producer", producer(func(v *queueValues) { v.visibility = known(0) }), nil},

		{"retention below", producer(func(v *queueValues) { v.retention = known(59) }), []string{"P.RetentionPeriod must be 60 to 1209600 seconds, got 59; a message cannot wait longer than 14 days"}},
		{"retention lowest", producer(func(v *queueValues) { v.retention = known(60) }), nil},
		{"retention highest", producer(func(v *queueValues) { v.retention = known(1209600) }), nil},
		{"retention above", producer(func(v *queueValues) { v.retention = known(1209601) }), []string{"P.RetentionPeriod must be 60 to 1209600 seconds, got 1209601; a message cannot wait longer than 14 days"}},
		{"dead letters below", producer(func(v *queueValues) { v.deadRetention = known(345599) }), []string{"P.DeadLetterRetention must be at least RetentionPeriod (345600 seconds), got 345599; its clock starts when the message is first sent, so less deletes failed messages at once"}},
		{"dead letters at", producer(func(v *queueValues) { v.deadRetention = known(345600) }), nil},
		{"dead letters token", producer(func(v *queueValues) { v.deadRetention = unresolved }), nil},
		{"delay highest", producer(func(v *queueValues) { v.delay = known(900) }), nil},
		{"delay above", producer(func(v *queueValues) { v.delay = known(901) }), []string{"P.DeliveryDelay must be 0 to 900 seconds, got 901; use a schedule for longer delays"}},
		{"no receives", producer(func(v *queueValues) { v.receives = known(0) }), []string{"P.MaxReceiveCount must be 1 to 1000 receives, got 0; 5 or more is advised"}},
		{"one receive", producer(func(v *queueValues) { v.receives = known(1) }), nil},

		{"standard queue with FIFO props", producer(func(v *queueValues) { v.contentDedup, v.highThroughput = true, true }), []string{
			"P.ContentBasedDeduplication must be unset for a standard queue, which does not deduplicate; set Fifo, or remove it",
			"P.HighThroughput must be unset for a standard queue, whose throughput is nearly unlimited; set Fifo, or remove it",
		}},
		{"consumer props of a producer", producer(func(v *queueValues) { v.batch, v.maxConcurrency = known(1), known(2) }), []string{
			"P.BatchSize must be unset without Handler, as nothing consumes the queue; set Handler too",
			"P.MaxConcurrency must be unset without Handler, as nothing consumes the queue; set Handler too",
		}},
		{"props of an existing queue", consumer(func(v *queueValues) {
			v.existing, v.fifo, v.wantFifo = true, true, jsii.Bool(false)
			v.visibility, v.encrypted = known(1), true
		}), []string{
			"P.Fifo must be the kind of Queue, which is FIFO, got false; remove Fifo or pass another queue",
			"P.EncryptionMasterKey must be unset with Queue, which has its own; set it where that queue is created",
			"P.VisibilityTimeout must be unset with Queue, which has its own; set it where that queue is created",
		}},
	})
}

func TestScheduleRules(t *testing.T) {
	expression := func(s string) func(*rules) {
		return (&ScheduleProps{Expression: &s, Name: jsii.String("nightly")}).check
	}
	with := func(change func(*ScheduleProps)) func(*rules) {
		p := &ScheduleProps{Expression: jsii.String("rate(1 minute)"), Name: jsii.String("nightly")}
		change(p)
		return p.check
	}
	dead := awssqs.NewQueue(setup(t), jsii.String("Dead"), &awssqs.QueueProps{Fifo: jsii.Bool(true)})
	notLike := func(s, why string) []string {
		return []string{`P.Expression must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got "` + s + `" (` + why + `); rewrite it`}
	}
	rate := "rate must be a number from 1 and minutes, hours or days, got "
	runRules(t, []ruleCase{
		{"nothing", (&ScheduleProps{}).check, []string{
			"P.Name must be set, got none; the program tells its schedules apart by it",
			"P.Expression must be rate(...), cron(...) or at(...), got none; set it",
		}},
		{"tokens", with(func(p *ScheduleProps) {
			p.Name, p.Expression = tokenProp(), tokenProp()
			p.FlexibleWindow, p.MaxEventAge, p.RetryAttempts = durationProp(unresolved), durationProp(unresolved), numberProp(unresolved)
		}), nil},
		{"rate", expression("rate(5 minutes)"), nil},
		{"rate of one", expression("rate(1 hour)"), nil},
		{"rate of none", expression("rate(0 minutes)"), notLike("rate(0 minutes)", rate+`"0 minutes"`)},
		{"rate in seconds", expression("rate(30 seconds)"), notLike("rate(30 seconds)", rate+`"30 seconds"`)},
		{"cron", expression("cron(0 3 * * ? *)"), nil},
		{"cron of Unix", expression("cron(0 3 * * *)"), notLike("cron(0 3 * * *)", "cron must have 6 fields: minutes, hours, day of month, month, day of week, year; got 5")},
		{"cron of no minute", expression("cron(60 3 * * ? *)"), notLike("cron(60 3 * * ? *)", `minutes must be values from 0 to 59, got "60"`)},
		{"cron of two days", expression("cron(0 3 * * * *)"), notLike("cron(0 3 * * * *)", `one of day of month and day of week must be ?, and only one; got "*" and "*"`)},
		{"zone", with(func(p *ScheduleProps) { p.TimeZone = jsii.String("Europe/Berlin") }), nil},
		{"no zone", with(func(p *ScheduleProps) { p.TimeZone = jsii.String("Europe/Berln") }), []string{`P.TimeZone must be the name of a time zone in the IANA database, such as Europe/Oslo, got "Europe/Berln"; correct it`}},
		{"zone token", with(func(p *ScheduleProps) { p.TimeZone = tokenProp() }), nil},
		{"zone of one machine", with(func(p *ScheduleProps) { p.TimeZone = jsii.String("posix/Europe/Berlin") }), []string{`P.TimeZone must be the name of a time zone in the IANA database, such as Europe/Oslo, got "posix/Europe/Berlin"; correct it`}},
		{"never", expression("cron(0 3 31 2 ? *)"), []string{`P.Expression must be due at some time, got "cron(0 3 31 2 ? *)", which is never due; correct the days`}},
		{"leap years", expression("cron(0 3 29 2 ? *)"), nil},
		{"past", expression("at(2020-01-31T09:00:00)"), nil},
		{"capitals", expression("Rate(5 minutes)"), nil},
		{"at", expression("at(2027-01-31T09:00:00)"), nil},
		{"at with a zone", expression("at(2027-01-31T09:00:00Z)"), notLike("at(2027-01-31T09:00:00Z)", `at must hold a time such as 2027-01-31T08:00:00, got "2027-01-31T09:00:00Z"`)},
		{"bare", expression("5 minutes"), notLike("5 minutes", "must be cron(…), rate(…) or at(…)")},
		{"bad name", (&ScheduleProps{Expression: tokenProp(), Name: jsii.String("a b")}).check, []string{`P.Name must be 1 to 64 letters, digits, -, _ and ., got "a b"; rename it`}},
		{"FIFO dead letters", with(func(p *ScheduleProps) { p.DeadLetterQueue = dead }), []string{"P.DeadLetterQueue must be a standard queue, got a FIFO queue; EventBridge Scheduler cannot send to it"}},
		{"age below", with(func(p *ScheduleProps) { p.MaxEventAge = seconds(59) }), []string{"P.MaxEventAge must be 60 to 86400 seconds, got 59; see the retry policy of EventBridge Scheduler"}},
		{"age lowest", with(func(p *ScheduleProps) { p.MaxEventAge = seconds(60) }), nil},
		{"age highest", with(func(p *ScheduleProps) { p.MaxEventAge = seconds(86400) }), nil},
		{"age above", with(func(p *ScheduleProps) { p.MaxEventAge = seconds(86401) }), []string{"P.MaxEventAge must be 60 to 86400 seconds, got 86401; see the retry policy of EventBridge Scheduler"}},
		{"retries highest", with(func(p *ScheduleProps) { p.RetryAttempts = jsii.Number(185) }), nil},
		{"retries above", with(func(p *ScheduleProps) { p.RetryAttempts = jsii.Number(186) }), []string{"P.RetryAttempts must be 0 to 185 retries, got 186; MaxEventAge bounds them too"}},
		{"window lowest", with(func(p *ScheduleProps) { p.FlexibleWindow = seconds(60) }), nil},
		{"window below", with(func(p *ScheduleProps) { p.FlexibleWindow = seconds(59) }), []string{"P.FlexibleWindow must be 60 to 86400 seconds, got 59; leave it unset for exact times"}},
		{"window of seconds", with(func(p *ScheduleProps) { p.FlexibleWindow = seconds(90) }), []string{"P.FlexibleWindow must be whole minutes, got 90 seconds; round it"}},
	})
}

// databaseRules returns the rules of a proxy of a cluster, with changes.
func databaseRules(stack awscdk.Stack) func(change func(*DatabaseProxyProps)) func(*rules) {
	vpc := newIsolatedVpc(stack)
	cluster := newCluster(stack, vpc)
	return func(change func(*DatabaseProxyProps)) func(*rules) {
		p := &DatabaseProxyProps{Cluster: cluster, Database: jsii.String("app"), Secrets: &[]awssecretsmanager.ISecret{cluster.Secret()}, Vpc: vpc}
		change(p)
		return func(r *rules) { p.check(r, p.engineFamily()) }
	}
}

func TestDatabaseRules(t *testing.T) {
	stack := setup(t)
	with := databaseRules(stack)
	foreign := awsrds.DatabaseCluster_FromDatabaseClusterAttributes(stack, jsii.String("Foreign"), &awsrds.DatabaseClusterAttributes{ClusterIdentifier: jsii.String("foreign")})
	instance := func(engine awsrds.IInstanceEngine) awsrds.IDatabaseInstance {
		return awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(stack, jsii.String("Instance"+*engine.EngineType()), &awsrds.DatabaseInstanceAttributes{
			Engine: engine, InstanceEndpointAddress: jsii.String("a"), InstanceIdentifier: jsii.String("i"), Port: jsii.Number(1), SecurityGroups: &[]awsec2.ISecurityGroup{},
		})
	}
	postgres, sqlServer := instance(awsrds.DatabaseInstanceEngine_POSTGRES()), instance(awsrds.DatabaseInstanceEngine_SQL_SERVER_EX())
	secret := awssecretsmanager.NewSecret(stack, jsii.String("Secret"), nil)
	runRules(t, []ruleCase{
		{"cluster", with(func(*DatabaseProxyProps) {}), nil},
		{"nothing", func(r *rules) { (&DatabaseProxyProps{}).check(r, text{}) }, []string{
			"P.Cluster must be set unless Instance is, got none; pass the database",
			"P.Vpc must be set, got none; pass the VPC of the database",
		}},
		{"two databases", with(func(p *DatabaseProxyProps) { p.Instance = postgres }), []string{"P.Cluster must be unset with Instance, as a proxy has one database; remove one of them"}},
		{"imported without engine", with(func(p *DatabaseProxyProps) { p.Cluster = foreign }), []string{"P.Cluster must have its engine, got none; import it with Engine, Port and SecurityGroups"}},
		{"another engine", with(func(p *DatabaseProxyProps) { p.Cluster, p.Instance = nil, sqlServer }), []string{`P.Instance must be PostgreSQL or MySQL, got the engine family "SQLSERVER"; use another database`}},
		{"no secret", with(func(p *DatabaseProxyProps) { p.Secrets = nil }), []string{"P.Secrets must have at least 1 secret, got none, and Cluster tells none; pass the secret of User"}},
		{"whose secret", with(func(p *DatabaseProxyProps) { p.Secrets = &[]awssecretsmanager.ISecret{secret, secret} }), []string{"P.User must be set with more than 1 of Secrets, got none for 2; name the one that programs log in as"}},
		{"no name", with(func(p *DatabaseProxyProps) { p.Database = nil }), []string{"P.Database must be set when Cluster was created without a database name, got none; name the database to open"}},
		{"everybody", with(func(p *DatabaseProxyProps) { p.User = jsii.String("*") }), []string{`P.User must be one database user, got "*"; a program logs in as one`}},
		{"borrow highest", with(func(p *DatabaseProxyProps) { p.BorrowTimeout = seconds(3600) }), nil},
		{"borrow above", with(func(p *DatabaseProxyProps) { p.BorrowTimeout = seconds(3601) }), []string{"P.BorrowTimeout must be 0 to 3600 seconds, got 3601; 0 waits without end"}},
		{"idle lowest", with(func(p *DatabaseProxyProps) { p.IdleClientTimeout = seconds(1) }), nil},
		{"idle below", with(func(p *DatabaseProxyProps) { p.IdleClientTimeout = seconds(0) }), []string{"P.IdleClientTimeout must be 1 to 28800 seconds, got 0; leave it unset for 30 minutes"}},
		{"idle above", with(func(p *DatabaseProxyProps) { p.IdleClientTimeout = seconds(28801) }), []string{"P.IdleClientTimeout must be 1 to 28800 seconds, got 28801; leave it unset for 30 minutes"}},
		{"pool below", with(func(p *DatabaseProxyProps) { p.MaxConnectionsPercent = jsii.Number(0) }), []string{"P.MaxConnectionsPercent must be 1 to 100 percent, got 0; lower it to leave connections to others"}},
		{"pool highest", with(func(p *DatabaseProxyProps) { p.MaxConnectionsPercent = jsii.Number(100) }), nil},
		{"pool above", with(func(p *DatabaseProxyProps) { p.MaxConnectionsPercent = jsii.Number(101) }), []string{"P.MaxConnectionsPercent must be 1 to 100 percent, got 101; lower it to leave connections to others"}},
		{"tokens", with(func(p *DatabaseProxyProps) {
			p.BorrowTimeout, p.IdleClientTimeout, p.MaxConnectionsPercent = durationProp(unresolved), durationProp(unresolved), numberProp(unresolved)
			p.User, p.Database = tokenProp(), tokenProp()
		}), nil},
	})
}

func TestApiRules(t *testing.T) {
	logs := awslogs.LogGroup_FromLogGroupName(setup(t), jsii.String("Logs"), jsii.String("logs"))
	throttle := func(n float64) *awsapigatewayv2.ThrottleSettings {
		return &awsapigatewayv2.ThrottleSettings{BurstLimit: &n, RateLimit: &n}
	}
	off := []string{
		"P.AccessLogGroup must be unset while AccessLogs is false; remove one of them",
		"P.AccessLogRetention must be unset while AccessLogs is false; remove one of them",
		"P.AccessLogRetention must be unset with AccessLogGroup, which has its own retention; remove one of them",
	}
	negative := []string{
		"P.Throttle.BurstLimit must be at least 0 requests, got -1; leave it unset for the account's quota",
		"P.Throttle.RateLimit must be at least 0 requests per second, got -1; leave it unset for the account's quota",
	}
	stage := []string{`P.StageName must be 1 to 128 letters, digits, - and _, got "a.b"; rename it`}
	day := awslogs.RetentionDays_ONE_DAY
	runRules(t, []ruleCase{
		{"HTTP", (&HttpApiProps{}).check, nil},
		{"HTTP, logs", (&HttpApiProps{AccessLogGroup: logs}).check, nil},
		{"HTTP, logs off", (&HttpApiProps{AccessLogs: jsii.Bool(false), AccessLogGroup: logs, AccessLogRetention: day}).check, off},
		{"HTTP, no requests", (&HttpApiProps{Throttle: throttle(0)}).check, nil},
		{"HTTP, negative", (&HttpApiProps{Throttle: throttle(-1)}).check, negative},
		{"HTTP, less than a request per second", (&HttpApiProps{Throttle: &awsapigatewayv2.ThrottleSettings{RateLimit: jsii.Number(0.5)}}).check, nil},
		{"HTTP, any rate", (&HttpApiProps{Throttle: &awsapigatewayv2.ThrottleSettings{RateLimit: jsii.Number(math.Inf(1))}}).check, []string{
			"P.Throttle.RateLimit must be at least 0 requests per second, got +Inf; leave it unset for the account's quota",
		}},
		{"HTTP, stage", (&HttpApiProps{StageName: jsii.String("v1_a-b")}).check, nil},
		{"HTTP, default stage", (&HttpApiProps{StageName: jsii.String("$default")}).check, nil},
		{"HTTP, stage token", (&HttpApiProps{StageName: tokenProp()}).check, nil},
		{"HTTP, bad stage", (&HttpApiProps{StageName: jsii.String("a.b")}).check, stage},
		{"WebSocket", (&WebSocketApiProps{}).check, nil},
		{"WebSocket, logs", (&WebSocketApiProps{AccessLogs: jsii.Bool(true), AccessLogRetention: day}).check, nil},
		{"WebSocket, logs off", (&WebSocketApiProps{AccessLogGroup: logs, AccessLogRetention: day}).check, off},
		{"WebSocket, negative", (&WebSocketApiProps{Throttle: throttle(-1)}).check, negative},
		{"WebSocket, default stage", (&WebSocketApiProps{StageName: jsii.String("$default")}).check, []string{`P.StageName must be 1 to 128 letters, digits, - and _, got "$default"; rename it`}},
		{"REST", (&RestApiProps{}).check, nil},
		{"REST, logs", (&RestApiProps{AccessLogs: jsii.Bool(true), AccessLogGroup: logs}).check, nil},
		{"REST, logs off", (&RestApiProps{AccessLogGroup: logs, AccessLogRetention: day}).check, off},
		{"REST, negative", (&RestApiProps{Throttle: throttle(-1)}).check, negative},
		{"REST, bad stage", (&RestApiProps{StageName: jsii.String("a.b")}).check, stage},
	})
}

// TestTokens shows that values that only CloudFormation resolves are accepted.
func TestTokens(t *testing.T) {
	stack := setup(t)
	param := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")})
	if got := numberOf(param.ValueAsNumber()); got != unresolved {
		t.Errorf("numberOf(token) = %+v, want %+v", got, unresolved)
	}
	if got := secondsOf(awscdk.Duration_Seconds(param.ValueAsNumber())); got != unresolved {
		t.Errorf("secondsOf(token) = %+v, want %+v", got, unresolved)
	}
	if got, want := textOf(param.ValueAsString()), (text{set: true}); got != want {
		t.Errorf("textOf(token) = %+v, want %+v", got, want)
	}
	if got, want := secondsOf(awscdk.Duration_Millis(jsii.Number(1500))), known(1.5); got != want {
		t.Errorf("secondsOf(1500 ms) = %+v, want %+v", got, want)
	}
}
