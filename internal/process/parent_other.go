//go:build !linux

package process

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

// KillMarked does nothing here: only Linux shows the variables of a process.
func KillMarked(string) []int { return nil }

func killBelow(string, string) []int { return nil }

// zombie is false here: only Linux shows the state of a process.
func zombie(int) bool { return false }
