package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

type order struct {
	ID int `json:"id"`
}

type echo struct{}

func (echo) Connect(_ context.Context, r *lambdaruntime.ConnectRequest) error {
	if r.Query.Get("token") != "t" || r.Header.Get("Origin") != "https://example.com" {
		return &lambdaruntime.StatusError{Status: 401}
	}
	return nil
}

func (echo) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	if string(m.Data) == "fail" {
		return errors.New("no")
	}
	if string(m.Data) != "quiet" {
		m.Reply(m.Data)
	}
	return nil
}

func (echo) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }

func app() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %s %s %s", r.Method, r.PathValue("name"), r.URL.RawQuery, r.Header["X-Many"], r.Header["Cookie"], body)
	})
	mux.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		for _, line := range []string{"one", "two"} {
			fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
			if r.URL.RawQuery == "slow" {
				<-r.Context().Done()
			}
		}
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	orders := lambdaruntime.Queue[order]{Name: "orders", FIFO: true}
	return &lambdaruntime.App{
		HTTP:      mux,
		WebSocket: echo{},
		Queues: []lambdaruntime.Consumer{orders.Consume(func(_ context.Context, job *lambdaruntime.Job[order]) error {
			if job.Payload.ID < 0 {
				return errors.New("negative")
			}
			if v, ok := job.Attribute("tenant"); ok && (v != "acme" || job.ReceiveCount != 3 || job.SentAt.Year() != 2026 || job.DeduplicationID != "d") {
				return fmt.Errorf("metadata: %+v", job.Message)
			}
			return nil
		})},
		Schedules: []lambdaruntime.Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(_ context.Context, at time.Time) error {
			if at.Hour() != 3 {
				return fmt.Errorf("ran at %s", at)
			}
			return nil
		}}},
		Events: map[lambdaruntime.Kind]lambda.Handler{
			lambdaruntime.KindSNS: lambda.NewHandler(func(_ context.Context, e events.SNSEvent) (string, error) { return e.Records[0].SNS.Message, nil }),
			lambdaruntime.KindS3:  lambda.NewHandler(func(_ context.Context, e events.S3Event) (string, error) { return e.Records[0].S3.Object.Key, nil }),
			lambdaruntime.KindDynamoDB: lambda.NewHandler(func(_ context.Context, e events.DynamoDBEvent) (string, error) {
				return e.Records[0].Change.Keys["Id"].Number(), nil
			}),
			lambdaruntime.KindKinesis: lambda.NewHandler(func(_ context.Context, e events.KinesisEvent) (string, error) {
				return string(e.Records[0].Kinesis.Data), nil
			}),
			lambdaruntime.KindEventBridge: lambda.NewHandler(func(_ context.Context, e events.EventBridgeEvent) (string, error) {
				return e.Source + " " + e.DetailType, nil
			}),
			lambdaruntime.KindAuthorizer: lambda.NewHandler(func(_ context.Context, e events.APIGatewayV2CustomAuthorizerV2Request) (string, error) {
				return e.IdentitySource[0], nil
			}),
		},
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequest("PUT", "/hello/anna%20berg?a=1&a=2", strings.NewReader("\xff"))
	req.Header["X-Many"] = []string{"one", "two"}
	req.Header.Set("Cookie", "c=1; d=2")
	resp := lambdatest.New(t, app()).HTTP(req)
	body, err := io.ReadAll(resp.Body)
	if want := "PUT anna berg a=1&a=2 [one,two] [c=1; d=2] \xff"; err != nil || string(body) != want || resp.StatusCode != 201 || resp.Cookies()[0].Value != "1" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
}

// TestEscapedSlash: an HTTP API decodes the path, so a client's %2F is a slash.
func TestEscapedSlash(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, app())
	req := func() *http.Request { return httptest.NewRequest("GET", "/hello/anna%2Fberg", nil) }
	if resp := backend.HTTP(req()); resp.StatusCode != 404 {
		t.Errorf("HTTP API: got %s", resp.Status)
	}
	for name, event := range map[string][]byte{"function URL": lambdatest.FunctionURL(req()), "REST API": lambdatest.HTTPv1(req()), "load balancer": lambdatest.ALB(req())} {
		if out, err := backend.Invoke(event); err != nil || !strings.Contains(string(out), `"statusCode":201`) || !strings.Contains(string(out), "GET anna/berg") {
			t.Errorf("%s: got %s, %v", name, out, err)
		}
	}
}

// TestAs sends requests and WebSocket events with verified callers, in every format.
func TestAs(t *testing.T) {
	t.Parallel()
	said := func(ctx context.Context) string {
		c, ok := lambdaruntime.CallerFromContext(ctx)
		out := fmt.Sprintf("%v %v %v %q %v", ok, c.Claims, c.Scopes, c.PrincipalID, c.Context)
		if c.IAM != nil {
			out += fmt.Sprint(*c.IAM)
		}
		return out
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, said(r.Context())) })
	backend := lambdatest.New(t, &lambdaruntime.App{HTTP: mux, WebSocket: sayer(said)})
	iam := &lambdaruntime.IAMIdentity{AccountID: "1", ARN: "arn:u", AccessKey: "AK", UserID: "U", CognitoIdentityID: "ci", CognitoIdentityPoolID: "cp"}
	for want, caller := range map[string]lambdaruntime.Caller{
		`false map[] [] "" map[]`:                      {},
		`true map[sub:anna] [notes] "" map[]`:          {Claims: map[string]string{"sub": "anna"}, Scopes: []string{"notes"}},
		`true map[] [] "" map[admin:true tenant:acme]`: {Context: map[string]any{"tenant": "acme", "admin": true}},
		`true map[] [] "" map[]{1 arn:u AK U ci cp}`:   {IAM: iam},
	} {
		for name, make := range map[string]func(*http.Request) []byte{"2.0": lambdatest.HTTPv2, "function URL": lambdatest.FunctionURL, "1.0": lambdatest.HTTPv1} {
			out, err := backend.Invoke(make(lambdatest.As(caller, httptest.NewRequest("GET", "/", nil))))
			var resp struct{ Body string }
			if json.Unmarshal(out, &resp) != nil || err != nil || resp.Body != want {
				t.Errorf("%s: got %s, %v, want %s", name, out, err, want)
			}
		}
		backend.Connect("c", lambdatest.As(caller, httptest.NewRequest("GET", "/", nil)))
		if got := string(backend.Message("c", "who?")); got != want {
			t.Errorf("WebSocket: got %s, want %s", got, want)
		}
	}
	backend.Connect("c", lambdatest.As(lambdaruntime.Caller{PrincipalID: "p"}, httptest.NewRequest("GET", "/", nil)))
	if got := string(backend.Message("c", "who?")); got != `true map[] [] "p" map[]` {
		t.Errorf("principal: got %s", got)
	}
}

type sayer func(context.Context) string

func (s sayer) Connect(context.Context, *lambdaruntime.ConnectRequest) error { return nil }
func (s sayer) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply([]byte(s(ctx)))
	return nil
}
func (s sayer) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }

func TestHTTPTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := lambdatest.New(t, app())
		backend.Timeout = 4 * time.Second
		start := time.Now()
		if resp := backend.HTTP(httptest.NewRequest("GET", "/slow", nil)); resp.StatusCode != 504 || time.Since(start) != 3500*time.Millisecond {
			t.Errorf("%s after %s", resp.Status, time.Since(start))
		}
	})
}

func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := lambdatest.New(t, app())
		resp := backend.Stream(httptest.NewRequest("GET", "/lines", nil))
		if body, err := io.ReadAll(resp.Body); string(body) != "one\ntwo\n" || err != nil || resp.StatusCode != 200 || resp.ContentLength != -1 || resp.Cookies()[0].Value != "1" {
			t.Errorf("got %v %q, %v", resp, body, err)
		}
		for _, path := range []string{"/lines?slow", "/slow"} {
			backend.Timeout = 4 * time.Second
			start := time.Now()
			resp = backend.Stream(httptest.NewRequest("GET", path, nil))
			first := time.Since(start)
			body, err := io.ReadAll(resp.Body)
			got := fmt.Sprintf("%d after %s, %q after %s: %v", resp.StatusCode, first, body, time.Since(start), err)
			want := `200 after 0s, "one\n" after 3.5s: request: timed out after 3.5s`
			if path == "/slow" {
				want = `504 after 3.5s, "{\"message\":\"request: timed out after 3.5s\"}" after 3.5s: <nil>`
			}
			if got != want {
				t.Errorf("%s: got %s, want %s", path, got, want)
			}
		}
		resp = backend.Stream(httptest.NewRequest("GET", "/lines?slow", nil))
		resp.Body.Close() // the handler's context ends, or this test would not
	})
}

func TestBatch(t *testing.T) {
	t.Parallel()
	failed := lambdatest.New(t, app()).Batch("orders.fifo",
		lambdatest.Message{Body: lambdatest.JSON(order{1}), GroupID: "a", DeduplicationID: "d", ReceiveCount: 3, SentAt: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Attributes: map[string]string{"tenant": "acme"}},
		lambdatest.Message{Body: lambdatest.JSON(order{-1}), GroupID: "a", ID: "bad"},
		lambdatest.Message{Body: lambdatest.JSON(order{2}), GroupID: "a"},
		lambdatest.Message{Body: lambdatest.JSON(order{3}), GroupID: "b"},
	)
	if !slices.Equal(failed, []string{"bad", "m2"}) {
		t.Errorf("failed: %v", failed)
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, app())
	handshake := httptest.NewRequest("GET", "/?token=t", nil)
	if status := backend.Connect("c1", handshake); status != 401 {
		t.Errorf("without an origin: %d", status)
	}
	handshake.Header.Set("Origin", "https://example.com")
	if status := backend.Connect("c1", handshake); status != 200 {
		t.Errorf("got %d", status)
	}
	for message, want := range map[string]string{"hi": "hi", "quiet": "", "fail": `{"error":"internal error"}`} {
		if reply := backend.Message("c1", message); string(reply) != want {
			t.Errorf("%s: got %s", message, reply)
		}
	}
	backend.Disconnect("c1", 1000)
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, app())
	if err := backend.Schedule("nightly", time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
	if err := backend.Schedule("nightly", time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)); err == nil {
		t.Error("the handler's error is lost")
	}
}

// TestEventsAreWhatTheySay checks the kind of every event with Detect, and reads the
// events of other services with aws-lambda-go's own types.
func TestEventsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	req := func() *http.Request { return httptest.NewRequest("GET", "/hello/anna?a=1", nil) }
	backend := lambdatest.New(t, app())
	for _, c := range []struct {
		kind  lambdaruntime.Kind
		event []byte
		want  string // part of the response
	}{
		{lambdaruntime.KindHTTPv2, lambdatest.HTTPv2(req()), "GET anna a=1"},
		{lambdaruntime.KindHTTPv2, lambdatest.FunctionURL(req()), "GET anna a=1"},
		{lambdaruntime.KindHTTPv1, lambdatest.HTTPv1(req()), "GET anna a=1"},
		{lambdaruntime.KindALB, lambdatest.ALB(req()), "GET anna a=1"},
		{lambdaruntime.KindWebSocket, lambdatest.WebSocketConnect("c", req()), "401"},
		{lambdaruntime.KindWebSocket, lambdatest.WebSocketMessage("c", "m"), `"body":"m"`},
		{lambdaruntime.KindWebSocket, lambdatest.WebSocketDisconnect("c", 1001, "away"), "200"},
		{lambdaruntime.KindSQS, lambdatest.SQS("orders.fifo", lambdatest.Message{Body: `{}`}), `{"batchItemFailures":[]}`},
		{lambdaruntime.KindSchedule, lambdatest.Schedule("nightly", time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)), "null"},
		{lambdaruntime.KindEventBridge, lambdatest.EventBridge("shop", "Order Placed", map[string]int{"id": 1}), "shop Order Placed"},
		{lambdaruntime.KindSNS, lambdatest.SNS("topic", "hello"), "hello"},
		{lambdaruntime.KindS3, lambdatest.S3("bucket", "a/b"), "a/b"},
		{lambdaruntime.KindDynamoDB, lambdatest.DynamoDB("table", map[string]any{"Keys": map[string]any{"Id": map[string]string{"N": "7"}}}), "7"},
		{lambdaruntime.KindKinesis, lambdatest.Kinesis("stream", []byte("data")), "data"},
		{lambdaruntime.KindAuthorizer, lambdatest.Authorizer("GET", "/x", "token"), "token"},
	} {
		if got := lambdaruntime.Detect(c.event); got != c.kind {
			t.Errorf("%s is detected as %s", c.kind, got)
		}
		out, err := backend.Invoke(c.event)
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: got %s, %v", c.kind, out, err)
		}
	}
}
