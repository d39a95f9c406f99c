package sqs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lambdahearth/hearth/internal/eventpattern"
)

// Limits of filter criteria.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html (2026-11)
const (
	maxFilters      = 10 // 5 unless the account's quota is raised
	maxPatternChars = 4096
)

// filter is one pattern of a mapping's filter criteria.
type filter struct {
	record eventpattern.Pattern // for all fields but the body; nil if the pattern names no other
	body   eventpattern.Pattern // nil if the pattern does not name the body
	json   bool                 // body matches the body's fields, not its text
}

// compileFilters compiles the patterns of filter criteria.
func compileFilters(patterns []string) ([]filter, error) {
	if len(patterns) > maxFilters {
		return nil, fmt.Errorf("filters: there must be at most %d, got %d", maxFilters, len(patterns))
	}
	var filters []filter
	for i, text := range patterns {
		f, err := compileFilter(text)
		if err != nil {
			return nil, fmt.Errorf("filters[%d]: %w", i, err)
		}
		filters = append(filters, f)
	}
	return filters, nil
}

func compileFilter(text string) (filter, error) {
	var f filter
	if len(text) > maxPatternChars {
		return f, fmt.Errorf("pattern must be at most %d characters, got %d", maxPatternChars, len(text))
	}
	value, err := eventpattern.Decode([]byte(text))
	if err != nil {
		return f, fmt.Errorf("pattern must be JSON: %w", err)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return f, fmt.Errorf("pattern must be a JSON object, got %s", text)
	}
	rest := maps.Clone(fields)
	delete(rest, "body")
	switch body := fields["body"].(type) {
	case nil:
		if _, given := fields["body"]; given {
			return f, fmt.Errorf("pattern.body must be an object or a list of rules, got null")
		}
	case map[string]any:
		f.json = true
		f.body, err = eventpattern.Object("pattern.body", body)
	case []any:
		f.body, err = eventpattern.Rules("pattern.body", body)
	default:
		return f, fmt.Errorf("pattern.body must be an object or a list of rules, got %s", eventpattern.Text(body))
	}
	if err == nil && (len(rest) > 0 || len(fields) == 0) {
		f.record, err = eventpattern.Object("pattern", rest)
	}
	return f, err
}

// matchFilters reports whether a record goes to the function: if there are no filters, or
// one of them matches. A filter on the body's fields matches only JSON objects, and a
// filter on its text matches only other bodies.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html (2026-11)
func matchFilters(filters []filter, record []byte, body string) bool {
	if len(filters) == 0 {
		return true
	}
	whole, err := eventpattern.Decode(record)
	if err != nil {
		return false
	}
	parsed, err := eventpattern.Decode([]byte(body))
	_, object := parsed.(map[string]any)
	_, list := parsed.([]any)
	scalar := err == nil && !object && !list
	return slices.ContainsFunc(filters, func(f filter) bool {
		if f.record != nil && !f.record(whole, true) {
			return false
		}
		switch {
		case f.body == nil:
			return true
		case f.json != object:
			return false
		case f.json:
			return f.body(parsed, true)
		}
		return f.body(body, true) || scalar && f.body(parsed, true)
	})
}
