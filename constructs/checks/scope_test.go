package checks

import (
	"fmt"
	"strings"
	"testing"
)

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"", "*", true}, {"?", "a", true}, {"?", "ab", false},
		{"/*/*", "/live/GET/a", true},
		{"/live/*", "/live/GET/a", true},
		{"/test/*", "/live/GET/a", false},
		{"/*/GET/*", "/live/GET/a", true},
		{"/*/POST/*", "/live/GET/a", false},
		{"/*/POST/a", "/*/POST/a", true},
		{"/test/POST/a", "/*/POST/a", true},
		{"/test/POST/b", "/*/POST/a", false},
		{"/live/?ET/a", "/*/GET/a", true},
		{"/*$connect", "/live/$connect", true},
		{"/*$connect", "/live/$disconnect", false},
		{"", "/live/GET/a", false},
		{"/authorizers/abc", "/authorizers/*", true},
		{"/*/*", "/authorizers/*", true},
		{"/*/GET/a", "/authorizers/*", true}, // an id may have slashes for all it knows
		{"/live/GET/a", "/authorizers/*", false},
	} {
		if got := overlap(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: got %t", c.a, c.b, got)
		}
	}
}

// TestScopes checks which permissions cover the requests of an API's stages and routes.
func TestScopes(t *testing.T) {
	t.Parallel()
	const (
		function  = "Fn Lambda::Function {}\n"
		http      = `Api ApiGatewayV2::Api {"ProtocolType": "HTTP"}` + "\n"
		webSocket = `Api ApiGatewayV2::Api {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}` + "\n"
		target    = `Int ApiGatewayV2::Integration {"ApiId": {"Ref": "Api"}, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": {"Fn::GetAtt": ["Fn", "Arn"]}}` + "\n"
		route     = `R%d ApiGatewayV2::Route {"ApiId": {"Ref": "Api"}, "RouteKey": %q, "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Int"}]]}}` + "\n"
		stage     = `S%d ApiGatewayV2::Stage {"ApiId": {"Ref": "Api"}, "AutoDeploy": true, "StageName": %s}` + "\n"
		permit    = `P%d Lambda::Permission {"FunctionName": {"Ref": "Fn"}, "Principal": "apigateway.amazonaws.com", "Action": "lambda:InvokeFunction", "SourceArn": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}%s"}}` + "\n"
		rest      = `Api ApiGateway::RestApi {}
			Items ApiGateway::Resource {"ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "items"}
			Item ApiGateway::Resource {"ParentId": {"Ref": "Items"}, "PathPart": "{id}"}
			Get ApiGateway::Method {"RestApiId": {"Ref": "Api"}, "ResourceId": {"Ref": "Item"}, "HttpMethod": "GET", "AuthorizationType": "NONE", "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}}}
			Live ApiGateway::Stage {"RestApiId": {"Ref": "Api"}, "StageName": "live"}` + "\n"
		authorizer = `Auth ApiGatewayV2::Authorizer {"ApiId": {"Ref": "Api"}, "AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0", "AuthorizerUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}}` + "\n"
	)
	f := fmt.Sprintf
	live := f(stage, 1, `"live"`)
	for name, c := range map[string]struct {
		template, want string
	}{
		"all":                     {http + target + live + f(route, 1, "GET /items/{id}") + f(permit, 1, "/*/*"), ""},
		"as the CDK writes it":    {http + target + live + f(route, 1, "ANY /items/{id}") + f(permit, 1, "/*/*/items/{id}"), ""},
		"stage by reference":      {http + target + live + f(route, 1, "$default") + f(permit, 1, "/${S1}/*"), ""},
		"$default":                {http + target + live + f(route, 1, "$default") + f(permit, 1, "/*/$default"), ""},
		"each route its own":      {http + target + live + f(route, 1, "GET /a") + f(route, 2, "POST /b") + f(permit, 1, "/*/GET/a") + f(permit, 2, "/*/POST/b"), ""},
		"another route":           {http + target + live + f(route, 1, "GET /a") + f(route, 2, "POST /b") + f(permit, 1, "/*/GET/a"), "/live/POST/b"},
		"another stage":           {http + target + live + f(route, 1, "GET /a") + f(permit, 1, "/test/*"), "/live/GET/a"},
		"one of two stages":       {http + target + live + f(stage, 2, `"test"`) + f(route, 1, "GET /a") + f(permit, 1, "/${S1}/*"), "/test/GET/a"},
		"unknown stage":           {http + target + f(stage, 1, parameter) + f(route, 1, "GET /a") + f(permit, 1, "/test/*"), ""},
		"no wildcard":             {http + target + live + f(route, 1, "GET /a") + f(permit, 1, ""), "/live/GET/a"},
		"another method":          {http + target + live + f(route, 1, "GET /a") + f(permit, 1, "/*/POST/*"), "/live/GET/a"},
		"unused integration":      {http + target + live + f(permit, 1, "/*/POST/*"), ""},
		"WebSocket":               {webSocket + target + live + f(route, 1, "$connect") + f(permit, 1, "/*$connect"), ""},
		"another WebSocket route": {webSocket + target + live + f(route, 1, "$connect") + f(permit, 1, "/*$default"), "/live/$connect"},
		"REST":                    {rest + f(permit, 1, "/live/GET/items/*"), ""},
		"another REST path":       {rest + f(permit, 1, "/live/GET/orders/*"), "/live/GET/items/{}"},
		"another REST stage":      {rest + `Test ApiGateway::Stage {"RestApiId": {"Ref": "Api"}, "StageName": "test"}` + "\n" + f(permit, 1, "/${Live}/GET/items/*"), "/test/GET/items/{}"},
		"authorizer":              {http + authorizer + f(permit, 1, "/authorizers/${Auth}"), ""},
		"authorizer as any stage": {http + authorizer + f(permit, 1, "/*/*"), ""},
		"authorizer as one route": {http + authorizer + f(permit, 1, "/live/GET/a"), "/authorizers/*"},
		"API by its literal":      {http + target + live + f(route, 1, "GET /a") + strings.Replace(f(permit, 1, "/test/*"), "${Api}", "abc123", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := Template("t.json", templateOf(t, function+c.template, ""))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range findings {
				if f.Rule == "invoke-permission" {
					_, after, _ := strings.Cut(f.Message, `without a permission for "`)
					got, _, _ = strings.Cut(after, `"`)
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q: %v", got, c.want, findings)
			}
		})
	}
}
