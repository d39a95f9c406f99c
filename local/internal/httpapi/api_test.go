package httpapi

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/within"
)

// fakeFunctions are functions by their ARN; each gets the decoded event.
type fakeFunctions struct {
	mu     sync.Mutex
	events []map[string]any
	left   []time.Duration // until the deadlines of the invocations; 0 for none
	reply  func(function string, event map[string]any) (string, error)

	log     []string
	more    chan struct{} // of a stream, as the others
	failure error
	ended   chan struct{}
}

func (f *fakeFunctions) Invoke(ctx context.Context, i gateway.Invocation) ([]byte, error) {
	var e map[string]any
	if err := json.Unmarshal(i.Event, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.events = append(f.events, e)
	left := time.Duration(0)
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	f.left = append(f.left, left)
	f.mu.Unlock()
	if f.reply == nil {
		return []byte(`{"statusCode":200,"body":"ok"}`), nil
	}
	out, err := f.reply(i.Function, e)
	if out == "wait" {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if rest, ok := strings.CutPrefix(out, "late "); ok { // it comes, and then the time is over
		<-ctx.Done()
		out = rest
	}
	return []byte(out), err
}

// InvokeStream begins with the reply up to "…": what follows it comes when more is closed.
func (f *fakeFunctions) InvokeStream(ctx context.Context, i gateway.Invocation) (*Stream, error) {
	out, err := f.Invoke(ctx, i)
	if err != nil {
		return nil, err
	}
	kind, reply, _ := strings.Cut(string(out), "|")
	first, rest, _ := strings.Cut(reply, "…")
	r, w := io.Pipe()
	go func() {
		io.WriteString(w, first)
		if f.more != nil {
			select {
			case <-f.more:
			case <-time.After(within.Limit):
			}
		}
		io.WriteString(w, rest)
		w.CloseWithError(f.failure)
		f.ended <- struct{}{}
	}()
	return &Stream{kind, r}, nil
}

func (f *fakeFunctions) logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fakeFunctions) last() map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events[len(f.events)-1]
}

type throttled struct{}

func (throttled) Error() string   { return "throttled" }
func (throttled) Throttled() bool { return true }

func setup(t *testing.T, c Config) (*API, *fakeFunctions) {
	t.Helper()
	f := &fakeFunctions{ended: make(chan struct{}, 1)}
	a := New(f, f.logf)
	c.ID, c.Region, c.Account = "abc", "eu-central-1", "123456789012"
	if c.Stages == nil {
		c.Stages = map[string]Stage{"$default": {}}
	}
	if c.Routes == nil {
		c.Routes = []Route{{Key: "$default"}}
	}
	for i := range c.Routes {
		if c.Routes[i].Integration.Version == "" {
			c.Routes[i].Integration.Version = "2.0"
		}
		if c.Routes[i].Integration.Function == "" {
			c.Routes[i].Integration.Function = "arn:handler"
		}
	}
	if err := a.Configure(c); err != nil {
		t.Fatal(err)
	}
	return a, f
}

func do(t *testing.T, a *API, method, target, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	var routes []Route
	for _, key := range []string{"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "POST /pets/{proxy+}", "ANY /pets/dog/1", "$default"} {
		routes = append(routes, Route{Key: key})
	}
	r, err := newRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		"GET /pets/dog/1":   "GET /pets/dog/1",
		"PUT /pets/dog/1":   "ANY /pets/dog/1",
		"GET /pets/dog/2":   "GET /pets/dog/{id} id=2",
		"GET /pets/dog/a b": "GET /pets/dog/{id} id=a b",
		"GET /pets/dog/a/b": "GET /pets/{proxy+} proxy=dog/a/b",
		"GET /pets/cat/3":   "GET /pets/{proxy+} proxy=cat/3",
		"POST /pets/dog/2":  "POST /pets/{proxy+} proxy=dog/2",
		"PUT /pets/dog/2":   "ANY /{proxy+} proxy=pets/dog/2",
		"GET /":             "$default",
	} {
		method, path, _ := strings.Cut(request, " ")
		route, params := r.find(method, path)
		got := route.Key
		for k, v := range params {
			got += " " + k + "=" + v
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	for _, bad := range [][]Route{{{Key: "GET"}}, {{Key: "GET /a"}, {Key: "GET /a"}}} {
		if _, err := newRouter(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestEvent2(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{Stages: map[string]Stage{"prod": {Variables: map[string]string{"color": "red"}}}, Routes: []Route{{Key: "PUT /notes/{id}"}}})
	resp := do(t, a, "PUT", "http://localhost:3000/prod/notes/a%20b?tag=go&tag=aws&q=a%20b", `{"x":"<&>"}`,
		"Content-Type", "application/json", "Cookie", "a=1; b=2", "X-List", "one", "X-List", "two", "Connection", "keep-alive", "X-Forwarded-For", "9.9.9.9")
	if resp.StatusCode != 200 || text(t, resp) != "ok" || resp.Header.Get("Content-Type") != "text/plain;charset=UTF-8" || resp.Header.Get("Apigw-Requestid") == "" {
		t.Errorf("%v", resp)
	}
	got := f.last()
	context, _ := got["requestContext"].(map[string]any)
	for _, name := range []string{"requestId", "time", "timeEpoch"} {
		if context[name] == nil {
			t.Errorf("no %s", name)
		}
		delete(context, name)
	}
	headers, _ := got["headers"].(map[string]any)
	if trace, _ := headers["x-amzn-trace-id"].(string); !strings.HasPrefix(trace, "Root=1-") {
		t.Errorf("trace %q", trace)
	}
	delete(headers, "x-amzn-trace-id")
	want := map[string]any{
		"version": "2.0", "routeKey": "PUT /notes/{id}", "rawPath": "/prod/notes/a b", "rawQueryString": "tag=go&tag=aws&q=a%20b",
		"cookies":               []any{"a=1", "b=2"},
		"headers":               map[string]any{"content-type": "application/json", "x-list": "one,two", "host": "localhost:3000", "x-forwarded-for": "9.9.9.9, 192.0.2.1", "x-forwarded-port": "3000", "x-forwarded-proto": "http"},
		"queryStringParameters": map[string]any{"tag": "go,aws", "q": "a b"},
		"pathParameters":        map[string]any{"id": "a b"}, "stageVariables": map[string]any{"color": "red"},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abc", "domainName": "abc.execute-api.eu-central-1.amazonaws.com", "domainPrefix": "abc",
			"http":     map[string]any{"method": "PUT", "path": "/prod/notes/a b", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
			"routeKey": "PUT /notes/{id}", "stage": "prod",
		},
		"body": `{"x":"<&>"}`, "isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if resp := do(t, a, "PUT", "/notes/1", ""); resp.StatusCode != 404 || text(t, resp) != `{"message":"Not Found"}` {
		t.Errorf("outside the stage: %v", resp)
	}
}

// TestPathIsDecodedOnce: an HTTP API decodes the path before it looks for a route, in
// both payload formats.
func TestPathIsDecodedOnce(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.0", "2.0"} {
		var routes []Route
		for _, key := range []string{"GET /files/{name}", "GET /all/{proxy+}", "GET /ä/b"} {
			routes = append(routes, Route{Key: key, Integration: Integration{Version: version}})
		}
		a, f := setup(t, Config{Routes: routes})
		for target, want := range map[string][2]string{ // the path of the event, its parameter
			"/files/100%2525":    {"/files/100%25", "100%25"},
			"/files/a%20b":       {"/files/a b", "a b"},
			"/files/a%3Fb=c":     {"/files/a", "a"},
			"/all/a%2Fb/c":       {"/all/a/b/c", "a/b/c"},
			"/files%2Fx":         {"/files/x", "x"},
			"/%C3%A4/b":          {"/ä/b", ""},
			"/files/a+b":         {"/files/a+b", "a+b"},
			"/files/a%23b?q=%2F": {"/files/a#b", "a#b"},
		} {
			if resp := do(t, a, "GET", target, ""); resp.StatusCode != 200 {
				t.Errorf("%s %s: %s", version, target, resp.Status)
				continue
			}
			e := f.last()
			c := e["requestContext"].(map[string]any)
			paths := []any{e["rawPath"], nil}
			if version == "1.0" {
				paths = []any{e["path"], c["path"]}
			} else {
				paths[1] = c["http"].(map[string]any)["path"]
			}
			if paths[0] != want[0] || paths[1] != want[0] {
				t.Errorf("%s %s: the event has %v, want %q", version, target, paths, want[0])
			}
			params, _ := e["pathParameters"].(map[string]any)
			got := ""
			for _, value := range params {
				got = value.(string)
			}
			if got != want[1] {
				t.Errorf("%s %s: the parameter is %q, want %q", version, target, got, want[1])
			}
		}
		if resp := do(t, a, "GET", "/files/a%2Fb", ""); resp.StatusCode != 404 {
			t.Errorf("%s: %%2F in a segment: %s, want 404", version, resp.Status)
		}
	}
}

func TestEvent1(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{Routes: []Route{{Key: "GET /x", Integration: Integration{Version: "1.0"}}}})
	f.reply = func(string, map[string]any) (string, error) {
		return `{"statusCode":"201","headers":{"A":"b","N":5},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"aGk=","isBase64Encoded":true}`, nil
	}
	resp := do(t, a, "GET", "/x?a=1&a=2", "", "X-L", "1", "X-L", "2")
	if resp.StatusCode != 201 || text(t, resp) != "hi" || len(resp.Header["Set-Cookie"]) != 2 || resp.Header.Get("A") != "b" || resp.Header.Get("N") != "5" {
		t.Errorf("%v", resp)
	}
	got := f.last()
	for name, want := range map[string]any{
		"version": "1.0", "resource": "/x", "path": "/x", "httpMethod": "GET", "body": nil, "isBase64Encoded": false,
		"queryStringParameters": map[string]any{"a": "2"}, "multiValueQueryStringParameters": map[string]any{"a": []any{"1", "2"}},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if h, _ := got["multiValueHeaders"].(map[string]any); !cmp.Equal(h["x-l"], []any{"1", "2"}) || !cmp.Equal(h["host"], []any{"example.com"}) || h["x-forwarded-for"] == nil {
		t.Errorf("headers: %v", h) // all names are in small letters
	}
	f.reply = func(string, map[string]any) (string, error) { return `"hi"`, nil }
	if resp := do(t, a, "GET", "/x", ""); resp.StatusCode != 500 {
		t.Errorf("a response without a status: %v", resp)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{})
	for kind, encoded := range map[string]bool{
		"text/csv; charset=utf-8": false, "application/json": false, "application/xml": false, "application/javascript": false,
		"application/x-www-form-urlencoded": true, "image/png": true, "": true, "application/vnd.api+json": true,
	} {
		do(t, a, "POST", "/", "a=b", "Content-Type", kind)
		want := "a=b"
		if encoded {
			want = base64.StdEncoding.EncodeToString([]byte(want))
		}
		if e := f.last(); e["isBase64Encoded"] != encoded || e["body"] != want {
			t.Errorf("%q: %v", kind, e["body"])
		}
	}
	do(t, a, "POST", "/", "\xff", "Content-Type", "text/plain")
	if f.last()["isBase64Encoded"] != true {
		t.Error("text that is not UTF-8 came as text")
	}
	do(t, a, "POST", "/", "x", "Content-Type", "text/plain", "Content-Encoding", "gzip")
	if f.last()["isBase64Encoded"] != true {
		t.Error("compressed text came as text")
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{})
	for reply, want := range map[string]string{
		`{"statusCode":204}`: "204 text/plain;charset=UTF-8 ",
		`{"statusCode":200,"headers":{"content-type":"text/html"},"body":"<p>"}`: "200 text/html <p>",
		`{"statusCode":200,"cookies":["a=1"],"body":"x"}`:                        "200 text/plain;charset=UTF-8 x",
		`{"hello":"world"}`:             `200 application/json {"hello":"world"}`,
		`"hello"`:                       "200 application/json hello",
		`[1]`:                           "200 application/json [1]",
		`{"StatusCode":201,"Body":"x"}`: `200 application/json {"StatusCode":201,"Body":"x"}`, // no tags in the program's struct
		`{"statusCode":201,"Body":"x"}`: "201 text/plain;charset=UTF-8 ",
		`{"statusCode":"x"}`:            `500 application/json {"message":"Internal Server Error"}`,
		`{"statusCode":200,"body":{}}`:  `500 application/json {"message":"Internal Server Error"}`,
		`{"statusCode":200,"body":"%","isBase64Encoded":true}`: `500 application/json {"message":"Internal Server Error"}`,
		`nothing`: `500 application/json {"message":"Internal Server Error"}`,
	} {
		f.reply = func(string, map[string]any) (string, error) { return reply, nil }
		resp := do(t, a, "GET", "/", "")
		if got := fmt.Sprintf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), text(t, resp)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", reply, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{Routes: []Route{{Key: "$default", Integration: Integration{Timeout: 20 * time.Millisecond}}}})
	check := func(what string, resp *http.Response, want string) {
		t.Helper()
		if got := fmt.Sprintf("%d %s", resp.StatusCode, text(t, resp)); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	check("headers of 10 KB", do(t, a, "GET", "/", "", "X-Large", strings.Repeat("a", maxHeaderBytes-100)), "200 ok")
	check("larger headers", do(t, a, "GET", "/", "", "X-Large", strings.Repeat("a", maxHeaderBytes)), `431 {"message":"Request Header Fields Too Large"}`)
	check("a body over 10 MB", do(t, a, "POST", "/", strings.Repeat("a", maxBodyBytes+1), "Content-Type", "text/plain"), `413 {"message":"Request Entity Too Large"}`)
	check("an event over 6 MB", do(t, a, "POST", "/", strings.Repeat("a", maxEventBytes), "Content-Type", "text/plain"), `413 {"message":"Request Entity Too Large"}`)
	f.reply = func(string, map[string]any) (string, error) { return "wait", nil }
	check("a slow function", do(t, a, "GET", "/", ""), `503 {"message":"Service Unavailable"}`)
	f.reply = func(string, map[string]any) (string, error) { return "", throttled{} }
	check("a throttled function", do(t, a, "GET", "/", ""), `503 {"message":"Service Unavailable"}`)
	f.reply = func(string, map[string]any) (string, error) { return "", errors.New("it panicked") }
	check("a failed function", do(t, a, "GET", "/", ""), `500 {"message":"Internal Server Error"}`)
	if c := a.Count(); c != (Count{Requests: 7, ClientErrors: 3, ServerErrors: 3}) {
		t.Errorf("%+v", c)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{CORS: &CORS{AllowOrigins: []string{"https://a.example", "http://*"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"x-a"}, ExposeHeaders: []string{"x-b"}, AllowCredentials: true, MaxAge: 60}})
	f.reply = func(string, map[string]any) (string, error) {
		return `{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*","x":"y"}}`, nil
	}
	preflight := do(t, a, "OPTIONS", "/x", "", "Origin", "https://a.example", "Access-Control-Request-Method", "PUT")
	h := preflight.Header
	if preflight.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != "https://a.example" || h.Get("Access-Control-Allow-Methods") != "GET,PUT" ||
		h.Get("Access-Control-Allow-Headers") != "x-a" || h.Get("Access-Control-Max-Age") != "60" || h.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("preflight: %v", preflight)
	}
	if len(f.events) != 0 {
		t.Error("a preflight request reached the function")
	}
	h = do(t, a, "GET", "/x", "", "Origin", "http://b.example").Header
	if h.Get("Access-Control-Allow-Origin") != "http://b.example" || h.Get("Access-Control-Expose-Headers") != "x-b" || h.Get("X") != "y" {
		t.Errorf("request: %v", h)
	}
	if h = do(t, a, "GET", "/x", "", "Origin", "https://evil.example").Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", h)
	}
}

// issuer signs tokens.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"jwks_uri":%q}`, i.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
		e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k1","n":%q,"e":%q}]}`, n, e)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(t *testing.T, alg, kid string, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	signed := part(map[string]string{"alg": alg, "kid": kid}) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestJWT(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	auth := &Authorizer{JWT: &JWT{Issuer: i.URL, Audience: []string{"app"}}}
	a, f := setup(t, Config{Routes: []Route{{Key: "GET /", Authorizer: auth}, {Key: "GET /admin", Authorizer: auth, Scopes: []string{"admin"}}}})
	now := time.Now().Unix()
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"iss": i.URL, "aud": "app", "exp": now + 60, "sub": "anna", "scope": "read admin", "roles": []string{"x", "y"}}
		for k, v := range change {
			c[k] = v
		}
		return c
	}
	for what, c := range map[string]struct {
		path, token string
		want        int
		log         string // "" for no line
	}{
		"good":             {"/", i.token(t, "RS256", "k1", claims(nil)), 200, ""},
		"a scope":          {"/admin", i.token(t, "RS256", "k1", claims(nil)), 200, ""},
		"client_id":        {"/", i.token(t, "RS256", "k1", claims(map[string]any{"aud": nil, "client_id": "app"})), 200, ""},
		"no such scope":    {"/admin", i.token(t, "RS256", "k1", claims(map[string]any{"scope": "read"})), 403, `GET /admin: the token has none of the scopes ["admin"]; the client gets 403`},
		"expired":          {"/", i.token(t, "RS256", "k1", claims(map[string]any{"exp": now - 1})), 401, "token is expired; the client gets 401"},
		"not yet":          {"/", i.token(t, "RS256", "k1", claims(map[string]any{"nbf": now + 60})), 401, "token is not valid yet; the client gets 401"},
		"another audience": {"/", i.token(t, "RS256", "k1", claims(map[string]any{"aud": []string{"x"}})), 401, `its aud, or else its client_id, is none of ["app"]; the client gets 401`},
		"another issuer":   {"/", i.token(t, "RS256", "k1", claims(map[string]any{"iss": "https://x"})), 401, "token has invalid issuer; the client gets 401"},
		"unsigned":         {"/", i.token(t, "none", "k1", claims(nil)), 401, "signing method none is invalid; the client gets 401"},
		"an unknown key":   {"/", i.token(t, "RS256", "k2", claims(nil)), 401, "its issuer has no key of its kid; the client gets 401"},
		"no token":         {"/", "", 401, "token contains an invalid number of segments; the client gets 401"},
		"changed":          {"/", strings.Replace(i.token(t, "RS256", "k1", claims(nil)), ".", ".e30", 1), 401, "the client gets 401"},
	} {
		f.log = nil
		if resp := do(t, a, "GET", c.path, "", "Authorization", "Bearer "+c.token); resp.StatusCode != c.want {
			t.Errorf("%s: got %d %s, want %d", what, resp.StatusCode, text(t, resp), c.want)
		}
		if got := strings.Join(f.log, "|"); (got != "") != (c.log != "") || !strings.HasSuffix(got, c.log) || c.token != "" && strings.Contains(got, c.token) {
			t.Errorf("%s: log %q, want %q", what, got, c.log)
		}
	}
	f.log = nil
	if resp := do(t, a, "GET", "/", ""); resp.StatusCode != 401 || len(f.log) > 0 {
		t.Errorf("no header: %d, %q", resp.StatusCode, f.log)
	}
	i.Close()
	gone := &Authorizer{JWT: &JWT{Issuer: i.URL, Audience: []string{"app"}}}
	b, fb := setup(t, Config{Routes: []Route{{Key: "GET /", Authorizer: gone}}})
	if resp := do(t, b, "GET", "/", "", "Authorization", i.token(t, "RS256", "k1", claims(nil))); resp.StatusCode != 401 || len(fb.log) != 1 || !strings.HasPrefix(fb.log[0], "GET /: fetch the keys of "+i.URL+": ") {
		t.Errorf("an issuer that is not there: %d, %q", resp.StatusCode, fb.log)
	}
	do(t, a, "GET", "/admin", "", "Authorization", i.token(t, "RS256", "k1", claims(nil)))
	got, _ := f.last()["requestContext"].(map[string]any)
	want := map[string]any{"jwt": map[string]any{
		"claims": map[string]any{"iss": i.URL, "aud": "app", "exp": fmt.Sprint(now + 60), "sub": "anna", "scope": "read admin", "roles": "[x y]"}, "scopes": []any{"admin"},
	}}
	if diff := cmp.Diff(want, got["authorizer"]); diff != "" {
		t.Error(diff)
	}
}

func TestLambdaAuthorizer(t *testing.T) {
	t.Parallel()
	simple := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:simple", Version: "2.0", Simple: true, IdentitySource: []string{"$request.header.Authorization"}, TTL: time.Minute}}
	policy := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:policy", Version: "1.0", IdentitySource: []string{"$request.querystring.token"}}}
	a, f := setup(t, Config{Routes: []Route{{Key: "GET /simple", Authorizer: simple}, {Key: "GET /policy/{id}", Authorizer: policy}}})
	asked := 0
	f.reply = func(function string, e map[string]any) (string, error) {
		switch function {
		case "arn:simple":
			asked++
			allowed := e["identitySource"].([]any)[0] == "yes"
			return fmt.Sprintf(`{"isAuthorized":%v,"context":{"user":"anna"}}`, allowed), nil
		case "arn:policy":
			switch e["authorizationToken"] {
			case "broken":
				return `{}`, nil
			case "case":
				return `{"PrincipalId":"p","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`, nil
			}
			return `{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:abc/$default/GET/policy/*"},{"Effect":"Deny","Action":["execute-api:*"],"Resource":["*/policy/2"]}]}}`, nil
		}
		return `{"statusCode":200}`, nil
	}
	for range 2 {
		if resp := do(t, a, "GET", "/simple", "", "Authorization", "yes"); resp.StatusCode != 200 {
			t.Errorf("allowed: %v", resp)
		}
	}
	if c, _ := f.last()["requestContext"].(map[string]any); !cmp.Equal(c["authorizer"], map[string]any{"lambda": map[string]any{"user": "anna"}}) {
		t.Errorf("context: %v", c["authorizer"])
	}
	if asked != 1 {
		t.Errorf("the authorizer was asked %d times within its TTL", asked)
	}
	for target, want := range map[string]string{
		"/policy/1?token=x":      "200 ",
		"/policy/2?token=x":      `403 {"message":"Forbidden"}`,
		"/policy/1":              `401 {"message":"Unauthorized"}`,
		"/policy/1?token=broken": `500 {"message":"Internal Server Error"}`,
		"/policy/1?token=case":   `500 {"message":"Internal Server Error"}`,
		"/simple":                `401 {"message":"Unauthorized"}`,
	} {
		resp := do(t, a, "GET", target, "")
		if got := fmt.Sprintf("%d %s", resp.StatusCode, text(t, resp)); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	if resp := do(t, a, "GET", "/simple", "", "Authorization", "no"); resp.StatusCode != 403 {
		t.Errorf("refused: %v", resp)
	}
}

// TestDebug: while a debugger may hold a process, neither an integration nor an authorizer
// has the time limit of API Gateway.
func TestDebug(t *testing.T) {
	t.Parallel()
	for _, rest := range []*REST{nil, {}} {
		for _, debug := range []bool{false, true} {
			auth := &Authorizer{Lambda: &LambdaAuthorizer{Function: "arn:simple", Version: "2.0", Simple: true}}
			config := Config{Debug: debug, Routes: []Route{{Key: "GET /x", Authorizer: auth}}}
			path := "/x"
			if rest != nil {
				config.REST, config.Stages, path = rest, map[string]Stage{"live": {}}, "/live/x"
			}
			a, f := setup(t, config)
			f.reply = func(function string, _ map[string]any) (string, error) {
				if function == "arn:simple" {
					return `{"isAuthorized":true}`, nil
				}
				return `{"statusCode":200}`, nil
			}
			if resp := do(t, a, "GET", path, ""); resp.StatusCode != 200 {
				t.Fatalf("%s: %v", path, resp)
			}
			for i, left := range f.left {
				if limited := left > 0 && left < time.Hour; limited == debug {
					t.Errorf("%s: debug %v, invocation %d: %v are left", path, debug, i, left)
				}
			}
			if len(f.left) != 2 {
				t.Errorf("%s: %v", path, f.left)
			}
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	a, _ := setup(t, Config{})
	server := httptest.NewServer(a)
	defer server.Close()
	resp, err := within.Client.Head(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body := text(t, resp); resp.StatusCode != 200 || body != "" {
		t.Errorf("%v %q", resp, body)
	}
	resp, err = within.Client.Post(server.URL, "text/plain", io.MultiReader(bytes.NewReader([]byte("chunked")))) // of unknown length
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestNotSimulated: a route whose integration is not simulated answers 501 and says so, in
// the log too. No function runs.
func TestNotSimulated(t *testing.T) {
	t.Parallel()
	route := Route{Key: "GET /x", Integration: Integration{NotSimulated: true}}
	http, f := setup(t, Config{Routes: []Route{route}})
	rest, g := setupREST(t, REST{}, route)
	for _, c := range []struct {
		api    *API
		f      *fakeFunctions
		target string
	}{{http, f, "/x"}, {rest, g, "/live/x"}} {
		resp := do(t, c.api, "GET", c.target, "")
		if body := text(t, resp); resp.StatusCode != 501 || body != `{"message":"hearth: the integration of GET /x is not simulated on this machine"}` {
			t.Errorf("%s: got %d %s", c.target, resp.StatusCode, body)
		}
		if want := []string{"GET /x: its integration is not simulated here; the client gets 501"}; !cmp.Equal(want, c.f.log) || len(c.f.events) != 0 {
			t.Errorf("%s: log %q, %d events", c.target, c.f.log, len(c.f.events))
		}
	}
}

// TestGatewaysOwnErrorsAreLogged with the function and the id of its invocation.
func TestGatewaysOwnErrorsAreLogged(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		`{"statusCode":99999}`:                                 "the response to GET /x is malformed: it is no proxy response: statusCode must be 100 to 599, got 99999; the client gets 500",
		`late {"statusCode":9}`:                                "statusCode must be 100 to 599, got 9; the client gets 500",
		`{"statusCode":200,"body":"%","isBase64Encoded":true}`: "body is not base64, though isBase64Encoded is true; the client gets 500",
		`{"statusCode":200,"body":{}}`:                         "body must be a string; the client gets 500",
		`wait`:                                                 "no response to GET /x in the time that the integration has; the client gets 503",
		`{"statusCode":500}`:                                   "",
	} {
		a, f := setup(t, Config{Routes: []Route{{Key: "GET /x", Integration: Integration{Timeout: 50 * time.Millisecond}}}})
		f.reply = func(string, map[string]any) (string, error) { return reply, nil }
		do(t, a, "GET", "/x", "")
		got := strings.Join(f.log, "|")
		if want == "" && got != "" || !strings.HasSuffix(got, want) || want != "" && !strings.HasPrefix(got, "arn:handler: RequestId: ") {
			t.Errorf("%s: got %q, want %q", reply, got, want)
		}
	}
}
