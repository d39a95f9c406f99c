package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

func zoneOf(stack awscdk.Stack) awsroute53.IHostedZone {
	return awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: jsii.String("Z1"), ZoneName: jsii.String("example.com"),
	})
}

func certificateOf(stack awscdk.Stack) awscertificatemanager.ICertificate {
	region := "eu-north-1"
	if known := textOf(stack.Region()); known.known {
		region = known.value
	}
	return awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Cert"),
		jsii.String("arn:aws:acm:"+region+":123456789012:certificate/11111111-2222-3333-4444-555555555555"))
}

func inline(stack awscdk.Stack, id string) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Code:    awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
		Handler: jsii.String("index.handler"),
		Runtime: awslambda.Runtime_NODEJS_22_X(),
	})
}

func TestHttpApiDomainAndRoutes(t *testing.T) {
	stack := setup(t)
	api := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{
		Handler:             inline(stack, "All"),
		AuthorizationScopes: jsii.Strings("read"),
		Authorizer: awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Jwt"), jsii.String("https://issuer.example.com"),
			&awsapigatewayv2authorizers.HttpJwtAuthorizerProps{JwtAudience: jsii.Strings("shop")}),
		Domain:    &DomainProps{Name: jsii.String("api.example.com"), HostedZone: zoneOf(stack), Path: jsii.String("v1")},
		StageName: jsii.String("beta"),
	})
	routes := api.AddRoutes(&HttpRoutesProps{
		Handler: inline(stack, "Orders"), Path: jsii.String("/orders/{id}"), Methods: &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_GET, awsapigatewayv2.HttpMethod_PUT},
		Authorizer: awsapigatewayv2authorizers.NewHttpIamAuthorizer(), AuthorizationScopes: &[]*string{},
	})
	api.AddRoutes(&HttpRoutesProps{
		Handler: inline(stack, "Admin"), Path: jsii.String("/admin/{rest+}"),
		Authorizer: awsapigatewayv2authorizers.NewHttpLambdaAuthorizer(jsii.String("Lambda"), inline(stack, "Authorizer"), nil), AuthorizationScopes: &[]*string{},
	})
	api.AddRoutes(&HttpRoutesProps{Handler: inline(stack, "Health"), Path: jsii.String("/health"), Authorizer: awsapigatewayv2.NewHttpNoneAuthorizer(), AuthorizationScopes: &[]*string{}})
	if len(routes) != 2 {
		t.Errorf("%d routes, want 2", len(routes))
	}
	if got, want := *api.Url(), "https://api.example.com/v1"; got != want {
		t.Errorf("Url = %q, want %q", got, want)
	}
	types := map[string]string{}
	for _, route := range *template(stack).FindResources(jsii.String("AWS::ApiGatewayV2::Route"), nil) {
		properties := (*route)["Properties"].(map[string]any)
		types[properties["RouteKey"].(string)], _ = properties["AuthorizationType"].(string)
	}
	want := map[string]string{"$default": "JWT", "GET /orders/{id}": "AWS_IAM", "PUT /orders/{id}": "AWS_IAM", "ANY /admin/{rest+}": "CUSTOM", "ANY /health": "NONE"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("authorization differs (-want +got):\n%s", diff)
	}
	golden(t, stack)
}

func TestRestApiMinimal(t *testing.T) {
	stack := setup(t)
	NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: existingFunction(stack)})
	golden(t, stack)
}

func TestRestApiFull(t *testing.T) {
	stack := setup(t)
	api := NewRestApi(stack, jsii.String("Rest"), &RestApiProps{
		Handler:            inline(stack, "All"),
		AccessLogRetention: awslogs.RetentionDays_ONE_DAY,
		AccessLogs:         jsii.Bool(true),
		ApiName:            jsii.String("shop"),
		Authorizer: awsapigateway.NewTokenAuthorizer(stack, jsii.String("Authorizer"), &awsapigateway.TokenAuthorizerProps{
			Handler: inline(stack, "Decide"),
		}),
		CorsPreflight:             &awsapigateway.CorsOptions{AllowOrigins: jsii.Strings("https://example.com")},
		DisableExecuteApiEndpoint: jsii.Bool(true),
		Domain:                    &DomainProps{Name: jsii.String("api.example.com"), Certificate: certificateOf(stack), HostedZone: zoneOf(stack), Path: jsii.String("shop")},
		IntegrationTimeout:        seconds(20),
		StageName:                 jsii.String("v1"),
		Throttle:                  &awsapigatewayv2.ThrottleSettings{BurstLimit: jsii.Number(100), RateLimit: jsii.Number(50)},
		Tracing:                   jsii.Bool(false),
	})
	api.AddRoute(&RestRouteProps{Handler: inline(stack, "Orders"), Path: jsii.String("/orders/{id}"), Method: jsii.String("GET")})
	if got, want := *api.Url(), "https://api.example.com/shop"; got != want {
		t.Errorf("Url = %q, want %q", got, want)
	}
	golden(t, stack)
}

func TestRestApiIam(t *testing.T) {
	stack := setup(t)
	NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: existingFunction(stack), AuthorizationType: awsapigateway.AuthorizationType_IAM})
	for id, method := range resources(stack, "AWS::ApiGateway::Method") {
		if !strings.Contains(method, `"AuthorizationType":"AWS_IAM"`) {
			t.Errorf("%s must ask for signatures: %s", id, method)
		}
	}
}

func TestFunctionUrlMinimal(t *testing.T) {
	stack := setup(t)
	url := NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: existingFunction(stack)})
	url.GrantInvoke(inline(stack, "Caller"))
	golden(t, stack)
}

func TestFunctionUrlFull(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("silent"), Manifest: jsii.Bool(false)})
	NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{
		Handler:   h.Alias,
		AuthType:  awslambda.FunctionUrlAuthType_NONE,
		Cors:      &awslambda.FunctionUrlCorsOptions{AllowedOrigins: jsii.Strings("https://example.com")},
		Streaming: jsii.Bool(true),
	})
	golden(t, stack)
}

// TestFunctionUrlStreaming shows when a URL sets the variable of streaming.
func TestFunctionUrlStreaming(t *testing.T) {
	variable := func(streaming *bool, handler func(stack awscdk.Stack) awslambda.IFunction) bool {
		stack := setup(t)
		NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: handler(stack), Streaming: streaming})
		for _, fn := range resources(stack, "AWS::Lambda::Function") {
			if strings.Contains(fn, `"HEARTH_RESPONSE_STREAM":"true"`) {
				return true
			}
		}
		return false
	}
	ours := func(stack awscdk.Stack) awslambda.IFunction {
		return NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Manifest: jsii.Bool(false)}).Alias
	}
	existing := func(stack awscdk.Stack) awslambda.IFunction { return existingFunction(stack) }
	imported := func(stack awscdk.Stack) awslambda.IFunction {
		return awslambda.Function_FromFunctionArn(stack, jsii.String("Imported"), jsii.String("arn:aws:lambda:eu-central-1:123456789012:function:f"))
	}
	for name, c := range map[string]struct {
		streaming *bool
		handler   func(stack awscdk.Stack) awslambda.IFunction
		want      bool
	}{
		"unset":    {nil, ours, false},
		"false":    {jsii.Bool(false), ours, false},
		"true":     {jsii.Bool(true), ours, true},
		"existing": {jsii.Bool(true), existing, true},
		"imported": {jsii.Bool(true), imported, false},
	} {
		if got := variable(c.streaming, c.handler); got != c.want {
			t.Errorf("%s: the variable is set: %t, want %t", name, got, c.want)
		}
	}
}

func TestFunctionUrlRules(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	url := func(id string, fn awslambda.IFunction, streaming bool) func() {
		return func() {
			NewFunctionUrl(stack, &id, &FunctionUrlProps{Handler: fn, Streaming: &streaming})
		}
	}
	url("One", fn, false)()
	if got, want := refusal(t, url("Two", fn, false)), "Test/Two: 1 problem\n  - FunctionUrlProps.Handler must be an alias or function without a URL, of which it can have one, got that of Test/One; remove one of them"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	url("Mixed", awslambda.NewAlias(stack, jsii.String("Alias"), &awslambda.AliasProps{AliasName: jsii.String("a"), Version: fn.CurrentVersion()}), true)() // its program may know better

	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Manifest: jsii.Bool(false)})
	other := awslambda.NewAlias(stack, jsii.String("Other"), &awslambda.AliasProps{AliasName: jsii.String("other"), Version: h.Version})
	url("Live", h.Alias, true)()
	if got, want := refusal(t, url("Buffered", other, false)), "Test/Buffered: 1 problem\n  - FunctionUrlProps.Streaming must be true as in Test/Live, a URL of the same program, which cannot tell by which of them a request came, got false; set both alike, or give one a Handler of its own"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWebSocketApiDomainAndRoutes(t *testing.T) {
	stack := setup(t)
	api := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{
		Handler:                  inline(stack, "All"),
		Authorizer:               awsapigatewayv2authorizers.NewWebSocketLambdaAuthorizer(jsii.String("Authorizer"), inline(stack, "Decide"), nil),
		Domain:                   &DomainProps{Name: jsii.String("ws.example.com"), HostedZone: zoneOf(stack)},
		RouteSelectionExpression: jsii.String("$request.body.kind"),
	})
	api.AddRoute(&WebSocketRouteProps{Handler: inline(stack, "Chat"), Key: jsii.String("chat"), ReturnResponse: jsii.Bool(true)})
	api.ConnectPush(inline(stack, "Pusher"), nil)
	if got, want := *api.Url(), "wss://ws.example.com"; got != want {
		t.Errorf("Url = %q, want %q", got, want)
	}
	golden(t, stack)
}

func TestBackendWays(t *testing.T) {
	for name, c := range map[string]struct {
		props *BackendProps
		kind  string
	}{
		"rest": {&BackendProps{Rest: &RestApiProps{}}, "AWS::ApiGateway::RestApi"},
		"url":  {&BackendProps{FunctionUrl: &FunctionUrlProps{}}, "AWS::Lambda::Url"},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			c.props.Entry = entry("full")
			b := NewBackend(stack, jsii.String("Backend"), c.props)
			if b.Http != nil || (b.Rest == nil) == (b.FunctionUrl == nil) {
				t.Error("requests must have one way in")
			}
			template := template(stack)
			template.ResourceCountIs(&c.kind, jsii.Number(1))
			template.HasOutput(jsii.String("*"), map[string]any{"Description": assertions.Match_StringLikeRegexp(jsii.String("URL of the (REST API|function)"))})
		})
	}
	got := refusal(t, func() {
		NewBackend(setup(t), jsii.String("Backend"), &BackendProps{Entry: entry("full"), Http: &HttpApiProps{}, Rest: &RestApiProps{}})
	})
	if want := "Test/Backend: 1 problem\n  - BackendProps.Rest must be unset with Http, as requests have one way in; remove one of them"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDomainRules(t *testing.T) {
	stack := setup(t)
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{HostedZoneId: jsii.String("Z1"), ZoneName: tokenProp()})
	certificate := awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), jsii.String("arn:aws:acm:eu-north-1:123456789012:certificate/1"))
	check := func(p DomainProps, open bool) func(*rules) {
		return func(r *rules) { p.check(r, open) }
	}
	name := func(s string) func(*rules) { return check(DomainProps{HostedZone: zone, Name: &s}, true) }
	like := func(s string) []string {
		return []string{`P.Name must be a domain name in small letters, such as api.example.com, got "` + s + `"; leave the scheme, the path and a last dot out`}
	}
	private := awsroute53.NewPrivateHostedZone(stack, jsii.String("Private"), &awsroute53.PrivateHostedZoneProps{Vpc: newVpc(stack), ZoneName: jsii.String("example.com")})
	public := awsroute53.NewPublicHostedZone(stack, jsii.String("Public"), &awsroute53.PublicHostedZoneProps{ZoneName: jsii.String("example.com")})
	in := func(zone awsroute53.IHostedZone, certificate awscertificatemanager.ICertificate) func(*rules) {
		return check(DomainProps{Certificate: certificate, HostedZone: zone, Name: jsii.String("api.example.com")}, true)
	}
	mutual := DomainProps{Certificate: certificate, MutualTls: &awsapigatewayv2.MTLSConfig{Bucket: awss3.Bucket_FromBucketName(stack, jsii.String("Trust"), jsii.String("trust")), Key: jsii.String("ca.pem")}, Name: jsii.String("api.example.com")}
	runRules(t, []ruleCase{
		{"name", name("api.example.com"), nil},
		{"wildcard", name("*.example.com"), nil},
		{"token", check(DomainProps{Certificate: certificate, Name: tokenProp()}, true), nil},
		{"url", name("https://api.example.com"), like("https://api.example.com")},
		{"capitals", name("API.example.com"), like("API.example.com")},
		{"one label", name("localhost"), like("localhost")},
		{"nothing", check(DomainProps{}, true), []string{
			"P.Name must be a domain name, got none; it is where clients find the API",
			"P.Certificate must be set without HostedZone, through which a new one would be validated, got none; set one of them",
		}},
		{"public zone", in(public, nil), nil},
		{"private zone", in(private, nil), []string{"P.Certificate must be set with a private HostedZone, through which no certificate can be validated, got none; pass one"}},
		{"private zone and certificate", in(private, certificate), nil},
		{"address type", check(DomainProps{Certificate: certificate, IpAddressType: "IPV6", Name: jsii.String("api.example.com")}, true), []string{`P.IpAddressType must be IPV4, DUAL_STACK, got "IPV6"; use a constant of the CDK`}},
		{"mutual TLS", check(mutual, false), nil},
		{"mutual TLS beside an open URL", check(mutual, true), []string{"P.MutualTls must go with DisableExecuteApiEndpoint, as the generated URL asks no client for a certificate; set it to true"}},
	})
	timeout := func(d awscdk.Duration) func(*rules) { return (&RestApiProps{IntegrationTimeout: d}).check }
	stream := func(d awscdk.Duration) func(*rules) {
		return (&RestApiProps{IntegrationTimeout: d, Streaming: jsii.Bool(true)}).check
	}
	two := HttpApiProps{Domain: &DomainProps{HostedZone: zone, Name: tokenProp()}, DomainMapping: &awsapigatewayv2.DomainMappingOptions{DomainName: awsapigatewayv2.DomainName_FromDomainNameAttributes(stack, jsii.String("Existing"), &awsapigatewayv2.DomainNameAttributes{
		Name: jsii.String("api.example.com"), RegionalDomainName: jsii.String("d"), RegionalHostedZoneId: jsii.String("Z2"),
	})}}
	runRules(t, []ruleCase{
		{"below", timeout(awscdk.Duration_Millis(jsii.Number(40))), []string{"P.IntegrationTimeout must be 0.05 to 300 seconds, got 0.04; leave it unset for 29 seconds"}},
		{"lowest", timeout(awscdk.Duration_Millis(jsii.Number(50))), nil},
		{"highest", timeout(seconds(300)), nil},
		{"above", timeout(seconds(301)), []string{"P.IntegrationTimeout must be 0.05 to 300 seconds, got 301; leave it unset for 29 seconds"}},
		{"token timeout", timeout(durationProp(unresolved)), nil},
		{"stream highest", stream(seconds(900)), nil},
		{"stream above", stream(seconds(901)), []string{"P.IntegrationTimeout must be 0.05 to 900 seconds with Streaming, got 901; leave it unset for 29 seconds"}},
		{"scopes", (&RestApiProps{AuthorizationScopes: jsii.Strings("a")}).check, []string{"P.AuthorizationScopes must be unset without Authorizer, which asks for them; set Authorizer too"}},
		{"two domains", two.check, []string{"P.DomainMapping must be unset with Domain, which makes one; remove one of them"}},
	})
	path := func(p text) func(*rules) { return func(r *rules) { checkPath(r, p) } }
	runRules(t, []ruleCase{
		{"path", path(text{value: "/a", known: true, set: true}), nil},
		{"path token", path(text{set: true}), nil},
		{"no path", path(text{}), []string{`P.Path must start with /, got ""; it is the path after the stage`}},
		{"relative path", path(text{value: "a", known: true, set: true}), []string{`P.Path must start with /, got "a"; it is the path after the stage`}},
	})
}

// TestRequestTimeoutOfWays shows that the program must answer before its API gives up,
// for each kind of API.
func TestRequestTimeoutOfWays(t *testing.T) {
	m := &Manifest{RequestTimeout: 29.5}
	check := func(api string, limit float64) func(*rules) {
		return func(r *rules) { checkRequestTimeout(r, "Handler", api, limit, m) }
	}
	runRules(t, []ruleCase{
		{"HTTP API", check("an HTTP", maxHttpIntegrationSecs), nil},
		{"REST API", check("a REST", defaultRestIntegrationSecs), []string{"P.Handler must be a program whose request timeout is less than 29 seconds, for which a REST API waits, got 29.5; lower it in App"}},
		{"REST API with a raised quota", check("a REST", 60), nil},
		{"function URL", check("", 0), nil},
	})
}

// TestRestStreaming shows that a REST API streams, and sets the variable on its
// functions.
func TestRestStreaming(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	api := NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn, IntegrationTimeout: seconds(900), Streaming: jsii.Bool(true)})
	api.AddRoute(&RestRouteProps{Handler: inline(stack, "Export"), Path: jsii.String("/export")})
	for id, method := range resources(stack, "AWS::ApiGateway::Method") {
		if !strings.Contains(method, `"ResponseTransferMode":"STREAM"`) || !strings.Contains(method, "/response-streaming-invocations") || !strings.Contains(method, `"TimeoutInMillis":900000`) {
			t.Errorf("%s does not stream: %s", id, method)
		}
	}
	for id, fn := range resources(stack, "AWS::Lambda::Function") {
		if !strings.Contains(fn, `"HEARTH_RESPONSE_STREAM_REST":"true"`) {
			t.Errorf("%s does not know: %s", id, fn)
		}
	}
	got := refusal(t, func() { NewRestApi(stack, jsii.String("Other"), &RestApiProps{Handler: fn}) })
	if want := "RestApiProps.Streaming must be true as in Test/Rest, a REST API of the same function, which cannot tell by which of them a request came, got false; set both alike, or give one a function of its own"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = refusal(t, func() {
		NewRestApi(setup(t), jsii.String("Slow"), &RestApiProps{Handler: fn, IntegrationTimeout: seconds(901), Streaming: jsii.Bool(true)})
	})
	if want := "RestApiProps.IntegrationTimeout must be 0.05 to 900 seconds with Streaming, got 901; leave it unset for 29 seconds"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
