// Package transcript runs what a page tells its readers to type, and holds what comes
// back against the page.
//
// A block marked "console" has commands, after "$ ", with the lines that each prints. A
// block marked "log" has the beginnings of lines in the log of hearth dev. In both, "…"
// stands for any text. A "hearth connect" whose standard input is no pipe goes on in the background;
// what it prints is looked at when all else is done.
package transcript

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
)

// patience bounds each step.
const patience = time.Minute

// pageAddress is where hearth dev serves on the page.
const pageAddress = "localhost:3000"

// A Step is a command with the lines that it prints, or lines of the log.
type Step struct {
	Command string // "" for the log
	Want    []string
}

// Parse returns the steps of a page, or of a Go file whose header comment has them,
// indented by a tab.
func Parse(page string) []Step {
	var steps []Step
	kind := ""
	for _, line := range strings.Split(page, "\n") {
		text := strings.TrimPrefix(line, "// ")
		switch {
		case strings.HasPrefix(text, "```"):
			if kind != "" {
				kind = ""
			} else {
				kind = strings.TrimPrefix(text, "```") + " "
			}
			if kind == "log " {
				steps = append(steps, Step{})
			}
			continue
		case kind == "console " && strings.HasPrefix(text, "$ "):
			steps = append(steps, Step{Command: strings.TrimPrefix(text, "$ ")})
			continue
		}
		if (kind == "console " || kind == "log ") && len(steps) > 0 && text != "" {
			last := &steps[len(steps)-1]
			last.Want = append(last.Want, text)
		}
	}
	return steps
}

// A Session is a hearth dev that runs.
type Session struct {
	URL string
	Dir string
	// Hearth is the command's binary.
	Hearth string
	// Log is what hearth dev has printed.
	Log *Buffer
}

// Buffer is what a process has printed.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is everything so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Start runs hearth dev in dir with further arguments, until the test ends, and waits
// until it is ready.
func Start(t testing.TB, hearth, dir string, args ...string) *Session {
	t.Helper()
	s := &Session{Dir: dir, Hearth: hearth, Log: &Buffer{}}
	cmd := exec.Command(hearth, append([]string{"dev", "--dir", dir, "--port", "0", "--no-watch"}, args...)...)
	cmd.Stdout, cmd.Stderr = s.Log, s.Log
	process.Group(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // what it printed says more
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it may have ended
		select {
		case <-ended:
		case <-time.After(patience):
			process.Kill(cmd.Process.Pid)
			<-ended
		}
		if t.Failed() {
			t.Logf("hearth dev printed:\n%s", s.Log)
		}
	})
	address := regexp.MustCompile(`State +(http://\S+)/_hearth/state`)
	for deadline := time.Now().Add(5 * patience); ; time.Sleep(10 * time.Millisecond) {
		if found := address.FindStringSubmatch(s.Log.String()); found != nil {
			s.URL = found[1]
			return s
		}
		select {
		case <-ended:
			t.Fatalf("hearth dev ended:\n%s", s.Log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("hearth dev is not ready:\n%s", s.Log)
		}
	}
}

// Run runs the steps of a page, but for "hearth dev" itself.
func (s *Session) Run(t testing.TB, steps []Step) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	type background struct {
		step   Step
		output *Buffer
	}
	var running []background
	for _, step := range steps {
		if step.Command == "hearth dev" || strings.HasPrefix(step.Command, "hearth dev ") {
			continue
		}
		if step.Command == "" {
			s.await(t, "the log of hearth dev", s.Log, begin(step.Want))
			continue
		}
		output := &Buffer{}
		cmd := s.command(ctx, step.Command, output)
		if strings.HasPrefix(step.Command, "hearth connect") && !strings.Contains(step.Command, "<") {
			open := s.connections(t)
			stdin, err := cmd.StdinPipe() // which stays open
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stdin.Close() })
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				process.Kill(cmd.Process.Pid)
				cmd.Wait() //nolint:errcheck // it was killed
			})
			awaitDone(t, "the client is connected", output, func() bool { return s.connections(t) > open })
			running = append(running, background{step, output})
			continue
		}
		if err := cmd.Run(); err != nil {
			t.Errorf("$ %s\n%v\n%s", step.Command, err, output)
			continue
		}
		if got := output.String(); !matches(got, step.Want) {
			t.Errorf("$ %s\nprinted:\n%s\nthe page says:\n%s", step.Command, got, strings.Join(step.Want, "\n"))
		}
	}
	for _, b := range running {
		s.await(t, "$ "+b.step.Command, b.output, b.step.Want)
	}
}

// command is a command line of the page, in the session's folder, with hearth in PATH.
func (s *Session) command(ctx context.Context, line string, output *Buffer) *exec.Cmd {
	line = strings.ReplaceAll(line, pageAddress, strings.TrimPrefix(s.URL, "http://"))
	// The page's reader has one hearth dev in the folder; here its address is given.
	for _, name := range []string{"send", "trigger", "connect"} {
		line = strings.ReplaceAll(line, "hearth "+name, "hearth "+name+" --url "+s.URL)
	}
	line = strings.ReplaceAll(line, "curl ", "curl -sS --max-time 30 ")
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(s.Hearth)+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = time.Second
	process.Group(cmd)
	cmd.Cancel = func() error { process.Kill(cmd.Process.Pid); return nil }
	return cmd
}

var connectionCount = regexp.MustCompile(`"connections": (\d+)`)

// connections is how many WebSocket clients are connected.
func (s *Session) connections(t testing.TB) int {
	t.Helper()
	output := &Buffer{}
	if err := s.command(t.Context(), "curl "+pageAddress+"/_hearth/state", output).Run(); err != nil {
		t.Fatal(err, output)
	}
	total := 0
	for _, found := range connectionCount.FindAllStringSubmatch(output.String(), -1) {
		n := 0
		fmt.Sscan(found[1], &n) //nolint:errcheck // it is digits
		total += n
	}
	return total
}

func (s *Session) await(t testing.TB, what string, output *Buffer, want []string) {
	t.Helper()
	awaitDone(t, fmt.Sprintf("%s has\n%s", what, strings.Join(want, "\n")), output, func() bool { return matches(output.String(), want) })
}

// begin makes lines the beginnings of lines.
func begin(lines []string) []string {
	begun := make([]string, len(lines))
	for i, line := range lines {
		begun[i] = line + "…"
	}
	return begun
}

func awaitDone(t testing.TB, what string, output *Buffer, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen: %s\nprinted:\n%s", what, output)
		}
	}
}

// matches reports whether the lines that are wanted are among those that were printed,
// in this order.
func matches(got string, want []string) bool {
	lines := strings.Split(strings.ReplaceAll(got, "\r", ""), "\n")
	for _, line := range want {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$")
		at := -1
		for i, l := range lines {
			if pattern.MatchString(l) {
				at = i
				break
			}
		}
		if at < 0 {
			return false
		}
		lines = lines[at+1:]
	}
	return true
}
