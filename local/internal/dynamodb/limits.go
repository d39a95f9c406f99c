package dynamodb

import "time"

// Limits of DynamoDB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (2026-11)
const (
	maxItemBytes         = 400 << 10 // names and values
	maxPartitionKeyBytes = 2048
	maxSortKeyBytes      = 1024
	maxBatchKeys         = 100
	maxBatchWrites       = 25
	maxTransaction       = 100
	maxSegments          = 1_000_000
	maxListedTables      = 100
	maxPageBytes         = 1 << 20 // of the items that Query or Scan reads for one answer
	maxExpressionBytes   = 4 << 10
	maxInOperands        = 100
	maxNesting           = 32 // levels of lists and maps

	maxNumberDigits = 38
	// The largest distance of a number's first digit from the point, before and after it.
	maxNumberExponent = 125
	minNumberExponent = -130

	// maxRequestBytes is the size limit of a BatchGetItem answer.
	maxRequestBytes = 16 << 20
)

// maxExpiredAge is the age after which DynamoDB takes a time to live for a mistake and
// keeps the item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html (2026-11)
const maxExpiredAge = 5 * 365 * 24 * time.Hour
