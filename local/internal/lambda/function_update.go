package lambda

import (
	"cmp"
	"context"
	"time"
)

// Provision starts the provisioned instances and waits for them, but not for one whose
// init phase takes long. It retries failed ones in the background; the error says why they
// failed.
func (f *Function) Provision(ctx context.Context) error {
	return f.change(ctx, f.Config(), false)
}

// Update changes the function's program and configuration. It first starts the new
// provisioned instances, which take over together. Until then the old ones serve, and
// they finish their invocations. If one of the new ones does not start, or if ctx ends,
// nothing changes and the error says why.
func (f *Function) Update(ctx context.Context, config Config) error {
	return f.change(ctx, config, true)
}

// outcome is the result of the start of a provisioned instance.
type outcome struct {
	env *environ
	err error
}

func (f *Function) change(ctx context.Context, config Config, wholly bool) error {
	f.updating.Lock()
	defer f.updating.Unlock()
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return ErrStopped
	}
	f.tasks.Add(1)
	epoch := f.epoch + 1
	f.mu.Unlock()
	defer f.tasks.Done()

	epochCtx, endEpoch := context.WithCancel(f.ctx)
	supplies, total := []*supply{}, 0
	for version, n := range config.Provisioned {
		supplies = append(supplies, &supply{f: f, config: &config, version: version, epoch: epoch, ctx: epochCtx, missing: n})
		total += n
	}
	outcomes := make(chan outcome, total)
	for _, s := range supplies {
		for range s.missing {
			f.tasks.Go(func() {
				env := s.newEnviron()
				outcomes <- outcome{env, f.launch(epochCtx, env)}
			})
		}
		s.missing = 0
	}
	var started, missing []*environ
	var failure error
	late := time.NewTimer(f.patience())
	defer late.Stop()
	left := total
	for waiting := true; waiting && left > 0; {
		select {
		case o := <-outcomes:
			if left--; o.err != nil {
				failure, missing = o.err, append(missing, o.env)
			} else {
				started = append(started, o.env)
			}
		case <-late.C:
			f.tellLate(left, wholly)
			waiting = wholly
		case <-ctx.Done():
			failure, waiting = context.Cause(ctx), false
		}
	}
	if wholly && failure == nil {
		failure = context.Cause(ctx)
	}
	if wholly && failure != nil {
		endEpoch()
		for _, env := range started {
			f.tell(env, Ended, EndReplaced)
			env.instance.Stop()
		}
		f.tasks.Go(func() {
			for range left {
				if o := <-outcomes; o.err == nil {
					f.tell(o.env, Ended, EndReplaced)
					o.env.instance.Stop()
				}
			}
		})
		return failure
	}

	f.mu.Lock()
	if !f.stopped {
		f.host.reserve(f.config.Reserved, -1)
		f.host.reserve(config.Reserved, +1)
	}
	if f.endEpoch != nil {
		f.endEpoch()
	}
	f.config, f.epoch, f.endEpoch = &config, epoch, endEpoch
	for env := range f.set {
		if env.active == 0 {
			f.discard(env, EndReplaced)
		}
	}
	var ended []*environ
	for _, env := range started {
		if !f.admit(env) {
			ended = append(ended, env)
		}
	}
	f.mu.Unlock()
	for _, env := range ended {
		env.supply.failed(env, nil)
	}
	for _, env := range missing {
		env.supply.failed(env, failure)
	}
	f.tasks.Go(func() {
		for range left {
			if o := <-outcomes; o.err != nil || !f.adopt(o.env) {
				o.env.supply.failed(o.env, o.err)
			}
		}
	})
	return failure
}

// initPatience is how long a start or an update waits in silence for the init phases of
// provisioned instances.
const initPatience = 10 * time.Second

func (f *Function) patience() time.Duration { return cmp.Or(f.host.initPatience, initPatience) }

// tellLate says which instances a start or an update waits for.
func (f *Function) tellLate(n int, wholly bool) {
	next := "requests get other instances until then"
	if wholly {
		next = "the old program serves until then"
	}
	f.host.logf("%s: the init phase of %d provisioned instance(s) is not over after %v; %s; Lambda allows %v", f.name, n, f.patience(), next, initTimeoutProvisioned)
}
