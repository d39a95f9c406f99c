package lambda

import (
	"context"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Provision starts the provisioned instances and waits for them. It retries failed ones
// in the background; the error says why they failed.
func (f *Function) Provision(ctx context.Context) error {
	return f.change(ctx, f.Config(), false)
}

// Update changes the function's program and configuration. It first starts the new
// provisioned instances, which take over together. Until then the old ones serve, and
// they finish their invocations. If one of the new ones does not start, nothing changes
// and the error says why.
func (f *Function) Update(ctx context.Context, config Config) error {
	return f.change(ctx, config, true)
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

	type outcome struct {
		env *environ
		err error
	}
	outcomes, total := make(chan outcome), 0
	for version, n := range config.Provisioned {
		for range n {
			total++
			f.tasks.Go(func() {
				env := f.host.newEnviron(&config, version, epoch)
				env.provisioned = true
				outcomes <- outcome{env, f.launch(env)}
			})
		}
	}
	var started, missing []*environ
	var failure error
	for range total {
		if o := <-outcomes; o.err != nil {
			failure, missing = o.err, append(missing, o.env)
		} else {
			started = append(started, o.env)
		}
	}

	f.mu.Lock()
	if wholly && failure == nil {
		failure = context.Cause(ctx)
	}
	if wholly && failure != nil {
		f.mu.Unlock()
		for _, env := range started {
			f.tell(env, Ended, EndReplaced)
			env.instance.Stop()
		}
		return failure
	}
	defer f.mu.Unlock()
	if !f.stopped {
		f.host.reserve(f.config.Reserved, -1)
		f.host.reserve(config.Reserved, +1)
	}
	f.config, f.epoch = &config, epoch
	for env := range f.set {
		if env.active == 0 {
			f.discard(env, EndReplaced)
		}
	}
	for _, env := range started {
		env.idleSince = f.host.Clock.Now()
		f.set[env] = true
		select {
		case <-env.instance.Exited():
			delete(f.set, env)
			missing = append(missing, env)
		default:
		}
		if f.stopped {
			f.discard(env, EndStopped)
		}
	}
	for _, env := range missing {
		f.tasks.Go(func() {
			if clock.Sleep(f.ctx, f.host.Clock, provisionPause) == nil {
				f.provisionOne(&config, env.version, epoch, provisionPause)
			}
		})
	}
	return failure
}
