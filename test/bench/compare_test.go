package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/akrylysov/algnhsa"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// outcome is the answer of one side to one event.
type outcome struct {
	status   int
	headers  map[string]string
	cookies  []string
	body     string
	size     int
	err      error
	panicked bool
}

func run1(h lambda.Handler, event []byte, timeout time.Duration) (o outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			o.panicked = true // aws-lambda-go ends the process after a panic
		}
	}()
	out, err := h.Invoke(ctx, event)
	var r struct {
		StatusCode      int
		Headers         map[string]string
		Cookies         []string
		Body            string
		IsBase64Encoded bool
	}
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if r.IsBase64Encoded {
		data, decodeErr := base64.StdEncoding.DecodeString(r.Body)
		r.Body, err = string(data), errors.Join(err, decodeErr)
	}
	return outcome{status: r.StatusCode, headers: r.Headers, cookies: r.Cookies, body: r.Body, size: len(out), err: err}
}

// httpSides returns the ways to serve an http.Handler, Hearth's first.
func httpSides(serve http.HandlerFunc) []lambda.Handler {
	hearth, err := lambdaruntime.NewHandler(&lambdaruntime.App{HTTP: serve})
	if err != nil {
		panic(err)
	}
	return []lambda.Handler{
		hearth,
		lambda.NewHandler(httpadapter.NewV2(serve).ProxyWithContext),
		algnhsa.New(serve, &algnhsa.Options{BinaryContentTypes: []string{"*/*"}}), // without it, binary bodies would not arrive
	}
}

// request returns an event as an HTTP API sends it: a decoded path, separate cookies, and
// header names in lower case. Live captures that hotsock/voker published (2026-07) show it.
func request(change func(e *events.APIGatewayV2HTTPRequest)) []byte {
	const host = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: "/",
		Headers: map[string]string{
			"accept": "*/*", "content-length": "0", "host": host, "user-agent": "curl/8.7.1", "x-amzn-trace-id": "Root=1-6a5145a9-1bae89e2512ec92d5d9438a0",
			"x-forwarded-for": "203.0.113.7", "x-forwarded-port": "443", "x-forwarded-proto": "https",
		},
	}
	e.RequestContext.AccountID, e.RequestContext.APIID, e.RequestContext.Stage, e.RequestContext.RouteKey = "123456789012", "a1b2c3d4e5", "$default", "$default"
	e.RequestContext.DomainName, e.RequestContext.DomainPrefix, e.RequestContext.RequestID = host, "a1b2c3d4e5", "ATfSmjLgPHcESJw="
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Protocol, e.RequestContext.HTTP.SourceIP = http.MethodGet, "HTTP/1.1", "203.0.113.7"
	if change != nil {
		change(&e)
	}
	e.RequestContext.HTTP.Path = e.RawPath
	return mustJSON(e)
}

// urlRequest returns an event as a function URL sends it: the path has the client's escapes.
func urlRequest(rawPath, path string) []byte {
	return bytes.ReplaceAll(request(func(e *events.APIGatewayV2HTTPRequest) {
		e.RawPath = rawPath
		e.RequestContext.DomainName = "u1.lambda-url.eu-central-1.on.aws"
	}), []byte(`"path":"`+rawPath+`"`), []byte(`"path":"`+path+`"`))
}

// httpClaims has the rows of the table in docs/runtime.md. Each row checks, for each of
// httpSides, whether it has the feature.
var httpClaims = []struct {
	feature string
	serve   http.HandlerFunc
	event   []byte
	timeout time.Duration
	holds   func(o outcome) bool
}{
	{
		"the path's escapes, `%2F` too, reach the handler where a function URL keeps them",
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.EscapedPath()) },
		urlRequest("/users/anna%2Fberg", "/users/anna/berg"), time.Second,
		func(o outcome) bool { return o.body == "/users/anna%2Fberg" },
	},
	{
		"a path that an HTTP API has decoded (`/100% sure`) is served",
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) },
		request(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/100% sure" }), time.Second,
		func(o outcome) bool { return o.body == "/100% sure" },
	},
	{
		"it is not decoded once more (`/100%25`)",
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) },
		request(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/100%25" }), time.Second,
		func(o outcome) bool { return o.body == "/100%25" },
	},
	{
		"all values of a repeated query parameter",
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Query()["tag"]) },
		request(func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "tag=go&tag=aws" }), time.Second,
		func(o outcome) bool { return o.body == "[go aws]" },
	},
	{
		"cookies of payload format 2.0, both ways",
		func(w http.ResponseWriter, r *http.Request) {
			for _, c := range r.Cookies() {
				http.SetCookie(w, c)
			}
		},
		request(func(e *events.APIGatewayV2HTTPRequest) { e.Cookies = []string{"a=1", "b=2"} }), time.Second,
		func(o outcome) bool { return len(o.cookies) == 2 },
	},
	{
		"binary bodies, both ways",
		func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) },
		request(func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "AP+A", true }), time.Second,
		func(o outcome) bool { return o.body == "\x00\xff\x80" },
	},
	{
		"compressed responses stay as they are",
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "\x0b\x02\x80hello\x03")
		},
		request(nil), time.Second,
		func(o outcome) bool { return o.body == "\x0b\x02\x80hello\x03" },
	},
	{
		"the client's address is in `RemoteAddr`, as `net.SplitHostPort` takes it",
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) },
		request(nil), time.Second,
		func(o outcome) bool { return o.body == "203.0.113.7:0" },
	},
	{
		"the content type is sniffed as net/http does",
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><p>hi") },
		request(nil), time.Second,
		func(o outcome) bool { return o.headers["Content-Type"] == "text/html; charset=utf-8" },
	},
	{
		"a header changed after `WriteHeader` is not sent",
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "1")
		},
		request(nil), time.Second,
		func(o outcome) bool { return o.headers["X-Late"] == "" },
	},
	{
		"a request that is too slow gets 504 before Lambda's deadline",
		func(_ http.ResponseWriter, _ *http.Request) { time.Sleep(300 * time.Millisecond) },
		request(nil), 100 * time.Millisecond,
		func(o outcome) bool { return o.status == http.StatusGatewayTimeout },
	},
	{
		"a panic becomes a 500, and the process lives on",
		func(http.ResponseWriter, *http.Request) { panic("oh") },
		request(nil), time.Second,
		func(o outcome) bool { return !o.panicked && o.status == http.StatusInternalServerError },
	},
	{
		"a response over 6 MB becomes a 502 that says so",
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("a", 7<<20)) },
		request(nil), 10 * time.Second,
		func(o outcome) bool { return o.status == http.StatusBadGateway && o.size < 1000 },
	},
	{
		"one handler serves payload formats 2.0 and 1.0 and load balancers",
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method+r.URL.Path) },
		[]byte(`{"httpMethod":"PUT","path":"/x","requestContext":{"elb":{"targetGroupArn":"arn"}},"multiValueHeaders":{"host":["h"]}}`), time.Second,
		func(o outcome) bool { return o.body == "PUT/x" },
	},
}

// batchClaims compares the handling of a batch with aws-lambda-go's plain handler,
// func(context.Context, events.SQSEvent) error, which stops at the first error.
var batchClaims = []struct {
	feature string
	fifo    bool
	bodies  []string // "fail" fails; it may have the prefix "group:"
	again   []int    // the messages that must come again, and no others
}{
	{"only the failed job of a standard batch comes again", false, []string{"ok", "fail", "ok"}, []int{1}},
	{"a body that cannot be decoded fails alone", false, []string{"ok", "{", "ok"}, []int{1}},
	{"after a failure only the rest of its message group comes again", true, []string{"a:ok", "a:fail", "b:ok", "a:ok"}, []int{1, 3}},
}

func batch(fifo bool, bodies []string) []byte {
	e := events.SQSEvent{}
	arn := "arn:aws:sqs:eu-central-1:123456789012:jobs"
	if fifo {
		arn += ".fifo"
	}
	for i, body := range bodies {
		m := events.SQSMessage{MessageId: fmt.Sprint(i), EventSource: "aws:sqs", EventSourceARN: arn, Attributes: map[string]string{}}
		if group, rest, ok := strings.Cut(body, ":"); ok {
			body, m.Attributes["MessageGroupId"] = rest, group
		}
		if m.Body = body; body != "{" {
			m.Body = string(mustJSON(body))
		}
		e.Records = append(e.Records, m)
	}
	return mustJSON(e)
}

// again returns the indexes of the messages that SQS would deliver again.
func again(h lambda.Handler, event []byte, n int) []int {
	out, err := h.Invoke(context.Background(), event)
	var r events.SQSEventResponse
	if err == nil && len(out) > 0 && json.Unmarshal(out, &r) != nil {
		err = errors.New("malformed response")
	}
	come := []int{}
	for i := range n {
		failed := err != nil
		for _, f := range r.BatchItemFailures {
			failed = failed || f.ItemIdentifier == fmt.Sprint(i)
		}
		if failed {
			come = append(come, i)
		}
	}
	return come
}

func doJob(body string) error {
	if body == "fail" {
		return errors.New("no")
	}
	return nil
}

func batchSides(fifo bool) []lambda.Handler {
	q := lambdaruntime.Queue[string]{Name: "jobs", FIFO: fifo}
	typed := lambdaruntime.Queue[json.RawMessage]{Name: q.Name, FIFO: fifo}
	os.Setenv("HEARTH_PARTIAL_RESPONSES", q.Name) // as the constructs do
	hearth, err := lambdaruntime.NewHandler(&lambdaruntime.App{Queues: []lambdaruntime.Consumer{
		typed.Consume(func(_ context.Context, j *lambdaruntime.Job[json.RawMessage]) error {
			var s string
			if err := json.Unmarshal(j.Payload, &s); err != nil {
				return err
			}
			return doJob(s)
		}),
	}})
	if err != nil {
		panic(err)
	}
	plain := lambda.NewHandler(func(_ context.Context, e events.SQSEvent) error {
		for _, m := range e.Records {
			var s string
			if err := json.Unmarshal([]byte(m.Body), &s); err != nil {
				return err
			}
			if err := doJob(s); err != nil {
				return err
			}
		}
		return nil
	})
	return []lambda.Handler{hearth, plain}
}

func word(holds bool) string {
	if holds {
		return "yes"
	}
	return "no"
}

// TestTheComparisonIsTrue computes the tables of docs/runtime.md from the behaviour of the
// code, and expects them in the page word for word.
func TestTheComparisonIsTrue(t *testing.T) {
	var tables bytes.Buffer
	fmt.Fprintln(&tables, "| HTTP | Hearth | aws-lambda-go-api-proxy 0.16.2 | algnhsa 1.1.0 |\n|---|---|---|---|")
	for _, c := range httpClaims {
		var words []string
		for _, h := range httpSides(c.serve) {
			words = append(words, word(c.holds(run1(h, c.event, c.timeout))))
		}
		fmt.Fprintf(&tables, "| %s | %s |\n", c.feature, strings.Join(words, " | "))
		if words[0] != "yes" {
			t.Errorf("Hearth lacks: %s", c.feature)
		}
	}
	fmt.Fprintln(&tables, "\n| Queues | Hearth | aws-lambda-go 1.55.1, `func(ctx, events.SQSEvent) error` |\n|---|---|---|")
	for _, c := range batchClaims {
		var words []string
		for _, h := range batchSides(c.fifo) {
			words = append(words, word(fmt.Sprint(again(h, batch(c.fifo, c.bodies), len(c.bodies))) == fmt.Sprint(c.again)))
		}
		fmt.Fprintf(&tables, "| %s | %s |\n", c.feature, strings.Join(words, " | "))
		if words[0] != "yes" {
			t.Errorf("Hearth lacks: %s", c.feature)
		}
	}
	page, err := os.ReadFile("../../docs/runtime.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, tables.Bytes()) {
		t.Errorf("docs/runtime.md must have these tables:\n\n%s", tables.Bytes())
	}
}
