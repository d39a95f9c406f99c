package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// alarm holds the differences between the alarms of this package: each goes off when a
// metric is at or over its threshold in some of the last periods.
type alarm struct {
	actions     *[]awscloudwatch.IAlarmAction
	description string
	metric      awscloudwatch.IMetric
	// periods is how many periods are checked, and of how many of them must be at or over
	// the threshold: 1 and all of them by default.
	periods, of float64
	threshold   *float64
}

func newAlarm(scope constructs.Construct, id string, a alarm) awscloudwatch.Alarm {
	props := &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(a.description),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		EvaluationPeriods:  jsii.Number(max(a.periods, 1)),
		Metric:             a.metric,
		Threshold:          a.threshold,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if a.of > 0 {
		props.DatapointsToAlarm = jsii.Number(a.of)
	}
	made := awscloudwatch.NewAlarm(scope, jsii.String(id), props)
	if a.actions != nil {
		made.AddAlarmAction(*a.actions...)
	}
	return made
}

// metricsOver makes metrics with one data point for each period.
type metricsOver struct{ period awscdk.Duration }

func (a *app) minutely() metricsOver { return metricsOver{a.duration(60)} }

// window makes metrics over five minutes, for shares: with few events in a minute, a
// share of one minute means nothing. CloudWatch evaluates the last five minutes each
// minute, so it finds a total failure as soon as with periods of a minute.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html (2026-11)
func (a *app) window() metricsOver { return metricsOver{a.duration(5 * 60)} }

func (m metricsOver) sum() *awscloudwatch.MetricOptions { return m.statistic("Sum") }

func (m metricsOver) maximum() *awscloudwatch.MetricOptions { return m.statistic("Maximum") }

func (m metricsOver) statistic(name string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: m.period, Statistic: jsii.String(name)}
}
