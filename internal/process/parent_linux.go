package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// zombie reports whether a process has ended, and its parent has not noticed yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

// KillMarked kills the processes that were started with a variable, such as "NAME=value",
// and returns their ids. It reaches those that have left the group of their parent.
func KillMarked(variable string) []int { return killThose("\x00" + variable + "\x00") }

// killBelow kills the processes that were started with a variable whose value is a path
// below a folder.
func killBelow(variable, dir string) []int { return killThose("\x00" + variable + "=" + dir + "/") }

// killThose kills the processes whose environment, as the kernel shows it, has a text.
func killThose(text string) []int {
	var killed []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is valid
	for _, file := range files {
		env, err := os.ReadFile(file) // fails for processes of other users
		if err != nil || !bytes.Contains(append([]byte{0}, env...), []byte(text)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed = append(killed, pid)
		}
	}
	return killed
}
