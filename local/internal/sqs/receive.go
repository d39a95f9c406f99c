package sqs

import (
	"context"
	"time"
)

// ReceiveInput configures a receive. The zero value receives one message with the queue's
// own visibility timeout and wait time.
type ReceiveInput struct {
	// Max is the most messages to receive, from 1 to 10. 0 means 1.
	Max int
	// Visibility is how long the messages are hidden, up to 12 hours. Nil means the
	// queue's visibility timeout.
	Visibility *time.Duration
	// Wait is how long to wait for the first message, up to 20 seconds. Nil means
	// the queue's ReceiveMessageWaitTimeSeconds.
	Wait *time.Duration
}

// Receive receives up to n messages, and waits up to wait for the first one; see
// [Queue.ReceiveMessages].
func (q *Queue) Receive(ctx context.Context, n int, wait time.Duration) ([]Message, error) {
	return q.ReceiveMessages(ctx, ReceiveInput{Max: n, Wait: &wait})
}

// ReceiveMessages receives messages from the queue. The messages of a group come in
// order, and from one group if it has enough. It returns no messages when the wait time
// is over or the service has been stopped. If ctx ends first, it returns the cause.
func (q *Queue) ReceiveMessages(ctx context.Context, in ReceiveInput) ([]Message, error) {
	if in.Max == 0 {
		in.Max = 1
	}
	var deadline time.Time
	for {
		now, err := q.lock()
		if err != nil {
			q.s.mu.Unlock()
			return nil, err
		}
		wait, visibility := q.wait, q.visibility
		if in.Wait != nil {
			wait = *in.Wait
		}
		if in.Visibility != nil {
			visibility = *in.Visibility
		}
		if deadline.IsZero() {
			deadline = now.Add(wait)
		}
		var messages []Message
		if ctx.Err() == nil {
			messages, err = q.take(in.Max, visibility, wait > 0, now)
		}
		next, changed := q.next(now, deadline), q.changed
		buried := q.s.buried
		q.s.buried = nil
		q.s.mu.Unlock()
		for _, b := range buried {
			q.s.log("queue %s: message %s goes to the dead-letter queue %s: it was received %d times", b.from, b.message, b.to, b.receives)
		}
		if len(messages) > 0 || err != nil {
			return messages, err
		}
		if !now.Before(deadline) {
			return nil, context.Cause(ctx)
		}
		timer := q.s.clock.NewTimerAt(next)
		select {
		case <-timer.C():
		case <-changed:
		case <-q.s.stopped:
			timer.Stop()
			return nil, nil
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		timer.Stop()
	}
}

// next returns when a waiting receive must check again, even without a notification.
func (q *Queue) next(now, deadline time.Time) time.Time {
	next := deadline
	if q.hidden.Len() > 0 && q.hidden.top().visibleAt.Before(next) {
		next = q.hidden.top().visibleAt
	}
	if q.byAge.Len() > 0 { // its end may free its group
		if end := q.byAge.top().sentAt.Add(q.retention); end.Before(next) {
			next = end
		}
	}
	if at, ok := q.s.nextTask(); ok && at.Before(next) {
		next = at
	}
	if next.Before(now) {
		return now
	}
	return next
}

// take receives up to n visible messages. A message that was delivered as often as the
// redrive policy allows goes to the dead-letter queue instead. waits says that the caller
// may wait. At the limit of messages in flight such a caller gets no messages, like every
// receive from a FIFO queue; other callers get an error.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11)
func (q *Queue) take(n int, visibility time.Duration, waits bool, now time.Time) ([]Message, error) {
	room := q.s.limit - q.counters.InFlight
	if room <= 0 {
		if q.fifo || waits {
			return nil, nil
		}
		return nil, errOverLimit()
	}
	n = min(n, room)
	var taken []Message
	if q.fifo {
		for len(taken) < n && q.open.Len() > 0 {
			taken = q.takeGroup(q.open.top(), taken, n, visibility, now)
		}
	} else {
		for len(taken) < n && q.ready.Len() > 0 {
			if m := q.ready.top(); !q.bury(m, now) {
				q.ready.remove(m)
				taken = append(taken, q.deliver(m, visibility, now))
			}
		}
	}
	if len(taken) > 0 {
		q.settle(now) // a visibility timeout of 0 ends here
		q.notify()
	}
	return taken, nil
}

// takeGroup receives messages from the front of a group, and closes the group.
func (q *Queue) takeGroup(g *group, taken []Message, n int, visibility time.Duration, now time.Time) []Message {
	for e := g.messages.Front(); e != nil && len(taken) < n; {
		m, next := e.Value.(*message), e.Next()
		if m.state != visible {
			break
		}
		if !q.bury(m, now) {
			taken = append(taken, q.deliver(m, visibility, now))
		}
		e = next
	}
	q.reopen(g)
	return taken
}

// deliver receives a visible message: it becomes in flight.
func (q *Queue) deliver(m *message, visibility time.Duration, now time.Time) Message {
	q.leave(m)
	m.state = inFlight
	q.counters.InFlight++
	q.counters.Received++
	m.receives++
	m.deliveries++
	m.receipt++
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.receivedAt, m.visibleAt = now, now.Add(visibility)
	q.hidden.add(m)
	return m.received(q.handle(m))
}

// burial is a message that moved to a dead-letter queue, for the log.
type burial struct {
	message, from, to string
	receives          int
}

// bury moves a message to the dead-letter queue if it was delivered as often as the
// redrive policy allows, and reports whether it did. A standard message keeps its send
// time, and so its age.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html (2026-11)
func (q *Queue) bury(m *message, now time.Time) bool {
	if q.redrive == nil || m.deliveries < q.redrive.MaxReceiveCount {
		return false
	}
	target := q.s.queues[queueOfARN(q.redrive.TargetARN)]
	if target == nil || target.fifo != q.fifo {
		return false // it was deleted since; AWS then keeps delivering
	}
	q.remove(m)
	q.counters.Dead++
	sentAt := m.sentAt
	if q.fifo {
		sentAt = now
	}
	m.sourceARN = q.arn
	if q.s.observer != nil {
		q.s.observer.Buried(m.id, q.name, target.name)
	}
	q.s.buried = append(q.s.buried, burial{m.id, q.name, target.name, m.deliveries})
	target.put(m, sentAt, now, 0)
	return true
}
