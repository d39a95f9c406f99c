package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func setupREST(t *testing.T, rest REST, routes ...Route) (*API, *fakeFunctions) {
	t.Helper()
	for i := range routes {
		routes[i].Integration.Version = versionREST
	}
	return setup(t, Config{REST: &rest, Stages: map[string]Stage{"live": {Variables: map[string]string{"color": "red"}}}, Routes: routes})
}

// TestEventREST holds an event against the shape of a live one: the path and its
// parameters keep their escapes, the resource and the method are named, whatever is
// unknown is null.
func TestEventREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "ANY /{proxy+}", ResourceID: "res1"})
	resp := do(t, a, "POST", "http://localhost:3000/live/notes/a%20b%2Fc?tag=go&tag=aws&q=a%2Bb&plus=a+b&empty=", `{"x":"ä"}`,
		"Content-Type", "application/json", "Cookie", "a=1; b=2", "X-List", "one", "X-List", "two", "Content-Length", "10", "User-Agent", "test/1", "Authorization", "me")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" || uuid.Validate(resp.Header.Get("X-Amzn-Requestid")) != nil || resp.Header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("%v", resp)
	}
	got := f.last()
	context := got["requestContext"].(map[string]any)
	if context["requestId"] != resp.Header.Get("X-Amzn-Requestid") {
		t.Errorf("request id %v", context["requestId"])
	}
	if id := resp.Header.Get("X-Amz-Apigw-Id"); context["extendedRequestId"] != id {
		t.Errorf("extended request id %v, want %s", context["extendedRequestId"], id)
	}
	for _, name := range []string{"requestId", "requestTime", "requestTimeEpoch", "extendedRequestId", "deploymentId"} {
		if context[name] == nil {
			t.Errorf("no %s", name)
		}
		delete(context, name)
	}
	for _, name := range []string{"headers", "multiValueHeaders"} {
		h := got[name].(map[string]any)
		if h["X-Amzn-Trace-Id"] == nil {
			t.Errorf("no trace in %s", name)
		}
		delete(h, "X-Amzn-Trace-Id")
	}
	list := func(values ...any) any { return values }
	want := map[string]any{
		"resource": "/{proxy+}", "path": "/notes/a%20b%2Fc", "httpMethod": "POST",
		"headers": map[string]any{"content-type": "application/json", "cookie": "a=1; b=2", "Host": "localhost:3000", "User-Agent": "test/1",
			"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Port": "3000", "X-Forwarded-Proto": "http", "x-list": "two", "Authorization": "me"},
		"multiValueHeaders": map[string]any{"content-type": list("application/json"), "cookie": list("a=1; b=2"), "Host": list("localhost:3000"), "User-Agent": list("test/1"),
			"X-Forwarded-For": list("192.0.2.1"), "X-Forwarded-Port": list("3000"), "X-Forwarded-Proto": list("http"), "x-list": list("one", "two"), "Authorization": list("me")},
		"queryStringParameters":           map[string]any{"tag": "aws", "q": "a+b", "plus": "a b", "empty": ""},
		"multiValueQueryStringParameters": map[string]any{"tag": list("go", "aws"), "q": list("a+b"), "plus": list("a b"), "empty": list("")},
		"pathParameters":                  map[string]any{"proxy": "notes/a%20b%2Fc"},
		"stageVariables":                  map[string]any{"color": "red"},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abc", "domainName": "abc.execute-api.eu-central-1.amazonaws.com", "domainPrefix": "abc",
			"httpMethod": "POST", "path": "/live/notes/a%20b%2Fc", "protocol": "HTTP/1.1", "resourceId": "res1", "resourcePath": "/{proxy+}", "stage": "live",
			"identity": map[string]any{"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil,
				"cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil, "sourceIp": "192.0.2.1", "user": nil, "userAgent": "test/1", "userArn": nil},
		},
		"body": `{"x":"ä"}`, "isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	do(t, a, "GET", "/live/x", "")
	for _, name := range []string{"queryStringParameters", "multiValueQueryStringParameters", "body"} {
		if value, ok := f.last()[name]; !ok || value != nil {
			t.Errorf("%s is %v, want null", name, value)
		}
	}
}

// TestMethodsREST finds the most specific resource; a method that it lacks is not looked
// for elsewhere.
func TestMethodsREST(t *testing.T) {
	t.Parallel()
	var routes []Route
	for _, key := range []string{"ANY /", "GET /orders", "POST /orders", "GET /orders/{id}", "ANY /{proxy+}", "GET /orders/{id}/lines/{line}"} {
		routes = append(routes, Route{Key: key})
	}
	a, f := setupREST(t, REST{}, routes...)
	for request, want := range map[string]string{
		"GET /live": "/", "PUT /live/": "/", "GET /live/orders": "/orders", "GET /live/orders/": "/orders", "GET /live/orders/a%2Fb": "/orders/{id}", "GET /live/o%72ders": "/orders",
		"GET /live/orders/1/lines/2": "/orders/{id}/lines/{line}", "DELETE /live/other": "/{proxy+}", "GET /live/orders/1/else": "/{proxy+}",
		"DELETE /live/orders": "403 Missing Authentication Token", "GET /other/orders": "403 Forbidden", "GET /": "403 Forbidden",
	} {
		method, target, _ := strings.Cut(request, " ")
		resp := do(t, a, method, target, "")
		got := ""
		if resp.StatusCode == 200 {
			got, _ = f.last()["resource"].(string)
		} else {
			got = strings.NewReplacer(`{"message":"`, resp.Status[:4], `"}`, "").Replace(text(t, resp))
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	for _, bad := range [][]Route{{{Key: "GET"}}, {{Key: "GET /a"}, {Key: "GET /a"}}} {
		if err := Check(Config{REST: &REST{}, Routes: bad}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// TestErrorsREST: the gateway's own answers.
func TestErrorsREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "POST /x", Integration: Integration{Timeout: 50 * time.Millisecond}})
	for name, c := range map[string]struct {
		reply func(string, map[string]any) (string, error)
		body  string
		want  string
	}{
		"failed":    {func(string, map[string]any) (string, error) { return "", errors.New("it panicked") }, "", `502 {"message":"Internal server error"}`},
		"throttled": {func(string, map[string]any) (string, error) { return "", throttled{} }, "", `500 {"message":"Internal server error"}`},
		"malformed": {func(string, map[string]any) (string, error) { return `"text"`, nil }, "", `502 {"message":"Internal server error"}`},
		"status":    {func(string, map[string]any) (string, error) { return `{"statusCode":99999}`, nil }, "", `502 {"message":"Internal server error"}`},
		"too long":  {nil, strings.Repeat("x", maxBodyBytes+1), `413 {"message":"Request Too Long"}`},
		"slow":      {func(string, map[string]any) (string, error) { return "wait", nil }, "", `504 {"message":"Endpoint request timed out"}`},
	} {
		f.reply = c.reply
		resp := do(t, a, "POST", "/live/x", c.body)
		if got := resp.Status[:4] + text(t, resp); got != c.want || resp.Header.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestBinaryREST: the media types of the API decide what is base64, both ways.
func TestBinaryREST(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		types        []string
		content      string
		encoded      bool
		accept, want string
	}{
		{nil, "image/png", false, "image/png", "aGk="},
		{[]string{"image/png"}, "image/png", true, "image/png, */*", "hi"},
		{[]string{"image/png"}, "application/json", false, "application/json", "aGk="},
		{[]string{"image/*"}, "image/gif", true, "image/gif", "hi"},
		{[]string{"*/*"}, "application/json", true, "", "hi"},
	} {
		a, f := setupREST(t, REST{BinaryTypes: c.types}, Route{Key: "POST /x"})
		f.reply = func(string, map[string]any) (string, error) {
			return `{"statusCode":200,"body":"aGk=","isBase64Encoded":true,"headers":{"Server":"mine"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]}}`, nil
		}
		resp := do(t, a, "POST", "/live/x", "body", "Content-Type", c.content, "Accept", c.accept)
		if e := f.last(); e["isBase64Encoded"] != c.encoded || (e["body"] == "body") == c.encoded {
			t.Errorf("%+v: the event has %v, %v", c, e["isBase64Encoded"], e["body"])
		}
		if got := text(t, resp); got != c.want || len(resp.Header["Set-Cookie"]) != 2 || resp.Header.Get("X-Amzn-Remapped-Server") != "mine" {
			t.Errorf("%+v: the client got %s, %v", c, got, resp.Header)
		}
	}
}

// TestPreflightREST answers OPTIONS by a mock.
func TestPreflightREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "OPTIONS /x", Integration: Integration{Mock: &Mock{
		Status: 204, Header: map[string]string{"access-control-allow-origin": "https://a.example"}, Origins: []string{"https://b.example", "https://.*\\.c\\.example"},
	}}})
	for origin, want := range map[string]string{"": "https://a.example", "https://a.example": "https://a.example", "https://b.example": "https://b.example", "https://x.c.example": "https://x.c.example", "https://b.example.evil": "https://a.example"} {
		resp := do(t, a, "OPTIONS", "/live/x", "", "Origin", origin)
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != 204 || got != want {
			t.Errorf("%q: %s, %q, want %q", origin, resp.Status, got, want)
		}
	}
	if len(f.events) > 0 {
		t.Error("a function was asked")
	}
}

// TestAuthorizersREST: for a token, and for a request.
func TestAuthorizersREST(t *testing.T) {
	t.Parallel()
	policy := func(effect string) string {
		return `{"principalId":"anna","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect + `","Resource":"*"}]},"context":{"n":1,"ok":true}}`
	}
	token := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:auth", Token: true, Validation: "Bearer .+", IdentitySource: []string{"method.request.header.Authorization"}}}
	request := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:auth", IdentitySource: []string{"method.request.header.Authorization", "method.request.querystring.q"}}}
	a, f := setupREST(t, REST{}, Route{Key: "GET /token/{id}", Authorizer: token}, Route{Key: "GET /request", Authorizer: request})
	f.reply = func(function string, e map[string]any) (string, error) {
		switch {
		case function != "arn:auth":
			return `{"statusCode":200}`, nil
		case e["type"] == "TOKEN" && e["authorizationToken"] == "Bearer good", e["type"] == "REQUEST" && e["path"] == "/request" && e["requestContext"] != nil:
			return policy("Allow"), nil
		case e["authorizationToken"] == "Bearer broken":
			return `{}`, nil
		case e["authorizationToken"] == "Bearer fails":
			return "", functionError("no table")
		case e["authorizationToken"] == "Bearer expired":
			return "", fmt.Errorf("invoke: %w", functionError("Unauthorized"))
		case e["authorizationToken"] == "Bearer nested":
			return strings.Replace(policy("Allow"), `"n":1`, `"n":[1]`, 1), nil
		case e["authorizationToken"] == "Bearer other":
			return strings.Replace(policy("Allow"), `"Resource":"*"`, `"Resource":"*/POST/*"`, 1), nil
		}
		return policy("Deny"), nil
	}
	for _, c := range []struct {
		target, authorization string
		status                int
		kind, body            string
	}{
		{"/live/token/1", "Bearer good", 200, "", ""},
		{"/live/token/1", "Bearer bad", 403, "AccessDeniedException", `{"Message":"User is not authorized to access this resource with an explicit deny"}`},
		{"/live/token/1", "Bearer other", 403, "AccessDeniedException", `{"Message":"User is not authorized to access this resource"}`},
		{"/live/token/1", "", 401, "UnauthorizedException", `{"message":"Unauthorized"}`},
		{"/live/token/1", "Basic x", 401, "UnauthorizedException", `{"message":"Unauthorized"}`},
		{"/live/token/1", "Bearer expired", 401, "UnauthorizedException", `{"message":"Unauthorized"}`},
		{"/live/token/1", "Bearer broken", 500, "AuthorizerConfigurationException", `{"message":null}`},
		{"/live/token/1", "Bearer fails", 500, "AuthorizerConfigurationException", `{"message":null}`},
		{"/live/token/1", "Bearer nested", 500, "AuthorizerConfigurationException", `{"message":null}`},
		{"/live/request?q=1", "x", 200, "", ""},
		{"/live/request", "x", 401, "UnauthorizedException", `{"message":"Unauthorized"}`},
	} {
		resp := do(t, a, "GET", c.target, "", "Authorization", c.authorization)
		if got := text(t, resp); resp.StatusCode != c.status || resp.Header.Get("X-Amzn-Errortype") != c.kind || got != c.body {
			t.Errorf("%+v: %s %v %s", c, resp.Status, resp.Header, got)
		}
		if c.status == 200 {
			got, _ := f.last()["requestContext"].(map[string]any)["authorizer"].(map[string]any)
			if _, ok := got["integrationLatency"].(float64); !ok {
				t.Errorf("%+v: no latency in %v", c, got)
			}
			delete(got, "integrationLatency")
			if diff := cmp.Diff(map[string]any{"principalId": "anna", "n": "1", "ok": "true"}, got); diff != "" {
				t.Errorf("%+v: %s", c, diff)
			}
		}
	}
}

// functionError is the error that a function reported.
type functionError string

func (e functionError) Error() string        { return "errorString: " + string(e) }
func (e functionError) ErrorMessage() string { return string(e) }

// TestStreamREST sends a response while it comes.
func TestStreamREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "GET /x", Integration: Integration{Stream: true}})
	f.reply = func(string, map[string]any) (string, error) {
		return streamed(`{"statusCode":201,"headers":{"a":"b"}}`, "one…two"), nil
	}
	resp := do(t, a, "GET", "/live/x", "")
	if got := text(t, resp); resp.StatusCode != http.StatusCreated || got != "onetwo" || resp.Header.Get("A") != "b" {
		t.Errorf("%s %s", resp.Status, got)
	}
}
