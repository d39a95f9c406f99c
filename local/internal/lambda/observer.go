package lambda

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Observer gets the events of functions and their instances. Its methods are called while
// locks are held: they must return quickly and call nothing of this package. They are
// safe for concurrent use.
type Observer interface {
	// Instance reports a step in an instance's life.
	Instance(e InstanceEvent)
	// Arrived reports an invocation of a function, and returns the invocation's Watch.
	Arrived(function string, event *Invocation) Watch
	// Output reports a line of an instance's output. It must not keep the line.
	Output(instance int, function string, line []byte)
}

// Watch gets the events of one invocation.
type Watch interface {
	// Acquired reports the instance that handles it. It may be called again after Lost.
	Acquired(instance int, use Use)
	// Running reports that the instance has started and gets the event.
	Running()
	// Lost reports that the instance ended before it saw the event. Another one gets the
	// event.
	Lost()
	// Ended reports the result; nobody may change response any more.
	Ended(response []byte, err error)
}

// Use describes the instance that an invocation got.
type Use struct {
	Cold        bool // the instance was started for it
	Provisioned bool // the instance belongs to provisioned concurrency
	Spill       bool // all provisioned instances were busy
}

// InstanceEvent is a step in an instance's life.
type InstanceEvent struct {
	ID                int
	Function, Version string
	Provisioned       bool
	PID               int
	Step              Step
	Why               string // of Ended
}

// Step is a step in an instance's life.
type Step int

// The steps of an instance's life.
const (
	Starting Step = iota
	Ready
	Ended
	Frozen // by the user
	Thawed
)

// Reasons for the end of an instance, besides the exit status of its process.
const (
	EndStopped  = "the engine stopped it"
	EndReplaced = "a new version replaced it"
	EndRetired  = "it was idle for long"
	EndTimedOut = "an invocation timed out"
	EndKilled   = "it was killed by hand"
	EndRecycled = "it was recycled by hand"
	EndFault    = "a fault killed it"
	EndHealed   = "the program ended itself between invocations"
)

// Faults decide on deliberate failures. They are safe for concurrent use.
type Faults interface {
	// Throttle reports whether to refuse an invocation.
	Throttle(function string) bool
	// SlowInit is the delay added to an init phase, Delay the one added to an invocation.
	SlowInit(function string) time.Duration
	Delay(function string) time.Duration
	// Kill reports whether to kill an instance, and how long after it gets an event.
	Kill(function string) (after time.Duration, kill bool)
}

// tell reports a step in an instance's life to the observer.
func (f *Function) tell(env *environ, step Step, why string) {
	if f.host.Observer == nil {
		return
	}
	e := InstanceEvent{ID: env.id, Function: env.config.Name, Version: env.version, Provisioned: env.provisioned, Step: step, Why: why}
	if env.instance != nil {
		e.PID = env.instance.PID()
	}
	f.host.Observer.Instance(e)
}

func (f *Function) arrived(event *Invocation) Watch {
	if event.Arrived != nil {
		defer event.Arrived()
	}
	if f.host.Observer == nil {
		return unwatched{}
	}
	return f.host.Observer.Arrived(f.name, event)
}

// unwatched is a Watch that ignores everything.
type unwatched struct{}

func (unwatched) Acquired(int, Use)   {}
func (unwatched) Running()            {}
func (unwatched) Lost()               {}
func (unwatched) Ended([]byte, error) {}

func (env *environ) use(onDemand bool) Use {
	return Use{Cold: env.instance == nil, Provisioned: !onDemand, Spill: onDemand && env.config.Provisioned[env.version] > 0}
}

// whyEnded returns why an instance ended that the function did not discard. alone says
// that no invocation failed because of it.
func (env *environ) whyEnded(alone bool) string {
	switch {
	case env.killed != "":
		return env.killed
	case env.instance.late.Load():
		return EndTimedOut
	case alone && env.invocations > 0:
		return EndHealed
	}
	return env.instance.exitMessage()
}

// output returns the writer for an instance's output.
func (f *Function) output(env *environ) io.Writer {
	if f.host.Observer == nil {
		return env.config.Output
	}
	return observedOutput{f.host.Observer, env.id, env.config.Name, env.config.Output}
}

type observedOutput struct {
	observer Observer
	instance int
	function string
	to       io.Writer
}

// Write implements [io.Writer]. It gets whole lines.
func (o observedOutput) Write(line []byte) (int, error) {
	o.observer.Output(o.instance, o.function, line)
	if o.to == nil {
		return len(line), nil
	}
	return o.to.Write(line)
}

func (f *Function) coldStart() time.Duration {
	d := f.host.ColdStart
	if f.host.Faults != nil {
		d += f.host.Faults.SlowInit(f.name)
	}
	return d
}

// inject applies the faults to an instance that gets an event.
func (f *Function) inject(env *environ) {
	faults := f.host.Faults
	if faults == nil {
		return
	}
	if d := faults.Delay(env.config.Name); d > 0 {
		select {
		case <-time.After(d):
		case <-f.ctx.Done():
		}
	}
	if after, kill := faults.Kill(env.config.Name); kill {
		time.AfterFunc(after, func() { f.kill(env, EndFault) })
	}
}

// kill kills the process of an instance, even during an invocation.
func (f *Function) kill(env *environ, why string) {
	f.mu.Lock()
	if env.instance == nil || !f.set[env] || f.stopped {
		f.mu.Unlock()
		return
	}
	if env.killed == "" {
		env.killed = why
	}
	f.tasks.Add(1)
	f.mu.Unlock()
	defer f.tasks.Done()
	env.instance.crash()
}

// Act applies a user's action to an instance. "kill" kills its process at once. "recycle"
// replaces it as soon as it is not busy. "freeze" suspends its process until the next
// event. "thaw" continues it. It reports false if the function has no such instance.
func (f *Function) Act(instance int, action string) (found bool, err error) {
	f.mu.Lock()
	var env *environ
	for e := range f.set {
		if e.id == instance {
			env = e
		}
	}
	if env == nil || env.instance == nil {
		f.mu.Unlock()
		return env != nil, errors.New("the instance has not started yet")
	}
	if action == "recycle" {
		defer f.mu.Unlock()
		return true, f.recycle(env)
	}
	f.mu.Unlock()
	switch action {
	case "kill":
		f.kill(env, EndKilled)
	case "freeze":
		if !env.instance.setFrozen(true) {
			return true, fmt.Errorf("instance %d is busy: only one that waits for an event can be frozen", instance)
		}
		f.tell(env, Frozen, "")
	case "thaw":
		env.instance.setFrozen(false)
		f.tell(env, Thawed, "")
	default:
		return true, fmt.Errorf("there is no action %q", action)
	}
	return true, nil
}

// recycle replaces an instance as soon as it is not busy. f.mu is held.
func (f *Function) recycle(env *environ) error {
	env.killed = EndRecycled
	env.epoch = -1 // it gets no more events
	if env.active == 0 {
		f.discard(env, EndRecycled)
	}
	if env.provisioned {
		env.supply.lost(false)
	}
	return nil
}

// SetReserved changes the function's reserved concurrency until its next Update; nil
// means none, and 0 refuses all invocations.
func (f *Function) SetReserved(n *int) error {
	f.updating.Lock()
	defer f.updating.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stopped:
		return ErrStopped
	case n != nil && *n < 0:
		return fmt.Errorf("reserved concurrency must be 0 or more, got %d", *n)
	case n != nil && *n > 0 && *n < f.provisioned():
		return fmt.Errorf("reserved concurrency must be at least the provisioned %d, or 0 to stop the function, got %d", f.provisioned(), *n)
	}
	f.host.reserve(f.config.Reserved, -1)
	f.host.reserve(n, +1)
	config := *f.config
	config.Reserved = n
	f.config = &config
	return nil
}

// accessKey returns the access key id of an instance's program; see [InstanceOf].
func accessKey(id int) string {
	if id == 0 {
		return "local"
	}
	return accessKeyPrefix + strconv.Itoa(id)
}

const accessKeyPrefix = "localinstance"

// InstanceOf returns the id of the instance whose program has an access key id; 0 means
// no instance.
func InstanceOf(accessKey string) int {
	text, ok := strings.CutPrefix(accessKey, accessKeyPrefix)
	id, err := strconv.Atoi(text)
	if !ok || err != nil {
		return 0
	}
	return id
}
