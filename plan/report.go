package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Input is the input of [NewReport].
type Input struct {
	Scenario Scenario
	Goals    Goals
	Prices   Prices
	Billing  Billing
	// Title names the report. "" is "Plan".
	Title string
	// Assumed are sentences about values that the caller assumed.
	Assumed []string
}

// Report is a plan: the results of a scenario's settings, their cost, and better settings.
// As JSON it has the fields of [Result] at the top level.
type Report struct {
	*Result
	Title    string   `json:"title"`
	Scenario Summary  `json:"scenario"`
	Cost     Cost     `json:"cost"`
	Advice   *Advice  `json:"advice"`
	Breaks   []Break  `json:"breaks"`
	Assumed  []string `json:"assumed,omitempty"`

	// Distribution is the cumulative distribution of the latency. Occupancy is the share of
	// time with at most X busy instances.
	Distribution []Point `json:"distribution,omitempty"`
	Occupancy    []Point `json:"occupancy,omitempty"`
}

// Summary describes a scenario in a report. Times are in seconds.
type Summary struct {
	Traffic     string   `json:"traffic"`
	Rate        float64  `json:"rate"`     // mean, requests a second
	PeakRate    float64  `json:"peakRate"` // requests a second
	Load        float64  `json:"load"`     // mean number of busy instances, without init
	Duration    string   `json:"duration"`
	Init        string   `json:"init"`
	IdleMin     float64  `json:"idleMin"`
	IdleMax     float64  `json:"idleMax"`
	Timeout     float64  `json:"timeout"`
	Provisioned int      `json:"provisioned"`
	MaxProvided int      `json:"maxProvisioned"`
	Reserved    *int     `json:"reserved"`
	Account     int      `json:"account"`
	MemoryMB    int      `json:"memoryMB"`
	Arch        string   `json:"arch"`
	API         string   `json:"api,omitempty"`
	Queues      []string `json:"queues,omitempty"`
	// Start is the time at which the traffic begins.
	Start time.Time `json:"start"`
	Seed  uint64    `json:"seed"`
}

// NewReport runs a scenario, computes better settings, and makes a report of both.
func NewReport(in Input) (*Report, error) {
	result, err := Run(in.Scenario)
	if err != nil {
		return nil, err
	}
	advice, err := recommend(in.Scenario, result, in.Goals, in.Prices, in.Billing)
	if err != nil {
		return nil, err
	}
	s := in.Scenario.defaults()
	r := &Report{
		Result: result, Title: in.Title, Scenario: summarize(&s, in.Billing), Cost: in.Prices.Month(&s, result, in.Billing),
		Advice: advice, Breaks: Breaks(s, in.Billing.API), Assumed: in.Assumed,
		Distribution: result.histogram.curve(120), Occupancy: result.busyShares(),
	}
	if r.Title == "" {
		r.Title = "Plan"
	}
	return r, nil
}

func summarize(s *Scenario, b Billing) Summary {
	v := Summary{
		Traffic: "none", Duration: "none", Init: s.Init.String(), Timeout: s.Timeout.Seconds(), Load: s.load(),
		Provisioned: s.Provisioned.Min, MaxProvided: s.Provisioned.max(), Reserved: s.Reserved, Account: s.Account,
		MemoryMB: b.MemoryMB, Arch: "arm64", API: b.API, Seed: s.Seed,
	}
	if v.MemoryMB == 0 {
		v.MemoryMB = 128
	}
	if b.X86 {
		v.Arch = "x86_64"
	}
	v.Start = s.Start
	v.IdleMin, v.IdleMax = s.idleLimits()
	if t := s.Traffic; t != nil {
		v.Traffic, v.Rate, v.PeakRate = t.kind, t.Mean(), t.Peak()
	}
	if s.Duration != nil {
		v.Duration = s.Duration.String()
	} else if s.Traffic != nil {
		v.Duration = "of the trace"
	}
	for _, q := range s.Queues {
		v.Queues = append(v.Queues, q.Name)
	}
	return v
}

// busyShares returns, for each number of busy instances, the share of time with at most
// that many.
func (r *Result) busyShares() []Point {
	all := 0.0
	for _, at := range r.occupancy {
		all += at
	}
	if all == 0 {
		return nil
	}
	var points []Point
	sum := 0.0
	for n, at := range r.occupancy {
		if at > 0 {
			sum += at
			points = append(points, Point{float64(n), sum / all})
		}
	}
	// Keep at most 200 points, with both ends.
	for len(points) > 200 {
		kept := points[:0]
		for i, p := range points {
			if i%2 == 0 || i == len(points)-1 {
				kept = append(kept, p)
			}
		}
		points = kept
	}
	return points
}

// WriteJSON writes the report as an indented JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}
