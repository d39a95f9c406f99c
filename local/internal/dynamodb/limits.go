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
	maxPageBytes         = 1 << 20 // of what Query or Scan reads for one answer
	maxExpressionBytes   = 4 << 10
	maxInOperands        = 100
	maxNesting           = 32 // lists and maps in each other

	maxNumberDigits = 38
	// A number's first digit stands at most so far before or after the point.
	maxNumberExponent = 125
	minNumberExponent = -130

	// maxRequestBytes is what a whole BatchGetItem answers at most.
	maxRequestBytes = 16 << 20
)

// maxExpiredAge is how old a time to live may be: what is older is taken for a
// mistake, and its item is kept.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html (2026-11)
const maxExpiredAge = 5 * 365 * 24 * time.Hour
