package checks

import (
	"slices"
	"strings"
)

const (
	anything = "*"    // stands for any text, in a pattern and in a scope
	sample   = "\x03" // stands for a value of a variable of a path, in a scope
)

// sampleMethods are requests to a route or method that accepts every method.
var sampleMethods = []string{"GET", "POST"}

// scope is the end of the ARN of requests that lead to a call of API Gateway, such as
// /live/GET/items: the stage, the method and the path. A * stands for anything unknown.
// Which ARN a request to a variable path or to ANY has is not documented, so there are
// several. A permission must cover one of them.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html (2026-11)
type scope []string

// scopes returns the scopes of a call. Resources with a condition are left out, because
// they may not exist.
func (c call) scopes() []scope {
	var ends []scope
	switch c.caller.kind {
	case typeAuthorizer, typeRESTAuth:
		return []scope{{"/authorizers/" + anything}}
	case typeMethod:
		ends = requests(c.caller.get("HttpMethod"), c.caller.restPath())
	case typeIntegration:
		routes, _ := c.source.routes()
		for _, route := range routes {
			id, _ := strings.CutPrefix(route.get("Target").text(), "integrations/")
			if (value{route.stack, id}).resource(typeIntegration) != c.caller || route.conditional {
				continue
			}
			key, known := route.get("RouteKey").literal()
			method, path, spaced := strings.Cut(key, " ")
			switch {
			case !known:
				ends = append(ends, scope{anything})
			case spaced && c.caller.protocol() == "HTTP":
				ends = append(ends, requests(value{route.stack, method}, path)...)
			default: // $default, or the key of a WebSocket API
				ends = append(ends, scope{key})
			}
		}
	}
	var scopes []scope
	for _, stage := range c.source.stageNames() {
		for _, end := range ends {
			var s scope
			for _, text := range end {
				s = append(s, "/"+stage+"/"+text)
			}
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// String returns the first ARN of a scope, for findings.
func (s scope) String() string { return strings.ReplaceAll(s[0], sample, "{}") }

// requests returns the ends of the ARNs of requests, without the stage.
func requests(v value, path string) []scope {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = sample
		}
	}
	paths := []string{strings.Join(parts, "/"), path}
	method, known := v.literal()
	methods := []string{method}
	if !known {
		methods = []string{anything}
	} else if method == "ANY" {
		methods = sampleMethods
	}
	var ends []scope
	for _, m := range methods {
		end := scope{m + paths[0], m + paths[1]}
		if m != method {
			end = append(end, method+paths[0], method+paths[1])
		}
		ends = append(ends, end)
	}
	return ends
}

// restPath returns the path of a method of a REST API.
func (r *resource) restPath() string {
	path := ""
	next := r.get("ResourceId")
	for range maxDepth {
		part := next.resource(typeRESTResource)
		if part == nil {
			break
		}
		text, known := part.get("PathPart").literal()
		if !known {
			text = anything
		}
		path = "/" + text + path
		next = part.get("ParentId")
	}
	if api := next.resource(typeRESTAPI); api == nil || next.text() != tokenOf(api, "RootResourceId") {
		return anything
	}
	if path == "" {
		return "/"
	}
	return path
}

// stageNames returns the names of an API's stages that certainly exist, or * if there are
// none in the app.
func (api *resource) stageNames() []string {
	var names []string
	for _, s := range api.stack.app.ofType(typeStage, typeRESTStage, typeRESTDeployment) {
		owner := s.get(map[bool]string{true: "ApiId", false: "RestApiId"}[s.kind == typeStage]).resource(typeAPI, typeRESTAPI)
		if name := s.get("StageName"); owner == api && !s.conditional && name.has() {
			names = append(names, token.ReplaceAllString(name.text(), anything))
		}
	}
	if len(names) == 0 {
		return []string{anything}
	}
	return names
}

// scopePattern returns the part of a permission's source that scopes are compared with.
// named is false if the source names the API in another way, or no API.
func (c call) scopePattern(source value) (pattern string, named bool) {
	_, end, named := strings.Cut(source.text(), tokenOf(c.source, ""))
	return token.ReplaceAllStringFunc(end, func(t string) string {
		stage, _ := c.source.stack.app.resourceOf(t[1 : len(t)-1])
		if stage != nil && (stage.kind == typeStage || stage.kind == typeRESTStage) {
			if name, known := stage.get("StageName").literal(); known {
				return name
			}
		}
		return anything
	}), named
}

// covered reports whether a pattern matches one of the ARNs of a scope.
func (s scope) covered(pattern string) bool {
	return slices.ContainsFunc(s, func(text string) bool {
		return glob(pattern, text) || strings.Contains(text, anything) && overlap(pattern, text)
	})
}

// overlap reports whether some text matches both a pattern of IAM and a text of a scope.
func overlap(pattern, text string) bool {
	// reach[j] says whether the pattern so far and text[:j] match the same.
	reach := make([]bool, len(text)+1)
	reach[0] = true
	for j := range len(text) {
		reach[j+1] = reach[j] && text[j] == '*'
	}
	for i := range len(pattern) {
		before := reach[0]
		reach[0] = before && pattern[i] == '*'
		for j := range len(text) {
			now := before && (pattern[i] == text[j] || pattern[i] == '?')
			now = now || (pattern[i] == '*' || text[j] == '*') && (reach[j] || reach[j+1])
			before, reach[j+1] = reach[j+1], now
		}
	}
	return reach[len(text)]
}
