package checks

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

const (
	authorizerPage          = "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html"
	routeAuthorizerPage     = "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html"
	restAuthorizerPage      = "https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html"
	maxAuthorizerTTLSeconds = 3600
)

// tokenSource matches where an authorizer of tokens finds the token; httpSource and
// webSocketSource match any source of an HTTP API and of a WebSocket API.
var (
	tokenSource     = regexp.MustCompile(`^\$request\.(header|querystring)\.\S+$`)
	httpSource      = regexp.MustCompile(`^\$(request\.(header|querystring)|context|stageVariables)\.\S+$`)
	webSocketSource = regexp.MustCompile(`^(route\.request\.(header|querystring)|context|stageVariables)\.\S+$`)
)

// authorization describes how a route or a method authorizes its clients.
type authorization struct {
	kind       string
	authorizer value
	// needs maps a kind to the types of authorizers that it accepts.
	needs map[string][]string
	// scoped are the kinds that accept scopes.
	scoped []string
}

// authorizationOf returns the authorization of a route or method. known is false if its
// kind is unknown.
func authorizationOf(r *resource) (a authorization, known bool) {
	kind, known := r.get("AuthorizationType").literal()
	a = authorization{kind: cmp.Or(kind, "NONE"), authorizer: r.get("AuthorizerId"), needs: map[string][]string{"JWT": {"JWT"}, "CUSTOM": {"REQUEST"}}, scoped: []string{"JWT"}}
	if r.kind == typeMethod {
		a.needs = map[string][]string{"COGNITO_USER_POOLS": {"COGNITO_USER_POOLS"}, "CUSTOM": {"TOKEN", "REQUEST"}}
		a.scoped = []string{"COGNITO_USER_POOLS"}
	}
	return a, known || r.get("AuthorizationType").absent()
}

var authorizerRules = []Rule{
	{
		// That API Gateway refuses a JWT authorizer without a source or an audience is not
		// documented. Such an authorizer finds no token, or admits none.
		ID: "api-authorizer", Severity: Error, Page: authorizerPage,
		Fault: "An HTTP or WebSocket API's authorizer without a setting that its type requires, such as an https issuer or an identity source; API Gateway refuses it.",
		types: []string{typeAuthorizer},
		each: func(r *resource, report reporter) {
			kind, known := r.get("AuthorizerType").literal()
			protocol := r.protocol()
			sources, sourcesKnown := r.get("IdentitySource").list()
			ttl := r.get("AuthorizerResultTtlInSeconds")
			between(ttl, "AuthorizerResultTtlInSeconds", 0, maxAuthorizerTTLSeconds, " seconds", report)
			switch {
			case !known:
			case kind == "JWT" && protocol == "WEBSOCKET":
				report("AuthorizerType must be REQUEST for a WebSocket API, got JWT; change it")
			case kind == "JWT":
				tokens := r.get("JwtConfiguration")
				issuer, issuerKnown := tokens.get("Issuer").literal()
				if tokens.get("Issuer").absent() || issuerKnown && !strings.HasPrefix(issuer, "https://") {
					report("JwtConfiguration.Issuer must be an https URL, got %q; set the issuer of the tokens", issuer)
				}
				if audience, known := tokens.get("Audience").list(); known && len(audience) == 0 {
					report("JwtConfiguration.Audience must have at least 1 audience, got none; name the client ids")
				}
				if source := r.get("IdentitySource"); sourcesKnown && len(sources) != 1 {
					report("IdentitySource must have exactly 1 source for JWT, got %d; set it, for example to $request.header.Authorization", len(sources))
				} else if text, known := source.first().literal(); sourcesKnown && known && !tokenSource.MatchString(text) {
					report("IdentitySource must be like $request.header.Authorization or $request.querystring.token, got %q; correct it", text)
				}
			case kind == "REQUEST":
				if r.get("AuthorizerUri").absent() {
					report("AuthorizerUri must be set for REQUEST, got none; name the function")
				}
				if seconds, known := ttl.number(); known && seconds > 0 && sourcesKnown && len(sources) == 0 {
					report("IdentitySource must have at least 1 source with AuthorizerResultTtlInSeconds above 0, got none; name the values that the answers depend on")
				}
				format, formatKnown := r.get("AuthorizerPayloadFormatVersion").literal()
				if absent := r.get("AuthorizerPayloadFormatVersion").absent(); protocol == "HTTP" && (absent || formatKnown && format != "1.0" && format != "2.0") {
					report("AuthorizerPayloadFormatVersion must be 1.0 or 2.0 for an HTTP API, got %q; set it", format)
				} else if (absent || formatKnown) && format != "2.0" && r.get("EnableSimpleResponses").is() {
					report("AuthorizerPayloadFormatVersion must be 2.0 with EnableSimpleResponses, got %q; change one of them", format)
				}
				for _, source := range sources {
					text, known := source.literal()
					if known && protocol == "HTTP" && !httpSource.MatchString(text) {
						report("IdentitySource must be like $request.header.Auth for an HTTP API, got %q; correct it", text)
					} else if known && protocol == "WEBSOCKET" && !webSocketSource.MatchString(text) {
						report("IdentitySource must be like route.request.header.Auth for a WebSocket API, got %q; correct it", text)
					}
				}
			}
		},
	},
	{
		ID: "api-rest-authorizer", Severity: Error, Page: restAuthorizerPage,
		Fault: "A REST API's authorizer without the settings that its type requires: a function and a source, or a user pool; API Gateway refuses it.",
		types: []string{typeRESTAuth},
		each: func(r *resource, report reporter) {
			ttl := r.get("AuthorizerResultTtlInSeconds")
			between(ttl, "AuthorizerResultTtlInSeconds", 0, maxAuthorizerTTLSeconds, " seconds", report)
			kind := r.get("Type").text()
			needed := map[string][]string{"TOKEN": {"AuthorizerUri", "IdentitySource"}, "REQUEST": {"AuthorizerUri"}, "COGNITO_USER_POOLS": {"ProviderARNs", "IdentitySource"}}[kind]
			// Answers are kept for 300 seconds by default.
			if seconds, known := ttl.numberOr(300); kind == "REQUEST" && known && seconds > 0 {
				needed = append(needed, "IdentitySource")
			}
			for _, name := range needed {
				if r.get(name).absent() {
					report("%s must be set for %s, got none; set it", name, kind)
				}
			}
		},
	},
	{
		ID: "api-authorization", Severity: Error, Page: routeAuthorizerPage,
		Fault: "A route or method whose AuthorizationType does not match its authorizer, its scopes or its API; API Gateway refuses it, or lets everybody in.",
		types: []string{typeRoute, typeMethod},
		each: func(r *resource, report reporter) {
			a, known := authorizationOf(r)
			if !known {
				return
			}
			needs, authorizes := a.needs[a.kind]
			switch authorizer := a.authorizer.resource(typeAuthorizer, typeRESTAuth); {
			case authorizes && a.authorizer.absent():
				report("AuthorizerId must be set with AuthorizationType %s, got none; name the authorizer", a.kind)
			case a.kind == "NONE" && a.authorizer.has() && r.kind == typeRoute: // a method may keep its API's default
				report("AuthorizationType must match the authorizer in AuthorizerId, got %s, which lets everybody in; set it or remove AuthorizerId", a.kind)
			case authorizes && authorizer != nil:
				kind, known := authorizer.get(map[string]string{typeAuthorizer: "AuthorizerType", typeRESTAuth: "Type"}[authorizer.kind]).literal()
				if known && !slices.Contains(needs, kind) {
					report("AuthorizerId must be an authorizer of type %s with AuthorizationType %s, got %s of type %s; change one of them", strings.Join(needs, " or "), a.kind, authorizer.id, kind)
				}
				property := map[string]string{typeRoute: "ApiId", typeMethod: "RestApiId"}[r.kind]
				own, others := r.get(property).resource(typeAPI, typeRESTAPI), authorizer.get(property).resource(typeAPI, typeRESTAPI)
				if own != nil && others != nil && own != others {
					report("AuthorizerId must be an authorizer of API %s, got %s of API %s; give the API an authorizer of its own", own.id, authorizer.id, others.id)
				}
			}
			if scopes, known := r.get("AuthorizationScopes").list(); known && len(scopes) > 0 && !slices.Contains(a.scoped, a.kind) {
				report("AuthorizationScopes must be unset with AuthorizationType %s, got %d; remove them or set %s", a.kind, len(scopes), list(a.scoped))
			}
			key, keyKnown := r.get("RouteKey").literal()
			if r.protocol() == "WEBSOCKET" && a.kind == "JWT" {
				report("AuthorizationType must be NONE, AWS_IAM or CUSTOM for a WebSocket API, got JWT; change it")
			} else if r.protocol() == "WEBSOCKET" && a.kind != "NONE" && keyKnown && key != "$connect" {
				report("AuthorizationType must be NONE for a route other than $connect, got %s for %q; set it on $connect", a.kind, key)
			}
			if r.protocol() == "HTTP" && r.get("ApiKeyRequired").is() {
				report("ApiKeyRequired must be false for an HTTP API, got true; use a REST API for API keys")
			}
		},
	},
}
