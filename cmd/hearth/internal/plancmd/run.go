package plancmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/plan"
)

// Run makes the plan that the flags describe, and writes it to stdout as text or JSON.
func Run(ctx context.Context, f Flags, stdout io.Writer) error {
	in, err := f.input(ctx)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	report, err := plan.NewReport(*in)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		path  string
		write func(io.Writer) error
	}{{f.HTML, report.WriteHTML}, {f.SVG, report.WriteSVG}, {f.Out, func(w io.Writer) error {
		file, err := plan.NewFile(*in, report.Advice)
		if err != nil {
			return err
		}
		return file.Write(w)
	}}} {
		if file.path == "" {
			continue
		}
		var data bytes.Buffer
		if err := file.write(&data); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		if err := os.WriteFile(file.path, data.Bytes(), 0o644); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
	}
	if f.JSON {
		return report.WriteJSON(stdout)
	}
	if err := report.WriteText(stdout); err != nil {
		return err
	}
	if f.HTML != "" {
		fmt.Fprintf(stdout, "\nThe page is %s.\n", f.HTML)
	}
	return nil
}

// input collects the input of the plan.
func (f *Flags) input(ctx context.Context) (*plan.Input, error) {
	in := &plan.Input{Title: "Plan", Prices: plan.DefaultPrices()}
	in.Scenario = plan.Scenario{
		Timeout: f.Timeout, Account: f.Account, RequestsPerUnit: f.RequestsPerUnit,
		Deployments: f.Deploy, Seed: f.Seed, Requests: f.Requests, Length: f.Length,
	}
	slices.Sort(in.Scenario.Deployments)
	var err error
	if in.Goals, err = f.goals(); err != nil {
		return nil, err
	}
	if f.Prices != "" {
		if in.Prices, err = plan.ReadPrices(f.Prices); err != nil {
			return nil, err
		}
	}
	project, err := f.project(in)
	if err != nil {
		return nil, err
	}
	var measured *measurement
	if f.Measure {
		if measured, err = f.measure(ctx, project); err != nil {
			return nil, fmt.Errorf("measure init: %w; say how long it takes with --init", err)
		}
	}
	if err := f.requests(in, project, measured); err != nil {
		return nil, err
	}
	if err := f.concurrency(in, project); err != nil {
		return nil, err
	}
	if err := f.queues(in, project, f.jobs(ctx, in, project)); err != nil {
		return nil, err
	}
	if err := f.schedules(in, project); err != nil {
		return nil, err
	}
	if err := f.database(in, project); err != nil {
		return nil, err
	}
	switch f.Arch {
	case "", "arm64":
		in.Billing.X86 = f.Arch == "" && in.Billing.X86
	case "x86_64":
		in.Billing.X86 = true
	default:
		return nil, wrong("arch", fmt.Errorf("must be arm64 or x86_64, got %q; correct it", f.Arch))
	}
	switch f.API {
	case "":
	case plan.HTTPAPI, plan.RESTAPI, plan.FunctionURL, plan.WebSocket, "none":
		in.Billing.API = strings.TrimSuffix(f.API, "none")
	default:
		return nil, wrong("api", fmt.Errorf("must be http, rest, url, websocket or none, got %q; correct it", f.API))
	}
	if f.Memory != 0 && (f.Memory < 128 || f.Memory > 10240) {
		return nil, wrong("memory", fmt.Errorf("must be 128 to 10240 MB, got %d; correct it", f.Memory))
	}
	in.Billing.MemoryMB = cmp.Or(f.Memory, in.Billing.MemoryMB, 128)
	if !(f.Clients >= 0 && f.Clients < 1e12) {
		return nil, wrong("clients", fmt.Errorf("must be 0 or more, got %g; correct it", f.Clients))
	}
	in.Billing.Connections = f.Clients
	in.Billing.Measured, err = f.measured()
	return in, err
}

func assume(in *plan.Input, format string, args ...any) {
	in.Assumed = append(in.Assumed, fmt.Sprintf(format, args...))
}

// requests sets the traffic, the durations and the init of the scenario.
func (f *Flags) requests(in *plan.Input, p *project, measured *measurement) error {
	var recorded *plan.Recorded
	var err error
	if f.Traffic != "" {
		if recorded, err = plan.ReadFile(f.Traffic, f.Func); err != nil {
			return err
		}
		in.Title = fmt.Sprintf("Plan for %s", f.Traffic)
		in.Assumed = append(in.Assumed, recorded.Notes...)
		if in.Billing.MemoryMB == 0 {
			in.Billing.MemoryMB = recorded.MemoryMB
		}
	} else {
		recorded = &plan.Recorded{}
	}
	s := &in.Scenario
	if s.Start, err = f.start(recorded.Start); err != nil {
		return err
	}
	jobsAlone := (len(f.Queues)+len(f.Schedules) > 0 || p.scheduledAlone()) && f.Rate == 0 && f.Traffic == "" && f.Daily == "" && f.Rush == 0 && f.Burst == ""
	if !jobsAlone {
		if s.Traffic, err = f.traffic(recorded); err != nil {
			return err
		}
		if f.Rate == 0 && s.Traffic != recorded.Traffic && f.Daily == "" && recorded.Traffic == nil {
			assume(in, "%g request a second: --rate, --daily and --traffic say how many there are.", defaultRate)
		}
	}
	kind := cmp.Or(f.Distribution, defaultDistribution)
	if kind != "exponential" && kind != "constant" {
		return wrong("distribution", fmt.Errorf("must be exponential or constant, got %q; others are written as --duration lognormal:200ms,0.6", kind))
	}
	switch {
	case f.Duration != "":
		if s.Duration, err = plan.ParseDistribution(f.Duration, kind); err != nil {
			return wrong("duration", err)
		}
		if s.Traffic != nil && s.Traffic == recorded.Traffic && recorded.Duration != nil {
			return wrong("duration", errors.New("must be left out with a file that has durations; cut that column, or the flag"))
		}
	case recorded.Duration != nil:
		s.Duration = recorded.Duration
	case !jobsAlone:
		if s.Duration, err = plan.ParseDistribution(defaultDuration, kind); err != nil {
			return err
		}
		assume(in, "A request takes %s on average: --duration says how long, and a file of REPORT lines or arrivals has durations.", defaultDuration)
	}
	switch {
	case f.Init != "":
		if s.Init, err = plan.ParseDistribution(f.Init, "constant"); err != nil {
			return wrong("init", err)
		}
	case measured != nil:
		s.Init = plan.Constant(measured.init + lambdaStart)
		assume(in, "The init was measured on this machine, %d times: %s, and Lambda takes %s for its own part. Below 1,769 MB a function has less processor time than here.", measured.starts, measured.init, lambdaStart)
	case recorded.Init != nil:
		s.Init = recorded.Init
	default:
		s.Init = plan.Constant(defaultInit)
		assume(in, "A new instance takes %s, as a Go program without warm-up does: --init says how long, and --measure finds it out.", defaultInit)
	}
	if f.Idle != "" {
		if s.Idle, err = plan.ParseBand(f.Idle); err != nil {
			return wrong("idle", err)
		}
		if s.Idle == (plan.Band{}) { // the flag says 0, which must not become the default
			s.Idle.Min = 1
		}
	}
	return nil
}

// concurrency sets the provisioned and reserved concurrency from the flags, or else from
// the project. With one of the flags, it ignores the project, because numbers of both might
// not fit together.
func (f *Flags) concurrency(in *plan.Input, p *project) error {
	s := &in.Scenario
	var err error
	if f.Provisioned != "" || f.Reserved != "" || f.Idle != "" || p == nil {
		if s.Reserved, err = f.reserved(); err != nil {
			return err
		}
		if f.Provisioned != "" {
			s.Provisioned, err = f.provisioned()
		}
		s.Provisioned.Utilization = f.Utilization
		return err
	}
	s.Provisioned, s.Reserved = p.provisioned(), p.settings.Reserved
	if f.Utilization != 0 {
		s.Provisioned.Utilization = f.Utilization
	}
	return nil
}

// queues sets the queues that have messages. For the project's other queues, it counts the
// instances that they need.
func (f *Flags) queues(in *plan.Input, p *project, jobs map[string]int) error {
	seen := map[string]bool{}
	for _, text := range f.Queues {
		q, err := f.queue(text, func(name string) (plan.Queue, bool) { return p.queue(name, jobs) })
		if err != nil {
			return err
		}
		if seen[q.Name] {
			return wrong("queue", fmt.Errorf("must be given once for each queue, got %q twice; leave one out", q.Name))
		}
		seen[q.Name] = true
		if q.Traffic == nil && q.Backlog == 0 && !p.scheduled(q.Name) {
			return wrong("queue", fmt.Errorf("%q: must have messages, got none; add rate=5 or backlog=1000", q.Name))
		}
		in.Scenario.Queues = append(in.Scenario.Queues, q)
	}
	if p == nil {
		return nil
	}
	for _, q := range p.settings.Queues {
		if seen[q.Name] {
			continue
		}
		if p.scheduled(q.Name) { // it gets the messages of a schedule
			queue, _ := p.queue(q.Name, jobs)
			queue.Duration = f.runDuration(in)
			in.Scenario.Queues = append(in.Scenario.Queues, queue)
			assume(in, "A job of the queue %s takes %s on average: --queue %s,duration=1s says how long.", q.Name, short(queue.Duration), q.Name)
			continue
		}
		in.Goals.Others += q.MaxConcurrency
		assume(in, "The queue %s is empty: --queue %s,rate=5,duration=1s says what it carries.", q.Name, q.Name)
	}
	return nil
}
