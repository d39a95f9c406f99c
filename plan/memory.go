package plan

import "fmt"

// Memory is a memory size, with the duration of the handler measured at that size.
type Memory struct {
	MB       int
	Duration Distribution
}

// MemoryPoint is the latency and cost with a memory size, without provisioned instances.
type MemoryPoint struct {
	MB   int     `json:"memoryMB"`
	Mean float64 `json:"mean"` // the handler's, in seconds
	P99  float64 `json:"p99"`  // seconds
	Cost float64 `json:"cost"` // a month, in US dollars
	Best bool    `json:"best,omitempty"`
}

// aboutAsCheap is the factor by which a faster size may cost more and still be recommended.
const aboutAsCheap = 1.05

// memory compares the measured memory sizes. Lambda gives more CPU with more memory, so a
// larger size may cost less.
func (a *Advice) memory(s *Scenario, prices Prices, billing Billing) error {
	if len(billing.Measured) == 0 || s.Traffic == nil {
		return nil
	}
	c := study(s)
	for _, m := range billing.Measured {
		c.Duration = m.Duration
		r, err := Run(c)
		if err != nil {
			return err
		}
		bill := billing
		bill.MemoryMB = m.MB
		a.Memory = append(a.Memory, MemoryPoint{MB: m.MB, Mean: m.Duration.Mean(), P99: r.Latency.P99, Cost: prices.Month(&c, r, bill).Total})
	}
	cheapest := 0
	for i, p := range a.Memory {
		if p.Cost < a.Memory[cheapest].Cost {
			cheapest = i
		}
	}
	best := cheapest
	for i, p := range a.Memory {
		if p.Cost <= a.Memory[cheapest].Cost*aboutAsCheap && p.P99 < a.Memory[best].P99 {
			best = i
		}
	}
	a.Memory[best].Best = true
	p := a.Memory[best]
	a.MemoryWhy = fmt.Sprintf("%s MB: of the sizes that were measured it costs the least, %s a month, with a p99 of %s.", thousands(float64(p.MB)), dollars(p.Cost), shortSeconds(p.P99))
	if best != cheapest {
		q := a.Memory[cheapest]
		a.MemoryWhy = fmt.Sprintf("%s MB: it costs %s a month, about as much as the cheapest size (%s MB, %s), and its p99 is %s instead of %s.",
			thousands(float64(p.MB)), dollars(p.Cost), thousands(float64(q.MB)), dollars(q.Cost), shortSeconds(p.P99), shortSeconds(q.P99))
	}
	return nil
}
