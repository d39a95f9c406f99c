package assembly

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// loopPrefix begins the key of a loop, which the transform AWS::LanguageExtensions expands.
const loopPrefix = "Fn::ForEach::"

// expandLoops replaces the loops in a value of a template, such as
//
//	"Fn::ForEach::Queues": ["Name", ["Orders", "Mails"], {"${Name}Queue": {…}}]
//
// with a copy of the loop's object for each item of its list. It leaves out a loop that
// cannot be expanded.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html (2026-11)
func (s *Stack) expandLoops(value any, leaveOut func(id string, err error)) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = s.expandLoops(item, leaveOut)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if !strings.HasPrefix(key, loopPrefix) {
				m[key] = s.expandLoops(v[key], leaveOut)
				continue
			}
			copies, err := s.loop(v[key])
			if err != nil {
				leaveOut(key, err)
				continue
			}
			for _, one := range copies {
				maps.Copy(m, s.expandLoops(one, leaveOut).(map[string]any))
			}
		}
		return m
	}
	return value
}

// loop returns the copies that a loop makes of its object.
func (s *Stack) loop(argument any) ([]any, error) {
	a, _ := argument.([]any)
	if len(a) != 3 {
		return nil, errors.New("a loop takes an identifier, a list and an object")
	}
	name, isText := a[0].(string)
	body, isObject := a[2].(map[string]any)
	if !isText || !isObject {
		return nil, errors.New("a loop takes an identifier, a list and an object")
	}
	resolved, err := s.resolve(a[1], 0)
	if err != nil {
		return nil, err
	}
	items, isList := resolved.([]any)
	if !isList {
		return nil, errors.New("a loop goes over a list")
	}
	var copies []any
	for _, item := range items {
		copies = append(copies, substitute(body, name, scalar(item)))
	}
	return copies, nil
}

// substitute puts the item of a loop in place of its identifier: of ${Name}, of &{Name},
// which leaves out all but letters and digits, and of {"Ref": "Name"}.
func substitute(value any, name, item string) any {
	switch v := value.(type) {
	case string:
		plain := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, item)
		return strings.NewReplacer("${"+name+"}", item, "&{"+name+"}", plain).Replace(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = substitute(v[i], name, item)
		}
		return list
	case map[string]any:
		if len(v) == 1 && v["Ref"] == name {
			return item
		}
		m := map[string]any{}
		for key := range v {
			m[substitute(key, name, item).(string)] = substitute(v[key], name, item)
		}
		return m
	}
	return value
}
