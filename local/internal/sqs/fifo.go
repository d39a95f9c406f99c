package sqs

import (
	"container/list"
	"time"
)

// group is a message group that has messages. SQS delivers them in order: while a message
// is in flight or delayed, those behind it wait. Those before it can be received.
// LocalStack's captures of AWS, 2026-03, show the latter.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html (2026-11)
type group struct {
	id       string
	messages *list.List // of *message, by seq
	openPos  int
}

func (g *group) first() *message { return g.messages.Front().Value.(*message) }

// reopen adds a group to those that receives may use, or removes it.
func (q *Queue) reopen(g *group) {
	q.open.remove(g)
	if g.messages.Len() > 0 && g.first().state == visible {
		q.open.add(g)
	}
}

// dedupKey returns a message's key for deduplication: its deduplication id within the
// queue, or within its group.
func (q *Queue) dedupKey(m *message) dedupKey {
	if q.dedupPerGroup {
		return dedupKey{true, m.groupID, m.deduplicationID}
	}
	return dedupKey{id: m.deduplicationID}
}

type dedupKey struct {
	perGroup  bool
	group, id string
}

// dedupWindow holds the deduplication ids of the last five minutes, even if their
// messages no longer exist.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html (2026-11)
type dedupWindow struct {
	entries map[dedupKey]*dedupEntry
	oldest  *list.List // of *dedupEntry
}

type dedupEntry struct {
	key                       dedupKey
	until                     time.Time
	messageID, sequenceNumber string
}

func newDedupWindow() dedupWindow {
	return dedupWindow{map[dedupKey]*dedupEntry{}, list.New()}
}

func (w *dedupWindow) find(key dedupKey, now time.Time) *dedupEntry {
	for e := w.oldest.Front(); e != nil && !e.Value.(*dedupEntry).until.After(now); e = w.oldest.Front() {
		delete(w.entries, e.Value.(*dedupEntry).key)
		w.oldest.Remove(e)
	}
	return w.entries[key]
}

// add adds a key that find has not found.
func (w *dedupWindow) add(key dedupKey, now time.Time, messageID, sequenceNumber string) {
	e := &dedupEntry{key, now.Add(deduplicationInterval), messageID, sequenceNumber}
	w.entries[key] = e
	w.oldest.PushBack(e)
}
