//go:build unix

package process

import (
	"errors"
	"os/exec"
	"syscall"
)

// Supported is nil on systems where the functions of this package work fully.
var Supported error

// Group makes a command start in its own process group, so that the signals here reach
// its children too. On Linux the command is also killed when this process ends.
func Group(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr)
}

// Terminate asks a group to end.
func Terminate(pid int) { signal(pid, syscall.SIGTERM) }

// Kill ends a group.
func Kill(pid int) { signal(pid, syscall.SIGKILL) }

// Freeze stops a group until Thaw.
func Freeze(pid int) { signal(pid, syscall.SIGSTOP) }

// Thaw lets a group go on.
func Thaw(pid int) { signal(pid, syscall.SIGCONT) }

// signal sends a signal to a group, which may have ended by itself.
func signal(pid int, s syscall.Signal) { syscall.Kill(-pid, s) } //nolint:errcheck // see above

// Alive reports whether a process runs.
func Alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !zombie(pid)
}
