package history

import (
	"math"
	"time"
)

// figures are the counters of a function.
type figures struct {
	busy, provisioned int
	seconds           ring[second]
}

func (h *History) figuresOf(function string) *figures {
	f := h.functions[function]
	if f == nil {
		f = &figures{seconds: newRing[second](MaxSeconds)}
		h.functions[function] = f
	}
	return f
}

// second has a function's figures for one second of wall time.
type second struct {
	at                             int64
	count, cold, throttled, errors int
	spill, busy, provisioned       int
	latency                        [3]histogram // waiting, init, handler
}

func (f *figures) second(now time.Time) *second {
	at := now.Unix()
	if n := f.seconds.next; n > 0 {
		if s := f.seconds.at(n - 1); s.at >= at {
			return s
		}
	}
	f.seconds.add(second{at: at, busy: f.busy, provisioned: f.provisioned})
	return f.seconds.at(f.seconds.next - 1)
}

// histogram counts durations in buckets from 0.05 ms on; each is a fifth larger than the
// last.
type histogram struct {
	n      uint32
	bucket [80]uint16
}

const (
	lowest = 0.05
	growth = 1.2
)

func (g *histogram) add(ms float64) {
	at := 0
	if ms > lowest {
		at = min(int(math.Log(ms/lowest)/math.Log(growth))+1, len(g.bucket)-1)
	}
	g.n++
	if g.bucket[at] < math.MaxUint16 {
		g.bucket[at]++
	}
}

// quantile returns the upper end of the bucket that contains the quantile.
func (g *histogram) quantile(share float64) float64 {
	if g.n == 0 {
		return 0
	}
	rank := uint32(math.Ceil(share * float64(g.n)))
	for at, seen := 0, uint32(0); at < len(g.bucket); at++ {
		if seen += uint32(g.bucket[at]); seen >= rank {
			return math.Round(1000*lowest*math.Pow(growth, float64(at))) / 1000
		}
	}
	return lowest * math.Pow(growth, float64(len(g.bucket)))
}

// Second has a function's figures for one second. Quantiles have an error of up to a
// fifth.
type Second struct {
	// Time is in seconds since 1970.
	Time      int64  `json:"time"`
	Function  string `json:"function"`
	Count     int    `json:"count"` // finished invocations, without throttled ones
	Cold      int    `json:"cold"`
	Throttled int    `json:"throttled"`
	Errors    int    `json:"errors"`
	Spill     int    `json:"spill"`
	// Busy is the most invocations that ran at once, Provisioned the number of them on
	// provisioned concurrency.
	Busy        int `json:"busy"`
	Provisioned int `json:"provisioned"`
	// The 50th, 90th and 99th percentiles in milliseconds.
	Waited  [3]float64 `json:"waitedMs"`
	Init    [3]float64 `json:"initMs"`
	Handler [3]float64 `json:"handlerMs"`
}

func (s *second) view(function string) Second {
	v := Second{
		Time: s.at, Function: function, Count: s.count, Cold: s.cold, Throttled: s.throttled, Errors: s.errors, Spill: s.spill, Busy: s.busy, Provisioned: s.provisioned,
	}
	for n, into := range []*[3]float64{&v.Waited, &v.Init, &v.Handler} {
		for q, share := range []float64{0.5, 0.9, 0.99} {
			into[q] = s.latency[n].quantile(share)
		}
	}
	return v
}

// QueueSample has a queue's counters at one moment.
type QueueSample struct {
	Time     int64   `json:"time"` // in seconds since 1970
	Queue    string  `json:"queue"`
	Visible  int     `json:"visible"`
	InFlight int     `json:"inFlight"`
	Delayed  int     `json:"delayed"`
	Age      float64 `json:"ageSeconds"` // of the oldest message
}

// SampleQueue adds a sample and sets its time.
func (h *History) SampleQueue(s QueueSample) {
	s.Time = h.now().Unix()
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.queues[s.Queue]
	if r == nil {
		fresh := newRing[QueueSample](MaxSeconds)
		r = &fresh
		h.queues[s.Queue] = r
	}
	r.add(s)
}

// Series are the figures of recent seconds.
type Series struct {
	Functions []Second      `json:"functions"`
	Queues    []QueueSample `json:"queues"`
}

// Series returns the figures of completed seconds after a time, in seconds since 1970.
func (h *History) Series(after int64) Series {
	out := Series{Functions: []Second{}, Queues: []QueueSample{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now().Unix()
	for name, f := range h.functions {
		f.seconds.since(0, func(s *second) bool {
			if s.at > after && s.at < now {
				out.Functions = append(out.Functions, s.view(name))
			}
			return true
		})
	}
	for _, r := range h.queues {
		r.since(0, func(s *QueueSample) bool {
			if s.Time > after && s.Time < now {
				out.Queues = append(out.Queues, *s)
			}
			return true
		})
	}
	return out
}
