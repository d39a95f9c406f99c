//go:build !unix

package lambdaruntime

import "time"

// cpuTime is unknown on this system, where programs run in tests only.
func cpuTime() time.Duration { return 0 }
