package local_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

// apisTemplate has two HTTP APIs, one of them with a JWT authorizer and a stage of
// a name, and two WebSocket APIs.
func apisTemplate() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	resources := map[string]any{
		"Fn": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
			"Environment": map[string]any{"Variables": map[string]any{
				"SECOND":    map[string]any{"Fn::GetAtt": []any{"HttpB", "ApiEndpoint"}},
				"CALLBACKS": map[string]any{"Fn::Sub": "https://${SocketB}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"},
			}},
		}},
		"Jwt": map[string]any{"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": map[string]any{
			"ApiId": ref("HttpB"), "AuthorizerType": "JWT", "IdentitySource": []any{"$request.header.Authorization"},
			"JwtConfiguration": map[string]any{"Issuer": "http://127.0.0.1:1", "Audience": []any{"a"}},
		}},
	}
	for _, id := range []string{"HttpA", "HttpB", "SocketA", "SocketB"} {
		protocol, route, stage := "HTTP", "$default", "$default"
		if strings.HasPrefix(id, "Socket") {
			protocol, stage = "WEBSOCKET", "live"
		}
		routeProperties := map[string]any{"ApiId": ref(id), "RouteKey": route, "Target": map[string]any{"Fn::Sub": "integrations/${" + id + "Int}"}}
		if id == "HttpB" {
			stage = "prod"
			routeProperties["RouteKey"] = "GET /guarded"
			routeProperties["AuthorizationType"], routeProperties["AuthorizerId"] = "JWT", ref("Jwt")
		}
		resources[id] = map[string]any{"Type": "AWS::ApiGatewayV2::Api", "Properties": map[string]any{"Name": id, "ProtocolType": protocol, "RouteSelectionExpression": "$request.body.action"}}
		resources[id+"Int"] = map[string]any{"Type": "AWS::ApiGatewayV2::Integration", "Properties": map[string]any{
			"ApiId": ref(id), "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0",
			"IntegrationUri": map[string]any{"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"},
		}}
		resources[id+"Route"] = map[string]any{"Type": "AWS::ApiGatewayV2::Route", "Properties": routeProperties}
		resources[id+"Stage"] = map[string]any{"Type": "AWS::ApiGatewayV2::Stage", "Properties": map[string]any{"ApiId": ref(id), "StageName": stage}}
	}
	resources["Url"] = map[string]any{"Type": "AWS::Lambda::Url", "Properties": map[string]any{
		"TargetFunctionArn": map[string]any{"Fn::GetAtt": []any{"Fn", "Arn"}}, "AuthType": "NONE",
	}}
	return map[string]any{"Resources": resources, "Outputs": map[string]any{
		"Chat": map[string]any{"Value": map[string]any{"Fn::Sub": "wss://${SocketA}.execute-api.${AWS::Region}.amazonaws.com/live"}},
	}}
}

func TestSeveralAPIs(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Apis", apisTemplate()), Programs: map[string]string{"Fn": self},
		Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	s := e.State()
	if len(s.HTTPAPIs) != 3 || len(s.WebSocketAPIs) != 2 {
		t.Fatalf("%+v", s)
	}
	a, b, wsA, wsB := s.HTTPAPIs[0], s.HTTPAPIs[1], s.WebSocketAPIs[0], s.WebSocketAPIs[1]
	if a.URL != e.URL() || wsA.URL != strings.Replace(e.URL(), "http", "ws", 1)+"/live" {
		t.Errorf("the first APIs are not on the engine's port: %s %s", a.URL, wsA.URL)
	}
	if b.URL == e.URL()+"/prod" || !strings.HasSuffix(b.URL, "/prod") || wsB.URL == wsA.URL {
		t.Errorf("the second APIs: %s %s", b.URL, wsB.URL)
	}
	if diff := cmp.Diff([]local.OutputState{{Stack: "Apis", Name: "Chat", Value: wsA.URL}}, s.Outputs); diff != "" {
		t.Error(diff)
	}

	get := func(url string) string {
		resp, err := within.Client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return fmt.Sprintf("%d %s", resp.StatusCode, body)
	}
	env := get(a.URL + "/any")
	for _, want := range []string{"SECOND=" + strings.TrimSuffix(b.URL, "/prod"), "CALLBACKS=" + strings.Replace(wsB.URL, "ws", "http", 1)} {
		if !strings.HasPrefix(env, "200 ") || !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("no %s in %s", want, env)
		}
	}
	if got := get(s.HTTPAPIs[2].URL + "/any"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the function URL: %s", got)
	}
	if got := get(b.URL + "/guarded"); got != `401 {"message":"Unauthorized"}` {
		t.Errorf("without a token: %s", got)
	}
	if got := get(b.URL + "/other"); got != `404 {"message":"Not Found"}` {
		t.Errorf("without a route: %s", got)
	}
	for _, url := range []string{wsA.URL, wsB.URL, strings.TrimSuffix(wsA.URL, "/live")} {
		c, _, err := websocket.Dial(within.Context(t), url, nil)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		c.CloseNow()
	}

	// Connections outlive a change of the template, and of the code.
	c, _, err := websocket.Dial(within.Context(t), wsB.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(c.CloseRead(within.Context(t))); err != nil {
		t.Errorf("after a reload: %v", err)
	}
	if got := get(wsB.CallbackURL + "/@connections/none"); got != `410 {"message":"Gone"}` {
		t.Errorf("@connections: %s", got)
	}
}

// TestForeignHosts: no port serves a site whose name resolves to this machine, and none
// of the engine's own takes requests of other origins.
func TestForeignHosts(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := apisTemplate()
	template["Resources"].(map[string]any)["Notes"] = map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
		"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
	}}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Apis", template), Programs: map[string]string{"Fn": self}, Hosts: []string{"*.tunnel.example"},
		Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	s := e.State()
	ask := func(method, url, host, origin string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		req.Header.Set("X-Hearth", "1")
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for name, c := range map[string]struct {
		url string
		app bool
	}{
		"the app": {e.URL() + "/any", true}, "a function URL": {s.HTTPAPIs[2].URL + "/any", true}, "@connections": {s.WebSocketAPIs[1].CallbackURL + "/@connections/x", true},
		"the state": {e.URL() + "/_hearth/state", false}, "SQS": {e.SQSEndpoint(), false}, "DynamoDB": {e.DynamoDBEndpoint(), false},
	} {
		own := ask("GET", c.url, "", "")
		if own == 403 {
			t.Errorf("%s: its own host is refused", name)
		}
		if got := ask("GET", c.url, "evil.example", ""); got != 403 {
			t.Errorf("%s: Host evil.example: %d, want 403", name, got)
		}
		want := 403
		if c.app { // whether a page may read it is up to the app
			want = own
		}
		if got := ask("GET", c.url, "", "http://evil.example"); got != want {
			t.Errorf("%s: Origin evil.example: %d, want %d", name, got, want)
		}
		if got := ask("GET", c.url, "mine.tunnel.example", ""); got != want {
			t.Errorf("%s: a tunnel: %d, want %d", name, got, want)
		}
	}
}

// TestFixedPorts: every port can be named, and stays the same over a reload.
func TestFixedPorts(t *testing.T) {
	t.Parallel()
	free := func() string {
		// A port that the system gives to nobody by itself, so that it stays free.
		for range 100 {
			addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000)))
			if l, err := net.Listen("tcp", addr); err == nil {
				l.Close()
				return addr
			}
		}
		t.Fatal("no port is free")
		return ""
	}
	api, queues := free(), free()
	e := startApis(t, local.Options{APIAddr: api, SQSAddr: queues}, func(map[string]any) {})
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := e.State().HTTPAPIs[1].URL; got != "http://"+api+"/prod" {
		t.Errorf("the second API: %s", got)
	}
	if got := e.SQSEndpoint(); got != "http://"+queues {
		t.Errorf("SQS: %s", got)
	}
}
