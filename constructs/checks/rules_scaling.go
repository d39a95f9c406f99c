package checks

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/schedule"
)

const (
	typeScalableTarget = "AWS::ApplicationAutoScaling::ScalableTarget"
	typeScalingPolicy  = "AWS::ApplicationAutoScaling::ScalingPolicy"

	scalingPage     = "https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-lambda.html"
	scheduledPage   = "https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html"
	registerPage    = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"
	utilizationPage = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html"

	scalableDimension   = "lambda:function:ProvisionedConcurrency"
	utilizationMetric   = "LambdaProvisionedConcurrencyUtilization"
	minUtilization      = 0.1
	maxUtilization      = 0.9
	minScheduledFields  = 5 // Application Auto Scaling accepts 5, 6 and 7 fields
	maxDocumentedFields = 6
)

// scaled returns the function and qualifier of a scalable target.
func scaled(r *resource) (t target, known bool) {
	if r.get("ServiceNamespace").text() != "lambda" && !strings.HasPrefix(r.get("ScalableDimension").text(), "lambda:") {
		return target{}, false
	}
	name, is := strings.CutPrefix(r.get("ResourceId").text(), "function:")
	if !is {
		return target{}, false
	}
	return r.stack.app.targetOf(name)
}

// capacity holds a MinCapacity and a MaxCapacity. property is its path in the resource.
type capacity struct {
	value
	property string
}

// capacitiesOf returns the capacities of a scalable target, and of its scheduled actions.
func capacitiesOf(r *resource) []capacity {
	all := []capacity{{value{r.stack, r.raw.Properties}, ""}}
	actions, _ := r.get("ScheduledActions").list()
	for i, action := range actions {
		all = append(all, capacity{action.get("ScalableTargetAction"), fmt.Sprintf("ScheduledActions[%d].ScalableTargetAction.", i)})
	}
	return all
}

var (
	scheduledRate = regexp.MustCompile(`(?i)^rate\(\s*[1-9]\d*\s+(minute|hour|day)s?\s*\)$`)
	scheduledCron = regexp.MustCompile(`(?i)^cron\((.*)\)$`)
	scheduledOnce = regexp.MustCompile(`(?i)^at\((.*)\)$`)
)

// scheduledFault describes what is wrong with the expression of a scheduled action, or
// returns "". Application Auto Scaling requires ? in exactly one of the two days. The values of
// the fields are not checked.
func scheduledFault(text string) string {
	if m := scheduledOnce.FindStringSubmatch(text); m != nil {
		if _, err := time.Parse("2006-01-02T15:04:05", m[1]); err != nil {
			return "at must have a time such as 2027-01-31T09:00:00"
		}
		return ""
	}
	m := scheduledCron.FindStringSubmatch(text)
	if m == nil {
		if !scheduledRate.MatchString(text) {
			return "must be cron(…), rate(…) or at(…)"
		}
		return ""
	}
	fields := strings.Fields(m[1])
	if len(fields) < minScheduledFields {
		return fmt.Sprintf("cron must have 6 fields, got %d", len(fields))
	}
	// Which of 7 fields are the days is not documented.
	if len(fields) <= maxDocumentedFields && (fields[2] == "?") == (fields[4] == "?") {
		return "cron must have ? for the day of month or for the day of week, and not for both"
	}
	return ""
}

// scalesFunction reports whether a policy scales the provisioned concurrency of a function.
func scalesFunction(r *resource) bool {
	if target := r.get("ScalingTargetId").resource(typeScalableTarget); target != nil {
		return target.get("ScalableDimension").text() == scalableDimension
	}
	return r.get("ScalableDimension").text() == scalableDimension
}

var scalingRules = []Rule{
	{
		ID: "scaling-reserved", Severity: Error, Page: scalingPage,
		Fault: "Autoscaling of provisioned concurrency, also by a schedule, above the function's reserved concurrency; scaling out fails under load.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			t, ok := scaled(r)
			if !ok {
				return
			}
			reserved, known := t.function.get("ReservedConcurrentExecutions").number()
			for _, c := range capacitiesOf(r) {
				for _, name := range []string{"MaxCapacity", "MinCapacity"} {
					if n, ok := c.get(name).number(); ok && known && n > reserved {
						report("%s must be at most the reserved concurrency of %s (%s instances), got %s; lower it or reserve more", c.property+name, t.function.id, scalar(reserved), scalar(n))
						break
					}
				}
			}
		},
	},
	{
		ID: "scaling-capacity", Severity: Error,
		Page:  registerPage,
		Fault: "A scalable target, or one of its scheduled actions, whose minimum is above the maximum; Application Auto Scaling refuses it.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			for _, c := range capacitiesOf(r) {
				least, ok1 := c.get("MinCapacity").number()
				most, ok2 := c.get("MaxCapacity").number()
				if ok1 && ok2 && least > most {
					report("%s must be at most MaxCapacity (%s), got %s; lower it or raise MaxCapacity", c.property+"MinCapacity", scalar(most), scalar(least))
				}
			}
		},
	},
	{
		ID: "scaling-resource", Severity: Error, Page: scalingPage,
		Fault: "A scalable target of a function whose ResourceId names no alias or version; Application Auto Scaling refuses it.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			if t, ok := scaled(r); ok && (t.qualifier == "" || t.qualifier == "$LATEST") {
				report("ResourceId must be function:{name}:{alias or version}, got %q; name the alias", r.get("ResourceId").text())
			}
		},
	},
	{
		ID: "scaling-order", Severity: Error, Page: scalingPage,
		Fault: "A scalable target that CloudFormation may create before its alias; the deployment then fails.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			t, ok := scaled(r)
			if !ok {
				return
			}
			if alias := t.aliasOf(); alias != nil && !r.waitsFor(alias) {
				report("DependsOn must include alias %s, which ResourceId names without a reference, got none; set it", alias.id)
			}
		},
	},
	{
		ID: "scaling-dimension", Severity: Error, Page: registerPage,
		Fault: "A ServiceNamespace and a ScalableDimension that do not match each other or the ResourceId; Application Auto Scaling refuses it.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			namespace, ok1 := r.get("ServiceNamespace").literal()
			dimension, ok2 := r.get("ScalableDimension").literal()
			if strings.HasPrefix(r.get("ResourceId").text(), "function:") {
				if ok1 && namespace != "lambda" {
					report("ServiceNamespace must be lambda for a function, got %q; change it", namespace)
				}
				if ok2 && dimension != scalableDimension {
					report("ScalableDimension must be %s for a function, got %q; change it", scalableDimension, dimension)
				}
			} else if ok1 && ok2 && !strings.HasPrefix(dimension, namespace+":") {
				report("ScalableDimension must begin with its ServiceNamespace %s, got %q; change one of them", namespace, dimension)
			}
		},
	},
	{
		ID: "scaling-schedule", Severity: Error, Page: scheduledPage,
		Fault: "A scheduled action with an invalid expression or time zone; Application Auto Scaling refuses the target.",
		types: []string{typeScalableTarget},
		each: func(r *resource, report reporter) {
			actions, _ := r.get("ScheduledActions").list()
			for i, action := range actions {
				if text, known := action.get("Schedule").literal(); known && scheduledFault(text) != "" {
					report("ScheduledActions[%d].Schedule must be like rate(5 minutes), cron(0 8 * * ? *) or at(2027-01-31T09:00:00), got %q (%s); rewrite it", i, text, scheduledFault(text))
				}
				if zone, known := action.get("Timezone").literal(); known {
					if _, err := schedule.Parse("rate(1 day)", zone); err != nil {
						report("ScheduledActions[%d].Timezone must be an IANA name such as Europe/Berlin, got %q; correct it", i, zone)
					}
				}
			}
		},
	},
	{
		ID: "scaling-policy", Severity: Error, Page: utilizationPage,
		Fault: "A scaling policy of provisioned concurrency that scales in steps, or by the metric of another service; Application Auto Scaling refuses it.",
		types: []string{typeScalingPolicy},
		each: func(r *resource, report reporter) {
			if !scalesFunction(r) {
				return
			}
			if r.get("PolicyType").text() == "StepScaling" {
				report("PolicyType must be TargetTrackingScaling for a function, got StepScaling; change it")
			}
			metric := r.get("TargetTrackingScalingPolicyConfiguration", "PredefinedMetricSpecification", "PredefinedMetricType")
			if kind, known := metric.literal(); known && kind != utilizationMetric {
				report("TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType must be %s for a function, got %q; change it", utilizationMetric, kind)
			}
		},
	},
	{
		// The CDK refuses a target outside of these bounds. AWS documents no bounds, but a
		// share above 1 is never reached, and a share of 0 scales out without end.
		ID: "scaling-utilization", Severity: Error, Page: provisionedPage,
		Fault: "A target utilization of provisioned concurrency that is not from 0.1 to 0.9, such as 70 for 70 %; the policy never scales out, or never stops.",
		types: []string{typeScalingPolicy},
		each: func(r *resource, report reporter) {
			target := r.get("TargetTrackingScalingPolicyConfiguration")
			if scalesFunction(r) && target.get("PredefinedMetricSpecification", "PredefinedMetricType").text() == utilizationMetric {
				between(target.get("TargetValue"), "TargetTrackingScalingPolicyConfiguration.TargetValue", minUtilization, maxUtilization, "", report)
			}
		},
	},
}
