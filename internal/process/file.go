package process

import (
	"os"
	"syscall"
)

// WriteProgram writes an executable file. No child inherits the open file: until such a
// child runs its own program, the system would refuse to run this one ("text file busy").
// https://github.com/golang/go/issues/22315 (2026-11)
func WriteProgram(path string, data []byte) error {
	return WhileOpen(func() error { return os.WriteFile(path, data, 0o755) })
}

// WhileOpen calls write, which opens, writes and closes an executable file, while no
// process is started; see [WriteProgram].
func WhileOpen(write func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return write()
}
