package hearth

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// A regional REST API waits 29 seconds for its integration, or up to 300 if the account's
// quota was raised.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html (2026-11)
const (
	minRestIntegrationSecs     = 0.05
	maxRestIntegrationSecs     = 300
	defaultRestIntegrationSecs = 29

	// A streamed response may take up to 15 minutes.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html (2026-11)
	maxRestStreamSecs = 15 * 60
)

// RestApiProps configure a [RestApi].
type RestApiProps struct {
	// Handler serves every request: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// AccessLogGroup receives the access logs instead of a new log group. It
	// needs AccessLogs.
	//
	// @default - a new log group, which is kept when the stack is deleted
	AccessLogGroup awslogs.ILogGroup

	// AccessLogRemovalPolicy decides whether the new log group is kept when it leaves the
	// stack.
	//
	// @default awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	AccessLogRemovalPolicy awscdk.RemovalPolicy

	// AccessLogRetention is how long the new log group keeps each entry. It needs
	// AccessLogs and contradicts AccessLogGroup.
	//
	// @default awslogs.RetentionDays_ONE_MONTH
	AccessLogRetention awslogs.RetentionDays

	// AccessLogs logs one JSON object for each request. REST APIs log through a role that
	// belongs to the whole account and region (AWS::ApiGateway::Account). Without that
	// role the deployment fails, and creating it here would take it from other stacks.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html (2026-11)
	//
	// @default false
	AccessLogs *bool

	// ApiName is shown in the API Gateway console.
	//
	// @default - unique to the construct
	ApiName *string

	// AuthorizationScopes are the OAuth scopes that a Cognito Authorizer requires.
	//
	// @default - none
	AuthorizationScopes *[]*string

	// AuthorizationType decides how requests are authorized: with IAM, callers sign their
	// requests. A REST API has no JWT authorizer: it accepts tokens of a Cognito user
	// pool or of your own Lambda function, see Authorizer.
	//
	// @default - that of Authorizer, or NONE
	AuthorizationType awsapigateway.AuthorizationType

	// Authorizer is an awsapigateway.TokenAuthorizer or RequestAuthorizer, which
	// asks a Lambda function, or a CognitoUserPoolsAuthorizer.
	//
	// @default - none: the program decides
	Authorizer awsapigateway.IAuthorizer

	// BinaryMediaTypes are the content types that pass unchanged in both
	// directions. The mock integration that answers for CorsPreflight cannot take
	// all of them.
	//
	// @default - all of them; with CorsPreflight, none
	BinaryMediaTypes *[]*string

	// CorsPreflight makes the API answer preflight requests itself. The program adds the
	// CORS headers of the responses. It needs AllowOrigins, without "*" if
	// AllowCredentials is set.
	//
	// @default - none: the program answers them
	CorsPreflight *awsapigateway.CorsOptions

	// DisableExecuteApiEndpoint turns the generated URL off, so that only Domain leads to
	// the API.
	//
	// @default false
	DisableExecuteApiEndpoint *bool

	// Domain serves the API on a domain of your own.
	//
	// @default - none
	Domain *DomainProps

	// IntegrationTimeout is how long the API waits for the function: 50 milliseconds to
	// 300 seconds, or up to 15 minutes with Streaming. It must be more than the program's
	// own request timeout. Without Streaming, more than 29 seconds needs a raised quota.
	//
	// @default 29 seconds
	IntegrationTimeout awscdk.Duration

	// Refine changes the CDK's own props of the API before it is created, such as Policy,
	// EndpointConfiguration or MinCompressionSize. It must not change a value that a prop
	// here sets.
	//
	// @default - none
	Refine func(props *awsapigateway.RestApiProps)

	// StageName is the first part of the path in the generated URL: letters,
	// digits, "-" and "_", up to 128 of them.
	//
	// @default live
	StageName *string

	// Streaming sends a response to the client while the program writes it, without the
	// limit of 10 MB, for up to 15 minutes. It sets HEARTH_RESPONSE_STREAM_REST on the
	// functions, which makes lambdaruntime stream. All REST APIs of a program stream, or
	// none does.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html (2026-11)
	//
	// @default false
	Streaming *bool

	// Throttle bounds the requests per second (rate) and at once (burst). Further
	// requests get 429 and do not reach the function.
	//
	// @default - the quotas of the account, of which synth warns unless Authorizer is set
	Throttle *awsapigatewayv2.ThrottleSettings

	// Tracing says that X-Ray traces the requests.
	//
	// @default true
	Tracing *bool
}

// RestApi is a regional API Gateway REST API that sends every request to one function,
// with payload format 1.0. It costs more than an [HttpApi], and has more features: web
// application firewalls, API keys, resource policies, request validation.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html (2026-11)
type RestApi struct {
	constructs.Construct

	// AccessLogGroup receives the access logs; nil when they are off.
	AccessLogGroup awslogs.ILogGroup
	// Api is the API.
	Api awsapigateway.RestApi

	app     *app
	handler *Handler // nil for another function
	methods *awsapigateway.MethodOptions
	mode    awsapigateway.ResponseTransferMode // "" for whole responses
	// parameters are the names of the parameters in paths, by the path before them.
	parameters map[string]string
	permitted  map[awslambda.IFunction]bool // the functions of AddRoute
	preflight  bool                         // whether the API answers OPTIONS itself
	routes     routes
	timeout    number
	wait       awscdk.Duration
	url        *string
}

// NewRestApi creates a REST API in front of a function. It panics with every
// broken rule at once.
func NewRestApi(scope constructs.Construct, id *string, props *RestApiProps) *RestApi {
	if props == nil {
		props = &RestApiProps{}
	}
	p := *props
	a := &RestApi{
		parameters: map[string]string{"": "{proxy+}"},
		permitted:  map[awslambda.IFunction]bool{},
		preflight:  p.CorsPreflight != nil,
		routes:     routes{"ANY /": true, "ANY /{proxy+}": true},
	}
	a.app = newConstruct(a, scope, id)
	r := &rules{where: "RestApiProps"}
	a.app.checkInvoked(r, p.Handler)
	p.check(r)
	a.timeout = p.timeout()
	a.app.contractOf(p.Handler).checkHttp(r, "a REST", a.timeout.value)
	refuse(a, r.broken)

	if p.Authorizer != nil || p.AuthorizationType != "" {
		a.methods = &awsapigateway.MethodOptions{AuthorizationScopes: p.AuthorizationScopes, AuthorizationType: p.AuthorizationType, Authorizer: p.Authorizer}
	}
	stage := &awsapigateway.StageOptions{StageName: p.StageName, TracingEnabled: jsii.Bool(p.Tracing == nil || *p.Tracing)}
	if p.StageName == nil {
		stage.StageName = jsii.String("live")
	}
	if p.Throttle != nil {
		stage.ThrottlingBurstLimit, stage.ThrottlingRateLimit = p.Throttle.BurstLimit, p.Throttle.RateLimit
	}
	if isTrue(p.AccessLogs) {
		a.AccessLogGroup = p.AccessLogGroup
		if a.AccessLogGroup == nil {
			a.AccessLogGroup = newLogGroup(a, "AccessLogs", p.AccessLogRetention, p.AccessLogRemovalPolicy)
		}
		stage.AccessLogDestination = awsapigateway.NewLogGroupLogDestination(a.AccessLogGroup)
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html (2026-11)
		stage.AccessLogFormat = awsapigateway.AccessLogFormat_Custom(jsii.String(logFormat(append(slices.Clip(requestLogFields), "error $context.integration.error")...)))
	}
	if p.BinaryMediaTypes == nil && p.CorsPreflight == nil {
		p.BinaryMediaTypes = jsii.Strings("*/*")
	}
	checkPermission := a.app.expectPermission(a, p.Handler)
	a.handler = a.app.ownerOf(p.Handler)
	a.app.budgetOf(p.Handler).addRequests()
	a.wait = p.IntegrationTimeout
	if isTrue(p.Streaming) {
		a.mode = awsapigateway.ResponseTransferMode_STREAM
	}
	a.tellStreaming(p.Handler)
	api := &awsapigateway.RestApiProps{
		BinaryMediaTypes:            p.BinaryMediaTypes,
		CloudWatchRole:              jsii.Bool(false), // the role belongs to the account
		DefaultCorsPreflightOptions: p.CorsPreflight,
		DeployOptions:               stage,
		DisableExecuteApiEndpoint:   p.DisableExecuteApiEndpoint,
		RestApiName:                 apiName(a, p.ApiName),
	}
	refineProps(r, "Refine", api, p.Refine, p, map[string]string{"DomainName": "RestApiProps.Domain"})
	refuse(a, r.broken)
	if api.EndpointConfiguration == nil && api.EndpointTypes == nil {
		api.EndpointTypes = &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL}
	}
	warnOfOpenApi(a, a.methods != nil && p.AuthorizationType != awsapigateway.AuthorizationType_NONE || guards(api), stage.ThrottlingRateLimit != nil || stage.ThrottlingBurstLimit != nil)
	a.Api = awsapigateway.NewRestApi(a, jsii.String("Api"), api)
	root := a.Api.Root()
	root.AddMethod(jsii.String("ANY"), a.integration(p.Handler, false), a.methods)
	root.AddResource(jsii.String("{proxy+}"), nil).AddMethod(jsii.String("ANY"), a.integration(p.Handler, false), a.methods)
	checkPermission()
	a.serve(&p)
	return a
}

// guards reports whether refined props keep strangers out: a resource policy, a private
// endpoint, or methods that ask for an API key or an authorizer.
func guards(props *awsapigateway.RestApiProps) bool {
	types := elementsOf(props.EndpointTypes)
	if props.EndpointConfiguration != nil {
		types = append(slices.Clip(types), elementsOf(props.EndpointConfiguration.Types)...)
	}
	methods := props.DefaultMethodOptions
	return props.Policy != nil || slices.Contains(types, awsapigateway.EndpointType_PRIVATE) ||
		methods != nil && (isTrue(methods.ApiKeyRequired) || methods.Authorizer != nil || methods.AuthorizationType == awsapigateway.AuthorizationType_IAM)
}

// serve gives the API its URL.
func (a *RestApi) serve(p *RestApiProps) {
	if p.Domain == nil {
		if !isTrue(p.DisableExecuteApiEndpoint) {
			a.url = a.Api.Url()
		}
		return
	}
	p.Domain.mapRest(a.app, a, a.Api)
	a.url = p.Domain.url("https")
}

// integration leaves out the permission for the console's test button, which would bypass
// the stage. The permission for all routes has it, and the CDK warns of a wish against it.
func (a *RestApi) integration(fn awslambda.IFunction, permissionForAll bool) awsapigateway.LambdaIntegration {
	return awsapigateway.NewLambdaIntegration(fn, &awsapigateway.LambdaIntegrationOptions{
		AllowTestInvoke: jsii.Bool(permissionForAll),
		// All routes share one permission: the policy of a function has room for some 60.
		ResponseTransferMode:    a.mode,
		ScopePermissionToMethod: jsii.Bool(!permissionForAll),
		Timeout:                 a.wait,
	})
}

// tellStreaming tells a function to answer in the streaming form, because events do not
// say it. It refuses two REST APIs of one program that differ.
func (a *RestApi) tellStreaming(fn awslambda.IFunction) {
	function := a.app.functionOf(fn)
	if function == nil {
		return
	}
	e := a.app.environmentOf(function)
	streaming := a.mode == awsapigateway.ResponseTransferMode_STREAM
	if other := e.rest; other != nil && (other.mode == awsapigateway.ResponseTransferMode_STREAM) != streaming {
		r := &rules{where: "RestApiProps"}
		refuse(a, []error{r.brokenRule("Streaming", "must be %t as in %s, a REST API of the same function, which cannot tell by which of them a request came, got %t; set both alike, or give one a function of its own", !streaming, pathOf(other), streaming)})
	}
	e.rest = a
	if streaming {
		e.set(a, wire.EnvResponseStreamREST, jsii.String("true"))
	}
}

// AddRoute sends the requests for a path to another function, by default for all methods.
// The path has parameters in braces, such as "/orders/{id}", or ends with "/{proxy+}". It
// panics with every broken rule at once.
func (a *RestApi) AddRoute(props *RestRouteProps) awsapigateway.Method {
	if props == nil {
		props = &RestRouteProps{}
	}
	p := *props
	r := &rules{where: "RestRouteProps"}
	a.app.checkInvoked(r, p.Handler)
	p.Path = routePath(p.Path)
	path, method := textOf(p.Path), "ANY"
	a.checkRestPath(r, path)
	if p.Method != nil {
		method = checkMethod(r, "Method", *p.Method)
	}
	if path.set && !path.known {
		r.breaks("Path", "must be a plain string, got a token; the CDK makes a resource of each part of it")
	}
	a.routes.check(r, "Path", method+" "+path.value)
	if method == "OPTIONS" && a.preflight {
		r.breaks("Method", "must not be OPTIONS with CorsPreflight, which answers them; remove one of them")
	}
	a.app.contractOf(p.Handler).checkHttp(r, "a REST", a.timeout.value)
	refuse(a, r.broken)
	a.routes[method+" "+path.value] = true
	a.addParameters(path)
	a.app.budgetOf(p.Handler).addRequests()
	a.tellStreaming(p.Handler)
	checkPermission := func() {}
	if !a.permitted[p.Handler] {
		a.permitted[p.Handler] = true
		checkPermission = a.app.expectPermission(a, p.Handler)
	}
	added := a.Api.Root().ResourceForPath(p.Path).AddMethod(&method, a.integration(p.Handler, true), a.methods)
	checkPermission()
	return added
}

// RestRouteProps configure a route of [RestApi.AddRoute].
type RestRouteProps struct {
	// Handler serves the route: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// Path is the path of the route; it starts with "/".
	Path *string

	// Method is the HTTP method of the route.
	//
	// @default ANY
	Method *string
}

// Url is the API's URL: https://{domain} with Domain, else
// https://{api-id}.execute-api.{region}.amazonaws.com/{stage}/, or nil when that
// is disabled.
func (a *RestApi) Url() *string { return a.url }

func (p *RestApiProps) check(r *rules) {
	checkAccessLogs(r, !isTrue(p.AccessLogs), p.AccessLogGroup, p.AccessLogRetention)
	checkDomain(r, p.Domain, !isTrue(p.DisableExecuteApiEndpoint), nil)
	checkStageName(r, p.StageName)
	checkThrottle(r, p.Throttle)
	r.in("CorsPreflight", func(r *rules) { checkRestCors(r, p.CorsPreflight) })
	checkRemoval(r, "AccessLogRemovalPolicy", p.AccessLogRemovalPolicy)
	oneOf(r, "AuthorizationType", p.AuthorizationType, awsapigateway.AuthorizationType_NONE, awsapigateway.AuthorizationType_IAM, awsapigateway.AuthorizationType_CUSTOM, awsapigateway.AuthorizationType_COGNITO)
	if p.Authorizer == nil && (p.AuthorizationType == awsapigateway.AuthorizationType_CUSTOM || p.AuthorizationType == awsapigateway.AuthorizationType_COGNITO) {
		r.breaks("Authorizer", "must be set with AuthorizationType %s, got nil; pass the authorizer that decides", p.AuthorizationType)
	}
	noneNil(r, "AuthorizationScopes", elementsOf(p.AuthorizationScopes))
	noneNil(r, "BinaryMediaTypes", elementsOf(p.BinaryMediaTypes))
	if p.AuthorizationScopes != nil && p.Authorizer == nil {
		r.breaks("AuthorizationScopes", "must be unset without Authorizer, which asks for them; set Authorizer too")
	}
	timeout := secondsOf(p.IntegrationTimeout)
	if isTrue(p.Streaming) {
		if timeout.known && (timeout.value < minRestIntegrationSecs || timeout.value > maxRestStreamSecs) {
			r.breaks("IntegrationTimeout", "must be 0.05 to 900 seconds with Streaming, got %s; leave it unset for 29 seconds", timeout)
		}
		return
	}
	if timeout.known && (timeout.value < minRestIntegrationSecs || timeout.value > maxRestIntegrationSecs) {
		r.breaks("IntegrationTimeout", "must be 0.05 to 300 seconds, got %s; leave it unset for 29 seconds", timeout)
	}
}

// timeout returns how long the API waits for the function.
func (p *RestApiProps) timeout() number {
	return secondsOf(p.IntegrationTimeout).or(defaultRestIntegrationSecs)
}
