package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// jobKey is the context key of the *Message that a job is about.
type jobKey struct{}

// consumerState is a consumer in a running program.
type consumerState struct {
	Consumer
	// account and queue are the last two parts of the deployed queue's URL, which
	// its ARN ends in as well; account is "" when only the name is known.
	account, queue string
	// running bounds the jobs that run at once, over all invocations of this
	// process. An abandoned job keeps its slot until it really ends, so that a
	// FIFO queue never has two running.
	running chan struct{}
}

func newConsumerState(c Consumer) *consumerState {
	s := &consumerState{Consumer: c, queue: c.name, running: make(chan struct{}, c.slots())}
	if url := os.Getenv(wire.QueueURLEnv(c.name)); url != "" {
		rest, queue, _ := cutLast(url, '/')
		_, account, _ := cutLast(rest, '/')
		s.account, s.queue = account, queue
	}
	return s
}

// record is one message of an SQS event.
type record struct {
	Message
	arn      string
	noString bool // its body is not a JSON string
}

// serveQueue does the jobs of one batch and reports, in a partial batch
// response, each message that must be delivered again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
func (r *router) serveQueue(ctx context.Context, e *envelope) ([]byte, error) {
	records, err := readRecords(e.rawRecords)
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: read SQS event: %w", err)
	}
	c := r.consumerOf(records[0].arn)
	if c == nil {
		if r.app.Fallback != nil {
			return r.custom(ctx, r.app.Fallback, e)
		}
		return nil, fmt.Errorf("lambdaruntime: a message came from the queue %q, but App.Queues has %s; give the two the same name or set %s<NAME> to the queue's URL",
			records[0].arn, listNames(r.app.Queues, func(c Consumer) string { return c.name }), wire.EnvQueueURLPrefix)
	}
	for _, rec := range records {
		if rec.arn != records[0].arn {
			return nil, fmt.Errorf("lambdaruntime: one SQS event holds messages of two queues, %q and %q", records[0].arn, rec.arn)
		}
	}
	limit := limitBefore(ctx, 0, responseMargin+cancelGrace)
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &timeoutError{"batch", limit})
		defer cancel()
	}
	failed := make([]bool, len(records))
	if c.fifo || strings.HasSuffix(records[0].arn, ".fifo") {
		r.runInOrder(ctx, c, records, failed)
	} else {
		r.runTogether(ctx, c, records, failed)
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
	if n > 0 {
		r.metrics.jobsFailed(c.name, n)
	}
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

// runTogether does the jobs of a standard batch concurrently.
func (r *router) runTogether(ctx context.Context, c *consumerState, records []record, failed []bool) {
	var wg sync.WaitGroup
	for i := range records {
		wg.Go(func() {
			ok, _ := r.runJob(ctx, c, &records[i])
			failed[i] = !ok
		})
	}
	wg.Wait()
}

// runInOrder does the jobs of a FIFO batch one at a time. What is not started is
// returned to the queue with its order intact.
func (r *router) runInOrder(ctx context.Context, c *consumerState, records []record, failed []bool) {
	stopped := false
	failedGroups := map[string]bool{}
	for i := range records {
		group := records[i].GroupID
		if stopped || failedGroups[group] {
			failed[i] = true
			continue
		}
		ok, abandoned := r.runJob(ctx, c, &records[i])
		if ok {
			continue
		}
		failed[i] = true
		failedGroups[group] = true
		// While an abandoned job runs on, nothing may run beside it.
		stopped = abandoned || c.stopBatch || ctx.Err() != nil
	}
}

// runJob does one job and reports whether it is done with, and whether its code
// may still be running.
func (r *router) runJob(ctx context.Context, c *consumerState, rec *record) (ok, abandoned bool) {
	m := &rec.Message
	m.Queue = c.name
	ctx = context.WithValue(ctx, jobKey{}, m)
	what := fmt.Sprintf("job of queue %q", c.name)
	started := false
	select {
	case c.running <- struct{}{}:
		if started = ctx.Err() == nil; !started {
			<-c.running
		}
	case <-ctx.Done():
	}
	if !started {
		r.log.WarnContext(ctx, what+" not started", "error", context.Cause(ctx).Error(), "receiveCount", m.ReceiveCount)
		return false, false
	}
	err, abandoned := r.call(ctx, call{
		what: what, limit: c.timeout, grace: cancelGrace,
		fn: func(ctx context.Context) error {
			if rec.noString {
				return errors.New("decode the message: its body is not a string")
			}
			return c.work(ctx, m)
		},
		ended: func() { <-c.running },
	})
	if err == nil {
		return true, false
	}
	if isDrop(err) {
		r.log.ErrorContext(ctx, what+" dropped", "error", err.Error(), "receiveCount", m.ReceiveCount)
		return true, false
	}
	if errors.Is(err, ErrTimeout) {
		r.metrics.timeout(KindSQS)
	}
	r.log.ErrorContext(ctx, what+" failed", "error", err.Error(), "receiveCount", m.ReceiveCount, "abandoned", abandoned)
	return false, abandoned
}

// readRecords reads the records of an SQS event. A record without a message id
// fails the whole event: it could not be reported by itself.
func readRecords(raw string) ([]record, error) {
	var records []record
	d := jsonscan.NewDecoder(raw)
	for more := d.Array(); more && d.Elem(); {
		var rec record
		rec.read(&d)
		if d.Err() != nil {
			break
		}
		if rec.ID == "" {
			return nil, fmt.Errorf("record %d has no messageId", len(records))
		}
		records = append(records, rec)
	}
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("record %d: %w", len(records), err)
	}
	return records, nil
}

func (rec *record) read(d *jsonscan.Decoder) {
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		switch key {
		case "messageId":
			rec.ID = d.String()
		case "body":
			if rec.noString = d.Peek() != '"'; rec.noString {
				d.Skip() // fails this job alone
				continue
			}
			rec.Body = d.String()
		case "eventSourceARN":
			rec.arn = d.String()
		case "messageAttributes":
			rec.rawAttributes = d.Raw()
		case "attributes":
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				rec.attribute(key, stringOf(d.Raw()))
			}
		default:
			d.Skip()
		}
	}
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
