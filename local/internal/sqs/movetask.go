package sqs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Statuses of a move task.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html (2026-11)
const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskCancelled = "CANCELLED"
	taskFailed    = "FAILED"
)

// MoveTask is a running or finished task that moves the messages of a dead-letter queue.
type MoveTask struct {
	SourceARN      string
	DestinationARN string // "" if each message returns to its source queue
	Rate           int    // messages per second; 0 means unlimited
	StartedAt      time.Time
	Status         string
	ToMove, Moved  int
	FailureReason  string
	Handle         string // "" unless it is running
}

// moveTask is a task in its service, whose lock guards it.
//
// It differs from AWS: a task without a rate moves everything at once, and a task with a
// rate moves its first message when it starts. It skips messages in flight or delayed.
type moveTask struct {
	MoveTask
	source *Queue
	id     string
}

// taskHandle is a task's handle, which is the base64 of its JSON: LocalStack's captures of
// AWS, 2026-03.
type taskHandle struct {
	ID        string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (t *moveTask) handle() string {
	return base64.StdEncoding.EncodeToString([]byte(marshal(taskHandle{t.id, t.SourceARN})))
}

// StartMove starts to move the messages of a dead-letter queue to destination; "" moves
// each to its source queue. rate bounds the messages moved per second, up to 500; nil
// means no bound. It returns the task's handle.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html (2026-11)
func (s *Service) StartMove(sourceARN, destinationARN string, rate *int) (string, error) {
	now := s.lock()
	defer s.mu.Unlock()
	if sourceARN == "" {
		return "", errMissing("SourceArn")
	}
	source := s.queueByARN(sourceARN)
	if source == nil {
		return "", errResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if len(s.sourcesOf(source)) == 0 {
		return "", errInvalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if destinationARN != "" {
		destination := s.queueByARN(destinationARN)
		if destination == nil {
			return "", errResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
		}
		if destination.fifo != source.fifo {
			return "", errInvalidParameter("The source queue and the destination queue must be of the same type.")
		}
		if destination == source {
			return "", errInvalidParameter("Source queue arn and destination queue arn cannot be the same.")
		}
	}
	if rate != nil && (*rate < 1 || *rate > maxMoveRate) {
		return "", errInvalidValue(*rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	for _, t := range s.tasks {
		if t.source == source && t.Status == taskRunning {
			return "", errInvalidParameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	source.settle(now)
	t := &moveTask{source: source, id: newID(), MoveTask: MoveTask{
		SourceARN: sourceARN, DestinationARN: destinationARN, StartedAt: now, Status: taskRunning, ToMove: source.counters.Visible,
	}}
	if rate != nil {
		t.Rate = *rate
	}
	s.forgetTasks(source)
	s.tasks = append(s.tasks, t)
	s.runTasks(now)
	for _, q := range s.queues {
		q.notify() // waiting receives must include the task's next move
	}
	return t.handle(), nil
}

// forgetTasks drops tasks that ListMessageMoveTasks no longer shows, to make room for a
// new task of source.
func (s *Service) forgetTasks(source *Queue) {
	room := maxListedTasks - 1
	for i := len(s.tasks) - 1; i >= 0; i-- {
		t := s.tasks[i]
		if t.source == source {
			room--
		}
		if t.source.deleted || t.source == source && room < 0 {
			s.tasks = slices.Delete(s.tasks, i, i+1)
		}
	}
}

func (s *Service) queueByARN(arn string) *Queue {
	if q := s.queues[queueOfARN(arn)]; q != nil && q.arn == arn {
		return q
	}
	return nil
}

// runTasks moves all messages that are due by now.
func (s *Service) runTasks(now time.Time) {
	for _, t := range s.tasks {
		if t.Status == taskRunning {
			t.source.settle(now)
			t.run(s, now)
		}
	}
}

func (t *moveTask) run(s *Service, now time.Time) {
	for t.Status == taskRunning && (t.Rate == 0 || !t.nextMove().After(now)) {
		if t.source.deleted {
			t.fail("AWS.SimpleQueueService.NonExistentQueue")
			return
		}
		m := t.source.oldestVisible()
		if m == nil || t.Moved >= t.ToMove {
			t.Status = taskCompleted
			return
		}
		arn := t.DestinationARN
		if arn == "" {
			if arn = m.sourceARN; arn == "" {
				t.fail("CouldNotDetermineMessageSource")
				return
			}
		}
		destination := s.queueByARN(arn)
		if destination == nil || destination.fifo != t.source.fifo {
			t.fail("AWS.SimpleQueueService.NonExistentQueue")
			return
		}
		// A moved message is a new one.
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html (2026-11)
		t.source.remove(m)
		moved := &message{content: m.content}
		moved.id = newID()
		destination.put(moved, now, now, 0)
		t.Moved++
		if t.Moved >= t.ToMove {
			t.Status = taskCompleted
		}
	}
}

func (t *moveTask) fail(reason string) {
	t.Status, t.FailureReason = taskFailed, reason
}

// nextMove returns when the task's next message is due.
func (t *moveTask) nextMove() time.Time {
	return t.StartedAt.Add(time.Duration(t.Moved) * time.Second / time.Duration(t.Rate))
}

// nextTask returns when the next message of any task is due.
func (s *Service) nextTask() (at time.Time, found bool) {
	for _, t := range s.tasks {
		if t.Status == taskRunning && t.Rate > 0 && (!found || t.nextMove().Before(at)) {
			at, found = t.nextMove(), true
		}
	}
	return at, found
}

// oldestVisible returns the message that a receive would return next, or nil.
func (q *Queue) oldestVisible() *message {
	switch {
	case q.fifo && q.open.Len() > 0:
		return q.open.top().first()
	case !q.fifo && q.ready.Len() > 0:
		return q.ready.top()
	}
	return nil
}

// CancelMove ends a running task and returns how many messages it has moved.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html (2026-11)
func (s *Service) CancelMove(handle string) (int, error) {
	s.lock()
	defer s.mu.Unlock()
	if handle == "" {
		return 0, errMissing("TaskHandle")
	}
	data, err := base64.StdEncoding.DecodeString(handle)
	var h taskHandle
	if err != nil || json.Unmarshal(data, &h) != nil {
		return 0, errInvalidParameter("Value for parameter TaskHandle is invalid.")
	}
	if s.queueByARN(h.SourceARN) == nil {
		return 0, errResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	for _, t := range s.tasks {
		if t.id != h.ID {
			continue
		}
		if t.Status != taskRunning {
			return 0, errInvalidParameter("Only active tasks can be cancelled.")
		}
		t.Status = taskCancelled
		return t.Moved, nil
	}
	return 0, errResource("Task does not exist.")
}

// Moves returns up to n tasks of a source queue, the latest first.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html (2026-11)
func (s *Service) Moves(sourceARN string, n int) ([]MoveTask, error) {
	s.lock()
	defer s.mu.Unlock()
	if sourceARN == "" {
		return nil, errMissing("SourceArn")
	}
	source := s.queueByARN(sourceARN)
	if source == nil {
		return nil, errResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if n < 1 || n > maxListedTasks {
		return nil, errInvalidValue(n, "MaxResults", "Must be between 1 and 10, if provided.")
	}
	var list []MoveTask
	for i := len(s.tasks) - 1; i >= 0 && len(list) < n; i-- {
		if t := s.tasks[i]; t.source == source {
			listed := t.MoveTask
			if t.Status == taskRunning {
				listed.Handle = t.handle()
			}
			list = append(list, listed)
		}
	}
	return list, nil
}
