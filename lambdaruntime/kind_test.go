package lambdaruntime

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// event reads testdata/events/<name>.json.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var eventKinds = map[string]string{
	"http-v2-get":                "http-v2",
	"http-v2-post-binary":        "http-v2",
	"http-v2-stage-jwt":          "http-v2",
	"function-url-get":           "http-v2",
	"http-v1-rest":               "http-v1",
	"http-v1-http-api":           "http-v1",
	"alb-get":                    "alb",
	"alb-multi-value":            "alb",
	"websocket-connect":          "websocket",
	"websocket-message":          "websocket",
	"websocket-disconnect":       "websocket",
	"sqs-standard":               "sqs",
	"sqs-fifo":                   "sqs",
	"schedule-scheduler":         "schedule",
	"schedule-scheduler-default": "schedule",
	"schedule-rule":              "schedule",
	"eventbridge-custom":         "eventbridge",
	"sns-notification":           "sns",
	"s3-object-created":          "s3",
	"dynamodb-insert":            "dynamodb",
	"kinesis-record":             "kinesis",
	"authorizer-token":           "authorizer",
	"authorizer-request-v1":      "authorizer",
	"authorizer-request-v2":      "authorizer",
	"authorizer-websocket":       "authorizer",
	"unknown-direct-invoke":      "unknown",
}

func TestDetect(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) != len(eventKinds) {
		t.Fatalf("%d event files, %d expectations, %v", len(files), len(eventKinds), err)
	}
	for name, want := range eventKinds {
		if got := Detect(sample(t, name)).String(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestDetectForeignEvents reads the events that aws-lambda-go tests its own types
// with, where that module's source is at hand.
func TestDetectForeignEvents(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Skipf("skipped: the source of aws-lambda-go is needed: go list: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "events", "testdata")
	for name, want := range map[string]Kind{
		"alb-lambda-target-request-headers-only":       KindALB,
		"alb-lambda-target-request-multivalue-headers": KindALB,
		"apigw-custom-auth-request":                    KindAuthorizer,
		"apigw-custom-auth-request-type-request":       KindAuthorizer,
		"apigw-v2-custom-authorizer-v1-request":        KindAuthorizer,
		"apigw-v2-custom-authorizer-v2-request":        KindAuthorizer,
		"apigw-request":                                KindHTTPv1,
		"apigw-restapi-openapi-request":                KindHTTPv1,
		"apigw-v2-request-iam":                         KindHTTPv2,
		"apigw-v2-request-jwt-authorizer":              KindHTTPv2,
		"apigw-v2-request-lambda-authorizer":           KindHTTPv2,
		"apigw-v2-request-no-authorizer":               KindHTTPv2,
		"lambda-urls-request":                          KindHTTPv2,
		"apigw-websocket-request":                      KindWebSocket,
		"apigw-websocket-request-disconnect":           KindWebSocket,
		"apigw-websocket-request-send-message":         KindWebSocket,
		"sqs-event":                                    KindSQS,
		"sns-event":                                    KindSNS,
		"s3-event":                                     KindS3,
		"dynamodb-event":                               KindDynamoDB,
		"dynamodb-time-window-event":                   KindDynamoDB,
		"kinesis-event":                                KindKinesis,
		"autoscaling-event-launch-successful":          KindEventBridge,
		"codebuild-state-change":                       KindEventBridge,
		"ecr-image-push-event":                         KindEventBridge,
		"cloudwatch-logs-event":                        KindUnknown,
		"cognito-event":                                KindUnknown,
		"kafka-event":                                  KindUnknown,
		"code-commit-event":                            KindUnknown,
		"ses-lambda-event":                             KindUnknown,
	} {
		payload, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := Detect(payload); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestDetectOddPayloads(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		``, `null`, `[]`, `"x"`, `1`, `{}`, `{"Records":[]}`, `{"Records":{}}`, `{"Records":[1]}`, `{"Records":[{"eventSource":7}]}`,
		`{"requestContext":null}`, `{"requestContext":[]}`, `{"requestContext":{"http":[],"identity":1,"elb":0,"connectionId":5}}`,
		`{"type":"REQUEST"}`, `{"version":2}`, `{"httpMethod":"GET"}`, `{"source":"a","detail-type":"b"}`, `{"Records":[{"eventSource":"aws:sqs"}]`,
	} {
		if got := Detect([]byte(payload)); got != KindUnknown {
			t.Errorf("%s: got %s", payload, got)
		}
	}
	// A key that comes twice counts as its last value, as in encoding/json.
	for payload, want := range map[string]Kind{
		`{"Records":[{"eventSource":"aws:s3"}],"Records":[{"eventSource":"aws:sqs"}]}`:                                                KindSQS,
		`{"Records":[{"eventSource":"aws:s3"}],"Records":null}`:                                                                       KindUnknown,
		`{"Records":[{"eventSource":"aws:s3","eventSource":"aws:sqs"}]}`:                                                              KindSQS,
		`{"httpMethod":"GET","httpMethod":null,"path":"/"}`:                                                                           KindUnknown,
		`{"\u0052ecords":[{"event\u0053ource":"aws:sqs"}]}`:                                                                           KindSQS,
		" \r\n{\"Records\" :\t[ { \"eventSource\" : \"aws:sqs\" } ] } \n":                                                             KindSQS,
		`{"Records":[],"window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"arn:aws:dynamodb:r:1:table/t/stream/s"}`:           KindDynamoDB,
		`{"Records":[],"window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"arn:aws-cn:kinesis:r:1:stream/s"}`:                 KindKinesis,
		`{"Records":[],"eventSourceARN":"arn:aws:sqs:r:1:q"}`:                                                                         KindUnknown,
		"\ufeff" + `{"Records":[{"eventSource":"aws:sqs"}]}`:                                                                          KindUnknown,
		`{"x":` + strings.Repeat(`[{"Records":`, 4000) + `1` + strings.Repeat(`}]`, 4000) + `,"Records":[{"eventSource":"aws:sqs"}]}`: KindSQS,
		`{"x":` + strings.Repeat(`[`, 10001) + strings.Repeat(`]`, 10001) + `,"Records":[{"eventSource":"aws:sqs"}]}`:                 KindUnknown,
		`{"x":"` + strings.Repeat(`\u0041`, 900_000) + `","rawPath":"/","version":"2.0"}`:                                             KindHTTPv2,
	} {
		if got := Detect([]byte(payload)); got != want {
			t.Errorf("%.100s: got %s, want %s", payload, got, want)
		}
	}
	if got := Kind(200).String(); got != "unknown" {
		t.Errorf("got %s", got)
	}
}
