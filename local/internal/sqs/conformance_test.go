package sqs_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// The conformance suite drives SQS through the AWS SDK over HTTP. Each case names
// the page of the AWS documentation (2026-11) that its expectation belongs to; error
// codes and HTTP statuses are those of the SDK's model of the service, and pages
// seldom have the words of a message. By default every case has a simulator of its
// own, whose clock it moves.
//
// The same cases run against AWS, or against another simulator, with
//
//	HEARTH_SQS_CONFORMANCE_ENDPOINT=https://sqs.eu-central-1.amazonaws.com \
//	AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \
//	go test ./local/internal/sqs -run TestConformance -timeout 30m
//
// There, time passes by itself: a case that needs more than maxSleep of it is
// skipped, and so is one that AWS documents as possible but not certain. The cases
// create queues named hearth-conformance-* and delete them.
const (
	endpointEnv = "HEARTH_SQS_CONFORMANCE_ENDPOINT"
	maxSleep    = 70 * time.Second
)

// Where the pages are.
const (
	apiReference   = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
	developerGuide = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
)

// conformanceCase is one expectation.
type conformanceCase struct {
	name string
	page string
	run  func(b *bench)
	// local says why the case holds for this simulator, and is not certain in AWS.
	local string
}

// allCases are the cases in the order of the table in docs/sqs.md.
func allCases() []conformanceCase {
	return slices.Concat(queueCases, attributeCases, messageCases, visibilityCases, batchCases, fifoCases, deadLetterCases)
}

var update = flag.Bool("update", false, "write docs/sqs.md anew")

// TestConformanceTable keeps docs/sqs.md the list of the cases that run.
func TestConformanceTable(t *testing.T) {
	t.Parallel()
	const path, mark = "../../../docs/sqs.md", "| Case | Page |\n|---|---|\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, found := strings.Cut(string(page), mark)
	if !found {
		t.Fatalf("%s has no table that begins with %q", path, mark)
	}
	var table strings.Builder
	for _, c := range allCases() {
		name := c.name
		if c.local != "" {
			name += " (not held against AWS: " + c.local + ")"
		}
		fmt.Fprintf(&table, "| %s | [%s](%s) |\n", name, strings.TrimSuffix(c.page[strings.LastIndexByte(c.page, '/')+1:], ".html"), c.page)
	}
	want := text + mark + table.String()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Errorf("%s lists other cases; run go test ./local/internal/sqs -run ConformanceTable -update", path)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range allCases() {
		if names[c.name] || !strings.HasPrefix(c.page, "https://docs.aws.amazon.com/") {
			t.Errorf("case %q needs a name of its own and a page", c.name)
		}
		names[c.name] = true
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if b.remote && c.local != "" {
				t.Skip(c.local)
			}
			c.run(b)
			if t.Failed() {
				t.Logf("the expectation is from %s", c.page)
			}
		})
	}
	if len(names) < 40 {
		t.Errorf("%d cases", len(names))
	}
}

// bench is the environment of a conformance case.
type bench struct {
	*testing.T
	client *awssqs.Client
	clock  *clock.Manual
	remote bool
	suffix string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var random [4]byte
	rand.Read(random[:])
	b := &bench{T: t, suffix: fmt.Sprintf("-%x", random)}
	endpoint := os.Getenv(endpointEnv)
	if endpoint == "" {
		b.clock = clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
		server, err := sqs.Serve(sqs.New(sqs.Options{Clock: b.clock}), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Stop)
		endpoint = server.URL()
	} else {
		b.remote = true
	}
	b.client = newClient(endpoint)
	return b
}

func newClient(endpoint string) *awssqs.Client {
	env := func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	return awssqs.New(awssqs.Options{
		Region: env("AWS_REGION", "us-east-1"), BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 1,
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(time.Minute),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: env("AWS_ACCESS_KEY_ID", "AKIDTEST"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY", "secret"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
		}),
	})
}

// advance lets time pass.
func (b *bench) advance(d time.Duration) {
	b.Helper()
	switch {
	case !b.remote:
		b.clock.Advance(d)
	case d > maxSleep:
		b.Skipf("needs %v to pass", d)
	default:
		time.Sleep(d + 500*time.Millisecond)
	}
}

// await waits until n receives wait for a message.
func (b *bench) await(n int) {
	b.Helper()
	if b.remote {
		time.Sleep(time.Second)
	} else if err := b.clock.AwaitTimers(b.Context(), n); err != nil {
		b.Fatal(err)
	}
}

// name makes a queue's name unique.
func (b *bench) name(name string) string {
	base, fifo := strings.CutSuffix(name, ".fifo")
	name = "hearth-conformance-" + base + b.suffix
	if fifo {
		name += ".fifo"
	}
	return name
}

// attrs makes a map of names and values in turn.
func attrs(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// queue creates a queue and returns its URL. Attributes are names and values in
// turn; a name that ends in .fifo makes a FIFO queue.
func (b *bench) queue(name string, attributes ...string) string {
	b.Helper()
	a := attrs(attributes...)
	if strings.HasSuffix(name, ".fifo") {
		a["FifoQueue"] = "true"
	}
	out, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name(name)), Attributes: a})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		b.client.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: out.QueueUrl}) //nolint:errcheck // it may be gone
	})
	return *out.QueueUrl
}

// withDeadLetters creates a queue and its dead-letter queue.
func (b *bench) withDeadLetters(name string, maxReceives int, attributes ...string) (queue, dead string) {
	b.Helper()
	kind := ""
	if strings.HasSuffix(name, ".fifo") {
		kind = ".fifo"
	}
	dead = b.queue("dead" + kind)
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, b.arn(dead), maxReceives)
	return b.queue(name, append(attributes, "RedrivePolicy", policy)...), dead
}

func (b *bench) attributes(url string, names ...types.QueueAttributeName) map[string]string {
	b.Helper()
	if len(names) == 0 {
		names = []types.QueueAttributeName{types.QueueAttributeNameAll}
	}
	out, err := b.client.GetQueueAttributes(b.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		b.Fatal(err)
	}
	return out.Attributes
}

func (b *bench) arn(url string) string {
	b.Helper()
	return b.attributes(url, types.QueueAttributeNameQueueArn)["QueueArn"]
}

// send sends a message; change may alter it.
func (b *bench) send(url, body string, change ...func(*awssqs.SendMessageInput)) *awssqs.SendMessageOutput {
	b.Helper()
	out, err := b.trySend(url, body, change...)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *bench) trySend(url, body string, change ...func(*awssqs.SendMessageInput)) (*awssqs.SendMessageOutput, error) {
	in := &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
	for _, c := range change {
		c(in)
	}
	return b.client.SendMessage(b.Context(), in)
}

func inGroup(group string) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageGroupId = &group }
}

func withDedup(id string) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = &id }
}

func withDelay(seconds int32) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.DelaySeconds = seconds }
}

// receive receives up to n messages with all that they have.
func (b *bench) receive(url string, n int32, change ...func(*awssqs.ReceiveMessageInput)) []types.Message {
	b.Helper()
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: n,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
	}
	if b.remote {
		in.WaitTimeSeconds = 2 // a short poll may miss a message
	}
	for _, c := range change {
		c(in)
	}
	out, err := b.client.ReceiveMessage(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	return out.Messages
}

// hidden sets a receive's visibility timeout.
func hidden(seconds int32) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

// one receives exactly one message.
func (b *bench) one(url string, change ...func(*awssqs.ReceiveMessageInput)) types.Message {
	b.Helper()
	messages := b.receive(url, 1, change...)
	if len(messages) != 1 {
		b.Fatalf("received %d messages, want 1", len(messages))
	}
	return messages[0]
}

func (b *bench) none(url string) {
	b.Helper()
	if messages := b.receive(url, 10); len(messages) != 0 {
		b.Fatalf("received %v, want nothing", bodies(messages))
	}
}

func bodies(messages []types.Message) string {
	var list []string
	for _, m := range messages {
		list = append(list, *m.Body)
	}
	return strings.Join(list, " ")
}

// wantBodies receives up to 10 messages and compares their bodies.
func (b *bench) wantBodies(url, want string) []types.Message {
	b.Helper()
	messages := b.receive(url, 10)
	if got := bodies(messages); got != want {
		b.Fatalf("received %q, want %q", got, want)
	}
	return messages
}

func (b *bench) delete(url string, m types.Message) {
	b.Helper()
	if err := b.tryDelete(url, m); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) tryDelete(url string, m types.Message) error {
	_, err := b.client.DeleteMessage(b.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (b *bench) change(url string, m types.Message, seconds int32) error {
	_, err := b.client.ChangeMessageVisibility(b.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

func (b *bench) counts(url string, visible, inFlight, delayed string) {
	b.Helper()
	if b.remote {
		return // they are approximate
	}
	a := b.attributes(url)
	if a["ApproximateNumberOfMessages"] != visible || a["ApproximateNumberOfMessagesNotVisible"] != inFlight || a["ApproximateNumberOfMessagesDelayed"] != delayed {
		b.Errorf("counts %s, %s, %s; want %s, %s, %s", a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"], visible, inFlight, delayed)
	}
}

// wantError checks an error's code, its HTTP status and that its message holds text.
func (b *bench) wantError(err error, code string, status int, text string) {
	b.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		b.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status || !strings.Contains(api.ErrorMessage(), text) || api.ErrorFault() != smithy.FaultClient {
		b.Errorf("got %s, status %d, fault %v: %s\nwant %s, status %d: …%s…", api.ErrorCode(), response.HTTPStatusCode(), api.ErrorFault(), api.ErrorMessage(), code, status, text)
	}
}

// wantType is wantError for an error that the SDK has a type for.
func wantType[E error](b *bench, err error, code string, status int, text string) {
	b.Helper()
	var typed E
	if !errors.As(err, &typed) {
		b.Errorf("got %T %v, want %T", err, err, typed)
	}
	b.wantError(err, code, status, text)
}
