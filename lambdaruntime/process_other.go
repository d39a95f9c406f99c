//go:build !unix

package lambdaruntime

import "time"

// cpuTime is not known here, where programs run in tests only.
func cpuTime() time.Duration { return 0 }
