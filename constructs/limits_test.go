package hearth

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// TestDomainNames shows that the record has the given name, and that names that are not
// known yet are accepted.
func TestDomainNames(t *testing.T) {
	stack := setup(t)
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{HostedZoneId: jsii.String("Z1"), ZoneName: jsii.String("example.com")})
	fn := existingFunction(stack)
	parameter := awscdk.NewCfnParameter(stack, jsii.String("Name"), nil)
	for id, name := range map[string]*string{
		"Plain": jsii.String("api.example.com"), "Token": parameter.ValueAsString(),
		"Lookup": jsii.String("dummy-value-for-/domain"), // what the CDK gives before it looks a parameter up
	} {
		NewHttpApi(stack, &id, &HttpApiProps{Handler: fn, Domain: &DomainProps{Name: name, Certificate: certificateOf(awscdk.NewStack(stack, jsii.String("C"+id), nil)), HostedZone: zone}})
	}
	records := strings.Join(slices.Collect(maps.Values(resources(stack, "AWS::Route53::RecordSet"))), "\n")
	for _, want := range []string{`"Name":"api.example.com."`, `"Name":{"Fn::Join":["",[{"Ref":"Name"},"."]]}`, `"Name":"dummy-value-for-/domain."`} {
		if !strings.Contains(records, want) {
			t.Errorf("no %s in %s", want, records)
		}
	}
	got := refusal(t, func() {
		NewHttpApi(stack, jsii.String("Elsewhere"), &HttpApiProps{Handler: fn, Domain: &DomainProps{Name: jsii.String("api.example.org"), HostedZone: zone}})
	})
	if want := `HttpApiProps.Domain.Name must be in HostedZone, which is "example.com", got "api.example.org"; pass the zone of the name`; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDualStackDomain shows that the domain of each kind of API takes clients by IPv6, and
// that they find it.
func TestDualStackDomain(t *testing.T) {
	for kind, create := range map[string]func(awscdk.Stack, awslambda.IFunction, *DomainProps){
		"ApiGatewayV2 HTTP": func(stack awscdk.Stack, fn awslambda.IFunction, d *DomainProps) {
			NewHttpApi(stack, jsii.String("It"), &HttpApiProps{Domain: d, Handler: fn})
		},
		"ApiGatewayV2 WebSocket": func(stack awscdk.Stack, fn awslambda.IFunction, d *DomainProps) {
			NewWebSocketApi(stack, jsii.String("It"), &WebSocketApiProps{Domain: d, Handler: fn})
		},
		"ApiGateway REST": func(stack awscdk.Stack, fn awslambda.IFunction, d *DomainProps) {
			NewRestApi(stack, jsii.String("It"), &RestApiProps{Domain: d, Handler: fn})
		},
	} {
		for address, records := range map[awsapigatewayv2.IpAddressType]int{"": 1, awsapigatewayv2.IpAddressType_IPV4: 1, awsapigatewayv2.IpAddressType_DUAL_STACK: 2} {
			t.Run(kind+string(address), func(t *testing.T) {
				stack := setup(t)
				create(stack, existingFunction(stack), &DomainProps{HostedZone: zoneOf(stack), IpAddressType: address, Name: jsii.String("api.example.com")})
				found := resources(stack, "AWS::Route53::RecordSet")
				if len(found) != records {
					t.Errorf("got %d records, want %d: %v", len(found), records, found)
				}
				service, _, _ := strings.Cut(kind, " ")
				for _, domain := range resources(stack, "AWS::"+service+"::DomainName") {
					if dual := strings.Contains(domain, `"IpAddressType":"dualstack"`); dual != (records == 2) {
						t.Errorf("the domain is dual stack: %t, want %t: %s", dual, records == 2, domain)
					}
				}
				if all := strings.Join(slices.Collect(maps.Values(found)), "\n"); strings.Contains(all, `"Type":"AAAA"`) != (records == 2) {
					t.Errorf("want a record for IPv6: %t, got %s", records == 2, all)
				}
			})
		}
	}
}

// TestSharedDomain shows that HTTP and REST APIs share one domain by path, in any order,
// and that synth refuses what API Gateway would refuse.
func TestSharedDomain(t *testing.T) {
	for name, restFirst := range map[string]bool{"HTTP first": false, "REST first": true} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			fn, certificate := existingFunction(stack), certificateOf(stack)
			at := func(path string) *DomainProps {
				return &DomainProps{Name: jsii.String("api.example.com"), Certificate: certificate, Path: &path}
			}
			rest := func() { NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn, Domain: at("rest")}) }
			if restFirst {
				rest()
			}
			NewHttpApi(stack, jsii.String("One"), &HttpApiProps{Handler: fn, Domain: at("one")})
			NewHttpApi(stack, jsii.String("Two"), &HttpApiProps{Handler: fn, Domain: at("two")})
			if !restFirst {
				rest()
			}
			for want, create := range map[string]func(){
				`DomainProps.Path must lead to one API, got "two" on "api.example.com" for Test/Two too; give each API a path of its own`: func() {
					NewHttpApi(stack, jsii.String("Three"), &HttpApiProps{Handler: fn, Domain: at("two")})
				},
				`DomainProps.Name must be another one than that of Test/` + map[bool]string{false: "One", true: "Rest"}[restFirst] + `, got "api.example.com" for both; API Gateway has a WebSocket API on no domain with other APIs`: func() {
					NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn, Domain: at("live")})
				},
			} {
				if got := refusal(t, create); !strings.HasSuffix(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			domains := len(resources(stack, "AWS::ApiGatewayV2::DomainName")) + len(resources(stack, "AWS::ApiGateway::DomainName"))
			mappings := len(resources(stack, "AWS::ApiGatewayV2::ApiMapping")) + len(resources(stack, "AWS::ApiGateway::BasePathMapping"))
			if domains != 1 || mappings != 3 {
				t.Errorf("%d domains and %d mappings, want 1 and 3", domains, mappings)
			}
		})
	}
}

// TestManyRoutes shows that many routes share one integration and one permission for each
// function.
func TestManyRoutes(t *testing.T) {
	stack := setup(t)
	all, orders := existingFunction(stack), inline(stack, "Orders")
	http := NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: all})
	rest := NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: all})
	sockets := NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: all})
	for i := range 60 {
		path := fmt.Sprintf("/orders/%d", i)
		sockets.AddRoute(&WebSocketRouteProps{Handler: orders, Key: &path})
		http.AddRoutes(&HttpRoutesProps{Handler: orders, Path: &path})
		rest.AddRoute(&RestRouteProps{Handler: orders, Path: &path})
	}
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::ApiGatewayV2::Route"), jsii.Number(61+63))
	template.ResourceCountIs(jsii.String("AWS::ApiGatewayV2::Integration"), jsii.Number(2+2))
	// One of the HTTP API's default route, two of the REST API's, three of the WebSocket
	// API's own routes, one of each AddRoute.
	template.ResourceCountIs(jsii.String("AWS::Lambda::Permission"), jsii.Number(1+2+3+3))
	template.HasResourceProperties(jsii.String("AWS::Lambda::Permission"), map[string]any{
		"FunctionName": assertions.Match_ObjectLike(&map[string]any{"Fn::GetAtt": assertions.Match_ArrayWith(&[]any{assertions.Match_StringLikeRegexp(jsii.String("Orders.*"))})}),
		"SourceArn":    map[string]any{"Fn::Join": assertions.Match_ArrayWith(&[]any{assertions.Match_ArrayWith(&[]any{map[string]any{"Ref": assertions.Match_StringLikeRegexp(jsii.String("WebSocket.*"))}, "/*"})})},
	})
}

// TestCloudFront shows that a distribution gets both permissions that it needs.
func TestCloudFront(t *testing.T) {
	stack := setup(t)
	url := NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: existingFunction(stack)})
	url.GrantCloudFront(awscloudfront.NewDistribution(stack, jsii.String("Cdn"), &awscloudfront.DistributionProps{
		DefaultBehavior: &awscloudfront.BehaviorOptions{Origin: awscloudfrontorigins.FunctionUrlOrigin_WithOriginAccessControl(url.FunctionUrl, nil)},
	}))
	template := template(stack)
	for action, via := range map[string]any{"lambda:InvokeFunctionUrl": assertions.Match_Absent(), "lambda:InvokeFunction": true} {
		template.HasResourceProperties(jsii.String("AWS::Lambda::Permission"), map[string]any{
			"Action": action, "Principal": "cloudfront.amazonaws.com", "InvokedViaFunctionUrl": via,
			"SourceArn": map[string]any{"Fn::Join": assertions.Match_AnyValue()},
		})
	}
}

// TestCloudFrontInAnotherStack shows that the stack of a distribution may be another one
// than that of the URL, in the same region.
func TestCloudFrontInAnotherStack(t *testing.T) {
	grant := func(stack awscdk.Stack, region string) awscdk.Stack {
		url := NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: existingFunction(stack)})
		web := deployed(stack, "Web", ours, region)
		url.GrantCloudFront(awscloudfront.NewDistribution(web, jsii.String("Cdn"), &awscloudfront.DistributionProps{
			DefaultBehavior: &awscloudfront.BehaviorOptions{Origin: awscloudfrontorigins.FunctionUrlOrigin_WithOriginAccessControl(url.FunctionUrl, nil)},
		}))
		return web
	}
	web := grant(deployed(setup(t), "Here", ours, here), here)
	template(web).HasResourceProperties(jsii.String("AWS::Lambda::Permission"), map[string]any{
		"Action": "lambda:InvokeFunction", "FunctionName": assertions.Match_ObjectLike(&map[string]any{}), "InvokedViaFunctionUrl": true, "Principal": "cloudfront.amazonaws.com",
	})
	got := refusal(t, func() { grant(deployed(setup(t), "Here", ours, here), elsewhere) })
	if want := "FunctionUrl.GrantCloudFront must get a distribution of a stack in the region of the URL, eu-west-1, got Web/Cdn/Resource in us-east-1; move it there: only its certificate and firewall must be in us-east-1"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStreamingInVpc shows the warning about a URL that does not stream.
func TestStreamingInVpc(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full"), Manifest: jsii.Bool(false), Vpc: newVpc(stack)})
	NewFunctionUrl(stack, jsii.String("Url"), &FunctionUrlProps{Handler: h.Alias, Streaming: jsii.Bool(true)})
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Url"), assertions.Match_StringLikeRegexp(jsii.String("the function is in a VPC, from which Lambda does not stream .*")))
}

// TestAccountQuota shows that synth refuses a reservation over the quota, with the sum.
func TestAccountQuota(t *testing.T) {
	for quota, refused := range map[string]bool{"150": false, "149": true, "10": true} {
		context := flags(t)
		context[AccountConcurrencyContext] = quota
		stack := setupWith(t, context)
		for id, reserved := range map[string]float64{"One": 30, "Two": 20} {
			NewHandler(stack, &id, silent(&ConcurrencyProps{Reserved: &reserved}))
		}
		if !refused {
			template(stack)
			continue
		}
		got := refusal(t, func() { template(stack) })
		want := fmt.Sprintf("the account's %s less the 100 that Lambda keeps unreserved, got 50, the sum of 30 (Test/One) + 20 (Test/Two); lower Reserved, or ask for a higher quota and change hearth:accountConcurrency in cdk.json", quota)
		if strings.Count(got, want) != 1 {
			t.Errorf("got %q, want %q once", got, want)
		}
	}
}

// TestQuotaOfStacks shows that the stacks of one account and region share its quota.
func TestQuotaOfStacks(t *testing.T) {
	for name, c := range map[string]struct {
		account, region string
		refused         bool
	}{"same place": {ours, here, true}, "another region": {ours, elsewhere, false}, "another account": {theirs, here, false}} {
		t.Run(name, func(t *testing.T) {
			context := flags(t)
			context[AccountConcurrencyContext] = 149
			one := deployed(setupWith(t, context), "One", ours, here)
			two := deployed(one, "Two", c.account, c.region)
			for _, stack := range []awscdk.Stack{one, two} {
				NewHandler(stack, jsii.String("It"), silent(&ConcurrencyProps{Reserved: jsii.Number(25)}))
			}
			if !c.refused {
				template(one)
				return
			}
			if got, want := refusal(t, func() { template(one) }), "got 50, the sum of 25 (One/It) + 25 (Two/It)"; strings.Count(got, want) != 1 {
				t.Errorf("got %q, want %q once", got, want)
			}
		})
	}
}

// TestUnreadableQuota shows that a quota that is no number of instances is no silence.
func TestUnreadableQuota(t *testing.T) {
	for _, quota := range []any{"abc", "", "99.5", "NaN", "-3", 0, true, []any{1}} {
		context := flags(t)
		context[AccountConcurrencyContext] = quota
		stack := setupWith(t, context)
		for _, id := range []string{"One", "Two"} {
			NewHandler(stack, &id, silent(nil))
		}
		got := refusal(t, func() { template(stack) })
		if want := "the context hearth:accountConcurrency must be the account's quota, a whole number of at least 1 instance, got "; strings.Count(got, want) != 1 {
			t.Errorf("%#v: got %q, want %q once", quota, got, want)
		}
	}
}

// TestFifoDeadLetters shows that the age of a message starts anew in the dead-letter
// queue of a FIFO queue.
func TestFifoDeadLetters(t *testing.T) {
	stack := setup(t)
	NewQueue(stack, jsii.String("Ledger"), &QueueProps{Fifo: jsii.Bool(true), DeadLetterRetention: seconds(3600)})
	template(stack).HasResourceProperties(jsii.String("AWS::SQS::Queue"), map[string]any{"MessageRetentionPeriod": 3600})
}

// many returns the props of a backend with queues and schedules, whose program is not
// asked for its manifest.
func many(queues, schedules int) *BackendProps {
	props := &BackendProps{
		Entry: entry("silent"), Manifest: jsii.Bool(false), Http: &HttpApiProps{}, WebSocket: &WebSocketApiProps{}, Monitoring: &MonitoringProps{},
		Queues: map[string]*QueueProps{}, Schedules: map[string]*ScheduleProps{},
	}
	for i := range queues {
		props.Queues[fmt.Sprintf("orders-%02d", i)] = nil
	}
	for i := range schedules {
		props.Schedules[fmt.Sprintf("report-%02d", i)] = &ScheduleProps{Expression: jsii.String("rate(1 day)")}
	}
	return props
}

// TestManyQueues shows that 50 queues and 30 schedules fit into the variables, the stack
// and the dashboard, and that synth refuses more, with the sum.
func TestManyQueues(t *testing.T) {
	stack := setup(t)
	b := NewBackend(stack, jsii.String("Backend"), many(50, 30))
	template := template(stack)
	template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(101))
	if resources := len((*template.ToJSON())["Resources"].(map[string]any)); resources > 500 {
		t.Errorf("%d resources, a stack has room for 500", resources)
	}
	if alarms := len(b.Monitoring.Alarms); alarms <= 100 {
		t.Errorf("%d alarms must not fit into one widget", alarms)
	}
	if partial := variablesOf(t, stack, "BackendHandler")[0]["HEARTH_PARTIAL_RESPONSES"]; partial != "*" {
		t.Errorf("the names of 50 queues take room in two variables: %s", partial)
	}
	queues := variablesOf(t, stack, "BackendHandler")[0]["HEARTH_QUEUES"]
	if n := strings.Count(queues, "="); n != 1+50 {
		t.Errorf("%d queues in %s", n-1, queues)
	}
	if want := "~=Test-BackendQueueorders"; !strings.HasPrefix(queues, want) {
		t.Errorf("the queues must begin with %s, got %s", want, queues)
	}
	// A queue that the program only sends to takes no partial responses for all that synth
	// knows.
	stack = setup(t)
	b = NewBackend(stack, jsii.String("Backend"), many(20, 0))
	NewQueue(stack, jsii.String("Mail"), &QueueProps{Name: jsii.String("mail")}).ConnectSend(b, nil)
	if partial := variablesOf(t, stack, "BackendHandler")[0]["HEARTH_PARTIAL_RESPONSES"]; strings.Count(partial, ",") != 19 || strings.Contains(partial, "mail") {
		t.Errorf("got %s, want the 20 queues that the program consumes", partial)
	}
	// A name of usual length.
	stack = awscdk.NewStack(setup(t), jsii.String("ShopProductionEurope"), nil)
	NewBackend(stack, jsii.String("Backend"), many(50, 0))
	assertions.Template_FromStack(stack, nil)
	// CloudFormation cuts names at 80 letters, so the names have no common prefix left.
	stack = awscdk.NewStack(setup(t), jsii.String("ShopInProductionForTheNorthOfEurope"), nil)
	NewBackend(stack, jsii.String("Backend"), many(50, 0))
	got := refusal(t, func() { assertions.Template_FromStack(stack, nil) })
	want := "the environment variables of Test/ShopInProductionForTheNorthOfEurope/Backend/Handler must be at most 4096 bytes, got about 4924, of which HEARTH_QUEUES has 4685 for 50 queues; shorten the names of the stack and the queues, set QueueName, or consume some of them in another program"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLongVariables shows that variables over Lambda's limit are refused with their sum,
// whoever adds them. Tokens have no known length.
func TestLongVariables(t *testing.T) {
	const names = len("TEXT") + len("OTHER")
	variables := func(text, other string) func(stack awscdk.Stack) {
		return func(stack awscdk.Stack) {
			props := silent(nil)
			props.Environment = &map[string]*string{"TEXT": &text}
			NewHandler(stack, jsii.String("It"), props).AddEnvironment(jsii.String("OTHER"), &other, nil)
			template(stack)
		}
	}
	half := strings.Repeat("x", 2048)
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"at the limit": {variables(half, half[names:]), ""},
		"above": {variables(half, half[names-1:]),
			"the environment variables of Here/It must be at most 4096 bytes, got at least 4097, of which TEXT has 2052; shorten them, or move long values to a file of HandlerProps.Files or to a parameter"},
		"of the function": {func(stack awscdk.Stack) {
			NewHandler(stack, jsii.String("It"), silent(nil)).Function.AddEnvironment(jsii.String("TEXT"), jsii.String(half+half), nil)
			template(stack)
		}, "got at least 4100, of which TEXT has 4100"},
		"two bytes for a letter": {variables(half[1:]+"é", half[names:]), "got at least 4097"},
		"token":                  {variables(half, half[names:]+*tokenProp()), ""},
	})
}

func TestLongTexts(t *testing.T) {
	text := func(n int) *string { return jsii.String(strings.Repeat("x", n)) }
	schedule := func(n int) func(*rules) {
		return (&ScheduleProps{Description: text(n), Expression: jsii.String("rate(1 day)"), Name: jsii.String("a")}).check
	}
	http := func(name *string) func(*rules) { return (&HttpApiProps{ApiName: name}).check }
	socket := func(name *string) func(*rules) { return (&WebSocketApiProps{ApiName: name}).check }
	filter := func(n int) func(*rules) {
		return func(r *rules) {
			v := (&QueueProps{Filters: &[]*map[string]any{{"pattern": *text(n)}, {"pattern": map[string]any{"Ref": "Pattern"}}}}).values()
			v.consumed, v.functionTimeout = true, known(3)
			v.check(r)
		}
	}
	unpacked := func(p *HandlerProps, size uint64) func(*rules) {
		return func(r *rules) { p.checkUnpacked(r, size) }
	}
	const unpacks = " must unpack to at most 250 MB, program and files together, got 251 MB; keep large files elsewhere, such as in a bucket, or use Image"
	runRules(t, []ruleCase{
		{"description", schedule(512), nil},
		{"long description", schedule(513), []string{"P.Description must be at most 512 letters, got 513; shorten it"}},
		{"name of an HTTP API", http(text(128)), nil},
		{"long name of an HTTP API", http(text(129)), []string{"P.ApiName must be 1 to 128 letters, got 129; change it, or leave it unset"}},
		{"no name of an HTTP API", http(text(0)), []string{"P.ApiName must be 1 to 128 letters, got 0; change it, or leave it unset"}},
		{"token as the name of an HTTP API", http(tokenProp()), nil},
		{"long name of a WebSocket API", socket(text(129)), []string{"P.ApiName must be 1 to 128 letters, got 129; change it, or leave it unset"}},
		{"filter", filter(4096), nil},
		{"long filter", filter(4097), []string{"P.Filters must be patterns of at most 4096 letters, got 4097; shorten it, or filter in the program"}},
		{"program", unpacked(&HandlerProps{}, 250<<20), nil},
		{"large program", unpacked(&HandlerProps{}, 250<<20+1), []string{"P.Entry" + unpacks}},
		{"large files", unpacked(&HandlerProps{Files: map[string]string{"a": "b"}}, 251<<20), []string{"P.Files" + unpacks}},
	})
}

// TestDeepApi shows that the generated name of an API deep in the tree fits.
func TestDeepApi(t *testing.T) {
	stack := setup(t)
	var scope constructs.Construct = stack
	for range 4 {
		scope = constructs.NewConstruct(scope, jsii.String(strings.Repeat("Deep", 15)))
	}
	api := NewHttpApi(scope, jsii.String("Http"), &HttpApiProps{Handler: existingFunction(stack)})
	if name := *api.Api.HttpApiName(); len(name) > 128 || !strings.HasPrefix(name, "Test-Deep") {
		t.Errorf("got %q of %d letters", name, len(name))
	}
}

// TestMutualTls shows that every kind of API can require client certificates.
func TestMutualTls(t *testing.T) {
	stack := setup(t)
	fn, certificate := existingFunction(stack), certificateOf(stack)
	trust := &awsapigatewayv2.MTLSConfig{Bucket: awss3.Bucket_FromBucketName(stack, jsii.String("Trust"), jsii.String("trust")), Key: jsii.String("store.pem")}
	domain := func(name string) *DomainProps {
		return &DomainProps{Name: &name, Certificate: certificate, IpAddressType: awsapigatewayv2.IpAddressType_DUAL_STACK, MutualTls: trust}
	}
	NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: fn, DisableExecuteApiEndpoint: jsii.Bool(true), Domain: domain("http.example.com")})
	NewRestApi(stack, jsii.String("Rest"), &RestApiProps{Handler: fn, DisableExecuteApiEndpoint: jsii.Bool(true), Domain: domain("rest.example.com")})
	for want, create := range map[string]func(){
		"HttpApiProps.Domain.MutualTls must go with DisableExecuteApiEndpoint, as the generated URL asks no client for a certificate; set it to true": func() {
			NewHttpApi(stack, jsii.String("Open"), &HttpApiProps{Handler: fn, Domain: domain("open.example.com")})
		},
		"DomainProps.MutualTls must be unset for a WebSocket API, for which API Gateway has none; use an authorizer": func() {
			NewWebSocketApi(stack, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn, Domain: domain("live.example.com")})
		},
	} {
		if got := refusal(t, create); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	template := template(stack)
	for _, kind := range []string{"AWS::ApiGatewayV2::DomainName", "AWS::ApiGateway::DomainName"} {
		template.HasResourceProperties(&kind, map[string]any{"MutualTlsAuthentication": map[string]any{"TruststoreUri": "s3://trust/store.pem"}})
	}
}
