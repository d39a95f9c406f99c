package hearth

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// The contract between a program and what is wired to it, for constructs that
// are used alone. A [Backend] wires everything itself, so for it these hold.

// contract is a [Handler]'s manifest, and what has been wired to it by now.
type contract struct {
	entry             string
	manifest          *Manifest
	queues, schedules map[string]bool
}

func newContract(entry string, m *Manifest) *contract {
	return &contract{entry: entry, manifest: m, queues: map[string]bool{}, schedules: map[string]bool{}}
}

// ownerOf returns the [Handler] that a function or alias belongs to, or nil.
func ownerOf(fn awslambda.IFunction) *Handler {
	if fn == nil {
		return nil
	}
	h, _ := fn.Node().Scope().(*Handler)
	return h
}

// contractOf returns the contract of the [Handler] that a function belongs to,
// or nil when there is none: another function, or a program that is not asked.
func contractOf(fn awslambda.IFunction) *contract {
	if h := ownerOf(fn); h != nil {
		return h.contract
	}
	return nil
}

// checkInvoked checks the function that an API, a queue or a schedule invokes.
func checkInvoked(r *rules, fn awslambda.IFunction) {
	switch fn.(type) {
	case nil:
		r.breaks("Handler", "must be a function, got none; pass Handler.Alias")
	case awslambda.Function:
		if ownerOf(fn) != nil {
			r.breaks("Handler", "must be Handler.Alias, to which the provisioned concurrency belongs, got Handler.Function; pass the alias")
		}
	}
}

// The checks of a nil contract find nothing.

func (c *contract) checkHttp(r *rules) {
	if c == nil {
		return
	}
	if !c.manifest.HTTP {
		r.breaks("Handler", "must be a program that serves HTTP, got %q, which does not; set App.HTTP in it, or remove the API", c.entry)
	}
	checkRequestTimeout(r, "Handler", "an HTTP", maxHttpIntegrationSecs, c.manifest)
}

func (c *contract) checkWebSocket(r *rules) {
	if c == nil {
		return
	}
	if !c.manifest.WebSocket {
		r.breaks("Handler", "must be a program that serves a WebSocket API, got %q, which does not; set App.WebSocket in it, or remove the API", c.entry)
	}
	checkRequestTimeout(r, "Handler", "a WebSocket", maxWebSocketIntegrationSecs, c.manifest)
}

// checkQueue checks that the program consumes a queue of this name and kind.
func (c *contract) checkQueue(r *rules, v queueValues) {
	if c == nil {
		return
	}
	if !v.name.set {
		r.breaks("Name", "must be set for a program that knows its queues by name, got none; it is one of %s in %q", list(queueNames(c.manifest)), c.entry)
	}
	if !v.name.known {
		return
	}
	i := slices.IndexFunc(c.manifest.Queues, func(q wire.ManifestQueue) bool { return q.Name == v.name.value })
	if i < 0 {
		r.breaks("Name", "must be a queue that the program consumes, got %q without a consumer (it consumes %s); rename it, or add a consumer in %q", v.name.value, list(queueNames(c.manifest)), c.entry)
		return
	}
	if fifo := c.manifest.Queues[i].FIFO; fifo != v.fifo {
		r.breaks("Fifo", "must be %t, as the program consumes %q as a %s queue, got %t; change it, or the consumer in %q", fifo, v.name.value, kindOf(fifo), v.fifo, c.entry)
	}
	c.queues[v.name.value] = true
}

// checkSchedule checks that the program runs a schedule of this name.
func (c *contract) checkSchedule(r *rules, v scheduleValues) {
	if c == nil || !v.name.known {
		return
	}
	if !slices.Contains(scheduleNames(c.manifest), v.name.value) {
		r.breaks("Name", "must be a schedule that the program runs, got %q, which it does not (it runs %s); rename it, or add it to App.Schedules in %q", v.name.value, list(scheduleNames(c.manifest)), c.entry)
		return
	}
	c.schedules[v.name.value] = true
}

// checkRequestTimeout checks that the program answers before its API gives up.
func checkRequestTimeout(r *rules, field, api string, limitSecs float64, m *Manifest) {
	if m.RequestTimeout >= limitSecs {
		r.breaks(field, "must be a program whose request timeout is less than %s seconds, for which %s API waits, got %s; lower it in App", format(limitSecs), api, format(m.RequestTimeout))
	}
}

// unwired lists what the program serves and nothing invokes. HTTP is not in it:
// a function URL or a load balancer may be in front of the program.
func (c *contract) unwired(otherSources bool) []string {
	var broken []string
	for _, name := range queueNames(c.manifest) {
		if !c.queues[name] && !otherSources {
			broken = append(broken, fmt.Sprintf("queue %q must be wired, as %q consumes it, got no Queue with this Name and Handler; create one, remove the consumer, or set Manifest: false", name, c.entry))
		}
	}
	for _, name := range scheduleNames(c.manifest) {
		if !c.schedules[name] {
			broken = append(broken, fmt.Sprintf("schedule %q must be wired, as %q runs it, got no Schedule with this Name and Handler; create one, remove it from the program, or set Manifest: false", name, c.entry))
		}
	}
	return broken
}

// wiring implements constructs.IValidation, which the CDK calls at synth, when
// everything has been wired that will be.
type wiring struct{ handler *Handler }

func (w *wiring) Validate() *[]*string {
	// An event source that the user added to the function may be for any queue.
	other := slices.ContainsFunc(*w.handler.Node().FindAll(constructs.ConstructOrder_PREORDER), func(c constructs.IConstruct) bool {
		_, ok := c.(awslambda.EventSourceMapping)
		return ok
	})
	return jsii.Strings(w.handler.contract.unwired(other)...)
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
