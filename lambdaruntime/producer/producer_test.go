package producer

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

type capture struct {
	URL string `json:"url"`
}

// entry is a message in a request.
type entry struct {
	ID                      string `json:"Id,omitempty"`
	QueueURL                string `json:"QueueUrl,omitempty"`
	MessageBody             string
	DelaySeconds            int
	MessageGroupID          string `json:"MessageGroupId"`
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
	MessageAttributes       map[string]attribute
	MessageSystemAttributes map[string]attribute
}

type attribute struct{ DataType, StringValue string }

// server speaks SQS's JSON protocol.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html (2026-11)
type server struct {
	t  *testing.T
	mu sync.Mutex
	// single and batches are the messages of each request.
	single  []entry
	batches [][]entry
	// verdict, if set, returns the error code of a batch's entry: "" is sent.
	verdict func(e entry) string
	// status, if set, refuses whole requests.
	status int
	// refuse, if set, may answer a request instead of the server, and interrupt after the
	// server has accepted it.
	refuse, interrupt func(w http.ResponseWriter) bool
	requests          int // that refuse and interrupt have seen
	tries             int
}

// setup starts a server and sets the environment of a function with the queues
// "captures" and "ledger.fifo".
func setup(t *testing.T) *server {
	t.Helper()
	s := &server{t: t}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"HEARTH_QUEUES":        "captures=" + srv.URL + "/123456789012/captures,ledger=ledger.fifo",
		"AWS_ENDPOINT_URL_SQS": srv.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session", "_X_AMZN_TRACE_ID": "",
	} {
		t.Setenv(name, value)
	}
	return s
}

func captures() *Producer[capture] {
	return quick(New(lambdaruntime.Queue[capture]{Name: "captures"}))
}

func ledger() *Producer[string] {
	return quick(New(lambdaruntime.Queue[string]{Name: "ledger", FIFO: true}))
}

func quick[T any](p *Producer[T]) *Producer[T] {
	p.pause = func(int) time.Duration { return 0 }
	return p
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKID/") || !strings.Contains(auth, "/eu-central-1/sqs/aws4_request") {
		s.t.Errorf("Authorization header %q", auth)
	}
	if token := r.Header.Get("X-Amz-Security-Token"); token != "session" {
		s.t.Errorf("session token %q", token)
	}
	s.tries++
	if s.refuse != nil && s.refuse(w) {
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if s.status != 0 {
		w.WriteHeader(s.status)
		io.WriteString(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`)
		return
	}
	sum := func(body string) string {
		h := md5.Sum([]byte(body))
		return hex.EncodeToString(h[:])
	}
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.SendMessage":
		var e entry
		s.read(r, &e)
		s.single = append(s.single, e)
		if s.interrupt != nil && s.interrupt(w) {
			return
		}
		s.write(w, map[string]any{"MessageId": "m", "MD5OfMessageBody": sum(e.MessageBody)})
	case "AmazonSQS.SendMessageBatch":
		var in struct {
			QueueURL string `json:"QueueUrl"`
			Entries  []entry
		}
		s.read(r, &in)
		s.batches = append(s.batches, in.Entries)
		if s.interrupt != nil && s.interrupt(w) {
			return
		}
		successful, failed := []map[string]any{}, []map[string]any{}
		for _, e := range in.Entries {
			code := ""
			if s.verdict != nil {
				code = s.verdict(e)
			}
			if code == "" {
				successful = append(successful, map[string]any{"Id": e.ID, "MessageId": "m" + e.ID, "MD5OfMessageBody": sum(e.MessageBody)})
			} else {
				failed = append(failed, map[string]any{"Id": e.ID, "Code": code, "Message": "no", "SenderFault": code != "InternalError"})
			}
		}
		s.write(w, map[string]any{"Successful": successful, "Failed": failed})
	default:
		s.t.Errorf("X-Amz-Target %q", target)
	}
}

func (s *server) read(r *http.Request, v any) {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *server) write(w io.Writer, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

// bodies are the messages of each batch.
func (s *server) bodies() [][]string {
	var all [][]string
	for _, batch := range s.batches {
		var bodies []string
		for _, e := range batch {
			bodies = append(bodies, e.MessageBody)
		}
		all = append(all, bodies)
	}
	return all
}

func TestSend(t *testing.T) {
	s := setup(t)
	//nolint:staticcheck // aws-lambda-go's own key
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793")
	err := captures().Send(ctx, capture{URL: "https://example.com/?a=1&b=2"},
		WithDelay(1500*time.Millisecond), WithGroup("tenant-1"), WithAttribute("origin", "test"))
	if err != nil {
		t.Fatal(err)
	}
	want := []entry{{
		QueueURL: s.single[0].QueueURL, MessageBody: `{"url":"https://example.com/?a=1\u0026b=2"}`, DelaySeconds: 2, MessageGroupID: "tenant-1",
		MessageAttributes:       map[string]attribute{"origin": {"String", "test"}},
		MessageSystemAttributes: map[string]attribute{"AWSTraceHeader": {"String", "Root=1-5759e988-bd862e3fe1be46a994272793"}},
	}}
	if diff := cmp.Diff(want, s.single); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(s.single[0].QueueURL, "/123456789012/captures") {
		t.Errorf("queue URL %q", s.single[0].QueueURL)
	}
}

func TestWhatIsSentIsWhatIsConsumed(t *testing.T) {
	s := setup(t)
	const text = "a \"b\" \U0001f600\n"
	if err := ledger().Send(t.Context(), text, WithGroup("g"), WithDeduplication("d")); err != nil {
		t.Fatal(err)
	}
	if err := quick(New(lambdaruntime.Queue[[]byte]{Name: "captures"})).Send(t.Context(), []byte(text)); err != nil {
		t.Fatal(err)
	}
	for i, e := range s.single {
		if e.MessageBody != text {
			t.Errorf("message %d: body %q, want %q", i, e.MessageBody, text)
		}
	}
	queue := lambdaruntime.Queue[capture]{Name: "captures"}
	if err := quick(New(queue)).Send(t.Context(), capture{URL: "u"}); err != nil {
		t.Fatal(err)
	}
	var got capture
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{Queues: []lambdaruntime.Consumer{queue.Consume(
		func(_ context.Context, job *lambdaruntime.Job[capture]) error { got = job.Payload; return nil },
	)}})
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(map[string]any{"Records": []map[string]any{{
		"messageId": "m", "body": s.single[2].MessageBody, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:captures",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if response, err := h.Invoke(t.Context(), event); err != nil || string(response) != `{"batchItemFailures":[]}` {
		t.Fatalf("got %s, %v", response, err)
	}
	if got.URL != "u" {
		t.Errorf("got %+v", got)
	}
}

func TestDeduplicationID(t *testing.T) {
	s := setup(t)
	p := ledger()
	for _, opts := range [][]Option{{}, {}, {WithDeduplication("mine")}, {WithContentDeduplication()}} {
		if err := p.Send(t.Context(), "x", append(opts, WithGroup("g"))...); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := s.single[0].MessageDeduplicationID, s.single[1].MessageDeduplicationID; a == "" || a == b {
		t.Errorf("ids %q and %q must be set and differ", a, b)
	}
	if got := s.single[2].MessageDeduplicationID; got != "mine" {
		t.Errorf("got %q, want the id given", got)
	}
	if got := s.single[3].MessageDeduplicationID; got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func TestTraceOfTheEnvironment(t *testing.T) {
	s := setup(t)
	t.Setenv("_X_AMZN_TRACE_ID", "Root=env")
	if err := captures().Send(t.Context(), capture{}); err != nil {
		t.Fatal(err)
	}
	if got := s.single[0].MessageSystemAttributes["AWSTraceHeader"].StringValue; got != "Root=env" {
		t.Errorf("got trace %q, want %q", got, "Root=env")
	}
}

func TestSendErrors(t *testing.T) {
	setup(t)
	text := quick(New(lambdaruntime.Queue[string]{Name: "captures"}))
	for _, tc := range []struct {
		name string
		send func() error
		want string
	}{
		{"FIFO without a group", func() error { return ledger().Send(t.Context(), "x") },
			`producer: send to queue "ledger": a FIFO queue needs a message group; add producer.WithGroup, with the id of what must stay in order`},
		{"FIFO with a delay", func() error { return ledger().Send(t.Context(), "x", WithGroup("g"), WithDelay(time.Second)) },
			`producer: send to queue "ledger": a FIFO queue takes no delay for one message; set QueueProps.DeliveryDelay for all of them`},
		{"deduplication on a standard queue", func() error { return text.Send(t.Context(), "x", WithDeduplication("d")) },
			`producer: send to queue "captures": a standard queue does not deduplicate; leave the deduplication id out or set Queue.FIFO`},
		{"longest delay", func() error { return text.Send(t.Context(), "x", WithDelay(15*time.Minute)) }, ""},
		{"delay too long", func() error { return text.Send(t.Context(), "x", WithDelay(15*time.Minute+time.Second)) },
			`producer: send to queue "captures": delay must be 0 to 15m0s, got 15m1s; for later work use EventBridge Scheduler`},
		{"largest", func() error { return text.Send(t.Context(), strings.Repeat("x", 1<<20)) }, ""},
		{"too large", func() error { return text.Send(t.Context(), strings.Repeat("x", 1<<20+1)) },
			`producer: send to queue "captures": body and attributes must be 1 to 1048576 bytes, got 1048577; put large data in S3 and send its key`},
		{"empty", func() error { return text.Send(t.Context(), "") },
			`producer: send to queue "captures": body and attributes must be 1 to 1048576 bytes, got 0; put large data in S3 and send its key`},
		{"empty attribute", func() error { return text.Send(t.Context(), "x", WithAttribute("a", "")) },
			`producer: send to queue "captures": an attribute needs a name and a value, got "a" and ""; leave it out`},
		{"longest ids", func() error {
			id := strings.Repeat("~!", 64)
			return ledger().Send(t.Context(), "x", WithGroup(id), WithDeduplication(id))
		}, ""},
		{"group too long", func() error { return text.Send(t.Context(), "x", WithGroup(strings.Repeat("g", 129))) },
			`producer: send to queue "captures": the message group must be 1 to 128 characters, got 129`},
		{"group with a space", func() error { return text.Send(t.Context(), "x", WithGroup("Ana B")) },
			`producer: send to queue "captures": the message group must be ASCII letters, digits and punctuation, got "Ana B"; escape it`},
		{"deduplication id that is not ASCII", func() error { return ledger().Send(t.Context(), "x", WithGroup("g"), WithDeduplication("ü")) },
			`producer: send to queue "ledger": the deduplication id must be ASCII letters, digits and punctuation, got "ü"; send a hash of it`},
		{"attribute names", func() error {
			return text.Send(t.Context(), "x", WithAttribute("a.b-c_9", "v"), WithAttribute("attr.1øßä", "v"), WithAttribute(strings.Repeat("n", 256), "v"))
		}, ""},
		{"attribute of AWS", func() error { return text.Send(t.Context(), "x", WithAttribute("Aws.trace", "v")) },
			`producer: send to queue "captures": an attribute's name must be 1 to 256 letters, digits, _, - or single dots inside, and not start with AWS. or Amazon., got "Aws.trace"`},
		{"attribute with a space", func() error { return text.Send(t.Context(), "x", WithAttribute("a b", "v")) },
			`producer: send to queue "captures": an attribute's name must be 1 to 256 letters, digits, _, - or single dots inside, and not start with AWS. or Amazon., got "a b"`},
		{"attribute with a sign", func() error { return text.Send(t.Context(), "x", WithAttribute("a§", "v")) },
			`producer: send to queue "captures": an attribute's name must be 1 to 256 letters, digits, _, - or single dots inside, and not start with AWS. or Amazon., got "a§"`},
		{"control character in an attribute", func() error { return text.Send(t.Context(), "x", WithAttribute("a", "\x00")) },
			`producer: send to queue "captures": the attribute "a" must have no characters that SQS refuses or replaces, got U+0000; escape it or send base64`},
		{"binary attribute", func() error { return text.Send(t.Context(), "x", WithAttribute("a", "\xff")) },
			`producer: send to queue "captures": the attribute "a" must be valid UTF-8; encode binary data, for example as base64`},
		{"largest with an attribute", func() error { // name, type "String" and value count
			return text.Send(t.Context(), strings.Repeat("x", 1<<20-len("nStringv")), WithAttribute("n", "v"))
		}, ""},
		{"too large with an attribute", func() error {
			return text.Send(t.Context(), strings.Repeat("x", 1<<20-len("nStringv")+1), WithAttribute("n", "v"))
		}, `producer: send to queue "captures": body and attributes must be 1 to 1048576 bytes, got 1048577; put large data in S3 and send its key`},
		{"null", func() error { return New(lambdaruntime.Queue[*capture]{Name: "captures"}).Send(t.Context(), nil) },
			`producer: send to queue "captures": encode the payload: it must not be null, which every consumer refuses`},
		{"binary", func() error { return text.Send(t.Context(), "\xff") },
			`producer: send to queue "captures": the body must be valid UTF-8; encode binary data, for example as base64`},
		{"every character", func() error { return text.Send(t.Context(), "\t\n\r \u007f\ud7ff\ue000\ufffd\U00010000\U0010ffff") }, ""},
		{"control character", func() error { return text.Send(t.Context(), "a\x00") },
			`producer: send to queue "captures": the body must have no characters that SQS refuses or replaces, got U+0000; escape it or send base64`},
		{"no character", func() error { return text.Send(t.Context(), "a\uffff") },
			`producer: send to queue "captures": the body must have no characters that SQS refuses or replaces, got U+FFFF; escape it or send base64`},
		{"no URL", func() error { return New(lambdaruntime.Queue[string]{Name: "video-jobs"}).Send(t.Context(), "x") },
			`producer: queue "video-jobs": HEARTH_QUEUES must hold the queue's URL, got none of this name; hearth.Backend sets it for the queues it creates and hearth.Queue.ConnectSend for any other`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.send()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want) {
				t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
	t.Run("URL of the other kind", func(t *testing.T) {
		err := New(lambdaruntime.Queue[string]{Name: "ledger"}).Send(t.Context(), "x")
		if err == nil || !strings.HasPrefix(err.Error(), `producer: queue "ledger": Queue.FIFO is false, but HEARTH_QUEUES names http://`) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("no credentials", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		err := text.Send(t.Context(), "x")
		if err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestSendRefused(t *testing.T) {
	s := setup(t)
	s.status = http.StatusBadRequest
	err := captures().Send(t.Context(), capture{})
	if err == nil || !strings.HasPrefix(err.Error(), `producer: send to queue "captures": `) || !strings.Contains(err.Error(), "QueueDoesNotExist") {
		t.Errorf("got error %v", err)
	}
	err = captures().SendMany(t.Context(), NewMessage(capture{}), NewMessage(capture{}))
	var failed *SendError
	if !errors.As(err, &failed) || len(failed.Failed) != 2 || failed.Total != 2 {
		t.Errorf("got error %v", err)
	}
}

func TestSendManySplits(t *testing.T) {
	s := setup(t)
	var messages []Message[capture]
	for i := range 23 {
		messages = append(messages, NewMessage(capture{URL: fmt.Sprint(i)}))
	}
	if err := captures().SendMany(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, b := range s.batches {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{10, 10, 3}, sizes); diff != "" {
		t.Errorf("entries of each batch (-want +got):\n%s", diff)
	}
	if err := captures().SendMany(t.Context()); err != nil || len(s.batches) != 3 {
		t.Errorf("nothing to send: %v, %d batches", err, len(s.batches))
	}
}

func TestSendManySplitsBySize(t *testing.T) {
	s := setup(t)
	half := strings.Repeat("x", 512*1024)
	p := quick(New(lambdaruntime.Queue[string]{Name: "captures"}))
	if err := p.SendMany(t.Context(), NewMessage(half), NewMessage(half), NewMessage("y")); err != nil {
		t.Fatal(err)
	}
	if len(s.batches) != 2 || len(s.batches[0]) != 2 || len(s.batches[1]) != 1 {
		t.Errorf("got %d batches", len(s.batches))
	}
}

func TestSendManyRetriesWhatFailed(t *testing.T) {
	s := setup(t)
	tries := map[string]int{}
	s.verdict = func(e entry) string {
		tries[e.MessageBody]++
		switch {
		case e.MessageBody == "refused":
			return "InvalidMessageContents"
		case e.MessageBody == "never", e.MessageBody == "later" && tries["later"] < 3:
			return "InternalError"
		}
		return ""
	}
	p := quick(New(lambdaruntime.Queue[string]{Name: "captures"}))
	err := p.SendMany(t.Context(), NewMessage("good"), NewMessage("later"), NewMessage("refused"), NewMessage("never"), NewMessage(""))
	var failed *SendError
	if !errors.As(err, &failed) {
		t.Fatalf("got error %v, want a SendError", err)
	}
	if diff := cmp.Diff(map[string]int{"good": 1, "later": 3, "refused": 1, "never": maxEntryAttempts}, tries); diff != "" {
		t.Errorf("tries (-want +got):\n%s", diff)
	}
	var indexes []int
	for _, f := range failed.Failed {
		indexes = append(indexes, f.Index)
	}
	if diff := cmp.Diff([]int{2, 3, 4}, indexes); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if want := `producer: send to queue "captures": 3 of 5 messages failed, the first at index 2: InvalidMessageContents no`; err.Error() != want {
		t.Errorf("got error\n%v\nwant\n%s", err, want)
	}
	var entryErr *EntryError
	if !errors.As(failed.Failed[1].Err, &entryErr) || entryErr.SenderFault || entryErr.Code != "InternalError" {
		t.Errorf("got %#v", failed.Failed[1].Err)
	}
}

func TestSendManyKeepsTheOrderOfAGroup(t *testing.T) {
	s := setup(t)
	hiccup := true
	s.verdict = func(e entry) string {
		if e.MessageBody == "a1" && hiccup {
			hiccup = false
			return "InternalError"
		}
		if e.MessageBody == "b2" {
			return "InvalidMessageContents"
		}
		return ""
	}
	msg := func(group, body string) Message[string] { return NewMessage(body, WithGroup(group)) }
	err := ledger().SendMany(t.Context(),
		msg("a", "a1"), msg("a", "a2"), msg("b", "b1"), msg("b", "b2"), msg("b", "b3"), msg("c", "c1"), msg("c", ""), msg("c", "c3"))
	want := [][]string{{"a1", "b1", "c1"}, {"a1", "b2"}, {"a2"}}
	if diff := cmp.Diff(want, s.bodies()); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	var failed *SendError
	if !errors.As(err, &failed) {
		t.Fatalf("got error %v, want a SendError", err)
	}
	got := map[int]string{}
	for _, f := range failed.Failed {
		got[f.Index] = f.Err.Error()
	}
	wantFailed := map[int]string{
		3: "InvalidMessageContents no",
		4: "not sent: an earlier message of its group failed",
		6: "body and attributes must be 1 to 1048576 bytes, got 0; put large data in S3 and send its key",
		7: "not sent: an earlier message of its group failed",
	}
	if diff := cmp.Diff(wantFailed, got); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

func TestSendManyStopsWithItsContext(t *testing.T) {
	s := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.verdict = func(entry) string { cancel(); return "InternalError" }
	p := captures()
	p.pause = func(int) time.Duration { return time.Hour }
	err := p.SendMany(ctx, NewMessage(capture{}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := setup(t)
	p := captures()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := p.Send(t.Context(), capture{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(s.single) != 10 {
		t.Errorf("got %d messages, want 10", len(s.single))
	}
}
