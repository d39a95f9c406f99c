package local

import "github.com/lambdahearth/hearth/local/internal/plan"

// FunctionSettings are what an assembly says of a Go function's concurrency.
type FunctionSettings = plan.FunctionSettings

// CapacityChange sets the provisioned instances from a time of the day on, in UTC.
type CapacityChange = plan.CapacityChange

// QueueSettings are a queue and its event source mapping.
type QueueSettings = plan.QueueSettings

// ReadSettings reads the Go functions of an assembly, by stack and logical id, without
// building or starting anything. Stacks are the names of those to read; none means all.
func ReadSettings(dir string, stacks ...string) ([]FunctionSettings, error) {
	return plan.ReadSettings(dir, stacks...)
}
