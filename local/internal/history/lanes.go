package history

import (
	"cmp"
	"slices"
	"time"
)

// Kinds of bars.
const (
	BarInit   = "init"
	BarBusy   = "busy"
	BarSpill  = "spill" // an on-demand invocation because the provisioned instances were busy
	BarFailed = "failed"
)

// Bar is a period in which an instance was busy.
type Bar struct {
	Instance int `json:"i"`
	// Start and End are milliseconds since 1970.
	Start int64  `json:"s"`
	End   int64  `json:"e"`
	Kind  string `json:"k"`
	// Count is the number of invocations that were joined into this bar.
	Count int `json:"n"`
}

// Kinds of marks, besides [StatusTimeout], [StatusCrash] and [StatusThrottled].
const (
	MarkKilled = "killed" // by the user or a fault
	MarkHealed = "healed" // the program exited between invocations
)

// Mark is an event at one moment.
type Mark struct {
	Time     int64  `json:"t"`
	Kind     string `json:"k"`
	Function string `json:"f"`
	// Instance and Request are 0 and "" for throttles.
	Instance int    `json:"i,omitempty"`
	Request  string `json:"r,omitempty"`
	Count    int    `json:"n"`
}

// Instance is one execution environment.
type Instance struct {
	ID          int    `json:"id"`
	Function    string `json:"function"`
	Version     string `json:"version"`
	Provisioned bool   `json:"provisioned"`
	PID         int    `json:"pid,omitempty"`
	// State is "init", "busy", "idle", "frozen" or "ended".
	State string `json:"state"`
	// Born, Ready and Ended are milliseconds since 1970; 0 for events still to come.
	Born  int64 `json:"born"`
	Ready int64 `json:"ready,omitempty"`
	Ended int64 `json:"ended,omitempty"`
	// Since is when it last became busy or idle.
	Since int64 `json:"since,omitempty"`
	// Why is the reason for its end.
	Why         string `json:"why,omitempty"`
	Invocations int    `json:"invocations"`

	active int
	frozen bool
	last   *Invocation
}

func (in *Instance) view() Instance {
	v := *in
	v.last = nil
	switch {
	case in.Ended > 0:
		v.State = "ended"
	case in.Ready == 0:
		v.State = "init"
	case in.active > 0:
		v.State = "busy"
	case in.frozen:
		v.State = "frozen"
	default:
		v.State = "idle"
	}
	return v
}

// InstanceStarts records the beginning of an instance's init phase.
func (h *History) InstanceStarts(id int, function, version string, provisioned bool) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.instances[id]
	if in == nil {
		in = &Instance{ID: id, Function: function, Version: version, Provisioned: provisioned, Born: millis(now)}
		h.instances[id] = in
	}
}

// InstanceIsReady records the end of an instance's init phase.
func (h *History) InstanceIsReady(id, pid int) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.instances[id]
	if in == nil {
		return
	}
	in.PID, in.Ready = pid, millis(now)
	in.Since = in.Ready
	h.bars.add(Bar{Instance: id, Start: in.Born, End: in.Ready, Kind: BarInit, Count: 1})
}

// InstanceFreezes records that the user froze an instance, or that it was thawed.
func (h *History) InstanceFreezes(id int, frozen bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if in := h.instances[id]; in != nil {
		in.frozen = frozen
	}
}

// InstanceEnds records the end of an instance and the reason. mark is the kind of mark in
// its lane, "" for none.
func (h *History) InstanceEnds(id int, why, mark string) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.instances[id]
	if in == nil || in.Ended > 0 {
		return
	}
	in.Ended, in.Why = millis(now), why
	if in.Ready == 0 {
		h.bars.add(Bar{Instance: id, Start: in.Born, End: in.Ended, Kind: BarFailed, Count: 1})
	}
	if mark != "" {
		h.mark(Mark{Time: in.Ended, Kind: mark, Function: in.Function, Instance: id, Count: 1})
	}
	if old, full := h.ended.add(id); full {
		delete(h.instances, old)
	}
}

func (h *History) mark(m Mark) { h.marks.add(m) }

// throttle counts a throttled invocation. h.mu is held.
func (h *History) throttle(i *Invocation, now time.Time) {
	p := h.pending[i.Function]
	if p != nil && millis(now)-p.Time < throttleWindow.Milliseconds() {
		p.Count++
		return
	}
	if p != nil {
		h.mark(*p)
	}
	h.pending[i.Function] = &Mark{Time: millis(now), Kind: StatusThrottled, Function: i.Function, Request: i.ID, Count: 1}
}

// flush makes marks of throttle counts whose window is over. h.mu is held.
func (h *History) flush(now time.Time) {
	for name, p := range h.pending {
		if millis(now)-p.Time >= throttleWindow.Milliseconds() {
			h.mark(*p)
			delete(h.pending, name)
		}
	}
}

// join joins bars of one instance and kind if they are less than gap apart.
func join(bars []Bar, gap int64) []Bar {
	type key struct {
		instance int
		kind     string
	}
	last := map[key]int{}
	out := bars[:0]
	for _, b := range bars {
		k := key{b.Instance, b.Kind}
		if n, ok := last[k]; ok && b.Start-out[n].End <= gap && b.Start >= out[n].Start {
			out[n].End, out[n].Count = max(out[n].End, b.End), out[n].Count+b.Count
			continue
		}
		last[k] = len(out)
		out = append(out, b)
	}
	return out
}

// Lanes is the data of the instances' lanes.
type Lanes struct {
	// Time is the present time, in milliseconds since 1970.
	Time      int64      `json:"time"`
	Instances []Instance `json:"instances"`
	Bars      []Bar      `json:"bars"`
	Marks     []Mark     `json:"marks"`
}

// Lanes returns the lanes of the last d. It joins bars that are less than gap apart.
func (h *History) Lanes(d, gap time.Duration) Lanes {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.flush(now)
	since := millis(now.Add(-d))
	l := Lanes{Time: millis(now), Instances: h.views(since), Bars: []Bar{}, Marks: []Mark{}}
	h.bars.since(0, func(b *Bar) bool {
		if b.End >= since {
			l.Bars = append(l.Bars, *b)
		}
		return true
	})
	l.Bars = join(l.Bars, gap.Milliseconds())
	h.marks.since(0, func(m *Mark) bool {
		if m.Time >= since {
			l.Marks = append(l.Marks, *m)
		}
		return true
	})
	return l
}

// views returns the running instances and those that ended since a time. h.mu is held.
func (h *History) views(since int64) []Instance {
	list := []Instance{}
	for _, in := range h.instances {
		if in.Ended == 0 || in.Ended >= since {
			list = append(list, in.view())
		}
	}
	slices.SortFunc(list, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
