package sqs

import "time"

// Limits of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html (2026-11)
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11)
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html (2026-11)
const (
	minMessageBytes   = 1024
	maxMessageBytes   = 1024 * 1024
	maxBatchBytes     = 1024 * 1024
	maxBatchEntries   = 10
	maxEntryIDChars   = 80
	maxReceive        = 10
	maxAttributes     = 10
	maxAttributeChars = 256
	maxNumberDigits   = 38
	maxIDChars        = 128 // group, deduplication and receive attempt ids

	maxDelaySeconds      = 900
	maxVisibilitySeconds = 43200
	maxWaitSeconds       = 20
	minRetentionSeconds  = 60
	maxRetentionSeconds  = 1209600
	minKMSReuseSeconds   = 60
	maxKMSReuseSeconds   = 86400
	maxReceiveCountLimit = 1000
	maxSourceARNs        = 10

	maxListed      = 1000
	maxTags        = 50
	maxTagKey      = 128
	maxTagValue    = 256
	maxMoveRate    = 500
	maxListedTasks = 10

	// maxInFlight bounds the messages in flight, of a standard and of a FIFO queue.
	maxInFlight = 120000

	deduplicationInterval = 5 * time.Minute
	purgeInterval         = time.Minute
	recreateInterval      = time.Minute
)

// Defaults of a queue's attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html (2026-11)
const (
	defaultVisibility = 30 * time.Second
	defaultRetention  = 345600 * time.Second
	defaultKMSReuse   = "300"
)
