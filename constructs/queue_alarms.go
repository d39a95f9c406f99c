package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// QueueAlarmsProps configure [Queue.AddAlarms].
type QueueAlarmsProps struct {
	// Actions run when an alarm goes off, such as a notification.
	//
	// @default - none: the alarms only change their state
	Actions *[]awscloudwatch.IAlarmAction

	// DeadLetters is the growth of the dead-letter queue within a minute, in messages,
	// that raises the alarm.
	//
	// @default 1
	DeadLetters *float64

	// OldestMessage is the age of the oldest message that raises the alarm: the consumers
	// are too slow.
	//
	// @default 15 minutes
	OldestMessage awscdk.Duration
}

// QueueAlarms are the alarms of one queue.
type QueueAlarms struct {
	// DeadLetters goes off when messages reach the dead-letter queue, even if it is not
	// empty; nil for an existing queue, whose dead-letter queue is unknown.
	DeadLetters awscloudwatch.Alarm
	// OldestMessage goes off when the oldest message waits for too long.
	OldestMessage awscloudwatch.Alarm
}

const defaultOldestMessageSecs = 15 * 60

// AddAlarms watches the growth of the dead-letter queue and the age of the oldest
// message. A second call returns the alarms of the first one.
//
// The age leaves out messages of a standard queue that were received three times or more.
// So it says nothing about failing jobs: see [Monitoring] for those.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html (2026-11)
func (q *Queue) AddAlarms(props *QueueAlarmsProps) *QueueAlarms {
	return q.addAlarms(props, q.app.minutely(), q, "")
}

// addAlarms makes the alarms in a scope, with a prefix of their ids.
func (q *Queue) addAlarms(props *QueueAlarmsProps, every metricsOver, scope constructs.Construct, prefix string) *QueueAlarms {
	if q.alarms != nil {
		return q.alarms
	}
	if props == nil {
		props = &QueueAlarmsProps{}
	}
	p := *props
	oldest := secondsOf(p.OldestMessage).or(defaultOldestMessageSecs)
	r := &rules{where: "QueueAlarmsProps"}
	noneNil(r, "Actions", elementsOf(p.Actions))
	r.within("DeadLetters", numberOf(p.DeadLetters), 1, 1e6, "messages", "leave it unset for 1")
	r.within("OldestMessage", oldest, minRetentionSecs, maxRetentionSecs, "seconds", "no message waits longer than 14 days")
	refuse(q, r.broken)
	if p.DeadLetters == nil {
		p.DeadLetters = jsii.Number(1)
	}
	threshold := jsii.Number(oldest.value)
	if !oldest.known {
		threshold = p.OldestMessage.ToSeconds(nil)
	}
	q.oldest = q.Queue.MetricApproximateAgeOfOldestMessage(every.maximum())
	q.alarms = &QueueAlarms{OldestMessage: newAlarm(scope, prefix+"OldestMessageAlarm", alarm{
		actions:     p.Actions,
		description: "Messages wait for too long: the consumers are throttled, paused or too few. Raise MaxConcurrency or Reserved",
		metric:      q.oldest,
		periods:     5,
		threshold:   threshold,
	})}
	if q.DeadLetterQueue != nil {
		dead, growth := growthOf(q.DeadLetterQueue, every)
		q.dead = dead
		q.alarms.DeadLetters = newAlarm(scope, prefix+"DeadLettersAlarm", alarm{
			actions:     p.Actions,
			description: "Messages failed too often and were moved to the dead-letter queue. See the log group of the consumer, and move them back after the fix",
			metric:      growth,
			periods:     1,
			threshold:   p.DeadLetters,
		})
	}
	return q.alarms
}

// growthOf returns two metrics of a dead-letter queue: its number of messages, and the
// growth of that number.
func growthOf(queue awssqs.IQueue, every metricsOver) (dead awscloudwatch.Metric, growth awscloudwatch.IMetric) {
	dead = queue.MetricApproximateNumberOfMessagesVisible(every.maximum())
	return dead, awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		// SQS reports no metrics of a queue that was empty and unused for hours.
		Expression:   jsii.String("DIFF(FILL(dead, 0))"),
		Label:        jsii.String("New dead letters"),
		Period:       every.period,
		UsingMetrics: &map[string]awscloudwatch.IMetric{"dead": dead},
	})
}
