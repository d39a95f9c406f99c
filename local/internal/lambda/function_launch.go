package lambda

import (
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// launch starts the process of an instance.
func (f *Function) launch(env *environ) error {
	c := env.config
	var initTimeout time.Duration
	if f.host.Debug {
		initTimeout = DebugTimeout
	}
	f.tell(env, Starting, "")
	instance, err := Start(f.ctx, Options{
		InitTimeout: initTimeout, ID: env.id,
		Program: c.Program, Env: c.Env, FunctionName: c.Name, MemoryMB: c.MemoryMB, Timeout: c.Timeout,
		Concurrency: c.PerInstance, Handler: c.Handler, LogGroup: c.LogGroup, LogFormat: c.LogFormat, LogLevel: c.LogLevel,
		Provisioned: env.provisioned, Version: env.version, Region: c.Region, Account: c.Account,
		Freeze: f.host.Freeze, ColdStart: f.coldStart(), Output: newLineWriter(f.output(env)),
	})
	if err != nil && f.ctx.Err() == nil {
		f.host.logf("%s: an instance did not start: %v", c.Name, err)
	}
	if err == nil && f.host.Debug {
		f.host.logf("%s: process %d is ready for a debugger: dlv attach %d", c.Name, instance.PID(), instance.PID())
	}
	if err != nil {
		f.tell(env, Ended, "the init phase failed: "+err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.ctx.Err() == nil {
			f.counters.InitErrors++
		}
		return err
	}
	if !env.provisioned {
		f.counters.ColdStarts++
	}
	env.instance, env.started = instance, f.host.Clock.Now()
	f.tell(env, Ready, "")
	f.tasks.Go(func() { f.watch(env) })
	return nil
}

// watch waits for an instance's end. It replaces a provisioned instance that nobody
// stopped.
func (f *Function) watch(env *environ) {
	<-env.instance.Exited()
	env.instance.Stop() // its remaining child processes
	if strays := env.instance.strays; len(strays) > 0 {
		f.host.logf("%s: killed processes %v, which had left the instance's process group (setsid); on AWS they end with the execution environment", env.config.Name, strays)
	}
	f.mu.Lock()
	ours := f.set[env] && !f.stopped
	if ours {
		f.counters.Crashes++
		delete(f.set, env)
	}
	early := env.invocations == 0 && f.host.Clock.Now().Sub(env.started) < provisionMaxPause
	f.mu.Unlock()
	if !ours {
		return
	}
	pause := time.Duration(0)
	if env.provisioned && early && env.killed == "" {
		pause = min(max(provisionPause, 2*env.pause), provisionMaxPause)
	}
	alone := env.instance.endedAlone()
	f.tell(env, Ended, env.whyEnded(alone))
	if alone && env.killed == "" {
		next := ""
		if pause > 0 {
			next = fmt.Sprintf("; the provisioned instance is started again in %v", pause)
		}
		f.host.logf("%s: Runtime exited with error: %s, between invocations%s", env.config.Name, env.instance.exitStatus(), next)
	}
	if env.provisioned && clock.Sleep(f.ctx, f.host.Clock, pause) == nil {
		f.provisionOne(env.config, env.version, env.epoch, pause)
	}
}

// provisionOne starts one provisioned instance. It retries until the instance starts or
// the function changes. waited is the delay that has passed before.
func (f *Function) provisionOne(config *Config, version string, epoch int, waited time.Duration) {
	for pause := provisionPause; f.current(epoch); pause = min(2*pause, provisionMaxPause) {
		env := f.host.newEnviron(config, version, epoch)
		env.provisioned, env.pause = true, waited
		if f.launch(env) == nil && f.adopt(env) {
			return
		}
		if clock.Sleep(f.ctx, f.host.Clock, pause) != nil {
			return
		}
	}
}

// current reports whether the function still has the program and configuration of an
// epoch.
func (f *Function) current(epoch int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.epoch == epoch && !f.stopped
}

// adopt adds a started instance to those that take invocations, and reports whether it
// runs.
func (f *Function) adopt(env *environ) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-env.instance.Exited():
		return false
	default:
	}
	env.idleSince = f.host.Clock.Now()
	f.set[env] = true
	if env.epoch != f.epoch || f.stopped {
		f.discard(env, EndReplaced)
	}
	return true
}
