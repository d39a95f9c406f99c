package httpapi

import (
	"fmt"
	"slices"
	"strings"
)

// router finds the most specific route. In each segment a literal comes before a
// variable, and a variable before a greedy one. Then a method comes before ANY; $default
// is last.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html (2026-11)
type router struct {
	patterns []pattern // the most specific first
	fallback *Route

	resources []*restRoute // of a REST API, the most specific first
}

type pattern struct {
	method   string
	segments []string
	route    *Route
}

// Check returns the mistakes in an API's routes.
func Check(c Config) error {
	_, err := c.router()
	return err
}

func (c *Config) router() (*router, error) {
	if c.REST != nil {
		return newRESTRouter(c.Routes)
	}
	return newRouter(c.Routes)
}

func newRouter(routes []Route) (*router, error) {
	r := &router{}
	seen := map[string]bool{}
	for i := range routes {
		route := &routes[i]
		if seen[route.Key] {
			return nil, fmt.Errorf("route %q is there twice", route.Key)
		}
		seen[route.Key] = true
		if route.Key == "$default" {
			r.fallback = route
			continue
		}
		method, path, ok := strings.Cut(route.Key, " ")
		if !ok || !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("route key must be $default or a method and a path, got %q", route.Key)
		}
		r.patterns = append(r.patterns, pattern{method, strings.Split(path[1:], "/"), route})
	}
	slices.SortStableFunc(r.patterns, func(a, b pattern) int {
		if c := compareSegments(a.segments, b.segments); c != 0 {
			return c
		}
		return boolRank(a.method == "ANY") - boolRank(b.method == "ANY")
	})
	return r, nil
}

// compareSegments orders paths, the more specific one first.
func compareSegments(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if c := rank(a[i]) - rank(b[i]); c != 0 {
			return c
		}
	}
	return len(b) - len(a)
}

func rank(segment string) int {
	switch {
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "+}"):
		return 2
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}"):
		return 1
	}
	return 0
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// find returns the route for a request and its path parameters.
func (r *router) find(method, path string) (*Route, map[string]string) {
	if len(r.patterns) > 0 {
		segments := strings.Split(path[1:], "/")
		for _, p := range r.patterns {
			if p.method != "ANY" && p.method != method {
				continue
			}
			if params, ok := p.match(segments); ok {
				return p.route, params
			}
		}
	}
	return r.fallback, nil
}

func (p *pattern) match(segments []string) (map[string]string, bool) {
	var params map[string]string
	set := func(name, value string) {
		if params == nil {
			params = map[string]string{}
		}
		params[name] = value
	}
	for i, s := range p.segments {
		if i >= len(segments) {
			return nil, false
		}
		switch rank(s) {
		case 2:
			rest := strings.Join(segments[i:], "/")
			if rest == "" || i != len(p.segments)-1 {
				return nil, false
			}
			set(s[1:len(s)-2], rest)
			return params, true
		case 1:
			if segments[i] == "" {
				return nil, false
			}
			set(s[1:len(s)-1], segments[i])
		default:
			if s != segments[i] && s != unescaped(segments[i]) {
				return nil, false
			}
		}
	}
	return params, len(segments) == len(p.segments)
}
