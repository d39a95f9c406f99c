package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// launch starts the process of an instance. It runs until ctx or the function ends.
func (f *Function) launch(ctx context.Context, env *environ) error {
	f.tell(env, Starting, "")
	instance, err := f.start(ctx, env, f.host.initTimeout)
	if isTimeout(err) && !env.provisioned && env.config.PerInstance <= 1 {
		// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib (2026-11)
		f.host.logf("%s: the init phase was not over after %v; Lambda runs it again as a part of the invocation, within the function's timeout of %v", env.config.Name, cmp.Or(f.host.initTimeout, initTimeoutOnDemand), env.config.Timeout)
		again := time.Now()
		instance, err = f.start(ctx, env, env.config.Timeout)
		env.spent = time.Since(again)
		if isTimeout(err) {
			err = newFunctionError(typeTimeout, fmt.Sprintf("Task timed out after %.2f seconds", env.config.Timeout.Seconds())+inInit)
		}
	}
	if err == nil && f.host.Debug {
		f.host.logf("%s: process %d is ready for a debugger: dlv attach %d", env.config.Name, instance.PID(), instance.PID())
	}
	if err != nil {
		f.tell(env, Ended, "the init phase failed: "+err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
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

// inInit explains a time-out in the log. The caller's error does not have it.
const inInit = ", all of them in the init phase"

// ofRequest returns the error of an init phase as Lambda reports it to the caller of an
// invocation: with the id of the request, if the error is Lambda's own. Source: LocalStack's
// captures of AWS, 2026-03.
func ofRequest(err error, requestID string) error {
	var failure *FunctionError
	if !errors.As(err, &failure) || !platformErrors[failure.Type] && failure.Type != typeEntrypoint {
		return err
	}
	return newFunctionError(failure.Type, "RequestId: "+requestID+" Error: "+strings.TrimSuffix(failure.Message, inInit))
}

// isTimeout reports whether an error is a time-out of an invocation or an init phase.
func isTimeout(err error) bool {
	var failure *FunctionError
	return errors.As(err, &failure) && failure.Type == typeTimeout
}

// start starts a process and waits for the end of its init phase, which initTimeout
// bounds; 0 means Lambda's own limit.
func (f *Function) start(ctx context.Context, env *environ, initTimeout time.Duration) (*Instance, error) {
	c := env.config
	if f.host.Debug {
		initTimeout = DebugTimeout
	}
	return Start(ctx, Options{
		InitTimeout: initTimeout, ID: env.id,
		Program: c.Program, Env: c.Env, FunctionName: c.Name, MemoryMB: c.MemoryMB, Timeout: c.Timeout,
		Concurrency: c.PerInstance, Handler: c.Handler, LogGroup: c.LogGroup, LogFormat: c.LogFormat, LogLevel: c.LogLevel,
		Provisioned: env.provisioned, Version: env.version, Region: c.Region, Account: c.Account,
		Freeze: f.host.Freeze, ColdStart: f.coldStart(), Output: newLineWriter(f.output(env)),
	})
}

// watch waits for an instance's end. It replaces a provisioned instance that nobody
// stopped.
func (f *Function) watch(env *environ) {
	defer close(env.watched)
	<-env.instance.Exited()
	env.instance.Stop() // its remaining child processes
	if strays := env.instance.strays; len(strays) > 0 {
		f.host.logf("%s: killed processes %v, which had left the instance's process group (setsid); on AWS they end with the execution environment", env.config.Name, strays)
	}
	f.mu.Lock()
	ours := f.set[env] && !f.stopped
	if ours {
		delete(f.set, env)
	}
	early := env.invocations == 0 && f.host.Clock.Now().Sub(env.started) < provisionMaxPause
	f.mu.Unlock()
	if !ours {
		return
	}
	alone := env.instance.endedAlone()
	f.tell(env, Ended, env.whyEnded(alone))
	again, quiet := "", false
	f.mu.Lock()
	f.counters.Crashes++
	if env.provisioned {
		again, quiet = env.supply.lost(early && env.killed == "")
	}
	f.mu.Unlock()
	if alone && env.killed == "" && !quiet {
		f.tellExit(env, again)
	}
}

// tellExit logs the end of a process between invocations.
func (f *Function) tellExit(env *environ, again string) {
	f.host.logf("%s: %s, between invocations%s", env.config.Name, env.instance.exitMessage(), again)
}

// supply starts the provisioned instances of a version that are missing. After a failure
// it starts one at a time, after pauses that grow.
type supply struct {
	f       *Function
	config  *Config
	version string
	epoch   int
	ctx     context.Context // ends with the epoch

	// f.mu guards the rest.
	missing int
	pause   time.Duration // before the next start; 0 if the last instance did not fail
	due     time.Time     // the end of the pause
	busy    bool          // refill runs
}

// newEnviron makes an instance that has not started yet.
func (s *supply) newEnviron() *environ {
	env := s.f.host.newEnviron(s.config, s.version, s.epoch)
	env.provisioned, env.supply = true, s
	return env
}

// lost says that an instance is missing. failed says that it did not start, or ended
// before its first invocation. again completes the log line; quiet says that a line of the
// same pause has said it already. f.mu is held.
func (s *supply) lost(failed bool) (again string, quiet bool) {
	if s.ctx.Err() != nil {
		return "", false
	}
	s.missing++
	switch now := s.f.host.Clock.Now(); {
	case !failed:
		s.pause = 0
	case now.Before(s.due):
		quiet = true
	default:
		s.pause = min(max(provisionPause, 2*s.pause), provisionMaxPause)
		s.due = now.Add(s.pause)
	}
	if s.pause > 0 {
		again = fmt.Sprintf("; the provisioned instance is started again in %v", s.pause)
	}
	if !s.busy {
		s.busy = true
		s.f.tasks.Go(s.refill)
	}
	return again, quiet
}

// refill starts the missing instances.
func (s *supply) refill() {
	for {
		s.f.mu.Lock()
		if s.missing == 0 || s.ctx.Err() != nil {
			s.busy = false
			s.f.mu.Unlock()
			return
		}
		careful, due := s.pause > 0, s.due
		s.f.mu.Unlock()
		if careful {
			s.sleepUntil(due)
			s.f.mu.Lock()
			s.missing--
			s.f.mu.Unlock()
			if env := s.start(); env == nil || !s.survives(env) {
				continue
			}
		}
		s.f.mu.Lock()
		n := s.missing
		s.missing = 0
		s.f.mu.Unlock()
		for range n {
			s.f.tasks.Go(func() { s.start() })
		}
	}
}

// start starts one instance. It returns nil if that fails.
func (s *supply) start() *environ {
	env := s.newEnviron()
	err := s.f.launch(s.ctx, env)
	if err == nil && s.f.adopt(env) {
		return env
	}
	s.failed(env, err)
	return nil
}

// failed says that an instance did not start, or ended at once if err is nil.
func (s *supply) failed(env *environ, err error) {
	s.f.mu.Lock()
	if err == nil {
		s.f.counters.Crashes++
		s.f.tell(env, Ended, env.whyEnded(true))
	}
	again, quiet := s.lost(true)
	s.f.mu.Unlock()
	switch {
	case s.ctx.Err() != nil || quiet:
	case err == nil:
		s.f.tellExit(env, again)
	default:
		s.f.host.logf("%s: an instance did not start: %v%s", s.config.Name, err, again)
	}
}

// survives waits for a moment, and reports whether the instance still runs then.
func (s *supply) survives(env *environ) bool {
	timer := s.f.host.Clock.NewTimer(provisionPause)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-env.watched:
	case <-s.ctx.Done():
	}
	select {
	case <-env.instance.Exited(): // perhaps at the same moment
		<-env.watched
		return false
	default:
		return s.ctx.Err() == nil
	}
}

func (s *supply) sleepUntil(t time.Time) {
	timer := s.f.host.Clock.NewTimerAt(t)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-s.ctx.Done():
	}
}

// adopt is admit with its lock.
func (f *Function) adopt(env *environ) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.admit(env)
}

// admit adds a started instance to those that take invocations, and reports whether it
// runs. f.mu is held.
func (f *Function) admit(env *environ) bool {
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
