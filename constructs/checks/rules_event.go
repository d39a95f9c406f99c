package checks

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/internal/eventpattern"
	"github.com/lambdahearth/hearth/internal/inputtemplate"
	"github.com/lambdahearth/hearth/internal/schedule"
)

const (
	eventRulePage    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
	eventPatternPage = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"
	eventTargetPage  = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html"
)

// roleTargets are the types of resources that EventBridge needs a role for. It was seen to
// refuse such a target without one.
var roleTargets = []string{"AWS::StepFunctions::StateMachine", typeStream, "AWS::KinesisFirehose::DeliveryStream"}

var eventRules = []Rule{
	{
		ID: "event-rule-expression", Severity: Error, Page: eventRulePage,
		Fault: "An EventBridge rule whose schedule is invalid, never due, or not on the default event bus; EventBridge refuses the rule, or never runs it.",
		types: []string{typeEventRule},
		each: func(r *resource, report reporter) {
			text, known := r.get("ScheduleExpression").literal()
			if !known {
				return
			}
			if bus := r.get("EventBusName"); bus.resource("AWS::Events::EventBus") != nil {
				report("EventBusName must be unset with ScheduleExpression, got %s; remove it, or use EventBridge Scheduler", bus.resource("AWS::Events::EventBus").id)
			} else if name, known := bus.literal(); known && path.Base(name) != "default" {
				report("EventBusName must be unset with ScheduleExpression, got %q; remove it, or use EventBridge Scheduler", name)
			}
			e, err := schedule.Parse(text, "")
			if err == nil && e.NeverDue() {
				report("ScheduleExpression must be due at some time, got %q, which is never due; correct the days", text)
			}
			if err != nil || e.CheckRule() != nil {
				report("ScheduleExpression must be like rate(1 hour), rate(5 minutes) or cron(0 3 * * ? *), got %q; rewrite it", text)
			}
		},
	},
	{
		ID: "event-rule-pattern", Severity: Error, Page: eventPatternPage,
		Fault: "An EventBridge rule whose pattern is not an event pattern, such as one with a string instead of a list; EventBridge refuses it.",
		types: []string{typeEventRule},
		each: func(r *resource, report reporter) {
			plain, known := r.get("EventPattern").document().plain()
			data, err := json.Marshal(plain)
			if !known || err != nil {
				return
			}
			decoded, err := eventpattern.Decode(data)
			fields, object := decoded.(map[string]any)
			if err != nil || !object {
				return // there is none, or it is not resolved
			}
			if _, err := eventpattern.Object("EventPattern", fields); err != nil {
				report("EventPattern must be an event pattern such as {\"source\": [\"aws.ec2\"]}, got an invalid one: %v; correct it", err)
			}
		},
	},
	{
		ID: "event-rule-target", Severity: Error, Page: eventTargetPage,
		Fault: "An EventBridge rule's target whose input is not JSON, that has several inputs or an input template with an undefined name, or that lacks a role or a message group; EventBridge refuses it.",
		types: []string{typeEventRule},
		each: func(r *resource, report reporter) {
			targets, _ := r.get("Targets").list()
			var ids []string
			for i, target := range targets {
				property := fmt.Sprintf("Targets[%d]", i)
				if id, known := target.get("Id").literal(); known {
					if slices.Contains(ids, id) {
						report("%s.Id must be unique in its rule, got %q twice; change one of them", property, id)
					}
					ids = append(ids, id)
				}
				if input, known := target.get("Input").literal(); known && !json.Valid([]byte(input)) {
					report("%s.Input must be JSON, got %q; write a JSON value", property, input)
				}
				var inputs []string
				for _, name := range []string{"Input", "InputPath", "InputTransformer"} {
					if v := target.get(name); v.has() && !v.unknown() {
						inputs = append(inputs, name)
					}
				}
				if len(inputs) > 1 {
					report("%s must have only one of Input, InputPath and InputTransformer, got %s; remove the others", property, strings.Join(inputs, ", "))
				}
				transformer, _ := target.get("InputTransformer").plain()
				fields, _ := transformer.(map[string]any)
				template, _ := fields["InputTemplate"].(string)
				paths, _ := fields["InputPathsMap"].(map[string]any)
				if err := inputtemplate.Check(template, paths); err != nil {
					report("%s.InputTransformer.%v; define it, or correct the name", property, err)
				}
				if to := target.get("Arn").resource(roleTargets...); to != nil && target.get("RoleArn").absent() {
					report("%s.RoleArn must be set for %s, got none; name a role that EventBridge may assume", property, to.id)
				}
				if dead := target.get("DeadLetterConfig", "Arn").queue(); dead != nil && dead.get("FifoQueue").is() {
					report("%s.DeadLetterConfig.Arn must be a standard queue, got %s, a FIFO queue; choose another", property, dead.id)
				}
				reportFIFOTarget(target.get("Arn").queue(), target, property, report)
			}
		},
	},
}
