package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/local/internal/faults"
	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/mask"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

type replayRequest struct {
	// Event replaces the invocation's own event; "" sends the invocation's own.
	Event string `json:"event"`
}

type replayAnswer struct {
	// ID is the request id of the new invocation.
	ID string `json:"id"`
}

func (c *call) replay() (any, error) {
	var in replayRequest
	if err := c.body(&in); err != nil {
		return nil, err
	}
	found, ok := c.history.Find(c.r.PathValue("id"))
	if !ok {
		return nil, notFound("the invocation %q is not kept any more", c.r.PathValue("id"))
	}
	event := found.Event
	if in.Event != "" {
		_, hidden := mask.JSON(found.Event)
		event = []byte(mask.Restore(in.Event, hidden))
	}
	if !json.Valid(event) {
		return nil, errors.New("the event must be JSON, and still be kept")
	}
	fn := c.function(found.Function)
	if fn == nil {
		return nil, notFound("the function %q is gone", found.Function)
	}
	again, arrived := lambda.Invocation{Payload: event, RequestID: lambda.NewRequestID(), Source: history.SourceReplay}, make(chan struct{})
	again.Arrived = func() { close(arrived) }
	go fn.Invoke(context.Background(), onlyAlias(fn.Config().Aliases), again) //nolint:errcheck // it is in the history
	<-arrived                                                                 // so that the client can ask for it
	return replayAnswer{again.RequestID}, nil
}

type reservedRequest struct {
	// Reserved is the new reserved concurrency; null removes it.
	Reserved *int `json:"reserved"`
	// Reset restores the template's reserved concurrency.
	Reset bool `json:"reset,omitempty"`
}

func (c *call) setReserved() (any, error) {
	var in reservedRequest
	if err := c.body(&in); err != nil {
		return nil, err
	}
	f, err := c.findFunction(c.r.PathValue("name"))
	if err != nil {
		return nil, notFound("%v", err)
	}
	fn := c.function(f.Config.Name)
	if fn == nil {
		return nil, notFound("the function %q is gone", f.Config.Name)
	}
	if in.Reset {
		in.Reserved = f.Config.Reserved
	}
	return nil, fn.SetReserved(in.Reserved)
}

func (c *call) actOnInstance() (any, error) {
	id, err := strconv.Atoi(c.r.PathValue("id"))
	if err != nil {
		return nil, errors.New("an instance's id is a number")
	}
	c.mu.Lock()
	functions := make([]*lambda.Function, 0, len(c.functions))
	for _, fn := range c.functions {
		functions = append(functions, fn)
	}
	c.mu.Unlock()
	for _, fn := range functions {
		if found, err := fn.Act(id, c.r.PathValue("action")); found {
			return nil, err
		}
	}
	return nil, notFound("there is no instance %d any more", id)
}

func (c *call) invoke() (any, error) {
	var event []byte
	if err := c.body(&event); err != nil {
		return nil, err
	}
	response, err := c.Invoke(c.r.Context(), c.r.URL.Query().Get("name"), event)
	var failure *FunctionError
	if errors.As(err, &failure) {
		c.w.Header().Set("X-Amz-Function-Error", "Unhandled")
		response, err = failure.Payload, nil
	}
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Write(response) //nolint:errcheck // the client has gone
	return nil, nil
}

func (c *call) send() (any, error) {
	var body []byte
	if err := c.body(&body); err != nil {
		return nil, err
	}
	query := c.r.URL.Query()
	if query.Get("delay") == "" {
		return nil, c.Send(query.Get("name"), string(body), query.Get("group"))
	}
	delay, err := c.number("delay", 0, 900)
	if err != nil {
		return nil, err
	}
	q, err := c.findQueue(query.Get("name"))
	if err != nil {
		return nil, err
	}
	queue, seconds := c.queues.Queue(q.Definition.Name), int(delay)
	if queue == nil {
		return nil, notFound("the queue %q is gone", q.Definition.Name)
	}
	_, err = queue.Send(sqs.SendInput{Body: string(body), Delay: &seconds, GroupID: query.Get("group")})
	return nil, err
}

func (c *call) purge() (any, error) {
	queue, err := c.queue()
	if err != nil {
		return nil, err
	}
	return nil, queue.Purge(false)
}

func (c *call) redrive() (any, error) {
	queue, err := c.queue()
	if err != nil {
		return nil, err
	}
	to := "" // each message returns to its source queue
	if sources := c.queues.DeadLetterSources(queue); len(sources) == 1 {
		to = sources[0].ARN()
	}
	_, err = c.queues.StartMove(queue.ARN(), to, nil)
	return nil, err
}

type messageRequest struct {
	// Body replaces the body of a redriven message; null keeps the old body.
	Body *string `json:"body"`
}

func (c *call) actOnMessage() (any, error) {
	var in messageRequest
	if err := c.body(&in); err != nil {
		return nil, err
	}
	queue, err := c.queue()
	if err != nil {
		return nil, err
	}
	id, ok := c.r.PathValue("id"), false
	switch action := c.r.PathValue("action"); action {
	case "delete":
		ok = queue.DeleteMessage(id)
	case "show":
		ok = queue.ShowMessage(id)
	case "redrive":
		if in.Body, err = c.restored(queue, id, in.Body); err != nil {
			return nil, err
		}
		var to *sqs.Queue
		to, err = queue.RedriveMessage(id, in.Body)
		ok = to != nil || err != nil
	default:
		return nil, notFound("there is no action %q: use delete, show or redrive", action)
	}
	if !ok {
		return nil, notFound("there is no message %q on %s any more, or no queue that it came from", id, queue.Name())
	}
	return nil, err
}

// restored replaces the masks in an edited message body with the original secrets.
func (c *call) restored(queue *sqs.Queue, id string, body *string) (*string, error) {
	if body == nil {
		return nil, nil
	}
	list, _, err := queue.Peek(1 << 30)
	for _, m := range list {
		if m.ID == id {
			_, hidden := mask.JSON([]byte(m.Body))
			text := mask.Restore(*body, hidden)
			return &text, err
		}
	}
	return body, err
}

func (c *call) actOnEventSource() (any, error) {
	action := c.r.PathValue("action")
	if action != "pause" && action != "resume" {
		return nil, notFound("there is no action %q: use pause or resume", action)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mappings {
		if m.plan.Resource.ID == c.r.PathValue("id") {
			m.Pause(action == "pause")
			return nil, nil
		}
	}
	return nil, notFound("there is no event source mapping %q", c.r.PathValue("id"))
}

func (c *call) actOnConnection() (any, error) {
	var text []byte
	if err := c.body(&text); err != nil {
		return nil, err
	}
	action := c.r.PathValue("action")
	if action != "push" && action != "close" && action != "lose" {
		return nil, notFound("there is no action %q: use push, close or lose", action)
	}
	for _, s := range c.State().WebSocketAPIs {
		c.mu.Lock()
		api := c.webSockets[s.ID]
		c.mu.Unlock()
		if api == nil {
			continue
		}
		if found, err := api.Act(c.r.PathValue("id"), action, string(text)); found {
			return nil, err
		}
	}
	return nil, notFound("there is no connection %q any more", c.r.PathValue("id"))
}

type clockRequest struct {
	// By is a duration, such as "90s".
	By string `json:"by,omitempty"`
	// To is "visible", the time at which the next hidden message becomes visible, or
	// "schedule", the next run of a schedule.
	To string `json:"to,omitempty"`
}

// movable returns the clock if it can be moved, else nil.
func (e *Engine) movable() interface{ Advance(time.Duration) } {
	m, _ := e.opts.Clock.(interface{ Advance(time.Duration) })
	return m
}

func (c *call) moveClock() (any, error) {
	var in clockRequest
	if err := c.body(&in); err != nil {
		return nil, err
	}
	clk := c.movable()
	if clk == nil {
		return nil, errors.New("this clock cannot be moved; start the engine with one that can, such as local.NewShiftedClock()")
	}
	answer, _ := c.clock() // it never fails
	now := answer.(clockAnswer)
	var step time.Duration
	var err error
	switch to := in.To; {
	case to == "visible" && now.NextVisible != nil:
		step = now.NextVisible.Sub(now.Time)
	case to == "schedule" && now.NextSchedule != nil:
		step = now.NextSchedule.Sub(now.Time)
	case to != "":
		return nil, fmt.Errorf("there is nothing to move to for %q: use visible or schedule", to)
	default:
		if step, err = time.ParseDuration(in.By); err != nil || step < 0 || step > 366*24*time.Hour {
			return nil, fmt.Errorf("by must be a duration up to a year, such as 90s, got %q", in.By)
		}
	}
	clk.Advance(max(step, 0))
	return c.clock()
}

type faultsFile = faults.File

type faultsAnswer struct {
	Faults []faults.State `json:"faults"`
	// Database says that the database can be made to go.
	Database bool `json:"database"`
}

func (c *call) getFaults() (any, error) {
	return faultsAnswer{c.faults.State(), c.database != nil && c.database.relay != nil}, nil
}

func (c *call) putFaults() (any, error) {
	var in faultsFile
	if err := c.body(&in); err != nil {
		return nil, err
	}
	if err := c.SetFaults(in.Faults...); err != nil {
		return nil, err
	}
	return c.getFaults()
}
