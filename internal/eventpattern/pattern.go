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
//
// Whether a pattern is valid, and what it matches, is as in AWS's library of both services,
// and as LocalStack's captures of EventBridge (2026-03) show. Not checked here: EventBridge
// refuses patterns with wildcards that it finds too complex, by a measure that AWS does not
// publish.
// https://github.com/aws/event-ruler (2026-07)
type Pattern func(value any, present bool) bool

// Decode decodes JSON with numbers as json.Number. A key with dots, as in "detail.state",
// becomes objects in each other: in patterns and events, dots and objects mean the same.
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
	return nest(v), nil
}

// nest writes the keys with dots in a value as objects in each other.
func nest(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = nest(v[i])
		}
	case map[string]any:
		nested := map[string]any{}
		for key, item := range v {
			one := nest(item)
			parts := strings.Split(key, ".")
			for _, part := range slices.Backward(parts[1:]) {
				one = map[string]any{part: one}
			}
			if before, taken := nested[parts[0]]; taken {
				one = merge(before, one)
			}
			nested[parts[0]] = one
		}
		return nested
	}
	return value
}

// merge returns a value with the fields of both, or a list of both.
func merge(a, b any) any {
	one, isObject := a.(map[string]any)
	other, isOther := b.(map[string]any)
	if !isObject || !isOther {
		return []any{a, b}
	}
	for key, v := range other {
		if before, taken := one[key]; taken {
			v = merge(before, v)
		}
		one[key] = v
	}
	return one
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
		if key == "$or" {
			list, _ := value.([]any)
			if len(list) < 2 {
				return nil, fmt.Errorf("%s must be a list of at least two objects, got %s", at, Text(value))
			}
			for i, item := range list {
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
		switch v := value.(type) {
		case map[string]any:
			p, err := Object(at, v)
			if err != nil {
				return nil, err
			}
			patterns[key] = p
		case []any:
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
		if list, ok := value.([]any); ok && len(list) > 0 {
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
// list, one item must match, also of a list in it. An empty list counts as no field.
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
	var match Pattern
	match = func(value any, present bool) bool {
		if list, ok := value.([]any); ok {
			return slices.ContainsFunc(list, func(item any) bool { return match(item, true) }) || len(list) == 0 && one(nil, false)
		}
		return one(value, present)
	}
	return match, nil
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
		parts, err := wildcardParts(want)
		if err != nil {
			return nil, err
		}
		return func(s string) bool { return matchWildcard(parts, s) }, nil
	}
	return nil, fmt.Errorf("is not an operator; use prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists or cidr")
}

// wildcardParts returns the texts between the stars of a wildcard. A backslash makes a
// letter of the star or backslash that follows it.
func wildcardParts(wildcard string) ([]string, error) {
	parts := []string{""}
	for i := 0; i < len(wildcard); i++ {
		switch c := wildcard[i]; {
		case c == '\\':
			if i++; i == len(wildcard) || wildcard[i] != '*' && wildcard[i] != '\\' {
				return nil, fmt.Errorf(`must have * or \ after a backslash, got %q`, wildcard)
			}
			parts[len(parts)-1] += wildcard[i : i+1]
		case c != '*':
			parts[len(parts)-1] += wildcard[i : i+1]
		case len(parts) > 1 && parts[len(parts)-1] == "":
			return nil, fmt.Errorf("must not have two wildcards in a row, got %q", wildcard)
		default:
			parts = append(parts, "")
		}
	}
	return parts, nil
}

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

// compileAnythingBut compiles a string, a number, or a list of either, or one of some
// operators on a string or a list of them.
func compileAnythingBut(operand any) (Pattern, error) {
	operator := ""
	if object, ok := operand.(map[string]any); ok && len(object) == 1 {
		for operator, operand = range object {
			if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, operator) {
				return nil, fmt.Errorf("takes prefix, suffix, equals-ignore-case or wildcard, got %q", operator)
			}
		}
	}
	items, isList := operand.([]any)
	if !isList {
		items = []any{operand}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("must not be an empty list")
	}
	var excluded []Pattern
	_, numbers := items[0].(json.Number)
	for _, item := range items {
		text, isText := item.(string)
		_, isNumber := item.(json.Number)
		switch {
		case operator == "" && (isText && !numbers || isNumber && numbers):
			excluded = append(excluded, func(value any, _ bool) bool { return equal(value, item) })
		case operator == "":
			return nil, fmt.Errorf("must be a string, a number, or a list of either, got %s", Text(operand))
		case !isText || text == "" && strings.HasSuffix(operator, "fix"):
			return nil, fmt.Errorf("%q must be a string that is not empty, or a list of them, got %s", operator, Text(operand))
		default:
			p, err := compileOperator(operator, text)
			if err != nil {
				return nil, fmt.Errorf("%q %w", operator, err)
			}
			excluded = append(excluded, p)
		}
	}
	return func(value any, present bool) bool {
		_, inner := value.(map[string]any)
		return present && !inner && !slices.ContainsFunc(excluded, func(p Pattern) bool { return p(value, true) })
	}, nil
}

// compileNumeric compiles a comparison, or a range from a lower to an upper bound:
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
	if len(list) == 4 && (list[0] != ">" && list[0] != ">=" || list[2] != "<" && list[2] != "<=" || comparisons[0].bound >= comparisons[1].bound) {
		return nil, fmt.Errorf("must have the lower bound first, as in [\">\", 10, \"<=\", 20], got %s", Text(operand))
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
