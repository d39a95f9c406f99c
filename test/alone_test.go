package test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/coder/websocket"
	"github.com/lambdahearth/hearth/local"
)

// TestPartsAlone runs each construct without a Backend in the local engine: the message
// arrives, the other queue of the same name gets the results, the schedule runs, and a
// push reaches the client that the table remembers.
func TestPartsAlone(t *testing.T) {
	t.Parallel()
	log := &output{}
	e, err := local.Start(t.Context(), local.Options{Assembly: synth(t, "alone", "..", nil, "CDK_VALIDATION=false"), Dir: "..", Output: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log)
		}
	})

	response, err := http.Post(e.HTTPURL(), "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %s", response.Status)
	}
	if err := e.Trigger("tick"); err != nil {
		t.Fatal(err)
	}
	if got, want := receive(t, e, "results", 2), []string{"jobs: hello", "tick"}; !slices.Equal(got, want) {
		t.Errorf("the results are %q, want %q", got, want)
	}

	// The REST API keeps the path's escapes, and the table remembers the first claim.
	i := slices.IndexFunc(e.State().HTTPAPIs, func(a local.HTTPAPIState) bool { return strings.HasPrefix(a.LogicalID, "Rest") })
	if i < 0 {
		t.Fatalf("no REST API in %+v", e.State().HTTPAPIs)
	}
	for _, want := range []string{"/a%2Fb true", "/a%2Fb false"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, e.State().HTTPAPIs[i].URL+"/a%2Fb", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Timeout: 20 * time.Second}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); string(body) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", response.Status, body, err, want)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, e.WebSocketURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(ctx); err != nil || string(data) != "pushed hi" {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestPartsInVpcAlone does the same with the constructs that are about a VPC: a row is
// read through the proxy and without one, and a push goes through the relay.
func TestPartsInVpcAlone(t *testing.T) {
	t.Parallel()
	log := &output{}
	e, err := local.Start(t.Context(), local.Options{Assembly: synth(t, "vpc", "..", nil, "CDK_VALIDATION=false"), Database: local.DatabaseAuto, Dir: "..", Output: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log)
		}
	})
	for part, api := range map[string]string{"DatabaseProxy": "HttpApi", "DirectDatabase": "DirectHttpApi"} {
		t.Run(part, func(t *testing.T) {
			if e.State().Database == "" {
				t.Skip("PostgreSQL is not installed")
			}
			i := slices.IndexFunc(e.State().HTTPAPIs, func(a local.HTTPAPIState) bool { return strings.HasPrefix(a.LogicalID, api) })
			if i < 0 {
				t.Fatalf("no %s in %+v", api, e.State().HTTPAPIs)
			}
			client := http.Client{Timeout: 20 * time.Second}
			response, err := client.Get(e.State().HTTPAPIs[i].URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); string(body) != "the row" || err != nil {
				t.Errorf("%s: %q, %v", response.Status, body, err)
			}
		})
	}
	t.Run("WebSocketRelay", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c, _, err := websocket.Dial(ctx, e.WebSocketURL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if err := c.Write(ctx, websocket.MessageText, []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if _, data, err := c.Read(ctx); err != nil || string(data) != "relayed hi" {
			t.Errorf("got %q, %v", data, err)
		}
	})
}

// receive returns the bodies of n messages of a queue, in order.
func receive(t *testing.T, e *local.Engine, queue string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(e.SQSEndpoint()), Region: "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	var bodies []string
	for len(bodies) < n {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(e.QueueURL(queue)), MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
		if err != nil {
			t.Fatalf("%d of %d messages of %s: %v", len(bodies), n, queue, err)
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
		}
	}
	slices.Sort(bodies)
	return bodies
}
