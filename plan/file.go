package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// fileVersion is the version of plan files that this package writes. It reads no other.
const fileVersion = 1

// File is a plan file, which lies beside the infrastructure code: the traffic, and the
// goals for the settings. The constructs use it to check that the settings still serve the
// traffic.
type File struct {
	Version int         `json:"version"`
	Traffic fileTraffic `json:"traffic"`
	// Duration and Init are text for [ParseDistribution], or samples in seconds.
	Duration fileDistribution `json:"duration"`
	Init     fileDistribution `json:"init"`
	// IdleSeconds are the bounds of the idle time.
	IdleSeconds    [2]float64 `json:"idleSeconds"`
	TimeoutSeconds float64    `json:"timeoutSeconds"`
	// Account is the account's concurrency.
	Account int `json:"account"`
	// ColdShare is the share of requests that may wait for an init; 0 if any may.
	ColdShare float64 `json:"coldShare,omitempty"`
	// QueueInstances is the number of instances that queues and schedules may take from the
	// requests.
	QueueInstances int    `json:"queueInstances,omitempty"`
	Seed           uint64 `json:"seed,omitempty"`
	// Recommended has the recommended settings, for human readers only.
	Recommended struct {
		Provisioned *Provisioned `json:"provisioned,omitempty"`
		Reserved    int          `json:"reserved"`
	} `json:"recommended"`
}

// fileTraffic is a [Traffic] as JSON.
type fileTraffic struct {
	Kind          string    `json:"kind"`
	Rates         []float64 `json:"requestsPerSecond"`
	StepSeconds   float64   `json:"stepSeconds,omitempty"`
	Repeat        bool      `json:"repeat,omitempty"`
	BurstSize     int       `json:"burstSize,omitempty"`
	SpreadSeconds float64   `json:"spreadSeconds,omitempty"`
}

// fileDistribution is a [Distribution] as JSON: a string, or an array of samples.
type fileDistribution struct{ Distribution }

// mostSamples is the maximum of samples in a plan file. NewFile picks them evenly from the
// sorted samples.
const mostSamples = 500

// MarshalJSON implements [json.Marshaler].
func (d fileDistribution) MarshalJSON() ([]byte, error) {
	s, ok := d.Distribution.(samples)
	if !ok {
		return json.Marshal(d.String())
	}
	kept := s.values
	if n := len(s.values); n > mostSamples {
		kept = make([]float64, mostSamples)
		for i := range kept {
			kept[i] = s.values[(2*i+1)*n/(2*mostSamples)]
		}
	}
	return json.Marshal(kept)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (d *fileDistribution) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		var values []float64
		if err := json.Unmarshal(data, &values); err != nil {
			return err
		}
		d.Distribution = samplesOf(values)
		return nil
	}
	var text string
	err := json.Unmarshal(data, &text)
	if err == nil {
		d.Distribution, err = ParseDistribution(text, "constant")
	}
	return err
}

// NewFile makes a plan file from a scenario and the advice for it. It returns an error for
// a trace, which says nothing about other days.
func NewFile(in Input, a *Advice) (*File, error) {
	s := in.Scenario.defaults()
	if s.Traffic == nil || len(s.Traffic.rates) == 0 {
		return nil, errors.New("write plan file: traffic must be a rate or a curve, got a list of arrivals or none; give the counts per minute")
	}
	goals := in.Goals.defaults()
	f := &File{
		Version: fileVersion, Duration: fileDistribution{s.Duration}, Init: fileDistribution{s.Init},
		TimeoutSeconds: s.Timeout.Seconds(), Account: s.Account, QueueInstances: goals.Others + a.scheduled, Seed: s.Seed,
	}
	f.IdleSeconds[0], f.IdleSeconds[1] = s.idleLimits()
	if seconds(s.Init.Mean()) >= goals.Noticeable {
		f.ColdShare = goals.ColdShare
	}
	for _, q := range a.Queues {
		f.QueueInstances += q.MaxConcurrency
	}
	t := s.Traffic
	f.Traffic = fileTraffic{Kind: t.kind, Rates: t.rates, StepSeconds: t.step, Repeat: t.repeat, SpreadSeconds: t.spread}
	if t.size > 1 {
		f.Traffic.BurstSize = t.size
	}
	f.Recommended.Provisioned, f.Recommended.Reserved = a.Provisioned, a.Reserved
	return f, nil
}

// Write writes the file as indented JSON.
func (f *File) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(f); err != nil {
		return fmt.Errorf("write plan file: %w", err)
	}
	return nil
}

// Open reads a plan file.
func Open(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read plan file: %w; write it with hearth plan --out", err)
	}
	var version struct{ Version int }
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("read plan file %s: must be JSON, got %w; write it with hearth plan --out", path, err)
	}
	if version.Version != fileVersion {
		return nil, fmt.Errorf("read plan file %s: version must be %d, got %d; write it anew with hearth plan --out", path, fileVersion, version.Version)
	}
	f := &File{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		return nil, fmt.Errorf("read plan file %s: must be a plan, got %w; write it with hearth plan --out", path, err)
	}
	if f.Duration.Distribution == nil || f.Init.Distribution == nil {
		return nil, fmt.Errorf("read plan file %s: duration and init must be set, got none; write it with hearth plan --out", path)
	}
	return f, nil
}

// servedThrottles is the share of throttled requests up to which settings still serve the
// traffic. The short run of a check cannot tell a smaller share from none.
const servedThrottles = 1e-4

// Unserved returns the goals that settings miss for the traffic of the plan: none if they
// serve it. It simulates up to a day, which takes a tenth of a second for a million
// requests.
func (f *File) Unserved(p Provisioned, reserved *int) ([]Unserved, error) {
	t := &Traffic{
		kind: f.Traffic.Kind, rates: f.Traffic.Rates, step: f.Traffic.StepSeconds, repeat: f.Traffic.Repeat,
		size: max(f.Traffic.BurstSize, 1), spread: f.Traffic.SpreadSeconds,
	}
	s := Scenario{
		Traffic: t, Duration: f.Duration, Init: f.Init, Provisioned: p, Seed: f.Seed,
		Idle:    Band{seconds(f.IdleSeconds[0]), seconds(f.IdleSeconds[1])},
		Timeout: time.Duration(f.TimeoutSeconds * float64(time.Second)), Requests: studyRequests,
		Account: max(f.Account, p.max()),
	}
	if t.repeat && t.length() > daySeconds {
		s.Traffic = t.busiestDay()
	}
	if reserved != nil {
		// When the queues use all their instances, the requests have the rest.
		left := max(*reserved-f.QueueInstances, 0)
		s.Reserved = &left
		s.Provisioned.Min, s.Provisioned.Max = min(p.Min, left), min(p.Max, left)
	}
	r, err := Run(s)
	if err != nil {
		return nil, err
	}
	var list []Unserved
	if r.ThrottledShare > servedThrottles {
		list = append(list, Unserved{Reserved: true, Share: share(r.ThrottledShare), Goal: share(servedThrottles)})
	}
	if f.ColdShare > 0 && r.ColdShare > f.ColdShare*1.1 { // a tenth more is noise
		list = append(list, Unserved{Share: share(r.ColdShare), Goal: share(f.ColdShare)})
	}
	return list, nil
}

// Unserved is a goal that settings miss. If Reserved is true, too many requests are
// throttled; otherwise too many are cold.
type Unserved struct {
	Reserved bool
	// Share is the simulated share, and Goal the share that is allowed, as text.
	Share, Goal string
}
