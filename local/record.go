package local

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// recorder tells the history what functions and queues do.
type recorder struct{ h *history.History }

// Instance implements lambda.Observer.
func (r recorder) Instance(e lambda.InstanceEvent) {
	switch e.Step {
	case lambda.Starting:
		r.h.InstanceStarts(e.ID, e.Function, e.Version, e.Provisioned)
	case lambda.Ready:
		r.h.InstanceIsReady(e.ID, e.PID)
	case lambda.Frozen, lambda.Thawed:
		r.h.InstanceFreezes(e.ID, e.Step == lambda.Frozen)
	case lambda.Ended:
		r.h.InstanceEnds(e.ID, e.Why, markOf(e.Why))
	}
}

// markOf is the mark that the end of an instance leaves in its lane. A time-out and a
// crash are those of an invocation, which leaves them.
func markOf(why string) string {
	switch why {
	case lambda.EndKilled, lambda.EndFault:
		return history.MarkKilled
	case lambda.EndHealed:
		return history.MarkHealed
	}
	return ""
}

// Arrived implements lambda.Observer.
func (r recorder) Arrived(function string, event *lambda.Invocation) lambda.Watch {
	a := history.Arrival{ID: event.RequestID, Function: function, Source: event.Source, Trace: event.Trace, Event: event.Payload}
	if !event.Queued.IsZero() {
		a.Waited = max(time.Since(event.Queued), 0)
	}
	if a.Source == "" {
		a.Source = history.SourceInvoke
	}
	return watch{r.h.Arrive(a)}
}

// Output implements lambda.Observer.
func (r recorder) Output(instance int, function string, line []byte) {
	r.h.Log(instance, function, line)
}

// Sent implements sqs.Observer.
func (r recorder) Sent(m sqs.SentMessage) {
	r.h.Send(history.Sent{ID: m.ID, Queue: m.Queue, Group: m.GroupID, Instance: lambda.InstanceOf(m.SenderID), Trace: m.TraceHeader})
}

// Buried implements sqs.Observer.
func (r recorder) Buried(id, _, to string) { r.h.Bury(id, to) }

// watch tells the history of one invocation.
type watch struct{ i *history.Invocation }

// Acquired implements lambda.Watch.
func (w watch) Acquired(instance int, use lambda.Use) { w.i.Acquire(instance, history.OnInstance(use)) }

// Running implements lambda.Watch.
func (w watch) Running() { w.i.Run() }

// Lost implements lambda.Watch.
func (w watch) Lost() { w.i.Lose() }

// Ended implements lambda.Watch.
func (w watch) Ended(response []byte, err error) {
	var failure *lambda.FunctionError
	var throttle *lambda.ThrottleError
	switch {
	case err == nil:
		w.i.End(response, history.StatusOK, "")
	case errors.As(err, &throttle):
		w.i.End(nil, history.StatusThrottled, throttle.Reason)
	case errors.As(err, &failure):
		status := history.StatusError
		switch failure.Type {
		case "Sandbox.Timedout":
			status = history.StatusTimeout
		case "Runtime.ExitError":
			status = history.StatusCrash
		}
		w.i.End(failure.Payload, status, failure.Type+": "+failure.Message)
	default:
		w.i.End(nil, history.StatusError, err.Error())
	}
}

// noted makes a log that the history has too.
func (e *Engine) noted(log func(line string)) func(line string) {
	return func(line string) {
		e.history.Note(line)
		if log != nil {
			log(line)
		}
	}
}

// sentAt finds when the first message of a batch was sent, on the engine's clock.
func sentAt(payload []byte) time.Time {
	_, rest, ok := bytes.Cut(payload, []byte(`"SentTimestamp":"`))
	digits, _, ok2 := bytes.Cut(rest, []byte{'"'})
	ms, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || !ok2 || err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// wallTime is when a time on the engine's clock was, or would have been, on the
// machine's.
func (e *Engine) wallTime(t time.Time) time.Time {
	if t.IsZero() || e.opts.Clock == nil {
		return t
	}
	return time.Now().Add(-e.opts.Clock.Now().Sub(t))
}

// sample notes once a second what the queues hold, until the engine stops.
func (e *Engine) sample() {
	defer close(e.sampled)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-e.sampling:
			return
		case <-ticker.C:
		}
		e.mu.Lock()
		current := e.plan
		e.mu.Unlock()
		for _, q := range current.Queues {
			if queue := e.queues.Queue(q.Definition.Name); queue != nil {
				c := queue.Counters()
				e.history.SampleQueue(history.QueueSample{Queue: queue.Name(), Visible: c.Visible, InFlight: c.InFlight, Delayed: c.Delayed, Age: queue.Oldest().Seconds()})
			}
		}
	}
}

// newToken makes a secret that nobody guesses.
func newToken() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
