package hearth

import (
	"errors"
	"io/fs"

	"github.com/lambdahearth/hearth/plan"
)

// checkPlan holds the numbers against the plan file that they came from. Numbers that are
// not known at synth are not checked. Schedules count as their highest number, since the
// file does not say at what times of the day its traffic comes.
func (v concurrencyValues) checkPlan(r *rules) {
	if v.plan == "" || v.reserved.known && v.reserved.value == 0 { // paused
		return
	}
	unknown := v.reserved.set && !v.reserved.known
	if v.provisioned {
		unknown = unknown || !v.lowest.known || v.highest.set && !v.highest.known || v.busy.set && !v.busy.known
	}
	for _, s := range v.schedules {
		unknown = unknown || s.highest.set && !s.highest.known || s.lowest.set && !s.lowest.known
	}
	if unknown {
		return
	}
	unserved, err := v.unserved()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.breaks("Plan", "must be a file that hearth plan --out wrote, got %q, which is not there; write it, or correct its path", v.plan)
	case err != nil:
		r.breaks("Plan", "must be a plan that these numbers fit, got %q: %s", v.plan, err)
	}
	for _, u := range unserved {
		if u.Reserved {
			r.breaks("Reserved", "must serve the traffic of %q: at most %s of the requests may be throttled, got %s; raise it, or plan anew", v.plan, u.Goal, u.Share)
			continue
		}
		r.breaks("Provisioned", "must serve the traffic of %q: at most %s of the requests may be cold, got %s; raise it, or plan anew", v.plan, u.Goal, u.Share)
	}
}

// unserved simulates the traffic of the plan with these numbers, which takes some tenths of
// a second.
func (v concurrencyValues) unserved() ([]plan.Unserved, error) {
	file, err := plan.Open(v.plan)
	if err != nil {
		return nil, err
	}
	var p plan.Provisioned
	if v.provisioned {
		p = plan.Provisioned{Min: int(v.lowest.value), Utilization: v.busy.value}
		for _, s := range v.schedules {
			p.Min = max(p.Min, int(s.lowest.value), int(s.highest.value))
		}
		if highest := int(v.highest.value); highest > p.Min {
			p.Max = highest
		}
	}
	if !v.reserved.set {
		return file.Unserved(p, nil)
	}
	reserved := int(v.reserved.value)
	return file.Unserved(p, &reserved)
}
