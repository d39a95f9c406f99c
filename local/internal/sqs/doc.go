// Package sqs simulates Amazon SQS on this machine: a [Service] holds the queues,
// a [Server] speaks the AWS JSON 1.0 protocol in front of it, and a [Mapping]
// polls a queue for a Lambda function.
//
//	service := sqs.New(sqs.Options{})
//	server, err := sqs.Serve(service, "127.0.0.1:9324")
//	defer server.Stop()
//
// # Time
//
// Everything runs on one [clock.Clock]. Nothing happens in the background: what a
// queue looks like now is worked out when somebody looks, and only receives that
// wait for a message and mappings hold timers.
//
// # Differences from AWS
//
// What holds for every queue:
//
//   - One process holds everything in memory, so a standard queue never duplicates
//     a message by itself, a short poll sees every message, counts are exact and
//     every change is visible at once. Standard messages come in the order in which
//     they became visible.
//   - Requests are not authenticated or authorized. A queue's Policy and KMS key
//     are kept and returned, and otherwise ignored. AddPermission and
//     RemovePermission answer UnsupportedOperation.
//   - There is one account and one region, and there are no throughput quotas:
//     FifoThroughputLimit is kept and ignored, and fair queues do not reorder.
//   - ReceiveRequestAttemptId is checked and ignored: a repeated ReceiveMessage
//     takes further messages instead of repeating the first answer.
//
// What AWS documents as possible, or not at all, and is decided here:
//
//   - A receipt handle that a later receive has superseded deletes nothing: on a
//     standard queue DeleteMessage succeeds without effect, on a FIFO queue it
//     fails. AWS says that a standard message "might" not be deleted.
//   - A message keeps its id, its ApproximateReceiveCount and its first receive
//     time when it moves to a dead-letter queue; the dead-letter queue's own
//     maxReceiveCount counts from there.
//   - PurgeQueue and DeleteQueue take effect at once, not within 60 seconds. A
//     second purge, and a queue of the same name, must wait 60 seconds as in AWS.
//
// A [Mapping] says how it differs from Lambda's at its type.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html (2026-11)
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/welcome.html (2026-11)
package sqs
