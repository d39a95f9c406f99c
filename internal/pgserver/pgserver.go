// Package pgserver runs temporary PostgreSQL servers with the programs installed on this
// machine, for the local engine and for tests.
package pgserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
)

// Find looks for a program, such as initdb, in PATH and in the folders where Debian and
// Homebrew put PostgreSQL and its proxies.
func Find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/opt/homebrew/opt/postgresql@*/bin/", "/usr/sbin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("no %s in PATH", name)
}

// Installed returns an error that names the first missing program of a server.
func Installed() error {
	for _, program := range []string{"initdb", "postgres", "createdb"} {
		if _, err := Find(program); err != nil {
			return err
		}
	}
	return nil
}

// New makes an empty cluster in dir/data with initdb and its further arguments, and
// returns its server. The server runs with fsync off, so a crash of the machine loses its
// data. New gives dir and files to the server's user.
func New(ctx context.Context, dir string, files, initArgs, serverArgs []string) (*Process, error) {
	initdb, err := Find("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := Find("postgres")
	if err != nil {
		return nil, err
	}
	user, err := User(append([]string{dir}, files...)...)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, initdb, append([]string{"-D", data, "-E", "UTF8", "--locale=C", "--no-sync"}, initArgs...)...)
	init.Dir, init.SysProcAttr = dir, user
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return &Process{
		Dir: dir, User: user, Ready: "database system is ready to accept connections",
		Args: append([]string{postgres, "-D", data, "-c", "fsync=off"}, serverArgs...),
	}, nil
}

// Process is a program that reports on its standard error when it is ready. After Stop it
// can be started again.
type Process struct {
	Dir string
	// User is the user that it runs as, see [User].
	User *syscall.SysProcAttr
	// Args are the program and its arguments.
	Args []string
	// Ready is a part of the English line that reports that it is ready.
	Ready string

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts the program and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir = p.Dir
	if p.User != nil {
		attr := *p.User
		cmd.SysProcAttr = &attr
	}
	process.Group(cmd) // Ctrl-C is for the parent, which stops it last
	cmd.Env = append(os.Environ(), "LC_ALL=C", "LC_MESSAGES=C")
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	p.cmd, p.ended = cmd, ended
	var seen strings.Builder // read after ended is closed
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), p.Ready) {
				close(ready)
				break
			}
		}
		io.Copy(io.Discard, log) //nolint:errcheck // a full pipe would stop the program
		cmd.Wait()               //nolint:errcheck // its lines say more
	}()
	select {
	case <-ready:
		return nil
	case <-ended:
		return fmt.Errorf("%s did not start:\n%s", filepath.Base(p.Args[0]), seen.String())
	case <-ctx.Done():
		process.Kill(cmd.Process.Pid)
		<-ended
		return fmt.Errorf("%s was not ready in time: %w\n%s", filepath.Base(p.Args[0]), context.Cause(ctx), seen.String())
	}
}

// Stop asks the program to end all connections and itself, and kills it when that takes
// longer than grace. It does nothing if the program is not running.
func (p *Process) Stop(grace time.Duration) {
	if p == nil || p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(grace):
		process.Kill(p.cmd.Process.Pid)
		<-p.ended
	}
}
