package assembly

import (
	"maps"
	"slices"
)

// Output is an output of a stack.
type Output struct {
	Stack string
	Name  string
	Value string
}

// Outputs returns the outputs whose values the engine knows.
func (a *App) Outputs() []Output {
	var list []Output
	for _, s := range a.Stacks {
		if s.Nested {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.template.Outputs)) {
			o := s.template.Outputs[name]
			if o.Condition != "" {
				if holds, err := s.condition(o.Condition, 0); err != nil || !holds {
					continue
				}
			}
			if v, err := s.text(o.Value, 0); err == nil {
				list = append(list, Output{s.Name, name, v})
			}
		}
	}
	return list
}
