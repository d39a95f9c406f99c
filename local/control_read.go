package local

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/mask"
	"github.com/lambdahearth/hearth/local/internal/sqs"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// number reads a number from the query. A missing parameter is byDefault.
func (c *call) number(name string, byDefault, limit float64) (float64, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > limit || n != n {
		return 0, fmt.Errorf("%s must be 0 to %.0f, got %q", name, limit, text)
	}
	return n, nil
}

// oneOf reads a query parameter that must be one of some words; "" is none.
func (c *call) oneOf(name string, words ...string) (string, error) {
	text := c.r.URL.Query().Get(name)
	if text != "" && !slices.Contains(words, text) {
		return "", fmt.Errorf("%s must be one of %s, got %q", name, strings.Join(words, ", "), text)
	}
	return text, nil
}

// maxTime is the latest time that a query may name, in milliseconds since 1970.
const maxTime = 1 << 53

func (c *call) lanes() (any, error) {
	seconds, err := c.number("seconds", 300, 3600)
	if err != nil {
		return nil, err
	}
	gap, err := c.number("gapMs", 0, 60000)
	if err != nil {
		return nil, err
	}
	return c.history.Lanes(time.Duration(seconds*float64(time.Second)), time.Duration(gap*float64(time.Millisecond))), nil
}

func (c *call) series() (any, error) {
	after, err := c.number("after", 0, maxTime)
	if err != nil {
		return nil, err
	}
	return c.history.Series(int64(after)), nil
}

type invocationList struct {
	Invocations []history.Summary `json:"invocations"`
}

func (c *call) invocations() (any, error) {
	q := c.r.URL.Query()
	f := history.Filter{Function: q.Get("function"), Text: q.Get("text")}
	var err error
	if f.Source, err = c.oneOf("source", history.Sources...); err != nil {
		return nil, err
	}
	if f.Status, err = c.oneOf("status", history.Statuses...); err != nil {
		return nil, err
	}
	var n [7]float64
	for i, p := range []struct {
		name  string
		limit float64
	}{{"instance", 1 << 31}, {"minMs", maxTime}, {"maxMs", maxTime}, {"before", maxTime}, {"limit", 1000}, {"from", maxTime}, {"to", maxTime}} {
		if n[i], err = c.number(p.name, 0, p.limit); err != nil {
			return nil, err
		}
	}
	f.Instance, f.MinMs, f.MaxMs, f.Before, f.Limit = int(n[0]), n[1], n[2], uint64(n[3]), int(n[4])
	if n[5] > 0 {
		f.From = time.UnixMilli(int64(n[5]))
	}
	if n[6] > 0 {
		f.To = time.UnixMilli(int64(n[6]) + 1)
	}
	return invocationList{masked(c.history.Invocations(f))}, nil
}

// masked masks secrets in the free text of summaries.
func masked(list []history.Summary) []history.Summary {
	for i := range list {
		list[i].Label, list[i].Error = mask.Text(list[i].Label), mask.Text(list[i].Error)
	}
	return list
}

func maskedLines(list []history.Line) []history.Line {
	for i := range list {
		list[i].Text = mask.Text(list[i].Text)
	}
	return list
}

type invocationDetail struct {
	history.Summary
	// Event and Response are the original texts with secrets masked; null when the
	// history no longer has them.
	Event    *string `json:"event"`
	Response *string `json:"response"`
	// EventBytes and ResponseBytes are the sizes of the originals.
	EventBytes    int            `json:"eventBytes"`
	ResponseBytes int            `json:"responseBytes"`
	Lines         []history.Line `json:"lines"`
	// Curl is a command that sends the event once more, GoTest a test that does; both are
	// "" when the history no longer has the event.
	Curl   string `json:"curl"`
	GoTest string `json:"goTest"`
}

func (c *call) invocation() (any, error) {
	found, ok := c.history.Find(c.r.PathValue("id"))
	if !ok {
		return nil, notFound("the invocation %q is not kept any more", c.r.PathValue("id"))
	}
	open := c.r.URL.Query().Get("secrets") == "1"
	if open && !c.hasToken() {
		return nil, &status{http.StatusForbidden, "secrets are shown with the token in the header " + controlHeader + " alone"}
	}
	show := func(data []byte) *string {
		if data == nil {
			return nil
		}
		text := string(data)
		if !open {
			text, _ = mask.JSON(data)
		}
		return &text
	}
	d := invocationDetail{
		Summary: found.Summary, Event: show(found.Event), Response: show(found.Response), EventBytes: found.EventBytes, ResponseBytes: found.ResponseBytes, Lines: found.Lines,
	}
	if !open {
		d.Summary = masked([]history.Summary{d.Summary})[0]
		d.Lines = maskedLines(d.Lines)
	}
	if d.Event != nil {
		d.Curl, d.GoTest = c.curl(&found.Summary, *d.Event), goTest(&found.Summary, *d.Event)
	}
	return d, nil
}

type traceAnswer struct {
	Steps []history.Step `json:"steps"`
}

func (c *call) trace() (any, error) {
	steps := c.history.Trace(c.r.PathValue("id"))
	if len(steps) == 0 {
		return nil, notFound("the invocation %q is not kept any more", c.r.PathValue("id"))
	}
	for i := range steps {
		steps[i].Invocation = masked([]history.Summary{steps[i].Invocation})[0]
	}
	return traceAnswer{steps}, nil
}

type logAnswer struct {
	Lines []history.Line `json:"lines"`
}

func (c *call) logs() (any, error) {
	q := c.r.URL.Query()
	before, err := c.number("before", 0, maxTime)
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 0, 2000)
	if err != nil {
		return nil, err
	}
	return logAnswer{maskedLines(c.history.Lines(history.LineFilter{Function: q.Get("function"), Request: q.Get("request"), Text: q.Get("text"), Before: uint64(before), Limit: int(limit)}))}, nil
}

type messagesAnswer struct {
	Messages []sqs.MessageState `json:"messages"`
	Total    int                `json:"total"`
	// Time is the time on the engine's clock.
	Time time.Time `json:"time"`
}

// queue returns the queue that the request's path names.
func (c *call) queue() (*sqs.Queue, error) {
	q, err := c.findQueue(c.r.PathValue("name"))
	if err != nil {
		return nil, notFound("%v", err)
	}
	queue := c.queues.Queue(q.Definition.Name)
	if queue == nil {
		return nil, notFound("the queue %q is gone", q.Definition.Name)
	}
	return queue, nil
}

func (c *call) messages() (any, error) {
	queue, err := c.queue()
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	list, total, err := queue.Peek(int(limit))
	for i := range list {
		list[i].Body = mask.Text(list[i].Body)
		for name, value := range list[i].Attributes {
			if list[i].Attributes[name] = mask.Text(value); mask.Secret(name) {
				list[i].Attributes[name] = mask.Dots
			}
		}
	}
	return messagesAnswer{list, total, c.opts.clock().Now()}, err
}

type connectionsAnswer struct {
	APIs   []connectionsOfAPI `json:"apis"`
	Frames []history.Frame    `json:"frames"` // newest first
}

type connectionsOfAPI struct {
	LogicalID   string                      `json:"logicalId"`
	ID          string                      `json:"id"`
	URL         string                      `json:"url"`
	Connections []websocket.ConnectionState `json:"connections"`
}

func (c *call) connections() (any, error) {
	out := connectionsAnswer{APIs: []connectionsOfAPI{}, Frames: maskedFrames(c.history.Frames("", 500))}
	for _, s := range c.State().WebSocketAPIs {
		c.mu.Lock()
		api := c.webSockets[s.ID]
		c.mu.Unlock()
		if api != nil {
			out.APIs = append(out.APIs, connectionsOfAPI{s.LogicalID, s.ID, s.URL, api.Connections()})
		}
	}
	return out, nil
}

func maskedFrames(list []history.Frame) []history.Frame {
	for i := range list {
		list[i].Text = mask.Text(list[i].Text)
	}
	return list
}

type schedulesAnswer struct {
	Schedules []upcoming `json:"schedules"`
}

type upcoming struct {
	ScheduleState
	// NextRuns are in the schedule's time zone.
	NextRuns []time.Time `json:"nextRuns"`
}

func (c *call) schedules() (any, error) {
	n, err := c.number("runs", 5, 50)
	if err != nil {
		return nil, err
	}
	out := schedulesAnswer{[]upcoming{}}
	for _, s := range c.scheduler.State() {
		runs := c.scheduler.Upcoming(s.ARN, int(n))
		if zone, err := time.LoadLocation(s.TimeZone); err == nil {
			for i := range runs {
				runs[i] = runs[i].In(zone)
			}
		}
		out.Schedules = append(out.Schedules, upcoming{s, runs})
	}
	return out, nil
}

type clockAnswer struct {
	Time time.Time `json:"time"`
	// Movable says that the clock can be moved, Runs that it also advances by itself.
	Movable bool `json:"movable"`
	Runs    bool `json:"runs"`
	// NextVisible is when the next hidden message becomes visible. NextSchedule is the
	// next run of any schedule.
	NextVisible  *time.Time `json:"nextVisible"`
	NextSchedule *time.Time `json:"nextSchedule"`
}

func (c *call) clock() (any, error) {
	out := clockAnswer{Time: c.opts.clock().Now(), Movable: c.movable() != nil, Runs: clock.Runs(c.opts.clock())}
	earliest := func(into **time.Time, at time.Time) {
		if !at.IsZero() && (*into == nil || at.Before(**into)) {
			*into = &at
		}
	}
	for _, q := range c.queues.Queues() {
		earliest(&out.NextVisible, q.NextVisible())
	}
	for _, s := range c.scheduler.State() {
		earliest(&out.NextSchedule, s.Next)
	}
	return out, nil
}

// StreamTick is the data of one server-sent event.
type streamTick struct {
	history.Tick
	// Clock is the time on the engine's clock.
	Clock time.Time `json:"clock"`
	// Functions, Queues, EventSources, Connections and APIs are the current counters.
	Functions    []functionTick     `json:"functions"`
	Queues       []queueTick        `json:"queues"`
	EventSources []EventSourceState `json:"eventSources"`
	Connections  int                `json:"connections"`
	Faults       int                `json:"faults"` // the number of active faults
}

type functionTick struct {
	Name        string           `json:"name"`
	LogicalID   string           `json:"logicalId"`
	MemoryMB    int              `json:"memoryMb"`
	Timeout     float64          `json:"timeoutSeconds"`
	Reserved    *int             `json:"reserved"`
	Provisioned int              `json:"provisioned"`
	Template    *int             `json:"templateReserved"` // the template's value
	Counters    FunctionCounters `json:"counters"`
}

type queueTick struct {
	Name       string      `json:"name"`
	LogicalID  string      `json:"logicalId"`
	Alias      string      `json:"alias,omitempty"`
	FIFO       bool        `json:"fifo"`
	DeadLetter string      `json:"deadLetterQueue,omitempty"`
	Age        float64     `json:"ageSeconds"`
	Counters   SQSCounters `json:"counters"`
}

// The stream sends at most one tick every tickEvery, and one every idleEvery when nothing
// happens.
const (
	tickEvery = 100 * time.Millisecond
	idleEvery = time.Second
)

// stream sends ticks until the client disconnects or the engine stops.
func (c *call) stream() (any, error) {
	flusher := http.NewResponseController(c.w)
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.WriteHeader(http.StatusOK)
	cursor := c.history.End()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for last := (time.Time{}); ; {
		if t := c.history.Tick(cursor); !t.Empty() || time.Since(last) >= idleEvery {
			last = time.Now()
			data, err := json.Marshal(c.tick(t))
			if err == nil {
				_, err = fmt.Fprintf(c.w, "event: tick\ndata: %s\n\n", data)
			}
			if err == nil {
				err = flusher.Flush()
			}
			if err != nil {
				return nil, nil //nolint:nilerr // the client has gone
			}
		}
		select {
		case <-ticker.C:
		case <-c.r.Context().Done():
			return nil, nil
		case <-c.sampling:
			return nil, nil
		}
	}
}

func (c *call) tick(t history.Tick) streamTick {
	t.Invocations, t.Lines, t.Frames = masked(t.Invocations), maskedLines(t.Lines), maskedFrames(t.Frames)
	out := streamTick{Tick: t, Clock: c.opts.clock().Now(), Functions: []functionTick{}, Queues: []queueTick{}, EventSources: []EventSourceState{}}
	c.mu.Lock()
	current := c.plan
	mappings := make([]*mapping, 0, len(c.mappings))
	for _, m := range c.mappings {
		mappings = append(mappings, m)
	}
	sockets := make([]*websocket.API, 0, len(c.webSockets))
	for _, w := range c.webSockets {
		sockets = append(sockets, w)
	}
	c.mu.Unlock()
	for _, f := range current.Functions {
		fn := c.function(f.Config.Name)
		if fn == nil {
			continue
		}
		config := fn.Config()
		counters, _ := fn.State()
		v := functionTick{Name: config.Name, LogicalID: f.Resource.ID, MemoryMB: config.MemoryMB, Timeout: config.Timeout.Seconds(), Reserved: config.Reserved, Template: f.Config.Reserved, Counters: counters}
		for _, n := range config.Provisioned {
			v.Provisioned += n
		}
		out.Functions = append(out.Functions, v)
	}
	for _, q := range current.Queues {
		if queue := c.queues.Queue(q.Definition.Name); queue != nil {
			s := queueState(q, queue)
			out.Queues = append(out.Queues, queueTick{s.Name, s.LogicalID, s.Alias, s.FIFO, s.DeadLetterQueue, queue.Oldest().Seconds(), s.Counters})
		}
	}
	for _, m := range mappings {
		out.EventSources = append(out.EventSources, EventSourceState{m.plan.Resource.ID, m.plan.Queue, m.plan.Function, m.Stats()})
	}
	slices.SortFunc(out.EventSources, func(a, b EventSourceState) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	for _, w := range sockets {
		_, open := w.Count()
		out.Connections += open
	}
	for _, f := range c.faults.State() {
		if f.Active {
			out.Faults++
		}
	}
	return out
}
