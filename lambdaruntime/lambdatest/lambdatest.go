// Package lambdatest tests a program's handlers with the events that Lambda would
// send them, without a process or an AWS account:
//
//	func TestHello(t *testing.T) {
//		backend := lambdatest.New(t, app())
//		resp := backend.HTTP(httptest.NewRequest("GET", "/hello/anna", nil))
//		if resp.StatusCode != 200 { … }
//	}
//
// [Backend] sends events to the router that [lambdaruntime.NewHandler] returns, so
// detection, decoding, timeouts and partial batch responses are the real ones. The
// functions that make events ([HTTPv2], [SQS], …) return JSON, which any other Lambda
// handler takes too.
package lambdatest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// DefaultTimeout is the function timeout that a [Backend] gives its invocations.
const DefaultTimeout = time.Minute

// Backend is a program under test. It is safe for concurrent use.
type Backend struct {
	// Timeout is the function's timeout: each invocation's context has that
	// deadline. 0 means DefaultTimeout.
	Timeout time.Duration

	t       testing.TB
	handler lambda.Handler

	mu      sync.Mutex
	callers map[string]lambdaruntime.Caller // by connection id
}

// New returns the program of app. Its event source mappings take partial batch responses,
// as those of the constructs do. A mistake in the App fails the test.
func New(t testing.TB, app *lambdaruntime.App) *Backend {
	t.Helper()
	h, err := lambdaruntime.NewHandler(app)
	if err != nil {
		t.Fatal(err)
	}
	h.(interface{ SetPartialResponses(bool) }).SetPartialResponses(true)
	return &Backend{t: t, handler: h, callers: map[string]lambdaruntime.Caller{}}
}

// Invoke sends an event, which must be JSON, and returns the response's JSON. err is the
// error that the function would report to Lambda.
func (b *Backend) Invoke(event []byte) ([]byte, error) {
	b.t.Helper()
	ctx, cancel := b.invocation()
	defer cancel()
	return b.handler.Invoke(ctx, event)
}

// invocation returns the context of an invocation.
func (b *Backend) invocation() (context.Context, context.CancelFunc) {
	timeout := b.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), timeout)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: requestID, InvokedFunctionArn: functionARN}), cancel
}

// mustInvoke fails the test on an error.
func (b *Backend) mustInvoke(event []byte) []byte {
	b.t.Helper()
	out, err := b.Invoke(event)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// HTTP sends a request as an HTTP API does, in payload format 2.0, and returns the
// client's response. Make the request with [httptest.NewRequest].
func (b *Backend) HTTP(req *http.Request) *http.Response {
	b.t.Helper()
	event, err := httpV2(req, "")
	if err != nil {
		b.t.Fatal(err)
	}
	var out struct {
		StatusCode      int
		Headers         map[string]string
		Cookies         []string
		Body            string
		IsBase64Encoded bool
	}
	data := b.mustInvoke(event)
	if err := json.Unmarshal(data, &out); err != nil {
		b.t.Fatalf("response %s: %v", data, err)
	}
	body := []byte(out.Body)
	if out.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
			b.t.Fatalf("response body: %v", err)
		}
	}
	resp := newResponse(req, out.StatusCode, out.Headers, out.Cookies)
	resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
	return resp
}

// Batch sends messages of one queue as one batch and returns the ids of the failed ones,
// which SQS would deliver again. queue is the queue's logical name; add ".fifo" for a
// FIFO queue, as in its physical name.
func (b *Backend) Batch(queue string, messages ...Message) (failed []string) {
	b.t.Helper()
	var out struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	data := b.mustInvoke(SQS(queue, messages...))
	if err := json.Unmarshal(data, &out); err != nil {
		b.t.Fatalf("response %s: %v", data, err)
	}
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// Schedule runs a schedule as EventBridge Scheduler does. The error is the run's.
func (b *Backend) Schedule(name string, at time.Time) error {
	b.t.Helper()
	_, err := b.Invoke(Schedule(name, at))
	return err
}

// Connect opens a WebSocket connection and returns the status that the client gets: 200,
// or the status of a refusal. Make the handshake with [httptest.NewRequest]. If [As]
// gives the handshake a caller, the connection's messages have it too.
func (b *Backend) Connect(connectionID string, handshake *http.Request) (status int) {
	b.t.Helper()
	b.mu.Lock()
	b.callers[connectionID] = callerOf(handshake)
	b.mu.Unlock()
	status, _ = b.webSocket(WebSocketConnect(connectionID, handshake))
	return status
}

// Message sends a WebSocket message and returns the reply, or nil when there is
// none. A failed message's reply is {"error": "…"}.
func (b *Backend) Message(connectionID, message string) (reply []byte) {
	b.t.Helper()
	b.mu.Lock()
	caller := b.callers[connectionID]
	b.mu.Unlock()
	_, reply = b.webSocket(webSocketMessage(connectionID, message, caller))
	return reply
}

// Disconnect tells the program that a WebSocket connection has ended, with a close
// code such as 1000.
func (b *Backend) Disconnect(connectionID string, code int) {
	b.t.Helper()
	b.webSocket(WebSocketDisconnect(connectionID, code, ""))
}

func (b *Backend) webSocket(event []byte) (status int, body []byte) {
	b.t.Helper()
	var out struct {
		StatusCode int
		Body       *string
	}
	data := b.mustInvoke(event)
	if err := json.Unmarshal(data, &out); err != nil {
		b.t.Fatalf("response %s: %v", data, err)
	}
	if out.Body != nil {
		body = []byte(*out.Body)
	}
	return out.StatusCode, body
}
