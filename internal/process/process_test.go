//go:build unix

package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain is the parent to kill, if a variable says so.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_PARENT") != "" {
		child := exec.Command("sleep", "1000")
		Group(child)
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println(child.Process.Pid)
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestChildrenEndWithTheirParent even if it is killed.
func TestChildrenEndWithTheirParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: only Linux can do it")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(20*time.Second, func() { parent.Process.Kill() }).Stop()
	var pid int
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	} else if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatal(err)
	}
	if !running(pid) {
		t.Fatal("the child does not run")
	}
	parent.Process.Kill()
	parent.Wait()
	await(t, "the child has ended", func() bool { return !running(pid) })
}

// running reports whether a process exists and is not a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// TestKillReachesGrandchildren of a group.
func TestKillReachesGrandchildren(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "sleep 1000 & echo $!; wait")
	Group(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(20*time.Second, func() { Kill(cmd.Process.Pid) }).Stop()
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	Kill(cmd.Process.Pid)
	cmd.Wait()
	await(t, "the grandchild has ended", func() bool { return !running(pid) })
}

// TestAlive: a process that has ended is not alive, whether its parent knows or not.
func TestAlive(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !Alive(cmd.Process.Pid) {
		t.Error("it runs")
	}
	cmd.Process.Kill()
	if runtime.GOOS == "linux" {
		await(t, "it is a zombie", func() bool { return !Alive(cmd.Process.Pid) })
	}
	cmd.Wait()
	if Alive(cmd.Process.Pid) {
		t.Error("it has ended")
	}
}

// TestSweep removes the folders of ended processes, and no others.
func TestSweep(t *testing.T) {
	t.Parallel()
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	prefix := "hearth-sweep-test-"
	own, err := TempDir(prefix)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-1", prefix, gone.Process.Pid))
	other := filepath.Join(os.TempDir(), prefix+"name-1")
	for _, dir := range []string{left, other} {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, dir := range []string{own, left, other} {
			os.RemoveAll(dir)
		}
	})
	marked := func(dir string) *exec.Cmd {
		cmd := exec.Command("sleep", "1000")
		cmd.Env = []string{"LAMBDA_TASK_ROOT=" + filepath.Join(dir, "1")}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	ours := marked(own)
	shell := exec.Command("sleep", "1000")
	shell.Env = []string{"PWD=" + filepath.Join(left, "data")}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shell.Process.Kill(); shell.Wait() })
	var want []int
	if runtime.GOOS == "linux" {
		want = []int{marked(left).Process.Pid}
		await(t, "the variables are shown", func() bool {
			env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", want[0]))
			return err == nil && strings.Contains(string(env), left)
		})
	}
	if killed := Sweep(prefix, "LAMBDA_TASK_ROOT"); !slices.Equal(killed, want) {
		t.Errorf("killed %v, want %v", killed, want)
	}
	if runtime.GOOS == "linux" && (!running(ours.Process.Pid) || !running(shell.Process.Pid)) {
		t.Error("a process of one that runs, or a user's shell, was killed")
	}
	for dir, stays := range map[string]bool{own: true, left: false, other: true} {
		if _, err := os.Stat(dir); (err == nil) != stays {
			t.Errorf("%s: %v, stays is %v", dir, err, stays)
		}
	}
}

// TestWriteProgram: a program runs as soon as it is written, while other processes start.
func TestWriteProgram(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 { // without the lock, about three in a hundred fail
				program := filepath.Join(dir, fmt.Sprint(i, "-", j))
				err := WriteProgram(program, data)
				if err == nil {
					err = exec.Command(program).Run()
				}
				if err != nil {
					t.Error(err)
				}
				os.Remove(program)
			}
		})
	}
	wg.Wait()
}
