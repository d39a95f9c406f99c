package plan

import (
	"fmt"
	"math"
	"slices"
)

// Quotas of the services around a function.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html: 10,000 requests
// a second for all APIs of an account in a region, 2,500 in newer regions (2026-11).
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html:
// a FIFO queue without high throughput takes 300 calls a second (2026-11).
const (
	gatewayRequests = 10_000
	fifoCalls       = 300
)

// Break is a limit that growing traffic reaches.
type Break struct {
	// What is the limit, such as "account concurrency".
	What string `json:"what"`
	// Times is the multiple of today's traffic that reaches the limit. Below 1, today's
	// traffic exceeds it already.
	Times float64 `json:"times"`
	// Why says what happens at the limit, and what helps.
	Why string `json:"why"`
}

// Breaks returns the limits that a scenario reaches as its traffic grows, the lowest
// multiple first. api is the kind of API in front of the function; see [Billing.API].
func Breaks(s Scenario, api string) []Break {
	s = s.defaults()
	var list []Break
	add := func(what string, times float64, why string, args ...any) {
		if !math.IsInf(times, 0) && !math.IsNaN(times) && times > 0 {
			list = append(list, Break{what, times, fmt.Sprintf(why, args...)})
		}
	}
	if s.Traffic != nil && s.Traffic.Peak() > 0 {
		s.requestBreaks(api, add)
	}
	for i := range s.Queues {
		s.Queues[i].breaks(add)
	}
	s.databaseBreaks(add)
	slices.SortStableFunc(list, func(a, b Break) int {
		switch {
		case a.Times < b.Times:
			return -1
		case a.Times > b.Times:
			return 1
		}
		return 0
	})
	return list
}

func (s *Scenario) requestBreaks(api string, add func(string, float64, string, ...any)) {
	peak, duration := s.Traffic.Peak(), s.meanDuration()
	load := peak * duration
	bursts := s.Traffic.Peakedness(duration)
	ceiling, name := s.ceiling(), "account concurrency"
	help := "raise the quota of concurrent executions, which is free"
	if s.Reserved != nil {
		name, help = "reserved concurrency", "raise Reserved"
	}
	// This assumes that the account's other functions are idle.
	times := bisect(func(k float64) bool { return Hayward(float64(ceiling), k*load, bursts) > 0.001 })
	add(name, times, "%s %s at once are too few for 99.9%% of the requests at %s a second; %s", thousands(float64(ceiling)), are(ceiling, "instance", "instances"), rate(times*peak), help)
	if s.RequestsPerUnit > 0 {
		limit := s.RequestsPerUnit * float64(ceiling)
		add("request rate", limit/peak, "Lambda takes %g requests a second for each of the %s instances, %s in all, however short they are; %s", s.RequestsPerUnit, thousands(float64(ceiling)), rate(limit), help)
	}
	if p := s.Provisioned.max(); p > 0 {
		times := bisect(func(k float64) bool { return Hayward(float64(p), k*load, bursts) > 0.05 })
		add("provisioned concurrency", times, "more than 5%% of the requests spill over %s provisioned %s and may be cold; provision more", thousands(float64(p)), are(p, "instance", "instances"))
	}
	// A new version, or the first peak of the day, needs all its instances at once.
	if p := float64(s.Provisioned.Min); load > 0 {
		cold := peak*(duration+s.Init.Mean()) - p
		times := (rampInstances + p) / (cold + p)
		add("scaling rate", times, "after a deployment %s new instances are needed within seconds, and Lambda starts 1,000 at once and 100 more a second; requests are throttled meanwhile unless instances are provisioned", thousands(math.Ceil(times*(cold+p))))
	}
	if api == HTTPAPI || api == RESTAPI || api == WebSocket {
		add("API Gateway", gatewayRequests/peak, "the account's APIs together take 10,000 requests a second in a region, 2,500 in newer regions; ask for more, or use a function URL")
	}
}

func (q *Queue) breaks(add func(string, float64, string, ...any)) {
	if q.Traffic == nil || q.Traffic.Peak() == 0 || q.Duration == nil {
		return
	}
	jobs := q.Traffic.Peak() * q.Duration.Mean()
	places, what, help := float64(maxPollers), "pollers of "+q.Name, "use provisioned pollers"
	switch {
	case q.MaxConcurrency > 0:
		places, what, help = float64(q.MaxConcurrency), "maximum concurrency of "+q.Name, "raise MaxConcurrency"
	case q.MaxPollers > 0:
		places, help = float64(q.MaxPollers*invocationsPerUnit), "raise the maximum of pollers"
	}
	if q.FIFO && float64(max(q.Groups, 1)) < places {
		places, what, help = float64(max(q.Groups, 1)), "message groups of "+q.Name, "use more groups"
	}
	size := float64(q.BatchSize)
	if size == 0 {
		size = 10
	}
	// This assumes full batches, which use all concurrent jobs of an invocation.
	places *= math.Min(float64(max(q.Jobs, 1)), size)
	add(what, places/jobs, "%s jobs run at once at most, and messages that arrive faster pile up; %s", thousands(places), help)
	if q.FIFO {
		add("calls of "+q.Name, fifoCalls/q.Traffic.Peak(), "a FIFO queue without high throughput takes 300 sends a second, or 3,000 messages in batches; set its throughput limit per message group")
	}
}

// bisect returns the smallest multiple for which holds is true, within 0.1%. If holds is
// true for a multiple, it must be true for all larger ones. The result is infinite if holds
// is true for 1e-6 or false for 1e12.
func bisect(holds func(float64) bool) float64 {
	low, high := 1e-6, 1e12
	if holds(low) || !holds(high) {
		return math.Inf(1)
	}
	for high/low > 1.001 {
		if middle := math.Sqrt(low * high); holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// rate writes a rate with three digits.
func rate(x float64) string {
	if x >= 1000 {
		digits := math.Pow(10, math.Floor(math.Log10(x))-2)
		return thousands(math.Round(x/digits) * digits)
	}
	return fmt.Sprintf("%.3g", x)
}
