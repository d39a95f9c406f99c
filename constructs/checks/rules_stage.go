package checks

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	typeRESTStage      = "AWS::ApiGateway::Stage"
	typeDeployment     = "AWS::ApiGatewayV2::Deployment"
	typeRESTDeployment = "AWS::ApiGateway::Deployment"

	stagePage     = "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html"
	accessLogPage = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html"
	deployPage    = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-deployment.html"

	maxStageNameLetters = 128
)

// API Gateway's error message about the values of variables lists spaces too.
// API Gateway documents hyphens in the names of stages. HTTP APIs were seen to refuse them,
// which is not confirmed, and so not reported.
var (
	stageName     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	variableName  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9 \-._~:/?#&=,]*$`)
)

// logDestinations are the types of resources that accept access logs.
var logDestinations = map[string][]string{
	typeStage:     {"AWS::Logs::LogGroup"},
	typeRESTStage: {"AWS::Logs::LogGroup", "AWS::KinesisFirehose::DeliveryStream"},
}

var stageRules = []Rule{
	{
		ID: "api-stage-name", Severity: Error, Page: stagePage,
		Fault: "A stage whose name is too long, or whose name or variables have an invalid character; API Gateway refuses the stage.",
		types: []string{typeStage, typeRESTStage},
		each: func(r *resource, report reporter) {
			name, known := r.get("StageName").literal()
			if known && name != "$default" && (!stageName.MatchString(name) || len(name) > maxStageNameLetters) {
				report("StageName must be at most %d letters, digits, - and _, got %q; correct it", maxStageNameLetters, name)
			}
			property := map[string]string{typeStage: "StageVariables", typeRESTStage: "Variables"}[r.kind]
			variables := r.get(property)
			for _, name := range slices.Sorted(maps.Keys(variables.keys())) {
				if !variableName.MatchString(name) && !strings.HasPrefix(name, loopPrefix) {
					report("%s must have names of letters, digits and _, got %q; rename it", property, name)
				}
				if text, known := variables.get(name).literal(); known && !variableValue.MatchString(text) {
					report("%s.%s must be letters, digits, spaces and -._~:/?#&=, got %q; change it", property, name, text)
				}
			}
		},
	},
	{
		ID: "api-stage-logs", Severity: Error, Page: accessLogPage,
		Fault: "Access logs without a request id, or with a destination other than a log group, or for a REST API a Firehose stream; API Gateway refuses the stage.",
		types: []string{typeStage, typeRESTStage},
		each: func(r *resource, report reporter) {
			property, destination := "AccessLogSettings", "a log group"
			if r.kind == typeRESTStage {
				property, destination = "AccessLogSetting", "a log group or Firehose stream"
			}
			settings := r.get(property)
			format, known := settings.get("Format").literal()
			if known && !strings.Contains(format, "$context.requestId") && !strings.Contains(format, "$context.extendedRequestId") {
				report("%s.Format must have $context.requestId or $context.extendedRequestId, got %q; add one", property, format)
			}
			m := token.FindStringSubmatch(settings.get("DestinationArn").text())
			if m == nil {
				return
			}
			if d, _ := r.stack.app.resourceOf(m[1]); d != nil && !r.stack.app.unknownText(m[0]) && !slices.Contains(logDestinations[r.kind], d.kind) {
				report("%s.DestinationArn must be %s, got %s of type %s; name %s", property, destination, d.id, d.kind, destination)
			}
		},
	},
	{
		ID: "api-stage-routes", Severity: Error, Page: stagePage,
		Fault: "Settings of a stage for a route that its API does not have, or that CloudFormation may create later; API Gateway refuses the stage.",
		types: []string{typeStage},
		each: func(r *resource, report reporter) {
			api := r.get("ApiId").resource(typeAPI)
			if api == nil || api.hasBody() {
				return
			}
			routes, known := api.routes()
			for _, key := range slices.Sorted(maps.Keys(r.get("RouteSettings").keys())) {
				has := false
				for _, route := range routes {
					own, literal := route.get("RouteKey").literal()
					has = has || own == key || !literal
					if own == key && !r.waitsFor(route) {
						report("DependsOn must include route %s, which has a key in RouteSettings, got no reference to it; add it", route.id)
					}
				}
				if known && !has && key != "$default" && !strings.HasPrefix(key, loopPrefix) {
					report("RouteSettings must have only keys of the API's routes, got %q, which no route of %s has; correct it", key, api.id)
				}
			}
		},
	},
	{
		ID: "api-stage-deployment", Severity: Warning, Page: stagePage,
		Fault: "A stage of an HTTP or WebSocket API without a deployment in the app; it answers no request until somebody deploys to it.",
		types: []string{typeStage},
		each: func(r *resource, report reporter) {
			a := r.stack.app
			if a.open || r.get("DeploymentId").has() || r.get("AutoDeploy").is() || r.get("AutoDeploy").unknown() || r.get("ApiId").resource(typeAPI) == nil {
				return
			}
			for _, d := range a.ofType(typeDeployment) {
				if d.get("StageName").has() || a.unknownText(d.get("ApiId").text()) {
					return
				}
			}
			report("AutoDeploy must be true without a DeploymentId, got %q; set one of them", r.get("AutoDeploy").text())
		},
	},
	{
		ID: "api-deployment", Severity: Error, Page: deployPage,
		Fault: "A deployment of an HTTP or WebSocket API that CloudFormation may create before a route; the deployment fails, or the deployed API lacks that route.",
		types: []string{typeDeployment},
		each: func(r *resource, report reporter) {
			api := r.get("ApiId").resource(typeAPI)
			for _, route := range r.stack.byType[typeRoute] {
				if api != nil && route.get("ApiId").resource(typeAPI) == api && !route.conditional && !r.waitsFor(route) {
					report("DependsOn must include route %s, which the deployment serves, got no reference to it; add it", route.id)
				}
			}
		},
	},
}

// routes returns the routes of an HTTP or WebSocket API. known is false if there may be more.
func (api *resource) routes() (found []*resource, known bool) {
	a := api.stack.app
	known = !a.open
	for _, route := range a.ofType(typeRoute) {
		if id := route.get("ApiId"); id.resource(typeAPI) == api {
			found = append(found, route)
		} else if a.unknownText(id.text()) {
			known = false
		}
	}
	return found, known
}
