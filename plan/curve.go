package plan

import (
	"math"
	"slices"
)

// CurvePoint is the cost and latency with a fixed number of provisioned instances.
type CurvePoint struct {
	Provisioned int     `json:"provisioned"`
	Cost        float64 `json:"cost"` // a month, in US dollars
	P50         float64 `json:"p50"`  // seconds, as the others
	P99         float64 `json:"p99"`
	P999        float64 `json:"p999"`
	ColdShare   float64 `json:"coldShare"`
	SpillShare  float64 `json:"spillShare"`
	// Utilization is the share of time for which the provisioned instances are busy.
	Utilization float64 `json:"utilization"`
	// PeakBusy is the highest number of instances that were busy at once.
	PeakBusy int `json:"peakBusy"`
	// BreakEven marks the highest number whose last instance is busy for 60% of the time
	// or more. Up to this number, provisioned instances cost less than on demand.
	BreakEven bool `json:"breakEven,omitempty"`
}

// studyRequests is the maximum of requests in each of the runs that Advise makes.
const studyRequests = 400_000

// study returns a copy of a scenario without the settings that Advise recommends.
func study(s *Scenario) Scenario {
	c := *s
	c.Provisioned = Provisioned{Utilization: s.Provisioned.Utilization}
	c.Reserved = nil
	c.Account = max(s.Account, math.MaxInt32) // the need, not bounded by the quota
	c.Requests = studyRequests
	c.Length = 0
	c.Deployments = nil
	c.Queues, c.Schedules, c.Database = nil, nil, nil
	if c.Traffic != nil && !c.Traffic.steady() && c.Traffic.repeat {
		if week := c.Traffic.length(); week > daySeconds {
			c.Traffic = c.Traffic.busiestDay()
		}
	}
	return c
}

// busiestDay returns the day of a longer curve that has the most requests.
func (t *Traffic) busiestDay() *Traffic {
	steps := int(daySeconds / t.step)
	if steps < 1 || steps >= len(t.rates) {
		return t
	}
	best, most := 0, -1.0
	for day := 0; day+steps <= len(t.rates); day += steps {
		sum := 0.0
		for _, r := range t.rates[day : day+steps] {
			sum += r
		}
		if sum > most {
			best, most = day, sum
		}
	}
	c := *t
	c.rates = t.rates[best : best+steps]
	return &c
}

// bare reports whether a steady scenario has nothing that [study] takes away, so that its
// own, longer run is better than that of the study.
func (s *Scenario) bare() bool {
	return s.Traffic.steady() && s.Provisioned.max() == 0 && s.Reserved == nil && s.Database == nil &&
		len(s.Queues)+len(s.Schedules)+len(s.Deployments) == 0
}

// costCurve runs a scenario with several numbers of provisioned instances: from none to
// enough for almost all requests. own is the scenario's own result, or nil.
func costCurve(s *Scenario, own *Result, prices Prices, billing Billing, points int) ([]CurvePoint, error) {
	c := study(s)
	peak := c.Traffic.Peak() * c.meanDuration()
	most := max(1, ServersForBursts(peak, 1e-4, c.Traffic.Peakedness(c.meanDuration())))
	numbers := []int{0}
	for i := 1; i <= points; i++ { // closer together near the load
		n := int(math.Round(float64(most) * math.Pow(float64(i)/float64(points), 0.8)))
		if n > numbers[len(numbers)-1] {
			numbers = append(numbers, n)
		}
	}
	even := breakEvenOf(&c)
	if i, found := slices.BinarySearch(numbers, even); even > 0 && !found {
		numbers = slices.Insert(numbers, i, even)
	}
	var curve []CurvePoint
	for _, n := range numbers {
		c.Provisioned.Min = n
		r := own
		if n > 0 || own == nil || own.ThrottledShare > 0 || !s.bare() {
			var err error
			if r, err = Run(c); err != nil {
				return nil, err
			}
		}
		curve = append(curve, CurvePoint{
			Provisioned: n, Cost: prices.Month(&c, r, billing).Total, P50: r.Latency.P50, P99: r.Latency.P99, P999: r.Latency.P999,
			ColdShare: r.ColdShare, SpillShare: r.SpillShare, Utilization: r.Utilization, PeakBusy: r.PeakBusy, BreakEven: n > 0 && n == even,
		})
	}
	return curve, nil
}

// breakEvenOf returns the number of provisioned instances that pay for themselves. If the
// load changes, each instance must be busy for 60% of the whole time.
func breakEvenOf(s *Scenario) int {
	t := s.Traffic
	if t.requests != nil || len(t.rates) == 1 {
		return BreakEven(s.load())
	}
	// The n-th instance carries load·(B(n-1)-B(n)), where B is Erlang B. The loop averages
	// it over a sample of the steps.
	every := max(1, len(t.rates)/200)
	duration := s.meanDuration()
	for n := 1; ; n++ {
		used, steps := 0.0, 0.0
		for i := 0; i < len(t.rates); i += every {
			load := t.rates[i] * duration
			used += load * (ErlangB(float64(n-1), load) - ErlangB(float64(n), load))
			steps++
		}
		if used/steps < breakEven {
			return n - 1
		}
	}
}
