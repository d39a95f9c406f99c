// Package plancmd is the command hearth plan: it reads the traffic, the settings of the
// project and the flags, and writes the plan.
package plancmd

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/plan"
)

// Flags are the flags of the command, as the user wrote them. The zero value of a field
// means that the flag is not set.
type Flags struct {
	// Traffic.
	Rate    float64 // requests a second
	Traffic string  // a file
	Func    string  // the function of an Azure trace
	Daily   string  // LOW-HIGH requests a second
	Weekend float64 // share of a weekday's requests, with Daily
	Rush    float64 // requests a second in the first minute of each hour
	Burst   string  // SIZE or SIZE/DURATION
	Repeat  bool    // repeat the counts of the file
	Scale   float64 // factor for the number of requests

	// The function.
	Duration     string // a duration or a distribution
	Distribution string // the kind for a duration without one
	Init         string
	Measure      bool
	Dir          string // folder of the program to measure
	Idle         string // a duration or a band
	Timeout      time.Duration
	Memory       int
	AtMemory     []string // MB=DURATION
	Clients      float64  // connected to a WebSocket API
	Arch         string
	API          string

	// Concurrency.
	Provisioned     string // N or MIN-MAX
	Utilization     float64
	Reserved        string
	Account         int
	RequestsPerUnit float64
	Queues          []string
	Deploy          []time.Duration

	// Schedules.
	Schedules []string
	Start     string // the date or time of the beginning

	// Goals.
	Goal       string // cold share
	Noticeable time.Duration
	Age        time.Duration

	// The database.
	Connections int           // max_connections
	Borrow      time.Duration // of RDS Proxy
	Held        float64       // share of the handler's time

	// The run.
	Seed     uint64
	Requests int
	Length   time.Duration
	Prices   string // a file

	// The project.
	Assembly string
	Function string
	Stack    []string

	// Output.
	JSON bool
	HTML string // a file
	SVG  string // a file
	Out  string // a plan file
}

// Defaults for a function without a description.
const (
	defaultRate         = 1.0
	defaultDuration     = "100ms"
	defaultDistribution = "exponential"
	// Go's cold start on provided.al2023 is 41 to 49 ms.
	// https://maxday.github.io/lambda-perf/ (2026-08)
	defaultInit = 45 * time.Millisecond
	// The part of defaultInit that Lambda takes to start an instance; the init of an
	// empty program takes the small rest.
	lambdaStart = 40 * time.Millisecond
)

// wrong adds the name of the wrong flag to an error.
func wrong(flag string, err error) error { return fmt.Errorf("--%s: %w", flag, err) }

// traffic makes the traffic of the requests. recorded is nil without a file.
func (f *Flags) traffic(recorded *plan.Recorded) (*plan.Traffic, error) {
	given := 0
	for _, is := range []bool{f.Traffic != "", f.Daily != "", f.Rush > 0 || f.Burst != ""} {
		if is {
			given++
		}
	}
	if given > 1 || f.Rush > 0 && f.Burst != "" || f.Rate != 0 && (f.Traffic != "" && recorded.Traffic != nil || f.Daily != "") {
		return nil, errors.New("traffic must be given once, got several of --rate, --traffic, --daily, --rush and --burst; a rate goes with --rush or --burst alone")
	}
	if f.Rush < 0 || math.IsNaN(f.Rush) {
		return nil, wrong("rush", fmt.Errorf("must be above 0 requests a second, got %g; correct it", f.Rush))
	}
	if f.Weekend != 0 && f.Daily == "" {
		return nil, wrong("weekend", fmt.Errorf("must come with --daily, got it alone; a week has days of that kind"))
	}
	rate := cmp.Or(f.Rate, defaultRate)
	t := plan.Steady(rate)
	switch {
	case f.Rate < 0:
		return nil, wrong("rate", fmt.Errorf("must be 0 requests a second or more, got %g; correct it", f.Rate))
	case f.Traffic != "" && recorded.Traffic != nil:
		t = recorded.Traffic
		if f.Repeat {
			t = t.Repeated()
		}
	case f.Daily != "":
		lowest, highest, err := numbers(f.Daily)
		if err != nil {
			return nil, wrong("daily", fmt.Errorf("must be two rates in requests a second, such as 2-40, got %q: %w", f.Daily, err))
		}
		t = plan.Diurnal(lowest, highest)
		if !(f.Weekend >= 0) {
			return nil, wrong("weekend", fmt.Errorf("must be the share of a weekday's requests, such as 0.3, got %g; correct it", f.Weekend))
		}
		if f.Weekend > 0 {
			t = plan.Weekly(t, f.Weekend)
		}
	case f.Rush > 0:
		t = plan.TopOfTheHour(rate, f.Rush)
	case f.Burst != "":
		size, spread, err := burst(f.Burst)
		if err != nil {
			return nil, wrong("burst", err)
		}
		t = plan.Bursts(rate, size, spread)
	}
	if !(f.Scale >= 0) {
		return nil, wrong("scale", fmt.Errorf("must be above 0, got %g; correct it", f.Scale))
	}
	if f.Scale > 0 {
		t = t.Scaled(f.Scale)
	}
	return t, nil
}

// number, whole and duration read a value, with errors for users.
func number(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return x, nil
}

func whole(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return n, nil
}

func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration such as 30s", text)
	}
	return d, nil
}

// numbers reads "2-40", or one number for both.
func numbers(text string) (low, high float64, err error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		to = from
	}
	if low, err = number(from); err == nil {
		high, err = number(to)
	}
	if err == nil && !(low >= 0 && high >= low) {
		err = errors.New("the lower number comes first")
	}
	return low, high, err
}

// wholes is [numbers] for whole numbers.
func wholes(text string) (low, high int, err error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		to = from
	}
	if low, err = whole(from); err == nil {
		high, err = whole(to)
	}
	if err == nil && !(low >= 0 && high >= low) {
		err = errors.New("the lower number comes first")
	}
	return low, high, err
}

func burst(text string) (size int, spread time.Duration, err error) {
	number, over, ok := strings.Cut(text, "/")
	if size, err = strconv.Atoi(number); err == nil && ok {
		spread, err = time.ParseDuration(over)
	}
	if err != nil || size < 1 || spread < 0 {
		return 0, 0, fmt.Errorf("must be a number of requests, and over what time they come, such as 50/2s, got %q; correct it", text)
	}
	return size, spread, nil
}

// provisioned reads N or MIN-MAX.
func (f *Flags) provisioned() (plan.Provisioned, error) {
	lowest, highest, err := wholes(f.Provisioned)
	if err != nil {
		return plan.Provisioned{}, wrong("provisioned", fmt.Errorf("must be a number of instances, or the lowest and the highest, such as 2-20, got %q: %w", f.Provisioned, err))
	}
	p := plan.Provisioned{Min: lowest, Utilization: f.Utilization}
	if highest > lowest {
		p.Max = highest
	}
	return p, nil
}

func (f *Flags) reserved() (*int, error) {
	if f.Reserved == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(f.Reserved)
	if err != nil || n < 0 {
		return nil, wrong("reserved", fmt.Errorf("must be 0 or more instances, got %q; leave it out to reserve nothing", f.Reserved))
	}
	return &n, nil
}

// goals reads the goals.
func (f *Flags) goals() (plan.Goals, error) {
	g := plan.Goals{Noticeable: f.Noticeable, Age: f.Age}
	if f.Goal != "" {
		text, percent := strings.CutSuffix(f.Goal, "%")
		share, err := strconv.ParseFloat(text, 64)
		if percent {
			share /= 100
		}
		if err != nil || !(share > 0 && share < 1) {
			return g, wrong("goal", fmt.Errorf("must be the share of requests that may be cold, such as 0.1%%, got %q; correct it", f.Goal))
		}
		g.ColdShare = share
	}
	if g.Noticeable < 0 || g.Age < 0 {
		return g, fmt.Errorf("--noticeable and --age must be 0 or more, got %s and %s; correct them", g.Noticeable, g.Age)
	}
	return g, nil
}

// measured reads durations at memory sizes, such as 512=110ms.
func (f *Flags) measured() ([]plan.Memory, error) {
	var list []plan.Memory
	for _, text := range f.AtMemory {
		size, duration, _ := strings.Cut(text, "=")
		mb, err := strconv.Atoi(size)
		var d plan.Distribution
		if err == nil {
			d, err = plan.ParseDistribution(duration, cmp.Or(f.Distribution, defaultDistribution))
		}
		if err != nil || mb < 128 || mb > 10240 {
			return nil, wrong("at-memory", fmt.Errorf("must be 128 to 10240 MB and the duration with it, such as 512=110ms, got %q; correct it", text))
		}
		list = append(list, plan.Memory{MB: mb, Duration: d})
	}
	return list, nil
}

// queue reads a queue, such as "titles,rate=5,duration=2s,max=5". Options that the text
// leaves out come from the queue that find returns.
func (f *Flags) queue(text string, find func(name string) (plan.Queue, bool)) (plan.Queue, error) {
	name, rest, _ := strings.Cut(text, ",")
	fail := func(format string, args ...any) (plan.Queue, error) {
		return plan.Queue{}, wrong("queue", fmt.Errorf("%q: "+format, append([]any{name}, args...)...))
	}
	q, known := find(name)
	if !known {
		q = plan.Queue{Name: name}
	}
	if name == "" || strings.Contains(name, "=") {
		return plan.Queue{}, wrong("queue", fmt.Errorf("must begin with the name of the queue, got %q; write jobs,rate=5,duration=2s", text))
	}
	kind := cmp.Or(f.Distribution, defaultDistribution)
	for option := range strings.SplitSeq(rest, ",") {
		if option == "" {
			continue
		}
		key, value, _ := strings.Cut(option, "=")
		var err error
		switch key {
		case "fifo":
			q.FIFO = true
		case "rate":
			var rate float64
			if rate, err = number(value); err == nil {
				q.Traffic = plan.Steady(rate)
			}
		case "traffic":
			var recorded *plan.Recorded
			if recorded, err = plan.ReadFile(value, ""); err == nil {
				q.Traffic = recorded.Traffic
			}
		case "backlog":
			q.Backlog, err = whole(value)
		case "duration":
			// A comma separates options, so a distribution has / instead.
			q.Duration, err = plan.ParseDistribution(strings.ReplaceAll(value, "/", ","), kind)
		case "jobs":
			q.Jobs, err = whole(value)
		case "batch":
			q.BatchSize, err = whole(value)
		case "window":
			q.Window, err = duration(value)
		case "max":
			q.MaxConcurrency, err = whole(value)
		case "pollers":
			q.MinPollers, q.MaxPollers, err = wholes(value)
		case "groups":
			q.Groups, err = whole(value)
		case "failure":
			q.Failure, err = number(value)
		case "visibility":
			q.Visibility, err = duration(value)
		case "receives":
			q.MaxReceives, err = whole(value)
		default:
			return fail("there is no option %q; the options are rate, traffic, backlog, duration, jobs, batch, window, max, pollers, fifo, groups, failure, visibility and receives", key)
		}
		if err != nil {
			return fail("%s: %w", key, err)
		}
	}
	return q, nil
}
