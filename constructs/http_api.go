package hearth

import (
	"math"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// An HTTP API waits 30 seconds for its integration; the quota cannot be raised.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html (2026-11)
const maxHttpIntegrationSecs = 30

// The API's model calls the name of an HTTP or WebSocket API a string with a length
// between 1 and 128.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html (2026-11)
const maxApiNameLetters = 128

// HttpApiProps configure an [HttpApi].
type HttpApiProps struct {
	// Handler serves every request: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// AccessLogGroup receives the access logs instead of a new log group.
	//
	// @default - a new log group, which is kept when the stack is deleted
	AccessLogGroup awslogs.ILogGroup

	// AccessLogRemovalPolicy decides whether the new log group is kept when it leaves the
	// stack.
	//
	// @default awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	AccessLogRemovalPolicy awscdk.RemovalPolicy

	// AccessLogRetention is how long the new log group keeps each entry. It
	// contradicts AccessLogGroup.
	//
	// @default awslogs.RetentionDays_ONE_MONTH
	AccessLogRetention awslogs.RetentionDays

	// AccessLogs logs one JSON object for each request.
	//
	// @default true
	AccessLogs *bool

	// ApiName is shown in the API Gateway console, 1 to 128 letters.
	//
	// @default - unique to the construct
	ApiName *string

	// AuthorizationScopes are the OAuth scopes that Authorizer requires.
	//
	// @default - none
	AuthorizationScopes *[]*string

	// Authorizer accepts or refuses each request before it reaches the function:
	// awsapigatewayv2authorizers.NewHttpJwtAuthorizer, NewHttpIamAuthorizer,
	// NewHttpUserPoolAuthorizer or NewHttpLambdaAuthorizer. It lets preflight requests
	// pass only when CorsPreflight answers them.
	//
	// @default - none: the program decides
	Authorizer awsapigatewayv2.IHttpRouteAuthorizer

	// CorsPreflight makes the API answer preflight requests itself and add CORS headers
	// to the responses, instead of the program. It needs AllowOrigins, without "*" if
	// AllowCredentials is set.
	//
	// @default - none: the program answers them
	CorsPreflight *awsapigatewayv2.CorsPreflightOptions

	// DisableExecuteApiEndpoint turns the generated URL off, so that only the domain of
	// Domain or DomainMapping leads to the API.
	//
	// @default false
	DisableExecuteApiEndpoint *bool

	// Domain serves the API on a domain of your own. It contradicts
	// DomainMapping.
	//
	// @default - none
	Domain *DomainProps

	// DomainMapping serves the API on a domain that exists.
	//
	// @default - none
	DomainMapping *awsapigatewayv2.DomainMappingOptions

	// Refine changes the CDK's own props of the API before it is created. It must not
	// change a value that a prop here sets.
	//
	// @default - none
	Refine func(props *awsapigatewayv2.HttpApiProps)

	// RefineStage changes the CDK's own props of the stage before it is created.
	//
	// @default - none
	RefineStage func(props *awsapigatewayv2.HttpStageProps)

	// StageName is the name of the stage: letters, digits, "-" and "_", up to 128
	// of them. It is the first part of the path in the generated URL, and of the
	// path that the program sees.
	//
	// @default $default
	StageName *string

	// Throttle bounds the requests per second (rate) and at once (burst). Further
	// requests get 429 and do not reach the function.
	//
	// @default - the quotas of the account, of which synth warns unless Authorizer is set
	Throttle *awsapigatewayv2.ThrottleSettings
}

// HttpApi is an API Gateway HTTP API that sends every request to one function, with
// payload format 2.0. It has one $default route, and a stage that is deployed
// automatically. [HttpApi.AddRoutes] sends some requests to other functions.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html (2026-11)
type HttpApi struct {
	constructs.Construct

	// AccessLogGroup receives the access logs; nil when they are off.
	AccessLogGroup awslogs.ILogGroup
	// Api is the API, without a default stage of its own: see Stage.
	Api awsapigatewayv2.HttpApi
	// Stage is the stage that is deployed automatically.
	Stage awsapigatewayv2.HttpStage

	app     *app
	handler *Handler // nil for another function
	// integrations are the integrations of AddRoutes, one for each function.
	integrations map[awslambda.IFunction]awsapigatewayv2integrations.HttpLambdaIntegration
	routes       routes
	url          *string
}

// NewHttpApi creates an HTTP API in front of a function. It panics with every
// broken rule at once.
func NewHttpApi(scope constructs.Construct, id *string, props *HttpApiProps) *HttpApi {
	if props == nil {
		props = &HttpApiProps{}
	}
	p := *props
	a := &HttpApi{integrations: map[awslambda.IFunction]awsapigatewayv2integrations.HttpLambdaIntegration{}, routes: routes{}}
	a.app = newConstruct(a, scope, id)
	r := &rules{where: "HttpApiProps"}
	a.app.checkInvoked(r, p.Handler)
	p.check(r)
	a.app.contractOf(p.Handler).checkHttp(r, "an HTTP", maxHttpIntegrationSecs)
	refuse(a, r.broken)

	checkPermission := a.app.expectPermission(a, p.Handler)
	a.handler = a.app.ownerOf(p.Handler)
	a.app.budgetOf(p.Handler).addRequests()
	api := &awsapigatewayv2.HttpApiProps{
		ApiName:                    apiName(a, p.ApiName),
		CorsPreflight:              p.CorsPreflight,
		CreateDefaultStage:         jsii.Bool(false), // it allows neither access logs nor throttling
		DefaultAuthorizationScopes: p.AuthorizationScopes,
		DefaultAuthorizer:          p.Authorizer,
		DefaultIntegration:         awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), p.Handler, nil),
		DisableExecuteApiEndpoint:  p.DisableExecuteApiEndpoint,
	}
	refineProps(r, "Refine", api, p.Refine, p, nil)
	refuse(a, r.broken)
	a.Api = awsapigatewayv2.NewHttpApi(a, jsii.String("Api"), api)
	if p.Domain != nil {
		p.DomainMapping = p.Domain.mapping(a.app, a, false)
	}
	if p.StageName == nil {
		p.StageName = jsii.String("$default")
	}
	stage := &awsapigatewayv2.HttpStageProps{
		AutoDeploy:    jsii.Bool(true),
		DomainMapping: p.DomainMapping,
		HttpApi:       a.Api,
		StageName:     p.StageName,
		Throttle:      p.Throttle,
	}
	if p.AccessLogs == nil || *p.AccessLogs {
		a.AccessLogGroup = p.AccessLogGroup
		if a.AccessLogGroup == nil {
			a.AccessLogGroup = newLogGroup(a, "AccessLogs", p.AccessLogRetention, p.AccessLogRemovalPolicy)
		}
	}
	refineProps(r, "RefineStage", stage, p.RefineStage, p, map[string]string{"AccessLogSettings": "HttpApiProps.AccessLogGroup"})
	refuse(a, r.broken)
	warnOfOpenApi(a, api.DefaultAuthorizer != nil, p.Throttle != nil)
	a.Stage = awsapigatewayv2.NewHttpStage(a, jsii.String("Stage"), stage)
	if a.AccessLogGroup != nil {
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html (2026-11)
		logAccess(a.Stage, a.AccessLogGroup, append(slices.Clip(requestLogFields), "error $context.integrationErrorMessage")...)
	}
	checkPermission()
	switch {
	case p.Domain != nil:
		a.url = p.Domain.url("https")
	case p.DomainMapping != nil:
		a.url = a.Stage.DomainUrl()
	case !isTrue(p.DisableExecuteApiEndpoint):
		a.url = a.Api.ApiEndpoint()
		if *p.StageName != "$default" {
			a.url = a.Stage.Url()
		}
	}
	return a
}

// Url is the API's URL: https://{domain} with Domain or DomainMapping, else
// https://{api-id}.execute-api.{region}.amazonaws.com, followed by the name of a stage other
// than $default. It is nil when the generated URL is disabled.
func (a *HttpApi) Url() *string { return a.url }

// AddRoutes sends the requests for a path to another function, or past the API's
// authorizer. It panics with every broken rule at once.
func (a *HttpApi) AddRoutes(props *HttpRoutesProps) []awsapigatewayv2.HttpRoute {
	if props == nil {
		props = &HttpRoutesProps{}
	}
	p := *props
	r := &rules{where: "HttpRoutesProps"}
	a.app.checkInvoked(r, p.Handler)
	p.Path = routePath(p.Path)
	path := textOf(p.Path)
	checkPath(r, path)
	noneNil(r, "AuthorizationScopes", elementsOf(p.AuthorizationScopes))
	methods := methodsOf(r, p.Methods)
	if path.known {
		for _, method := range methods {
			a.routes.check(r, "Path", method+" "+path.value)
		}
	}
	a.app.contractOf(p.Handler).checkHttp(r, "an HTTP", maxHttpIntegrationSecs)
	refuse(a, r.broken)
	for _, method := range methods {
		a.routes[method+" "+path.value] = path.known
	}
	a.app.budgetOf(p.Handler).addRequests()
	checkPermission := func() {}
	if a.integrations[p.Handler] == nil {
		checkPermission = a.app.expectPermission(a, p.Handler)
	}
	added := a.Api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
		AuthorizationScopes: p.AuthorizationScopes,
		Authorizer:          p.Authorizer,
		Integration:         a.integration(p.Handler),
		Methods:             p.Methods,
		Path:                p.Path,
	})
	checkPermission()
	return *added
}

// integration returns the integration of all routes to a function, with one permission:
// the policy of a function has room for some 60.
// https://github.com/aws/aws-cdk/issues/19535 (2026-11)
func (a *HttpApi) integration(fn awslambda.IFunction) awsapigatewayv2integrations.HttpLambdaIntegration {
	made := a.integrations[fn]
	if made == nil {
		made = awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), fn, &awsapigatewayv2integrations.HttpLambdaIntegrationProps{
			ScopePermissionToRoute: jsii.Bool(false),
		})
		a.integrations[fn] = made
	}
	return made
}

// HttpRoutesProps configure routes of [HttpApi.AddRoutes].
type HttpRoutesProps struct {
	// Handler serves the routes: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// Path is the path of the routes, with parameters in braces: "/orders",
	// "/orders/{id}" or "/orders/{rest+}".
	Path *string

	// AuthorizationScopes are the OAuth scopes that the authorizer requires.
	//
	// @default - those of the API
	AuthorizationScopes *[]*string

	// Authorizer accepts or refuses each request. awsapigatewayv2.NewHttpNoneAuthorizer
	// accepts all of them.
	//
	// @default - that of the API
	Authorizer awsapigatewayv2.IHttpRouteAuthorizer

	// Methods are the HTTP methods of the routes.
	//
	// @default - all of them
	Methods *[]awsapigatewayv2.HttpMethod
}

// warnOfOpenApi warns of an API that anybody may call up to the account's quota, which
// all its APIs share. A default throttle would refuse the requests of programs with many
// users.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html (2026-11)
func warnOfOpenApi(api constructs.Construct, authorizes, throttles bool) {
	if !authorizes && !throttles {
		warn(api, "noThrottle", "anybody may use up the account's quota of requests for all its APIs, and each request is paid for; set Throttle to what the clients need, or an Authorizer")
	}
}

// apiName returns the name of an API: the CDK's own default is the same for all APIs.
func apiName(c constructs.Construct, name *string) *string {
	if name != nil {
		return name
	}
	return awscdk.Names_UniqueResourceName(c, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(maxApiNameLetters), Separator: jsii.String("-")})
}

func (p *HttpApiProps) check(r *rules) {
	checkApiName(r, p.ApiName)
	checkAccessLogs(r, isFalse(p.AccessLogs), p.AccessLogGroup, p.AccessLogRetention)
	checkDomain(r, p.Domain, !isTrue(p.DisableExecuteApiEndpoint), p.DomainMapping)
	if p.StageName == nil || *p.StageName != "$default" {
		checkStageName(r, p.StageName)
	}
	checkThrottle(r, p.Throttle)
	r.in("CorsPreflight", func(r *rules) { checkHttpCors(r, p.CorsPreflight) })
	checkRemoval(r, "AccessLogRemovalPolicy", p.AccessLogRemovalPolicy)
	if p.AuthorizationScopes != nil && p.Authorizer == nil {
		r.breaks("AuthorizationScopes", "must be unset without Authorizer, which asks for them; set Authorizer too")
	}
	noneNil(r, "AuthorizationScopes", elementsOf(p.AuthorizationScopes))
}

// The rules of the props that several kinds of APIs have.

// checkApiName checks the name of an HTTP or WebSocket API.
func checkApiName(r *rules, name *string) {
	if text := textOf(name); text.known && (text.value == "" || len(text.value) > maxApiNameLetters) {
		r.breaks("ApiName", "must be 1 to %d letters, got %d; change it, or leave it unset", maxApiNameLetters, len(text.value))
	}
}

func checkAccessLogs(r *rules, off bool, group awslogs.ILogGroup, retention awslogs.RetentionDays) {
	if off && group != nil {
		r.breaks("AccessLogGroup", "must be unset while AccessLogs is false; remove one of them")
	}
	if off && retention != "" {
		r.breaks("AccessLogRetention", "must be unset while AccessLogs is false; remove one of them")
	}
	checkLogRetention(r, "AccessLogRetention", retention)
	if group != nil && retention != "" {
		r.breaks("AccessLogRetention", "must be unset with AccessLogGroup, which has its own retention; remove one of them")
	}
}

func checkDomain(r *rules, p *DomainProps, open bool, mapping *awsapigatewayv2.DomainMappingOptions) {
	if mapping != nil && mapping.DomainName == nil {
		r.breaks("DomainMapping.DomainName", "must be a domain that exists, got nil; pass it, or set Domain for a new one")
	}
	if p == nil {
		return
	}
	if mapping != nil {
		r.breaks("DomainMapping", "must be unset with Domain, which makes one; remove one of them")
	}
	r.in("Domain", func(r *rules) { p.check(r, open) })
}

func checkStageName(r *rules, name *string) {
	if stage := textOf(name); stage.known && !stageNamePattern.MatchString(stage.value) {
		r.breaks("StageName", "must be 1 to 128 letters, digits, - and _, got %q; rename it", stage.value)
	}
}

func checkThrottle(r *rules, p *awsapigatewayv2.ThrottleSettings) {
	if p == nil {
		return
	}
	r.within("Throttle.BurstLimit", numberOf(p.BurstLimit), 0, math.Inf(1), "requests", "leave it unset for the account's quota")
	// A rate may be a fraction, such as 0.5.
	// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html (2026-11)
	if rate := numberOf(p.RateLimit); rate.known && !(rate.value >= 0 && rate.value <= math.MaxFloat64) {
		r.breaks("Throttle.RateLimit", "must be at least 0 requests per second, got %s; leave it unset for the account's quota", rate)
	}
}
