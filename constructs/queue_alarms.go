package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// QueueAlarmsProps configure [Queue.AddAlarms].
type QueueAlarmsProps struct {
	// Actions run when an alarm goes off, such as a notification.
	//
	// @default - none: the alarms only change their state
	Actions *[]awscloudwatch.IAlarmAction

	// DeadLetters is the number of messages in the dead-letter queue that is one
	// too many.
	//
	// @default 1
	DeadLetters *float64

	// OldestMessage is the age of the oldest message that says that the
	// consumers do not keep up.
	//
	// @default 15 minutes
	OldestMessage awscdk.Duration
}

// QueueAlarms are the alarms of one queue.
type QueueAlarms struct {
	// DeadLetters goes off when messages are in the dead-letter queue; nil for an
	// existing queue, whose dead-letter queue is not known.
	DeadLetters awscloudwatch.Alarm
	// OldestMessage goes off when the oldest message waits for too long.
	OldestMessage awscloudwatch.Alarm
}

const defaultOldestMessageSecs = 15 * 60

// AddAlarms watches the depth of the dead-letter queue and the age of the oldest
// message. A second call returns the alarms of the first one.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html (2026-11)
func (q *Queue) AddAlarms(props *QueueAlarmsProps) *QueueAlarms {
	return q.addAlarms(props, newMinutely())
}

func (q *Queue) addAlarms(props *QueueAlarmsProps, every minutely) *QueueAlarms {
	if q.alarms != nil {
		return q.alarms
	}
	if props == nil {
		props = &QueueAlarmsProps{}
	}
	p := *props
	oldest := secondsOf(p.OldestMessage).or(defaultOldestMessageSecs)
	r := &rules{where: "QueueAlarmsProps"}
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
	q.alarms = &QueueAlarms{OldestMessage: newAlarm(q, "OldestMessageAlarm", alarm{
		actions:     p.Actions,
		description: "The oldest message waits for too long: the consumers fail, are throttled, or are too few",
		metric:      q.oldest,
		minutes:     5,
		threshold:   threshold,
	})}
	if q.DeadLetterQueue != nil {
		q.dead = q.DeadLetterQueue.MetricApproximateNumberOfMessagesVisible(every.maximum())
		q.alarms.DeadLetters = newAlarm(q, "DeadLettersAlarm", alarm{
			actions:     p.Actions,
			description: "Messages failed too often and are in the dead-letter queue",
			metric:      q.dead,
			minutes:     1,
			threshold:   p.DeadLetters,
		})
	}
	return q.alarms
}
