//go:build !unix

package pgserver

import (
	"syscall"

	"github.com/lambdahearth/hearth/internal/process"
)

// User fails: the servers need the processes and signals of Unix.
func User(...string) (*syscall.SysProcAttr, error) { return nil, process.ErrUnsupported }
