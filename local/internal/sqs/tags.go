package sqs

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// Tag adds tags to a queue, and replaces tags with the same keys.
func (q *Queue) Tag(tags map[string]string) error {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	if q.deleted {
		return errNoQueue()
	}
	merged := maps.Clone(q.tags)
	maps.Copy(merged, tags)
	if err := validateTags(tags); err != nil {
		return err
	}
	if len(merged) > maxTags {
		return errInvalidParameter("Too many tags added for queue %s.", q.name)
	}
	q.tags = merged
	return nil
}

// Untag removes tags from a queue.
func (q *Queue) Untag(keys []string) error {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	if q.deleted {
		return errNoQueue()
	}
	for _, key := range keys {
		delete(q.tags, key)
	}
	return nil
}

// Tags returns a queue's tags.
func (q *Queue) Tags() map[string]string {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return maps.Clone(q.tags)
}

// validateTags checks tags.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11)
func validateTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return errInvalidParameter("Too many tags: a queue can have %d, got %d.", maxTags, len(tags))
	}
	for key, value := range tags {
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKey:
			return errInvalidParameter("Tag keys must be between 1 and %d characters in length.", maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return errInvalidParameter("Tag values must be between 0 and %d characters in length.", maxTagValue)
		case strings.HasPrefix(strings.ToLower(key), "aws:"), strings.HasPrefix(strings.ToLower(value), "aws:"):
			return errInvalidParameter("Tag keys and values must not start with the reserved prefix aws:.")
		}
	}
	return nil
}
