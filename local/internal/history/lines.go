package history

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// Line is a log line.
type Line struct {
	Number   uint64 `json:"number"`
	Time     int64  `json:"time"` // milliseconds since 1970
	Function string `json:"function"`
	Instance int    `json:"instance,omitempty"`
	// Request is the line's invocation, "" if it is unknown.
	Request string `json:"request,omitempty"`
	Text    string `json:"text"`
}

// Log adds a line of an instance's output. The line belongs to the request in its
// requestId, or else to the last request of the instance.
func (h *History) Log(instance int, function string, text []byte) {
	line := Line{Time: millis(h.now()), Function: function, Instance: instance, Request: requestOf(text), Text: clip(text, MaxLine)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if in := h.instances[instance]; in != nil {
		line.Function = in.Function
		if line.Request == "" && in.last != nil {
			line.Request = in.last.ID
		}
	}
	h.line(line)
}

// Note adds a line of the engine: Lambda's own messages about a function.
func (h *History) Note(text string) {
	line := Line{Time: millis(h.now()), Text: clip([]byte(text), MaxLine)}
	if _, rest, ok := strings.Cut(text, "RequestId: "); ok {
		line.Request = strings.TrimRight(strings.SplitN(rest, " ", 2)[0], ":")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if name, _, ok := strings.Cut(text, ": "); ok && h.functions[name] != nil {
		line.Function = name
	}
	h.line(line)
}

func (h *History) line(l Line) {
	l.Number = h.lines.next
	old, full := h.lines.add(l)
	if full && old.Number >= h.lineFloor {
		h.lineBytes -= len(old.Text)
	}
	h.lineBytes += len(l.Text)
	for h.lineFloor = max(h.lineFloor, h.lines.first()); h.lineBytes > MaxLineBytes; h.lineFloor++ {
		gone := h.lines.at(h.lineFloor)
		h.lineBytes -= len(gone.Text)
		gone.Text = ""
	}
}

// requestOf returns the request id in a JSON log record.
func requestOf(text []byte) string {
	_, rest, ok := bytes.Cut(text, []byte(`"requestId":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 || end > 64 {
		return ""
	}
	return string(rest[:end])
}

func clip(text []byte, n int) string {
	text = bytes.TrimRight(text, "\n")
	if len(text) > n {
		return strings.ToValidUTF8(string(text[:n]), "") + "…"
	}
	return string(text)
}

// LineFilter selects log lines.
type LineFilter struct {
	Function, Request, Text string
	Before                  uint64
	Limit                   int // 0 means 200
}

// Lines returns log lines, newest first.
func (h *History) Lines(f LineFilter) []Line {
	limit := f.Limit
	if limit <= 0 {
		limit = 200
	}
	text := strings.ToLower(f.Text)
	list := []Line{}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines.newest(func(l *Line) bool {
		if l.Number < h.lineFloor {
			return false
		}
		if (f.Before == 0 || l.Number < f.Before) && (f.Function == "" || f.Function == l.Function) && (f.Request == "" || f.Request == l.Request) &&
			(text == "" || strings.Contains(strings.ToLower(l.Text), text)) {
			list = append(list, *l)
		}
		return len(list) < limit
	})
	return list
}

// Frame is a WebSocket message, or the beginning or end of a connection.
type Frame struct {
	Number     uint64 `json:"number"`
	Time       int64  `json:"time"`
	API        string `json:"api"`
	Connection string `json:"connection"`
	// Kind is "connect", "in", "out" or "disconnect".
	Kind string `json:"kind"`
	// Text is the message, or how the connection ended; Size is its size in bytes.
	Text string `json:"text,omitempty"`
	Size int    `json:"size"`
}

// Frame adds a frame.
func (h *History) Frame(api, connection, kind string, text []byte) {
	f := Frame{Time: millis(h.now()), API: api, Connection: connection, Kind: kind, Text: clip(text, MaxFrame), Size: len(text)}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.Number = h.frames.next
	h.frames.add(f)
}

// Frames returns up to limit frames of an API, newest first; "" means all, 0 means 200.
func (h *History) Frames(api string, limit int) []Frame {
	if limit <= 0 {
		limit = 200
	}
	list := []Frame{}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.frames.newest(func(f *Frame) bool {
		if api == "" || f.API == api {
			list = append(list, *f)
		}
		return len(list) < limit
	})
	return list
}

// Cursor is the position of a reader of [History.Tick]. Its zero value begins at the
// oldest entries; see [History.End].
type Cursor struct {
	invocations, bars, marks, lines, frames uint64
	seconds                                 int64
	since                                   int64
	open                                    map[uint64]bool // invocations in progress
}

// End returns a cursor for a reader that wants only later events.
func (h *History) End() *Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	return &Cursor{h.invocations.next, h.bars.next, h.marks.next, h.lines.next, h.frames.next, now.Unix() - 1, millis(now), map[uint64]bool{}}
}

// Tick has the events since the tick before.
type Tick struct {
	Lanes
	// Invocations are the newest that began or changed, oldest first. Skipped is the
	// number of further ones.
	Invocations []Summary `json:"invocations"`
	Skipped     int       `json:"skipped,omitempty"`
	// Lines are the newest lines, oldest first. SkippedLines is the number of further
	// ones.
	Lines        []Line  `json:"lines"`
	SkippedLines int     `json:"skippedLines,omitempty"`
	Frames       []Frame `json:"frames"`
	Series       Series  `json:"series"`
}

// Bounds of one tick.
const (
	tickInvocations = 40
	tickLines       = 60
	tickGap         = 2 * time.Millisecond
)

// Tick returns the events since the cursor and moves the cursor. Its size is bounded.
func (h *History) Tick(c *Cursor) Tick {
	series := h.Series(c.seconds)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.flush(now)
	t := Tick{Lanes: Lanes{Time: millis(now), Instances: h.views(c.since), Bars: []Bar{}, Marks: []Mark{}}, Invocations: []Summary{}, Lines: []Line{}, Frames: []Frame{}, Series: series}
	h.bars.since(c.bars, func(b *Bar) bool { t.Bars = append(t.Bars, *b); return true })
	t.Bars = join(t.Bars, tickGap.Milliseconds())
	h.marks.since(c.marks, func(m *Mark) bool { t.Marks = append(t.Marks, *m); return true })
	var changed []*Invocation
	for n := range c.open {
		if n < h.invocations.first() {
			delete(c.open, n)
		} else if i := *h.invocations.at(n); !i.ended.IsZero() {
			changed = append(changed, i)
			delete(c.open, n)
		}
	}
	h.invocations.since(c.invocations, func(p **Invocation) bool {
		changed = append(changed, *p)
		if (*p).ended.IsZero() {
			c.open[(*p).number] = true
		}
		return true
	})
	t.Skipped = max(len(changed)-tickInvocations, 0)
	for _, i := range changed[t.Skipped:] {
		t.Invocations = append(t.Invocations, i.summary())
	}
	from := max(c.lines, h.lineFloor, h.lines.first())
	if n := h.lines.next - from; n > tickLines {
		t.SkippedLines = int(n - tickLines)
		from = h.lines.next - tickLines
	}
	h.lines.since(from, func(l *Line) bool { t.Lines = append(t.Lines, *l); return true })
	h.frames.since(c.frames, func(f *Frame) bool { t.Frames = append(t.Frames, *f); return true })
	c.invocations, c.bars, c.marks, c.lines, c.frames, c.since = h.invocations.next, h.bars.next, h.marks.next, h.lines.next, h.frames.next, millis(now)-1
	for _, s := range series.Functions {
		c.seconds = max(c.seconds, s.Time)
	}
	for _, s := range series.Queues {
		c.seconds = max(c.seconds, s.Time)
	}
	return t
}

// Empty reports whether a tick has no data except the time and what still runs. A tick that
// is not empty must reach the reader, for no later tick has the same.
func (t *Tick) Empty() bool {
	ended := slices.ContainsFunc(t.Instances, func(i Instance) bool { return i.Ended > 0 })
	return !ended && len(t.Bars)+len(t.Marks)+len(t.Invocations)+len(t.Lines)+len(t.Frames)+len(t.Series.Functions)+len(t.Series.Queues) == 0
}
