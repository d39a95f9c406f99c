package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
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
			Actions:         &[]awscloudwatch.IAlarmAction{awscloudwatchactions.NewSnsAction(awssns.NewTopic(stack, jsii.String("Topic"), nil))},
			DashboardName:   jsii.String("backend"),
			ErrorsPerMinute: jsii.Number(3),
			OldestMessage:   seconds(300),
			Utilization:     jsii.Number(0.8),
		},
		Queues: map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(5)}, "screenshots": {MaxConcurrency: jsii.Number(10)}},
	})
	// Throttles, errors, init errors, spill-over, utilization, event age, dropped
	// events; two for each queue; connections.
	if got, want := len(b.Monitoring.Alarms), 7+2*2+1; got != want {
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
	if got, want := len(m.Alarms), 5+(3+2)+2*2; got != want {
		t.Errorf("%d alarms, want %d", got, want)
	}
	template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Dashboard"), jsii.Number(1))
}

func TestMonitoringRules(t *testing.T) {
	with := func(change func(*monitoringValues)) func(*rules) {
		v := monitoringValues{parts: 1}
		change(&v)
		return v.check
	}
	busy := func(n number) func(*rules) { return with(func(v *monitoringValues) { v.busy = n }) }
	runRules(t, []ruleCase{
		{"nothing", monitoringValues{}.check, []string{"P.Backend must be set unless parts are, got nothing to watch; pass a Backend, Handlers, Queues or Databases"}},
		{"name of nothing", with(func(v *monitoringValues) { v.noDashboard, v.named = true, true }), []string{"P.DashboardName must be unset while Dashboard is false; remove one of them"}},
		{"no errors", with(func(v *monitoringValues) { v.errors = known(0) }), []string{"P.ErrorsPerMinute must be 1 to 1000000 errors, got 0; leave it unset for 1"}},
		{"idle", busy(known(0.1)), nil},
		{"too idle", busy(known(0.09)), []string{"P.Utilization must be 0.1 to 1, got 0.09; it is a ratio, so 90% is 0.9"}},
		{"all busy", busy(known(1)), nil},
		{"too busy", busy(known(90)), []string{"P.Utilization must be 0.1 to 1, got 90; it is a ratio, so 90% is 0.9"}},
		{"busy token", busy(unresolved), nil},
	})
}
