package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/scheduler"
)

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
}

// planRules reads the EventBridge rules that have a schedule.
func (p *planner) planRules() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Events::Rule") {
		var props struct {
			ScheduleExpression, State string
			Targets                   []ruleTarget
		}
		if _, err := p.values.loosely(func() error { return r.Decode(&props) }); err != nil {
			errs = append(errs, err)
			continue
		}
		if props.ScheduleExpression == "" {
			p.skip(r, "it has no schedule: events are not simulated")
			continue
		}
		if _, err := schedule.Parse(props.ScheduleExpression, ""); err != nil {
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
			if s.Input != "" && !json.Valid([]byte(s.Input)) {
				errs = append(errs, fmt.Errorf("%s: target %s: Input must be JSON", r, target.ID))
				continue
			}
			p.schedules = append(p.schedules, schedulePlan{r, s})
		}
	}
	return errors.Join(errs...)
}
