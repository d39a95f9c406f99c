package local

import "github.com/lambdahearth/hearth/local/internal/plan"

// FunctionSettings are the concurrency settings of a Go function in an assembly.
type FunctionSettings = plan.FunctionSettings

// CapacityChange sets the number of provisioned instances from a time of day on, in UTC.
type CapacityChange = plan.CapacityChange

// ScheduleSettings are a schedule that invokes a function, or sends messages to its queue.
type ScheduleSettings = plan.ScheduleSettings

// DatabaseSettings are the database that a function connects to.
type DatabaseSettings = plan.DatabaseSettings

// QueueSettings are a queue and its event source mapping.
type QueueSettings = plan.QueueSettings

// ReadSettings reads the Go functions of an assembly, by stack and logical id. It builds
// and starts nothing. stacks are the names of the stacks to read; none means all.
func ReadSettings(dir string, stacks ...string) ([]FunctionSettings, error) {
	return plan.ReadSettings(dir, stacks...)
}
