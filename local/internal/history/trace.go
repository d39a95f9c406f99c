package history

import (
	"maps"
	"strings"
	"time"
)

// message is a queue's message, perhaps with a known sender.
type message struct {
	id, queue, group string
	sent             time.Time
	cause            string // id of the request that sent it, "" if unknown
	dead             string // the dead-letter queue that got it
}

// Sent is a message that a queue has accepted.
type Sent struct {
	ID, Queue, Group string
	// Instance is the instance whose program sent it, 0 for other senders.
	Instance int
	// Trace is the message's AWSTraceHeader.
	Trace string
}

// Send records a message and the invocation that sent it: the one with the same trace, or
// the last one of its instance.
func (h *History) Send(s Sent) {
	m := &message{id: s.ID, queue: s.Queue, group: s.Group, sent: h.now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.instances[s.Instance]
	if in != nil {
		h.sends[[2]string{in.Function, s.Queue}]++
	}
	if in != nil && in.last != nil {
		m.cause = in.last.ID
		if in.active > 1 && rootOf(in.last.Trace) != rootOf(s.Trace) {
			m.cause = ""
			h.invocations.newest(func(p **Invocation) bool {
				if (*p).instance == s.Instance && rootOf((*p).Trace) == rootOf(s.Trace) {
					m.cause = (*p).ID
				}
				return m.cause == ""
			})
		}
	}
	if old, full := h.messages.add(m); full && h.messageByID[old.id] == old {
		delete(h.messageByID, old.id)
	}
	h.messageByID[m.id] = m
}

// Sends returns the number of messages sent, by the names of function and queue.
func (h *History) Sends() map[[2]string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.sends)
}

// Bury records that a message moved to a dead-letter queue.
func (h *History) Bury(id, queue string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.messageByID[id]; m != nil {
		m.dead = queue
	}
}

func rootOf(trace string) string {
	for _, part := range strings.Split(trace, ";") {
		if root, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return root
		}
	}
	return ""
}

// Step is one bar of a trace: an invocation, or the waiting time of a message.
type Step struct {
	// Depth is the distance from the request that began the trace.
	Depth int `json:"depth"`
	// Kind is "invocation" or "message".
	Kind string `json:"kind"`
	// Invocation is the step's invocation. For a message it is the receiving invocation,
	// with an empty id before there is one.
	Invocation Summary `json:"invocation"`
	// Message, Queue, Group and Dead belong to a message. Dead is the dead-letter queue
	// that got the message.
	Message string `json:"message,omitempty"`
	Queue   string `json:"queue,omitempty"`
	Group   string `json:"group,omitempty"`
	Dead    string `json:"dead,omitempty"`
	// Start and End are milliseconds since 1970 with microseconds; End is 0 for a step in
	// progress.
	Start float64 `json:"start"`
	End   float64 `json:"end"`
}

// maxSteps bounds the steps of a trace.
const maxSteps = 300

// Trace returns all steps that a request caused, in order, from the request that began
// the trace: invocations, the messages that they sent, and the jobs of those messages.
func (h *History) Trace(id string) []Step {
	h.mu.Lock()
	defer h.mu.Unlock()
	steps := []Step{}
	i := h.byID[id]
	if i == nil {
		return steps
	}
	for climbed := 0; climbed < maxSteps; climbed++ {
		cause := h.causeOf(i)
		if cause == nil {
			break
		}
		i = cause
	}
	sent := map[string][]*message{}
	h.messages.since(0, func(p **message) bool {
		if m := *p; m.cause != "" {
			sent[m.cause] = append(sent[m.cause], m)
		}
		return true
	})
	received := map[string][]*Invocation{}
	h.invocations.since(0, func(p **Invocation) bool {
		if (*p).status != StatusThrottled {
			for _, m := range (*p).messages() {
				received[m] = append(received[m], *p)
			}
		}
		return true
	})
	seen := map[*Invocation]bool{}
	var walk func(i *Invocation, depth int)
	walk = func(i *Invocation, depth int) {
		if seen[i] || len(steps) >= maxSteps {
			return
		}
		seen[i] = true
		steps = append(steps, Step{Depth: depth, Kind: "invocation", Invocation: i.summary(), Start: exact(i.arrived), End: exact(i.ended)})
		for _, m := range sent[i.ID] {
			from := m.sent
			step := Step{Depth: depth + 1, Kind: "message", Message: m.id, Queue: m.queue, Group: m.group, Dead: m.dead, Start: exact(from)}
			if len(received[m.id]) == 0 {
				steps = append(steps, step)
			}
			for _, job := range received[m.id] {
				step.Start, step.End, step.Invocation = exact(from), exact(job.arrived), job.summary()
				steps = append(steps, step)
				walk(job, depth+2)
				from = job.ended
			}
		}
	}
	walk(i, 0)
	return steps
}

// causeOf returns the invocation that sent a message of the batch; nil if it is unknown.
func (h *History) causeOf(i *Invocation) *Invocation {
	for _, id := range i.messages() {
		if m := h.messageByID[id]; m != nil && m.cause != "" && m.cause != i.ID {
			if cause := h.byID[m.cause]; cause != nil {
				return cause
			}
		}
	}
	return nil
}

func exact(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1000
}
