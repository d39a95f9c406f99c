package local

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func sqsClient(s *SQS) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(s.URL()), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

func TestStartSQS(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	s, err := StartSQS(t.Context(), SQSOptions{Clock: clock, Queues: []SQSQueue{
		{Name: "jobs", Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`}},
		{Name: "dead"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || s.QueueURL("jobs") != s.URL()+"/000000000000/jobs" || s.QueueURL("none") != "" {
		t.Errorf("urls %q, %q, %q", s.URL(), s.QueueURL("jobs"), s.QueueURL("none"))
	}
	client := sqsClient(s)
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.QueueURL("jobs")), MessageBody: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(s.QueueURL("jobs"))}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(30 * time.Second)
	}
	if got := s.Counters("jobs"); got.Dead != 1 || got.Visible+got.InFlight != 0 {
		t.Errorf("counters %+v", got)
	}
	if got := s.Counters("dead"); got.Visible != 1 {
		t.Errorf("counters of the dead-letter queue %+v", got)
	}
	s.Reset()
	if s.Counters("dead") != (SQSCounters{}) || s.Counters("none") != (SQSCounters{}) {
		t.Errorf("counters after a reset %+v", s.Counters("dead"))
	}
	s.Stop()
	if _, err := client.ListQueues(t.Context(), nil); err == nil {
		t.Error("a stopped simulator answers")
	}
}

func TestStartSQSEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := StartSQS(ctx, SQSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	s.Stop() // waits for what cancel has started
	if _, err := sqsClient(s).ListQueues(t.Context(), nil); err == nil {
		t.Error("a stopped simulator answers")
	}
}

func TestStartSQSErrors(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]SQSOptions{
		`start SQS: sqs: address must be on loopback (127.0.0.1, ::1 or localhost), got "0.0.0.0:0"; nothing here has authentication, and other machines must not reach it`:                                                        {Addr: "0.0.0.0:0"},
		`start SQS: sqs: address must be host:port, got "localhost": address localhost: missing port in address`:                                                                                                                   {Addr: "localhost"},
		`start SQS: queue "a b": name must be 1 to 80 letters, digits, "-" or "_", with ".fifo" at the end for a FIFO queue`:                                                                                                       {Queues: []SQSQueue{{Name: "a b"}}},
		`start SQS: queue "a": InvalidAttributeValue: Invalid value for the parameter DelaySeconds.`:                                                                                                                               {Queues: []SQSQueue{{Name: "a", Attributes: map[string]string{"DelaySeconds": "901"}}}},
		`start SQS: queue "a": InvalidParameterValue: Value {"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:b","maxReceiveCount":3} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.`: {Queues: []SQSQueue{{Name: "a", Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:b","maxReceiveCount":3}`}}}},
	} {
		s, err := StartSQS(t.Context(), opts)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if s != nil {
			s.Stop()
		}
	}
}
