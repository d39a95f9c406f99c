package checks

import "regexp"

const (
	typeAPIMapping      = "AWS::ApiGatewayV2::ApiMapping"
	typeBasePathMapping = "AWS::ApiGateway::BasePathMapping"
	typeDomain          = "AWS::ApiGatewayV2::DomainName"
	typeRESTDomain      = "AWS::ApiGateway::DomainName"

	// Read on 2026-11-26. The same page for WebSocket APIs gives the same bounds.
	apiMappingsPage       = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mappings.html"
	webSocketMappingsPage = "https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-mappings.html"

	maxMappingKey = 300
)

// mappingKey matches the path of a mapping. A slash separates its levels.
var mappingKey = regexp.MustCompile(`^[A-Za-z0-9$_.+!*'()/-]*$`)

// mappings returns the other resources of the stack that map an API to the domain of r. It
// returns none if the domain is unknown.
func (r *resource) mappings() []*resource {
	domain, known := r.mappedDomain()
	if !known || r.conditional {
		return nil
	}
	var same []*resource
	for _, kind := range []string{typeAPIMapping, typeBasePathMapping} {
		for _, other := range r.stack.byType[kind] {
			if taken, known := other.mappedDomain(); known && other != r && !other.conditional && taken == domain {
				same = append(same, other)
			}
		}
	}
	return same
}

// mappedDomain returns the domain of a mapping: its name, or a token that stands for it.
func (r *resource) mappedDomain() (domain string, known bool) {
	v := r.get("DomainName")
	for _, kind := range []string{typeDomain, typeRESTDomain} {
		if d := v.resource(kind); d != nil {
			if name, known := d.get("DomainName").literal(); known {
				return name, true
			}
		}
	}
	return v.text(), !v.absent() && !r.stack.app.unknownText(v.text())
}

// mappedProtocol returns the protocol of the API that a mapping names: HTTP, WEBSOCKET or
// REST; "" if it is unknown.
func (r *resource) mappedProtocol() string {
	if r.get("ApiId").resource(typeRESTAPI) != nil || r.get("RestApiId").resource(typeRESTAPI) != nil {
		return "REST"
	}
	return r.protocol()
}

// mappedPath returns the path of a mapping; "" is the whole domain. known is false if the
// path is unknown.
func (r *resource) mappedPath() (path string, known bool) {
	v := r.get(map[string]string{typeAPIMapping: "ApiMappingKey", typeBasePathMapping: "BasePath"}[r.kind])
	if v.absent() {
		return "", true
	}
	path, known = v.literal()
	if r.kind == typeBasePathMapping && path == "(none)" {
		path = ""
	}
	return path, known
}

var domainRules = []Rule{
	{
		ID: "domain-mixed", Severity: Error, Page: webSocketMappingsPage,
		Fault: "A WebSocket API on the custom domain of an HTTP or REST API; API Gateway refuses the second mapping.",
		types: []string{typeAPIMapping},
		each: func(r *resource, report reporter) {
			if r.mappedProtocol() != "WEBSOCKET" {
				return
			}
			for _, other := range r.mappings() {
				if protocol := other.mappedProtocol(); protocol == "HTTP" || protocol == "REST" {
					report("DomainName must be a domain of WebSocket APIs alone, got the domain of %s, which maps it to an API of protocol %s; give the WebSocket API a domain of its own", other.id, protocol)
					return
				}
			}
		},
	},
	{
		ID: "domain-path", Severity: Error, Page: apiMappingsPage,
		Fault: "A path of a custom domain that is too long, has a character that API Gateway refuses, or is taken by another API.",
		types: []string{typeAPIMapping},
		each: func(r *resource, report reporter) {
			path, known := r.mappedPath()
			if !known {
				return
			}
			if len(path) > maxMappingKey || !mappingKey.MatchString(path) {
				report("ApiMappingKey must have at most %d letters, digits and $-_.+!*'() between slashes, got %q; correct it", maxMappingKey, path)
			}
			for _, other := range r.mappings() {
				first := other.kind != r.kind || other.id < r.id // report a pair once
				if taken, known := other.mappedPath(); known && first && taken == path {
					report("ApiMappingKey must be unique on its domain, got %q, which %s has too; change one of them", path, other.id)
					return
				}
			}
		},
	},
}
