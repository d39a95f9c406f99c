package hearth

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// A WebSocket API waits 29 seconds for its integration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const maxWebSocketIntegrationSecs = 29

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-stage.html (2026-11)
var stageNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// WebSocketApiProps configure a [WebSocketApi].
type WebSocketApiProps struct {
	// Handler serves every event: a [Handler]'s Alias, or any function.
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

	// AccessLogs logs one JSON object for each event. Unlike HTTP APIs, WebSocket APIs
	// log through a role that belongs to the whole account and region
	// (AWS::ApiGateway::Account). Without that role the deployment fails, and creating it
	// here would take it from other stacks.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html (2026-11)
	//
	// @default false
	AccessLogs *bool

	// ApiName is shown in the API Gateway console, 1 to 128 letters.
	//
	// @default - unique to the construct
	ApiName *string

	// Authorizer decides who may connect:
	// awsapigatewayv2authorizers.NewWebSocketLambdaAuthorizer or
	// NewWebSocketIamAuthorizer. API Gateway allows one on $connect only; its decision
	// holds as long as the connection.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html (2026-11)
	//
	// @default - none: the program decides when a client connects
	Authorizer awsapigatewayv2.IWebSocketRouteAuthorizer

	// Domain serves the API on a domain of your own. The program still pushes to the
	// generated endpoint. It contradicts DomainMapping.
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
	Refine func(props *awsapigatewayv2.WebSocketApiProps)

	// RefineStage changes the CDK's own props of the stage before it is created.
	//
	// @default - none
	RefineStage func(props *awsapigatewayv2.WebSocketStageProps)

	// RouteSelectionExpression selects the part of a message that names its route. A
	// message for no route of [WebSocketApi.AddRoute] goes to Handler.
	//
	// @default $request.body.action
	RouteSelectionExpression *string

	// StageName is the last part of the API's URL: letters, digits, "-" and "_",
	// up to 128 of them.
	//
	// @default live
	StageName *string

	// Throttle bounds the events per second (rate) and at once (burst).
	//
	// @default - the quotas of the account, of which synth warns unless Authorizer is set
	Throttle *awsapigatewayv2.ThrottleSettings
}

// WebSocketApi is an API Gateway WebSocket API that sends every event to one
// function: the routes $connect, $disconnect and $default share one integration.
//
// The $default route has a response, so the function's result for a message goes back to
// its sender over the socket. That needs no call to @connections, and so no network
// access from the function's VPC.
//
// To let a program push to its clients at any time, pass its [Handler] to
// [WebSocketApi.ConnectManage] or [WebSocketApi.ConnectPush].
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html (2026-11)
type WebSocketApi struct {
	constructs.Construct

	// AccessLogGroup receives the access logs; nil when they are off.
	AccessLogGroup awslogs.ILogGroup
	// Api is the API.
	Api awsapigatewayv2.WebSocketApi
	// Stage is the stage that is deployed automatically.
	Stage awsapigatewayv2.WebSocketStage

	app     *app
	handler *Handler // nil for another function
	// integrations are the integrations of AddRoute, one for each function.
	integrations map[awslambda.IFunction]awsapigatewayv2integrations.WebSocketLambdaIntegration
	routes       routes
	function     awslambda.Function // nil when it is imported
	url          *string
}

// NewWebSocketApi creates a WebSocket API in front of a function. It panics with
// every broken rule at once.
func NewWebSocketApi(scope constructs.Construct, id *string, props *WebSocketApiProps) *WebSocketApi {
	if props == nil {
		props = &WebSocketApiProps{}
	}
	p := *props
	a := &WebSocketApi{integrations: map[awslambda.IFunction]awsapigatewayv2integrations.WebSocketLambdaIntegration{}, routes: routes{}}
	a.app = newConstruct(a, scope, id)
	r := &rules{where: "WebSocketApiProps"}
	a.app.checkInvoked(r, p.Handler)
	p.check(r)
	a.app.contractOf(p.Handler).checkWebSocket(r)
	refuse(a, r.broken)

	checkPermission := a.app.expectPermission(a, p.Handler)
	a.handler, a.function = a.app.ownerOf(p.Handler), a.app.functionOf(p.Handler)
	a.app.budgetOf(p.Handler).addRequests()
	api := &awsapigatewayv2.WebSocketApiProps{ApiName: apiName(a, p.ApiName), RouteSelectionExpression: p.RouteSelectionExpression}
	refineProps(r, "Refine", api, p.Refine, p, nil)
	refuse(a, r.broken)
	a.Api = awsapigatewayv2.NewWebSocketApi(a, jsii.String("Api"), api)
	integration := awsapigatewayv2integrations.NewWebSocketLambdaIntegration(jsii.String("Integration"), p.Handler, nil)
	for _, route := range []string{"$connect", "$disconnect", "$default"} {
		options := &awsapigatewayv2.WebSocketRouteOptions{Integration: integration}
		switch route {
		case "$connect":
			options.Authorizer = p.Authorizer
		case "$default":
			// The other two cannot have a response: $connect answers with the handshake.
			options.ReturnResponse = jsii.Bool(true)
		}
		a.Api.AddRoute(jsii.String(route), options)
	}
	checkPermission()
	if p.Domain != nil {
		p.DomainMapping = p.Domain.mapping(a.app, a, true)
	}
	stage := &awsapigatewayv2.WebSocketStageProps{
		AutoDeploy:    jsii.Bool(true),
		DomainMapping: p.DomainMapping,
		StageName:     p.StageName,
		Throttle:      p.Throttle,
		WebSocketApi:  a.Api,
	}
	if stage.StageName == nil {
		stage.StageName = jsii.String("live")
	}
	refineProps(r, "RefineStage", stage, p.RefineStage, p, map[string]string{"AccessLogSettings": "WebSocketApiProps.AccessLogGroup"})
	refuse(a, r.broken)
	if isTrue(p.AccessLogs) {
		a.AccessLogGroup = p.AccessLogGroup
		if a.AccessLogGroup == nil {
			a.AccessLogGroup = newLogGroup(a, "AccessLogs", p.AccessLogRetention, p.AccessLogRemovalPolicy)
		}
	}
	warnOfOpenApi(a, p.Authorizer != nil, p.Throttle != nil)
	a.Stage = awsapigatewayv2.NewWebSocketStage(a, jsii.String("Stage"), stage)
	if a.AccessLogGroup != nil {
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html (2026-11)
		logAccess(a.Stage, a.AccessLogGroup,
			"requestId $context.requestId",
			"time $context.requestTime",
			"ip $context.identity.sourceIp",
			"connectionId $context.connectionId",
			"event $context.eventType",
			"route $context.routeKey",
			"status $context.status",
			"error $context.integrationErrorMessage")
	}
	a.url = a.Stage.Url()
	switch {
	case p.Domain != nil:
		a.url = p.Domain.url("wss")
	case p.DomainMapping != nil:
		a.url = jsii.String("wss://" + *p.DomainMapping.DomainName.DomainNameRef().DomainName)
		if key := p.DomainMapping.MappingKey; key != nil {
			a.url = jsii.String(*a.url + "/" + *key)
		}
	}
	return a
}

// GrantManageConnections lets a grantee send to the clients of this API, read their
// connections' data and close them.
func (a *WebSocketApi) GrantManageConnections(grantee awsiam.IGrantable) awsiam.Grant {
	return a.Stage.GrantManagementApiAccess(grantee)
}

// GrantPush lets a grantee send to the clients of this API, but neither read their
// connections' data nor close them.
func (a *WebSocketApi) GrantPush(grantee awsiam.IGrantable) awsiam.Grant {
	return a.grant(grantee, "POST")
}

// ConnectManage lets a program send to the clients of this API, read their connections'
// data and close them. It sets HEARTH_WEBSOCKET_ENDPOINT, followed by "_{NAME}" for a
// connection with a name, to
// https://{api-id}.execute-api.{region}.amazonaws.com/{stage}.
//
// The program may be another one than the API's own. From a VPC it reaches the endpoint
// only through NAT: there is no VPC endpoint for @connections. ConnectManage panics for a
// [Handler] in isolated subnets; see [WebSocketRelay].
func (a *WebSocketApi) ConnectManage(client Client, options *ConnectOptions) awsiam.Grant {
	return a.connect(client, options)
}

// ConnectPush lets a program send to the clients of this API, and nothing else. It sets
// the same variable as [WebSocketApi.ConnectManage].
func (a *WebSocketApi) ConnectPush(client Client, options *ConnectOptions) awsiam.Grant {
	return a.connect(client, options, "POST")
}

// connect lets a client call @connections with some methods, or with all of them, and
// sets its endpoint.
func (a *WebSocketApi) connect(client Client, options *ConnectOptions, methods ...string) awsiam.Grant {
	name := options.name(a)
	return connect(a, a.app.placeOf(a).region, client, func(fn awslambda.Function) awsiam.Grant {
		a.reachable(fn)
		a.refuseCircle(fn)
		a.app.environmentOf(fn).set(a, wire.Named(wire.EnvWebSocketEndpoint, name), a.Stage.CallbackUrl())
		if len(methods) == 0 {
			return a.GrantManageConnections(fn)
		}
		return a.grant(fn, methods...)
	})
}

// grant lets a grantee call @connections with some methods.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html (2026-11)
func (a *WebSocketApi) grant(grantee awsiam.IGrantable, methods ...string) awsiam.Grant {
	arns := make([]string, 0, len(methods))
	for _, method := range methods {
		arns = append(arns, *a.app.stackOf(a).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("execute-api"), Resource: a.Api.ApiId(),
			ResourceName: jsii.String(*a.Stage.StageName() + "/" + method + "/@connections/*"),
		}))
	}
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Actions: jsii.Strings("execute-api:ManageConnections"), Grantee: grantee, ResourceArns: jsii.Strings(arns...),
	})
}

// refuseCircle refuses the API's own function in another stack: the API refers to the
// function, whose variables and role would refer to the API.
func (a *WebSocketApi) refuseCircle(fn awslambda.Function) {
	if a.function == nil || a.function != fn || a.app.stackOf(fn) == a.app.stackOf(a) {
		return
	}
	r := &rules{where: "WebSocketApiProps"}
	refuse(a, []error{r.brokenRule("Handler", "must be in the stack of the API, to which it pushes, got %s in another one; each stack would need the other first: create both in one", pathOf(fn))})
}

// reachable refuses a function that cannot reach the @connections endpoint.
func (a *WebSocketApi) reachable(fn awslambda.Function) {
	if h := a.app.ownerOf(fn); h != nil && h.isolated() {
		r := &rules{where: "HandlerProps"}
		refuse(a, []error{r.brokenRule("VpcSubnets", "must have a way to the internet for a function that pushes to WebSocket clients, got isolated subnets for %s; choose subnets with NAT, leave the VPC, or pass the function to ConnectPush of a WebSocketRelay", pathOf(h))})
	}
}

// AddRoute sends the messages with a certain route key to another function. It panics
// with every broken rule at once.
func (a *WebSocketApi) AddRoute(props *WebSocketRouteProps) awsapigatewayv2.WebSocketRoute {
	if props == nil {
		props = &WebSocketRouteProps{}
	}
	p := *props
	r := &rules{where: "WebSocketRouteProps"}
	a.app.checkInvoked(r, p.Handler)
	key := textOf(p.Key)
	if !key.set || key.known && (key.value == "" || strings.HasPrefix(key.value, "$")) {
		r.breaks("Key", "must be a value of RouteSelectionExpression, got %q; the routes with $ are the API's own", key.value)
	}
	a.routes.check(r, "Key", key.value)
	a.app.contractOf(p.Handler).checkWebSocket(r)
	refuse(a, r.broken)
	a.routes[key.value] = key.known
	a.app.budgetOf(p.Handler).addRequests()
	integration, known := a.integrations[p.Handler]
	if !known {
		integration = a.newIntegration(p.Handler)
		a.integrations[p.Handler] = integration
	}
	checkPermission := a.app.expectPermission(a, p.Handler)
	route := a.Api.AddRoute(p.Key, &awsapigatewayv2.WebSocketRouteOptions{Integration: integration, ReturnResponse: p.ReturnResponse})
	if !known {
		p.Handler.AddPermission(jsii.String("Integration-Permission"), &awslambda.Permission{
			Principal: awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
			Scope:     route,
			SourceArn: a.app.stackOf(a).FormatArn(&awscdk.ArnComponents{
				Service: jsii.String("execute-api"), Resource: a.Api.ApiId(), ResourceName: jsii.String("*"),
			}),
		})
		checkPermission()
	}
	return route
}

// newIntegration returns the integration of all routes to a function. The CDK would add a
// permission for each route, but the policy of a function has room for some 60. It adds
// none to a function that it takes for an imported one.
// https://github.com/aws/aws-cdk/issues/19535 (2026-11)
func (a *WebSocketApi) newIntegration(fn awslambda.IFunction) awsapigatewayv2integrations.WebSocketLambdaIntegration {
	imported := awslambda.Function_FromFunctionAttributes(a, jsii.String(fmt.Sprintf("Function%d", len(a.integrations))), &awslambda.FunctionAttributes{
		FunctionArn: fn.FunctionArn(), SameEnvironment: jsii.Bool(false), SkipPermissions: jsii.Bool(true),
	})
	return awsapigatewayv2integrations.NewWebSocketLambdaIntegration(jsii.String("Integration"), imported, nil)
}

// WebSocketRouteProps configure a route of [WebSocketApi.AddRoute].
type WebSocketRouteProps struct {
	// Handler gets the messages: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// Key is the value of RouteSelectionExpression in these messages.
	Key *string

	// ReturnResponse sends the function's result back to the sender.
	//
	// @default false
	ReturnResponse *bool
}

// Url is the URL for clients: wss://{domain} with Domain or DomainMapping, else
// wss://{api-id}.execute-api.{region}.amazonaws.com/{stage}.
func (a *WebSocketApi) Url() *string { return a.url }

func (p *WebSocketApiProps) check(r *rules) {
	checkAccessLogs(r, !isTrue(p.AccessLogs), p.AccessLogGroup, p.AccessLogRetention)
	checkDomain(r, p.Domain, false, p.DomainMapping) // a push needs the generated URL
	checkApiName(r, p.ApiName)
	checkStageName(r, p.StageName)
	checkThrottle(r, p.Throttle)
	checkRemoval(r, "AccessLogRemovalPolicy", p.AccessLogRemovalPolicy)
}
