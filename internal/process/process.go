// Package process starts programs that end together with their own children, and with the
// process that started them, however that ends. It also removes the temporary folders of
// killed processes.
package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrUnsupported means that this operating system lacks the processes and signals of
// Unix.
var ErrUnsupported = errors.New("this needs the processes and signals of Unix; on Windows use WSL (wsl --install)")

// TempDir makes a folder for temporary files that belongs to this process. The caller
// removes it.
func TempDir(prefix string) (string, error) {
	return os.MkdirTemp("", prefix+strconv.Itoa(os.Getpid())+"-")
}

// Sweep removes the folders of processes that no longer exist. On Linux it first kills what
// is left of the programs that were started there, which have a variable with a path in the
// folder: the children of a program survive when both it and its parent are killed. It
// returns the ids of these processes. The variable "" kills none.
func Sweep(prefix, variable string) (killed []int) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*-*")) // the pattern is valid
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && !Alive(pid) {
			if variable != "" {
				killed = append(killed, killBelow(variable, dir)...)
			}
			os.RemoveAll(dir) // another user's folder stays
		}
	}
	return killed
}
