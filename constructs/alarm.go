package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// alarm is what differs between the alarms of this package: each goes off when a
// metric is at or over its threshold in each of the last minutes.
type alarm struct {
	actions     *[]awscloudwatch.IAlarmAction
	description string
	metric      awscloudwatch.IMetric
	minutes     float64
	threshold   *float64
}

func newAlarm(scope constructs.Construct, id string, a alarm) awscloudwatch.Alarm {
	made := awscloudwatch.NewAlarm(scope, jsii.String(id), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(a.description),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		EvaluationPeriods:  jsii.Number(a.minutes),
		Metric:             a.metric,
		Threshold:          a.threshold,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	if a.actions != nil {
		made.AddAlarmAction(*a.actions...)
	}
	return made
}

// minutely makes metrics with one data point for each minute.
type minutely struct{ minute awscdk.Duration }

func newMinutely() minutely { return minutely{awscdk.Duration_Minutes(jsii.Number(1))} }

func (m minutely) sum() *awscloudwatch.MetricOptions { return m.statistic("Sum") }

func (m minutely) maximum() *awscloudwatch.MetricOptions { return m.statistic("Maximum") }

func (m minutely) statistic(name string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: m.minute, Statistic: jsii.String(name)}
}
