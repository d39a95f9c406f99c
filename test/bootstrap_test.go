package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// everything is the program of testdata/everything, built once the way the
// constructs build it, but for this machine.
var everything = sync.OnceValues(func() (string, error) {
	return buildBootstrap("testdata/everything", "everything")
})

func buildBootstrap(dir, name string) (string, error) {
	program := filepath.Join(builds, name, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", program, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

func everythingProgram(t *testing.T) string {
	t.Helper()
	path, err := everything()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// output collects what a program logs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// lambdaEvent reads one of the runtime's own test events.
func lambdaEvent(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "lambdaruntime", "testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func http2(method, path string) []byte {
	return fmt.Appendf(nil, `{"version":"2.0","rawPath":%q,"requestContext":{"http":{"method":%q,"sourceIp":"203.0.113.7"}}}`, path, method)
}

// TestBootstrapAnswersEveryKind starts the built program as a process and sends
// it one real event after the other, so that it also shows that nothing of one
// event, a panic and a timeout included, reaches the next.
func TestBootstrapAnswersEveryKind(t *testing.T) {
	t.Parallel()
	log := &output{}
	instance, err := local.StartInstance(t.Context(), local.InstanceOptions{
		Program: everythingProgram(t), Output: log, FunctionName: "everything",
		Env: map[string]string{"HEARTH_QUEUES": "jobs=https://sqs.eu-central-1.amazonaws.com/123456789012/captures", "HEARTH_PARTIAL_RESPONSES": "jobs,ledger"},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	defer instance.Stop()

	for _, c := range []struct {
		name  string
		event []byte
		want  string // the response, or a part of it after "…"
	}{
		{"HTTP API", lambdaEvent(t, "http-v2-get"), `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"cookies":["a=1"],"body":"GET /users/anna%20berg/bookmarks?tag=go&tag=aws&q=a%20b from 203.0.113.7:0, db connected, body \"\"","isBase64Encoded":false}`},
		{"HTTP API, binary", lambdaEvent(t, "http-v2-post-binary"), `…body \"\\x00\\x01\\xff\\x80A\"","isBase64Encoded":false}`},
		{"panic", http2("GET", "/panic"), `{"statusCode":500,"headers":{"Content-Type":"application/json"},"body":"{\"message\":\"internal error\"}","isBase64Encoded":false}`},
		{"locked thread", http2("GET", "/locks"), `{"statusCode":200,"headers":{},"body":"","isBase64Encoded":false}`},
		{"timeout", http2("GET", "/slow"), `{"statusCode":504,"headers":{"Content-Type":"application/json"},"body":"{\"message\":\"request: timed out after 300ms\"}","isBase64Encoded":false}`},
		{"Function URL", lambdaEvent(t, "function-url-get"), `…"body":"GET /? from [2001:db8::7]:0, db connected`},
		{"REST API", lambdaEvent(t, "http-v1-rest"), `{"statusCode":200,"multiValueHeaders":{"Set-Cookie":["a=1"],"Content-Type":["text/plain; charset=utf-8"]},"body":"POST /things/a%20b?tag=go&tag=aws+%26+go&empty= from 203.0.113.8:0, db connected, body \"hello\"","isBase64Encoded":false}`},
		{"load balancer", lambdaEvent(t, "alb-get"), `{"statusCode":200,"statusDescription":"200 OK","headers":{"Content-Type":"text/plain; charset=utf-8","set-cookie":"a=1"},"body":"GET /a%20b?q=a%20b&r=1 from 203.0.113.9:0`},
		{"WebSocket connect", lambdaEvent(t, "websocket-connect"), `{"statusCode":200}`},
		{"WebSocket refused", bytes.ReplaceAll(lambdaEvent(t, "websocket-connect"), []byte(`"token"`), []byte(`"other"`)), `{"statusCode":401}`},
		{"WebSocket message", lambdaEvent(t, "websocket-message"), `{"statusCode":200,"body":"echo {\"action\":\"ping\"}"}`},
		{"WebSocket disconnect", lambdaEvent(t, "websocket-disconnect"), `{"statusCode":200}`},
		{"standard queue", lambdaEvent(t, "sqs-standard"), `{"batchItemFailures":[{"itemIdentifier":"00000000-0000-4000-8000-000000000002"}]}`},
		{"FIFO queue", sqsEvent("ledger.fifo", "a ok", "a fail", "b ok", "a ok", "b hang", "b ok", "c panic", "d ok"), `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"},{"itemIdentifier":"m4"},{"itemIdentifier":"m5"},{"itemIdentifier":"m6"}]}`},
		{"schedule", lambdaEvent(t, "schedule-scheduler"), `null`},
		{"SNS", lambdaEvent(t, "sns-notification"), `"sns: 1 fields"`},
		{"after all that", http2("GET", "/still-here"), `…"body":"GET /still-here`},
	} {
		out, err := instance.Invoke(t.Context(), c.event)
		got := string(out)
		part, partial := strings.CutPrefix(c.want, "…")
		if err != nil || !partial && !strings.HasPrefix(got, c.want) || partial && !strings.Contains(got, part) || !json.Valid(out) {
			t.Errorf("%s:\n got %s %v\nwant %s", c.name, got, err, c.want)
		}
	}

	var failure *local.FunctionError
	for name, want := range map[string]string{
		"unknown-direct-invoke": "lambdaruntime: nothing handles this event: got an object with the fields job, since; handled kinds are ",
		"kinesis-record":        "lambdaruntime: nothing handles this event: got kind kinesis; set App.Events[kinesis] or App.Fallback",
	} {
		_, err := instance.Invoke(t.Context(), lambdaEvent(t, name))
		if !errors.As(err, &failure) || !strings.HasPrefix(failure.Message, want) {
			t.Errorf("%s: got %v", name, err)
		}
	}

	for _, want := range []string{
		`"message":"optional resource failed to load; it is tried again at its first use","resource":"cache","error":"no cache here"`,
		`"message":"panic in request","panic":"asked to","stack":"goroutine `,
		`"message":"request timed out","method":"GET","path":"/slow","limitMs":300,"abandoned":false,"responseBegun":false,"requestId":"`,
		`"message":"cancelled","cause":"request: timed out after 300ms","requestId":"`,
		`"message":"disconnected","code":1001,"requestId":"`,
		`"message":"nightly","at":"2026-11-23T03:00:00Z"`,
		`"queue":"jobs","messageId":"00000000-0000-4000-8000-000000000002"`,
		`"Namespace":"Hearth"`, `"FunctionName":"everything","ColdStart":1,`, `"Timeouts":1}`, `"Queue":"ledger","JobsDone":3,"JobsFailed":5}`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}

func sqsEvent(queue string, jobs ...string) []byte {
	var records []string
	for i, job := range jobs {
		group, do, _ := strings.Cut(job, " ")
		records = append(records, fmt.Sprintf(`{"messageId":"m%d","body":"{\"do\":\"%s\"}","attributes":{"MessageGroupId":"%s"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:%s"}`, i, do, group, queue))
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func TestBootstrapReportsWarmUpFailure(t *testing.T) {
	t.Parallel()
	program := everythingProgram(t)
	for db, want := range map[string]string{
		"refuses": `lambdaruntime: warm-up failed: required resource "db": connection refused`,
		"hangs":   `lambdaruntime: warm-up failed: required resource "db": warm-up timed out after 2s`,
	} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			log := &output{}
			_, err := local.StartInstance(t.Context(), local.InstanceOptions{Program: program, Output: log, Env: map[string]string{"DB": db}})
			var failure *local.FunctionError
			if !errors.As(err, &failure) || failure.Type != "Hearth.WarmUpFailed" || failure.Message != want {
				t.Errorf("got %v\n%s", err, log)
			}
		})
	}
}

func TestBootstrapOutsideLambda(t *testing.T) {
	t.Parallel()
	program := everythingProgram(t)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{"DB=refuses"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), "lambdaruntime: Start runs inside AWS Lambda") {
		t.Errorf("got %v, %s", err, out)
	}

	// The manifest comes before any warm-up: here the database refuses.
	path := filepath.Join(t.TempDir(), "manifest.json")
	cmd = exec.CommandContext(t.Context(), program)
	cmd.Env = []string{"DB=refuses", "HEARTH_MANIFEST=" + path}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"http":true,"webSocket":true,"requestTimeoutSeconds":0.3,` +
		`"queues":[{"name":"jobs","fifo":false,"timeoutSeconds":0.3,"concurrency":10},{"name":"ledger","fifo":true,"timeoutSeconds":0.3,"concurrency":1}],` +
		`"schedules":[{"name":"nightly","expression":"cron(0 3 * * ? *)"}],` +
		`"warm":[{"name":"db","required":true},{"name":"cache","required":false}],"events":["sns"]}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, got); err != nil || compact.String() != want {
		t.Errorf("got %s, %v\nwant %s", compact.String(), err, want)
	}
}
