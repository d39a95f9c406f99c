package lambda

import (
	"slices"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Counters count a function's events since it was made.
type Counters struct {
	Invocations int `json:"invocations"`
	Errors      int `json:"errors"`    // reported by the function, timeouts and crashes included
	Throttles   int `json:"throttles"` // refused invocations
	Timeouts    int `json:"timeouts"`
	Crashes     int `json:"crashes"` // processes that exited on their own
	ColdStarts  int `json:"coldStarts"`
	InitErrors  int `json:"initErrors"`
	// Provisioned counts invocations on provisioned instances, Spillover those on
	// on-demand instances because all provisioned ones were busy.
	Provisioned   int `json:"provisionedInvocations"`
	Spillover     int `json:"spilloverInvocations"`
	Retired       int `json:"retired"`
	MaxConcurrent int `json:"maxConcurrentExecutions"`
	AsyncRetries  int `json:"asyncRetries"`
	AsyncDropped  int `json:"asyncDropped"`
}

// InstanceState is an instance in the answer of [Function.State].
type InstanceState struct {
	// ID is unique among all instances of the engine.
	ID          int    `json:"id"`
	PID         int    `json:"pid"`
	Version     string `json:"version"`
	Provisioned bool   `json:"provisioned"`
	// State is "starting", "idle" or "busy".
	State       string    `json:"state"`
	Invocations int       `json:"invocations"`
	Started     time.Time `json:"started,omitzero"`
	// Frozen says that the process is suspended until the next invocation.
	Frozen bool `json:"frozen,omitempty"`
}

// State returns the counters and the instances, oldest first.
func (f *Function) State() (Counters, []InstanceState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []InstanceState{}
	for env := range f.set {
		s := InstanceState{ID: env.id, Version: env.version, Provisioned: env.provisioned, State: "idle", Invocations: env.invocations, Started: env.started}
		if env.instance != nil {
			s.PID, s.Frozen = env.instance.PID(), env.instance.frozen()
		}
		if env.instance == nil {
			s.State = "starting"
		} else if env.active > 0 {
			s.State = "busy"
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b InstanceState) int { return a.PID - b.PID })
	return f.counters, list
}

// retire stops instances that have been idle too long.
func (f *Function) retire() {
	idle := f.host.Idle
	if idle == 0 {
		idle = DefaultIdle
	}
	for {
		select {
		case <-f.wake:
		case <-f.ctx.Done():
			return
		}
		for {
			next, any := f.retireBefore(f.host.Clock.Now().Add(-idle))
			if !any {
				break
			}
			if clock.Sleep(f.ctx, f.host.Clock, next.Add(idle).Sub(f.host.Clock.Now())) != nil {
				return
			}
		}
	}
}

// retireBefore retires the instances that have been idle since t or longer. It returns
// the idle start of the next one to retire.
func (f *Function) retireBefore(t time.Time) (next time.Time, any bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for env := range f.set {
		switch {
		case env.provisioned || env.active > 0:
		case !env.idleSince.After(t):
			f.counters.Retired++
			f.discard(env, EndRetired)
		case !any || env.idleSince.Before(next):
			next, any = env.idleSince, true
		}
	}
	return next, any
}
