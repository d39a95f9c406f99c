package lambdaruntime

import "time"

// processStart is when the process has started: before Go's runtime and the packages
// that are initialized first, which a program's own clock cannot see.
var processStart = time.Now().Add(-cpuTime())

// sinceProcessStart is how long ago that was.
func sinceProcessStart() time.Duration { return time.Since(processStart) }
