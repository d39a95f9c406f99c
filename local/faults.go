package local

import (
	"fmt"
	"os"

	"github.com/lambdahearth/hearth/local/internal/faults"
)

// Fault is one deliberate failure, such as throttling a share of invocations.
type Fault = faults.Fault

// FaultDuration is a time.Duration whose JSON form is text, such as "1.5s".
type FaultDuration = faults.Duration

// Kinds of a [Fault].
const (
	FaultKill      = faults.Kill
	FaultThrottle  = faults.Throttle
	FaultDelay     = faults.Delay
	FaultSlowInit  = faults.SlowInit
	FaultDuplicate = faults.Duplicate
	FaultDatabase  = faults.Database
)

// ReadFaults reads a file of faults. The engine's page saves such files:
//
//	{"faults": [{"kind": "throttle", "share": 0.2}, {"kind": "slowInit", "delay": "2s"}]}
//
// In a test:
//
//	faults, err := local.ReadFaults("testdata/storm.json")
//	engine, err := local.Start(ctx, local.Options{Assembly: "cdk.out", Faults: faults})
func ReadFaults(path string) ([]Fault, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	list, err := faults.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// SetFaults replaces all active faults; without arguments it ends them.
func (e *Engine) SetFaults(list ...Fault) error {
	if err := e.faults.Replace(list); err != nil {
		return fmt.Errorf("set faults: %w", err)
	}
	if e.faults.DatabaseGone() {
		e.database.breakConnections()
	}
	return nil
}
