package sqs

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Defaults of [Options].
const (
	DefaultRegion  = "us-east-1"
	DefaultAccount = "000000000000"
)

// Options configures a service. The zero value is usable.
type Options struct {
	// Clock is the queues' time. Nil means the machine's clock.
	Clock clock.Clock
	// Region is the region in ARNs. "" means us-east-1.
	Region string
	// Log gets a line for each message that moves to a dead-letter queue. Nil discards
	// them.
	Log func(format string, args ...any)
	// Account is the account in ARNs and URLs. "" means 000000000000.
	Account string
	// Observer gets events of messages. Nil means no observer.
	Observer Observer
}

// Observer gets events of messages while a lock is held: its methods must return quickly
// and call nothing of this package.
type Observer interface {
	// Sent reports a message that a queue has accepted.
	Sent(m SentMessage)
	// Buried reports a message that moved to a dead-letter queue.
	Buried(messageID, from, to string)
}

// SentMessage is a message that a queue has accepted.
type SentMessage struct {
	ID, Queue, GroupID string
	SenderID           string
	TraceHeader        string
}

// Service holds the queues of one account in one region. Its methods return the errors of
// the API, as [*Error]. It is safe for concurrent use.
type Service struct {
	clock   clock.Clock
	region  string
	account string
	key     []byte // signs receipt handles

	mu       sync.Mutex
	endpoint string
	queues   map[string]*Queue
	deleted  map[string]time.Time // the deletion times of queues, by name
	tasks    []*moveTask
	seq      uint64
	buried   []burial
	log      func(format string, args ...any)
	observer Observer
	limit    int // of messages in flight for each queue; smaller in tests
	stopped  chan struct{}
}

// New returns a service without queues.
func New(opts Options) *Service {
	s := &Service{
		clock: opts.Clock, region: opts.Region, account: opts.Account, key: make([]byte, 32),
		endpoint: "http://127.0.0.1", queues: map[string]*Queue{}, deleted: map[string]time.Time{},
		observer: opts.Observer, limit: maxInFlight, stopped: make(chan struct{}),
	}
	rand.Read(s.key) //nolint:errcheck // it never fails
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	if s.log = opts.Log; s.log == nil {
		s.log = func(string, ...any) {}
	}
	if s.region == "" {
		s.region = DefaultRegion
	}
	if s.account == "" {
		s.account = DefaultAccount
	}
	return s
}

// Clock returns the service's clock.
func (s *Service) Clock() clock.Clock { return s.clock }

// SetEndpoint sets the beginning of queue URLs, such as http://127.0.0.1:9324.
func (s *Service) SetEndpoint(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint = url
}

// Stop ends every waiting receive, and later receives return at once; all return no
// messages. It may be called more than once.
func (s *Service) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopped:
	default:
		close(s.stopped)
	}
}

// ARN returns the ARN of the queue with the given name.
func (s *Service) ARN(name string) string {
	return "arn:aws:sqs:" + s.region + ":" + s.account + ":" + name
}

// lock acquires the service's lock and brings move tasks up to date. The whole operation
// uses the time that it returns.
func (s *Service) lock() time.Time {
	s.mu.Lock()
	now := s.clock.Now()
	s.runTasks(now)
	return now
}

// Queue returns the queue with the given name, or nil.
func (s *Service) Queue(name string) *Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[name]
}

// Queues returns all queues by name.
func (s *Service) Queues() []*Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted(func(*Queue) bool { return true })
}

func (s *Service) sorted(want func(*Queue) bool) []*Queue {
	var list []*Queue
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if q := s.queues[name]; want(q) {
			list = append(list, q)
		}
	}
	return list
}

// CreateQueue creates a queue. If it exists with the same values of the given attributes,
// it returns the existing queue.
func (s *Service) CreateQueue(name string, attributes, tags map[string]string) (*Queue, error) {
	now := s.lock()
	defer s.mu.Unlock()
	fifo := isTrue(attributes[attrFIFO])
	switch {
	case name == "":
		return nil, errMissing("QueueName")
	case fifo && !fifoName.MatchString(name):
		return nil, errInvalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && !queueName.MatchString(name):
		return nil, errInvalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	}
	if err := validateTags(tags); err != nil {
		return nil, err
	}
	config, err := defaultSettings(fifo).with(attributes)
	if err != nil {
		return nil, err
	}
	if q := s.queues[name]; q != nil {
		for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
			if q.attributes[attribute] != config.attributes[attribute] {
				return nil, errQueueExists(attribute)
			}
		}
		return q, nil
	}
	if at, ok := s.deleted[name]; ok && now.Sub(at) < recreateInterval {
		return nil, errDeletedRecently()
	}
	if err := s.validateRedrive(name, config); err != nil {
		return nil, err
	}
	return s.add(name, config, tags, now), nil
}

func (s *Service) add(name string, config *settings, tags map[string]string, now time.Time) *Queue {
	delete(s.deleted, name)
	q := newQueue(s, name, config, now)
	maps.Copy(q.tags, tags)
	s.queues[name] = q
	return q
}

// Define creates the queues of a template, dead-letter queues first. An existing queue
// keeps its messages and gets the definition's attributes and tags. The definitions as a
// whole must be valid; otherwise Define changes nothing.
func (s *Service) Define(definitions []Definition) error {
	now := s.lock()
	defer s.mu.Unlock()
	configs := map[string]*settings{}
	for _, d := range definitions {
		attributes := maps.Clone(d.Attributes)
		fifo := strings.HasSuffix(d.Name, ".fifo")
		if attributes[attrFIFO] == "false" {
			delete(attributes, attrFIFO)
		}
		if !fifo && !queueName.MatchString(d.Name) || fifo && !fifoName.MatchString(d.Name) {
			return fmt.Errorf("queue %q: name must be 1 to 80 letters, digits, \"-\" or \"_\", with \".fifo\" at the end for a FIFO queue", d.Name)
		}
		if isTrue(attributes[attrFIFO]) && !fifo {
			return fmt.Errorf("queue %q: the name of a FIFO queue must end in \".fifo\"", d.Name)
		}
		config, err := defaultSettings(fifo).with(attributes)
		if err == nil {
			err = validateTags(d.Tags)
		}
		if err != nil {
			return fmt.Errorf("queue %q: %w", d.Name, err)
		}
		configs[d.Name] = config
	}
	for name, config := range configs {
		if config.redrive == nil {
			continue
		}
		target := configs[queueOfARN(config.redrive.TargetARN)]
		if existing := s.queues[queueOfARN(config.redrive.TargetARN)]; target == nil && existing != nil {
			target = existing.settings
		}
		if err := s.validateTarget(name, config, target); err != nil {
			return fmt.Errorf("queue %q: %w", name, err)
		}
	}
	for _, d := range definitions {
		q := s.queues[d.Name]
		if q == nil {
			s.add(d.Name, configs[d.Name], d.Tags, now)
			continue
		}
		q.tags = maps.Clone(d.Tags)
		if q.tags == nil {
			q.tags = map[string]string{}
		}
		q.configure(configs[d.Name], now)
	}
	return nil
}

// validateRedrive checks a queue's redrive policy against the existing queues.
func (s *Service) validateRedrive(name string, config *settings) error {
	if config.redrive == nil {
		return nil
	}
	var target *settings
	if q := s.queues[queueOfARN(config.redrive.TargetARN)]; q != nil {
		target = q.settings
	}
	return s.validateTarget(name, config, target)
}

func (s *Service) validateTarget(name string, config, target *settings) error {
	arn := config.redrive.TargetARN
	invalid := func(reason string) error {
		return errInvalidValue(config.attributes[attrRedrive], attrRedrive, reason)
	}
	switch {
	case target == nil || arn != s.ARN(queueOfARN(arn)):
		return invalid("Dead letter target does not exist.")
	case target.fifo != config.fifo:
		return invalid("Dead-letter queue must be same type of queue as the source.")
	case !target.allow.allows(s.ARN(name)):
		return invalid("Queue " + arn + " is not allowed as a dead-letter queue by its RedriveAllowPolicy.")
	}
	return nil
}

func queueOfARN(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// DeleteQueue deletes a queue and its messages.
func (s *Service) DeleteQueue(q *Queue) error {
	now := s.lock()
	defer s.mu.Unlock()
	if q.deleted {
		return errNoQueue()
	}
	q.clear()
	q.deleted = true
	delete(s.queues, q.name)
	s.deleted[q.name] = now
	for name, at := range s.deleted {
		if now.Sub(at) >= recreateInterval {
			delete(s.deleted, name)
		}
	}
	q.notify()
	return nil
}

// DeadLetterSources returns the queues whose dead-letter queue is q.
func (s *Service) DeadLetterSources(q *Queue) []*Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sourcesOf(q)
}

func (s *Service) sourcesOf(q *Queue) []*Queue {
	return s.sorted(func(source *Queue) bool { return source.redrive != nil && source.redrive.TargetARN == q.arn })
}

// QueueAt returns the queue of a queue URL by the URL's last two parts, {account}/{name}.
// It ignores the URL's host, because one machine has many names. The name of an existing
// queue is accepted too: LocalStack's captures of AWS, 2026-03.
func (s *Service) QueueAt(url string) (*Queue, error) {
	if url == "" {
		return nil, errMissing("QueueUrl")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[url]; q != nil {
		return q, nil
	}
	parts := strings.Split(url, "/")
	if len(parts) < 4 || !strings.Contains(url, "://") {
		return nil, errAddress(url)
	}
	q := s.queues[parts[len(parts)-1]]
	if q == nil || parts[len(parts)-2] != s.account {
		return nil, errNoQueue()
	}
	return q, nil
}

// Reset deletes all messages, deduplication ids and move tasks, and the times of purges
// and deletions. The queues stay.
func (s *Service) Reset() {
	s.lock()
	defer s.mu.Unlock()
	s.tasks = nil
	clear(s.deleted)
	for _, q := range s.queues {
		q.clear()
		q.dedup = newDedupWindow()
		q.purgedAt = time.Time{}
		q.counters = Counters{}
		q.notify()
	}
}
