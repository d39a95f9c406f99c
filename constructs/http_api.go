package hearth

import (
	"math"

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

// HttpApiProps configure an [HttpApi].
type HttpApiProps struct {
	// Handler serves every request: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// AccessLogGroup receives the access logs instead of a new log group.
	//
	// @default - a new log group, which is kept when the stack is deleted
	AccessLogGroup awslogs.ILogGroup

	// AccessLogRetention is how long the new log group keeps each entry. It
	// contradicts AccessLogGroup.
	//
	// @default awslogs.RetentionDays_ONE_MONTH
	AccessLogRetention awslogs.RetentionDays

	// AccessLogs says that one JSON object is logged for each request.
	//
	// @default true
	AccessLogs *bool

	// ApiName is shown in the API Gateway console.
	//
	// @default - unique to the construct
	ApiName *string

	// CorsPreflight makes the API answer preflight requests by itself and add
	// CORS headers to the responses, in place of those of the program.
	//
	// @default - none: the program answers them
	CorsPreflight *awsapigatewayv2.CorsPreflightOptions

	// DisableExecuteApiEndpoint turns the generated URL off, so that only the
	// domain of DomainMapping leads to the API.
	//
	// @default false
	DisableExecuteApiEndpoint *bool

	// DomainMapping serves the API on a domain of your own.
	//
	// @default - none
	DomainMapping *awsapigatewayv2.DomainMappingOptions

	// Throttle bounds the requests per second (rate) and at once (burst). What is
	// over it gets 429 and does not reach the function.
	//
	// @default - the quotas of the account
	Throttle *awsapigatewayv2.ThrottleSettings
}

// HttpApi is an API Gateway HTTP API that sends every request to one function,
// with payload format 2.0: one $default route, and a $default stage that is
// deployed automatically.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html (2026-11)
type HttpApi struct {
	constructs.Construct

	// AccessLogGroup receives the access logs; nil when they are off.
	AccessLogGroup awslogs.ILogGroup
	// Api is the API, without a default stage of its own: see Stage.
	Api awsapigatewayv2.HttpApi
	// Stage is the stage "$default".
	Stage awsapigatewayv2.HttpStage

	url *string
}

// NewHttpApi creates an HTTP API in front of a function. It panics with every
// broken rule at once.
func NewHttpApi(scope constructs.Construct, id *string, props *HttpApiProps) *HttpApi {
	if props == nil {
		props = &HttpApiProps{}
	}
	p := *props
	a := &HttpApi{}
	newConstruct(a, scope, id)
	r := &rules{where: "HttpApiProps"}
	checkInvoked(r, p.Handler)
	p.values().check(r)
	contractOf(p.Handler).checkHttp(r)
	refuse(a, r.broken)

	a.Api = awsapigatewayv2.NewHttpApi(a, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:                   apiName(a, p.ApiName),
		CorsPreflight:             p.CorsPreflight,
		CreateDefaultStage:        jsii.Bool(false), // it takes neither access logs nor throttling
		DefaultIntegration:        awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), p.Handler, nil),
		DisableExecuteApiEndpoint: p.DisableExecuteApiEndpoint,
	})
	stage := &awsapigatewayv2.HttpStageProps{
		AutoDeploy:    jsii.Bool(true),
		DomainMapping: p.DomainMapping,
		HttpApi:       a.Api,
		StageName:     jsii.String("$default"),
		Throttle:      p.Throttle,
	}
	if p.AccessLogs == nil || *p.AccessLogs {
		a.AccessLogGroup = p.AccessLogGroup
		if a.AccessLogGroup == nil {
			a.AccessLogGroup = newLogGroup(a, "AccessLogs", p.AccessLogRetention)
		}
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html (2026-11)
		stage.AccessLogSettings = newAccessLogs(a.AccessLogGroup,
			"requestId $context.requestId",
			"time $context.requestTime",
			"ip $context.identity.sourceIp",
			"method $context.httpMethod",
			"path $context.path",
			"status $context.status",
			"responseBytes $context.responseLength",
			"latencyMs $context.responseLatency",
			"integrationMs $context.integrationLatency",
			"error $context.integrationErrorMessage")
	}
	a.Stage = awsapigatewayv2.NewHttpStage(a, jsii.String("Stage"), stage)
	switch {
	case p.DomainMapping != nil:
		a.url = a.Stage.DomainUrl()
	case !isTrue(p.DisableExecuteApiEndpoint):
		a.url = a.Api.ApiEndpoint()
	}
	return a
}

// Url is where the API is served: https://{domain} with DomainMapping, else
// https://{api-id}.execute-api.{region}.amazonaws.com, or nil when that is
// disabled.
func (a *HttpApi) Url() *string { return a.url }

// apiName is the name of an API: the CDK's own default is the same for all of
// them.
func apiName(c constructs.Construct, name *string) *string {
	if name != nil {
		return name
	}
	return awscdk.Names_UniqueResourceName(c, &awscdk.UniqueResourceNameOptions{Separator: jsii.String("-")})
}

// apiValues are the props that HTTP and WebSocket APIs share, as the rules see
// them.
type apiValues struct {
	logGroup, logRetention, logsOff bool
	burst, rate                     number
}

func (p *HttpApiProps) values() apiValues {
	v := apiValues{
		logGroup:     p.AccessLogGroup != nil,
		logRetention: p.AccessLogRetention != "",
		logsOff:      p.AccessLogs != nil && !*p.AccessLogs,
	}
	if p.Throttle != nil {
		v.burst, v.rate = numberOf(p.Throttle.BurstLimit), numberOf(p.Throttle.RateLimit)
	}
	return v
}

func (v apiValues) check(r *rules) {
	if v.logsOff && v.logGroup {
		r.breaks("AccessLogGroup", "must be unset while AccessLogs is false; remove one of them")
	}
	if v.logsOff && v.logRetention {
		r.breaks("AccessLogRetention", "must be unset while AccessLogs is false; remove one of them")
	}
	if v.logGroup && v.logRetention {
		r.breaks("AccessLogRetention", "must be unset with AccessLogGroup, which has its own retention; remove one of them")
	}
	r.within("Throttle.BurstLimit", v.burst, 0, math.Inf(1), "requests", "leave it unset for the account's quota")
	r.within("Throttle.RateLimit", v.rate, 0, math.Inf(1), "requests per second", "leave it unset for the account's quota")
}
