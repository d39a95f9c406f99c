package plancmd

import (
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/plan"
)

// endless is a wait that the function's timeout ends first.
const endless = 24 * time.Hour

// database sets the database of the flags or of the project. Without its number of
// connections there is none.
func (f *Flags) database(in *plan.Input, p *project) error {
	switch {
	case f.Connections < 0:
		return wrong("connections", fmt.Errorf("must be 1 or more, got %d; see max_connections of the database", f.Connections))
	case f.Borrow < 0:
		return wrong("borrow", fmt.Errorf("must be 0s or more, got %s; correct it", f.Borrow))
	case !(f.Held >= 0 && f.Held <= 1):
		return wrong("held", fmt.Errorf("must be a share of 0 to 1, got %g; correct it", f.Held))
	}
	d := &plan.Database{Connections: f.Connections, Proxy: f.Borrow > 0, Borrow: f.Borrow, Held: f.Held}
	if p != nil && p.settings.Database != nil {
		s := p.settings.Database
		if d.Connections == 0 {
			d.Connections = s.MaxConnections
		}
		if d.Connections == 0 {
			assume(in, "Nothing waits for the database: --connections says its max_connections.")
		}
		if s.Proxy {
			d.Proxy = true
			if d.Connections > 0 {
				d.Connections = max(int(float64(d.Connections)*s.Percent/100), 1)
			}
			if d.Borrow == 0 {
				d.Borrow = s.Borrow
			}
			if d.Borrow == 0 {
				d.Borrow = endless
			}
		}
	}
	switch {
	case d.Connections > 0:
		in.Scenario.Database = d
	case f.Borrow > 0 || f.Held > 0:
		return wrong("connections", fmt.Errorf("must be given with --borrow and --held, got none; see max_connections of the database"))
	}
	return nil
}
