package producer

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// Visibility sets when SQS delivers a message again, for [lambdaruntime.RetryAfter]:
//
//	lambdaruntime.Start(&lambdaruntime.App{
//		Queues:     []lambdaruntime.Consumer{jobs.Consume(do)},
//		Visibility: producer.Visibility,
//	})
//
// It calls ChangeMessageVisibility; every consumer's role has the permission.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html (2026-11)
var Visibility lambdaruntime.VisibilityChanger = &visibility{}

type visibility struct {
	mu     sync.Mutex
	client *sqs.Client
}

// ChangeVisibility implements [lambdaruntime.VisibilityChanger]. SQS counts whole
// seconds, so the delay is rounded up.
func (v *visibility) ChangeVisibility(ctx context.Context, queueURL, receiptHandle string, delay time.Duration) error {
	client, err := v.connect()
	if err != nil {
		return fmt.Errorf("producer: change the visibility of a message: %w", err)
	}
	if _, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &queueURL, ReceiptHandle: &receiptHandle, VisibilityTimeout: int32(math.Ceil(delay.Seconds())),
	}); err != nil {
		return fmt.Errorf("producer: change the visibility of a message: %w", err)
	}
	return nil
}

func (v *visibility) connect() (*sqs.Client, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.client == nil {
		client, err := newClient()
		if err != nil {
			return nil, err
		}
		v.client = client
	}
	return v.client, nil
}
