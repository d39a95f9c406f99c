package sqs_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"

	"github.com/lambdahearth/hearth/internal/within"
)

func TestProtocolErrors(t *testing.T) {
	t.Parallel()
	server, err := sqs.Serve(sqs.New(sqs.Options{}), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	const kind = "application/x-amz-json-1.0"
	for name, c := range map[string]struct {
		method, target, kind, host, body string
		status                           int
		query, want                      string
	}{
		"a browser":           {"GET", "", "", "", "", 400, "UnknownOperationException;Sender", "com.amazon.coral.service#UnknownOperationException"},
		"unknown operation":   {"POST", "AmazonSQS.Explode", kind, "", "{}", 400, "UnknownOperationException;Sender", `unknown operation \"AmazonSQS.Explode\"`},
		"another service":     {"POST", "DynamoDB.ListQueues", kind, "", "{}", 400, "UnknownOperationException;Sender", "unknown operation"},
		"another host":        {"POST", "AmazonSQS.ListQueues", kind, "example.com", "{}", 403, "AccessDeniedException;Sender", "must name this machine"},
		"a name of this host": {"POST", "AmazonSQS.ListQueues", kind, "sqs.localhost:1", "{}", 200, "", "{}"},
		"no JSON":             {"POST", "AmazonSQS.ListQueues", kind, "", "{", 400, "SerializationException;Sender", "SerializationException"},
		"no UTF-8":            {"POST", "AmazonSQS.ListQueues", kind, "", "\"\xff\"", 400, "SerializationException;Sender", "UTF-8"},
		"wrong type":          {"POST", "AmazonSQS.ListQueues", kind, "", `{"MaxResults":"x"}`, 400, "SerializationException;Sender", "MaxResults"},
		"no body":             {"POST", "AmazonSQS.ListQueues", kind, "", "", 200, "", "{}"},
		"no queue":            {"POST", "AmazonSQS.PurgeQueue", kind, "", "{}", 400, "MissingParameter;Sender", `"__type":"com.amazon.coral.service#MissingRequiredParameterException","message":"The request must contain the parameter QueueUrl."`},
		"unknown queue":       {"POST", "AmazonSQS.GetQueueUrl", kind, "", `{"QueueName":"x"}`, 400, "AWS.SimpleQueueService.NonExistentQueue;Sender", `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`},
		"too large":           {"POST", "AmazonSQS.ListQueues", kind, "", strings.Repeat(" ", 17<<20), 413, "RequestEntityTooLarge;Sender", "16777216 bytes"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL(), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		request.Header.Set("Content-Type", c.kind)
		request.Header.Set("X-Amz-Target", c.target)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.status || response.Header.Get("x-amzn-query-error") != c.query || !strings.Contains(string(body), c.want) || response.Header.Get("Content-Type") != kind || response.Header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s: status %d, header %v, body %s", name, response.StatusCode, response.Header, body)
		}
	}
}

func TestServeRefusesOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "localhost.example.com:0"} {
		server, err := sqs.Serve(sqs.New(sqs.Options{}), addr)
		if err == nil || !strings.Contains(err.Error(), "must be on loopback") {
			t.Errorf("%s: %v", addr, err)
		}
		if server != nil {
			server.Stop()
		}
	}
}

// TestStopLeavesNothing is not parallel: it counts goroutines.
func TestStopLeavesNothing(t *testing.T) { //nolint:paralleltest // see above
	before := runtime.NumGoroutine()
	c := clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	service := sqs.New(sqs.Options{Clock: c})
	server, err := sqs.Serve(service, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	client := awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: transport}, Credentials: aws.AnonymousCredentials{}})
	out, err := client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("jobs")})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 5)
	for range cap(waiting) {
		go func() {
			got, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: out.QueueUrl, WaitTimeSeconds: 20})
			if err == nil && len(got.Messages) > 0 {
				err = fmt.Errorf("received %d messages", len(got.Messages))
			}
			waiting <- err
		}()
	}
	mapping, err := service.Queue("jobs").Map(sqs.MappingOptions{Function: invokerFunc(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitTimers(t.Context(), cap(waiting)+1); err != nil { // theirs and the mapping's
		t.Fatal(err)
	}
	server.Stop()
	server.Stop()
	for range cap(waiting) {
		if err := within.Receive(t, waiting); err != nil { // each gets an answer
			t.Error(err)
		}
	}
	mapping.Stop(t.Context())
	mapping.Stop(t.Context())
	transport.CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buffer[:runtime.Stack(buffer, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

// TestQueryProtocol: a client of the older protocol can read the error.
func TestQueryProtocol(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, target, kind, body string }{
		"form":         {"POST", "/", "application/x-www-form-urlencoded; charset=utf-8", "Action=ListQueues&Version=2012-11-05"},
		"to a queue":   {"POST", "/000000000000/jobs", "Application/X-WWW-Form-Urlencoded", "Action=SendMessage&MessageBody=a"},
		"in the URL":   {"GET", "/000000000000/jobs?Action=ReceiveMessage&Version=2012-11-05", "", ""},
		"presigned":    {"GET", "/?Action=ListQueues&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", "", ""},
		"without type": {"POST", "/?Action=ListQueues", "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "http://localhost"+c.target, strings.NewReader(c.body))
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		w := httptest.NewRecorder()
		sqs.New(sqs.Options{}).ServeHTTP(w, r)
		var answer struct {
			Error     struct{ Type, Code, Message string }
			RequestID string `xml:"RequestId"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%s: %v: %s", name, err, w.Body)
		}
		if answer.Error.Type != "Sender" || answer.Error.Code != "UnknownOperationException" || !strings.Contains(answer.Error.Message, "use an SDK from 2023-11 or later") || answer.RequestID == "" || w.Code != 400 {
			t.Errorf("%s: %d %+v", name, w.Code, answer)
		}
	}
}
