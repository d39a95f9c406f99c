package plancmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/plan"
)

// defaultAssembly is the folder that the CDK writes to by default.
const defaultAssembly = "cdk.out"

// project is the planned function of a cloud assembly.
type project struct {
	settings local.FunctionSettings
	dir      string // the entry is relative to it
}

// project reads the function that the plan is for. It returns nil if there is no assembly
// and no flag asks for one.
func (f *Flags) project(in *plan.Input) (*project, error) {
	dir := f.Assembly
	if dir == "" {
		if _, err := os.Stat(filepath.Join(defaultAssembly, "manifest.json")); err != nil {
			if f.Function != "" || len(f.Stack) > 0 {
				return nil, errors.New("there is no cdk.out here; synthesize the app first, or name its assembly with --assembly")
			}
			return nil, nil
		}
		dir = defaultAssembly
	}
	asked := f.Assembly != "" || f.Function != "" || len(f.Stack) > 0
	all, err := local.ReadSettings(dir, f.Stack...)
	var chosen *local.FunctionSettings
	if err == nil {
		chosen, err = f.choose(all)
	}
	if err != nil && !asked { // the flags alone make a plan too
		assume(in, "Nothing comes from %s: %v.", dir, err)
		return nil, nil
	}
	if err != nil || chosen == nil {
		return nil, err
	}
	in.Title = fmt.Sprintf("Plan for %s in %s", chosen.LogicalID, chosen.Stack)
	in.Billing = plan.Billing{MemoryMB: chosen.MemoryMB, X86: chosen.X86, API: chosen.API}
	in.Assumed = append(in.Assumed, chosen.Notes...)
	if f.Timeout == 0 {
		in.Scenario.Timeout = chosen.Timeout
	}
	return &project{*chosen, filepath.Dir(dir)}, nil
}

// choose returns the function that a flag names, or the only function, or the only function
// that an API invokes.
func (f *Flags) choose(all []local.FunctionSettings) (*local.FunctionSettings, error) {
	found := all
	if f.Function != "" {
		found = slices.DeleteFunc(slices.Clone(all), func(s local.FunctionSettings) bool { return !strings.Contains(s.LogicalID, f.Function) })
	} else if len(all) > 1 {
		found = slices.DeleteFunc(slices.Clone(all), func(s local.FunctionSettings) bool { return s.API == "" })
	}
	switch {
	case len(found) == 1:
		return &found[0], nil
	case len(all) == 0 && f.Function == "" && f.Assembly == "":
		return nil, nil
	}
	if len(all) == 0 {
		return nil, errors.New("the assembly must have a Go function, which has the runtime provided.al2023, got none; name another one with --assembly, or none")
	}
	var names []string
	for _, s := range all {
		names = append(names, s.LogicalID)
	}
	return nil, fmt.Errorf("--function: must name one of the Go functions %s, got %q; name it, or a part that only it has", strings.Join(names, ", "), f.Function)
}

func (p *project) provisioned() plan.Provisioned {
	s := p.settings
	v := plan.Provisioned{Min: s.Provisioned, Utilization: s.Utilization}
	if s.MaxProvisioned > s.Provisioned {
		v.Max = s.MaxProvisioned
	}
	for _, c := range s.Schedules {
		v.Schedule = append(v.Schedule, plan.Change{At: c.At, Days: c.Days, Min: max(c.Min, 1), Max: c.Max})
	}
	return v
}

// queue returns a queue of the project, with its settings. jobs has the numbers of its
// concurrent jobs.
func (p *project) queue(name string, jobs map[string]int) (plan.Queue, bool) {
	if p == nil {
		return plan.Queue{}, false
	}
	for _, q := range p.settings.Queues {
		if q.Name != name {
			continue
		}
		queue := plan.Queue{
			Name: q.Name, FIFO: q.FIFO, BatchSize: q.BatchSize, Window: q.Window, MaxConcurrency: q.MaxConcurrency,
			MinPollers: q.MinPollers, MaxPollers: q.MaxPollers, Visibility: q.Visibility, MaxReceives: q.MaxReceives, WholeBatch: !q.PartialResponses,
		}
		queue.Jobs = jobs[name]
		return queue, true
	}
	return plan.Queue{}, false
}

// folder returns the folder of the program; "" if it is not known.
func (f *Flags) folder(p *project) string {
	if f.Dir == "" && p != nil && p.settings.Entry != "" {
		return filepath.Join(p.dir, filepath.FromSlash(p.settings.Entry))
	}
	return f.Dir
}

// build builds the program. done deletes it.
func (f *Flags) build(ctx context.Context, p *project) (binary string, done func(), err error) {
	dir := f.folder(p)
	if dir == "" {
		return "", nil, errors.New("the folder of the program must be known, got none; name it with --dir")
	}
	tmp, err := os.MkdirTemp("", "hearth-")
	if err != nil {
		return "", nil, err
	}
	done = func() { os.RemoveAll(tmp) }
	if binary, err = local.Build(ctx, dir, tmp); err != nil {
		done()
	}
	return binary, done, err
}

// jobs returns the number of concurrent jobs in an invocation by queue, which the program's
// manifest has. It asks the program only if a standard queue of the project needs that.
func (f *Flags) jobs(ctx context.Context, in *plan.Input, p *project) map[string]int {
	var needed []string
	if p != nil {
		for _, q := range p.settings.Queues {
			if !q.FIFO && (f.loads(q.Name) || p.scheduled(q.Name)) {
				needed = append(needed, q.Name)
			}
		}
	}
	if len(needed) == 0 {
		return nil
	}
	binary, done, err := f.build(ctx, p)
	jobs := map[string]int{}
	if err == nil {
		defer done()
		var manifest *wire.Manifest
		if manifest, err = program.Ask(ctx, binary, f.folder(p), nil, program.Timeout); err == nil {
			for _, q := range manifest.Queues {
				jobs[q.Name] = q.Concurrency
			}
		}
	}
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		assume(in, "An invocation runs one job of %s at a time: --queue %s,jobs=4 says how many. The program could not be asked: %s.", strings.Join(needed, " and "), needed[0], why)
	}
	return jobs
}

// loads reports whether a flag gives messages to a queue without its number of jobs.
func (f *Flags) loads(queue string) bool {
	for _, text := range f.Queues {
		if name, options, _ := strings.Cut(text, ","); name == queue {
			return !strings.Contains(","+options, ",jobs=")
		}
	}
	return false
}

// measurement is how long the program takes to start.
type measurement struct {
	init   time.Duration // the median
	starts int
}

// starts is the number of starts that measure the init of a program.
const starts = 5

// measure builds the program and starts it as an instance, several times.
func (f *Flags) measure(ctx context.Context, p *project) (*measurement, error) {
	binary, done, err := f.build(ctx, p)
	if err != nil {
		return nil, err
	}
	defer done()
	m := &measurement{starts: starts}
	var took []time.Duration
	for range starts {
		began := time.Now()
		instance, err := local.StartInstance(ctx, local.InstanceOptions{Program: binary, MemoryMB: f.Memory})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		instance.Stop()
	}
	slices.Sort(took)
	m.init = took[len(took)/2].Round(time.Millisecond / 10)
	return m, nil
}
