// Package sqs simulates Amazon SQS on this machine. A [Service] holds the queues, a
// [Server] serves them in the AWS JSON 1.0 protocol, and a [Mapping] polls a queue for a
// Lambda function.
//
//	service := sqs.New(sqs.Options{})
//	server, err := sqs.Serve(service, "127.0.0.1:9324")
//	defer server.Stop()
//
// # Time
//
// Everything runs on one [clock.Clock]. Nothing happens in the background: each operation
// first brings the queue up to date. Only waiting receives and mappings hold timers.
//
// # Differences from AWS
//
// For every queue:
//
//   - One process holds everything in memory. A standard queue never duplicates a message
//     by itself, a short poll sees every message, counts are exact and every change is
//     visible at once. Standard messages come in the order in which they became visible.
//   - Requests are not authenticated or authorized. A queue's Policy and KMS key are kept
//     and returned, and otherwise ignored. AddPermission and RemovePermission answer
//     UnsupportedOperation.
//   - There is one account and one region, and there are no throughput quotas:
//     FifoThroughputLimit is kept and ignored, and fair queues do not reorder.
//   - ReceiveRequestAttemptId is checked and ignored: a repeated ReceiveMessage receives
//     further messages instead of repeating the first answer.
//
// AWS leaves some behaviour open or does not document it. Here:
//
//   - A receipt handle that a later receive has superseded deletes nothing: on a standard
//     queue DeleteMessage succeeds without effect, on a FIFO queue it fails. AWS says that
//     a standard message "might" not be deleted.
//   - A message keeps its id, its ApproximateReceiveCount and its first receive time when
//     it moves to a dead-letter queue. Its deliveries from there count anew for the
//     dead-letter queue's own maxReceiveCount.
//   - PurgeQueue and DeleteQueue take effect at once, not within 60 seconds. As on AWS, a
//     second purge, and a new queue of the same name, must wait 60 seconds.
//
// [Mapping] says how it differs from Lambda's event source mapping.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html (2026-11)
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/welcome.html (2026-11)
package sqs
