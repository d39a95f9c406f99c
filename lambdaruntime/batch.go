package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/work"
)

// jobKey is the context key of the *Message that a job is about.
type jobKey struct{}

// jobContext is a batch's context together with the message of one of its jobs.
type jobContext struct {
	context.Context
	message *Message
	workContext
}

func (c *jobContext) Value(key any) any {
	switch key {
	case jobKey{}:
		return c.message
	case workKey{}:
		return &c.workContext
	case work.Key{}:
		return c.work
	}
	return c.Context.Value(key)
}

// consumerState is a consumer in a running program.
type consumerState struct {
	Consumer
	what string // names a job of it in errors and logs
	// account and queue are the last two parts of the deployed queue's URL, which
	// its ARN ends in as well; account is "" when only the name is known.
	account, queue string
	// running bounds the jobs that run at once, over all invocations of this
	// process. An abandoned job keeps its slot until it really ends, so that a
	// FIFO queue never has two running.
	running chan struct{}
	// inOrder is running of a queue that turns out to be a FIFO queue although its
	// consumer does not say so.
	inOrder chan struct{}
}

func newConsumerState(c Consumer) *consumerState {
	s := &consumerState{Consumer: c, what: fmt.Sprintf("job of queue %q", c.name), queue: c.name, running: make(chan struct{}, c.slots()), inOrder: make(chan struct{}, 1)}
	if c.fifo {
		s.inOrder = s.running
	}
	if url, _ := wire.FindQueue(os.Getenv(wire.EnvQueues), c.name); url != "" {
		rest, queue, _ := cutLast(url, '/')
		_, account, _ := cutLast(rest, '/')
		s.account, s.queue = account, queue
	}
	return s
}

// record is one message of an SQS event.
type record struct {
	Message
	arn    string
	noBody bool // the body is not a string
}

// serveQueue does the jobs of one batch and reports, in a partial batch
// response, each message that must be delivered again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
func (r *router) serveQueue(ctx context.Context, e *envelope) ([]byte, error) {
	records := e.records
	if err := checkRecords(records); err != nil {
		return nil, fmt.Errorf("lambdaruntime: read SQS event: %w", err)
	}
	c := r.consumerOf(records[0].arn)
	if c == nil {
		if r.app.Fallback != nil {
			return r.custom(ctx, r.app.Fallback, e)
		}
		return nil, fmt.Errorf("lambdaruntime: a message came from the queue %q, but App.Queues has %s; give the two the same name, or add {name}={queue URL} to %s",
			records[0].arn, listNames(r.app.Queues, func(c Consumer) string { return c.name }), wire.EnvQueues)
	}
	for i := range records {
		records[i].Queue = c.name
	}
	grace := graceBefore(ctx)
	var cancel context.CancelFunc
	if limit := limitBefore(ctx, 0, responseMargin+cancelGrace); limit > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &timeoutError{"batch", limit})
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	defer cancel()
	failed := make([]bool, len(records))
	if c.fifo || strings.HasSuffix(records[0].arn, ".fifo") {
		r.runInOrder(ctx, c, grace, records, failed)
	} else {
		r.runTogether(ctx, c, grace, records, failed)
	}
	response := []byte(`{"batchItemFailures":[`)
	n := 0
	for i, f := range failed {
		if !f {
			continue
		}
		if n++; n > 1 {
			response = append(response, ',')
		}
		response = append(response, `{"itemIdentifier":`...)
		response = jsonscan.AppendString(response, records[i].ID)
		response = append(response, '}')
	}
	r.metrics.jobs(c.name, len(records)-n, n)
	return append(response, `]}`...), nil
}

// consumerOf finds the consumer of the queue with the given ARN:
// arn:aws:sqs:{region}:{account}:{queue}.
func (r *router) consumerOf(arn string) *consumerState {
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

// cutLast splits s around the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// runTogether does the jobs of a standard batch concurrently. It returns when every
// job has ended or was abandoned.
func (r *router) runTogether(ctx context.Context, c *consumerState, grace time.Duration, records []record, failed []bool) {
	jobs := make([]standardJob, len(records))
	results := make(chan int, len(records)) // jobs that have ended
	for i := range jobs {
		jobs[i] = standardJob{jobContext: jobContext{Context: ctx, message: &records[i].Message}, rec: &records[i]}
	}
	crew := &crew{workers: &r.workers, most: int32(min(c.slots(), len(jobs))), jobs: int32(len(jobs)), do: func(i int32) {
		defer func() { results <- int(i) }()
		r.runStandardJob(c, &jobs[i])
	}}
	crew.hire()
	settle := func(i int, err error, abandoned bool) {
		jobs[i].settled = true
		jobs[i].endSpan(err)
		failed[i] = !r.settle(&jobs[i].jobContext, c, err, abandoned)
	}
	// No job can have been abandoned before its timeout and the grace are over.
	var expiry <-chan time.Time
	if c.timeout > 0 {
		expiry = time.After(c.timeout + grace)
	}
	end, over := ctx.Done(), (<-chan time.Time)(nil)
	for left := len(jobs); left > 0; {
		select {
		case i := <-results:
			if !jobs[i].settled {
				settle(i, jobs[i].err, false)
				left--
			}
		case now := <-expiry:
			next := c.timeout + grace
			for i := range jobs {
				start := jobs[i].started.Load()
				if jobs[i].settled || start == nil {
					continue
				}
				if rest := c.timeout + grace - now.Sub(*start); rest > 0 {
					next = min(next, rest)
				} else {
					settle(i, &timeoutError{c.what, c.timeout}, true)
					left--
				}
			}
			expiry = time.After(next)
		case <-end:
			end, over = nil, time.After(grace)
		case <-over:
			for i := range jobs {
				if !jobs[i].settled {
					settle(i, context.Cause(ctx), true)
					left--
				}
			}
		}
	}
}

// crew is the goroutines that do the jobs of a standard batch. Each takes job after
// job, and before it starts one has another goroutine stand by for the next: jobs
// that wait for something run side by side, and jobs that do not share a goroutine
// and its stack.
type crew struct {
	workers    *workers
	most, jobs int32
	do         func(job int32)

	next, members atomic.Int32
	standby       atomic.Bool // a goroutine has been started and has no job yet
}

func (c *crew) hire() {
	if c.members.Add(1) > c.most {
		c.members.Add(-1)
	} else if c.standby.CompareAndSwap(false, true) {
		c.workers.run(c.work)
	} else {
		c.members.Add(-1)
	}
}

func (c *crew) work() {
	c.standby.Store(false)
	finished := false
	defer func() {
		c.members.Add(-1)
		if !finished { // a job ended this goroutine (runtime.Goexit)
			c.hire()
		}
	}()
	for job := c.next.Add(1) - 1; job < c.jobs; job = c.next.Add(1) - 1 {
		if job+1 < c.jobs {
			c.hire()
		}
		c.do(job)
	}
	finished = true
}

// standardJob is one job of a standard batch. Its goroutine writes err before it
// reports that it has ended.
type standardJob struct {
	jobContext
	rec     *record
	err     error
	started atomic.Pointer[time.Time]   // nil until it has a slot; set only with a timeout
	settled bool                        // belongs to runTogether
	span    atomic.Pointer[func(error)] // ends the job's span, once
}

func (j *standardJob) endSpan(err error) {
	if end := j.span.Swap(nil); end != nil {
		(*end)(err)
	}
}

func (r *router) runStandardJob(c *consumerState, j *standardJob) {
	if !acquire(&j.jobContext, c.running) {
		j.err = errNotStarted
		return
	}
	returned := false
	defer func() {
		if !returned { // it panicked, or called runtime.Goexit
			j.err = r.panicked(&j.jobContext, c.what, recover(), debug.Stack())
		}
		<-c.running
	}()
	ctx := context.Context(&j.jobContext)
	if r.app.Tracer != nil {
		var end func(error)
		ctx, end = r.startSpan(ctx, c.what)
		j.span.Store(&end)
	}
	if c.timeout > 0 {
		now := time.Now()
		j.started.Store(&now)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, &timeoutError{c.what, c.timeout})
		defer cancel()
	}
	beginWork(ctx)
	j.err = causeOf(ctx, readable(c.do(ctx, j.rec)))
	returned = true
}

// runInOrder does the jobs of a FIFO batch one at a time. What is not started is
// returned to the queue with its order intact.
func (r *router) runInOrder(ctx context.Context, c *consumerState, grace time.Duration, records []record, failed []bool) {
	stopped := false
	failedGroups := map[string]bool{}
	for i := range records {
		group := records[i].GroupID
		if stopped || failedGroups[group] {
			failed[i] = true
			continue
		}
		ok, abandoned := r.runJob(ctx, c, grace, &records[i])
		if ok {
			continue
		}
		failed[i] = true
		failedGroups[group] = true
		// While an abandoned job runs on, nothing may run beside it.
		stopped = abandoned || c.stopBatch || ctx.Err() != nil
	}
}

// runJob does one job of a FIFO batch and reports whether it is done with, and
// whether its code may still be running.
func (r *router) runJob(ctx context.Context, c *consumerState, grace time.Duration, rec *record) (ok, abandoned bool) {
	jc := &jobContext{Context: ctx, message: &rec.Message}
	if !acquire(ctx, c.inOrder) {
		return r.settle(jc, c, errNotStarted, false), false
	}
	err, abandoned := r.call(jc, call{
		what: c.what, limit: c.timeout, grace: grace,
		fn:    func(ctx context.Context) error { return c.do(ctx, rec) },
		ended: func() { <-c.inOrder },
	})
	return r.settle(jc, c, err, abandoned), abandoned
}

// acquire takes a slot for a job, unless ctx ends first.
func acquire(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		if ctx.Err() == nil {
			return true
		}
		<-slots
	case <-ctx.Done():
	}
	return false
}

// do does the work of one job.
func (c *consumerState) do(ctx context.Context, rec *record) error {
	if rec.noBody {
		return errors.New("decode the message: its body is not a string")
	}
	return c.work(ctx, &rec.Message)
}

// errNotStarted is the outcome of a job for which no time was left.
var errNotStarted = errors.New("not started: no time is left in this invocation")

// settle logs a job's outcome and reports whether its message is done with.
func (r *router) settle(ctx *jobContext, c *consumerState, err error, abandoned bool) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, errNotStarted):
		r.log.WarnContext(ctx, c.what+" not started", "receiveCount", ctx.message.ReceiveCount)
		return false
	case isDrop(err):
		r.log.ErrorContext(ctx, c.what+" dropped", "error", err.Error(), "receiveCount", ctx.message.ReceiveCount)
		return true
	case errors.Is(err, ErrTimeout):
		r.metrics.timeout(KindSQS)
	}
	r.log.ErrorContext(ctx, c.what+" failed", "error", err.Error(), "receiveCount", ctx.message.ReceiveCount, "abandoned", abandoned)
	return false
}

// readRecords notes where the parts of each record lie. Whether they are messages of
// SQS shows when the first record's event source is known.
func (e *envelope) readRecords(d *jsonscan.Decoder) {
	if d.Peek() != '[' {
		d.Skip()
		return
	}
	for list := d.Array(); list && d.Elem(); {
		if e.records == nil {
			e.records = make([]record, 0, 10)
		}
		e.records = append(e.records, record{})
		rec := &e.records[len(e.records)-1]
		if d.Peek() != '{' {
			d.Skip()
			continue
		}
		source := rec.read(d)
		if len(e.records) == 1 {
			e.eventSource = source
		}
	}
}

// checkRecords refuses a batch with a record that could not be reported by itself.
func checkRecords(records []record) error {
	for i := range records {
		switch {
		case records[i].ID == "":
			return fmt.Errorf("record %d has no messageId", i)
		case records[i].arn != records[0].arn:
			return fmt.Errorf("one event holds messages of two queues, %q and %q", records[0].arn, records[i].arn)
		}
	}
	return nil
}

func (rec *record) read(d *jsonscan.Decoder) (eventSource string) {
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		switch key {
		case "messageId":
			rec.ID = d.Text()
		case "body":
			rec.noBody = d.Peek() != '"'
			rec.Body = d.Text()
		case "eventSource", "EventSource": // SNS writes it with a capital
			eventSource = d.Text()
		case "eventSourceARN":
			rec.arn = d.Text()
		case "messageAttributes":
			rec.rawAttributes = d.Raw()
		case "attributes":
			if d.Peek() != '{' {
				d.Skip()
				continue
			}
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				rec.attribute(key, d.Text())
			}
		default:
			d.Skip()
		}
	}
	return eventSource
}

func (rec *record) attribute(key, value string) {
	switch key {
	case "ApproximateReceiveCount":
		rec.ReceiveCount, _ = strconv.Atoi(value)
	case "SentTimestamp":
		if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
			rec.SentAt = time.UnixMilli(ms)
		}
	case "MessageGroupId":
		rec.GroupID = value
	case "MessageDeduplicationId":
		rec.DeduplicationID = value
	case "AWSTraceHeader":
		rec.TraceHeader = value
	}
}
