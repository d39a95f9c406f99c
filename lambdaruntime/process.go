package lambdaruntime

import "time"

// processStart is when the process started: before Go's runtime and the packages that are
// initialized first. time.Now in the program's own code would be too late.
var processStart = time.Now().Add(-cpuTime())

// sinceProcessStart returns how long the process has run.
func sinceProcessStart() time.Duration { return time.Since(processStart) }
