package sqs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Limits and defaults of an SQS event source mapping.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (2026-11)
const (
	defaultBatchSize     = 10
	maxBatchSize         = 10000
	maxFIFOBatchSize     = 10
	maxWindow            = 300 * time.Second
	minConcurrency       = 2
	maxConcurrency       = 1000
	startConcurrency     = 5
	concurrencyPerSecond = 5
	pollWait             = maxWaitSeconds * time.Second
	firstBackoff         = 100 * time.Millisecond
	lastBackoff          = 5 * time.Second
)

// Invoker invokes a mapping's Lambda function. It must be safe for concurrent use, and
// must not keep payload.
type Invoker interface {
	// Invoke sends one event, whose request id is given, and returns the function's
	// response. An error with a method
	// Throttled() bool that returns true, such as [ErrThrottled], says that Lambda
	// throttled the invocation: the function has not seen the event.
	Invoke(ctx context.Context, requestID string, payload []byte) ([]byte, error)
}

// ErrThrottled is an error with which an [Invoker] may report a throttle.
var ErrThrottled error = throttledError{}

type throttledError struct{}

func (throttledError) Error() string   { return "throttled: the function's concurrency is used up" }
func (throttledError) Throttled() bool { return true }

func isThrottled(err error) bool {
	var t interface{ Throttled() bool }
	return errors.As(err, &t) && t.Throttled()
}

// MappingOptions configures an event source mapping. Function is required.
type MappingOptions struct {
	// Function gets the batches.
	Function Invoker
	// BatchSize is the most messages in one event: 1 to 10000, and 1 to 10 on a FIFO
	// queue. More than 10 need a Window. 0 means 10.
	BatchSize int
	// Window is how long to gather a batch, 0 to 300 seconds; 0 on a FIFO queue.
	Window time.Duration
	// MaxConcurrency is how many batches the function may handle at once: 2 to 1000. 0
	// means up to 1000.
	MaxConcurrency int
	// Filters are the patterns of the filter criteria. The mapping deletes a message that
	// matches none of them. Without filters every message goes to the function.
	Filters []string
	// ReportBatchItemFailures says that the function's response names the failed
	// messages. Without it every response is a success of the whole batch.
	ReportBatchItemFailures bool
	// Duplicate reports whether to deliver a message again although its batch succeeded,
	// as a standard queue may. Nil means never.
	Duplicate func() bool
	// Log gets a line for what the function's own log cannot contain: responses that Lambda
	// cannot read, and batches that it gives up. Nil discards them.
	Log func(format string, args ...any)
}

// MappingStats are a mapping's counters.
type MappingStats struct {
	Invocations int `json:"invocations"` // without throttled ones
	Errors      int `json:"errors"`      // invocations that failed as a whole
	Throttles   int `json:"throttles"`
	Messages    int `json:"messages"` // messages in events
	Failed      int `json:"failed"`   // messages to be retried
	Filtered    int `json:"filtered"` // messages that no filter matched
	Running     int `json:"running"`  // batches in progress, also those that wait for a retry
	Allowed     int `json:"allowed"`  // present limit of Running
	// Paused says that the mapping does not poll.
	Paused bool `json:"paused,omitempty"`
}

// Mapping polls a queue and sends batches of its messages to a function. [Queue.Map]
// makes it; it is safe for concurrent use.
//
// The mapping deletes a message when its batch succeeds. A message fails if its
// invocation fails, or if the partial batch response names it. A failed message stays in
// flight until its visibility timeout ends, and is then received again. The mapping
// retries a throttled invocation with growing pauses while the visibility timeout of its
// batch lasts. It keeps the order of a FIFO group, and does not send two of its batches
// at the same time, unless a message of the first becomes visible meanwhile.
//
// It differs from Lambda's:
//
//   - One poller gathers the batches, one at a time, when there is room for one.
//   - It starts with 5 concurrent batches and adds 5 a second while more are waiting. A
//     throttle, or an error without ReportBatchItemFailures, halves that number.
//   - It splits a batch larger than 6 MB into several events, and sends them in sequence.
//   - Filters may match every field of a record, while Lambda documents body only; cidr and
//     wildcard work as in EventBridge.
//   - When the mapping is stopped, unfinished messages return to the queue at once.
type Mapping struct {
	q       *Queue
	opts    MappingOptions
	filters []filter
	clock   clock.Clock

	stopPoll   context.CancelFunc
	stopInvoke context.CancelFunc
	polled     chan struct{} // closed when polling has ended
	batches    sync.WaitGroup

	mu        sync.Mutex
	stats     MappingStats
	slots     int                // of batches being gathered or running
	freed     chan struct{}      // closed when a batch has ended, or Pause was called
	stopRound context.CancelFunc // ends the gathering of a batch; nil between batches
}

// Map connects the queue to a function. The mapping runs until it or the service stops,
// or the queue is deleted.
func (q *Queue) Map(opts MappingOptions) (*Mapping, error) {
	if opts.BatchSize == 0 {
		opts.BatchSize = defaultBatchSize
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	filters, err := opts.validate(q.fifo)
	if err != nil {
		return nil, fmt.Errorf("event source mapping of queue %q: %w", q.name, err)
	}
	m := &Mapping{
		q: q, opts: opts, filters: filters, clock: q.s.clock,
		polled: make(chan struct{}), freed: make(chan struct{}),
	}
	m.stats.Allowed = min(startConcurrency, m.most())
	poll, stopPoll := context.WithCancel(context.Background())
	invoke, stopInvoke := context.WithCancel(context.Background())
	m.stopPoll, m.stopInvoke = stopPoll, stopInvoke
	go m.poll(poll, invoke)
	return m, nil
}

func (o *MappingOptions) validate(fifo bool) ([]filter, error) {
	var errs []error
	check := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(o.Function == nil, "Function is required")
	limit := maxBatchSize
	if fifo {
		limit = maxFIFOBatchSize
		check(o.Window != 0, "Window must be 0 for a FIFO queue, got %v", o.Window)
	}
	check(o.BatchSize < 1 || o.BatchSize > limit, "BatchSize must be 1 to %d, got %d", limit, o.BatchSize)
	check(o.Window < 0 || o.Window > maxWindow, "Window must be 0 to 300 seconds, got %v", o.Window)
	check(!fifo && o.BatchSize > maxReceive && o.Window < time.Second, "Window must be at least 1 second when BatchSize is over 10, got %v", o.Window)
	check(o.MaxConcurrency != 0 && (o.MaxConcurrency < minConcurrency || o.MaxConcurrency > maxConcurrency), "MaxConcurrency must be 2 to 1000, got %d", o.MaxConcurrency)
	filters, err := compileFilters(o.Filters)
	return filters, errors.Join(append(errs, err)...)
}

func (m *Mapping) most() int {
	if m.opts.MaxConcurrency != 0 {
		return m.opts.MaxConcurrency
	}
	return maxConcurrency
}

// Stats returns the mapping's counters.
func (m *Mapping) Stats() MappingStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

func (m *Mapping) count(change func(*MappingStats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.stats)
}

// StopPolling stops polling. Batches in progress go on; Stop ends them.
func (m *Mapping) StopPolling() {
	m.stopPoll()
	<-m.polled
}

// Stop stops polling and waits for the batches in progress. If ctx ends first, it cancels
// them, and their messages return to the queue. It may be called more than once.
func (m *Mapping) Stop(ctx context.Context) {
	m.stopPoll()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-m.polled
		m.batches.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	m.stopInvoke()
	<-done
}

// batch is the messages gathered for one or more invocations.
type batch struct {
	messages []Message
	records  [][]byte
	bytes    int
	until    time.Time // when the first of the messages becomes visible again
}

func (m *Mapping) poll(ctx, invoke context.Context) {
	defer close(m.polled)
	for m.acquire(ctx) {
		round := m.round(ctx)
		b, err := m.gather(round)
		paused := m.endRound()
		if err != nil && paused && ctx.Err() == nil {
			err = nil
		}
		if err != nil && ctx.Err() == nil {
			m.opts.Log("the event source mapping of queue %s ends: %v", m.q.name, err)
		}
		if len(b.messages) == 0 {
			m.release()
			if err != nil {
				return
			}
			continue
		}
		if ctx.Err() != nil || paused { // it was stopped or paused while gathering
			m.giveBack(b.messages)
			m.release()
			continue
		}
		m.batches.Add(1)
		m.count(func(s *MappingStats) { s.Running++ })
		go func() {
			defer m.batches.Done()
			defer m.release()
			defer m.count(func(s *MappingStats) { s.Running-- })
			m.process(invoke, b)
		}()
	}
}

// round returns the context for gathering one batch. It ends when the mapping is paused.
func (m *Mapping) round(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopRound = cancel
	if m.stats.Paused {
		cancel()
	}
	return ctx
}

// endRound ends the context of round, and reports whether the mapping was paused
// meanwhile.
func (m *Mapping) endRound() (paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopRound()
	m.stopRound = nil
	return m.stats.Paused
}

// Pause stops or resumes polling. Batches in progress continue.
func (m *Mapping) Pause(paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Paused = paused
	if paused && m.stopRound != nil {
		m.stopRound()
	}
	close(m.freed)
	m.freed = make(chan struct{})
}

// acquire waits for a free slot for one more batch. While it waits, the limit rises.
func (m *Mapping) acquire(ctx context.Context) bool {
	for {
		m.mu.Lock()
		free, freed := m.slots < m.stats.Allowed && !m.stats.Paused, m.freed
		if free {
			m.slots++
		}
		m.mu.Unlock()
		if free {
			return true
		}
		timer := m.clock.NewTimer(time.Second)
		select {
		case <-freed:
		case <-timer.C():
			m.count(func(s *MappingStats) { s.Allowed = min(s.Allowed+concurrencyPerSecond, m.most()) })
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

func (m *Mapping) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots--
	close(m.freed)
	m.freed = make(chan struct{})
}

// slower halves the limit after a throttle or an error.
func (m *Mapping) slower() {
	m.count(func(s *MappingStats) { s.Allowed = max(s.Allowed/2, 1) })
}

// errEnded says that the queue service has stopped.
var errEnded = errors.New("the queue service has stopped")

// gather waits for messages and makes a batch of them. It deletes messages that match no
// filter.
func (m *Mapping) gather(ctx context.Context) (*batch, error) {
	b := &batch{}
	var end time.Time // of the window; zero before the first message
	for len(b.messages) < m.opts.BatchSize && b.bytes < maxEventBytes {
		wait := pollWait
		if !end.IsZero() {
			if wait = min(wait, end.Sub(m.clock.Now())); wait <= 0 {
				return b, nil
			}
		}
		visibility := m.q.VisibilityTimeout()
		got, err := m.q.Receive(ctx, min(maxReceive, m.opts.BatchSize-len(b.messages)), wait)
		if err != nil {
			return b, err
		}
		now := m.clock.Now()
		if len(got) == 0 && m.q.s.isStopped() {
			return b, errEnded
		}
		for i := range got {
			record := newEventRecord(m.q, &got[i], m.opts.Window > 0)
			if !matchFilters(m.filters, record, got[i].Body) {
				m.count(func(s *MappingStats) { s.Filtered++ })
				m.delete(&got[i])
				continue
			}
			if len(b.messages) == 0 {
				b.until = now.Add(visibility)
			}
			b.messages, b.records = append(b.messages, got[i]), append(b.records, record)
			b.bytes += len(record) + 1
		}
		if len(b.messages) == 0 || m.opts.Window == 0 {
			return b, nil
		}
		if end.IsZero() {
			end = now.Add(m.opts.Window)
		}
	}
	return b, nil
}

func (s *Service) isStopped() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// process sends a batch in as many events as its size requires. On a FIFO queue, messages
// of a failed group are not sent in a later event.
func (m *Mapping) process(ctx context.Context, b *batch) {
	failedGroups := map[string]bool{}
	for start := 0; start < len(b.messages); {
		var messages []Message
		var records [][]byte
		size := len(eventPrefix) + len(eventSuffix)
		for ; start < len(b.messages); start++ {
			if m.q.fifo && failedGroups[b.messages[start].System[attrGroupID]] {
				continue
			}
			if size += len(b.records[start]) + 1; size > maxEventBytes && len(messages) > 0 {
				break
			}
			messages, records = append(messages, b.messages[start]), append(records, b.records[start])
		}
		if len(messages) == 0 {
			return
		}
		failed := m.send(ctx, messages, records, b.until)
		for i := range messages {
			if failed[messages[i].ID] {
				failedGroups[messages[i].System[attrGroupID]] = true
			} else if !m.q.fifo && m.opts.Duplicate != nil && m.opts.Duplicate() {
				m.giveBack(messages[i : i+1])
			} else {
				m.delete(&messages[i])
			}
		}
		if ctx.Err() != nil {
			m.giveBack(b.messages[start:])
			return
		}
	}
}

// send invokes the function with one event, and returns the ids of the messages that must
// be retried.
func (m *Mapping) send(ctx context.Context, messages []Message, records [][]byte, until time.Time) map[string]bool {
	all := map[string]bool{}
	for i := range messages {
		all[messages[i].ID] = true
	}
	payload := newEvent(records)
	response, id, err := m.invoke(ctx, payload, until)
	if ctx.Err() != nil && err != nil {
		m.giveBack(messages)
		return all
	}
	if isThrottled(err) {
		m.opts.Log("RequestId: %s: throttled for as long as the visibility timeout of queue %s; its batch of %d messages comes again", id, m.q.name, len(messages))
		m.count(func(s *MappingStats) { s.Failed += len(messages) })
		return all
	}
	var failed map[string]bool
	if err == nil && m.opts.ReportBatchItemFailures {
		if failed, err = failedItems(response, all); err != nil {
			m.opts.Log("RequestId: %s: the response to a batch of queue %s is malformed: %v; all %d messages come again", id, m.q.name, err, len(messages))
		}
		if name := misspelt(response); name != "" {
			m.opts.Log("RequestId: %s: the response to a batch of queue %s must have the field batchItemFailures, got %s; Lambda ignores it, and deletes the messages", id, m.q.name, name)
		}
	}
	m.count(func(s *MappingStats) {
		s.Invocations++
		s.Messages += len(messages)
		if err != nil {
			failed = all
			s.Errors++
		}
		s.Failed += len(failed)
		if err == nil {
			s.Allowed = max(s.Allowed, min(s.Allowed+1, startConcurrency, m.most()))
		}
	})
	if err != nil && !m.opts.ReportBatchItemFailures {
		m.slower()
	}
	return failed
}

// invoke invokes the function, and returns its response and the request id. It retries a
// throttled invocation until the messages become visible.
func (m *Mapping) invoke(ctx context.Context, payload []byte, until time.Time) (response []byte, id string, err error) {
	for pause := firstBackoff; ; pause = min(pause*2, lastBackoff) {
		id = newID()
		response, err = m.opts.Function.Invoke(ctx, id, payload)
		if !isThrottled(err) {
			return response, id, err
		}
		m.count(func(s *MappingStats) { s.Throttles++ })
		m.slower()
		if !m.clock.Now().Add(pause).Before(until) {
			return nil, id, err
		}
		if cause := clock.Sleep(ctx, m.clock, pause); cause != nil {
			return nil, id, cause
		}
		if !m.clock.Now().Before(until) { // the machine was slow or asleep
			return nil, id, err
		}
	}
}

func (m *Mapping) delete(message *Message) {
	if err := m.q.Delete(message.ReceiptHandle); err != nil {
		m.opts.Log("queue %s: message %s of a successful batch is not deleted, and may come again: %v", m.q.name, message.ID, err)
	}
}

// giveBack makes messages visible again. Those that are gone, or visible already,
// are in no need of it.
func (m *Mapping) giveBack(messages []Message) {
	for i := range messages {
		m.q.ReturnNow(messages[i].ReceiptHandle) //nolint:errcheck // see above
	}
}
