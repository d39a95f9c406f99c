package history

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Sources of invocations.
const (
	SourceHTTP      = "http"
	SourceWebSocket = "websocket"
	SourceQueue     = "queue"
	SourceSchedule  = "schedule"
	SourceAsync     = "async"
	SourceInvoke    = "invoke"
	SourceReplay    = "replay"
)

// Sources are all sources.
var Sources = []string{SourceHTTP, SourceWebSocket, SourceQueue, SourceSchedule, SourceAsync, SourceInvoke, SourceReplay}

// Statuses of invocations. The first three are those of invocations in progress.
const (
	StatusWaiting   = "waiting"
	StatusInit      = "init"
	StatusRunning   = "running"
	StatusOK        = "ok"
	StatusError     = "error"
	StatusTimeout   = "timeout"
	StatusCrash     = "crash"
	StatusThrottled = "throttled"
)

// StatusFailed in a [Filter] stands for every status, HTTP status and batch response that is
// a failure.
const StatusFailed = "failed"

// Statuses are all that a [Filter] may have.
var Statuses = []string{StatusWaiting, StatusInit, StatusRunning, StatusOK, StatusError, StatusTimeout, StatusCrash, StatusThrottled, StatusFailed}

// Arrival is an invocation that has just arrived.
type Arrival struct {
	// ID is the request's id, Function the function's name.
	ID, Function string
	// Source is one of the sources above.
	Source string
	// Trace is the header X-Amzn-Trace-Id.
	Trace string
	// Event is kept, so nobody may write to it any more.
	Event []byte
	// Waited is how long the event was queued before.
	Waited time.Duration
}

// OnInstance describes the instance that an invocation got.
type OnInstance struct {
	// Cold says that the instance was started for it.
	Cold bool
	// Provisioned says that the instance belongs to provisioned concurrency. Spill says
	// that all of those instances were busy.
	Provisioned, Spill bool
}

// Invocation is one invocation. Its methods record its progress.
type Invocation struct {
	h *History
	Arrival
	OnInstance
	number            uint64
	instance          int // 0 for none
	arrived           time.Time
	acquired, running time.Time
	ended             time.Time
	status, failure   string
	response          []byte
	size, answer      int // bytes of event and response, also if they are not kept
	code              int // the status of an HTTP response
	failed            int // failed messages in the response
	label             string
	messageIDs        []string
	scanned           bool
}

// Arrive records a new invocation.
func (h *History) Arrive(a Arrival) *Invocation {
	now := h.now()
	i := &Invocation{h: h, Arrival: a, arrived: now, status: StatusWaiting, size: len(a.Event)}
	if len(a.Event) > MaxPayload {
		i.Event = nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i.number = h.invocations.next
	if old, full := h.invocations.add(i); full {
		h.payload -= len(old.Event) + len(old.response)
		old.Event, old.response = nil, nil // an instance may still refer to it
		if h.byID[old.ID] == old {
			delete(h.byID, old.ID)
		}
	}
	h.byID[a.ID] = i
	h.keep(len(i.Event))
	return i
}

// keep makes room for a payload of n bytes. h.mu is held.
func (h *History) keep(n int) {
	h.payload += n
	for h.shed = max(h.shed, h.invocations.first()); h.payload > MaxPayloadBytes && h.shed < h.invocations.next; h.shed++ {
		old := *h.invocations.at(h.shed)
		h.payload -= len(old.Event) + len(old.response)
		old.Event, old.response = nil, nil
	}
}

// Acquire records the instance that handles the invocation.
func (i *Invocation) Acquire(instance int, on OnInstance) {
	h := i.h
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	i.instance, i.OnInstance, i.acquired, i.status = instance, on, now, StatusRunning
	if on.Cold {
		i.status = StatusInit
	}
	if in := h.instances[instance]; in != nil {
		in.active++
		in.last = i
		if in.active == 1 {
			in.Since = millis(now)
		}
	}
	f := h.figuresOf(i.Function)
	f.busy++
	s := f.second(now)
	s.busy = max(s.busy, f.busy)
	if on.Spill {
		s.spill++
	}
	if on.Provisioned {
		f.provisioned++
		s.provisioned = max(s.provisioned, f.provisioned)
	}
}

// Run records that the instance has the event.
func (i *Invocation) Run() {
	h := i.h
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	i.running, i.status = now, StatusRunning
}

// Lose records that the instance ended before it saw the event. Another one gets the
// event.
func (i *Invocation) Lose() {
	h := i.h
	h.mu.Lock()
	defer h.mu.Unlock()
	i.free(h.now(), BarBusy)
	i.instance, i.status = 0, StatusWaiting
}

// free releases the instance. h.mu is held.
func (i *Invocation) free(now time.Time, kind string) {
	if i.instance == 0 {
		return
	}
	f := i.h.figuresOf(i.Function)
	f.busy--
	if i.Provisioned {
		f.provisioned--
	}
	from := i.running
	if from.IsZero() {
		from = now
	}
	i.h.bars.add(Bar{Instance: i.instance, Start: millis(from), End: millis(now), Kind: kind, Count: 1})
	if in := i.h.instances[i.instance]; in != nil {
		in.active--
		in.Invocations++
		in.Since = millis(now)
	}
}

// End records the result of the invocation. The history keeps the response, so nobody may
// write to it any more; failure is the error's text.
func (i *Invocation) End(response []byte, status, failure string) {
	h := i.h
	code, failed := 0, 0
	switch i.Source {
	case SourceHTTP, SourceReplay:
		code = statusCode(response)
	case SourceQueue:
		failed = bytes.Count(response, []byte(`"itemIdentifier"`))
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	i.ended, i.status, i.failure, i.code, i.failed, i.answer = now, status, failure, code, failed, len(response)
	if len(response) <= MaxPayload && i.number >= h.invocations.first() {
		i.response = response
		h.keep(len(response))
	}
	kind := BarBusy
	switch {
	case status != StatusOK || code >= 500:
		kind = BarFailed
	case i.Spill:
		kind = BarSpill
	}
	i.free(now, kind)
	s := h.figuresOf(i.Function).second(now)
	switch status {
	case StatusThrottled:
		s.throttled++
		h.throttle(i, now)
		return
	case StatusTimeout, StatusCrash:
		h.mark(Mark{Time: millis(now), Kind: status, Function: i.Function, Instance: i.instance, Request: i.ID, Count: 1})
		s.errors++
	case StatusError:
		s.errors++
	}
	s.count++
	if code >= 500 {
		s.errors++
	}
	initialized := 0.0
	if i.Cold {
		s.cold++
		initialized = between(i.acquired, i.running)
	}
	s.latency[0].add(i.waited())
	if i.Cold {
		s.latency[1].add(initialized)
	}
	s.latency[2].add(between(i.running, now))
}

func (i *Invocation) waited() float64 {
	return float64(i.Waited.Microseconds())/1000 + between(i.arrived, i.acquired)
}

// statusCode returns the status in a gateway's response.
func statusCode(response []byte) int {
	_, rest, ok := bytes.Cut(response, []byte(`"statusCode":`))
	if !ok {
		return 0
	}
	n, digits := 0, 0
	for _, c := range bytes.TrimLeft(rest, " \"") {
		if c < '0' || c > '9' || digits == 3 {
			break
		}
		n, digits = 10*n+int(c-'0'), digits+1
	}
	return n
}

// Summary is an invocation in a list.
type Summary struct {
	ID       string `json:"id"`
	Number   uint64 `json:"number"`
	Function string `json:"function"`
	Source   string `json:"source"`
	// Label is a short description: "POST /orders", the name of a queue or schedule.
	Label  string `json:"label"`
	Status string `json:"status"`
	// Code is the status of an HTTP response, 0 for none.
	Code int `json:"code,omitempty"`
	// Failed is the number of a batch's messages that will be retried.
	Failed   int    `json:"failed,omitempty"`
	Error    string `json:"error,omitempty"`
	Instance int    `json:"instance,omitempty"`
	Cold     bool   `json:"cold,omitempty"`
	// Provisioned says that it ran on provisioned concurrency. Spill says that it did
	// not, because all provisioned instances were busy.
	Provisioned bool `json:"provisioned,omitempty"`
	Spill       bool `json:"spill,omitempty"`
	// Time is when it arrived, in milliseconds since 1970. The others are durations in
	// milliseconds.
	Time    int64   `json:"time"`
	Waited  float64 `json:"waitedMs"`
	Init    float64 `json:"initMs"`
	Handler float64 `json:"handlerMs"`
}

// summary makes a new summary on each call. h.mu is held.
func (i *Invocation) summary() Summary {
	s := Summary{
		ID: i.ID, Number: i.number, Function: i.Function, Source: i.Source, Label: i.describe(), Status: i.status, Code: i.code, Failed: i.failed, Error: i.failure,
		Instance: i.instance, Cold: i.Cold, Provisioned: i.Provisioned, Spill: i.Spill, Time: millis(i.arrived), Waited: i.waited(),
	}
	end := i.ended
	if end.IsZero() {
		end = i.h.now()
	}
	switch {
	case i.running.IsZero() && i.Cold:
		s.Init = between(i.acquired, end)
	case i.Cold:
		s.Init = between(i.acquired, i.running)
	}
	s.Handler = between(i.running, end)
	return s
}

// describe derives the label from the event.
func (i *Invocation) describe() string {
	if i.label != "" || i.Event == nil {
		return i.label
	}
	var e struct {
		Type    string `json:"type"`
		RawPath string `json:"rawPath"`
		Path    string `json:"path"`
		Method  string `json:"httpMethod"`
		Context struct {
			RouteKey  string `json:"routeKey"`
			EventType string `json:"eventType"`
			HTTP      struct{ Method, Path string }
		} `json:"requestContext"`
		Records []struct {
			Source string `json:"eventSource"`
			ARN    string `json:"eventSourceARN"`
		}
		DetailType string   `json:"detail-type"`
		Resources  []string `json:"resources"`
	}
	json.Unmarshal(i.Event, &e) //nolint:errcheck // whatever was read is told
	switch {
	case e.Type == "REQUEST" || e.Type == "TOKEN":
		i.label = "authorizer"
	case len(e.Records) > 0:
		i.label = e.Records[0].ARN[strings.LastIndexByte(e.Records[0].ARN, ':')+1:]
		if len(e.Records) > 1 {
			i.label += " ×" + strconv.Itoa(len(e.Records))
		}
	case e.Context.HTTP.Method != "":
		i.label = e.Context.HTTP.Method + " " + e.RawPath
	case e.Method != "":
		i.label = e.Method + " " + e.Path
	case e.Context.EventType != "":
		i.label = e.Context.RouteKey
	case len(e.Resources) > 0:
		i.label = e.Resources[0][strings.LastIndexByte(e.Resources[0], '/')+1:]
	case e.DetailType != "":
		i.label = e.DetailType
	default:
		i.label = i.Source
	}
	return i.label
}

// messages returns the ids of the messages in a batch's event.
func (i *Invocation) messages() []string {
	if i.scanned || i.Source != SourceQueue {
		return i.messageIDs
	}
	i.scanned = true
	key := []byte(`"messageId":"`) // a body contains only escaped quotes
	for rest := i.Event; ; {
		at := bytes.Index(rest, key)
		if at < 0 {
			return i.messageIDs
		}
		rest = rest[at+len(key):]
		if end := bytes.IndexByte(rest, '"'); end >= 0 {
			i.messageIDs = append(i.messageIDs, string(rest[:end]))
		}
	}
}

// Filter selects invocations. Its zero value selects all.
type Filter struct {
	Source, Status, Function string
	// Text is a part of the label, the id or the error.
	Text string
	// Instance is the id of one instance; 0 means any.
	Instance int
	// MinMs and MaxMs bound the duration of init and handler, in milliseconds. A MaxMs of
	// 0 sets no bound.
	MinMs, MaxMs float64
	// Before is an invocation's number: only older ones are selected. 0 means any.
	Before uint64
	// From and To bound the time of arrival; a zero time sets no bound.
	From, To time.Time
	// Limit is the most invocations to return; 0 means 100.
	Limit int
}

func (f *Filter) matches(s *Summary) bool {
	took := s.Init + s.Handler
	text := strings.ToLower(f.Text)
	return (f.Source == "" || f.Source == s.Source) && (f.Function == "" || f.Function == s.Function) &&
		(f.Status == "" || f.Status == s.Status || f.Status == StatusFailed && (s.Status != StatusOK && s.Status != StatusRunning && s.Status != StatusInit && s.Status != StatusWaiting || s.Code >= 500 || s.Failed > 0)) &&
		(f.Instance == 0 || f.Instance == s.Instance) && took >= f.MinMs && (f.MaxMs == 0 || took <= f.MaxMs) &&
		(text == "" || strings.Contains(strings.ToLower(s.Label+" "+s.ID+" "+s.Error), text))
}

// Invocations returns the invocations that a filter selects, newest first.
func (h *History) Invocations(f Filter) []Summary {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	list := []Summary{}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invocations.newest(func(p **Invocation) bool {
		i := *p
		if f.Before > 0 && i.number >= f.Before || !f.From.IsZero() && i.arrived.Before(f.From) || !f.To.IsZero() && i.arrived.After(f.To) {
			return true
		}
		if s := i.summary(); f.matches(&s) {
			list = append(list, s)
		}
		return len(list) < limit
	})
	return list
}

// Detail is everything that the history has about an invocation.
type Detail struct {
	Summary
	// Event and Response are the originals; nil if they are no longer kept. EventBytes
	// and ResponseBytes are their sizes.
	Event, Response           []byte
	EventBytes, ResponseBytes int
	Lines                     []Line
}

// Find returns an invocation by its id, and false if it is no longer kept.
func (h *History) Find(id string) (Detail, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.byID[id]
	if i == nil {
		return Detail{}, false
	}
	d := Detail{Summary: i.summary(), Event: i.Event, Response: i.response, EventBytes: i.size, ResponseBytes: i.answer, Lines: []Line{}}
	h.lines.since(h.lineFloor, func(l *Line) bool {
		if l.Request == id {
			d.Lines = append(d.Lines, *l)
		}
		return true
	})
	return d, true
}
