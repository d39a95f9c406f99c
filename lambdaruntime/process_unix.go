//go:build unix

package lambdaruntime

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that the process has used so far. Until a program's
// first package is initialized it does little else than compute, so this is how long it
// has run, to within a millisecond; the start time that Linux has of a process counts
// in steps of ten.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
