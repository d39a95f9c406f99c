// Package faults decides on deliberate failures: killed instances, throttled or slow
// invocations, duplicate messages, a lost database.
//
//	set := faults.New(time.Now, 1)
//	err := set.Replace([]faults.Fault{{Kind: faults.Throttle, Share: 0.2}})
package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of faults.
const (
	Kill      = "kill"
	Throttle  = "throttle"
	Delay     = "delay"
	SlowInit  = "slowInit"
	Duplicate = "duplicate"
	Database  = "database"
)

// Fault is one deliberate failure.
//
//	{"kind": "throttle", "function": "Shop-Handler", "share": 0.2, "for": "30s"}
type Fault struct {
	// Kind is one of
	//   - "kill": the engine kills an instance's process, up to Delay after it gets an event
	//   - "throttle": the engine refuses an invocation
	//   - "delay": an invocation takes Delay longer
	//   - "slowInit": an init phase takes Delay longer
	//   - "duplicate": a standard queue delivers a message again although its job succeeded
	//   - "database": connections to the database break, and new ones fail
	Kind string `json:"kind"`
	// Function is the name of the affected function. "" means all.
	Function string `json:"function,omitempty"`
	// Queue is the name of the queue that "duplicate" affects. "" means all.
	Queue string `json:"queue,omitempty"`
	// Share is the share of events that the fault affects, from 0 to 1. 0 means 1: all.
	Share float64 `json:"share,omitempty"`
	// Delay is the delay of "delay" and "slowInit", and the longest delay of "kill".
	Delay Duration `json:"delay,omitempty"`
	// For is how long the fault is active. 0 means until it is switched off.
	For Duration `json:"for,omitempty"`
	// Off keeps the fault in the list without any effect.
	Off bool `json:"off,omitempty"`
}

// Duration is a time.Duration whose JSON form is text, such as "1.5s".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

func (f *Fault) validate() error {
	var errs []error
	check := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	kinds := []string{Kill, Throttle, Delay, SlowInit, Duplicate, Database}
	check(!slices.Contains(kinds, f.Kind), "kind must be one of %q, got %q", kinds, f.Kind)
	check(f.Share < 0 || f.Share > 1, "share must be 0 to 1, got %v", f.Share)
	check(f.Delay < 0 || f.Delay > Duration(time.Hour), "delay must be 0 to 1h, got %v", time.Duration(f.Delay))
	check(f.Delay == 0 && (f.Kind == Delay || f.Kind == SlowInit), "delay must be set for %q", f.Kind)
	check(f.For < 0, "for must be 0 or more, got %v", time.Duration(f.For))
	check(f.Queue != "" && f.Kind != Duplicate, "queue is for %q alone, got it for %q", Duplicate, f.Kind)
	check(f.Function != "" && (f.Kind == Duplicate || f.Kind == Database), "function is not for %q", f.Kind)
	return errors.Join(errs...)
}

// Read reads a file of faults: {"faults": [...]}.
func Read(data []byte) ([]Fault, error) {
	var file File
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	return file.Faults, check(file.Faults)
}

// File is the content of a file of faults.
type File struct {
	Faults []Fault `json:"faults"`
}

func check(list []Fault) error {
	var errs []error
	for n := range list {
		if err := list[n].validate(); err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", n+1, err))
		}
	}
	return errors.Join(errs...)
}

// Set is a list of faults that can be replaced at any time. It is safe for concurrent
// use.
type Set struct {
	now    func() time.Time
	active atomic.Pointer[list] // nil if no fault is active

	mu     sync.Mutex
	all    list
	random *rand.Rand
}

type list []armed

type armed struct {
	Fault
	until time.Time // zero means no end
}

// New returns a set without faults. Sets with equal seeds make equal decisions for the
// same sequence of calls.
func New(now func() time.Time, seed uint64) *Set {
	return &Set{now: now, random: rand.New(rand.NewPCG(seed, 0))}
}

// Replace replaces all faults and starts the new ones. An unchanged fault keeps its
// remaining time.
func (s *Set) Replace(faults []Fault) error {
	if err := check(faults); err != nil {
		return err
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.all
	s.all = nil
	var active list
	for _, f := range faults {
		a := armed{Fault: f}
		if f.For > 0 {
			a.until = now.Add(time.Duration(f.For))
		}
		if i := slices.IndexFunc(before, func(b armed) bool { return b.Fault == f }); i >= 0 && before[i].until.After(now) {
			a.until = before[i].until
		}
		s.all = append(s.all, a)
		if !f.Off {
			active = append(active, a)
		}
	}
	s.active.Store(nil)
	if active != nil {
		s.active.Store(&active)
	}
	return nil
}

// State is a fault with its remaining time.
type State struct {
	Fault
	// Active says that the fault has an effect. Left is its remaining time in seconds; 0
	// means that it has no end.
	Active bool    `json:"active"`
	Left   float64 `json:"leftSeconds,omitempty"`
}

// State returns all faults.
func (s *Set) State() []State {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []State{}
	for _, a := range s.all {
		v := State{Fault: a.Fault, Active: a.acts(now)}
		if v.Active && !a.until.IsZero() {
			v.Left = a.until.Sub(now).Seconds()
		}
		out = append(out, v)
	}
	return out
}

func (a *armed) acts(now time.Time) bool {
	return !a.Off && (a.until.IsZero() || now.Before(a.until))
}

// hits returns the faults of a kind that affect the present event.
func (s *Set) hits(kind, function, queue string) (hits []Fault) {
	active := s.active.Load()
	if active == nil {
		return nil
	}
	for i := range *active {
		a := &(*active)[i]
		if a.Kind != kind || a.Function != "" && a.Function != function || a.Queue != "" && a.Queue != queue || !a.acts(s.now()) {
			continue
		}
		if a.Share == 0 || a.Share >= 1 || s.float() < a.Share {
			hits = append(hits, a.Fault)
		}
	}
	return hits
}

func (s *Set) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64()
}

// Throttle reports whether to refuse an invocation.
func (s *Set) Throttle(function string) bool { return len(s.hits(Throttle, function, "")) > 0 }

// SlowInit returns the extra duration of an init phase.
func (s *Set) SlowInit(function string) time.Duration { return sum(s.hits(SlowInit, function, "")) }

// Delay returns the extra duration of an invocation.
func (s *Set) Delay(function string) time.Duration { return sum(s.hits(Delay, function, "")) }

func sum(hits []Fault) (total time.Duration) {
	for _, f := range hits {
		total += time.Duration(f.Delay)
	}
	return total
}

// Kill reports whether to kill an instance, and how long after it gets its event.
func (s *Set) Kill(function string) (after time.Duration, kill bool) {
	hits := s.hits(Kill, function, "")
	if len(hits) == 0 {
		return 0, false
	}
	return time.Duration(s.float() * float64(hits[0].Delay)), true
}

// Duplicate reports whether to deliver a finished message again.
func (s *Set) Duplicate(queue string) bool { return len(s.hits(Duplicate, "", queue)) > 0 }

// DatabaseGone reports whether connections to the database fail.
func (s *Set) DatabaseGone() bool { return len(s.hits(Database, "", "")) > 0 }
