package sqs

import (
	"maps"
	"slices"
	"time"
)

// MessageState is a message in the answer of [Queue.Peek].
type MessageState struct {
	ID   string `json:"id"`
	Body string `json:"body"`
	// State is "visible", "inFlight" or "delayed".
	State string `json:"state"`
	// Sent is when it was sent, VisibleAt when a hidden message becomes visible.
	Sent      time.Time `json:"sent"`
	VisibleAt time.Time `json:"visibleAt,omitzero"`
	// Receives is how often it was received, over all queues.
	Receives        int               `json:"receives"`
	Group           string            `json:"group,omitempty"`
	DeduplicationID string            `json:"deduplicationId,omitempty"`
	Sender          string            `json:"sender"`
	Source          string            `json:"source,omitempty"` // the queue that it was dead-lettered from
	Attributes      map[string]string `json:"attributes,omitempty"`
}

var stateNames = [...]string{delayed: "delayed", visible: "visible", inFlight: "inFlight", gone: "gone"}

// Peek returns up to limit messages, ordered by send time, and the total number. It does
// not receive them.
func (q *Queue) Peek(limit int) (messages []MessageState, total int, err error) {
	_, err = q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	all := slices.SortedFunc(maps.Values(q.messages), func(a, b *message) int { return int(int64(a.seq) - int64(b.seq)) })
	messages = []MessageState{}
	for _, m := range all[:min(len(all), limit)] {
		s := MessageState{
			ID: m.id, Body: m.body, State: stateNames[m.state], Sent: m.sentAt, Receives: m.receives, Group: m.groupID,
			DeduplicationID: m.deduplicationID, Sender: m.senderID, Source: queueOfARN(m.sourceARN),
		}
		if m.state != visible {
			s.VisibleAt = m.visibleAt
		}
		for name, a := range m.attributes {
			if s.Attributes == nil {
				s.Attributes = map[string]string{}
			}
			if s.Attributes[name] = "(binary)"; a.StringValue != nil {
				s.Attributes[name] = *a.StringValue
			}
		}
		messages = append(messages, s)
	}
	return messages, len(all), nil
}

// Oldest returns the age of the oldest message, 0 for an empty queue.
func (q *Queue) Oldest() time.Duration {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil || q.byAge.Len() == 0 {
		return 0
	}
	return now.Sub(q.byAge.top().sentAt)
}

// NextVisible returns when the next hidden message becomes visible, or the zero time.
func (q *Queue) NextVisible() time.Time {
	_, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil || q.hidden.Len() == 0 {
		return time.Time{}
	}
	return q.hidden.top().visibleAt
}

// byID returns the message with an id. The service's lock is held.
func (q *Queue) byID(id string) *message {
	for _, m := range q.messages {
		if m.id == id {
			return m
		}
	}
	return nil
}

// DeleteMessage deletes a message by its id, even in flight. It reports whether the queue
// had the message.
func (q *Queue) DeleteMessage(id string) bool {
	_, err := q.lock()
	defer q.s.mu.Unlock()
	m := q.byID(id)
	if err != nil || m == nil {
		return false
	}
	q.remove(m)
	q.counters.Deleted++
	q.notify()
	return true
}

// ShowMessage makes a hidden message visible at once. It reports whether the queue had
// it.
func (q *Queue) ShowMessage(id string) bool {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	m := q.byID(id)
	if err != nil || m == nil {
		return false
	}
	if m.state != visible {
		q.hidden.remove(m)
		m.visibleAt = now
		q.hidden.add(m)
		q.settle(now)
		q.notify()
	}
	return true
}

// RedriveMessage moves a message from a dead-letter queue back to its source queue.
// Without a known source, it takes the first queue that sends its dead letters here. If
// body is not nil, it replaces the message's body. It returns the destination; nil means
// that there is no such message or queue.
func (q *Queue) RedriveMessage(id string, body *string) (*Queue, error) {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	m := q.byID(id)
	if err != nil || m == nil {
		return nil, err
	}
	target := q.s.queueByARN(m.sourceARN)
	if sources := q.s.sourcesOf(q); target == nil && len(sources) > 0 {
		target = sources[0]
	}
	if target == nil || target.fifo != q.fifo {
		return nil, nil
	}
	if body != nil {
		in := SendInput{Body: *body, GroupID: m.groupID, DeduplicationID: m.deduplicationID}
		if err := in.validate(target, false); err != nil {
			return nil, err
		}
	}
	q.remove(m)
	moved := &message{content: m.content} // a moved message is a new one
	moved.id = newID()
	if body != nil {
		moved.body, moved.md5OfBody = *body, md5Hex([]byte(*body))
	}
	target.put(moved, now, now, 0)
	q.notify()
	return target, nil
}
