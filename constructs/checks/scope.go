package checks

import "strings"

const (
	anything = "*"    // stands for any text, in a pattern and in a scope
	variable = "\x03" // stands for a variable of a path in a scope: any text without a slash
)

// scopes returns the ends of the ARNs of the requests that lead to a call of API Gateway,
// such as /live/GET/items: the stage, the method and the path. Resources with a condition
// are left out, because they may not exist.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html (2026-11)
func (c call) scopes() []string {
	var ends []string
	switch c.caller.kind {
	case typeAuthorizer, typeRESTAuth:
		return []string{"/authorizers/" + anything}
	case typeMethod:
		ends = []string{scopeMethod(c.caller.get("HttpMethod")) + c.caller.restPath()}
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
				ends = append(ends, anything)
			case spaced && c.caller.protocol() == "HTTP":
				ends = append(ends, scopeMethod(value{route.stack, method})+scopePath(path))
			default: // $default, or the key of a WebSocket API
				ends = append(ends, key)
			}
		}
	}
	var scopes []string
	for _, stage := range c.source.stageNames() {
		for _, end := range ends {
			scopes = append(scopes, "/"+stage+"/"+end)
		}
	}
	return scopes
}

// scopeMethod returns the method of a request in its ARN.
func scopeMethod(v value) string {
	if method, known := v.literal(); known && method != "ANY" {
		return method
	}
	return anything
}

// scopePath replaces the variables of a path.
func scopePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasSuffix(part, "+}") {
			parts[i] = anything
		} else if strings.HasPrefix(part, "{") {
			parts[i] = variable
		}
	}
	return strings.Join(parts, "/")
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
	return scopePath(path)
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

// allowsScope reports whether the source of a permission may cover the requests of a scope.
func (c call) allowsScope(source value, scope string) bool {
	_, end, named := strings.Cut(source.text(), tokenOf(c.source, ""))
	if !named {
		return true // it names the API in another way, or no API
	}
	end = token.ReplaceAllStringFunc(end, func(t string) string {
		stage, _ := c.source.stack.app.resourceOf(t[1 : len(t)-1])
		if stage != nil && (stage.kind == typeStage || stage.kind == typeRESTStage) {
			if name, known := stage.get("StageName").literal(); known {
				return name
			}
		}
		return anything
	})
	return overlap(end, scope)
}

// overlap reports whether some text matches both a pattern of IAM and a scope.
func overlap(pattern, scope string) bool {
	// reach[j] says whether the pattern so far and scope[:j] match the same text.
	reach := make([]bool, len(scope)+1)
	reach[0] = true
	for j := range len(scope) {
		reach[j+1] = reach[j] && (scope[j] == anything[0] || scope[j] == variable[0])
	}
	for i := range len(pattern) {
		p := pattern[i]
		before := reach[0]
		reach[0] = before && p == '*'
		for j := range len(scope) {
			open := scope[j] == anything[0] || scope[j] == variable[0]
			takes := scope[j] == anything[0] || scope[j] == variable[0] && p != '/' // it may stand for p
			now := before && (p == scope[j] || p == '?')
			now = now || (p == '*' || open) && reach[j] || (p == '*' || takes) && reach[j+1]
			before, reach[j+1] = reach[j+1], now
		}
	}
	return reach[len(scope)]
}
