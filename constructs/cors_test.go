package hearth

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

func TestCorsRules(t *testing.T) {
	// corsOf sets what the three kinds have in common.
	type common struct {
		origins     []*string
		credentials bool
		maxAge      number
	}
	http := func(c common, methods ...awsapigatewayv2.CorsHttpMethod) func(*rules) {
		return func(r *rules) {
			checkHttpCors(r, &awsapigatewayv2.CorsPreflightOptions{AllowCredentials: &c.credentials, AllowMethods: &methods, AllowOrigins: &c.origins, MaxAge: durationProp(c.maxAge)})
		}
	}
	rest := func(c common, change ...func(*awsapigateway.CorsOptions)) func(*rules) {
		return func(r *rules) {
			options := &awsapigateway.CorsOptions{AllowCredentials: &c.credentials, AllowOrigins: &c.origins, MaxAge: durationProp(c.maxAge)}
			for _, change := range change {
				change(options)
			}
			checkRestCors(r, options)
		}
	}
	url := func(c common, methods ...awslambda.HttpMethod) func(*rules) {
		return func(r *rules) {
			checkUrlCors(r, &awslambda.FunctionUrlCorsOptions{AllowCredentials: &c.credentials, AllowedMethods: &methods, AllowedOrigins: &c.origins, MaxAge: durationProp(c.maxAge)})
		}
	}
	one, every := *jsii.Strings("https://example.com"), *jsii.Strings("*")
	both := *jsii.Strings("*", "https://example.com")
	listToken := *awscdk.Token_AsList(map[string]any{"Ref": "Origins"}, nil)
	cases := []ruleCase{
		{"none", func(r *rules) { checkHttpCors(r, nil); checkRestCors(r, nil); checkUrlCors(r, nil) }, nil},
		{"HTTP methods", http(common{origins: one}, awsapigatewayv2.CorsHttpMethod_ANY, awsapigatewayv2.CorsHttpMethod_GET), nil},
		{"HTTP method", http(common{origins: one}, "TRACE"), []string{`P.AllowMethods must be one of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, got "TRACE"; correct it`}},
		{"HTTP scheme", http(common{origins: *jsii.Strings("capacitor://localhost")}), []string{`P.AllowOrigins must have origins such as https://example.com, without a path, got "capacitor://localhost"; correct it`}},
		{"REST scheme", rest(common{origins: *jsii.Strings("capacitor://localhost")}), nil},
		{"URL scheme", url(common{origins: *jsii.Strings("capacitor://localhost")}), nil},
		{"REST methods", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.AllowMethods = jsii.Strings("ANY", "GET") }), []string{"P.AllowMethods must be ANY alone or a list of methods, got both; remove ANY, or the others"}},
		{"REST method", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.AllowMethods = jsii.Strings("FETCH") }), []string{`P.AllowMethods must be one of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, got "FETCH"; correct it`}},
		{"REST method tokens", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.AllowMethods = &listToken }), nil},
		{"REST cache", rest(common{origins: one, maxAge: known(1)}, func(o *awsapigateway.CorsOptions) { o.DisableCache = jsii.Bool(true) }), []string{"P.MaxAge must be unset with DisableCache, with which browsers ask each time; remove one of them"}},
		{"REST status below", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.StatusCode = jsii.Number(199) }), []string{"P.StatusCode must be a status from 200 to 299, got 199; browsers refuse an answer with another one"}},
		{"REST status", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.StatusCode = jsii.Number(200) }), nil},
		{"REST highest status", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.StatusCode = jsii.Number(299) }), nil},
		{"REST status above", rest(common{origins: one}, func(o *awsapigateway.CorsOptions) { o.StatusCode = jsii.Number(300) }), []string{"P.StatusCode must be a status from 200 to 299, got 300; browsers refuse an answer with another one"}},
		{"URL methods", url(common{origins: one}, awslambda.HttpMethod_ALL, awslambda.HttpMethod_DELETE), nil},
		{"URL method", url(common{origins: one}, awslambda.HttpMethod_GET, awslambda.HttpMethod_OPTIONS), []string{`P.AllowedMethods[1] must be ALL, DELETE, GET, HEAD, PATCH, POST, PUT, got "OPTIONS"; use a constant of the CDK`}},
		{"URL many origins", url(common{origins: slices.Repeat(one, 100)}), nil},
		{"URL too many origins", url(common{origins: slices.Repeat(one, 101)}), []string{"P.AllowedOrigins must be at most 100 elements, got 101; remove some, or let the program answer"}},
		{"HTTP many origins", http(common{origins: slices.Repeat(one, 101)}), nil},
	}
	for kind, check := range map[string]func(common) func(*rules){
		"AllowOrigins":   func(c common) func(*rules) { return http(c) },
		"AllowOrigins ":  func(c common) func(*rules) { return rest(c) },
		"AllowedOrigins": func(c common) func(*rules) { return url(c) },
	} {
		field := "P." + string([]byte(kind)[:len("AllowOrigins")])
		if kind == "AllowedOrigins" {
			field = "P.AllowedOrigins"
		}
		age := func(seconds string) []string {
			return []string{fmt.Sprintf("P.MaxAge must be 0 to 86400 seconds, got %s; browsers ask again after a day at the latest", seconds)}
		}
		cases = append(cases,
			ruleCase{kind + ": one origin with credentials", check(common{origins: one, credentials: true}), nil},
			ruleCase{kind + ": every origin", check(common{origins: every}), nil},
			ruleCase{kind + ": every origin with credentials", check(common{origins: every, credentials: true}), []string{`P.AllowCredentials must be unset while ` + field[2:] + ` has "*", got true; any site could act for a signed-in user, so browsers refuse it: list the origins, or unset it`}},
			ruleCase{kind + ": every origin and one", check(common{origins: both}), []string{field + ` must be "*" alone or a list of origins, got both; remove "*", or the others`}},
			ruleCase{kind + ": no origin", check(common{}), []string{field + " must have at least 1 origin, got none; list the origins, or leave CORS to the program"}},
			ruleCase{kind + ": nil", check(common{origins: []*string{nil}}), []string{field + "[0] must be set, got nil; remove it"}},
			ruleCase{kind + ": path", check(common{origins: *jsii.Strings("https://example.com/")}), []string{field + ` must have origins such as https://example.com, without a path, got "https://example.com/"; correct it`}},
			ruleCase{kind + ": no scheme", check(common{origins: *jsii.Strings("example.com")}), []string{field + ` must have origins such as https://example.com, without a path, got "example.com"; correct it`}},
			ruleCase{kind + ": local, port, part, null", check(common{origins: *jsii.Strings("http://localhost:3000", "https://*.example.com", "null")}), nil},
			ruleCase{kind + ": tokens", check(common{origins: listToken, credentials: true}), nil},
			ruleCase{kind + ": token", check(common{origins: []*string{tokenProp()}, credentials: true}), nil},
			ruleCase{kind + ": no age", check(common{origins: one, maxAge: known(0)}), nil},
			ruleCase{kind + ": oldest", check(common{origins: one, maxAge: known(86400)}), nil},
			ruleCase{kind + ": older", check(common{origins: one, maxAge: known(86401)}), age("86401")},
			ruleCase{kind + ": age token", check(common{origins: one, maxAge: unresolved}), nil},
		)
	}
	runRules(t, cases)
}

// TestCorsOfApis shows that each kind of API checks its CORS settings, under its own name
// for them.
func TestCorsOfApis(t *testing.T) {
	yes, every := jsii.Bool(true), jsii.Strings("*")
	const refused = `AllowCredentials must be unset while `
	cases := map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"HTTP API": {func(s awscdk.Stack) {
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: existingFunction(s), CorsPreflight: &awsapigatewayv2.CorsPreflightOptions{AllowCredentials: yes, AllowOrigins: every}})
		}, "HttpApiProps.CorsPreflight." + refused},
		"REST API": {func(s awscdk.Stack) {
			NewRestApi(s, jsii.String("It"), &RestApiProps{Handler: existingFunction(s), CorsPreflight: &awsapigateway.CorsOptions{AllowCredentials: yes, AllowOrigins: every}})
		}, "RestApiProps.CorsPreflight." + refused},
		"function URL": {func(s awscdk.Stack) {
			NewFunctionUrl(s, jsii.String("It"), &FunctionUrlProps{Handler: existingFunction(s), Cors: &awslambda.FunctionUrlCorsOptions{AllowCredentials: yes, AllowedOrigins: every}})
		}, "FunctionUrlProps.Cors." + refused},
		"backend": {func(s awscdk.Stack) {
			NewBackend(s, jsii.String("It"), &BackendProps{Entry: entry("full"), FunctionUrl: &FunctionUrlProps{Cors: &awslambda.FunctionUrlCorsOptions{AllowCredentials: yes, AllowedOrigins: every}}})
		}, "BackendProps.FunctionUrl.Cors." + refused},
	}
	runCases(t, cases)
}
