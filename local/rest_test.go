package local_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// restTemplate is a REST API as the CDK writes it: a tree of resources, a method without
// an authorizer and one with a user pool's, preflight requests answered by a mock.
func restTemplate() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	api := ref("Api")
	proxy := map[string]any{"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": map[string]any{"Fn::Join": []any{"", []any{
		"arn:", ref("AWS::Partition"), ":apigateway:", ref("AWS::Region"), ":lambda:path/2015-03-31/functions/", map[string]any{"Fn::GetAtt": []any{"Fn", "Arn"}}, "/invocations",
	}}}}
	method := func(resource any, name string, integration map[string]any, more ...string) map[string]any {
		properties := map[string]any{"RestApiId": api, "ResourceId": resource, "HttpMethod": name, "Integration": integration, "AuthorizationType": "NONE"}
		if len(more) > 0 {
			properties["AuthorizationType"], properties["AuthorizerId"] = more[0], ref(more[1])
		}
		return map[string]any{"Type": "AWS::ApiGateway::Method", "Properties": properties}
	}
	resource := func(parent any, part string) map[string]any {
		return map[string]any{"Type": "AWS::ApiGateway::Resource", "Properties": map[string]any{"RestApiId": api, "ParentId": parent, "PathPart": part}}
	}
	root := map[string]any{"Fn::GetAtt": []any{"Api", "RootResourceId"}}
	return map[string]any{"Resources": map[string]any{
		"Fn": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
			"Environment": map[string]any{"Variables": map[string]any{"SELF": map[string]any{"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}/"}}},
		}},
		"Api":    map[string]any{"Type": "AWS::ApiGateway::RestApi", "Properties": map[string]any{"Name": "shop", "BinaryMediaTypes": []any{"*/*"}}},
		"Orders": resource(root, "orders"), "Order": resource(ref("Orders"), "{id}"), "Proxy": resource(root, "{proxy+}"),
		"Pool": map[string]any{"Type": "AWS::ApiGateway::Authorizer", "Properties": map[string]any{
			"RestApiId": api, "Type": "COGNITO_USER_POOLS", "IdentitySource": "method.request.header.Authorization", "ProviderARNs": []any{map[string]any{"Fn::GetAtt": []any{"Users", "Arn"}}},
		}},
		"Users":    map[string]any{"Type": "AWS::Cognito::UserPool", "Properties": map[string]any{}},
		"GetOrder": method(ref("Order"), "GET", proxy), "Guarded": method(ref("Orders"), "GET", proxy, "COGNITO_USER_POOLS", "Pool"), "Any": method(ref("Proxy"), "ANY", proxy), "Root": method(root, "ANY", proxy),
		"Preflight": method(ref("Order"), "OPTIONS", map[string]any{"Type": "MOCK", "IntegrationResponses": []any{map[string]any{
			"StatusCode": "204", "ResponseParameters": map[string]any{"method.response.header.Access-Control-Allow-Origin": "'https://a.example'"},
			"ResponseTemplates": map[string]any{"application/json": "#set($origin = $input.params().header.get(\"Origin\"))\n#if($origin == \"\")\n  #set($origin = $input.params().header.get(\"origin\"))\n#end\n" +
				"#if($origin == \"https://b.example\" || $origin == \"https://c.example\" || $origin.matches(\"https://.*.d.example\"))\n  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)\n#end"},
		}}}),
		"Deployment": map[string]any{"Type": "AWS::ApiGateway::Deployment", "Properties": map[string]any{"RestApiId": api}},
		"Stage":      map[string]any{"Type": "AWS::ApiGateway::Stage", "Properties": map[string]any{"RestApiId": api, "DeploymentId": ref("Deployment"), "StageName": "live"}},
	}, "Outputs": map[string]any{
		"Endpoint": map[string]any{"Value": map[string]any{"Fn::Join": []any{"", []any{"https://", api, ".execute-api.", ref("AWS::Region"), ".", ref("AWS::URLSuffix"), "/", ref("Stage"), "/"}}}},
	}}
}

func TestRestAPI(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Rest", restTemplate()), Programs: map[string]string{"Fn": self}, Log: log.add,
		Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	url := e.HTTPURL()
	if url != e.URL()+"/live" || e.State().Outputs[0].Value != url+"/" {
		t.Fatalf("URL %s, output %s", url, e.State().Outputs[0].Value)
	}
	for path, want := range map[string]string{
		"/orders/1": "200 ", "/else/where": "200 ", "/": "200 ", "": "200 ", "/orders": `401 {"message":"Unauthorized"}`,
	} {
		if got := get(t, url+path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %.200s, want %s", path, got, want)
		}
	}
	if got := get(t, e.URL()+"/orders/1"); got != `403 {"message":"Forbidden"}` {
		t.Errorf("outside the stage: %s", got)
	}
	if got := get(t, url+"/else"); !strings.Contains(got, `"SELF=`+url+`/"`) {
		t.Errorf("its own URL: %s", got)
	}
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "https://b.example": "https://b.example", "https://c.example": "https://c.example",
		"https://x.d.example": "https://x.d.example", "https://bXexample": "https://a.example", "": "https://a.example",
	} {
		req, err := http.NewRequestWithContext(t.Context(), "OPTIONS", url+"/orders/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != 204 || got != want {
			t.Errorf("preflight from %q: %s, %q is allowed, want %q", origin, resp.Status, got, want)
		}
	}
	if log.count("Rest/Pool: its routes are answered 401, because its user pool is not known here; name its issuer with --issuer Pool=URL,AUDIENCE") != 1 {
		t.Errorf("log: %q", log.all())
	}
	for _, r := range e.State().NotSimulated {
		if strings.HasPrefix(r.Type, "AWS::ApiGateway::") {
			t.Errorf("not simulated: %+v", r)
		}
	}
}
