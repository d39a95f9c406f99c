package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// bench is a router under test with its logs and metrics.
type bench struct {
	t       testing.TB
	router  *router
	logs    *syncBuffer
	metrics *syncBuffer
}

// syncBuffer is a buffer that abandoned handlers may write to as well.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func setup(t testing.TB, app *App) *bench {
	t.Helper()
	b := &bench{t: t, logs: &syncBuffer{}, metrics: &syncBuffer{}}
	app.Logger = slog.New(slog.NewJSONHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := newRouter(app)
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = &metricWriter{w: b.metrics, function: "fn"}
	for _, c := range r.queues {
		c.partial = true
	}
	b.router = r
	return b
}

// on is the same bench for another test: a fuzz target's function has one of its
// own.
func (b *bench) on(t testing.TB) *bench {
	c := *b
	c.t = t
	return &c
}

// invoke sends one event the way aws-lambda-go does: through a buffer that is
// overwritten as soon as the handler has returned.
func (b *bench) invoke(ctx context.Context, payload []byte) (string, error) {
	b.t.Helper()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	buffer := bytes.Clone(payload)
	out, err := b.serve(ctx, buffer)
	for i := range buffer {
		buffer[i] = '!'
	}
	return string(out), err
}

// serve is Invoke without its refusal when abandoned code blocks later events: Start's
// loop ends the process then; see [bench.sick].
func (b *bench) serve(ctx context.Context, payload []byte) ([]byte, error) {
	answers := make(chan answer, 1)
	text := string(payload)
	go func() {
		if a, ok := b.router.serve(ctx, text, streamed{}, func(a answer) { answers <- a }); ok {
			answers <- a
		}
	}()
	a := <-answers
	return a.body, a.err
}

// sick names the pool that abandoned code blocks, "" for none.
func (b *bench) sick() string {
	if pool, _ := b.router.health.Sick(); pool != nil {
		return pool.Name
	}
	return ""
}

func (b *bench) mustInvoke(ctx context.Context, payload []byte) string {
	b.t.Helper()
	out, err := b.invoke(ctx, payload)
	if err != nil {
		b.t.Fatal(err)
	}
	if !json.Valid([]byte(out)) {
		b.t.Fatalf("response is not JSON: %s", out)
	}
	return out
}

// logged returns the log records whose message contains part.
func (b *bench) logged(part string) []map[string]any {
	b.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(b.logs.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			b.t.Fatalf("log line %q: %v", line, err)
		}
		if strings.Contains(rec["msg"].(string), part) {
			found = append(found, rec)
		}
	}
	return found
}

// response is the union of the response shapes.
type response struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func parseResponse(t testing.TB, out string) response {
	t.Helper()
	var r response
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("response %s: %v", out, err)
	}
	return r
}
