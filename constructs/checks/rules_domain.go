package checks

import "regexp"

const (
	typeAPIMapping      = "AWS::ApiGatewayV2::ApiMapping"
	typeUsagePlan       = "AWS::ApiGateway::UsagePlan"
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
					report("DomainName must be a domain with WebSocket APIs only, got one that %s maps to an API of protocol %s; give the WebSocket API a domain of its own", other.id, protocol)
					return
				}
			}
		},
	},
	{
		ID: "domain-path", Severity: Error, Page: apiMappingsPage,
		Fault: "A path of a custom domain that is too long, has an invalid character, or already belongs to another API; API Gateway refuses it.",
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
	{
		ID: "domain-stage", Severity: Error, Page: apiMappingsPage,
		Fault: "A domain mapping or usage plan with a stage that its API does not have, or that CloudFormation may create later; API Gateway refuses it.",
		types: []string{typeAPIMapping, typeBasePathMapping, typeUsagePlan},
		each: func(r *resource, report reporter) {
			uses := []value{{r.stack, r.raw.Properties}}
			if r.kind == typeUsagePlan {
				uses, _ = r.get("ApiStages").list()
			}
			for _, use := range uses {
				api := use.get("ApiId").resource(typeAPI, typeRESTAPI)
				if r.kind == typeBasePathMapping {
					api = use.get("RestApiId").resource(typeRESTAPI)
				}
				name, known := use.get("Stage").literal()
				if api == nil || !known {
					continue
				}
				stages, all := api.stages()
				stage := stages[name]
				switch {
				case stage == nil && all:
					report("Stage must be a stage of %s, got %q, which does not exist; correct it", api.id, name)
				case stage != nil && !r.waitsFor(stage):
					report("DependsOn must include stage %s, which Stage names without a reference, got none; set it", stage.id)
				}
			}
		},
	},
	{
		ID: "api-key-plan", Severity: Warning,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html",
		Fault: "A method that requires an API key while no usage plan of the app includes its API; API Gateway answers 403 to every request.",
		types: []string{typeMethod},
		each: func(r *resource, report reporter) {
			api := r.get("RestApiId").resource(typeRESTAPI)
			a := r.stack.app
			if api == nil || !r.get("ApiKeyRequired").is() || a.open {
				return
			}
			for _, plan := range a.ofType(typeUsagePlan) {
				uses, known := plan.get("ApiStages").list()
				for _, use := range uses {
					known = known && use.get("ApiId").resource(typeRESTAPI) != api && !a.unknownText(use.get("ApiId").text())
				}
				if !known {
					return
				}
			}
			report("ApiKeyRequired must be false without a usage plan of %s, got true; add an AWS::ApiGateway::UsagePlan with its stage", api.id)
		},
	},
}

// stages returns the stages of an API by name. all is false if there may be more.
func (api *resource) stages() (found map[string]*resource, all bool) {
	a := api.stack.app
	found, all = map[string]*resource{}, !a.open
	for _, s := range a.ofType(typeStage, typeRESTStage, typeRESTDeployment) {
		id, name := s.get("ApiId"), s.get("StageName")
		if s.kind != typeStage {
			id = s.get("RestApiId")
		}
		text, known := name.literal()
		switch owner := id.resource(typeAPI, typeRESTAPI); {
		case owner == api && known:
			found[text] = s
		case owner == api && name.has(), owner == nil && a.unknownText(id.text()):
			all = false
		}
	}
	return found, all
}
