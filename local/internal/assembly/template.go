package assembly

import (
	"errors"
	"maps"
	"slices"
)

// readTemplate reads the stack's template. A part that cannot be read is left out, with a
// reason in undecided.
func (s *Stack) readTemplate() error {
	var t map[string]any
	if err := readJSON(s.file, &t); err != nil {
		return err
	}
	leaveOut := func(id string, err error) { s.undecided[id] = err }
	// Loops may go over lists in these.
	s.template.Parameters = readSection[parameter](t["Parameters"], leaveOut)
	s.template.Mappings = readSection[map[string]map[string]any](t["Mappings"], leaveOut)
	for _, section := range []string{"Conditions", "Resources", "Outputs"} {
		t[section] = s.expandLoops(t[section], leaveOut)
	}
	s.template.Conditions = readSection[any](t["Conditions"], leaveOut)
	s.template.Resources = readSection[resource](t["Resources"], leaveOut)
	s.template.Outputs = readSection[output](t["Outputs"], leaveOut)
	return nil
}

// readSection reads the parts of a template's section, by name. It leaves out those that
// cannot be read.
func readSection[T any](section any, leaveOut func(id string, err error)) map[string]T {
	parts := map[string]T{}
	all, _ := section.(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if id == "Fn::Transform" {
			leaveOut(id, errors.New("AWS puts it together from another file (AWS::Include), which is not read here"))
			continue
		}
		var part T
		if err := recode(all[id], &part); err != nil {
			leaveOut(id, plainly(err))
			continue
		}
		parts[id] = part
	}
	return parts
}
