package hearth

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Target tracking keeps the utilisation of provisioned concurrency between 10% and 90%.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
const (
	minUtilizationRatio = 0.1
	maxUtilizationRatio = 0.9

	defaultUtilizationRatio = 0.7
)

// ConcurrencyProps set how many instances of a function may run at once, and how many of
// them start before they are needed.
type ConcurrencyProps struct {
	// Plan is the path of a plan file, as hearth plan --out writes it, relative to the
	// folder in which the app runs: that of cdk.json. Synth simulates its traffic with
	// Provisioned and Reserved, and fails if more requests would be cold or throttled than
	// the plan allows. Provisioned and Reserved themselves are not set by it.
	//
	// docs/planning.md says how to make one.
	//
	// @default - none: the numbers are not held against a traffic
	Plan *string

	// Provisioned is how many instances Lambda keeps warm. They belong to the alias, so
	// only its callers get them.
	//
	// Use [Fixed] or [Autoscaled].
	//
	// @default - none: each instance starts when an event needs it
	Provisioned *ProvisionedConcurrency

	// Reserved is the number of instances that the function can have, and that no other
	// function in the account can take: its floor and its ceiling. It must be at least
	// the highest provisioned number, and at least the sum of the queues' maximum
	// concurrencies.
	//
	// 0 pauses the function: Lambda throttles every invocation, and queues keep their
	// messages. Provisioned concurrency must be unset then.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html (2026-11)
	//
	// @default - none: the function shares the unreserved instances of the account
	Reserved *float64
}

// ProvisionedConcurrency is the number of instances that Lambda keeps warm, either fixed
// or following the load.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
type ProvisionedConcurrency struct {
	// Min is the number of warm instances, 1 or more, that a deployment waits
	// for; required. With HoldAtUpdate, it may wait for more.
	Min *float64

	// HoldAtUpdate starts a new version with as many warm instances as the old one has at
	// that moment, at least Min and at most the highest of Max and Schedules. Without it, a
	// new version starts with Min, also at peak. After the update, target tracking and the
	// schedules set the number as before.
	//
	// A custom resource reads the number at each new version, with a small function that
	// all handlers of the stack share. If it cannot read the number, it answers Min, and the
	// deployment goes on. It needs Max or Schedules. docs/deploying.md says more.
	//
	// @default false
	HoldAtUpdate *bool

	// Max is the number of warm instances under the highest load, Min or more.
	//
	// @default - Min: the number is fixed
	Max *float64

	// Schedules change Min and Max at certain times, such as before office hours. From
	// each time on, MinCapacity and MaxCapacity, 1 or more, replace Min and Max until the
	// next one. The keys are the schedules' names; do not change them, since they make
	// logical ids.
	//
	// https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-lambda.html (2026-11)
	//
	// @default - none
	Schedules map[string]*awsapplicationautoscaling.ScalingSchedule

	// Utilization is the share of the warm instances that target tracking keeps busy, 0.1
	// to 0.9. A lower share leaves more room for a sudden load, and costs more. A fixed
	// number ignores it.
	//
	// @default 0.7
	Utilization *float64
}

// Fixed keeps n instances warm.
func Fixed(n float64) *ProvisionedConcurrency {
	return &ProvisionedConcurrency{Min: jsii.Number(n)}
}

// Autoscaled keeps lowest to highest instances warm: target tracking follows the load. A
// deployment waits for the lowest number. Set Utilization on the result to change how
// early instances are added, and HoldAtUpdate for updates at peak.
func Autoscaled(lowest, highest float64) *ProvisionedConcurrency {
	return &ProvisionedConcurrency{Min: jsii.Number(lowest), Max: jsii.Number(highest)}
}

// autoscale adds target tracking and schedules to an alias, unless the number is
// fixed.
func (p *ProvisionedConcurrency) autoscale(a *app, alias awslambda.Alias) {
	if p == nil || (p.Max == nil && len(p.Schedules) == 0) {
		return
	}
	highest := p.Max
	if highest == nil {
		highest = p.Min
	}
	scaling := alias.AddAutoScaling(&awslambda.AutoScalingOptions{MinCapacity: p.Min, MaxCapacity: highest})
	a.made[a.stackOf(alias)]++
	if p.Max != nil {
		utilization := p.Utilization
		if utilization == nil {
			utilization = jsii.Number(defaultUtilizationRatio)
		}
		scaling.ScaleOnUtilization(&awslambda.UtilizationScalingOptions{UtilizationTarget: utilization})
	}
	for _, name := range sortedKeys(p.Schedules) {
		scaling.ScaleOnSchedule(jsii.String(name), p.Schedules[name])
	}
}

// reserved returns Reserved; p may be nil.
func (p *ConcurrencyProps) reserved() number {
	if p == nil {
		return number{}
	}
	return numberOf(p.Reserved)
}

// check checks the props, which may be nil.
func (p *ConcurrencyProps) check(r *rules) { p.checkWith(r, p.reserved()) }

// checkWith checks the props with a reserved number that may have changed since.
func (p *ConcurrencyProps) checkWith(r *rules, reserved number) {
	if p == nil {
		return
	}
	r.within("Reserved", reserved, 0, math.Inf(1), "instances", "leave it unset to share the account's unreserved instances")
	before := len(r.broken)
	p.Provisioned.check(r, reserved)
	if len(r.broken) == before { // numbers that contradict each other serve nothing
		p.checkPlan(r, reserved)
	}
}

// highest returns the highest number of warm instances without schedules.
func (p *ProvisionedConcurrency) highest() number {
	if p.Max != nil {
		return numberOf(p.Max)
	}
	return numberOf(p.Min)
}

func (p *ProvisionedConcurrency) check(r *rules, reserved number) {
	if p == nil {
		return
	}
	if p.Min == nil {
		r.breaks("Provisioned.Min", "must be at least 1 instance, got none; use Fixed or Autoscaled")
	}
	lowest, highest, most, busy := numberOf(p.Min), numberOf(p.Max), p.highest(), numberOf(p.Utilization)
	paused := reserved.known && reserved.value == 0
	if paused {
		if most.known && most.value > 0 {
			r.breaks("Provisioned", "must be unset while Reserved is 0, which pauses the function, got %s; unset it, or set Reserved to at least %s", most, most)
		}
		return
	}
	r.within("Provisioned.Min", lowest, 1, math.Inf(1), "instances", "leave Provisioned unset for none")
	if highest.known && lowest.known && highest.value < lowest.value {
		r.breaks("Provisioned.Max", "must be at least Provisioned.Min (%s instances), got %s; raise it, or use Fixed", lowest, highest)
	} else {
		r.within("Provisioned.Max", highest, 1, math.Inf(1), "instances", "leave Provisioned unset for none")
	}
	// The negation refuses NaN too.
	if busy.known && !(busy.value >= minUtilizationRatio && busy.value <= maxUtilizationRatio) {
		r.breaks("Provisioned.Utilization", "must be %s to %s, got %s; it is a ratio, so 70%% is 0.7",
			format(minUtilizationRatio), format(maxUtilizationRatio), busy)
	}
	if most.known && reserved.known && reserved.value > 0 && most.value > reserved.value {
		r.breaks("Provisioned", "must be at most Reserved (%s instances), got %s; raise Reserved or lower the provisioned number", reserved, most)
	}
	if p.Utilization != nil && p.Max == nil {
		r.breaks("Provisioned.Utilization", "must be unset without Max, since the number is fixed or follows Schedules; remove it, or set Max")
	}
	leastMin, mostMax := p.extremes()
	for _, name := range sortedKeys(p.Schedules) {
		field := fmt.Sprintf("Provisioned.Schedules[%q]", name)
		if !capacityNamePattern.MatchString(name) {
			r.breaks(field, "must have a name of 1 to 256 characters other than : / and |, without spaces at its ends; rename it")
		}
		checkCapacity(r, field, p.Schedules[name], reserved)
		checkAlone(r, field, p.Schedules[name], leastMin, mostMax)
	}
	if isTrue(p.HoldAtUpdate) && p.neverAbove() {
		r.breaks("Provisioned.HoldAtUpdate", "must be unset unless Max or a schedule is above Min (%s instances), with which each version starts anyway; remove it, or raise Max", lowest)
	}
}

// neverAbove reports whether the number of warm instances is known never to be above Min.
func (p *ProvisionedConcurrency) neverAbove() bool {
	lowest := numberOf(p.Min)
	return lowest.known && !slices.ContainsFunc(p.upperBounds(), func(bound *float64) bool {
		n := numberOf(bound)
		return !n.known || n.value > lowest.value
	})
}

// noWarmth is why a schedule cannot go down to 0: Lambda has no provisioned concurrency
// of 0, and later updates of the alias fail.
// https://github.com/aws/aws-cdk/issues/29992 (2026-11)
const noWarmth = "with 0, later deployments of the alias fail; 1 is the least"

// checkCapacity checks one of [ProvisionedConcurrency.Schedules].
func checkCapacity(r *rules, field string, s *awsapplicationautoscaling.ScalingSchedule, reserved number) {
	if s == nil {
		s = &awsapplicationautoscaling.ScalingSchedule{}
	}
	if s.Schedule == nil {
		r.breaks(field+".Schedule", "must be set, got none; it says when the numbers change")
	} else if expression := textOf(s.Schedule.ExpressionString()); expression.known {
		zone := text{}
		if s.TimeZone != nil {
			zone = textOf(s.TimeZone.TimezoneName())
		}
		r.in(field, func(r *rules) { checkExpression(r, "Schedule", expression.value, zone) })
	}
	lowest, highest := numberOf(s.MinCapacity), numberOf(s.MaxCapacity)
	if !lowest.set && !highest.set {
		r.breaks(field, "must have MinCapacity, MaxCapacity or both, got none; set what changes")
	}
	r.within(field+".MinCapacity", lowest, 1, math.Inf(1), "instances", noWarmth)
	r.within(field+".MaxCapacity", highest, 1, math.Inf(1), "instances", noWarmth)
	if lowest.known && highest.known && highest.value < lowest.value {
		r.breaks(field+".MaxCapacity", "must be at least MinCapacity (%s instances), got %s; raise it", lowest, highest)
	}
	most := highest
	if !most.set {
		most = lowest
	}
	if most.known && reserved.known && most.value > reserved.value {
		r.breaks(field, "must be at most Reserved (%s instances), got %s; raise Reserved or lower the provisioned number", reserved, most)
	}
}

// capacityNamePattern is the pattern of a scheduled action's name.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html (2026-11)
var capacityNamePattern = regexp.MustCompile(`^[^ :/|\x00-\x1f\x7f-\x9f]([^:/|\x00-\x1f\x7f-\x9f]{0,254}[^ :/|\x00-\x1f\x7f-\x9f])?$`)

// extremes returns the lowest Min and the highest Max that the alias has at any time. They
// are unknown if any of the numbers is a token.
func (p *ProvisionedConcurrency) extremes() (leastMin, mostMax number) {
	leastMin, mostMax = numberOf(p.Min), p.highest()
	for _, s := range p.Schedules {
		if s == nil {
			continue
		}
		if n := numberOf(s.MinCapacity); n.set {
			leastMin.known, leastMin.value = leastMin.known && n.known, min(leastMin.value, n.value)
		}
		if n := numberOf(s.MaxCapacity); n.set {
			mostMax.known, mostMax.value = mostMax.known && n.known, max(mostMax.value, n.value)
		}
	}
	return leastMin, mostMax
}

// checkAlone refuses a schedule that sets one bound so that it contradicts the other one at
// any time. Application Auto Scaling would not apply it, which nobody would see.
// https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html (2026-11)
func checkAlone(r *rules, field string, s *awsapplicationautoscaling.ScalingSchedule, leastMin, mostMax number) {
	if s == nil {
		return
	}
	lowest, highest := numberOf(s.MinCapacity), numberOf(s.MaxCapacity)
	if lowest.known && !highest.set && mostMax.known && lowest.value > mostMax.value {
		r.breaks(field+".MinCapacity", "must be at most the highest of Max and each MaxCapacity (%s instances), got %s; set MaxCapacity too", mostMax, lowest)
	}
	if highest.known && !lowest.set && leastMin.known && highest.value < leastMin.value {
		r.breaks(field+".MaxCapacity", "must be at least the lowest of Min and each MinCapacity (%s instances), got %s; set MinCapacity too", leastMin, highest)
	}
}
