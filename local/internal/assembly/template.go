package assembly

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// readTemplate reads the stack's template. A part that cannot be read is left out, with a
// reason in undecided.
func (s *Stack) readTemplate() error {
	var t map[string]any
	if err := readJSON(s.file, &t); err != nil {
		return err
	}
	// leaveOut notes a part of a section. Only the resources' ids are theirs alone.
	leaveOut := func(section string) func(id string, err error) {
		return func(id string, err error) {
			if section != "Resources" {
				id = section + "." + id
			}
			s.undecided[id] = err
		}
	}
	// Loops may go over lists in these.
	s.template.Parameters = readSection[parameter](t["Parameters"], leaveOut("Parameters"))
	s.template.Mappings = readSection[map[string]map[string]any](t["Mappings"], leaveOut("Mappings"))
	for _, section := range []string{"Conditions", "Resources", "Outputs"} {
		t[section] = s.expandLoops(t[section], leaveOut(section))
	}
	s.template.Conditions = readSection[any](t["Conditions"], leaveOut("Conditions"))
	s.template.Resources = readSection[resource](t["Resources"], leaveOut("Resources"))
	s.template.Outputs = readSection[output](t["Outputs"], leaveOut("Outputs"))
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

// Document returns the asset with an object key, a file in JSON or YAML.
func (a *App) Document(key string) (any, error) {
	file := a.Asset(key)
	if file == "" {
		return nil, unknownf("the assembly has no asset %q", key)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var document any
	if err := yaml.Unmarshal(data, &document); err != nil { // JSON is YAML
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %w", file, err)
	}
	return document, nil
}

// transform evaluates Fn::Transform. It knows AWS::Include of an asset.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html (2026-11)
func (s *Stack) transform(argument any, depth int) (any, error) {
	var macro struct {
		Name       string
		Parameters struct{ Location any }
	}
	if err := Decode(argument, &macro); err != nil {
		return nil, unknownf("Fn::Transform: %v", err) // such as a list of macros
	}
	if macro.Name != "AWS::Include" {
		return nil, unknownf("Fn::Transform of %s is not supported here", macro.Name)
	}
	location, err := s.text(macro.Parameters.Location, depth)
	if err != nil {
		return nil, err
	}
	included, err := s.app.Document(location[strings.LastIndex(location, "/")+1:])
	if err != nil {
		return nil, unknownf("AWS::Include of %s: %v; include an asset of the app, or write it into the template", location, err)
	}
	return s.resolve(included, depth)
}
