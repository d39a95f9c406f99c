package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
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

// TestMethodsREST finds the most specific resource that has the method.
func TestMethodsREST(t *testing.T) {
	t.Parallel()
	var routes []Route
	for _, key := range []string{"ANY /", "GET /orders", "POST /orders", "GET /orders/{id}", "ANY /{proxy+}", "GET /orders/{id}/lines/{line}", "ANY /any", "GET /exact/{id}"} {
		routes = append(routes, Route{Key: key})
	}
	a, f := setupREST(t, REST{}, routes...)
	for request, want := range map[string]string{
		"GET /live": "/", "PUT /live/": "/", "GET /live/orders": "/orders", "GET /live/orders/": "/orders", "GET /live/orders/a%2Fb": "/orders/{id}", "GET /live/o%72ders": "/orders",
		"GET /live/orders/1/lines/2": "/orders/{id}/lines/{line}", "DELETE /live/other": "/{proxy+}", "GET /live/orders/1/else": "/{proxy+}",
		"DELETE /live/orders": "/{proxy+}", "DELETE /live/any": "/any", "PUT /live/exact/1": "/{proxy+}", "GET //live/orders": "/orders", "GET /live//orders": "/orders",
		"GET /other/orders": "403 Forbidden", "GET /": "403 Forbidden",
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
	a, _ = setupREST(t, REST{}, Route{Key: "GET /orders"})
	for _, request := range []string{"GET /live/other", "POST /live/orders"} {
		method, target, _ := strings.Cut(request, " ")
		resp := do(t, a, method, target, "")
		if got := text(t, resp); resp.StatusCode != 403 || resp.Header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" || got != `{"message":"Missing Authentication Token"}` {
			t.Errorf("%s: %s %v %s", request, resp.Status, resp.Header, got)
		}
	}
	for _, bad := range [][]Route{{{Key: "GET"}}, {{Key: "GET /a"}, {Key: "GET /a"}}} {
		if err := Check(Config{REST: &REST{}, Routes: bad}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// TestPathsREST: what events have of slashes that a client sends twice, and of one at the
// end.
func TestPathsREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "GET /{proxy+}"})
	for target, want := range map[string][3]string{ // the event's path, its parameter, the context's path
		"/live/a/":             {"/a/", "a", "/live/a/"},
		"/live/a//b":           {"/a//b", "a//b", "/live/a//b"},
		"//live/a":             {"/a", "a", "/live/a"},
		"/live//a":             {"/a", "a", "/live//a"},
		"/live/x%2By@z/x+y@z":  {"/x%2By@z/x+y@z", "x%2By@z/x+y@z", "/live/x%2By@z/x+y@z"},
		"/live/a?q=foo+bar%2B": {"/a", "a", "/live/a"},
	} {
		do(t, a, "GET", "http://localhost:3000"+target, "")
		e := f.last()
		got := [3]string{e["path"].(string), e["pathParameters"].(map[string]any)["proxy"].(string), e["requestContext"].(map[string]any)["path"].(string)}
		if got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}

// TestDroppedHeadersREST: a function sees only the headers that the gateway passes on.
func TestDroppedHeadersREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{}, Route{Key: "GET /x"})
	var headers []string
	for _, name := range []string{"Content-MD5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "Trailer", "Upgrade", "WWW-Authenticate", "Age", "Date", "Pragma", "Range", "Referer", "Via", "Warn"} {
		headers = append(headers, name, "v")
	}
	do(t, a, "GET", "/live/x", "", headers...)
	for _, field := range []string{"headers", "multiValueHeaders"} {
		var got []string
		for name := range f.last()[field].(map[string]any) {
			if strings.ToLower(name) == name {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"age", "date", "pragma", "range", "referer", "via", "warn"}, got); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
}

// TestResponsesREST: each kind of response, and what the client gets.
func TestResponsesREST(t *testing.T) {
	t.Parallel()
	a, f := setupREST(t, REST{BinaryTypes: []string{"image/png"}}, Route{Key: "GET /x"})
	for response, want := range map[string]string{
		`{}`:                   `200 "" application/json`,
		`{"statusCode":200}`:   `200 "" application/json`,
		`{"statusCode":"201"}`: `201 "" application/json`,
		`{"headers":{"a":"b","c":true,"d":null}}`:                                `200 "" application/json A:b C:true`,
		`{"statusCode":200,"headers":null}`:                                      `200 "" application/json`,
		`{"statusCode":200,"multiValueHeaders":{"a":["b","c"]}}`:                 `200 "" application/json A:b,c`,
		`{"statusCode":200,"multiValueHeaders":{"a":["b"]},"headers":{"A":"c"}}`: `200 "" application/json A:b,c`,
		`{"statusCode":200,"multiValueHeaders":{"a":["b"]},"headers":{"a":"b"}}`: `200 "" application/json A:b`,
		`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`:                `200 "hi" application/json`,
		`{"statusCode":200,"body":"aGk="}`:                                       `200 "aGk=" application/json`,
		`{"statusCode":200,"body":"é+)","isBase64Encoded":true}`:                 `500 error`,
		`{"statusCode":200,"wrongValue":"value"}`:                                `502 error`,
		`{"statusCode":200,"cookies":["a=1"]}`:                                   `502 error`,
		`{"StatusCode":200}`:                                                     `502 error`,
		`{"statusCode":200,"multiValueHeaders":{"a":"b"}}`:                       `502 error`,
		`{"statusCode":"test"}`:                                                  `502 error`,
		`{"statusCode":200,"body":{}}`:                                           `502 error`,
		`"text"`:                                                                 `502 error`,
	} {
		f.reply = func(string, map[string]any) (string, error) { return response, nil }
		resp := do(t, a, "GET", "/live/x", "", "Accept", "image/png")
		body := text(t, resp)
		got := fmt.Sprintf("%d %q %s", resp.StatusCode, body, resp.Header.Get("Content-Type"))
		if body == `{"message":"Internal server error"}` && resp.Header.Get("X-Amzn-Errortype") == "InternalServerErrorException" {
			got = fmt.Sprintf("%d error", resp.StatusCode)
		}
		for _, name := range []string{"A", "C", "D"} {
			if values := resp.Header[name]; values != nil {
				got += " " + name + ":" + strings.Join(values, ",")
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", response, got, want)
		}
	}
}

// TestStageVariables: the ARNs of functions may depend on the stage.
func TestStageVariables(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-central-1:123456789012:function:${stageVariables.fn}:${stageVariables.alias}"
	auth := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:auth-${stageVariables.alias}", IdentitySource: []string{"$request.header.Authorization"}, Version: "2.0", Simple: true}}
	for name, config := range map[string]Config{"REST": {REST: &REST{}}, "HTTP": {}} {
		config.Routes = []Route{{Key: "GET /x", Authorizer: auth, Integration: Integration{Function: arn}}, {Key: "GET /y", Integration: Integration{Function: arn}}}
		config.Stages = map[string]Stage{"a": {Variables: map[string]string{"fn": "shop", "alias": "live"}}, "b": {Variables: map[string]string{"fn": "shop"}}}
		a, f := setup(t, config)
		var asked []string
		f.reply = func(function string, _ map[string]any) (string, error) {
			if asked = append(asked, function); strings.HasPrefix(function, "arn:auth") {
				return `{"isAuthorized":true}`, nil
			}
			return `{"statusCode":200}`, nil
		}
		resp := do(t, a, "GET", "/a/x", "", "Authorization", "me")
		if diff := cmp.Diff([]string{"arn:auth-live", "arn:aws:lambda:eu-central-1:123456789012:function:shop:live"}, asked); diff != "" || resp.StatusCode != 200 {
			t.Errorf("%s: %s %s", name, resp.Status, diff)
		}
		for _, target := range []string{"/b/y", "/b/x"} {
			if resp := do(t, a, "GET", target, "", "Authorization", "me"); resp.StatusCode != 500 {
				t.Errorf("%s %s: %s", name, target, resp.Status)
			}
		}
		if len(asked) != 2 || len(f.log) != 2 || !strings.Contains(f.log[0], `GET /y: the stage does not have the variable "alias"; the client gets 500`) {
			t.Errorf("%s: asked %q, log %q", name, asked, f.log)
		}
	}
}

// TestIntegrationMethod: Lambda takes nothing but POST, and API Gateway nothing for it.
func TestIntegrationMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{"": 200, "POST": 200, "GET": 500} {
		a, f := setupREST(t, REST{}, Route{Key: "GET /x", Integration: Integration{Method: method}})
		resp := do(t, a, "GET", "/live/x", "")
		if body := text(t, resp); resp.StatusCode != want || want == 500 && (body != `{"message":"Internal server error"}` || len(f.events) > 0 || len(f.log) != 1) {
			t.Errorf("%q: %s %s %q", method, resp.Status, body, f.log)
		}
	}
}

// TestTraceREST: only a function's response tells the trace.
func TestTraceREST(t *testing.T) {
	t.Parallel()
	a, _ := setupREST(t, REST{}, Route{Key: "GET /fn"}, Route{Key: "GET /mock", Integration: Integration{Mock: &Mock{Status: 200}}})
	const trace = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"
	for target, want := range map[string]string{"/live/fn": trace, "/live/mock": "", "/live/none": ""} {
		if got := do(t, a, "GET", target, "", "X-Amzn-Trace-Id", trace).Header.Get("X-Amzn-Trace-Id"); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	const root = "Root=1-3152b799-8954dae64eda91bc9a23a7e8"
	if got := do(t, a, "GET", "/live/fn", "", "X-Amzn-Trace-Id", root).Header.Get("X-Amzn-Trace-Id"); !strings.HasPrefix(got, root+";Parent=") {
		t.Errorf("without a parent: got %q", got)
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
	if log := strings.Join(f.log, "\n"); !strings.Contains(log, "the response to POST /x is malformed: it is no proxy response: it must be a JSON object; the client gets 502") {
		t.Errorf("log %q", log)
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
		{[]string{"image/png"}, "image/png", true, "image/jpg", "aGk="}, // though the response has the type
		{[]string{"image/png"}, "image/png", true, "image/webp,image/png", "aGk="},
		{[]string{"image/png"}, "image/png", true, "image/*", "aGk="},
		{[]string{"image/png"}, "image/png", true, "*/*", "aGk="},
		{[]string{"image/png"}, "image/png", true, "", "hi"}, // the response's type decides
		{[]string{"*/test"}, "text/test", false, "*/test", "aGk="},
		{[]string{"application/*"}, "application/x", true, "application/*", "hi"},
		{[]string{"application/*"}, "application", false, "application", "aGk="},
	} {
		a, f := setupREST(t, REST{BinaryTypes: c.types}, Route{Key: "POST /x"})
		f.reply = func(string, map[string]any) (string, error) {
			return `{"statusCode":200,"body":"aGk=","isBase64Encoded":true,"headers":{"Server":"mine","Content-Type":"image/png"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]}}`, nil
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
