package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// consumer is a Consumer with its queue's data from the environment, and its pools.
type consumer struct {
	Consumer
	what string // names one of its jobs in errors and logs
	// url is the deployed queue's URL, "" when only the name is known. account and queue
	// are its last two parts, and also those of the queue's ARN.
	url, account, queue string
	// partial says that the event source mapping takes partial batch responses.
	partial bool
	pool    run.Pool // of a standard queue's jobs
	ordered run.Pool // of a FIFO queue's jobs, even if Queue.FIFO is not set
	groups  groups
}

func newConsumer(c Consumer, url string, partial bool) *consumer {
	s := &consumer{Consumer: c, what: fmt.Sprintf("job of queue %q", c.name), url: url, queue: c.name, partial: partial}
	s.ordered.Name = fmt.Sprintf("jobs of queue %q", c.name)
	s.pool = run.Pool{Name: s.ordered.Name, Spare: c.slots() - 1}
	if url != "" {
		rest, queue, _ := cutLast(url, '/')
		_, account, _ := cutLast(rest, '/')
		s.account, s.queue = account, queue
	}
	return s
}

// cutLast splits s around the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// urlOf is the URL of the queue with the given ARN.
func (c *consumer) urlOf(arn string) string {
	if c.url != "" {
		return c.url
	}
	parts := strings.Split(arn, ":") // arn:aws:sqs:{region}:{account}:{queue}
	if len(parts) != 6 {
		return ""
	}
	domain := "amazonaws.com"
	if parts[1] == "aws-cn" {
		domain += ".cn"
	}
	return "https://sqs." + parts[3] + "." + domain + "/" + parts[4] + "/" + parts[5]
}

// consumerOf finds the consumer of the queue with the given ARN:
// arn:aws:sqs:{region}:{account}:{queue}.
func (r *router) consumerOf(arn string) *consumer {
	rest, queue, _ := cutLast(arn, ':')
	_, account, _ := cutLast(rest, ':')
	for _, c := range r.queues {
		if c.account != "" && c.account == account && c.queue == queue {
			return c
		}
	}
	for _, c := range r.queues {
		if c.account == "" && c.queue == strings.TrimSuffix(queue, ".fifo") {
			return c
		}
	}
	return nil
}

// batch holds the jobs of one event.
type batch struct {
	r       *router
	c       *consumer
	ctx     context.Context // of the event
	records []event.Record
	jobs    []jobContext
	pool    *run.Pool
	start   time.Time
	end     time.Time // no job starts or runs after it; zero for no limit
	grace   time.Duration

	mu      sync.Mutex
	failed  []bool
	first   error // of the first job that failed
	settled int
}

// jobContext is a batch's context together with the message of one of its jobs.
type jobContext struct {
	context.Context
	message Message
}

func (c *jobContext) Value(key any) any {
	if key == (messageKey{}) {
		return &c.message
	}
	return c.Context.Value(key)
}

// serveQueue does the jobs of one batch and reports each message that must be
// delivered again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
func (r *router) serveQueue(ctx context.Context, e *event.Envelope, late func(answer)) (answer, bool) {
	records := e.Records
	if err := e.CheckRecords(); err != nil {
		return r.failed(ctx, fmt.Errorf("lambdaruntime: read SQS event: %w", err)), true
	}
	c := r.consumerOf(records[0].ARN)
	if c == nil {
		if r.app.Fallback != nil {
			return r.custom(ctx, r.app.Fallback, e, late)
		}
		return r.failed(ctx, fmt.Errorf("lambdaruntime: a message came from the queue %q, but App.Queues has %s; give the two the same name, or add {name}={queue URL} to %s",
			records[0].ARN, listNames(r.app.Queues, func(c Consumer) string { return c.name }), wire.EnvQueues)), true
	}
	if slices.ContainsFunc(records, func(rec event.Record) bool { return rec.JSONBody }) {
		r.warnOdd(ctx, []string{"a message's body is JSON and not a string"})
	}
	b := &batch{r: r, c: c, ctx: ctx, records: records, jobs: make([]jobContext, len(records)), failed: make([]bool, len(records)), start: time.Now(), grace: graceBefore(ctx, cancelGrace)}
	for i := range records {
		b.jobs[i] = jobContext{ctx, newMessage(c.name, &records[i])}
	}
	if limit := limitBefore(ctx, 0, responseMargin+cancelGrace); limit > 0 {
		b.end = time.Now().Add(limit)
	}
	if c.fifo || strings.HasSuffix(records[0].ARN, ".fifo") {
		b.pool = &c.ordered
		if !b.runInOrder(0, map[string]bool{}, late) {
			return answer{}, false
		}
	} else {
		b.pool = &c.pool
		b.runTogether()
	}
	return b.answer(), true
}

// errNotStarted is the outcome of a job for which no time was left.
var errNotStarted = errors.New("not started: no time is left in this invocation")

// op returns the operation for the next job, or errNotStarted when no time is left.
func (b *batch) op() (run.Op, error) {
	limit := b.c.timeout
	if !b.end.IsZero() {
		left := time.Until(b.end)
		if left <= 0 {
			return run.Op{}, errNotStarted
		}
		if limit == 0 || left < limit {
			limit = left
		}
	}
	if b.ctx.Err() != nil {
		return run.Op{}, errNotStarted
	}
	return run.Op{Name: b.c.what, Limit: limit, Grace: b.grace, Pool: b.pool}, nil
}

// do runs job i inside its middleware, and then sets the delay that either asks for.
func (b *batch) do(ctx context.Context, i int) error {
	var err error
	if len(b.r.app.Middleware) == 0 {
		err = b.job(ctx, i)
	} else {
		err = b.r.wrap(b.c.what, func(ctx context.Context) error { return b.job(ctx, i) })(ctx)
	}
	b.delayRetry(ctx, i, err)
	return err
}

func (b *batch) job(ctx context.Context, i int) error {
	if b.records[i].NoBody {
		return errors.New("decode the message: its body is not a string")
	}
	return b.c.job(ctx, &b.jobs[i].message)
}

// settle logs how a job ended. done means that SQS may delete its message, last that no
// other job of the batch is left.
func (b *batch) settle(i int, out run.Outcome) (done, last bool) {
	err := out.Failure()
	if out.Err != nil && IsDrop(out.Err) { // a Drop counts even after the job's time is over
		err = out.Err
	}
	done = b.log(i, err, out.Abandoned)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled++
	if !done {
		b.failed[i] = true
		if b.first == nil {
			b.first = err
		}
	}
	return done, b.settled == len(b.jobs)
}

func (b *batch) log(i int, err error, abandoned bool) (done bool) {
	ctx, r, c := &b.jobs[i], b.r, b.c
	switch {
	case err == nil:
		return true
	case errors.Is(err, errNotStarted):
		r.log.WarnContext(ctx, c.what+" not started", "receiveCount", ctx.message.ReceiveCount)
		return false
	case IsDrop(err):
		r.log.ErrorContext(ctx, c.what+" dropped", "error", err.Error(), "receiveCount", ctx.message.ReceiveCount)
		return true
	case errors.Is(err, ErrTimeout):
		r.metrics.timeout(KindSQS)
	}
	r.log.ErrorContext(ctx, c.what+" failed", "error", err.Error(), "receiveCount", ctx.message.ReceiveCount, "abandoned", abandoned)
	return false
}

// runTogether runs the jobs of a standard batch concurrently. It returns when every job
// has ended or was abandoned.
func (b *batch) runTogether() {
	s := &slots{b: b, done: make(chan struct{})}
	// An abandoned job keeps its place in later batches until it returns.
	s.places = max(b.c.slots()-b.r.health.Abandoned(b.pool), 1)
	s.mu.Lock()
	s.hire()
	s.mu.Unlock()
	<-s.done
}

// slots are the goroutines that run the jobs of a standard batch. Each runs job after
// job. Before it starts one, it has another goroutine stand by for the next job: so jobs
// that wait run side by side, and jobs that do not wait share a goroutine.
type slots struct {
	b    *batch
	done chan struct{}

	mu      sync.Mutex
	next    int  // job
	places  int  // how many jobs may run at once
	open    int  // goroutines that run a job or are about to
	standby bool // one of them has not started
}

// hire starts a goroutine if a place is free, a job is left, and none is about to start.
func (s *slots) hire() {
	if !s.standby && s.open < s.places && s.next < len(s.b.jobs) {
		s.standby = true
		s.open++
		go s.work(true)
	}
}

// nextJob returns the next job's index, or false when there is none.
func (s *slots) nextJob(fresh bool) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standby = s.standby && !fresh
	if s.next == len(s.b.jobs) {
		s.open--
		return 0, false
	}
	s.next++
	s.hire()
	return s.next - 1, true
}

func (s *slots) work(fresh bool) {
	for i, ok := s.nextJob(fresh); ok; i, ok = s.nextJob(false) {
		op, err := s.b.op()
		if err != nil {
			s.settle(i, run.Outcome{Err: err})
			continue
		}
		out, ok := s.b.r.runner.Run(&s.b.jobs[i], op, func(ctx context.Context) error { return s.b.do(ctx, i) }, func(out run.Outcome) { s.late(i, out) })
		if !ok {
			return
		}
		s.settle(i, out)
	}
}

// late goes on in place of a goroutine that a job has blocked or ended.
func (s *slots) late(i int, out run.Outcome) {
	s.settle(i, out)
	s.work(false)
}

func (s *slots) settle(i int, out run.Outcome) {
	if _, last := s.b.settle(i, out); last {
		close(s.done)
	}
}

// runInOrder runs the jobs of a FIFO batch from i on, one at a time. Jobs that it does
// not start go back to the queue in order. It returns false when a job was abandoned:
// late then gets the answer, after the other groups' jobs.
func (b *batch) runInOrder(i int, failedGroups map[string]bool, late func(answer)) bool {
	for ; i < len(b.jobs); i++ {
		group := b.records[i].GroupID
		if failedGroups[group] {
			b.putBack(i)
			continue
		}
		out, ok := b.runOne(i, group, func(out run.Outcome) {
			// Other groups need not wait for an abandoned job; the process ends after them.
			if b.fail(i, out, failedGroups) {
				b.putBackFrom(i + 1)
			} else if !b.runInOrder(i+1, failedGroups, late) {
				return
			}
			late(b.answer())
		})
		if !ok {
			return false
		}
		if b.fail(i, out, failedGroups) {
			b.putBackFrom(i + 1)
			return true
		}
	}
	return true
}

// fail settles a job of a FIFO batch. stop means that no further job of the batch may
// start.
func (b *batch) fail(i int, out run.Outcome, failedGroups map[string]bool) (stop bool) {
	if done, _ := b.settle(i, out); done {
		return false
	}
	failedGroups[b.records[i].GroupID] = true
	return b.c.stopBatch || b.ctx.Err() != nil
}

// runOne runs one job of a FIFO batch once no other invocation runs one of its group.
func (b *batch) runOne(i int, group string, late func(run.Outcome)) (run.Outcome, bool) {
	if !b.c.groups.lock(b.ctx, group, b.end) {
		return run.Outcome{Err: errNotStarted}, true
	}
	op, err := b.op()
	if err != nil {
		b.c.groups.unlock(group)
		return run.Outcome{Err: err}, true
	}
	return b.r.runner.Run(&b.jobs[i], op, func(ctx context.Context) error {
		defer b.c.groups.unlock(group)
		return b.do(ctx, i)
	}, late)
}

// putBack returns the message of a job that was not started to its queue.
func (b *batch) putBack(i int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[i] = true
	b.settled++
}

func (b *batch) putBackFrom(i int) {
	for ; i < len(b.jobs); i++ {
		b.putBack(i)
	}
}

// answer makes the answer to the whole batch.
func (b *batch) answer() answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	response := []byte(`{"batchItemFailures":[`)
	n := 0
	for i, f := range b.failed {
		if !f {
			continue
		}
		if n++; n > 1 {
			response = append(response, ',')
		}
		response = append(response, `{"itemIdentifier":`...)
		response = jsonscan.AppendString(response, b.records[i].ID)
		response = append(response, '}')
	}
	b.r.metrics.jobs(b.c.name, len(b.failed)-n, n)
	if n > 0 && !b.c.partial {
		err := fmt.Errorf("lambdaruntime: %d of %d jobs of queue %q failed, and all %d messages come again: %w", n, len(b.failed), b.c.name, len(b.failed), b.first)
		b.r.log.ErrorContext(b.ctx, "batch failed as a whole: the program does not know that its event source mapping takes partial batch responses",
			"queue", b.c.name, "failed", n, "messages", len(b.failed),
			"remedy", fmt.Sprintf("set FunctionResponseTypes to ReportBatchItemFailures on the mapping and name the queue in %s, as the constructs do", wire.EnvPartialResponses))
		return answer{err: err}
	}
	return answer{body: append(response, `]}`...)}
}

// groups are the message groups with a running job in this process. SQS does not deliver
// two batches of one group at the same time, unless the visibility timeout of the first
// is over.
type groups struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the group is free
}

// lock waits until no job of the group runs. It returns false when there is no time left
// to wait.
func (g *groups) lock(ctx context.Context, group string, end time.Time) bool {
	var timeout <-chan time.Time
	for {
		g.mu.Lock()
		free := g.busy[group]
		if free == nil {
			if g.busy == nil {
				g.busy = map[string]chan struct{}{}
			}
			g.busy[group] = make(chan struct{})
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		if timeout == nil && !end.IsZero() {
			timeout = time.After(time.Until(end))
		}
		select {
		case <-free:
		case <-ctx.Done():
			return false
		case <-timeout:
			return false
		}
	}
}

func (g *groups) unlock(group string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.busy[group])
	delete(g.busy, group)
}
