package hearth

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/internal/wire"
)

// The contract between a program and the constructs wired to it, for constructs that are
// used alone. A [Backend] wires everything itself, so it always meets them.

// contract is a [Handler]'s manifest, and the constructs wired to it so far.
type contract struct {
	entry             string
	half              Half
	stage             awscdk.Stage // of a function with a half
	manifest          *Manifest
	queues, schedules map[string]bool
	// anyQueue and anySchedule say that a part is wired whose name is not known yet.
	anyQueue, anySchedule bool
	// complete says that a [Backend] wires the other parts.
	complete bool
}

func newContract(entry string, half Half, m *Manifest) *contract {
	return &contract{entry: entry, half: half, manifest: m, queues: map[string]bool{}, schedules: map[string]bool{}}
}

// halfOf returns what one half of a program serves. "" means both halves, without the
// relay, which only a [WebSocketRelay] runs.
func halfOf(m *Manifest, half Half) *Manifest {
	only := *m
	only.Queues = nil
	for _, q := range m.Queues {
		if (q.Name == wire.RelayQueueName) == (half == relayHalf) {
			only.Queues = append(only.Queues, q)
		}
	}
	switch half {
	case Requests:
		only.Queues, only.Schedules = nil, nil
	case Jobs:
		only.HTTP, only.WebSocket, only.RequestTimeout = false, false, 0
	case relayHalf:
		only = Manifest{Version: m.Version, Queues: only.Queues}
	}
	return &only
}

// checkHalf checks that the function runs the half of the program that the wired
// construct invokes.
func (c *contract) checkHalf(r *rules, requests bool) bool {
	switch {
	case requests && c.half != "" && c.half != Requests:
		r.breaks("Handler", "must be a function that serves requests, got one with Half %q; pass the alias of the one with Requests", c.half)
		return false
	case !requests && c.half == Requests:
		r.breaks("Handler", "must be a function that runs jobs, got one with Half %q; pass the alias of the one with Jobs", c.half)
		return false
	}
	return true
}

// The checks of a nil contract find nothing.

func (c *contract) checkHttp(r *rules, api string, limitSecs float64) {
	if c == nil || !c.checkHalf(r, true) {
		return
	}
	if !c.manifest.HTTP {
		r.breaks("Handler", "must be a program that serves HTTP, got %q, which does not; set App.HTTP in it, or remove the API", c.entry)
	}
	checkRequestTimeout(r, "Handler", api, limitSecs, c.manifest)
}

func (c *contract) checkWebSocket(r *rules) {
	if c == nil || !c.checkHalf(r, true) {
		return
	}
	if !c.manifest.WebSocket {
		r.breaks("Handler", "must be a program that serves a WebSocket API, got %q, which does not; set App.WebSocket in it, or remove the API", c.entry)
	}
	checkRequestTimeout(r, "Handler", "a WebSocket", maxWebSocketIntegrationSecs, c.manifest)
}

// checkQueue checks that the program consumes a queue of this name and kind.
func (c *contract) checkQueue(r *rules, v queueValues) {
	if c == nil || !c.checkHalf(r, false) {
		return
	}
	consumed := halfOf(c.manifest, c.half).Queues
	names := list(queueNames(halfOf(c.manifest, c.half)))
	if !v.name.set {
		r.breaks("Name", "must be set for a program that knows its queues by name, got none; it is one of %s in %q", names, c.entry)
	}
	if !v.name.known {
		c.anyQueue = true
		return
	}
	i := slices.IndexFunc(consumed, func(q wire.ManifestQueue) bool { return q.Name == v.name.value })
	if i < 0 {
		r.breaks("Name", "must be a queue that the program consumes, got %q without a consumer (it consumes %s); rename it, or add a consumer in %q", v.name.value, listNear(v.name.value, queueNames(halfOf(c.manifest, c.half))), c.entry)
		return
	}
	if fifo := consumed[i].FIFO; fifo != v.fifo {
		r.breaks("Fifo", "must be %t, as the program consumes %q as a %s queue, got %t; change it, or the consumer in %q", fifo, v.name.value, kindOf(fifo), v.fifo, c.entry)
	}
	c.queues[v.name.value] = true
}

// checkSchedule checks that the program runs a schedule of this name.
func (c *contract) checkSchedule(r *rules, name text) {
	if c == nil || !name.set || !c.checkHalf(r, false) {
		return
	}
	if !name.known {
		c.anySchedule = true
		return
	}
	if !slices.Contains(scheduleNames(c.manifest), name.value) {
		r.breaks("Name", "must be a schedule that the program runs, got %q, which it does not (it runs %s); rename it, or add it to App.Schedules in %q", name.value, listNear(name.value, scheduleNames(c.manifest)), c.entry)
		return
	}
	c.schedules[name.value] = true
}

// checkRequestTimeout checks that the program answers before its API gives up. 0 seconds
// mean no limit.
func checkRequestTimeout(r *rules, field, api string, limitSecs float64, m *Manifest) {
	if limitSecs > 0 && m.RequestTimeout >= limitSecs {
		r.breaks(field, "must be a program whose request timeout is less than %s seconds, for which %s API waits, got %s; lower it in App", format(limitSecs), api, format(m.RequestTimeout))
	}
}

// unwired lists the served parts that nothing invokes. It leaves out HTTP: a function URL
// or a load balancer may be in front of the program.
func (c *contract) unwired(otherSources bool) []string {
	var broken []string
	served := halfOf(c.manifest, c.half)
	for _, name := range queueNames(served) {
		if !c.queues[name] && !c.anyQueue && !otherSources {
			broken = append(broken, fmt.Sprintf("queue %q must be wired, as %q consumes it, got no Queue with this Name and Handler; create one, remove the consumer, or set Manifest: false", name, c.entry))
		}
	}
	for _, name := range scheduleNames(served) {
		if !c.schedules[name] && !c.anySchedule {
			broken = append(broken, fmt.Sprintf("schedule %q must be wired, as %q runs it, got no Schedule with this Name and Handler; create one, remove it from the program, or set Manifest: false", name, c.entry))
		}
	}
	return broken
}

// checkWiring returns the served parts that nothing invokes, at synth, when all wiring is
// done.
func (h *Handler) checkWiring() []string {
	c := h.contract
	if c == nil || c.complete {
		return nil
	}
	broken := c.unwired(false)
	// A mapping that the user added to the function may be for any queue.
	if len(broken) > 0 && len(resourcesIn(h, typeMapping)) > 0 {
		broken = c.unwired(true)
	}
	if message := c.missingJobs(h.app); message != "" {
		broken = append(broken, message)
	}
	return broken
}

// missingJobs describes a function that serves the requests of a program with jobs, when
// no function of the app, or of its stage, runs the jobs. Otherwise it returns "".
func (c *contract) missingJobs(a *app) string {
	if jobs := halfOf(c.manifest, Jobs); c.half != Requests || len(jobs.Queues)+len(jobs.Schedules) == 0 {
		return ""
	}
	for _, o := range a.owners {
		if other := o.contract; other != nil && other.half == Jobs && other.stage == c.stage && sameFolder(other.entry, c.entry) {
			return ""
		}
	}
	return fmt.Sprintf("the queues and schedules of %q must be run by a function, got none with Jobs; create a Handler with this Entry and Jobs, or leave Half unset", c.entry)
}

// sameFolder reports whether two entries are the same folder, however they are written.
func sameFolder(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return a == b && errA == nil && errB == nil
}

func queueNames(m *Manifest) []string {
	names := make([]string, len(m.Queues))
	for i, q := range m.Queues {
		names[i] = q.Name
	}
	return names
}

func scheduleNames(m *Manifest) []string {
	names := make([]string, len(m.Schedules))
	for i, s := range m.Schedules {
		names[i] = s.Name
	}
	return names
}
