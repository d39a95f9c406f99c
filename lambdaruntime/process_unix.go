//go:build unix

package lambdaruntime

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that the process has used. Until its first package
// is initialized, a program does little else than compute, so this is its age, to within
// a millisecond. Linux's own start time of a process counts in steps of 10 ms.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
