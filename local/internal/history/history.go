// Package history records an engine's recent events: the life of instances, invocations
// with their events and responses, log lines, messages and frames.
//
//	h := history.New()
//	h.InstanceStarts(1, "Shop-Handler", "1", true)
//	i := h.Arrive(history.Arrival{ID: id, Function: "Shop-Handler", Source: history.SourceHTTP, Event: event})
//	i.Acquire(1, history.OnInstance{Provisioned: true})
//	i.Run()
//	i.End(response, history.StatusOK, "")
//
// Rings of a fixed size hold everything, so an engine that runs for days keeps only
// recent events. Recording takes one short lock and copies nothing: the history keeps the
// engine's own slices of events and responses. Nobody may write to them afterwards.
package history

import (
	"sync"
	"time"
)

// Bounds of the history. The oldest entries go first.
const (
	// MaxInvocations bounds the invocations, MaxPayloadBytes their events and responses
	// together. An event or response larger than MaxPayload is not kept.
	MaxInvocations  = 4000
	MaxPayloadBytes = 32 << 20
	MaxPayload      = 1 << 20
	// MaxBars bounds the bars in the lanes of instances. Each init phase and each
	// invocation has one.
	MaxBars = 1 << 16
	// MaxMarks bounds the marks in lanes. Throttles within throttleWindow share one mark.
	MaxMarks = 8192
	// MaxLines bounds the log lines, MaxLineBytes their text. A line longer than MaxLine
	// is cut off.
	MaxLines     = 8000
	MaxLineBytes = 8 << 20
	MaxLine      = 16 << 10
	// MaxMessages bounds the messages with a known sender.
	MaxMessages = 8000
	// MaxFrames bounds the WebSocket messages. Each keeps its first MaxFrame bytes.
	MaxFrames = 2000
	MaxFrame  = 4 << 10
	// MaxEnded bounds the ended instances.
	MaxEnded = 500
	// MaxSeconds is the number of seconds in the series.
	MaxSeconds = 600
)

const throttleWindow = 50 * time.Millisecond

// History is safe for concurrent use. Make it with [New].
type History struct {
	now func() time.Time

	mu          sync.Mutex
	invocations ring[*Invocation]
	byID        map[string]*Invocation
	payload     int    // bytes of events and responses
	shed        uint64 // earlier invocations no longer have their payloads
	bars        ring[Bar]
	marks       ring[Mark]
	pending     map[string]*Mark // marks of throttles that still count up, by function
	lines       ring[Line]
	lineBytes   int
	lineFloor   uint64 // earlier lines are dropped
	messages    ring[*message]
	messageByID map[string]*message
	sends       map[[2]string]int // number of messages by function and queue
	frames      ring[Frame]
	instances   map[int]*Instance
	ended       ring[int]
	functions   map[string]*figures
	queues      map[string]*ring[QueueSample]
}

// New returns an empty history.
func New() *History {
	return &History{
		now:         time.Now,
		invocations: newRing[*Invocation](MaxInvocations), byID: map[string]*Invocation{},
		bars: newRing[Bar](MaxBars), marks: newRing[Mark](MaxMarks), pending: map[string]*Mark{},
		lines: newRing[Line](MaxLines), messages: newRing[*message](MaxMessages), messageByID: map[string]*message{}, sends: map[[2]string]int{},
		frames: newRing[Frame](MaxFrames), instances: map[int]*Instance{}, ended: newRing[int](MaxEnded),
		functions: map[string]*figures{}, queues: map[string]*ring[QueueSample]{},
	}
}

// ring holds the last max added values. The first value ever added has number 0.
type ring[T any] struct {
	items []T
	next  uint64 // the number of the next value
	max   int
}

func newRing[T any](max int) ring[T] { return ring[T]{max: max} }

// add adds a value and returns the one that it displaces.
func (r *ring[T]) add(v T) (displaced T, full bool) {
	if len(r.items) < r.max {
		r.items = append(r.items, v)
	} else {
		at := r.next % uint64(r.max)
		displaced, full = r.items[at], true
		r.items[at] = v
	}
	r.next++
	return displaced, full
}

// first returns the number of the oldest value.
func (r *ring[T]) first() uint64 { return r.next - uint64(len(r.items)) }

func (r *ring[T]) at(n uint64) *T { return &r.items[n%uint64(r.max)] }

// since calls yield for the values from number n on, oldest first, until yield returns
// false.
func (r *ring[T]) since(n uint64, yield func(*T) bool) {
	for n = max(n, r.first()); n < r.next && yield(r.at(n)); n++ {
	}
}

// newest calls yield for all values, newest first, until yield returns false.
func (r *ring[T]) newest(yield func(*T) bool) {
	for n := r.next; n > r.first() && yield(r.at(n-1)); n-- {
	}
}

// millis converts a time for the page: milliseconds since 1970.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// between returns a duration in milliseconds, with microseconds; 0 unless both times are
// known.
func between(from, to time.Time) float64 {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return 0
	}
	return float64(to.Sub(from).Microseconds()) / 1000
}
