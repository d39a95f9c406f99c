package checks

import (
	"errors"
	"strings"

	"github.com/lambdahearth/hearth/internal/schedule"
)

const (
	schedulePage     = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
	scheduleRolePage = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"
	scheduleDeadPage = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"
	eventRulePage    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"

	maxFlexibleMinutes    = 1440
	maxScheduleRetries    = 185
	minScheduleAgeSeconds = 60
	maxScheduleAgeSeconds = 86_400
)

var scheduleRules = []Rule{
	{
		ID: "schedule-expression", Severity: Error, Page: schedulePage,
		Fault: "A schedule whose expression or time zone EventBridge Scheduler does not read; it refuses the schedule.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			text, known := r.get("ScheduleExpression").literal()
			zone, zoneKnown := r.get("ScheduleExpressionTimezone").literal()
			if !known || !zoneKnown && r.get("ScheduleExpressionTimezone").has() {
				return
			}
			if _, err := schedule.Parse("rate(1 day)", zone); err != nil {
				report("ScheduleExpressionTimezone must be an IANA name such as Europe/Berlin, got %q; correct it", zone)
			}
			if _, err := schedule.Parse(text, ""); err != nil {
				report("ScheduleExpression must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got %q (%v); rewrite it", text, errors.Unwrap(err))
			}
		},
	},
	{
		ID: "event-rule-expression", Severity: Error, Page: eventRulePage,
		Fault: "An EventBridge rule whose schedule is not read; it refuses the rule.",
		types: []string{typeEventRule},
		each: func(r *resource, report reporter) {
			text, known := r.get("ScheduleExpression").literal()
			if !known {
				return
			}
			_, err := schedule.Parse(text, "")
			one := strings.HasPrefix(text, "rate(1 ")
			if err != nil || strings.HasPrefix(text, "at(") || strings.HasPrefix(text, "rate(") && one == strings.HasSuffix(text, "s)") {
				report("ScheduleExpression must be like rate(1 hour), rate(5 minutes) or cron(0 3 * * ? *), got %q; rewrite it", text)
			}
		},
	},
	{
		ID: "schedule-range", Severity: Error, Page: "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html",
		Fault: "A window or a retry policy that EventBridge Scheduler does not take; it refuses the schedule.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			window := r.get("FlexibleTimeWindow")
			between(window.get("MaximumWindowInMinutes"), "FlexibleTimeWindow.MaximumWindowInMinutes", 1, maxFlexibleMinutes, " minutes", report)
			if window.get("Mode").text() == "FLEXIBLE" && window.get("MaximumWindowInMinutes").absent() {
				report("FlexibleTimeWindow.MaximumWindowInMinutes must be set with Mode FLEXIBLE, got none; set it")
			}
			between(r.get("Target", "RetryPolicy", "MaximumRetryAttempts"), "Target.RetryPolicy.MaximumRetryAttempts", 0, maxScheduleRetries, " retries", report)
			between(r.get("Target", "RetryPolicy", "MaximumEventAgeInSeconds"), "Target.RetryPolicy.MaximumEventAgeInSeconds", minScheduleAgeSeconds, maxScheduleAgeSeconds, " seconds", report)
		},
	},
	{
		ID: "schedule-role", Severity: Error, Page: scheduleRolePage,
		Fault: "A schedule whose role may not invoke the function or alias; it never runs.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			role := r.get("Target", "RoleArn").resource(typeRole)
			for _, c := range callsOf(r) {
				arn := tokenOf(c.target.function, "Arn")
				if c.target.qualifier != "" {
					arn += ":" + c.target.qualifier
				}
				if len(role.lacks([]string{"lambda:InvokeFunction"}, arn, c.target.function.get("FunctionName"))) > 0 {
					report("Target.RoleArn must be a role that may invoke %s, got %s without a statement that allows it, or with one that denies it; allow lambda:InvokeFunction on it", c.target, role.id)
				}
			}
		},
	},
	{
		ID: "schedule-dead-letter", Severity: Error, Page: scheduleDeadPage,
		Fault: "A schedule's dead-letter queue that is a FIFO queue, or that its role may not send to; failed runs vanish.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			q := r.get("Target", "DeadLetterConfig", "Arn").queue()
			if q == nil {
				return
			}
			if q.get("FifoQueue").is() {
				report("Target.DeadLetterConfig.Arn must be a standard queue, got %s, a FIFO queue; choose another", q.id)
			}
			role := r.get("Target", "RoleArn").resource(typeRole)
			if !q.policyAllows("sqs:SendMessage", "") && len(role.lacks([]string{"sqs:SendMessage"}, tokenOf(q, "Arn"), q.get("QueueName"))) > 0 {
				report("Target.RoleArn must be a role that may send to the dead-letter queue %s, got %s without a statement that allows it, or with one that denies it; allow sqs:SendMessage on it", q.id, role.id)
			}
		},
	},
}
