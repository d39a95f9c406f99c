package lambda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
)

// logged collects the lines of a host.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// with returns the lines that contain a text.
func (l *logged) with(text string) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			list = append(list, line)
		}
	}
	return list
}

// TestWhatHappensIsLogged: Lambda's own report of an invocation is one line.
func TestWhatHappensIsLogged(t *testing.T) {
	t.Parallel()
	for do, want := range map[string]string{
		"sleep": "fn: RequestId: id-1 Error: Task timed out after 0.20 seconds",
		"exit":  "fn: RequestId: id-1 Error: Runtime exited with error: exit status 4",
		"grow":  "fn: RequestId: id-1 Error: Response payload size exceeded maximum allowed payload size (6291556 bytes).",
		"fail":  "", // the program says so
		"nap":   "",
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			log := &logged{}
			config := Config{}
			if do == "sleep" {
				config.Timeout = 200 * time.Millisecond
			}
			f := setup(t, &Host{Log: log.logf}, config)
			f.Invoke(t.Context(), "", Invocation{Payload: []byte(`{"do":"` + do + `"}`), RequestID: "id-1"})
			f.Stop()
			got := log.with("")
			if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestLastWords: what a program writes just before it ends is in the log, with and without
// a newline.
func TestLastWords(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 9)
	f := setup(t, &Host{}, Config{Output: writerFunc(func(line []byte) { lines <- string(line) })})
	if _, err := f.event(t, "", `{"do":"last words"}`); err == nil {
		t.Error("no error")
	}
	if got := within.Receive(t, lines); got != "last words\n" {
		t.Errorf("got %q", got)
	}
}

// TestChildrenOutsideTheGroup: a child that has left the process group ends with its
// instance, and a line names it.
func TestChildrenOutsideTheGroup(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setsid"); runtime.GOOS != "linux" || err != nil {
		t.Skip("skipped: only Linux shows the variables of a process, and the program setsid is needed")
	}
	log := &logged{}
	f := setup(t, &Host{Log: log.logf}, Config{})
	pid, err := f.event(t, "", `{"do":"start a session"}`)
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("setsid", "sleep", "1000") // not of an instance
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { other.Wait(); close(ended) }()
	defer func() { other.Process.Kill(); within.Receive(t, ended) }()
	await(t, func() bool { // the child leads its session
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		fields := strings.Fields(string(stat))
		return err == nil && len(fields) > 5 && fields[1] == "(sleep)" && fields[5] == pid
	})
	f.Stop()
	want := []string{"fn: killed processes [" + pid + "], which had left the instance's process group (setsid); on AWS they end with the execution environment"}
	if got := log.with("killed"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	await(t, func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	select {
	case <-ended:
		t.Error("a process of nobody was killed too")
	default:
	}
}

// TestProcessThatEndsAfterItsAnswer: the answer counts, the end of the process is one
// line, and a fresh one takes the next event.
func TestProcessThatEndsAfterItsAnswer(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]Config{"on demand": {}, "provisioned": {Provisioned: map[string]int{"1": 1}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &logged{}
			f := setup(t, &Host{Log: log.logf}, config)
			if out, err := f.event(t, "live", `{"do":"exit later"}`); err != nil || out != `{"do":"exit later"}` {
				t.Fatalf("got %s, %v", out, err)
			}
			await(t, func() bool {
				return len(log.with("fn: Runtime exited with error: exit status 1, between invocations")) == 1
			})
			if out, err := f.event(t, "live", `{"n":2}`); err != nil || out != `{"n":2}` {
				t.Errorf("the next event: %s, %v", out, err)
			}
			if c, _ := f.State(); c.Errors != 0 || c.Crashes != 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestThrottlesAreFewLines: the first throttle is logged at once, the others as a number
// once a second.
func TestThrottlesAreFewLines(t *testing.T) {
	t.Parallel()
	log := &logged{}
	f := setup(t, &Host{Log: log.logf}, Config{Reserved: number(0)})
	const n = 500
	for range n {
		var throttle *ThrottleError
		if _, err := f.event(t, "live", `{}`); !errors.As(err, &throttle) {
			t.Fatalf("got %v", err)
		}
	}
	if got := log.with("fn: throttled: Rate Exceeded. ReservedFunctionConcurrentInvocationLimitExceeded"); len(got) != 1 {
		t.Errorf("%d lines for the first: %q", len(got), got)
	}
	await(t, func() bool { return len(log.with(" more within 1s: Rate Exceeded.")) > 0 })
	total := 1
	for _, line := range log.with(" more within 1s") {
		var more int
		if _, err := fmt.Sscanf(line, "fn: throttled: %d more", &more); err != nil {
			t.Error(err)
		}
		total += more
	}
	if lines := len(log.with("")); lines > 5 || total != n {
		t.Errorf("%d lines for %d of %d throttles: %q", lines, total, n, log.with(""))
	}
}
