package sqs

import (
	"errors"
	"time"
)

// batchResult is the answer of a batch operation: each entry is in one of the two lists.
type batchResult[R any] struct {
	Successful []R
	Failed     []batchError `json:",omitempty"` // LocalStack's captures of AWS, 2026-03
}

type batchError struct {
	Code        string
	ID          string `json:"Id"`
	Message     string
	SenderFault bool
}

// runBatch checks the batch as a whole, and then runs each entry independently.
func runBatch[E, R any](entries []E, id func(*E) string, do func(*E) (R, error)) (*batchResult[R], error) {
	if len(entries) == 0 {
		return nil, prefixedError("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatchEntries {
		return nil, prefixedError("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatchEntries, len(entries))
	}
	seen := map[string]bool{}
	for i := range entries {
		entry := id(&entries[i])
		if !entryID.MatchString(entry) {
			return nil, prefixedError("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most %d letters long.", maxEntryIDChars)
		}
		if seen[entry] {
			return nil, prefixedError("BatchEntryIdsNotDistinct", "Id %s repeated.", entry)
		}
		seen[entry] = true
	}
	out := &batchResult[R]{Successful: []R{}}
	for i := range entries {
		r, err := do(&entries[i])
		if err == nil {
			out.Successful = append(out.Successful, r)
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			return nil, err
		}
		out.Failed = append(out.Failed, batchError{e.Code, id(&entries[i]), e.Message, e.Status < 500})
	}
	return out, nil
}

type sendMessageBatchRequest struct {
	onQueue
	Entries []sendBatchEntry
}

type sendBatchEntry struct {
	ID string `json:"Id"`
	sendEntry
}

// sendMessageBatch sends several messages. As on AWS, a missing group id or deduplication
// id fails the whole batch.
func sendMessageBatch(c *call, in *sendMessageBatchRequest) (*batchResult[*sendMessageResult], error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	id := func(e *sendBatchEntry) string { return e.ID }
	if _, err := runBatch(in.Entries, id, func(*sendBatchEntry) (empty, error) { return empty{}, nil }); err != nil {
		return nil, err
	}
	total := 0
	for i := range in.Entries {
		input := in.Entries[i].input(c)
		total += input.size()
	}
	if total > maxBatchBytes {
		return nil, prefixedError("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)
	}
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, e := range in.Entries {
		probe := e.input(c)
		probe = SendInput{Body: "-", GroupID: probe.GroupID, DeduplicationID: probe.DeduplicationID}
		if q.fifo && (probe.GroupID == "" || probe.DeduplicationID == "" && !q.contentDedup) {
			return nil, probe.validate(q, true)
		}
	}
	return runBatch(in.Entries, id, func(e *sendBatchEntry) (*sendMessageResult, error) {
		if err := e.checkIDs(); err != nil {
			return nil, err
		}
		input := e.input(c)
		if err := input.validate(q, true); err != nil {
			return nil, err
		}
		return newSendMessageResult(e.ID, q.send(input, now)), nil
	})
}

type deleteMessageBatchRequest struct {
	onQueue
	Entries []deleteBatchEntry
}

type deleteBatchEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

type batchEntryResult struct {
	ID string `json:"Id"`
}

func deleteMessageBatch(c *call, in *deleteMessageBatchRequest) (*batchResult[batchEntryResult], error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return runBatch(in.Entries, func(e *deleteBatchEntry) string { return e.ID }, func(e *deleteBatchEntry) (batchEntryResult, error) {
		return batchEntryResult{e.ID}, q.Delete(e.ReceiptHandle)
	})
}

type changeVisibilityBatchRequest struct {
	onQueue
	Entries []changeVisibilityEntry
}

type changeVisibilityEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func changeMessageVisibilityBatch(c *call, in *changeVisibilityBatchRequest) (*batchResult[batchEntryResult], error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return runBatch(in.Entries, func(e *changeVisibilityEntry) string { return e.ID }, func(e *changeVisibilityEntry) (batchEntryResult, error) {
		if e.VisibilityTimeout == nil {
			return batchEntryResult{}, errMissing("VisibilityTimeout")
		}
		return batchEntryResult{e.ID}, q.ChangeVisibility(e.ReceiptHandle, time.Duration(*e.VisibilityTimeout)*time.Second)
	})
}
