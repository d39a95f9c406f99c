//go:build unix

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
)

// envMain makes the test binary the command hearth.
const envMain = "HEARTH_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(envMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestPausedReader: hearth ends on SIGTERM although nobody reads its output, as in a pager
// that is paused, and at once on a second signal.
func TestPausedReader(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signal os.Signal
		again  bool
		ended  func(*os.ProcessState) bool
	}{
		"one signal":  {syscall.SIGTERM, false, func(s *os.ProcessState) bool { return s.ExitCode() == 1 }},
		"two signals": {os.Interrupt, true, func(s *os.ProcessState) bool { return s.Sys().(syscall.WaitStatus).Signal() == syscall.SIGINT }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			if err := w.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("the pipe takes everything: %v", err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			cmd := exec.Command(self, "sqs", "--addr", l.Addr().String())
			cmd.Env = append(os.Environ(), envMain+"=1")
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = w, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for deadline := time.Now().Add(within.Limit); ; time.Sleep(5 * time.Millisecond) {
				conn, err := net.Dial("tcp", l.Addr().String())
				if err == nil {
					conn.Close()
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("it does not serve: %v %s", err, &stderr)
				}
			}
			began := time.Now()
			cmd.Process.Signal(c.signal) //nolint:errcheck // it runs
			for c.again && len(ended) == 0 && time.Since(began) < within.Limit {
				time.Sleep(20 * time.Millisecond)
				cmd.Process.Signal(c.signal) //nolint:errcheck // it may have ended
			}
			within.Receive(t, ended)
			if !c.ended(cmd.ProcessState) {
				t.Errorf("%v: %s", cmd.ProcessState, &stderr)
			}
		})
	}
}
