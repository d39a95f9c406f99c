package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
)

// seenRequest holds the parts of a request that a handler can observe.
type seenRequest struct {
	Method, Path, Escaped, RawPath, Query, RequestURI, Host, RemoteAddr, Proto string
	Header                                                                     http.Header
	Body                                                                       string
	ContentLength                                                              int64
}

func see(r *http.Request) seenRequest {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	return seenRequest{
		r.Method, r.URL.Path, r.URL.EscapedPath(), r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.Host, r.RemoteAddr, r.Proto,
		r.Header, string(body), r.ContentLength,
	}
}

func TestHTTPRequests(t *testing.T) {
	t.Parallel()
	const host = "abc123.execute-api.eu-central-1.amazonaws.com"
	for name, want := range map[string]seenRequest{
		"http-v2-get": {
			Method: "GET", Path: "/users/anna berg/bookmarks", Escaped: "/users/anna%20berg/bookmarks",
			Query: "tag=go&tag=aws&q=a%20b", RequestURI: "/users/anna%20berg/bookmarks?tag=go&tag=aws&q=a%20b", Host: host, RemoteAddr: "203.0.113.7:0", Proto: "HTTP/1.1",
			Header: http.Header{
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "Content-Length": {"0"}, "User-Agent": {"curl/8.5.0"},
				"X-Amzn-Trace-Id": {"Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5"}, "X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Port": {"443"},
				"X-Forwarded-Proto": {"https"}, "X-List": {"one,two"}, "Cookie": {"session=abc; theme=dark"},
			},
		},
		"http-v2-post-binary": {
			Method: "POST", Path: "/upload", Escaped: "/upload", RequestURI: "/upload", Host: host, RemoteAddr: "203.0.113.7:0", Proto: "HTTP/1.1",
			Header: http.Header{"Content-Type": {"application/octet-stream"}, "Content-Length": {"6"}},
			Body:   "\x00\x01\xff\x80A", ContentLength: 5,
		},
		"http-v2-stage-jwt": {
			Method: "PUT", Path: "/notes/1", Escaped: "/notes/1", RequestURI: "/notes/1", Host: host, RemoteAddr: "203.0.113.7:0", Proto: "HTTP/1.1",
			Header: http.Header{"Content-Type": {"application/json"}}, Body: "{\"text\":\"Grüße 😀\\n\"}", ContentLength: 25,
		},
		"function-url-get": {
			Method: "GET", Path: "/", Escaped: "/", RequestURI: "/", Host: "u1.lambda-url.eu-central-1.on.aws", RemoteAddr: "[2001:db8::7]:0", Proto: "HTTP/1.1",
			Header: http.Header{"Accept": {"*/*"}},
		},
		"http-v1-rest": {
			Method: "POST", Path: "/things/a b", Escaped: "/things/a%20b", Query: "tag=go&tag=aws+%26+go&empty=", RequestURI: "/things/a%20b?tag=go&tag=aws+%26+go&empty=",
			Host: "r1.execute-api.eu-central-1.amazonaws.com", RemoteAddr: "203.0.113.8:0", Proto: "HTTP/1.1",
			Header: http.Header{"Accept": {"text/html"}, "Content-Type": {"text/plain"}, "X-Multi": {"a", "b"}}, Body: "hello", ContentLength: 5,
		},
		"http-v1-http-api": {
			Method: "GET", Path: "/hello", Escaped: "/hello", RequestURI: "/hello", Host: host, RemoteAddr: "203.0.113.7:0", Proto: "HTTP/1.1", Header: http.Header{},
		},
		"alb-get": {
			Method: "GET", Path: "/a b", Escaped: "/a%20b", Query: "q=a%20b&r=1", RequestURI: "/a%20b?q=a%20b&r=1", Host: "alb.example.com", RemoteAddr: "203.0.113.9:0", Proto: "HTTP/1.1",
			Header: http.Header{"Accept": {"*/*"}, "X-Forwarded-For": {"198.51.100.4, 203.0.113.9"}, "X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"}},
		},
		"alb-multi-value": {
			Method: "DELETE", Path: "/things/1", Escaped: "/things/1", Query: "tag=go&tag=aws", RequestURI: "/things/1?tag=go&tag=aws", Host: "alb.example.com", RemoteAddr: "203.0.113.9:0", Proto: "HTTP/1.1",
			Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Cookie": {"a=1; b=2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got seenRequest
			b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = see(r) })})
			out := b.mustInvoke(t.Context(), sample(t, name))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if r := parseResponse(t, out); r.StatusCode != 200 || r.Body != "" {
				t.Errorf("a handler that writes nothing gave %s", out)
			}
		})
	}
}

// TestHeadersInTwoSpellings: direct invocations may have them.
func TestHeadersInTwoSpellings(t *testing.T) {
	t.Parallel()
	var got http.Header
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header })})
	b.mustInvoke(t.Context(), []byte(`{"version":"2.0","rawPath":"/","headers":{"host":"a","x-list":"1","Accept":"*/*","X-List":"2"},"requestContext":{"http":{"method":"GET"}}}`))
	if diff := cmp.Diff(http.Header{"X-List": {"1", "2"}, "Accept": {"*/*"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestClientAddress has the addresses that load balancers report of clients.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	var got string
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })})
	for forwarded, want := range map[string]string{
		"203.0.113.9":                     "203.0.113.9:0",
		"198.51.100.4, 203.0.113.9":       "203.0.113.9:0",
		"2001:db8::7":                     "[2001:db8::7]:0",
		"198.51.100.4, 203.0.113.9:54321": "203.0.113.9:54321",
		"[2001:db8::7]:54321":             "[2001:db8::7]:54321",
		"[2001:db8::7]":                   "[2001:db8::7]:0",
		"198.51.100.4,203.0.113.9 , ,":    "203.0.113.9:0",
		"198.51.100.4, unknown":           "0.0.0.0:0",
		"203.0.113.9:99999":               "0.0.0.0:0",
	} {
		payload := strings.Replace(string(sample(t, "alb-get")), "198.51.100.4, 203.0.113.9", forwarded, 1)
		if b.mustInvoke(t.Context(), []byte(payload)); got != want {
			t.Errorf("%s: got %s, want %s", forwarded, got, want)
		}
	}
}

// TestStageIsNoPartOfThePath has the paths that reach a stage.
func TestStageIsNoPartOfThePath(t *testing.T) {
	t.Parallel()
	const own, custom = "abc123.execute-api.eu-central-1.amazonaws.com", "api.example.com"
	var got string
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI })})
	const (
		httpV2 = `{"version":"2.0","rawPath":%q,"requestContext":{"http":{"method":"GET"},"domainName":%q,"stage":%q}}`
		httpV1 = `{"version":"1.0","resource":"/{p+}","httpMethod":"GET","path":%q,"requestContext":{"domainName":%q,"stage":%q}}`
		restV1 = `{"resource":"/{p+}","httpMethod":"GET","path":%q,"requestContext":{"domainName":%q,"stage":%q}}`
	)
	for _, c := range []struct{ name, event, path, domain, stage, want string }{
		{"HTTP API, 2.0", httpV2, "/dev/notes/1", own, "dev", "/notes/1"},
		{"HTTP API, 1.0", httpV1, "/dev/notes/1", own, "dev", "/notes/1"},
		{"HTTP API, 1.0, root", httpV1, "/dev", own, "dev", "/"},
		{"HTTP API, 1.0, like the stage", httpV1, "/dev/dev/developers", own, "dev", "/dev/developers"},
		{"HTTP API, 1.0, $default", httpV1, "/dev/notes/1", own, "$default", "/dev/notes/1"},
		{"HTTP API, 1.0, custom domain", httpV1, "/dev/notes/1", custom, "dev", "/dev/notes/1"},
		{"REST API", restV1, "/dev/notes/1", own, "dev", "/dev/notes/1"},
	} {
		if b.mustInvoke(t.Context(), fmt.Appendf(nil, c.event, c.path, c.domain, c.stage)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// v2 makes a payload 2.0 event.
func v2(method, path, body string) []byte {
	e := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
		"headers":        map[string]string{"host": "example.com"},
		"requestContext": map[string]any{"http": map[string]any{"method": method, "path": path, "sourceIp": "203.0.113.7", "protocol": "HTTP/1.1"}, "stage": "$default"},
	}
	if body != "" {
		e["body"] = body
	}
	data, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return data
}

// TestPathsReachServeMux sends each path through net/http's own server and
// through an event, and expects the same request either way.
func TestPathsReachServeMux(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q %q %q", r.PathValue("rest"), r.URL.Path, r.URL.RawPath, r.RequestURI)
	})
	b := setup(t, &App{HTTP: mux})
	for _, path := range []string{"/", "/a", "/a%2Fb", "/a%20b", "/%E2%82%AC", "/a+b", "/a%2bb", "/a;b=c", "/a:b@c", "/x%25y", "/x%2525y", "/[1]", "/a!$&'()*,=~"} {
		req := httptest.NewRequest("GET", path, nil)
		want := httptest.NewRecorder()
		mux.ServeHTTP(want, req)
		for name, event := range map[string][]byte{
			"function URL": fromURL("GET", path, ""),
			"REST API":     fmt.Appendf(nil, `{"resource":"/{p+}","httpMethod":"GET","path":%q,"requestContext":{"stage":"dev"}}`, path),
			"ALB":          fmt.Appendf(nil, `{"httpMethod":"GET","path":%q,"requestContext":{"elb":{}}}`, path),
		} {
			if got := parseResponse(t, b.mustInvoke(t.Context(), event)); got.Body != want.Body.String() {
				t.Errorf("%s %s: got %s, net/http gives %s", name, path, got.Body, want.Body)
			}
		}
		// An HTTP API decodes the path: a client's escapes are lost.
		plain := &http.Request{Method: "GET", URL: &url.URL{Path: req.URL.Path}, RequestURI: (&url.URL{Path: req.URL.Path}).EscapedPath()}
		want = httptest.NewRecorder()
		mux.ServeHTTP(want, plain)
		for name, event := range map[string][]byte{
			"HTTP API, 2.0": v2("GET", req.URL.Path, ""),
			"HTTP API, 1.0": fmt.Appendf(nil, `{"version":"1.0","httpMethod":"GET","path":%q,"requestContext":{"stage":"$default"}}`, req.URL.Path),
		} {
			if got := parseResponse(t, b.mustInvoke(t.Context(), event)); got.Body != want.Body.String() {
				t.Errorf("%s %s: got %s, net/http gives %s", name, path, got.Body, want.Body)
			}
		}
	}
	// Paths with invalid escapes, from services that pass them on unchanged.
	for path, want := range map[string]string{
		"/a b":      `"a b" "/a b" "" "/a%20b"`,
		"/100%":     `"100%" "/100%" "" "/100%25"`,
		"/%zz/ä%2F": `"%zz/ä/" "/%zz/ä/" "/%25zz/%C3%A4%2F" "/%25zz/%C3%A4%2F"`,
		"":          `"" "/" "" "/"`,
		"a?b":       `"a?b" "/a?b" "" "/a%3Fb"`,
	} {
		if got := parseResponse(t, b.mustInvoke(t.Context(), fromURL("GET", path, ""))); got.Body != want {
			t.Errorf("%q: got %s, want %s", path, got.Body, want)
		}
	}
}

func TestHTTPResponses(t *testing.T) {
	t.Parallel()
	write := func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain")
		h.Add("Vary", "Accept")
		h.Add("Vary", "Origin")
		h.Add("Set-Cookie", "a=1, 2")
		h.Add("Set-Cookie", "b=2")
		w.WriteHeader(201)
		h.Set("X-Late", "no")
		w.WriteHeader(500)
		io.WriteString(w, "grüß\n")
	}
	for name, want := range map[string]response{
		"http-v2-get": {
			StatusCode: 201, Headers: map[string]string{"Content-Type": "text/plain", "Vary": "Accept, Origin"},
			Cookies: []string{"a=1, 2", "b=2"}, Body: "grüß\n",
		},
		"http-v1-rest": {
			StatusCode: 201, MultiValueHeaders: map[string][]string{"Content-Type": {"text/plain"}, "Vary": {"Accept", "Origin"}, "Set-Cookie": {"a=1, 2", "b=2"}}, Body: "grüß\n",
		},
		"alb-get": {
			StatusCode: 201, StatusDescription: "201 Created", Body: "grüß\n",
			Headers: map[string]string{"Content-Type": "text/plain", "Vary": "Accept, Origin", "set-cookie": "a=1, 2", "Set-cookie": "b=2"},
		},
		"alb-multi-value": {
			StatusCode: 201, StatusDescription: "201 Created", Body: "grüß\n",
			MultiValueHeaders: map[string][]string{"Content-Type": {"text/plain"}, "Vary": {"Accept", "Origin"}, "Set-Cookie": {"a=1, 2", "b=2"}},
		},
	} {
		b := setup(t, &App{HTTP: http.HandlerFunc(write)})
		got := parseResponse(t, b.mustInvoke(t.Context(), sample(t, name)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestCookiesStayApart has cookies that no usual function can set.
func TestCookiesStayApart(t *testing.T) {
	t.Parallel()
	write := func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["set-cookie"] = []string{"a=1; Expires=Wed, 25 Nov 2026 03:00:00 GMT", "b=2\r\nX-Injected: 1"}
		w.Header().Add("Set-Cookie", "c=3")
	}
	a, b2, c := "a=1; Expires=Wed, 25 Nov 2026 03:00:00 GMT", "b=2  X-Injected: 1", "c=3"
	multi := map[string][]string{"set-cookie": {a, b2}, "Set-Cookie": {c}}
	for name, want := range map[string]response{
		"http-v2-get":     {StatusCode: 200, Headers: map[string]string{}, Cookies: []string{c, a, b2}},
		"http-v1-rest":    {StatusCode: 200, MultiValueHeaders: multi},
		"alb-get":         {StatusCode: 200, StatusDescription: "200 OK", Headers: map[string]string{"set-cookie": c, "Set-cookie": a, "sEt-cookie": b2}},
		"alb-multi-value": {StatusCode: 200, StatusDescription: "200 OK", MultiValueHeaders: multi},
	} {
		b := setup(t, &App{HTTP: http.HandlerFunc(write)})
		got := parseResponse(t, b.mustInvoke(t.Context(), sample(t, name)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// ordinaryHandlers do things that net/http's server treats specially.
var ordinaryHandlers = map[string]http.HandlerFunc{
	"html is sniffed": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
	"binary":          func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "\x89PNG\r\n\x1a\n\x00\x00") },
	"two writes":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a"); io.WriteString(w, "b") },
	"compressed stays raw": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "text")
	},
	"no sniffing on nil":     func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; io.WriteString(w, "x") },
	"no content":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); io.WriteString(w, "x") },
	"early hints":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) },
	"flush sends the header": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); w.Header().Set("X-Late", "no") },
	"spaces around a value":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "\t b  c \n") },
	"no content, with a length and a type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Type", "text/css")
		w.WriteHeader(204)
	},
	"not modified, with a length and a type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Type", "text/css")
		w.Header().Set("Etag", "x")
		w.WriteHeader(304)
	},
	"headers of the connection in another spelling": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["connection"] = []string{"close"}
		w.Header()["X-A"] = []string{"1"}
	},
	"an empty write where no body may be": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		if _, err := w.Write(nil); err != nil {
			panic(err)
		}
	},
	"line breaks": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "b\r\nc: d") },
	"keys that are no tokens": func(w http.ResponseWriter, _ *http.Request) {
		for _, key := range []string{"A\x00", "K\u00e4se", `"A"`, "A(1)", "A B", "A:", ""} {
			w.Header()[key] = []string{"x"}
		}
		w.Header()["!#$%&'*+-.^_`|~09"] = []string{"x"}
	},
	"error helper": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 403) },
	"redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", 302) },
	"not found":    http.NotFound,
}

// TestResponsesLikeNetHTTP compares the client's response with net/http's server.
func TestResponsesLikeNetHTTP(t *testing.T) {
	t.Parallel()
	for name, h := range ordinaryHandlers {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				resp, body, want := fromNetHTTP(t, h, method)
				b := setup(t, &App{HTTP: h})
				got := parseResponse(t, b.mustInvoke(t.Context(), v2(method, "/", "")))
				gotBody := []byte(got.Body)
				if got.IsBase64Encoded {
					var err error
					if gotBody, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
						t.Fatal(err)
					}
				}
				if got.StatusCode != resp.StatusCode || !bytes.Equal(gotBody, body) {
					t.Errorf("got %d %q, net/http gives %d %q", got.StatusCode, gotBody, resp.StatusCode, body)
				}
				if diff := cmp.Diff(want, got.Headers); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestContentLengthIsOneNumber checks the one header that a gateway trusts for the length
// of the body: it is sent once, and as a number.
func TestContentLengthIsOneNumber(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"repeated":        {"Content-Length": {"3", "5"}},
		"with a sign":     {"Content-Length": {"+3"}},
		"with spaces":     {"Content-Length": {" 3 "}},
		"lower case":      {"content-length": {"3"}},
		"two spellings":   {"Content-Length": {"3"}, "content-length": {"5"}},
		"empty and right": {"Content-Length": {""}, "content-length": {"3"}},
	} {
		b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			io.WriteString(w, "abc")
		})})
		var lengths []string
		for key, value := range parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/", ""))).Headers {
			if strings.EqualFold(key, "Content-Length") {
				lengths = append(lengths, value)
			}
		}
		if !slices.Equal(lengths, []string{"3"}) {
			t.Errorf("%s: got %q", name, lengths)
		}
	}
}

// fromNetHTTP is the response that a client gets from net/http's server, without the
// headers that a gateway does not handle.
func fromNetHTTP(t *testing.T, h http.Handler, method string) (resp *http.Response, body []byte, headers map[string]string) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, err := http.NewRequest(method, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err = (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	headers = map[string]string{}
	for k, v := range resp.Header {
		if k != "Date" && k != "Content-Length" {
			headers[k] = strings.Join(v, ", ")
		}
	}
	return resp, body, headers
}

func TestHTTPSizeLimits(t *testing.T) {
	t.Parallel()
	body := func(n int, s string) *App {
		return &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x")
			io.WriteString(w, strings.Repeat(s, n))
		})}
	}
	for name, c := range map[string]struct {
		app    *App
		status int
		base64 bool
		says   string
	}{
		"text that just fits":            {body(gateway.MaxPayload-100-len(`{"statusCode":200}`), "a"), 200, false, ""},
		"text over the limit":            {body(gateway.MaxPayload, "a"), 502, false, "response of "},
		"text whose escapes are too big": {body(1_500_000, "\x01\x01"), 200, true, ""},
		"binary over the limit":          {body(5_000_000, "\xff"), 502, false, "is over Lambda's limit of 6291556 bytes"},
		"binary that fits":               {body(4_000_000, "\xff"), 200, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.app)
			out := b.mustInvoke(t.Context(), v2("GET", "/", ""))
			got := parseResponse(t, out)
			if got.StatusCode != c.status || got.IsBase64Encoded != c.base64 || len(out) > gateway.MaxPayload {
				t.Errorf("got %d, base64 %v, %d bytes", got.StatusCode, got.IsBase64Encoded, len(out))
			}
			if c.says != "" && (!strings.Contains(got.Body, c.says) || len(b.logged("response not sent")) != 1) {
				t.Errorf("body %q, logs %s", got.Body, b.logs)
			}
		})
	}
	t.Run("request", func(t *testing.T) {
		t.Parallel()
		b := setup(t, body(1, "never"))
		got := parseResponse(t, b.mustInvoke(t.Context(), v2("POST", "/", strings.Repeat("a", gateway.MaxPayload))))
		if got.StatusCode != 413 || !strings.Contains(got.Body, "is over the limit of 6291556 bytes") {
			t.Errorf("got %d %s", got.StatusCode, got.Body)
		}
	})
	t.Run("broken base64", func(t *testing.T) {
		t.Parallel()
		var body []byte
		b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) })})
		payload := bytes.Replace(sample(t, "http-v2-post-binary"), []byte("AAH/gEE="), []byte("***"), 1)
		if got := parseResponse(t, b.mustInvoke(t.Context(), payload)); got.StatusCode != 200 || string(body) != "***" {
			t.Errorf("got %d, body %q", got.StatusCode, body)
		}
		if logs := b.logged("no way in sends such an event"); len(logs) != 1 || logs[0]["because"] != "isBase64Encoded is true, but its body is plain text" {
			t.Errorf("logs: %v", logs)
		}
	})
}

// TestHTTPBodies has bodies that are not strings, and events with two bodies: the last
// one counts, as with encoding/json.
func TestHTTPBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %q %v", r.ContentLength, got, err)
	})})
	for body, want := range map[string]string{
		`"body":"a\n\u00e9"`:          `4 "a\né" <nil>`,
		`"body":""`:                   `0 "" <nil>`,
		`"body":null`:                 `0 "" <nil>`,
		`"other":1`:                   `0 "" <nil>`,
		`"body":7`:                    `1 "7" <nil>`,
		`"body":{"a":"b"}`:            `9 "{\"a\":\"b\"}" <nil>`,
		`"body":{"a":"b"},"body":"c"`: `1 "c" <nil>`,
		`"body":"c","body":null`:      `0 "" <nil>`,
		`"body":"c","body":[1]`:       `3 "[1]" <nil>`,
	} {
		got := parseResponse(t, b.mustInvoke(t.Context(), bytes.Replace(v2("POST", "/", ""), []byte(`{`), []byte(`{`+body+`,`), 1)))
		if got.StatusCode != 200 || got.Body != want {
			t.Errorf("%s: got %d %s, want %s", body, got.StatusCode, got.Body, want)
		}
	}
}

func TestHTTPTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout  time.Duration // App.RequestTimeout
		deadline time.Duration // of the invocation
		want     time.Duration
	}{
		"default":                  {0, time.Minute, 10 * time.Second},
		"own":                      {2 * time.Second, time.Minute, 2 * time.Second},
		"no deadline":              {0, 0, 10 * time.Second},
		"before Lambda's deadline": {0, 5 * time.Second, 4500 * time.Millisecond},
		"short deadline":           {0, time.Second, 750 * time.Millisecond},
		"deadline already over":    {0, -time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wrote := make(chan error, 1)
				var cause error
				b := setup(t, &App{RequestTimeout: c.timeout, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, "too early")
					<-r.Context().Done()
					cause = context.Cause(r.Context())
					time.Sleep(time.Minute) // ignores the cancellation
					w.Header().Set("X-Late", "1")
					w.WriteHeader(200)
					_, err := io.WriteString(w, "too late")
					wrote <- err
				})})
				ctx := t.Context()
				if c.deadline != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				start := time.Now()
				got := parseResponse(t, b.mustInvoke(ctx, v2("GET", "/slow", "")))
				if took := time.Since(start).Round(time.Millisecond); took < c.want || took > c.want+requestGrace {
					t.Errorf("answered after %s, want %s", took, c.want)
				}
				if got.StatusCode != 504 || strings.Contains(got.Body, "early") {
					t.Errorf("got %d %s", got.StatusCode, got.Body)
				}
				if err := <-wrote; !errors.Is(err, http.ErrHandlerTimeout) {
					t.Errorf("a late write gave %v", err)
				}
				if c.deadline >= 0 && (!errors.Is(cause, ErrTimeout) || !strings.HasPrefix(got.Body, `{"message":"request: timed out after `)) {
					t.Errorf("cause %v, body %s", cause, got.Body)
				}
				if logs := b.logged("request timed out"); len(logs) != 1 || logs[0]["path"] != "/slow" || logs[0]["requestId"] != "req-1" {
					t.Errorf("logs: %v", logs)
				}
				if !strings.Contains(b.metrics.String(), `"Kind":"http-v2","Timeouts":1}`) {
					t.Errorf("metrics: %s", b.metrics)
				}
			})
		})
	}
}

func TestHTTPContextEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	var kept context.Context
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept = r.Context()
		if kept.Err() != nil {
			t.Error("cancelled while the handler runs")
		}
	})})
	b.mustInvoke(t.Context(), v2("GET", "/", ""))
	if kept.Err() == nil {
		t.Error("still alive after the response")
	}
}

func TestHTTPPanic(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half a resp")
		if r.URL.Path == "/panic" {
			panic("secret detail")
		}
	})})
	got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/panic", "")))
	if got.StatusCode != 500 || got.Body != `{"message":"internal error"}` {
		t.Errorf("got %d %s", got.StatusCode, got.Body)
	}
	logs := b.logged("panic in request")
	if len(logs) != 1 || logs[0]["panic"] != "secret detail" || !strings.Contains(logs[0]["stack"].(string), "TestHTTPPanic") || logs[0]["kind"] != "http-v2" {
		t.Errorf("logs: %v", logs)
	}
	if got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/", ""))); got.StatusCode != 200 {
		t.Errorf("the next request got %d", got.StatusCode)
	}
}

func TestHTTPAbort(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
	if got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/", ""))); got.StatusCode != 500 || len(b.logged("panic")) != 0 {
		t.Errorf("got %d, logs %s", got.StatusCode, b.logs)
	}
}

func TestEventFromContext(t *testing.T) {
	t.Parallel()
	var events []*Event
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, ok := EventFromContext(r.Context())
		if !ok {
			t.Fatal("no event")
		}
		events = append(events, e)
	})})
	payload := sample(t, "http-v2-stage-jwt")
	b.mustInvoke(t.Context(), payload)
	b.mustInvoke(t.Context(), payload)
	if events[0].Payload != string(payload) || events[0].Kind != KindHTTPv2 {
		t.Errorf("got %v", events[0])
	}
	if !events[0].ColdStart || events[1].ColdStart {
		t.Error("the first event, and only that, is a cold start")
	}
	if _, ok := EventFromContext(t.Context()); ok {
		t.Error("an event from nowhere")
	}
	if n := strings.Count(b.metrics.String(), `"ColdStart":1`); n != 1 {
		t.Errorf("%d cold start metrics", n)
	}
}

func TestEventDeadline(t *testing.T) {
	t.Parallel()
	deadline := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	b := setup(t, &App{RequestTimeout: time.Second, HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, _ := EventFromContext(r.Context())
		if own, _ := r.Context().Deadline(); !e.Deadline.Equal(deadline) || !own.Before(deadline) {
			t.Errorf("got the deadline %v of the event and %v of the request; want %v and an earlier one", e.Deadline, own, deadline)
		}
	})})
	b.mustInvoke(ctx, v2("GET", "/", ""))
}
