package local

import (
	"context"
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// Clock is the time of a simulator.
type Clock = clock.Clock

// ManualClock is a [Clock] that stands still until a test moves it. Tests can pass a
// visibility timeout or a delay with it, without a sleep.
type ManualClock = clock.Manual

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock { return clock.NewManual(start) }

// ShiftedClock is a [Clock] that runs like the machine's and that a user can move
// forward; hearth dev uses it. When a move skips several runs of a schedule, only the
// last of them runs.
type ShiftedClock = clock.Shifted

// NewShiftedClock returns a clock that shows the machine's time.
func NewShiftedClock() *ShiftedClock { return clock.NewShifted() }

// SQSQueue describes a queue to create: its name, which ends with ".fifo" for a FIFO
// queue, and its attributes and tags, as in the CreateQueue API. The ARN of a queue, for
// a RedrivePolicy, is arn:aws:sqs:us-east-1:000000000000:{name}.
type SQSQueue = sqs.Definition

// SQSCounters count a queue's current messages and its past events.
type SQSCounters = sqs.Counters

// SQSOptions configures an SQS simulator. The zero value is usable.
type SQSOptions struct {
	// Addr is the loopback address and port to listen on. "" means a free port of
	// 127.0.0.1.
	Addr string
	// Clock is the queues' time. Nil means the machine's clock.
	Clock Clock
	// Queues are created at the start. Programs may create further ones.
	Queues []SQSQueue
}

// SQS is a simulator of Amazon SQS in this process, for tests of programs that use
// queues:
//
//	queues, err := local.StartSQS(ctx, local.SQSOptions{Queues: []local.SQSQueue{{Name: "jobs"}}})
//	defer queues.Stop()
//	t.Setenv("AWS_ENDPOINT_URL_SQS", queues.URL())
//
// Every AWS SDK that speaks the AWS JSON protocol works with it, with any region and any
// credentials. It is safe for concurrent use.
//
// It differs from AWS: everything is in memory and visible at once. Counts are exact, and
// a short poll finds every message. A standard queue never duplicates or reorders a
// message by itself. There are no throughput quotas. Requests are not authorized: a
// Policy and a KMS key are kept and have no effect; AddPermission and RemovePermission
// are unsupported. There is one account, 000000000000, in us-east-1.
// ReceiveRequestAttemptId is accepted and ignored. A receipt handle that a later receive
// has superseded deletes nothing; AWS says that it might. The older query protocol is
// unsupported.
type SQS struct {
	service *sqs.Service
	server  *sqs.Server
	cancel  func() bool
}

// StartSQS starts a simulator. It stops when ctx ends, or at [SQS.Stop].
func StartSQS(ctx context.Context, opts SQSOptions) (*SQS, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	service := sqs.New(sqs.Options{Clock: opts.Clock})
	if err := service.Define(opts.Queues); err != nil {
		return nil, fmt.Errorf("start SQS: %w", err)
	}
	server, err := sqs.Serve(service, opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("start SQS: %w", err)
	}
	return &SQS{service, server, context.AfterFunc(ctx, server.Stop)}, nil
}

// URL returns the endpoint for AWS_ENDPOINT_URL_SQS, such as
// http://127.0.0.1:9324.
func (s *SQS) URL() string { return s.server.URL() }

// QueueURL returns the URL of a queue, such as
// http://127.0.0.1:9324/000000000000/jobs, and "" when there is no such queue.
func (s *SQS) QueueURL(name string) string {
	if q := s.service.Queue(name); q != nil {
		return q.URL()
	}
	return ""
}

// Counters returns the counters of a queue, all zero when there is no such queue.
func (s *SQS) Counters(name string) SQSCounters {
	if q := s.service.Queue(name); q != nil {
		return q.Counters()
	}
	return SQSCounters{}
}

// Reset deletes all messages and forgets all deduplication ids, so that tests can
// share queues. The queues stay.
func (s *SQS) Reset() { s.service.Reset() }

// Stop stops the simulator and waits until it has ended. Waiting receives return without
// messages. It may be called more than once.
func (s *SQS) Stop() {
	s.cancel()
	s.server.Stop()
}
