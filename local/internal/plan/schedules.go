package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/inputtemplate"
	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
)

// planSchedules plans the schedules of EventBridge Scheduler.
func (p *planner) planSchedules() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Scheduler::Schedule") {
		var props struct {
			ScheduleExpression, ScheduleExpressionTimezone, State string
			StartDate, EndDate                                    assembly.Date
			Target                                                struct {
				Arn, Input       string
				RetryPolicy      struct{ MaximumEventAgeInSeconds, MaximumRetryAttempts *assembly.Int }
				DeadLetterConfig struct{ Arn string }
				SqsParameters    struct {
					MessageGroupID string `json:"MessageGroupId"`
				}
			}
		}
		// The engine ignores the role, so its value need not be known.
		if target, ok := r.Properties["Target"].(map[string]any); ok {
			target = maps.Clone(target)
			delete(target, "RoleArn")
			clone := *r
			clone.Properties = maps.Clone(r.Properties)
			clone.Properties["Target"] = target
			r = &clone
		}
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		if isUnknown(props.ScheduleExpression) || isUnknown(props.ScheduleExpressionTimezone) {
			p.skip(r, "its expression or time zone is not known here")
			continue
		}
		if t := props.Target.Arn; !strings.HasPrefix(t, "arn:aws:lambda:") && !strings.HasPrefix(t, "arn:aws:sqs:") {
			p.skip(r, "its target is neither a function nor a queue")
			continue
		}
		if t := props.Target.Arn; strings.HasPrefix(t, "arn:aws:lambda:") && !p.simulates(t) {
			p.skip(r, "its target is not simulated")
			continue
		}
		scheduleARN, err := scheduleARN(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s := scheduler.Schedule{
			Name: scheduleName(props.Target.Input, LastPart(scheduleARN, "/")), ARN: scheduleARN,
			Expression: props.ScheduleExpression, TimeZone: props.ScheduleExpressionTimezone, Start: props.StartDate.Time, End: props.EndDate.Time,
			Disabled: props.State == "DISABLED", TargetARN: props.Target.Arn, Input: props.Target.Input,
			Region: r.Stack.Region, Account: r.Stack.Account, DeadLetterARN: props.Target.DeadLetterConfig.Arn,
			MessageGroup: props.Target.SqsParameters.MessageGroupID,
		}
		if n := props.Target.RetryPolicy.MaximumRetryAttempts; n != nil {
			retries := int(*n)
			s.Retries = &retries
		}
		if n := props.Target.RetryPolicy.MaximumEventAgeInSeconds; n != nil {
			s.MaxAge = time.Duration(*n) * time.Second
		}
		if _, err := schedule.Parse(s.Expression, s.TimeZone); err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: %w", s.Name, err))
		}
		p.Schedules = append(p.Schedules, Schedule{r, s})
	}
	return errors.Join(errs...)
}

// scheduleName returns the schedule's name from the input that the constructs write, or
// else name.
func scheduleName(input, name string) string {
	var in struct {
		Detail struct{ Schedule string }
	}
	if json.Unmarshal([]byte(input), &in) == nil && in.Detail.Schedule != "" {
		return in.Detail.Schedule
	}
	return name
}

type ruleTarget struct {
	ID               string `json:"Id"`
	Arn, Input       string
	InputPath        string
	InputTransformer struct {
		InputPathsMap map[string]string
		InputTemplate string
	}
	RetryPolicy      struct{ MaximumEventAgeInSeconds, MaximumRetryAttempts *assembly.Int }
	DeadLetterConfig struct{ Arn string }
	SqsParameters    struct {
		MessageGroupID string `json:"MessageGroupId"`
	}
}

// planRules plans the EventBridge rules that have a schedule.
func (p *planner) planRules() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Events::Rule") {
		var props struct {
			ScheduleExpression, State string
			Targets                   []ruleTarget
		}
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		if isUnknown(props.ScheduleExpression) {
			p.skip(r, "its expression is not known here")
			continue
		}
		if props.ScheduleExpression == "" {
			p.skip(r, "it has no schedule: events are not simulated")
			continue
		}
		expression, err := schedule.Parse(props.ScheduleExpression, "")
		if err == nil {
			err = expression.CheckRule()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
			continue
		}
		name, err := physicalName(r, "Name", 64)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, target := range props.Targets {
			if !strings.HasPrefix(target.Arn, "arn:aws:sqs:") && !p.simulates(target.Arn) {
				p.skip(r, "its target "+target.ID+" is neither a function nor a queue that runs here")
				continue
			}
			rule := &scheduler.Rule{ARN: arn("events", r, "rule/"+name), Path: target.InputPath, Template: target.InputTransformer.InputTemplate, Paths: target.InputTransformer.InputPathsMap}
			s := scheduler.Schedule{
				Name: scheduleName(target.Input, name), ARN: rule.ARN, Expression: props.ScheduleExpression, Disabled: props.State == "DISABLED",
				TargetARN: target.Arn, Input: target.Input, Rule: rule, Region: r.Stack.Region, Account: r.Stack.Account, DeadLetterARN: target.DeadLetterConfig.Arn,
				MessageGroup: target.SqsParameters.MessageGroupID,
			}
			if len(props.Targets) > 1 {
				s.Name, s.ARN = s.Name+"/"+target.ID, s.ARN+"/"+target.ID
			}
			if n := target.RetryPolicy.MaximumRetryAttempts; n != nil {
				retries := int(*n)
				s.Retries = &retries
			}
			if n := target.RetryPolicy.MaximumEventAgeInSeconds; n != nil {
				s.MaxAge = time.Duration(*n) * time.Second
			}
			if isUnknown(s.Input) && !json.Valid([]byte(s.Input)) {
				s.Input = strconv.Quote(s.Input)
				p.warn(r, "target %s gets the input %s, since only AWS knows it", target.ID, s.Input)
			}
			if s.Input != "" && !json.Valid([]byte(s.Input)) {
				errs = append(errs, fmt.Errorf("%s: target %s: Input must be JSON", r, target.ID))
				continue
			}
			if err := inputtemplate.Check(rule.Template, rule.Paths); err != nil && !isUnknown(rule.Template) {
				errs = append(errs, fmt.Errorf("%s: target %s: %w", r, target.ID, err))
				continue
			}
			p.Schedules = append(p.Schedules, Schedule{r, s})
		}
	}
	return errors.Join(errs...)
}
