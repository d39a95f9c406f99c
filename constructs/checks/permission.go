package checks

import (
	"regexp"
	"slices"
	"strings"
)

// sourceServices maps the principal of a permission to the service in its source ARN.
var sourceServices = map[string]string{
	"apigateway.amazonaws.com": "execute-api", "events.amazonaws.com": "events", "sns.amazonaws.com": "sns",
	"logs.amazonaws.com": "logs", "cognito-idp.amazonaws.com": "cognito-idp", "elasticloadbalancing.amazonaws.com": "elasticloadbalancing",
	"secretsmanager.amazonaws.com": "secretsmanager", "s3.amazonaws.com": "s3",
}

// regionalLogs matches the regional principals of CloudWatch Logs.
var regionalLogs = regexp.MustCompile(`^logs\.[a-z0-9-]+\.amazonaws\.com$`)

// permitted reports whether permissions of the app allow the call, or may allow it. If they
// allow only a part of its requests, left is the end of the ARN of a request that they do not.
func (c call) permitted() (left string, permitted bool) {
	a := c.target.function.stack.app
	if a.open {
		return "", true
	}
	permissions, known := c.grants()
	if !known {
		return "", true
	}
	if len(permissions) == 0 {
		return "", false
	}
	if c.service != "apigateway.amazonaws.com" || c.source == nil {
		return "", true
	}
	var patterns []string
	for _, p := range permissions {
		pattern, named := c.scopePattern(p.get("SourceArn"))
		if !named {
			return "", true
		}
		patterns = append(patterns, pattern)
	}
	for _, s := range c.scopes() {
		if !slices.ContainsFunc(patterns, s.covered) {
			return s.String(), false
		}
	}
	return "", true
}

// grants returns the permissions of the app that may allow the call. known is false if
// another permission may.
func (c call) grants() (permissions []*resource, known bool) {
	a := c.target.function.stack.app
	for _, p := range a.ofType(typePermission) {
		name := p.get("FunctionName")
		t, ok := name.target()
		if !ok {
			if a.unknownText(name.text()) {
				return nil, false
			}
			continue
		}
		if t.function != c.target.function || t.qualifier != c.target.qualifier && !a.unknownText(t.qualifier+c.target.qualifier) {
			continue
		}
		service, known := p.get("Principal").literal()
		regional := c.service == "logs.amazonaws.com" && regionalLogs.MatchString(service)
		if known && service != c.service && service != "*" && !regional {
			continue
		}
		action := p.get("Action")
		if (action.absent() || action.matches("lambda:InvokeFunction")) && c.coveredBy(p.get("SourceArn")) {
			permissions = append(permissions, p)
		}
	}
	return permissions, true
}

// permissions returns the permissions of the caller's own stack that may allow the call, or
// none if others may too.
func (c call) permissions() []*resource {
	permissions, known := c.grants()
	if !known || c.service == "" || c.target.function.stack.app.open {
		return nil
	}
	for _, p := range permissions {
		if p.stack != c.caller.stack {
			return nil
		}
	}
	return permissions
}

// coveredBy reports whether a permission's source may be the caller. It is false for the ARN
// of another resource of the caller's type.
func (c call) coveredBy(source value) bool {
	if source.absent() || c.source == nil {
		return true
	}
	arn := strings.Split(token.ReplaceAllString(source.text(), "*"), ":")
	if len(arn) > 2 && !glob(arn[2], sourceServices[c.service]) {
		return false
	}
	for _, m := range token.FindAllStringSubmatch(source.text(), -1) {
		if r, _ := c.source.stack.app.resourceOf(m[1]); r != nil && r != c.source && r.kind == c.source.kind {
			return false
		}
	}
	return true
}

// publicFor reports whether a permission of the app allows an action for everybody, or may
// allow it.
func (t target) publicFor(action string) bool {
	a := t.function.stack.app
	if a.open {
		return true
	}
	for _, p := range a.ofType(typePermission) {
		other, ok := p.get("FunctionName").target()
		everybody, literal := p.get("Principal").literal()
		if (!ok || other == t) && p.get("Action").matches(action) && (!literal || everybody == "*") {
			return true
		}
	}
	return false
}
