//go:build !unix

package local

import (
	"syscall"

	"github.com/lambdahearth/hearth/internal/process"
)

func serverUser(...string) (*syscall.SysProcAttr, error) { return nil, process.ErrUnsupported }
