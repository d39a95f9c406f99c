//go:build !unix

package process

import (
	"os"
	"os/exec"
)

// Supported is nil on systems where the functions of this package work fully.
var Supported = ErrUnsupported

// Group does nothing here.
func Group(*exec.Cmd) {}

// Terminate ends a process at once.
func Terminate(pid int) { Kill(pid) }

// Kill ends a process, without its children.
func Kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill() //nolint:errcheck // it may have ended by itself
	}
}

// Freeze does nothing here.
func Freeze(int) {}

// Thaw does nothing here.
func Thaw(int) {}

// Alive reports whether a process exists.
func Alive(pid int) bool {
	_, err := os.FindProcess(pid)
	return err == nil
}
