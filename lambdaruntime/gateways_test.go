package lambdaruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
)

// TestLoadBalancerLimit: a load balancer takes 1 MB, base64 and JSON counted.
func TestLoadBalancerLimit(t *testing.T) {
	t.Parallel()
	size, char := 0, "a"
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, strings.Repeat(char, size))
	})})
	for _, name := range []string{"alb-get", "alb-multi-value"} {
		payload := strings.Replace(string(sample(t, name)), "DELETE", "GET", 1)
		char, size = "a", 1
		room := 1<<20 - len(b.mustInvoke(t.Context(), []byte(payload))) + 1
		for _, c := range []struct {
			char   string
			size   int
			status int
		}{{"a", room, 200}, {"a", room + 1, 502}, {"\xff", room * 3 / 4 * 99 / 100, 200}, {"\xff", room*3/4 + 3, 502}, {"\x01", room / 2, 200}} {
			char, size = c.char, c.size
			out := b.mustInvoke(t.Context(), []byte(payload))
			if got := parseResponse(t, out); got.StatusCode != c.status || len(out) > 1<<20 {
				t.Errorf("%s: %d × %q: got %d, %d bytes, want %d", name, size, char, got.StatusCode, len(out), c.status)
			} else if c.status == 502 && !strings.Contains(got.Body, "is over a load balancer's limit of 1048576 bytes") {
				t.Errorf("%s: %s", name, got.Body)
			}
		}
	}
	if n := len(b.logged("response not sent")); n != 4 {
		t.Errorf("%d records", n)
	}
}

// TestNoResponseIsOverItsLimit searches the longest body of each character that is sent,
// as text or in base64: its response is within the limit, and that of a longer one is not.
func TestNoResponseIsOverItsLimit(t *testing.T) {
	t.Parallel()
	for name, chars := range map[string][]string{
		"alb-get":         {"a", `"`, "\x00", "\u00e9", "\u2028", "\xff"},
		"alb-multi-value": {`"`},
		"http-v2-get":     {`"`},
	} {
		limit := 1 << 20
		if name == "http-v2-get" {
			limit = gateway.MaxPayload
		}
		for _, char := range chars {
			t.Run(fmt.Sprintf("%s %q", name, char), func(t *testing.T) {
				t.Parallel()
				n := 0
				b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/plain")
					io.WriteString(w, strings.Repeat(char, n))
				})})
				payload := bytes.Replace(sample(t, name), []byte("DELETE"), []byte("GET"), 1)
				fits := func(size int) bool {
					n = size
					out, err := b.invoke(t.Context(), payload)
					if err != nil || len(out) > limit {
						t.Fatalf("%d characters: %d bytes, %v", size, len(out), err)
					}
					if strings.HasPrefix(out, `{"statusCode":200,`) {
						return true
					}
					var bytes int
					got := parseResponse(t, out)
					if _, after, _ := strings.Cut(got.Body, "response of "); got.StatusCode != 502 || fscan(after, &bytes) != 1 || bytes <= limit {
						t.Fatalf("%d characters: got %d %s", size, got.StatusCode, got.Body)
					}
					return false
				}
				low, high := 0, limit+1
				for high-low > limit/10_000 {
					if middle := (low + high) / 2; fits(middle) {
						low = middle
					} else {
						high = middle
					}
				}
				if low*len(char) < limit/6 { // an escape has at most 6 bytes
					t.Errorf("only %d characters fit", low)
				}
			})
		}
	}
}

func fscan(s string, n *int) int {
	read, _ := fmt.Sscan(s, n)
	return read
}

// TestHeadersArePoliced compares the client's response with net/http's server, for
// headers that contradict the body or belong to the connection.
func TestHeadersArePoliced(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"too short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "6")
			io.WriteString(w, "abc")
		},
		"too long at once": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			if _, err := io.WriteString(w, "abcdef"); err != http.ErrContentLength {
				t.Errorf("got %v", err)
			}
		},
		"too long in the end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
			if n, err := io.WriteString(w, "d"); n != 0 || err != http.ErrContentLength {
				t.Errorf("got %d, %v", n, err)
			}
		},
		"right": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
		},
		"no number": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "x")
			io.WriteString(w, "abc")
		},
		"negative": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "-3")
			io.WriteString(w, "abc")
		},
		"not modified": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "6")
			w.WriteHeader(304)
		},
		"of the connection": func(w http.ResponseWriter, _ *http.Request) {
			for _, k := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer"} {
				w.Header().Set(k, "chunked")
			}
			w.Header().Set("X-Own", "1")
			io.WriteString(w, "abc")
		},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				whole := parseResponse(t, setup(t, &App{HTTP: h}).mustInvoke(t.Context(), v2(method, "/", "")))
				streamed, streamErr := readStream(t, setup(t, &App{HTTP: h}).stream(t.Context(), fromURL(method, "/", "")))
				for _, k := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer"} {
					if whole.Headers[k] != "" || streamed.Headers[k] != "" {
						t.Errorf("%s is sent", k)
					}
				}
				server := httptest.NewServer(h)
				defer server.Close()
				server.Config.ErrorLog = nil
				req, err := http.NewRequest(method, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return // net/http sends what its own client refuses to read
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil { // cut off: the client learns that it is not whole
					if whole.StatusCode != 502 || streamErr == nil {
						t.Errorf("net/http: %v; got %d %s, stream %v", err, whole.StatusCode, whole.Body, streamErr)
					}
					return
				}
				if whole.StatusCode != resp.StatusCode || whole.Body != string(body) || streamed.Body != string(body) || streamErr != nil {
					t.Errorf("net/http: %d %s; got %d %s, stream %s %v", resp.StatusCode, body, whole.StatusCode, whole.Body, streamed.Body, streamErr)
				}
			})
		}
	}
}

// TestRepliesThatCannotBeSent fail with an error in the log and to the client.
func TestRepliesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	var reply []byte
	b := setup(t, &App{WebSocket: funcSocket{message: func(_ context.Context, m *WebSocketMessage) error { m.Reply(reply); return nil }}})
	for want, data := range map[string]string{
		"": strings.Repeat("a", 128<<10),
		`{"error":"reply not sent: it must be at most 131072 bytes, got 204800"}`:                                                     strings.Repeat("a", 200<<10),
		`{"error":"reply not sent: it must be valid UTF-8, since API Gateway sends text; encode binary data, for example in base64"}`: "a\xffb",
	} {
		reply = []byte(data)
		got := parseResponse(t, b.mustInvoke(t.Context(), sample(t, "websocket-message")))
		if want == "" && (got.StatusCode != 200 || got.Body != data) || want != "" && (got.StatusCode != 500 || got.Body != want) {
			t.Errorf("got %d %.200s, want %s", got.StatusCode, got.Body, want)
		}
	}
	if n := len(b.logged("WebSocket message failed")); n != 2 {
		t.Errorf("%d records", n)
	}
}

// TestErrorsThatCannotBeSent: a StatusError's message is a reply too.
func TestErrorsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{WebSocket: funcSocket{message: func(context.Context, *WebSocketMessage) error {
		return &StatusError{Status: 409, Message: strings.Repeat("a", 200<<10)}
	}}})
	if got := parseResponse(t, b.mustInvoke(t.Context(), sample(t, "websocket-message"))); got.StatusCode != 409 || got.Body != `{"error":"Conflict"}` {
		t.Errorf("got %d %.200s", got.StatusCode, got.Body)
	}
	if logs := b.logged("too long for the client"); len(logs) != 1 || logs[0]["level"] != "ERROR" {
		t.Errorf("logs: %v", logs)
	}
}

// TestRemoteAddrParses sends events without a client address.
func TestRemoteAddrParses(t *testing.T) {
	t.Parallel()
	var got string
	b := setup(t, &App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })})
	for event, want := range map[string]string{
		`{"httpMethod":"GET","path":"/","requestContext":{"elb":{}}}`:                                                    "0.0.0.0:0",
		`{"httpMethod":"GET","path":"/","requestContext":{"elb":{}},"headers":{"x-forwarded-for":"unknown"}}`:            "0.0.0.0:0",
		`{"httpMethod":"GET","path":"/","requestContext":{"identity":{"sourceIp":"test-invoke-source-ip"}}}`:             "0.0.0.0:0",
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`:                                     "0.0.0.0:0",
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET","sourceIp":"203.0.113.9:443"}}}`:        "203.0.113.9:443",
		`{"httpMethod":"GET","path":"/","requestContext":{"elb":{}},"multiValueHeaders":{"x-forwarded-for":[]}}`:         "0.0.0.0:0",
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET","sourceIp":"2001:db8::1"}}}`:            "[2001:db8::1]:0",
		`{"httpMethod":"GET","path":"/","requestContext":{"elb":{}},"headers":{"x-forwarded-for":"10.0.0.1, ::1%eth0"}}`: "[::1%eth0]:0",
	} {
		b.mustInvoke(t.Context(), []byte(event))
		if host, port, err := net.SplitHostPort(got); err != nil || host == "" || port == "" || got != want {
			t.Errorf("%s: got %q, want %q", event, got, want)
		}
	}
}

// TestPastedEvents serves events that people write by hand to try a function, with one
// warning that lists the oddities.
func TestPastedEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL, r.Header.Get("X-A"), body)
	})})
	for _, c := range []struct {
		event string
		kind  Kind
		want  string
		odd   string
	}{
		{`{"httpMethod":"POST","path":"/a","headers":{"x-a":"1"}}`, KindHTTPv1, "POST /a 1 ", "it has no requestContext"},
		{`{"httpMethod":"POST","path":"/a","headers":{},"body":{"n":1}}`, KindHTTPv1, `POST /a  {"n":1}`, "it has no requestContext; its body is JSON and not a string"},
		{`{"version":"2.0","rawPath":"/a","body":"x","isBase64Encoded":true}`, KindHTTPv2, "GET /a  x", "it has no requestContext; isBase64Encoded is true, but its body is plain text"},
		{`{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"PUT"}},"body":[1]}`, KindHTTPv2, "PUT /a  [1]", "its body is JSON and not a string"},
		{`{"httpMethod":"GET","path":"/a","headers":{"x-a":1},"queryStringParameters":{"n":2,"b":true}}`, KindHTTPv1, "GET /a?n=2&b=true 1 ", "it has no requestContext; its headers, cookies or query parameters are not all strings, or not in lists where they should be"},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"headers":{"x-a":["x"]}}`, KindHTTPv1, "GET /a x ", "its headers, cookies or query parameters are not all strings, or not in lists where they should be"},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"multiValueHeaders":{"x-a":"x"},"multiValueQueryStringParameters":{"n":[1,null],"m":null}}`, KindHTTPv1, "GET /a?n=1&n= x ", "its headers, cookies or query parameters are not all strings, or not in lists where they should be"},
		{`{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"PUT"}},"cookies":"x-a=1","body":"eA==","isBase64Encoded":"true"}`, KindHTTPv2, "PUT /a  x", "its isBase64Encoded is not a boolean; its headers, cookies or query parameters are not all strings, or not in lists where they should be"},
		{`{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"PUT"}},"body":"eA==","isBase64Encoded":"false"}`, KindHTTPv2, "PUT /a  eA==", "its isBase64Encoded is not a boolean"},
		{`{"httpMethod":"GET","path":"/a","requestContext":{"elb":{}},"body":null}`, KindALB, "GET /a  ", ""},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"body":"eA==","isBase64Encoded":1}`, KindHTTPv1, "GET /a  x", "its isBase64Encoded is not a boolean"},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"headers":[],"queryStringParameters":"n=1"}`, KindHTTPv1, "GET /a  ", notTexts},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"headers":{"x-a":{"y":[1]}},"queryStringParameters":{"n":{}}}`, KindHTTPv1, `GET /a?n=%7B%7D {"y":[1]} `, notTexts},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"multiValueHeaders":7,"multiValueQueryStringParameters":{"n":[[1],{"m":2}]}}`, KindHTTPv1, "GET /a?n=%5B1%5D&n=%7B%22m%22%3A2%7D  ", notTexts},
		{`{"httpMethod":"GET","path":"/a","requestContext":{},"multiValueHeaders":{},"headers":{"x-a":"1"},"multiValueQueryStringParameters":{},"queryStringParameters":{"n":"1"}}`, KindHTTPv1, "GET /a?n=1 1 ", ""},
		{`{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"GET"}},"cookies":{"b":1},"headers":null}`, KindHTTPv2, "GET /a  ", notTexts},
		{`{"version":2.0,"rawPath":"/a","headers":{}}`, KindHTTPv2, "GET /a  ", "it has no requestContext"},
		{`{"rawPath":"/a","rawQueryString":null}`, KindHTTPv2, "GET /a  ", "it has no requestContext"},
	} {
		before := len(b.logged("no way in sends such an event"))
		if got := Detect([]byte(c.event)); got != c.kind {
			t.Errorf("%s is %s", c.event, got)
		}
		if got := parseResponse(t, b.mustInvoke(t.Context(), []byte(c.event))); got.StatusCode != 200 || got.Body != c.want {
			t.Errorf("%s: got %d %s, want %s", c.event, got.StatusCode, got.Body, c.want)
		}
		logs := b.logged("no way in sends such an event")[before:]
		if c.odd == "" && len(logs) != 0 || c.odd != "" && (len(logs) != 1 || logs[0]["because"] != c.odd || logs[0]["level"] != "WARN") {
			t.Errorf("%s: logs %v", c.event, logs)
		}
	}
}

const notTexts = "its headers, cookies or query parameters are not all strings, or not in lists where they should be"

// TestPastedMessages is the same for queues and WebSockets.
func TestPastedMessages(t *testing.T) {
	t.Parallel()
	var said string
	say := func(format string, args ...any) error { said = fmt.Sprintf(format, args...); return nil }
	b := setup(t, &App{
		Queues: []Consumer{Queue[order]{Name: "jobs"}.Consume(func(_ context.Context, j *Job[order]) error {
			return say("%d %s %d %d", j.Payload.ID, j.ID, j.ReceiveCount, j.SentAt.UnixMilli())
		})},
		WebSocket: funcSocket{
			connect:    func(context.Context, *ConnectRequest) error { return say("connect") },
			message:    func(_ context.Context, m *WebSocketMessage) error { return say("message %s", m.Data) },
			disconnect: func(_ context.Context, d *DisconnectRequest) error { return say("disconnect %d", d.Code) },
		},
	})
	for _, c := range []struct{ event, want, odd string }{
		{`{"Records":[{"messageId":"1","body":{"id":5},"attributes":{"ApproximateReceiveCount":3,"SentTimestamp":1523232000000},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs"}]}`, "5 1 3 1523232000000", "a message's body is JSON and not a string"},
		{`{"Records":[{"messageId":7,"body":"{\"id\":5}","attributes":null,"messageAttributes":null,"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs"}]}`, "5 7 0 -62135596800000", ""},
		{`{"requestContext":{"connectionId":"c","routeKey":"$connect"}}`, "connect", "its requestContext has no eventType"},
		{`{"requestContext":{"connectionId":"c","routeKey":"chat"},"body":{"n":1}}`, `message {"n":1}`, "its requestContext has no eventType; its body is JSON and not a string"},
		{`{"requestContext":{"connectionId":"c","routeKey":"$disconnect","disconnectStatusCode":"1001"}}`, "disconnect 1001", "its requestContext has no eventType"},
		{`{"requestContext":{"connectionId":"c","eventType":"CONNECT"},"headers":[],"queryStringParameters":7}`, "connect", ""},
	} {
		before := len(b.logged("no way in sends such an event"))
		if said = ""; strings.Contains(b.mustInvoke(t.Context(), []byte(c.event)), "itemIdentifier") || said != c.want {
			t.Errorf("%s: got %s, want %s", c.event, said, c.want)
		}
		logs := b.logged("no way in sends such an event")[before:]
		if c.odd == "" && len(logs) != 0 || c.odd != "" && (len(logs) != 1 || logs[0]["because"] != c.odd || logs[0]["level"] != "WARN") {
			t.Errorf("%s: logs %v", c.event, logs)
		}
	}
	// What cannot be told fails its job, and reaches no function.
	said = ""
	for _, body := range []string{`null`, `7`, `true`, `"7"`} {
		if got := failures(t, b.mustInvoke(t.Context(), []byte(`{"Records":[{"messageId":"1","body":`+body+`,"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs"}]}`))); len(got) != 1 || said != "" {
			t.Errorf("%s: failed %v, said %s", body, got, said)
		}
	}
	if got := failures(t, b.mustInvoke(t.Context(), []byte(`{"Records":[{"messageId":"1","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs"}]}`))); len(got) != 1 || said != "" {
		t.Errorf("no body: failed %v, said %s", got, said)
	}
}

// TestEveryFailureIsARecord: one ERROR record with request id and kind, whatever fails.
func TestEveryFailureIsARecord(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	app := func() *App {
		return &App{
			Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return no }}},
			Events:    map[Kind]lambda.Handler{KindSNS: lambda.NewHandler(func() error { return no })},
			Queues:    []Consumer{Queue[string]{Name: "jobs"}.Consume(func(context.Context, *Job[string]) error { return no })},
		}
	}
	for name, want := range map[string]string{
		"schedule-scheduler": `event failed: lambdaruntime: schedule "nightly": no`,
		"sns-notification":   "event failed: no",
		"s3-object-created":  "event failed: lambdaruntime: nothing handles this event: got kind s3; set App.Events[s3] or App.Fallback",
		"http-v2-get":        "event failed: lambdaruntime: nothing handles this event: got kind http-v2; set App.HTTP",
	} {
		b := setup(t, app())
		if _, err := b.invoke(t.Context(), sample(t, name)); err == nil {
			t.Errorf("%s: no error", name)
		}
		logs := b.logged("")
		if len(logs) != 1 || fmt.Sprint(logs[0]["msg"], ": ", logs[0]["error"]) != want || logs[0]["level"] != "ERROR" || logs[0]["requestId"] != "req-1" || logs[0]["kind"] != Detect(sample(t, name)).String() {
			t.Errorf("%s: logs %v", name, logs)
		}
	}
	// Of net/http's way to give up, only HTTP clients learn.
	aborted := setup(t, &App{Fallback: lambda.NewHandler(func() error { panic(http.ErrAbortHandler) })})
	if _, err := aborted.invoke(t.Context(), []byte(`{}`)); err == nil || len(aborted.logged("event failed")) != 1 {
		t.Errorf("aborted: %v, logs %s", err, aborted.logs)
	}
	b := setup(t, &App{Fallback: lambda.NewHandler(func() error { panic("oh") })})
	if _, err := b.invoke(t.Context(), []byte(`{}`)); err == nil || len(b.logged("")) != 1 || b.logged("panic in unknown event")[0]["stack"] == nil {
		t.Errorf("panic: %v, logs %s", err, b.logs)
	}
}

// TestWritesAfterTheEnd has handlers that wait for their context and write at once: no
// byte of that is ever sent.
func TestWritesAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{RequestTimeout: time.Millisecond, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "before\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		if _, err := io.WriteString(w, "TOO LATE\n"); err != http.ErrHandlerTimeout {
			t.Errorf("got %v", err)
		}
		w.(http.Flusher).Flush()
	})})
	for range 200 {
		got, err := readStream(t, b.stream(t.Context(), fromURL("GET", "/", "")))
		if strings.Contains(got.Body, "TOO LATE") || err == nil && got.StatusCode == 200 {
			t.Fatalf("got %q, %v", got.Body, err)
		}
		if got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/", ""))); got.StatusCode != 504 {
			t.Fatalf("got %d", got.StatusCode)
		}
	}
}

// TestMiddleware wraps everything but requests, the first outermost.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	var said []string
	wrap := func(name string) Middleware {
		return func(ctx context.Context, op Operation, next func(context.Context) error) error {
			id := ""
			if m, ok := MessageFromContext(ctx); ok {
				id = m.ID
			}
			said = append(said, fmt.Sprint(name, " ", op.Kind, " ", op.Name, " ", id))
			err := next(context.WithValue(ctx, spanKey{}, name))
			if errors.Is(err, errNo) {
				return Drop(err) // middleware may change a job's error
			}
			return err
		}
	}
	b := setup(t, &App{
		Middleware: []Middleware{wrap("outer"), wrap("inner")},
		HTTP:       http.HandlerFunc(func(http.ResponseWriter, *http.Request) { said = append(said, "request") }),
		Queues: []Consumer{Queue[string]{Name: "jobs"}.Consume(func(ctx context.Context, _ *Job[string]) error {
			said = append(said, fmt.Sprint("job in ", ctx.Value(spanKey{})))
			return errNo
		})},
		Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }}},
		WebSocket: funcSocket{message: func(context.Context, *WebSocketMessage) error { return nil }},
		Fallback:  lambda.NewHandler(func() error { return nil }),
	})
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("jobs", "x"))); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	for _, name := range []string{"schedule-scheduler", "websocket-message", "s3-object-created", "http-v2-get"} {
		b.mustInvoke(t.Context(), sample(t, name))
	}
	want := []string{
		`outer sqs job of queue "jobs" m0`, `inner sqs job of queue "jobs" m0`, "job in inner",
		`outer schedule schedule "nightly" `, `inner schedule schedule "nightly" `,
		"outer websocket WebSocket message ", "inner websocket WebSocket message ", "outer s3 s3 event ", "inner s3 s3 event ", "request",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

var errNo = errors.New("no")

func TestPutMetrics(t *testing.T) {
	t.Parallel()
	one := Metric{"Orders", "Count", 1}
	for _, c := range []struct {
		namespace  string
		dimensions map[string]string
		metrics    []Metric
		want       string
	}{
		{"Shop", map[string]string{"Plan": "pro"}, []Metric{one}, ""},
		{"", nil, []Metric{one}, "namespace must be 1 to 255 bytes, got 0"},
		{"Shop", nil, nil, "it takes 1 to 100 metrics, got 0"},
		{"Shop", nil, make([]Metric, 101), "it takes 1 to 100 metrics, got 101"},
		{"Shop", nil, []Metric{one, one}, `Metric.Name must be 1 to 255 bytes, and no other metric or dimension of the same line, got "Orders"`},
		{"Shop", map[string]string{"Orders": "x"}, []Metric{one}, `Metric.Name must be 1 to 255 bytes, and no other metric or dimension of the same line, got "Orders"`},
		{"Shop", map[string]string{"Plan": ""}, []Metric{one}, `dimension "Plan" must have a name of 1 to 250 bytes other than _aws and a value of 1 to 1024 bytes, got 0 bytes`},
		{"Shop", nil, []Metric{{"X", "", nan()}}, `Metric.Value of "X" must be finite, got NaN`},
	} {
		err := PutMetrics(t.Context(), c.namespace, c.dimensions, c.metrics...)
		if got := strings.TrimPrefix(fmt.Sprint(err), "lambdaruntime: PutMetrics: "); got != c.want && !(c.want == "" && err == nil) {
			t.Errorf("%+v: got %s, want %s", c, got, c.want)
		}
	}
	var out strings.Builder
	(&metricWriter{w: &out, function: "fn"}).put("Shop", [][]string{{"Plan"}, {}}, []field{{"Plan", "p\"ro"}, {"requestId", "r"}}, []Metric{one, {"Size", "", 2.5}})
	got := out.String()
	if want := `"CloudWatchMetrics":[{"Namespace":"Shop","Dimensions":[["Plan"],[]],"Metrics":[{"Name":"Orders","Unit":"Count"},{"Name":"Size"}]}]},"Plan":"p\"ro","requestId":"r","Orders":1,"Size":2.5}` + "\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// TestStreamsDoNotDeadlock: a handler is stuck in a write when its time is over. In a
// bubble a lost wake-up shows at once.
func TestStreamsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{RequestTimeout: time.Second, HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		})})
		r := b.stream(t.Context(), fromURL("GET", "/", ""))
		readHeader(t, r)
		time.Sleep(time.Minute)
		if _, err := io.ReadAll(r); err == nil {
			t.Error("the response looks whole")
		}
	})
}
