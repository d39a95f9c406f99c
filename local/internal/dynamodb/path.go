package dynamodb

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is a step of a path: to an attribute or a map's member by its name, or to a list's
// element by its position.
type step struct {
	name     string
	position int // in a list, if name is ""
}

// path is the path of an attribute, or of a value in the attribute's maps and lists:
// connections.a9, log[0].at.
type path []step

func (p path) String() string {
	texts := make([]string, len(p))
	for i, s := range p {
		if texts[i] = s.name; s.name == "" {
			texts[i] = "[" + strconv.Itoa(s.position) + "]"
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// compare orders paths so that, of two elements of one list, the later one comes first.
func (p path) compare(q path) int {
	return slices.CompareFunc(p, q, func(a, b step) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(b.position, a.position))
	})
}

// at returns the value at a path.
func (i item) at(p path) (value, bool) {
	v, ok := i[p[0].name]
	if !ok {
		return v, false
	}
	return v.at(p[1:])
}

func (v value) at(p path) (value, bool) {
	switch {
	case len(p) == 0:
		return v, true
	case p[0].name != "":
		return v.members.at(p) // a value that is not a map has no members
	case p[0].position < len(v.list):
		return v.list[p[0].position].at(p[1:])
	}
	return value{}, false
}

func errPath() *Error {
	return invalid("The document path provided in the update expression is invalid for update")
}

// with returns a copy with v at the path; nil removes the value. The maps and lists
// before the path's end must exist.
func (i item) with(p path, v *value) (item, error) {
	changed := maps.Clone(i)
	if changed == nil {
		changed = item{}
	}
	name := p[0].name
	switch {
	case len(p) > 1:
		outer, ok := i[name]
		if !ok {
			return nil, errPath()
		}
		inner, err := outer.with(p[1:], v)
		if err != nil {
			return nil, err
		}
		changed[name] = inner
	case v == nil:
		delete(changed, name)
	default:
		changed[name] = *v
	}
	return changed, nil
}

func (v value) with(p path, w *value) (value, error) {
	if p[0].name != "" {
		if v.kind != typeMap {
			return value{}, errPath()
		}
		members, err := v.members.with(p, w)
		return value{kind: typeMap, members: members}, err
	}
	if v.kind != typeList {
		return value{}, errPath()
	}
	list := slices.Clone(v.list)
	at := p[0].position
	switch {
	case len(p) > 1 && at >= len(list):
		return value{}, errPath()
	case len(p) > 1:
		inner, err := list[at].with(p[1:], w)
		if err != nil {
			return value{}, err
		}
		list[at] = inner
	case w == nil && at < len(list):
		list = slices.Delete(list, at, at+1)
	case w == nil:
	case at < len(list):
		list[at] = *w
	default:
		list = append(list, *w) // a position past the end appends
	}
	return value{kind: typeList, list: list}, nil
}

// project returns only the values at the paths. A list keeps only the requested elements,
// in their order.
func (i item) project(paths []path) item {
	result := item{}
	for name, rest := range byFirstStep(paths) {
		if v, ok := i[name.name]; ok && name.name != "" {
			if part, ok := v.project(rest); ok {
				result[name.name] = part
			}
		}
	}
	return result
}

func (v value) project(paths []path) (value, bool) {
	if slices.ContainsFunc(paths, func(p path) bool { return len(p) == 0 }) {
		return v, true
	}
	switch v.kind {
	case typeMap:
		members := v.members.project(paths)
		return value{kind: typeMap, members: members}, len(members) > 0
	case typeList:
		var list []value
		steps := byFirstStep(paths)
		for at, element := range v.list {
			if rest, ok := steps[step{position: at}]; ok {
				if part, ok := element.project(rest); ok {
					list = append(list, part)
				}
			}
		}
		return value{kind: typeList, list: list}, len(list) > 0
	}
	return value{}, false
}

// byFirstStep groups paths by their first step; the values are the remaining steps.
func byFirstStep(paths []path) map[step][]path {
	groups := map[step][]path{}
	for _, p := range paths {
		groups[p[0]] = append(groups[p[0]], p[1:])
	}
	return groups
}
