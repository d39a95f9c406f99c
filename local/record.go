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

// recorder passes the events of functions and queues to the history.
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

// markOf returns the mark at the end of an instance's lane. Time-outs and crashes get no
// mark here: their invocation has it.
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

// watch passes the events of one invocation to the history.
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

// noted returns a log function that also adds each line to the history.
func (e *Engine) noted(log func(line string)) func(line string) {
	return func(line string) {
		e.history.Note(line)
		if log != nil {
			log(line)
		}
	}
}

// sentAt returns the send time of the batch's first message, on the engine's clock.
func sentAt(payload []byte) time.Time {
	_, rest, ok := bytes.Cut(payload, []byte(`"SentTimestamp":"`))
	digits, _, ok2 := bytes.Cut(rest, []byte{'"'})
	ms, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || !ok2 || err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// wallTime converts a time on the engine's clock to the machine's clock.
func (e *Engine) wallTime(t time.Time) time.Time {
	if t.IsZero() || e.opts.Clock == nil {
		return t
	}
	return time.Now().Add(-e.opts.Clock.Now().Sub(t))
}

// sample records the counters of the queues once a second, until the engine stops.
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

// newToken returns a random secret.
func newToken() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
