package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"
)

// addEvents seeds a fuzz target with every event in testdata.
func addEvents(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no events: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// FuzzDetect checks that detection agrees with encoding/json about the same payload.
func FuzzDetect(f *testing.F) {
	addEvents(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		kind := Detect(payload)
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(payload, &fields); err != nil {
			if kind != KindUnknown {
				t.Fatalf("%s detected in what is no JSON object: %v", kind, err)
			}
			return
		}
		var context map[string]json.RawMessage
		json.Unmarshal(fields["requestContext"], &context)
		var records []map[string]json.RawMessage
		json.Unmarshal(fields["Records"], &records)
		switch kind {
		case KindHTTPv2:
			if context["http"] == nil && fields["rawPath"] == nil {
				t.Fatal("http-v2 without requestContext.http and rawPath")
			}
		case KindALB:
			if context["elb"] == nil {
				t.Fatal("alb without requestContext.elb")
			}
		case KindWebSocket:
			if context["connectionId"] == nil {
				t.Fatal("websocket without requestContext.connectionId")
			}
		case KindHTTPv1:
			if fields["httpMethod"] == nil {
				t.Fatal("http-v1 without httpMethod")
			}
		case KindSQS, KindSNS, KindS3, KindDynamoDB, KindKinesis:
			if fields["Records"] == nil {
				t.Fatalf("%s without Records", kind)
			}
		case KindSchedule, KindEventBridge:
			if fields["detail-type"] == nil || fields["source"] == nil || fields["detail"] == nil {
				t.Fatalf("%s without its fields", kind)
			}
		case KindAuthorizer:
			if fields["methodArn"] == nil && fields["routeArn"] == nil {
				t.Fatal("authorizer without an ARN")
			}
		}
	})
}

// FuzzInvoke sends any payload to a program that serves everything. It expects a valid
// response or an error, and never a panic.
func FuzzInvoke(f *testing.F) {
	addEvents(f)
	echo := Queue[capture]{Name: "captures"}
	ordered := Queue[entry]{Name: "ledger", FIFO: true}
	b := setup(f, &App{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
		}),
		WebSocket: funcSocket{message: func(_ context.Context, m *WebSocketMessage) error { m.Reply(m.Data); return nil }},
		Queues: []Consumer{
			echo.Consume(func(context.Context, *Job[capture]) error { return nil }),
			ordered.Consume(func(context.Context, *Job[entry]) error { return nil }),
		},
		Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }}},
		Events:    map[Kind]lambda.Handler{KindSNS: lambda.NewHandler(func(context.Context, json.RawMessage) error { return nil })},
	})
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := b.on(t).invoke(t.Context(), payload)
		if err == nil && !json.Valid([]byte(out)) {
			t.Fatalf("response %q", out)
		}
		if err == nil && !json.Valid(payload) {
			t.Fatalf("accepted what is not JSON, with %q", out)
		}
	})
}

// headerName turns any string into a header name that a gateway lets through.
func headerName(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < 0x7f && c > ' ' && !strings.ContainsRune("()<>@,;:\\\"/[]?={}", rune(c)) {
			b.WriteByte(c)
		}
	}
	return "x-" + b.String()
}

// FuzzHTTPDecoders builds events of all three formats with aws-lambda-go's own types and
// expects the request that net/http makes of the same parts.
func FuzzHTTPDecoders(f *testing.F) {
	f.Add("GET", "/users/anna%2Fberg", "tag=go&q=a%20b", "x-list", "one,two", "a=1", []byte("hello"), false)
	f.Add("PUT", "/ä b/100%", "a=%zz&=&&b", "X-Multi", "\u2028\"\\", "", []byte{0, 255, 128}, true)
	f.Add("GET", "/! ", "", "x", "", "", []byte(nil), false)
	f.Add("", "", "", "", "", "; ", []byte("\n\r\t\x00\x7f<>&é😀"), false)
	var got seenRequest
	b := setup(f, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = see(r) })})
	f.Fuzz(func(t *testing.T, method, path, query, key, value, cookie string, body []byte, binary bool) {
		key = headerName(key)
		for _, s := range []string{method, path, query, value, cookie} {
			if !utf8.ValidString(s) {
				t.Skip("events are valid UTF-8")
			}
		}
		text := string(body)
		if binary {
			text = base64.StdEncoding.EncodeToString(body)
		} else if !utf8.Valid(body) {
			t.Skip("a text body is valid UTF-8")
		}
		want := seenRequest{
			Method: method, Host: "example.com", RemoteAddr: "203.0.113.7:0", Proto: "HTTP/1.1", Query: query,
			Header: http.Header{textproto.CanonicalMIMEHeaderKey(key): {value}}, Body: string(body), ContentLength: int64(len(body)),
		}
		if method == "" {
			want.Method = "GET"
		}
		clientPath := path
		if !strings.HasPrefix(path, "/") {
			clientPath = "/" + path
		}
		check := func(kind Kind, event any) {
			t.Helper()
			payload, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if k := Detect(payload); k != kind {
				t.Fatalf("%s is detected as %s: %s", kind, k, payload)
			}
			b.on(t).mustInvoke(t.Context(), payload)
			if v, ok := event.(events.APIGatewayV2HTTPRequest); ok && v.RequestContext.DomainName == "" { // an HTTP API has decoded it
				if got.Path != clientPath {
					t.Errorf("%s: path %q is %q", kind, clientPath, got.Path)
				}
			} else if u, err := url.ParseRequestURI(clientPath); err == nil && u.RawQuery == "" && !strings.ContainsAny(clientPath, "?#") && u.Scheme == "" && u.Host == "" {
				// An escape that a client can send arrives unchanged. In a path that no
				// client can send, net/url escapes more than it must.
				sendable := !strings.ContainsFunc(clientPath, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) })
				if got.Path != u.Path || sendable && got.Escaped != u.EscapedPath() {
					t.Errorf("%s: path %q is %q (%q), net/http makes it %q (%q)", kind, clientPath, got.Path, got.Escaped, u.Path, u.EscapedPath())
				}
			} else if unescaped, err := url.PathUnescape(got.Escaped); err != nil || unescaped != got.Path {
				t.Errorf("%s: path %q is %q, escaped %q", kind, clientPath, got.Path, got.Escaped)
			}
			if _, err := url.ParseRequestURI(got.RequestURI); err != nil && query == "" {
				t.Errorf("%s: RequestURI: %v", kind, err)
			}
			got.Path, got.Escaped, got.RawPath, got.RequestURI = "", "", "", ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s: %s", kind, payload, diff)
			}
		}

		v2 := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RawPath: path, RawQueryString: query, Headers: map[string]string{key: value, "host": "example.com"}, Body: text, IsBase64Encoded: binary,
			RequestContext: events.APIGatewayV2HTTPRequestContext{HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, SourceIP: "203.0.113.7"}},
		}
		if path == "" {
			clientPath = "/"
		}
		if cookie != "" {
			v2.Cookies = []string{cookie, "b=2"}
			want.Header.Set("Cookie", cookie+"; b=2")
		}
		check(KindHTTPv2, v2)
		v2.RequestContext.DomainName = "u1.lambda-url.eu-central-1.on.aws"
		check(KindHTTPv2, v2)
		want.Header.Del("Cookie")

		if method == "" {
			return // it decides the other two kinds
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		parameters := map[string][]string(values)
		keys := []string{}
		for k := range parameters {
			keys = append(keys, k)
		}
		slices.Sort(keys) // as encoding/json writes them
		var encoded []string
		for _, k := range keys {
			for _, v := range parameters[k] {
				if !utf8.ValidString(k) || !utf8.ValidString(v) {
					return
				}
				encoded = append(encoded, url.QueryEscape(k)+"="+url.QueryEscape(v))
			}
		}
		want.Query = strings.Join(encoded, "&")
		want.Header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value, "two"}
		check(KindHTTPv1, events.APIGatewayProxyRequest{
			Resource: "/{proxy+}", Path: path, HTTPMethod: method, MultiValueHeaders: map[string][]string{key: {value, "two"}, "Host": {"example.com"}},
			MultiValueQueryStringParameters: parameters, Body: text, IsBase64Encoded: binary,
			RequestContext: events.APIGatewayProxyRequestContext{Identity: events.APIGatewayRequestIdentity{SourceIP: "203.0.113.7"}},
		})

		escaped := map[string][]string{}
		for k, vs := range parameters {
			for _, v := range vs {
				escaped[url.QueryEscape(k)] = append(escaped[url.QueryEscape(k)], url.QueryEscape(v))
			}
		}
		keys = keys[:0]
		for k := range escaped {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		encoded = nil
		for _, k := range keys {
			for _, v := range escaped[k] {
				encoded = append(encoded, k+"="+v)
			}
		}
		want.Query = strings.Join(encoded, "&")
		want.Header.Set("X-Forwarded-For", "203.0.113.7")
		if textproto.CanonicalMIMEHeaderKey(key) == "X-Forwarded-For" {
			return
		}
		check(KindALB, map[string]any{
			"requestContext": map[string]any{"elb": map[string]any{"targetGroupArn": "arn"}}, "httpMethod": method, "path": path,
			"multiValueHeaders":               map[string][]string{key: {value, "two"}, "host": {"example.com"}, "x-forwarded-for": {"203.0.113.7"}},
			"multiValueQueryStringParameters": escaped, "body": text, "isBase64Encoded": binary,
		})
	})
}

// FuzzHTTPEncoders has a handler write any response and expects the client to see the
// same as from net/http's own recorder, in every format.
func FuzzHTTPEncoders(f *testing.F) {
	f.Add(200, "Content-Type", "text/plain", "a=1", []byte("hello"), []byte(" world"))
	f.Add(404, "x-bin", "é", "", []byte{0, 255}, []byte("\u2028"))
	f.Add(204, "Content-Encoding", "gzip", "b=2; Path=/", []byte("\"\\\n"), []byte(nil))
	var handler http.HandlerFunc
	b := setup(f, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r) })})
	f.Fuzz(func(t *testing.T, status int, key, value, cookie string, first, second []byte) {
		if status < 200 || status > 999 || !utf8.ValidString(value) || !utf8.ValidString(cookie) {
			t.Skip("no status of a final response, or no header value")
		}
		key = headerName(key)
		handler = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(key, value)
			if cookie != "" {
				w.Header().Add("Set-Cookie", cookie)
			}
			w.WriteHeader(status)
			w.Write(first)
			w.Write(second)
		}
		body := append(slices.Clone(first), second...)
		if status == http.StatusNoContent || status == http.StatusNotModified {
			body = nil
		}
		recorder := httptest.NewRecorder()
		recorder.Header().Set(key, value)
		for _, name := range []string{"http-v2-get", "http-v1-rest", "alb-get", "alb-multi-value"} {
			got := parseResponse(t, b.on(t).mustInvoke(t.Context(), sample(t, name)))
			gotBody := []byte(got.Body)
			if got.IsBase64Encoded {
				var err error
				if gotBody, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
					t.Fatal(err)
				}
			}
			if got.StatusCode != status || !bytes.Equal(gotBody, body) {
				t.Errorf("%s: got %d %q, want %d %q", name, got.StatusCode, gotBody, status, body)
			}
			canonical := textproto.CanonicalMIMEHeaderKey(key)
			want := strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
			if v, ok := got.Headers[canonical]; ok && v != want {
				t.Errorf("%s: header %q is %q, want %q", name, canonical, v, want)
			} else if mv := got.MultiValueHeaders[canonical]; !ok && !slices.Equal(mv, []string{want}) {
				t.Errorf("%s: header %q is %q, want %q", name, canonical, mv, want)
			}
			cookies := got.Cookies
			if name == "alb-get" {
				for k, v := range got.Headers {
					if strings.EqualFold(k, "Set-Cookie") {
						cookies = append(cookies, v)
					}
				}
			} else if name != "http-v2-get" {
				cookies = got.MultiValueHeaders["Set-Cookie"]
			}
			if want := strings.NewReplacer("\r", " ", "\n", " ").Replace(cookie); cookie != "" && (len(cookies) != 1 || cookies[0] != want && cookies[0] != cookie) {
				t.Errorf("%s: cookies %q, want %q", name, cookies, cookie)
			}
		}
	})
}

// FuzzSQSDecoder builds events with aws-lambda-go's own types and expects every
// field to arrive.
func FuzzSQSDecoder(f *testing.F) {
	f.Add("19dd0b57", "Hello", "g1", "d1", "tenant", "acme", 1, int64(1545082649183))
	f.Add("é\"\\", "{\"a\":\"\\u0000\"}", "", "", "", "", 0, int64(-1))
	q := Queue[string]{Name: "jobs", Concurrency: 1}
	var got Message
	var attribute string
	var found bool
	var name string
	b := setup(f, &App{Queues: []Consumer{q.Consume(func(_ context.Context, job *Job[string]) error {
		got = job.Message
		attribute, found = job.Attribute(name)
		return nil
	})}})
	f.Fuzz(func(t *testing.T, id, body, group, dedup, attributeName, attributeValue string, receives int, sent int64) {
		for _, s := range []string{id, body, group, dedup, attributeName, attributeValue} {
			if !utf8.ValidString(s) {
				t.Skip("events are valid UTF-8")
			}
		}
		if id == "" {
			t.Skip("SQS gives every message an id")
		}
		name = attributeName
		payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: id, Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:r:1:jobs",
			Attributes:        map[string]string{"MessageGroupId": group, "MessageDeduplicationId": dedup, "ApproximateReceiveCount": toString(int64(receives)), "SentTimestamp": toString(sent)},
			MessageAttributes: map[string]events.SQSMessageAttribute{attributeName: {StringValue: &attributeValue, DataType: "String"}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if out := b.on(t).mustInvoke(t.Context(), payload); out != `{"batchItemFailures":[]}` {
			t.Fatalf("%s: %s", payload, out)
		}
		got.rawAttributes = ""
		want := Message{Queue: "jobs", ID: id, Body: body, GroupID: group, DeduplicationID: dedup, ReceiveCount: receives, SentAt: time.UnixMilli(sent)}
		if got != want || !found || attribute != attributeValue {
			t.Errorf("%s:\n got %+v, attribute %q %v\nwant %+v", payload, got, attribute, found, want)
		}
	})
}

func toString(n int64) string {
	data, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(data)
}
