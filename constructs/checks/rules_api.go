package checks

import (
	"regexp"
	"slices"
	"strings"
)

const (
	typeRoute        = "AWS::ApiGatewayV2::Route"
	typeStage        = "AWS::ApiGatewayV2::Stage"
	typeRESTResource = "AWS::ApiGateway::Resource"

	httpQuotas      = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"
	webSocketQuotas = "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"
	restQuotas      = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"
	routesPage      = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"
	permissionsPage = "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"
	urlsPage        = "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html"
	urlPage         = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

	minIntegrationMillis          = 50
	maxHTTPIntegrationMillis      = 30_000
	maxWebSocketIntegrationMillis = 29_000
	maxRESTIntegrationMillis      = 29_000
	minCORSMaxAgeSeconds          = -1
	maxCORSMaxAgeSeconds          = 86_400
)

// protocol returns the protocol of the API that a resource belongs to, HTTP or WEBSOCKET;
// "" if it is unknown.
func (r *resource) protocol() string {
	api := r.get("ApiId").resource(typeAPI)
	if api == nil {
		return ""
	}
	return api.get("ProtocolType").text()
}

// hasBody reports whether routes or methods may be in an OpenAPI document.
func (r *resource) hasBody() bool {
	return r.get("Body").has() || r.get("BodyS3Location").has() || r.get("Target").has()
}

// corsOrigin matches an origin that browsers send; a * may stand for a part of it. API
// Gateway refuses other schemes. Whether it refuses a path is not documented, but no
// browser sends one. The bounds of MaxAge are in the API's model.
var (
	corsOrigin = regexp.MustCompile(`^https?://[^/]+$`)
	corsMethod = regexp.MustCompile(`(?i)^(\*|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$`)
)

// httpSelection matches the only RouteSelectionExpression of an HTTP API.
var httpSelection = regexp.MustCompile(`^\$(request\.method|\{request\.method\}) \$(request\.path|\{request\.path\})$`)

// pathPart matches a part of a path of an HTTP or REST API, if it has braces. API Gateway
// refuses the others ("path parts appear to be invalid"). No request has ? or # in its path.
var (
	pathPart  = regexp.MustCompile(`^(\{[\w.:-]+\+?\}|[^{}]*)$`)
	pathQuery = regexp.MustCompile(`[?#]`)
	restPart  = regexp.MustCompile(`^(\{[a-zA-Z0-9:._$-]+\+?\}|[a-zA-Z0-9:._$-]+)$`)
)

// integrationTypes are the types of integrations of each protocol.
var integrationTypes = map[string][]string{
	"HTTP":      {"AWS_PROXY", "HTTP_PROXY"},
	"WEBSOCKET": {"AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"},
}

var routeKey = regexp.MustCompile(`^(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /\S*$`)

var apiRules = []Rule{
	{
		ID: "api-integration-timeout", Severity: Error, Page: httpQuotas,
		Fault: "An integration timeout outside of the range for HTTP or WebSocket APIs; API Gateway refuses it.",
		types: []string{typeIntegration},
		each: func(r *resource, report reporter) {
			most := map[string]float64{"HTTP": maxHTTPIntegrationMillis, "WEBSOCKET": maxWebSocketIntegrationMillis}[r.protocol()]
			if most > 0 {
				between(r.get("TimeoutInMillis"), "TimeoutInMillis", minIntegrationMillis, most, " milliseconds", report)
			}
		},
	},
	{
		ID: "api-rest-timeout", Severity: Warning, Page: restQuotas,
		Fault: "A REST API's integration timeout above 29 seconds; API Gateway accepts it only after AWS raises the account's quota.",
		types: []string{typeMethod},
		each: func(r *resource, report reporter) {
			if n, known := r.get("Integration", "TimeoutInMillis").number(); known && n > maxRESTIntegrationMillis && r.get("Integration", "ResponseTransferMode").text() != "STREAM" {
				report("Integration.TimeoutInMillis must be at most %d milliseconds with the default quota, got %s; lower it, or make sure that the account's quota is higher", maxRESTIntegrationMillis, scalar(n))
			}
		},
	},
	{
		ID: "api-payload-format", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
		Fault: "An HTTP API's Lambda integration without PayloadFormatVersion 1.0 or 2.0, or another integration with 2.0; API Gateway refuses it.",
		types: []string{typeIntegration},
		each: func(r *resource, report reporter) {
			version := r.get("PayloadFormatVersion")
			if text, known := version.literal(); known && text == "2.0" && (r.protocol() == "WEBSOCKET" || r.get("IntegrationType").text() == "HTTP_PROXY") {
				report("PayloadFormatVersion must be 1.0 for a WebSocket API and for HTTP_PROXY, got %q; change it", text)
			}
			if r.protocol() != "HTTP" || r.get("IntegrationType").text() != "AWS_PROXY" || r.get("IntegrationSubtype").has() {
				return
			}
			if text, known := version.literal(); version.absent() || known && text != "1.0" && text != "2.0" {
				report("PayloadFormatVersion must be 1.0 or 2.0 for an HTTP API, got %q; set it", text)
			}
		},
	},
	{
		ID: "api-integration-type", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html",
		Fault: "An integration type that its API does not support (AWS for an HTTP API), or a missing method or VPC link; API Gateway refuses it.",
		types: []string{typeIntegration},
		each: func(r *resource, report reporter) {
			kind, known := r.get("IntegrationType").literal()
			if types := integrationTypes[r.protocol()]; known && len(types) > 0 && !slices.Contains(types, kind) {
				report("IntegrationType must be %s for this API, got %q; change it", strings.Join(types, " or "), kind)
			}
			if r.get("ConnectionType").text() == "VPC_LINK" && r.get("ConnectionId").absent() {
				report("ConnectionId must be set with ConnectionType VPC_LINK, got none; name the link")
			}
			if r.protocol() == "HTTP" && kind == "HTTP_PROXY" && r.get("IntegrationMethod").absent() {
				report("IntegrationMethod must be set for HTTP_PROXY, got none; set it, for example to ANY")
			}
		},
	},
	{
		ID: "api-rest-lambda-method", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html",
		Fault: "A REST API's Lambda integration with a method other than POST; Lambda answers with an error.",
		types: []string{typeMethod},
		each: func(r *resource, report reporter) {
			integration := r.get("Integration")
			kind := integration.get("Type").text()
			method, known := integration.get("IntegrationHttpMethod").literal()
			absent := integration.get("IntegrationHttpMethod").absent()
			if (kind == "AWS" || kind == "AWS_PROXY") && strings.Contains(integration.get("Uri").text(), ":lambda:path/") && (absent || known && method != "POST") {
				report("Integration.IntegrationHttpMethod must be POST for a function, got %q; set it", method)
			}
		},
	},
	{
		ID: "api-rest-path", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html",
		Fault: "A part of a REST API's path that is invalid, or that its parent already has; two variables count as equal. API Gateway refuses it.",
		types: []string{typeRESTResource},
		each: func(r *resource, report reporter) {
			part, known := r.get("PathPart").literal()
			if !known {
				return
			}
			if !restPart.MatchString(part) {
				report("PathPart must be letters, digits and :._-$, or a variable such as {id} or {proxy+}, got %q; correct it", part)
			}
			parent := r.get("ParentId").text()
			if r.stack.app.unknownText(parent) {
				return
			}
			for _, other := range r.earlier() {
				taken, known := other.get("PathPart").literal()
				if known && other.get("ParentId").text() == parent && (taken == part || strings.HasPrefix(taken, "{") && strings.HasPrefix(part, "{")) {
					report("PathPart must be unique below its parent, and the only variable there, got %q beside %q of %s; change one of them", part, taken, other.id)
				}
			}
		},
	},
	{
		ID: "api-websocket-selection", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html",
		Fault: "A WebSocket API without RouteSelectionExpression, or an HTTP API with one that is not the default; API Gateway refuses it.",
		types: []string{typeAPI},
		each: func(r *resource, report reporter) {
			if r.get("ProtocolType").text() == "WEBSOCKET" && r.get("RouteSelectionExpression").absent() && !r.hasBody() {
				report("RouteSelectionExpression must be set for a WebSocket API, got none; set it, for example to $request.body.action")
			}
			text, known := r.get("RouteSelectionExpression").literal()
			if known && r.get("ProtocolType").text() == "HTTP" && !httpSelection.MatchString(text) {
				report("RouteSelectionExpression must be $request.method $request.path for an HTTP API, got %q; remove it", text)
			}
		},
	},
	{
		ID: "api-cors", Severity: Error,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html",
		Fault: "CORS of a WebSocket API, credentials for every origin, a MaxAge outside of API Gateway's range, or an origin or method that no browser sends.",
		types: []string{typeAPI},
		each: func(r *resource, report reporter) {
			cors := r.get("CorsConfiguration")
			if cors.absent() || cors.unknown() {
				return
			}
			if r.get("ProtocolType").text() == "WEBSOCKET" {
				report("CorsConfiguration must be unset for a WebSocket API, got a value; remove it")
			}
			between(cors.get("MaxAge"), "CorsConfiguration.MaxAge", minCORSMaxAgeSeconds, maxCORSMaxAgeSeconds, " seconds", report)
			methods, _ := cors.get("AllowMethods").list()
			for _, m := range methods {
				if method, known := m.literal(); known && !corsMethod.MatchString(method) {
					report("CorsConfiguration.AllowMethods must have only *, GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS, got %q; correct it", method)
				}
			}
			origins, _ := cors.get("AllowOrigins").list()
			for _, origin := range origins {
				if text, known := origin.literal(); known && text != "*" && text != "null" && !corsOrigin.MatchString(text) {
					report("CorsConfiguration.AllowOrigins must have only *, or origins such as https://example.com without a path, got %q; correct it", text)
				}
				if origin.text() == "*" && cors.get("AllowCredentials").is() {
					report("CorsConfiguration.AllowOrigins must name origins with AllowCredentials, got \"*\"; name them or remove AllowCredentials")
				}
			}
		},
	},
	{
		ID: "api-route-target", Severity: Error, Page: routesPage,
		Fault: "A route whose target is not an integration of its API; API Gateway refuses it.",
		types: []string{typeRoute},
		each: func(r *resource, report reporter) {
			target := r.get("Target").text()
			if r.get("Target").absent() || r.stack.app.unknownText(target) {
				return
			}
			id, is := strings.CutPrefix(target, "integrations/")
			if !is {
				report("Target must be integrations/{id of an integration}, got %q; correct it", target)
				return
			}
			integration := value{r.stack, id}.resource(typeIntegration)
			if integration == nil {
				// A literal id of an integration is valid only for an API outside the app.
				if strings.Contains(id, tokenStart) || r.protocol() != "" {
					report("Target must be integrations/{id of an integration}, got %q, which is not one; name an AWS::ApiGatewayV2::Integration", target)
				}
				return
			}
			own, others := r.get("ApiId").resource(typeAPI), integration.get("ApiId").resource(typeAPI)
			if own != nil && others != nil && own != others {
				report("Target must be an integration of API %s, got %s of API %s; give the API an integration of its own", own.id, integration.id, others.id)
			}
		},
	},
	{
		ID: "api-route-key", Severity: Error, Page: routesPage,
		Fault: "An HTTP API's route key that is not a method and path, or that no request matches; API Gateway refuses it, or never uses it.",
		types: []string{typeRoute},
		each: func(r *resource, report reporter) {
			key, known := r.get("RouteKey").literal()
			if known && r.protocol() == "HTTP" && key != "$default" && !routeKey.MatchString(key) {
				report("RouteKey must be $default, or ANY, GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS and a path such as \"GET /items/{id}\", got %q; correct it", key)
			}
			if _, path, ok := strings.Cut(key, " "); ok && known && r.protocol() == "HTTP" {
				for part := range strings.SplitSeq(path, "/") {
					if !pathPart.MatchString(part) || pathQuery.MatchString(part) {
						report("RouteKey must have a path whose variables are whole parts in braces, without ? and #, got %q in %q; correct it", part, key)
					}
				}
			}
			if i := strings.Index(key, "+}"); known && i >= 0 && i < len(key)-len("+}") {
				report("RouteKey must have a greedy variable at its end only, got %q; move it", key)
			}
		},
	},
	{
		ID: "api-route-duplicate", Severity: Error, Page: routesPage,
		Fault: "Two routes of one API with the same key; API Gateway refuses the second.",
		types: []string{typeRoute},
		each: func(r *resource, report reporter) {
			key, known := r.get("RouteKey").literal()
			api := r.get("ApiId").resource(typeAPI)
			if !known || api == nil {
				return
			}
			for _, other := range r.earlier() {
				if other.get("RouteKey").text() == key && other.get("ApiId").resource(typeAPI) == api {
					report("RouteKey must be unique in its API, got %q, which %s has too; remove one of them", key, other.id)
				}
			}
		},
	},
	{
		ID: "api-stage", Severity: Warning,
		Page:  "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html",
		Fault: "An API without a stage in the app; no client can reach it.",
		types: []string{typeAPI, typeRESTAPI},
		each: func(r *resource, report reporter) {
			if r.hasBody() || r.stack.app.open {
				return
			}
			property, stages, routes := "ApiId", []string{typeStage}, typeRoute
			if r.kind == typeRESTAPI {
				property, stages, routes = "RestApiId", []string{typeRESTStage, typeRESTDeployment}, typeMethod
			}
			for _, stage := range r.stack.app.ofType(stages...) {
				id := stage.get(property)
				if named := stage.get("StageName").has() || stage.kind != typeRESTDeployment; named && (id.resource(r.kind) == r || r.stack.app.unknownText(id.text())) {
					return
				}
			}
			for _, route := range r.stack.app.ofType(routes) {
				if route.get(property).resource(r.kind) == r {
					report("%s of an %s must be this API, got no such stage; add one", property, stages[0])
					return
				}
			}
		},
	},
	{
		ID: "api-rest-deployment", Severity: Error,
		Page:  "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-deployment.html",
		Fault: "A REST API's deployment that CloudFormation may create before a method; the deployment fails, or the deployed API lacks that method.",
		types: []string{typeRESTDeployment},
		each: func(r *resource, report reporter) {
			api := r.get("RestApiId").resource(typeRESTAPI)
			for _, method := range r.stack.byType[typeMethod] {
				if api != nil && method.get("RestApiId").resource(typeRESTAPI) == api && !method.conditional && !r.waitsFor(method) {
					report("DependsOn must include method %s, which the deployment serves, got no reference to it; add it", method.id)
				}
			}
		},
	},
	{
		ID: "invoke-permission", Severity: Error, Page: permissionsPage,
		Fault: "An API, authorizer, event rule, topic, log filter, user pool, target group, secret or bucket without permission to invoke its function or alias. A permission for other stages, methods or paths does not count; those calls fail.",
		types: callerTypes,
		each: func(r *resource, report reporter) {
			for _, c := range callsOf(r) {
				if c.service == "" {
					continue
				}
				if left, permitted := c.permitted(); left != "" {
					report("%s must be a function or alias that %s may invoke for all its requests, got %s without a permission for %q; widen SourceArn of its AWS::Lambda::Permission", c.property, c.service, c.target, left)
				} else if !permitted {
					report("%s must be a function or alias that %s may invoke, got %s without such a permission; add an AWS::Lambda::Permission for exactly this function or alias", c.property, c.service, c.target)
				}
			}
		},
	},
	{
		ID: "url-permission", Severity: Error, Page: urlPage,
		Fault: "A public function URL without both permissions for everybody; Lambda answers 403 to every request.",
		types: []string{typeURL},
		each: func(r *resource, report reporter) {
			calls := callsOf(r)
			if r.get("AuthType").text() != "NONE" || len(calls) == 0 {
				return
			}
			for _, action := range []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} {
				if !calls[0].target.publicFor(action) {
					report("AuthType must be AWS_IAM without permissions for everybody, got NONE for %s; add an AWS::Lambda::Permission of %s for the principal \"*\"", calls[0].target, action)
				}
			}
		},
	},
	{
		ID: "url-duplicate", Severity: Error,
		Page:  urlsPage,
		Fault: "Two URLs of one function or alias; Lambda refuses the second.",
		types: []string{typeURL},
		each: func(r *resource, report reporter) {
			calls := callsOf(r)
			if len(calls) == 0 {
				return
			}
			for _, other := range r.earlier() {
				if same := callsOf(other); len(same) > 0 && same[0].target == calls[0].target {
					report("TargetFunctionArn must be a function or alias without another URL, got %s, which already has %s; remove one of them", calls[0].target, other.id)
				}
			}
		},
	},
}
