package relay

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

var (
	_ registry.Sender = (*Client)(nil)
	_ registry.Sender = (*connections.Client)(nil)
)

// entry is a message in a request to SQS.
type entry struct {
	ID                     string `json:"Id,omitempty"`
	QueueURL               string `json:"QueueUrl,omitempty"`
	MessageBody            string
	MessageGroupID         string `json:"MessageGroupId"`
	MessageDeduplicationID string `json:"MessageDeduplicationId"`
}

// aws is the relay's queue, which speaks SQS's JSON protocol, and the @connections
// API of the stage "live".
type aws struct {
	endpoint string // kept while the function is isolated
	t        *testing.T
	mu       sync.Mutex
	// queue are the messages that were sent.
	queue []entry
	// refuse, if set, is the group whose messages are refused.
	refuse string
	// calls are those of @connections: "POST id body".
	calls []string
	// status, if set, returns the status of a call; 0 is 200.
	status func(call string) int
}

// setup starts both and sets the environment of a function that reaches
// @connections.
func setup(t *testing.T) *aws {
	t.Helper()
	a := &aws{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.sqs)
	mux.HandleFunc("/live/@connections/{id}", a.connections)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"HEARTH_WEBSOCKET_ENDPOINT": srv.URL + "/live", "HEARTH_QUEUES": "",
		"AWS_ENDPOINT_URL_SQS": srv.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	return a
}

const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/relay.fifo"

// isolated makes the function one that cannot reach @connections.
func (a *aws) isolated() {
	a.endpoint = os.Getenv("HEARTH_WEBSOCKET_ENDPOINT")
	a.t.Setenv("HEARTH_WEBSOCKET_ENDPOINT", "")
	a.t.Setenv("HEARTH_QUEUES", "websocket-relay="+queueURL)
}

func (a *aws) connections(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	call := strings.TrimSpace(r.Method + " " + r.PathValue("id") + " " + string(body))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call)
	if a.status != nil {
		if status := a.status(call); status != 0 {
			w.WriteHeader(status)
		}
	}
}

func (a *aws) sqs(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := func(body string) string {
		h := md5.Sum([]byte(body))
		return hex.EncodeToString(h[:])
	}
	var in struct {
		entry
		Entries []entry
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		a.t.Error(err)
	}
	if in.QueueURL != queueURL {
		a.t.Errorf("queue URL %q", in.QueueURL)
	}
	var out any
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.SendMessage":
		a.queue = append(a.queue, in.entry)
		out = map[string]any{"MessageId": "m", "MD5OfMessageBody": sum(in.MessageBody)}
	case "AmazonSQS.SendMessageBatch":
		successful, failed := []map[string]any{}, []map[string]any{}
		for _, e := range in.Entries {
			if e.MessageGroupID == a.refuse {
				failed = append(failed, map[string]any{"Id": e.ID, "Code": "Refused", "SenderFault": true})
				continue
			}
			a.queue = append(a.queue, e)
			successful = append(successful, map[string]any{"Id": e.ID, "MessageId": "m" + e.ID, "MD5OfMessageBody": sum(e.MessageBody)})
		}
		out = map[string]any{"Successful": successful, "Failed": failed}
	default:
		a.t.Errorf("X-Amz-Target %q", target)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.t.Error(err)
	}
}

// deliver sends the queue's messages to a consuming program, as one batch of an event
// source mapping, and returns the ids of the failed messages.
func (a *aws) deliver(consumer lambdaruntime.Consumer) []string {
	a.t.Helper()
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{Queues: []lambdaruntime.Consumer{consumer}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		a.t.Fatal(err)
	}
	h.(interface{ SetPartialResponses(bool) }).SetPartialResponses(true) // as the constructs' mappings have it
	var records []map[string]any
	a.mu.Lock()
	for i, e := range a.queue {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("m", i), "body": e.MessageBody, "eventSource": "aws:sqs",
			"eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:relay.fifo",
			"attributes":     map[string]string{"MessageGroupId": e.MessageGroupID, "MessageDeduplicationId": e.MessageDeduplicationID, "ApproximateReceiveCount": "1"},
		})
	}
	a.queue = nil
	a.mu.Unlock()
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	out, err := h.Invoke(ctx, event)
	if err != nil {
		a.t.Fatal(err)
	}
	var answer struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		a.t.Fatal(err)
	}
	var failed []string
	for _, f := range answer.Failures {
		failed = append(failed, f.ID)
	}
	return failed
}

// outside is the environment of the function that consumes the queue.
func (a *aws) outside() {
	if a.endpoint != "" {
		a.t.Setenv("HEARTH_WEBSOCKET_ENDPOINT", a.endpoint)
	}
	a.t.Setenv("HEARTH_QUEUES", "websocket-relay="+queueURL)
}

func TestDirect(t *testing.T) {
	a := setup(t)
	c := New()
	if err := c.Send(t.Context(), "a=", []byte("hello")); err != nil {
		t.Error(err)
	}
	if err := c.SendJSON(t.Context(), "a=", map[string]int{"n": 1}); err != nil {
		t.Error(err)
	}
	if err := c.Close(t.Context(), "a="); err != nil {
		t.Error(err)
	}
	a.status = func(string) int { return 410 }
	if gone, err := c.SendAll(t.Context(), []string{"b="}, []byte("x")); err != nil || !slices.Equal(gone, []string{"b="}) {
		t.Errorf("got gone %q, %v; want b=", gone, err)
	}
	if err := c.Send(t.Context(), "b=", nil); !errors.Is(err, connections.ErrGone) {
		t.Errorf("got %v, want %v", err, connections.ErrGone)
	}
	want := []string{"POST a= hello", `POST a= {"n":1}`, "DELETE a=", "POST b= x", "POST b="}
	if diff := cmp.Diff(want, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if len(a.queue) > 0 {
		t.Errorf("got %d messages on the queue, want none", len(a.queue))
	}
}

func TestThroughTheQueue(t *testing.T) {
	a := setup(t)
	a.isolated()
	c := New()
	for range 2 { // twice the same is two pushes
		if err := c.Send(t.Context(), "a=", []byte("hello")); err != nil {
			t.Error(err)
		}
	}
	if err := c.SendJSON(t.Context(), "a=", "<\u0000\uffff>"); err != nil {
		t.Error(err)
	}
	if gone, err := c.SendAll(t.Context(), []string{"b=", "c=", "b="}, []byte("all")); err != nil || gone != nil {
		t.Errorf("got gone %q, %v", gone, err)
	}
	if err := c.Close(t.Context(), "a="); err != nil {
		t.Error(err)
	}
	if len(a.calls) > 0 {
		t.Errorf("got calls %q, want none", a.calls)
	}
	seen := map[string]bool{}
	for _, e := range a.queue {
		if seen[e.MessageDeduplicationID] || e.MessageDeduplicationID == "" {
			t.Errorf("deduplication id %q comes twice", e.MessageDeduplicationID)
		}
		seen[e.MessageDeduplicationID] = true
	}
	if got, want := a.queue[0].MessageBody, `{"op":"send","connectionId":"a=","data":"`+base64.StdEncoding.EncodeToString([]byte("hello"))+`"}`; got != want {
		t.Errorf("got body %s, want %s", got, want)
	}
	var groups []string
	for _, e := range a.queue {
		groups = append(groups, e.MessageGroupID)
		for _, r := range e.MessageBody {
			if r < ' ' || r > '~' {
				t.Errorf("character %q in the body, which SQS may refuse", r)
			}
		}
	}
	if want := []string{"a=", "a=", "a=", "b=", "c=", "a="}; !slices.Equal(groups, want) {
		t.Errorf("got groups %q, want %q", groups, want)
	}

	a.outside()
	if failed := a.deliver(Consumer()); failed != nil {
		t.Errorf("failed: %q", failed)
	}
	want := []string{"POST a= hello", "POST a= hello", "POST a= \"\\u003c\\u0000\uffff\\u003e\"", "POST b= all", "POST c= all", "DELETE a="}
	if diff := cmp.Diff(want, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestConsumer(t *testing.T) {
	a := setup(t)
	a.isolated()
	c := New()
	for i := range 2 {
		for _, id := range []string{"fine=", "gone=", "wrong=", "busy="} {
			if err := c.Send(t.Context(), id, fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.status = func(call string) int {
		switch {
		case strings.Contains(call, "gone="):
			return 410
		case strings.Contains(call, "wrong="):
			return 400
		case strings.Contains(call, "busy="):
			return 403 // as good as 429, and not tried again at once
		}
		return 0
	}
	a.outside()
	var gone []string
	failed := a.deliver(Consumer(OnGone(func(_ context.Context, id string) error {
		gone = append(gone, id)
		return nil
	})))
	// The second push to busy= waits for the first.
	if diff := cmp.Diff([]string{"m3", "m7"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gone=", "gone="}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	want := []string{"POST fine= 0", "POST gone= 0", "POST wrong= 0", "POST busy= 0", "POST fine= 1", "POST gone= 1", "POST wrong= 1"}
	if diff := cmp.Diff(want, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestOnGoneFails(t *testing.T) {
	a := setup(t)
	a.isolated()
	if err := New().Send(t.Context(), "gone=", nil); err != nil {
		t.Fatal(err)
	}
	a.status = func(string) int { return 410 }
	a.outside()
	failed := a.deliver(Consumer(OnGone(func(context.Context, string) error { return errors.New("not forgotten") })))
	if diff := cmp.Diff([]string{"m0"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

func TestPushesOfAnotherVersionFail(t *testing.T) {
	a := setup(t)
	a.outside()
	a.queue = []entry{{MessageBody: `{"op":"ping","connectionId":"a="}`, MessageGroupID: "a="}}
	if failed := a.deliver(Consumer()); !slices.Equal(failed, []string{"m0"}) {
		t.Errorf("failed: %q, want m0", failed)
	}
}

func TestLimits(t *testing.T) {
	a := setup(t)
	a.isolated()
	c := New()
	largest := slices.Repeat([]byte{'x'}, 128*1024)
	if err := c.Send(t.Context(), "a=", largest); err != nil {
		t.Errorf("largest message: %v", err)
	}
	many := make([]string, 30) // several batches of 1 MiB
	for i := range many {
		many[i] = fmt.Sprintf("c%d=", i)
	}
	if _, err := c.SendAll(t.Context(), many, largest); err != nil {
		t.Errorf("largest message to many: %v", err)
	}
	if len(a.queue) != 31 {
		t.Errorf("got %d messages, want 31", len(a.queue))
	}
	for _, tc := range []struct {
		id   string
		data []byte
		want string
	}{
		{"a=", append(largest, 'x'), `relay: send "a=": a message must be up to 131072 bytes, got 131073; send a link to the data instead`},
		{"a=", []byte{0xff}, `relay: send "a=": a message must be valid UTF-8; encode binary data, for example as base64`},
		{"", nil, `relay: send: the connection id must not be empty`},
	} {
		if err := c.Send(t.Context(), tc.id, tc.data); err == nil || err.Error() != tc.want {
			t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
		}
		if _, err := c.SendAll(t.Context(), []string{tc.id}, tc.data); err == nil || err.Error() != tc.want {
			t.Errorf("to all: got error\n%v\nwant\n%s", err, tc.want)
		}
	}
	if err := c.Close(t.Context(), ""); err == nil || err.Error() != `relay: close: the connection id must not be empty` {
		t.Errorf("got error %v", err)
	}
	if err := c.SendJSON(t.Context(), "a=", func() {}); err == nil || !strings.HasPrefix(err.Error(), `relay: send "a=": encode the message: `) {
		t.Errorf("got error %v", err)
	}
}

func TestSendAllNamesWhomItFailed(t *testing.T) {
	a := setup(t)
	a.isolated()
	a.refuse = "b="
	_, err := New().SendAll(t.Context(), []string{"a=", "b=", "c="}, []byte("x"))
	if want := `relay: send "b=": Refused`; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if len(a.queue) != 2 {
		t.Errorf("got %d messages, want 2", len(a.queue))
	}
}

func TestAQueueThatIsNone(t *testing.T) {
	a := setup(t)
	a.isolated()
	a.t.Setenv("HEARTH_QUEUES", "websocket-relay=https://sqs/1/standard")
	_, err := New().SendAll(t.Context(), []string{"a="}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "relay: producer: ") {
		t.Errorf("got error %v", err)
	}
	if err := New().Send(t.Context(), "a=", nil); err == nil || !strings.HasPrefix(err.Error(), `relay: send "a=": producer: `) {
		t.Errorf("got error %v", err)
	}
}

// TestNamed has a program that pushes to two WebSocket APIs, but can reach only one.
func TestNamed(t *testing.T) {
	a := setup(t)
	t.Setenv("HEARTH_QUEUES", "websocket-relay-admin="+queueURL)
	if err := New().Send(t.Context(), "id", []byte("x")); err != nil || len(a.calls) != 1 || len(a.queue) != 0 {
		t.Errorf("direct: %v, calls %v, queue %v", err, a.calls, a.queue)
	}
	if err := Named("admin").Send(t.Context(), "id", []byte("x")); err != nil || len(a.calls) != 1 || len(a.queue) != 1 {
		t.Errorf("relayed: %v, calls %v, queue %v", err, a.calls, a.queue)
	}
}
