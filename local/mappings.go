package local

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/lambdahearth/hearth/local/internal/plan"
)

// changeMappings starts and stops event source mappings to match the plan. Unchanged
// mappings continue.
func (e *Engine) changeMappings(p *plan.Plan) error {
	var errs []error
	keep := map[string]bool{}
	for _, m := range p.Mappings {
		id := m.Resource.String()
		keep[id] = true
		e.mu.Lock()
		existing := e.mappings[id]
		e.mu.Unlock()
		if existing != nil {
			if existing.plan.Queue == m.Queue && existing.plan.Function == m.Function && reflect.DeepEqual(existing.plan.Options, m.Options) {
				continue
			}
			e.retireMapping(id, existing)
		}
		queue := e.queues.Queue(m.Queue)
		if queue == nil {
			errs = append(errs, fmt.Errorf("%s: there is no queue %q", m.Resource, m.Queue))
			continue
		}
		options := m.Options
		function := mappedFunction{e, m.Function}
		options.Function, options.Log = function, function.logf
		options.Duplicate = func() bool { return e.faults.Duplicate(m.Queue) }
		started, err := queue.Map(options)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Resource, err))
			continue
		}
		e.mu.Lock()
		e.mappings[id] = &mapping{started, m}
		e.mu.Unlock()
	}
	e.mu.Lock()
	gone := map[string]*mapping{}
	for id, m := range e.mappings {
		if !keep[id] {
			gone[id] = m
		}
	}
	e.mu.Unlock()
	for id, m := range gone {
		e.retireMapping(id, m)
	}
	return errors.Join(errs...)
}

// retireMapping stops the polling of a mapping. Its batches in progress end by themselves,
// or at most stopGrace after Stop begins.
func (e *Engine) retireMapping(id string, m *mapping) {
	m.StopPolling()
	e.mu.Lock()
	delete(e.mappings, id)
	e.mu.Unlock()
	e.retired.Go(func() { m.Stop(e.retiring) })
}
