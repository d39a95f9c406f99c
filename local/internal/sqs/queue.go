package sqs

import (
	"container/list"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// Counters count a queue's current messages, and its events since it was created.
type Counters struct {
	// Visible counts the messages that can be received. InFlight counts those received
	// and neither deleted nor returned. Delayed counts those still hidden by a delay.
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	Delayed  int `json:"delayed"`
	// Dead counts the messages that moved from here to the dead-letter queue.
	Dead int `json:"dead"`
	// Sent, Received and Deleted count messages; a message received twice counts twice.
	// Sent does not include the duplicates that a FIFO queue dropped.
	Sent     int `json:"sent"`
	Received int `json:"received"`
	Deleted  int `json:"deleted"`
	// Duplicates counts the sends that a FIFO queue accepted and did not deliver.
	Duplicates int `json:"duplicates"`
}

// Queue is one queue of a [Service]. It is safe for concurrent use. The methods of a
// deleted queue fail with QueueDoesNotExist.
//
// The package's doc says how it differs from AWS.
type Queue struct {
	s    *Service
	name string
	arn  string
	id   uint64 // differs from an earlier queue's of the same name
	fifo bool

	// The service's lock guards the following fields.
	*settings
	tags      map[string]string
	createdAt time.Time
	changedAt time.Time
	purgedAt  time.Time
	deleted   bool
	counters  Counters

	messages map[uint64]*message
	hidden   *indexedHeap[*message] // delayed and in flight, by when they become visible
	byAge    *indexedHeap[*message] // all, by send time
	ready    *indexedHeap[*message] // standard: visible, by when they became visible
	groups   map[string]*group      // FIFO: the groups that have messages
	open     *indexedHeap[*group]   // FIFO: groups whose first message can be received
	dedup    dedupWindow
	changed  chan struct{} // closed to wake waiting receives
}

func newQueue(s *Service, name string, config *settings, now time.Time) *Queue {
	var id [8]byte
	rand.Read(id[:]) //nolint:errcheck // it never fails
	q := &Queue{
		s: s, name: name, arn: s.ARN(name), id: binary.BigEndian.Uint64(id[:]), fifo: config.fifo,
		settings: config, tags: map[string]string{}, createdAt: now, changedAt: now,
		dedup: newDedupWindow(), changed: make(chan struct{}),
	}
	q.empty()
	return q
}

// empty replaces the queue's containers with empty ones.
func (q *Queue) empty() {
	q.messages = map[uint64]*message{}
	q.groups = map[string]*group{}
	sooner := func(a, b *message) bool {
		if c := a.visibleAt.Compare(b.visibleAt); c != 0 {
			return c < 0
		}
		return a.seq < b.seq
	}
	q.hidden = newHeap(sooner, func(m *message) *int { return &m.hiddenPos })
	q.ready = newHeap(sooner, func(m *message) *int { return &m.readyPos })
	q.byAge = newHeap(func(a, b *message) bool { return a.sentAt.Before(b.sentAt) }, func(m *message) *int { return &m.agePos })
	// AWS promises no order of the groups; this is the order in LocalStack's captures of AWS, 2026-03.
	q.open = newHeap(func(a, b *group) bool { return sooner(a.first(), b.first()) }, func(g *group) *int { return &g.openPos })
	q.counters.Visible, q.counters.InFlight, q.counters.Delayed = 0, 0, 0
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// ARN returns the queue's ARN.
func (q *Queue) ARN() string { return q.arn }

// FIFO reports whether it is a FIFO queue.
func (q *Queue) FIFO() bool { return q.fifo }

// URL returns the queue's URL:
//
//	http://127.0.0.1:9324/000000000000/jobs
func (q *Queue) URL() string {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return q.url()
}

func (q *Queue) url() string { return q.s.endpoint + "/" + q.s.account + "/" + q.name }

// VisibilityTimeout returns the queue's visibility timeout.
func (q *Queue) VisibilityTimeout() time.Duration {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return q.visibility
}

// lock acquires the service's lock and brings the queue up to date. The caller unlocks,
// even after an error.
func (q *Queue) lock() (now time.Time, err error) {
	now = q.s.lock()
	if q.deleted {
		return now, errNoQueue()
	}
	q.settle(now)
	return now, nil
}

// notify wakes the waiting receives.
func (q *Queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Counters returns the queue's counters.
func (q *Queue) Counters() Counters {
	_, _ = q.lock()
	defer q.s.mu.Unlock()
	return q.counters
}

// Attributes returns all attributes of the queue.
func (q *Queue) Attributes() (map[string]string, error) {
	_, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	all := maps.Clone(q.attributes)
	all[attrQueueARN] = q.arn
	all[attrVisibleCount] = strconv.Itoa(q.counters.Visible)
	all[attrInFlightCount] = strconv.Itoa(q.counters.InFlight)
	all[attrDelayedCount] = strconv.Itoa(q.counters.Delayed)
	all[attrCreated] = strconv.FormatInt(q.createdAt.Unix(), 10)
	all[attrModified] = strconv.FormatInt(q.changedAt.Unix(), 10)
	return all, nil
}

// SetAttributes changes attributes; an empty value removes a policy.
func (q *Queue) SetAttributes(attributes map[string]string) error {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return err
	}
	config, err := q.settings.with(attributes)
	if err != nil {
		return err
	}
	if _, given := attributes[attrRedrive]; given {
		if err := q.s.validateRedrive(q.name, config); err != nil {
			return err
		}
	}
	q.configure(config, now)
	return nil
}

// configure replaces the queue's settings. A new delay applies to a FIFO queue's existing
// messages; on a standard queue only to later messages.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html (2026-11)
func (q *Queue) configure(config *settings, now time.Time) {
	again := config.fifo && config.delay != q.delay
	q.settings, q.changedAt = config, now
	if again {
		for _, m := range q.messages {
			if m.state == delayed {
				q.hidden.remove(m)
				m.visibleAt = m.sentAt.Add(q.delay)
				q.hidden.add(m)
			}
		}
	}
	q.settle(now)
	q.notify()
}

// Purge deletes all messages. With limited it fails, like the API, if another purge
// happened in the last 60 seconds.
func (q *Queue) Purge(limited bool) error {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return err
	}
	if limited && !q.purgedAt.IsZero() && now.Sub(q.purgedAt) < purgeInterval {
		return errPurgeInProgress(q.name)
	}
	q.purgedAt = now
	q.clear()
	q.dedup = newDedupWindow() // LocalStack's captures of AWS, 2026-03
	return nil
}

// clear deletes all messages.
func (q *Queue) clear() {
	for _, m := range q.messages {
		m.state = gone
	}
	q.empty()
}

// Send sends a message to the queue. For a duplicate, a FIFO queue repeats its answer to
// the first message.
func (q *Queue) Send(in SendInput) (*SendResult, error) {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := in.validate(q, false); err != nil {
		return nil, err
	}
	return q.send(in, now), nil
}

// send adds a valid message to the queue.
func (q *Queue) send(in SendInput, now time.Time) *SendResult {
	m := &message{content: content{
		id: newID(), body: in.Body, attributes: maps.Clone(in.Attributes),
		md5OfBody: md5Hex([]byte(in.Body)), md5OfAttributes: md5OfAttributes(in.Attributes), md5OfSystemAttributes: md5OfAttributes(in.SystemAttributes),
		groupID: in.GroupID, deduplicationID: in.DeduplicationID, senderID: in.SenderID, traceHeader: in.TraceHeader,
	}}
	if m.senderID == "" {
		m.senderID = q.s.account
	}
	if trace := in.SystemAttributes[attrTraceHeader].StringValue; trace != nil {
		m.traceHeader = *trace
	}
	result := &SendResult{MessageID: m.id, MD5OfBody: m.md5OfBody, MD5OfAttributes: m.md5OfAttributes, MD5OfSystemAttributes: m.md5OfSystemAttributes}
	delay := q.delay
	if q.fifo {
		if m.deduplicationID == "" {
			m.deduplicationID = sha256Hex(m.body)
		}
		if first := q.dedup.find(q.dedupKey(m), now); first != nil {
			q.counters.Duplicates++
			result.MessageID, result.SequenceNumber = first.messageID, first.sequenceNumber
			return result
		}
	} else if in.Delay != nil {
		delay = time.Duration(*in.Delay) * time.Second
	}
	if q.s.observer != nil {
		q.s.observer.Sent(SentMessage{m.id, q.name, m.groupID, m.senderID, m.traceHeader})
	}
	q.put(m, now, now, delay)
	if q.fifo {
		q.dedup.add(q.dedupKey(m), now, m.id, m.sequenceNumber)
		result.SequenceNumber = m.sequenceNumber
	}
	q.counters.Sent++
	return result
}

// put adds a message that is in no queue yet.
func (q *Queue) put(m *message, sentAt, now time.Time, delay time.Duration) {
	q.s.seq++
	m.seq, m.sentAt, m.visibleAt = q.s.seq, sentAt, now.Add(delay)
	m.readyPos, m.hiddenPos, m.agePos = -1, -1, -1
	m.group, m.elem, m.deliveries = nil, nil, 0
	q.messages[m.seq] = m
	q.byAge.add(m)
	m.sequenceNumber = ""
	if q.fifo {
		m.sequenceNumber = fmt.Sprintf("188%017d", m.seq)
		g := q.groups[m.groupID]
		if g == nil {
			g = &group{id: m.groupID, messages: list.New(), openPos: -1}
			q.groups[m.groupID] = g
		}
		m.group, m.elem = g, g.messages.PushBack(m)
	}
	if delay > 0 {
		m.state = delayed
		q.counters.Delayed++
		q.hidden.add(m)
	} else {
		q.show(m)
	}
	q.notify()
}

// show makes a new or hidden message visible.
func (q *Queue) show(m *message) {
	q.hidden.remove(m)
	m.state = visible
	q.counters.Visible++
	if m.group != nil {
		q.reopen(m.group)
	} else {
		q.ready.add(m)
	}
}

// leave removes a message from the counters of its state.
func (q *Queue) leave(m *message) {
	switch m.state {
	case delayed:
		q.counters.Delayed--
	case visible:
		q.counters.Visible--
	case inFlight:
		q.counters.InFlight--
	}
}

// remove removes a message from the queue.
func (q *Queue) remove(m *message) {
	q.leave(m)
	m.state = gone
	delete(q.messages, m.seq)
	q.hidden.remove(m)
	q.ready.remove(m)
	q.byAge.remove(m)
	if g := m.group; g != nil {
		q.open.remove(g) // its first message may change
		g.messages.Remove(m.elem)
		if g.messages.Len() == 0 {
			delete(q.groups, g.id)
		} else {
			q.reopen(g)
		}
	}
}

// settle brings the queue up to date: it deletes messages older than the retention period
// and shows hidden messages whose time has come.
func (q *Queue) settle(now time.Time) {
	for q.byAge.Len() > 0 && !q.byAge.top().sentAt.Add(q.retention).After(now) {
		q.remove(q.byAge.top())
	}
	for q.hidden.Len() > 0 && !q.hidden.top().visibleAt.After(now) {
		m := q.hidden.top()
		q.leave(m)
		q.show(m)
	}
}

// newID returns a UUID of version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
