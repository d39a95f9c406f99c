package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// app has all templates of one check.
type app struct {
	stacks []*stack
	// open says that there may be resources outside the given templates: those of a macro
	// or of a missing nested stack. Then no rule reports a missing resource.
	open bool
	// followed caches the values of references that lead to other references.
	followed map[string]any
}

// stack is one template.
type stack struct {
	app  *app
	key  string // identifies the stack in tokens
	file string
	size int    // of the template in bytes
	data []byte // the template

	template  template
	resources map[string]*resource
	byType    map[string][]*resource // in the order of logical ids

	// parent is the resource that creates a nested stack, or nil.
	parent *resource
}

// resource is a resource of a template.
type resource struct {
	stack *stack
	id    string
	kind  string // its type, such as AWS::SQS::Queue
	path  string
	// conditional says that the resource may not exist.
	conditional bool

	raw      rawResource
	children *stack // of a nested stack
}

type template struct {
	Metadata   map[string]any
	Parameters map[string]any
	Mappings   map[string]map[string]map[string]any
	Resources  section[rawResource]
	Transform  any
	Outputs    section[rawOutput]
}

// section is a section of a template, by name. Its loops are empty, because what they make
// is unknown.
type section[T any] map[string]T

// loopPrefix is the prefix of the key of a loop, in macros and language extensions.
const loopPrefix = "Fn::"

func (s *section[T]) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*s = section[T]{}
	for id, data := range all {
		var part T
		if !strings.HasPrefix(id, loopPrefix) {
			if err := json.Unmarshal(data, &part); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
		}
		(*s)[id] = part
	}
	return nil
}

type rawResource struct {
	Type       string
	Properties map[string]any
	Metadata   map[string]any
	Condition  string
	DependsOn  any

	DeletionPolicy, UpdateReplacePolicy any // a string, or a function of language extensions
}

type rawOutput struct {
	Value     any
	Condition string
	Export    *struct{ Name any }
}

func parse(sources []Source) (*app, error) {
	a := &app{followed: map[string]any{}}
	for i, source := range sources {
		source.Data = bytes.TrimPrefix(source.Data, []byte("\ufeff")) // some editors write a byte order mark
		s := &stack{app: a, key: fmt.Sprint(i), file: source.Name, size: len(source.Data), data: source.Data, resources: map[string]*resource{}, byType: map[string][]*resource{}}
		if err := json.Unmarshal(source.Data, &s.template); err != nil {
			return nil, fmt.Errorf("read template %s: must be a CloudFormation template in JSON, got %w; synthesize the app, or convert the file", source.Name, err)
		}
		if len(s.template.Resources)+len(s.template.Parameters)+len(s.template.Outputs) == 0 { // a stack may have no resources yet
			return nil, fmt.Errorf("read template %s: must have Resources, got none; name a CloudFormation template", source.Name)
		}
		for _, id := range slices.Sorted(maps.Keys(s.template.Resources)) {
			raw := s.template.Resources[id]
			if strings.HasPrefix(id, loopPrefix) {
				a.open = true
				continue
			}
			r := &resource{stack: s, id: id, kind: raw.Type, conditional: raw.Condition != "", raw: raw}
			r.path, _ = raw.Metadata["aws:cdk:path"].(string)
			s.resources[id] = r
			s.byType[r.kind] = append(s.byType[r.kind], r)
		}
		a.open = a.open || s.template.Transform != nil
		a.stacks = append(a.stacks, s)
	}
	a.linkNested()
	return a, nil
}

// nestedFile returns the file of a nested stack's template beside its parent's, or "".
func nestedFile(raw rawResource) string {
	file, _ := raw.Metadata["aws:asset:path"].(string)
	if raw.Type != "AWS::CloudFormation::Stack" || !strings.HasSuffix(file, ".json") {
		return ""
	}
	return file
}

// linkNested links nested stacks to their templates.
func (a *app) linkNested() {
	for _, s := range a.stacks {
		for _, r := range s.byType["AWS::CloudFormation::Stack"] {
			file := nestedFile(r.raw)
			for _, child := range a.stacks {
				if file != "" && path.Base(filepath.ToSlash(child.file)) == path.Base(file) && child != s && filepath.Dir(child.file) == filepath.Dir(s.file) {
					r.children, child.parent = child, r
				}
			}
			a.open = a.open || r.children == nil
		}
	}
}

// ofType returns the resources of some types in all templates.
func (a *app) ofType(types ...string) []*resource {
	var all []*resource
	for _, s := range a.stacks {
		for _, t := range types {
			all = append(all, s.byType[t]...)
		}
	}
	return all
}

// get returns the property at a path of names.
func (r *resource) get(names ...string) value {
	return value{r.stack, r.raw.Properties}.get(names...)
}

// waitsFor reports whether CloudFormation creates other before r, because of DependsOn or
// a reference, directly or through other resources.
func (r *resource) waitsFor(other *resource) bool {
	if r.stack != other.stack {
		return true // stacks deploy in their own order
	}
	seen := map[string]bool{}
	queue := []string{r.id}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		if id == other.id && id != r.id {
			return true
		}
		if next := r.stack.resources[id]; next != nil {
			queue = append(queue, references(next.raw)...)
		}
	}
	return false
}

// earlier returns the resources of the same type and stack that precede r and certainly
// exist, for rules about two equal resources. It returns none if r may not exist.
func (r *resource) earlier() []*resource {
	if r.conditional {
		return nil
	}
	var found []*resource
	for _, other := range r.stack.byType[r.kind] {
		if other == r {
			break
		}
		if !other.conditional {
			found = append(found, other)
		}
	}
	return found
}

// references returns the logical ids that a resource names.
func references(raw rawResource) []string {
	var ids []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, argument := range v {
				switch name {
				case "Ref":
					if id, ok := argument.(string); ok {
						ids = append(ids, id)
					}
				case "Fn::GetAtt":
					id, _ := getAttOf(argument)
					ids = append(ids, id)
				case "Fn::Sub":
					text, _ := subOf(argument)
					for _, match := range substitution.FindAllStringSubmatch(text, -1) {
						id, _, _ := strings.Cut(match[1], ".")
						ids = append(ids, id)
					}
					walk(argument)
				default:
					walk(argument)
				}
			}
		}
	}
	walk(raw.Properties)
	switch depends := raw.DependsOn.(type) {
	case string:
		ids = append(ids, depends)
	case []any:
		for _, id := range depends {
			if id, ok := id.(string); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
