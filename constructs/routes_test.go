package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// TestPathRules shows which paths a route can have.
func TestPathRules(t *testing.T) {
	path := func(p string) func(*rules) {
		return func(r *rules) { checkPath(r, text{value: p, known: true, set: true}) }
	}
	slashes := func(p string) []string {
		return []string{`P.Path must not end with / or have two of them in a row, got "` + p + `"; remove one`}
	}
	braces := func(p string) []string {
		return []string{`P.Path must have parameters that are whole parts, such as {id}, got "` + p + `"; put one name into the braces, and nothing beside them`}
	}
	runRules(t, []ruleCase{
		{"root", path("/"), nil},
		{"parameters", path("/orders/{id}/lines/{line}"), nil},
		{"rest", path("/orders/{rest+}"), nil},
		{"slash at the end", path("/a/"), slashes("/a/")},
		{"two slashes", path("/a//b"), slashes("/a//b")},
		{"open brace", path("/{id"), braces("/{id")},
		{"closed brace", path("/id}"), braces("/id}")},
		{"part of a part", path("/v{id}"), braces("/v{id}")},
		{"two in a part", path("/{a}{b}"), braces("/{a}{b}")},
		{"no name", path("/{}"), braces("/{}")},
		{"only a plus", path("/{+}"), braces("/{+}")},
		{"rest in the middle", path("/{a+}/b"), []string{`P.Path must have a parameter with + only at its end, got "/{a+}/b"; it takes the rest of the path`}},
	})
}

// TestRoutes shows the routes that an API refuses, each kind in its own words.
func TestRoutes(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	http := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: fn})
	rest := NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn, CorsPreflight: &awsapigateway.CorsOptions{AllowOrigins: jsii.Strings("*")}})
	sockets := NewWebSocketApi(stack, jsii.String("Sockets"), &WebSocketApiProps{Handler: fn})
	onHttp := func(path string, methods ...awsapigatewayv2.HttpMethod) func() {
		props := &HttpRoutesProps{Handler: fn, Path: &path}
		if len(methods) > 0 {
			props.Methods = &methods
		}
		return func() { http.AddRoutes(props) }
	}
	onRest := func(path string, method *string) func() {
		return func() { rest.AddRoute(&RestRouteProps{Handler: fn, Path: &path, Method: method}) }
	}
	onSockets := func(key string) func() {
		return func() { sockets.AddRoute(&WebSocketRouteProps{Handler: fn, Key: &key}) }
	}
	get := jsii.String("get")
	for _, add := range []func(){
		onHttp("/a"), onHttp("/a", "GET"), onHttp("/", "GET"), onHttp("/{id}"),
		onRest("/a", nil), onRest("/a", get), onRest("/", get), onRest("/{proxy+}", get), onRest("/a/{id}", nil), onRest("/a/{id}/b/{other}", nil),
		onSockets("a"),
	} {
		add()
	}
	for want, add := range map[string]func(){
		`HttpRoutesProps.Path must be of a route that the API does not have yet, got "ANY /a" again`:        onHttp("/a"),
		`HttpRoutesProps.Path must be of a route that the API does not have yet, got "GET /a" again`:        onHttp("/a", "PUT", "GET"),
		`HttpRoutesProps.Methods must be one of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, got "X"`: onHttp("/b", "X"),
		`RestRouteProps.Path must be of a route that the API does not have yet, got "ANY /" again`:          onRest("/", nil),
		`RestRouteProps.Path must be of a route that the API does not have yet, got "ANY /{proxy+}" again`:  onRest("/{proxy+}", nil),
		`RestRouteProps.Path must be of a route that the API does not have yet, got "GET /a" again`:         onRest("/a", get),
		`RestRouteProps.Method must be one of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, got "X"`:   onRest("/b", jsii.String("X")),
		"HttpRoutesProps.Methods must have at least 1 method, got none": func() {
			http.AddRoutes(&HttpRoutesProps{Handler: fn, Path: jsii.String("/b"), Methods: &[]awsapigatewayv2.HttpMethod{}})
		},
		"RestRouteProps.Method must not be OPTIONS with CorsPreflight":                                       onRest("/b", jsii.String("OPTIONS")),
		`RestRouteProps.Path must have parts of letters, digits, -, _, ., : and $, got "/a b"`:               onRest("/a b", nil),
		`RestRouteProps.Path must name the parameter after "/" as other routes do, {proxy+}, got {id}`:       onRest("/{id}", nil),
		`RestRouteProps.Path must name the parameter after "/a/" as other routes do, {id}, got {other}`:      onRest("/a/{other}", nil),
		`RestRouteProps.Path must name the parameter after "/a/{id}/b/" as other routes do, {other}, got {x`: onRest("/a/{id}/b/{x}", get),
		`WebSocketRouteProps.Key must be of a route that the API does not have yet, got "a" again`:           onSockets("a"),
	} {
		if got := refusal(t, add); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	// The routes say nothing of their permissions.
	for _, annotation := range *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_AnyValue()) {
		if message, _ := annotation.Entry.Data.(string); strings.Contains(message, "allowTestInvoke") {
			t.Errorf("%s: %s", *annotation.Id, message)
		}
	}
}

// TestDomainPaths shows the paths on a domain, and domains that only their zone's id or
// CloudFormation knows.
func TestDomainPaths(t *testing.T) {
	stack := setup(t)
	zone := awsroute53.HostedZone_FromHostedZoneId(stack, jsii.String("Zone"), jsii.String("Z1"))
	capitals := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Capitals"), &awsroute53.HostedZoneAttributes{HostedZoneId: jsii.String("Z1"), ZoneName: jsii.String("Example.com.")})
	path := func(p *string) func(*rules) {
		return func(r *rules) {
			(&DomainProps{HostedZone: zone, Name: jsii.String("api.example.com"), Path: p}).check(r, true)
		}
	}
	refused := func(p string) ruleCase {
		return ruleCase{p, path(&p), []string{`P.Path must be 1 to 300 letters, digits and $-_.+!*'() in parts between /, got "` + p + `"; leave it unset for the whole domain`}}
	}
	cases := []ruleCase{
		{"none", path(nil), nil},
		{"one part", path(jsii.String("v1")), nil},
		{"two parts", path(jsii.String("v1/orders")), nil},
		{"token", path(tokenProp()), []string{"P.Path must be a plain string, got a token; it decides which APIs share the domain"}},
		{"capitals in the zone", func(r *rules) {
			(&DomainProps{HostedZone: capitals, Name: jsii.String("api.example.com")}).check(r, true)
		}, nil},
		{"trust store", func(r *rules) {
			(&DomainProps{HostedZone: zone, MutualTls: &awsapigatewayv2.MTLSConfig{}, Name: jsii.String("api.example.com")}).check(r, false)
		}, []string{
			"P.MutualTls.Bucket must be set, got nil; it holds the trust store",
			"P.MutualTls.Key must be set, got nil; it is the name of the trust store in Bucket",
		}},
		{"no domain to map", (&HttpApiProps{DomainMapping: &awsapigatewayv2.DomainMappingOptions{}}).check, []string{
			"P.DomainMapping.DomainName must be a domain that exists, got nil; pass it, or set Domain for a new one",
		}},
	}
	for _, p := range []string{"", "/", "/v1", "v1/", "v1//x", "a b", "ü", "v1?x", "{id}", strings.Repeat("x", 301)} {
		cases = append(cases, refused(p))
	}
	runRules(t, cases)

	// API Gateway takes a path of several parts of a REST API only through its second
	// API.
	fn := existingFunction(stack)
	for id, p := range map[string]string{"First": "a", "Second": "b/c"} {
		NewRestApi(stack, &id, &RestApiProps{Handler: fn, Domain: &DomainProps{HostedZone: zone, Name: jsii.String("api.example.com"), Path: &p}})
	}
	template := template(stack)
	template.HasResourceProperties(jsii.String("AWS::ApiGatewayV2::ApiMapping"), map[string]any{"ApiMappingKey": "b/c"})
	template.HasResourceProperties(jsii.String("AWS::ApiGateway::BasePathMapping"), map[string]any{"BasePath": "a"})
	template.HasResourceProperties(jsii.String("AWS::Route53::RecordSet"), map[string]any{"Name": "api.example.com.", "HostedZoneId": "Z1"})
}

// TestSharedDomainProps shows that an API cannot ask more of a domain than the API that
// created it: it would not get it.
func TestSharedDomainProps(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	trust := awss3.Bucket_FromBucketName(stack, jsii.String("Trust"), jsii.String("trust"))
	certificate, zone := certificateOf(stack), zoneOf(stack)
	with := func(path string, change func(*DomainProps)) *HttpApiProps {
		d := &DomainProps{Name: jsii.String("api.example.com"), Certificate: certificate, HostedZone: zone, Path: &path}
		change(d)
		return &HttpApiProps{DisableExecuteApiEndpoint: jsii.Bool(true), Domain: d, Handler: fn}
	}
	same := func(*DomainProps) {}
	NewHttpApi(stack, jsii.String("First"), with("first", same))
	NewHttpApi(stack, jsii.String("Same"), with("same", same))
	NewHttpApi(stack, jsii.String("Less"), with("less", func(d *DomainProps) { d.HostedZone = nil }))
	for field, change := range map[string]func(*DomainProps){
		"HostedZone": func(d *DomainProps) {
			d.HostedZone = awsroute53.HostedZone_FromHostedZoneId(stack, jsii.String("Other"), jsii.String("Z9"))
		},
		"IpAddressType": func(d *DomainProps) { d.IpAddressType = awsapigatewayv2.IpAddressType_DUAL_STACK },
		"MutualTls": func(d *DomainProps) {
			d.MutualTls = &awsapigatewayv2.MTLSConfig{Bucket: trust, Key: jsii.String("ca.pem")}
		},
	} {
		got := refusal(t, func() { NewHttpApi(stack, jsii.String("Not"+field), with(field, change)) })
		if want := "DomainProps." + field + " must be as in Test/First, which creates the domain; set both alike, or give each API a domain of its own"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestGrantCloudFrontAgain shows that distributions of one id in two scopes do not clash,
// and that a second grant adds nothing.
func TestGrantCloudFrontAgain(t *testing.T) {
	stack := setup(t)
	url := NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: existingFunction(stack)})
	for _, id := range []string{"Shop", "Blog"} {
		distribution := awscloudfront.Distribution_FromDistributionAttributes(constructs.NewConstruct(stack, &id), jsii.String("Cdn"), &awscloudfront.DistributionAttributes{
			DistributionId: &id, DomainName: jsii.String("d.cloudfront.net"),
		})
		url.GrantCloudFront(distribution)
		url.GrantCloudFront(distribution)
	}
	template(stack).ResourceCountIs(jsii.String("AWS::Lambda::Permission"), jsii.Number(4))
	if got, want := refusal(t, func() { url.GrantCloudFront(nil) }), "FunctionUrl.GrantCloudFront must get a distribution, got nil"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}
