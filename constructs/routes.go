package hearth

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/jsii-runtime-go"
)

// httpMethods are the methods of routes.
var httpMethods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// restPart is a part of the path of a REST API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html (2026-11)
var restPart = regexp.MustCompile(`^([a-zA-Z0-9:._$-]+|\{[a-zA-Z0-9:._$-]+\+?\})$`)

// routePath returns a path that the CDK accepts while it has not looked the path up.
func routePath(path *string) *string {
	if name := textOf(path).standIn; name != "" {
		path = jsii.String("/" + strings.ReplaceAll(name, lookupPlaceholder, "lookup-"))
	}
	return path
}

// checkPath checks the path of a route.
func checkPath(r *rules, path text) {
	if !path.set || path.known && !strings.HasPrefix(path.value, "/") {
		r.breaks("Path", "must start with /, got %q; it is the path after the stage", path.value)
		return
	}
	if !path.known || path.value == "/" {
		return
	}
	parts := strings.Split(path.value[1:], "/")
	for i, part := range parts {
		inner := strings.TrimSuffix(strings.TrimPrefix(part, "{"), "}")
		switch {
		case part == "":
			r.breaks("Path", "must not end with / or have two of them in a row, got %q; remove one", path.value)
			return
		case strings.ContainsAny(part, "{}") && (len(part) != len(inner)+2 || inner == "" || inner == "+" || strings.ContainsAny(inner, "{}")):
			r.breaks("Path", "must have parameters that are whole parts, such as {id}, got %q; put one name into the braces, and nothing beside them", path.value)
			return
		case strings.HasSuffix(part, "+}") && i < len(parts)-1:
			r.breaks("Path", "must have a parameter with + only at its end, got %q; it takes the rest of the path", path.value)
			return
		}
	}
}

// checkRestPath checks the parts of the path of a REST API, and that no part has a
// parameter of another name beside it: API Gateway allows one name at each place, and
// {proxy+} is at the first.
func (a *RestApi) checkRestPath(r *rules, path text) {
	before := len(r.broken)
	checkPath(r, path)
	if !path.known || path.value == "/" || len(r.broken) > before {
		return
	}
	parent := ""
	for part := range strings.SplitSeq(path.value[1:], "/") {
		if !restPart.MatchString(part) {
			r.breaks("Path", "must have parts of letters, digits, -, _, ., : and $, got %q; rename them", path.value)
			return
		}
		if strings.HasPrefix(part, "{") {
			if other := a.parameters[parent]; other != "" && other != part {
				r.breaks("Path", "must name the parameter after %q as other routes do, %s, got %s in %q; a REST API has one name at each place: rename it, or put a fixed part before it", parent+"/", other, part, path.value)
				return
			}
		}
		parent += "/" + part
	}
}

// addParameters records the names of the parameters of a path.
func (a *RestApi) addParameters(path text) {
	parent := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(path.value, "/"), "/") {
		if strings.HasPrefix(part, "{") {
			a.parameters[parent] = part
		}
		parent += "/" + part
	}
}

// routes are the routes of an API, by method and path, or by key.
type routes map[string]bool

// check refuses a route that the API has already.
func (s routes) check(r *rules, field, route string) {
	if s[route] {
		r.breaks(field, "must be of a route that the API does not have yet, got %q again; remove one of them, or change the method", route)
	}
}

// methodsOf returns the methods of new routes of an HTTP API.
func methodsOf(r *rules, methods *[]awsapigatewayv2.HttpMethod) []string {
	if methods == nil {
		return []string{"ANY"}
	}
	var names []string
	for _, method := range *methods {
		names = append(names, checkMethod(r, "Methods", string(method)))
	}
	if len(names) == 0 {
		r.breaks("Methods", "must have at least 1 method, got none; leave it unset for all of them")
	}
	return names
}

// checkMethod checks the name of a method, and returns it in capitals.
func checkMethod(r *rules, field, method string) string {
	upper := strings.ToUpper(method)
	if !slices.Contains(httpMethods, upper) {
		r.breaks(field, "must be one of %s, got %q; correct it", strings.Join(httpMethods, ", "), method)
	}
	return upper
}
