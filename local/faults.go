package local

import (
	"fmt"
	"os"

	"github.com/lambdahearth/hearth/local/internal/faults"
)

// Fault is one thing that goes wrong on purpose, such as a share of invocations that is
// throttled.
type Fault = faults.Fault

// FaultDuration is a time.Duration that JSON has as text, such as "1.5s".
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

// ReadFaults reads a file of faults, which the engine's page saves:
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

// SetFaults replaces what goes wrong on purpose; none ends all faults.
func (e *Engine) SetFaults(list ...Fault) error {
	if err := e.faults.Replace(list); err != nil {
		return fmt.Errorf("set faults: %w", err)
	}
	if e.faults.DatabaseGone() {
		e.database.breakConnections()
	}
	return nil
}
