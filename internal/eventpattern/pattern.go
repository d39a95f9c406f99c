// Package eventpattern compiles patterns in the language of EventBridge, which filter
// criteria of Lambda use too.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A Pattern is a filter rule in EventBridge's language, compiled to a function of an
// event's value. present is false if the event has no such field.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax (2026-11)
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (2026-11)
type Pattern func(value any, present bool) bool

// Decode decodes JSON with numbers as json.Number.
func Decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// Object compiles an object of fields; errors begin with path. Each field has an object, or a list of
// rules, one of which must match. "$or" has a list of objects, one of which must match.
func Object(path string, fields map[string]any) (Pattern, error) {
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s must not be an empty object", path)
	}
	patterns := map[string]Pattern{}
	var alternatives []Pattern
	for key, value := range fields {
		at := path + "." + key
		switch v := value.(type) {
		case map[string]any:
			p, err := Object(at, v)
			if err != nil {
				return nil, err
			}
			patterns[key] = p
		case []any:
			if key == "$or" {
				for i, item := range v {
					object, ok := item.(map[string]any)
					if !ok {
						return nil, fmt.Errorf("%s must be a list of objects", at)
					}
					p, err := Object(fmt.Sprintf("%s[%d]", at, i), object)
					if err != nil {
						return nil, err
					}
					alternatives = append(alternatives, p)
				}
				continue
			}
			p, err := Rules(at, v)
			if err != nil {
				return nil, err
			}
			patterns[key] = p
		default:
			return nil, fmt.Errorf("%s must be an object or a list of rules, got %v; write [%v]", at, Text(v), Text(v))
		}
	}
	var match Pattern
	match = func(value any, present bool) bool {
		if list, ok := value.([]any); ok {
			return slices.ContainsFunc(list, func(item any) bool { return match(item, true) })
		}
		object, _ := value.(map[string]any) // if value is no object, every field is absent
		for key, p := range patterns {
			v, ok := object[key]
			if !p(v, ok) {
				return false
			}
		}
		return alternatives == nil || slices.ContainsFunc(alternatives, func(p Pattern) bool { return p(value, present) })
	}
	return match, nil
}

// Text returns a decoded value as JSON.
func Text(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(v) //nolint:errcheck // it was decoded from JSON
	return strings.TrimSuffix(b.String(), "\n")
}

// Rules compiles a list of rules, one of which must match. If the event has a
// list, one item must match.
func Rules(path string, rules []any) (Pattern, error) {
	if len(rules) == 0 {
		return nil, fmt.Errorf("%s must not be an empty list", path)
	}
	var patterns []Pattern
	for i, rule := range rules {
		p, err := compileRule(rule)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", path, i, err)
		}
		patterns = append(patterns, p)
	}
	one := func(value any, present bool) bool {
		return slices.ContainsFunc(patterns, func(p Pattern) bool { return p(value, present) })
	}
	return func(value any, present bool) bool {
		if list, ok := value.([]any); ok && len(list) > 0 {
			return slices.ContainsFunc(list, func(item any) bool { return one(item, true) })
		}
		return one(value, present)
	}, nil
}

func compileRule(rule any) (Pattern, error) {
	object, ok := rule.(map[string]any)
	if !ok {
		if _, list := rule.([]any); list {
			return nil, fmt.Errorf("a rule must be a value or an object, got a list")
		}
		return func(value any, present bool) bool { return present && equal(value, rule) }, nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("a rule must have one operator, got %s", Text(object))
	}
	for operator, operand := range object {
		p, err := compileOperator(operator, operand)
		if err != nil {
			return nil, fmt.Errorf("%q %w", operator, err)
		}
		return p, nil
	}
	panic("unreachable")
}

func compileOperator(operator string, operand any) (Pattern, error) {
	switch operator {
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, fmt.Errorf("must be true or false, got %s", Text(operand))
		}
		return func(value any, present bool) bool {
			_, inner := value.(map[string]any) // exists applies only to leaves
			return (present && !inner) == want
		}, nil
	case "numeric":
		return compileNumeric(operand)
	case "cidr":
		s, _ := operand.(string)
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("must be an address range such as 10.0.0.0/24, got %s", Text(operand))
		}
		return func(value any, _ bool) bool {
			s, ok := value.(string)
			ip, err := netip.ParseAddr(s)
			return ok && err == nil && prefix.Contains(ip)
		}, nil
	case "anything-but":
		return compileAnythingBut(operand)
	}
	test, err := compileText(operator, operand)
	if err != nil {
		return nil, err
	}
	return func(value any, _ bool) bool {
		s, ok := value.(string)
		return ok && test(s)
	}, nil
}

// compileText compiles the operators on strings.
func compileText(operator string, operand any) (func(string) bool, error) {
	fold := false
	if object, ok := operand.(map[string]any); ok && len(object) == 1 && (operator == "prefix" || operator == "suffix") {
		operand, fold = object["equals-ignore-case"], true
	}
	want, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("must be a string, got %s", Text(operand))
	}
	switch operator {
	case "prefix":
		return func(s string) bool {
			return strings.HasPrefix(s, want) || fold && len(s) >= len(want) && strings.EqualFold(s[:len(want)], want)
		}, nil
	case "suffix":
		return func(s string) bool {
			return strings.HasSuffix(s, want) || fold && len(s) >= len(want) && strings.EqualFold(s[len(s)-len(want):], want)
		}, nil
	case "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, want) }, nil
	case "wildcard":
		if strings.Contains(escapes.Replace(want), "**") {
			return nil, fmt.Errorf("must not have two wildcards in a row, got %q", want)
		}
		parts := strings.Split(want, "*")
		return func(s string) bool { return matchWildcard(parts, s) }, nil
	}
	return nil, fmt.Errorf("is not an operator; use prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists or cidr")
}

// escapes removes a star or backslash that a backslash makes a letter. Matching does not
// know such letters.
var escapes = strings.NewReplacer(`\\`, "", `\*`, "")

// matchWildcard reports whether s consists of parts with any text between them.
func matchWildcard(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = rest
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

func compileAnythingBut(operand any) (Pattern, error) {
	var excluded Pattern
	switch v := operand.(type) {
	case map[string]any:
		p, err := compileExcluded(v)
		if err != nil {
			return nil, err
		}
		excluded = p
	case []any:
		p, err := Rules("anything-but", v)
		if err != nil {
			return nil, err
		}
		excluded = p
	default:
		excluded = func(value any, _ bool) bool { return equal(value, v) }
	}
	return func(value any, present bool) bool {
		_, inner := value.(map[string]any)
		return present && !inner && !excluded(value, true)
	}, nil
}

// compileExcluded compiles an operator inside of anything-but. Its operand may be a list.
func compileExcluded(object map[string]any) (Pattern, error) {
	for operator, operand := range object {
		list, ok := operand.([]any)
		if len(object) != 1 || !ok || operator == "numeric" {
			break
		}
		var rules []any
		for _, item := range list {
			rules = append(rules, map[string]any{operator: item})
		}
		return Rules("anything-but", rules)
	}
	return compileRule(object)
}

// compileNumeric compiles a list of comparisons that must all hold:
//
//	["=", 100]   [">", 10, "<=", 20]
func compileNumeric(operand any) (Pattern, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf("must be a list of one or two comparisons such as [\">\", 10, \"<=\", 20], got %s", Text(operand))
	}
	type comparison struct {
		holds func(a, b float64) bool
		bound float64
	}
	var comparisons []comparison
	for i := 0; i < len(list); i += 2 {
		holds := map[string]func(a, b float64) bool{
			"=":  func(a, b float64) bool { return a == b },
			"<":  func(a, b float64) bool { return a < b },
			"<=": func(a, b float64) bool { return a <= b },
			">":  func(a, b float64) bool { return a > b },
			">=": func(a, b float64) bool { return a >= b },
		}[fmt.Sprint(list[i])]
		n, ok := list[i+1].(json.Number)
		bound, err := n.Float64()
		if holds == nil || !ok || err != nil {
			return nil, fmt.Errorf("must compare with =, <, <=, > or >= and a number, got %s", Text(operand))
		}
		comparisons = append(comparisons, comparison{holds, bound})
	}
	return func(value any, _ bool) bool {
		n, ok := value.(json.Number)
		f, err := n.Float64()
		if !ok || err != nil {
			return false
		}
		for _, c := range comparisons {
			if !c.holds(f, c.bound) {
				return false
			}
		}
		return true
	}, nil
}

// equal compares two scalar values; numbers by their numeric value.
func equal(a, b any) bool {
	x, number := a.(json.Number)
	y, other := b.(json.Number)
	if number && other {
		f, err1 := x.Float64()
		g, err2 := y.Float64()
		return x == y || err1 == nil && err2 == nil && f == g
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}
