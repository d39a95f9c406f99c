package hearth

import (
	"errors"
	"io/fs"

	"github.com/lambdahearth/hearth/plan"
)

// checkPlan holds the numbers against the plan file that they came from. Numbers that are
// not known at synth are not checked. Schedules count as their highest number, since the
// file does not say at what times of the day its traffic comes.
func (p *ConcurrencyProps) checkPlan(r *rules, reserved number) {
	if p.Plan == nil || *p.Plan == "" || reserved.known && reserved.value == 0 { // paused
		return
	}
	warm, known := p.Provisioned.planned()
	if !known || reserved.set && !reserved.known {
		return
	}
	unserved, err := unserved(*p.Plan, warm, reserved)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.breaks("Plan", "must be a file that hearth plan --out wrote, got %q, which is not there; write it, or correct its path", *p.Plan)
	case err != nil:
		r.breaks("Plan", "must be a plan that these numbers fit, got %q: %s", *p.Plan, err)
	}
	for _, u := range unserved {
		if u.Reserved {
			r.breaks("Reserved", "must serve the traffic of %q: at most %s of the requests may be throttled, got %s; raise it, or plan anew", *p.Plan, u.Goal, u.Share)
			continue
		}
		r.breaks("Provisioned", "must serve the traffic of %q: at most %s of the requests may be cold, got %s; raise it, or plan anew", *p.Plan, u.Goal, u.Share)
	}
}

// planned returns the numbers as the planner takes them. known is false if one of them is
// a token, or missing.
func (p *ProvisionedConcurrency) planned() (warm plan.Provisioned, known bool) {
	if p == nil {
		return plan.Provisioned{}, true
	}
	lowest, highest, busy := numberOf(p.Min), numberOf(p.Max), numberOf(p.Utilization)
	known = lowest.known && (highest.known || !highest.set) && (busy.known || !busy.set)
	warm = plan.Provisioned{Min: int(lowest.value), Utilization: busy.value}
	for _, s := range p.Schedules {
		if s != nil {
			for _, n := range []number{numberOf(s.MinCapacity), numberOf(s.MaxCapacity)} {
				known = known && (n.known || !n.set)
				warm.Min = max(warm.Min, int(n.value))
			}
		}
	}
	if most := int(highest.value); most > warm.Min {
		warm.Max = most
	}
	return warm, known
}

// unserved simulates the traffic of a plan with these numbers, which takes some tenths of
// a second.
func unserved(file string, warm plan.Provisioned, reserved number) ([]plan.Unserved, error) {
	traffic, err := plan.Open(file)
	if err != nil {
		return nil, err
	}
	if !reserved.set {
		return traffic.Unserved(warm, nil)
	}
	n := int(reserved.value)
	return traffic.Unserved(warm, &n)
}
