package hearth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

func TestMonitoringMinimal(t *testing.T) {
	stack := setup(t)
	NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{
		Dashboard: jsii.Bool(false),
		Handlers:  []*Handler{NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})},
	})
	golden(t, stack)
}

func TestMonitoringFull(t *testing.T) {
	stack := setup(t)
	vpc := newVpc(stack)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: Autoscaled(2, 20)},
		Database:    &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc},
		Monitoring: &MonitoringProps{
			Actions:            &[]awscloudwatch.IAlarmAction{awscloudwatchactions.NewSnsAction(awssns.NewTopic(stack, jsii.String("Topic"), nil))},
			DashboardName:      jsii.String("backend"),
			AccountConcurrency: jsii.Number(1000),
			ErrorsPerMinute:    jsii.Number(3),
			FailedPercent:      jsii.Number(2),
			JobsFailedPercent:  jsii.Number(50),
			OldestMessage:      seconds(300),
			SpilloverPercent:   jsii.Number(20),
		},
		Queues: map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(5)}, "screenshots": {MaxConcurrency: jsii.Number(10)}},
	})
	// Throttles, errors, timeouts, healing, init errors, spill-over, event age, dropped events;
	// HTTP and WebSocket API; three for each queue; schedules; connections; account; lost
	// runs.
	if got, want := len(b.Monitoring.Alarms), 8+2+2*3+2+1+1+1; got != want {
		t.Errorf("%d alarms, want %d", got, want)
	}
	for id, alarm := range resources(stack, "AWS::CloudWatch::Alarm") {
		if !strings.Contains(alarm, `"AlarmActions":[{"Ref":"Topic`) || !strings.Contains(alarm, "AlarmDescription") {
			t.Errorf("%s must notify and say what happened: %s", id, alarm)
		}
	}
	golden(t, stack)
}

// TestMonitoringJobs shows that each function has alarms of its own.
func TestMonitoringJobs(t *testing.T) {
	stack := setup(t)
	b := newSeparateBackend(stack)
	m := NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{Backend: b})
	if got, want := len(m.Alarms), 6+(5+2)+2+2*3+2+1; got != want {
		t.Errorf("%d alarms, want %d", got, want)
	}
	template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Dashboard"), jsii.Number(1))
}

func TestMonitoringRules(t *testing.T) {
	percent := func(n *float64) func(*rules) { return (&MonitoringProps{FailedPercent: n}).check }
	number := func(n float64) *float64 { return jsii.Number(n) }
	runRules(t, []ruleCase{
		{"nothing", (&MonitoringProps{}).checkParts, []string{"P.Backend must be set unless parts are, got nothing to watch; pass a Backend, Handlers, Queues or another part"}},
		{"something", (&MonitoringProps{Queues: []*Queue{nil}}).checkParts, nil},
		{"name of nothing", (&MonitoringProps{Dashboard: jsii.Bool(false), DashboardName: jsii.String("it")}).check, []string{"P.DashboardName must be unset while Dashboard is false; remove one of them"}},
		{"no errors", (&MonitoringProps{ErrorsPerMinute: number(0)}).check, []string{"P.ErrorsPerMinute must be 1 to 1000000 errors, got 0; leave it unset for 1"}},
		{"half", percent(number(50)), nil},
		{"none", percent(number(0)), []string{"P.FailedPercent must be 1 to 100 percent, got 0; leave it unset for the default"}},
		{"all", percent(number(100)), nil},
		{"more than all", percent(number(101)), []string{"P.FailedPercent must be 1 to 100 percent, got 101; leave it unset for the default"}},
		{"percent token", percent(awscdk.Token_AsNumber(map[string]any{"Ref": "Percent"})), nil},
		{"no account", (&MonitoringProps{AccountConcurrency: number(0)}).check, []string{"P.AccountConcurrency must be 1 to 1000000 instances, got 0; it is the quota of the account"}},
	})
}

// TestEveryPartHasAnAlarm shows that each total failure raises an alarm. Its metric
// counts just that failure, with the dimensions that AWS documents. Lambda's Errors
// counts none of them, because the program answers.
func TestEveryPartHasAnAlarm(t *testing.T) {
	for way, props := range map[string]*BackendProps{
		"Http": {Http: &HttpApiProps{}}, "Rest": {Rest: &RestApiProps{}}, "FunctionUrl": {FunctionUrl: &FunctionUrlProps{}},
	} {
		t.Run(way, func(t *testing.T) {
			stack := setup(t)
			props.Entry, props.Monitoring = entry("full"), &MonitoringProps{}
			NewBackend(stack, jsii.String("Backend"), props)
			alarms := resources(stack, "AWS::CloudWatch::Alarm")
			var all []string
			for _, alarm := range alarms {
				all = append(all, alarm)
			}
			wants := map[string][]string{
				"sockets":   {`"MetricName":"IntegrationError","Namespace":"AWS/ApiGateway"`, `"MetricName":"ExecutionError"`, `"Name":"ApiId"`, `SocketsFailed","Namespace":"Hearth"`},
				"jobs":      {`"MetricName":"JobsFailed","Namespace":"Hearth"`, `"Name":"FunctionName"`, `{"Name":"Queue","Value":"ledger"}`},
				"timeouts":  {`"MetricName":"Timeouts","Namespace":"Hearth"`},
				"healing":   {`"MetricName":"Healed","Namespace":"Hearth"`, `"Name":"FunctionName"`, `"Period":300`, `"Threshold":3`},
				"schedules": {`"MetricName":"TargetErrorCount","Namespace":"AWS/Scheduler"`, `{"Name":"ScheduleGroup","Value":"default"}`},
				"runs":      {`"MetricName":"Errors","Namespace":"AWS/Lambda"`},
				"dead":      {`"Expression":"DIFF(FILL(dead, 0))"`, `"MetricName":"ApproximateNumberOfMessagesVisible"`},
				"requests": map[string][]string{
					"Http":        {`"MetricName":"5xx","Namespace":"AWS/ApiGateway"`, `"Name":"ApiId"`, `"MetricName":"Count"`},
					"Rest":        {`"MetricName":"5XXError","Namespace":"AWS/ApiGateway"`, `"Name":"ApiName"`, `"MetricName":"Count"`},
					"FunctionUrl": {`"MetricName":"Url5xxCount","Namespace":"AWS/Lambda"`, `"Name":"FunctionName"`, `"MetricName":"UrlRequestCount"`},
				}[way],
			}
			for what, parts := range wants {
				found := slices.ContainsFunc(all, func(alarm string) bool {
					return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(alarm, part) })
				})
				if !found {
					t.Errorf("%s: no alarm has %v in %s", what, parts, strings.Join(all, "\n"))
				}
			}
		})
	}
}

// TestAlarmsWithoutActions shows that synth warns of alarms without actions.
func TestAlarmsWithoutActions(t *testing.T) {
	for name, want := range map[string]int{"none": 1, "props": 0, "added": 0, "email": 0} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			props := &MonitoringProps{Handlers: []*Handler{NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})}}
			notify := awscloudwatchactions.NewSnsAction(awssns.NewTopic(stack, jsii.String("Topic"), nil))
			if name == "props" {
				props.Actions = &[]awscloudwatch.IAlarmAction{notify}
			}
			if name == "email" {
				props.Email = jsii.String("oncall@example.com")
			}
			m := NewMonitoring(stack, jsii.String("Monitoring"), props)
			if name == "email" {
				for id, alarm := range resources(stack, "AWS::CloudWatch::Alarm") {
					if !strings.Contains(alarm, `"AlarmActions":[{"Ref":"MonitoringTopic`) {
						t.Errorf("%s must notify: %s", id, alarm)
					}
				}
			}
			if name == "added" {
				m.AddActions(notify)
			}
			if got := len(*assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Monitoring"), assertions.Match_StringLikeRegexp(jsii.String("the alarms tell nobody; .*")))); got != want {
				t.Errorf("got %d warnings, want %d", got, want)
			}
		})
	}
}

// TestManyAlarms shows that a dashboard shows every alarm.
func TestManyAlarms(t *testing.T) {
	stack := setup(t)
	props := &MonitoringProps{}
	for i := range 51 {
		props.Queues = append(props.Queues, NewQueue(stack, jsii.String(fmt.Sprintf("Q%d", i)), nil))
	}
	NewMonitoring(stack, jsii.String("Monitoring"), props)
	for _, dashboard := range resources(stack, "AWS::CloudWatch::Dashboard") {
		if got := strings.Count(dashboard, `\"type\":\"alarm\"`); got != 2 {
			t.Errorf("102 alarms are in %d widgets, want 2 of at most 100", got)
		}
	}
}

// TestMonitoringElsewhere shows that alarms are in the region of the metrics, which the CDK
// checks for some metrics only.
func TestMonitoringElsewhere(t *testing.T) {
	for field, part := range map[string]func(stack awscdk.Stack) *MonitoringProps{
		"Handlers": func(s awscdk.Stack) *MonitoringProps {
			return &MonitoringProps{Handlers: []*Handler{NewHandler(s, jsii.String("It"), silent(nil))}}
		},
		"HttpApis": func(s awscdk.Stack) *MonitoringProps {
			return &MonitoringProps{HttpApis: []*HttpApi{NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: existingFunction(s)})}}
		},
		"Queues": func(s awscdk.Stack) *MonitoringProps {
			return &MonitoringProps{Queues: []*Queue{NewQueue(s, jsii.String("It"), nil)}}
		},
		"Schedules": func(s awscdk.Stack) *MonitoringProps {
			return &MonitoringProps{Schedules: []*Schedule{NewSchedule(s, jsii.String("It"), &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: existingFunction(s), Name: jsii.String("it")})}}
		},
		"WebSocketApis": func(s awscdk.Stack) *MonitoringProps {
			return &MonitoringProps{WebSocketApis: []*WebSocketApi{NewWebSocketApi(s, jsii.String("It"), &WebSocketApiProps{Handler: existingFunction(s)})}}
		},
	} {
		t.Run(field, func(t *testing.T) {
			stack := deployed(setup(t), "Here", ours, here)
			props := part(stack)
			NewMonitoring(deployed(stack, "Near", ours, here), jsii.String("Monitoring"), props)
			got := refusal(t, func() { NewMonitoring(deployed(stack, "Far", ours, elsewhere), jsii.String("Monitoring"), props) })
			if want := "MonitoringProps." + field + " must be in the region of the alarms, us-east-1, got Here/It in eu-west-1; create a Monitoring for it there"; !strings.HasSuffix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestMonitoringLogClass shows that the alarms that come from logs need log groups of the
// standard class.
func TestMonitoringLogClass(t *testing.T) {
	for class, accepted := range map[awslogs.LogGroupClass]bool{"": true, awslogs.LogGroupClass_STANDARD: true, awslogs.LogGroupClass_INFREQUENT_ACCESS: false, awslogs.LogGroupClass_DELIVERY: false} {
		t.Run(string(class), func(t *testing.T) {
			stack := setup(t)
			props := silent(nil)
			props.LogGroup = awslogs.NewLogGroup(stack, jsii.String("Logs"), &awslogs.LogGroupProps{LogGroupClass: class})
			watch := func() {
				NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{Handlers: []*Handler{NewHandler(stack, jsii.String("It"), props)}})
			}
			if accepted {
				watch()
				return
			}
			if got, want := refusal(t, watch), "MonitoringProps.Handlers must have log groups of the class STANDARD, got "+string(class)+" for Test/It; no other class has metric filters: choose awslogs.LogGroupClass_STANDARD"; !strings.HasSuffix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestMonitoringNames shows that parts whose paths differ in a / alone have alarms of their
// own.
func TestMonitoringNames(t *testing.T) {
	stack := setup(t)
	var handlers []*Handler
	for _, path := range []string{"Orders/It", "Orders-It"} {
		scope, id := constructs.Construct(stack), path
		if parent, child, inside := strings.Cut(path, "/"); inside {
			scope, id = constructs.NewConstruct(stack, &parent), child
		}
		handlers = append(handlers, NewHandler(scope, &id, silent(nil)))
	}
	m := NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{Handlers: handlers})
	template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Alarm"), jsii.Number(float64(len(m.Alarms))))
}
