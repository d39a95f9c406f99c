package checks

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
)

const (
	schedulePage     = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
	scheduleRolePage = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"
	scheduleDeadPage = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"
	scheduleAPIPage  = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"
	scheduleToPage   = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html"

	maxFlexibleMinutes    = 1440
	maxScheduleRetries    = 185
	minScheduleAgeSeconds = 60
	maxScheduleAgeSeconds = 86_400
)

var scheduleRules = []Rule{
	{
		ID: "schedule-expression", Severity: Error, Page: schedulePage,
		Fault: "A schedule with an invalid expression or time zone, or one that is never due; EventBridge Scheduler refuses the schedule, or never runs it.",
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
			if e, err := schedule.Parse(text, ""); err == nil && e.NeverDue() {
				report("ScheduleExpression must be due at some time, got %q, which is never due; correct the days", text)
			} else if err != nil {
				report("ScheduleExpression must be like rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T09:00:00), got %q (%v); rewrite it", text, errors.Unwrap(err))
			}
		},
	},
	{
		ID: "schedule-range", Severity: Error, Page: "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html",
		Fault: "A flexible time window or a retry policy that EventBridge Scheduler does not accept; it refuses the schedule.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			window := r.get("FlexibleTimeWindow")
			between(window.get("MaximumWindowInMinutes"), "FlexibleTimeWindow.MaximumWindowInMinutes", 1, maxFlexibleMinutes, " minutes", report)
			if window.get("Mode").text() == "FLEXIBLE" && window.get("MaximumWindowInMinutes").absent() {
				report("FlexibleTimeWindow.MaximumWindowInMinutes must be set with Mode FLEXIBLE, got none; set it")
			}
			if n, known := window.get("MaximumWindowInMinutes").number(); known && window.get("Mode").text() == "OFF" {
				report("FlexibleTimeWindow.MaximumWindowInMinutes must be unset with Mode OFF, got %s; remove it or set FLEXIBLE", scalar(n))
			}
			between(r.get("Target", "RetryPolicy", "MaximumRetryAttempts"), "Target.RetryPolicy.MaximumRetryAttempts", 0, maxScheduleRetries, " retries", report)
			between(r.get("Target", "RetryPolicy", "MaximumEventAgeInSeconds"), "Target.RetryPolicy.MaximumEventAgeInSeconds", minScheduleAgeSeconds, maxScheduleAgeSeconds, " seconds", report)
		},
	},
	{
		ID: "schedule-role", Severity: Error, Page: scheduleRolePage,
		Fault: "A schedule whose role may not invoke the function or alias, or send to the queue; it never runs.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			role := r.get("Target", "RoleArn").resource(typeRole)
			if q := r.get("Target", "Arn").queue(); q != nil && role.cannotSend(q) {
				report("Target.RoleArn must be a role that may send to queue %s, got %s without a statement that allows it, or with one that denies it; allow sqs:SendMessage on it", q.id, role.id)
			}
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
		ID: "schedule-dates", Severity: Error, Page: scheduleAPIPage,
		Fault: "A schedule that ends before it starts; EventBridge Scheduler refuses it.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			start, ok1 := scheduleDate(r, "StartDate")
			end, ok2 := scheduleDate(r, "EndDate")
			if ok1 && ok2 && !start.Before(end) {
				report("EndDate must be after StartDate (%s), got %s; change one of them", start.Format(time.RFC3339), end.Format(time.RFC3339))
			}
		},
	},
	{
		// CloudFormation was seen to refuse a time without milliseconds. No page says so.
		ID: "schedule-date-format", Severity: Warning, Page: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html",
		Fault: "A date of a schedule without milliseconds, which CloudFormation may refuse.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			for _, name := range []string{"StartDate", "EndDate"} {
				text, known := r.get(name).literal()
				if _, ok := scheduleDate(r, name); known && ok && !strings.Contains(text, ".") {
					report("%s must have milliseconds, such as 2027-01-31T09:00:00.000Z, got %q; add them", name, text)
				}
			}
		},
	},
	{
		ID: "schedule-target", Severity: Error, Page: scheduleToPage,
		Fault: "A schedule whose input for a function is not JSON, or whose target lacks a parameter, such as a FIFO queue's message group. EventBridge Scheduler refuses it.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			target := r.get("Target")
			if input, known := target.get("Input").literal(); known && len(callsOf(r)) > 0 && !json.Valid([]byte(input)) {
				report("Target.Input must be JSON for a function, got %q; write a JSON value", input)
			}
			for _, name := range []string{"EcsParameters", "EventBridgeParameters", "KinesisParameters", "SageMakerPipelineParameters", "SqsParameters"} {
				if v := target.get(name); len(callsOf(r)) > 0 && v.has() && !v.unknown() {
					report("Target.%s must be unset for a function, got a value; remove it", name)
				}
			}
			reportFIFOTarget(target.get("Arn").queue(), target, "Target", report)
		},
	},
	{
		ID: "schedule-dead-letter", Severity: Error, Page: scheduleDeadPage,
		Fault: "A schedule's dead-letter queue that is a FIFO queue, or that its role may not send to; EventBridge Scheduler drops failed runs.",
		types: []string{typeSchedule},
		each: func(r *resource, report reporter) {
			q := r.get("Target", "DeadLetterConfig", "Arn").queue()
			if q == nil {
				return
			}
			if q.get("FifoQueue").is() {
				report("Target.DeadLetterConfig.Arn must be a standard queue, got %s, a FIFO queue; choose another", q.id)
			}
			if role := r.get("Target", "RoleArn").resource(typeRole); role.cannotSend(q) {
				report("Target.RoleArn must be a role that may send to the dead-letter queue %s, got %s without a statement that allows it, or with one that denies it; allow sqs:SendMessage on it", q.id, role.id)
			}
		},
	},
}

// scheduleDate returns a date of a recurring schedule. EventBridge Scheduler ignores those
// of a schedule that runs once.
func scheduleDate(r *resource, name string) (time.Time, bool) {
	text, known := r.get(name).literal()
	if !known || strings.HasPrefix(strings.ToLower(r.get("ScheduleExpression").text()), "at(") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

// reportFIFOTarget reports what a target that is a FIFO queue lacks. Schedules and event
// rules need the same.
func reportFIFOTarget(q *resource, target value, property string, report reporter) {
	if q == nil || !q.get("FifoQueue").is() {
		return
	}
	if target.get("SqsParameters", "MessageGroupId").absent() {
		report("%s.SqsParameters.MessageGroupId must be set for FIFO queue %s, got none; set it", property, q.id)
	}
	if deduplication := q.get("ContentBasedDeduplication"); !deduplication.is() && !deduplication.unknown() {
		report("%s.Arn must be a FIFO queue with ContentBasedDeduplication, got %s without it; set it there", property, q.id)
	}
}
