//go:build !unix

package postgrestest

import (
	"errors"
	"syscall"
)

func serverUser(string) (*syscall.SysProcAttr, error) {
	return nil, errors.New("needs Unix sockets")
}
