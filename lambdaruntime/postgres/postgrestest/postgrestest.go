// Package postgrestest starts throw-away PostgreSQL servers for tests:
//
//	func TestStore(t *testing.T) {
//		t.Setenv("DATABASE_URL", postgrestest.Start(t))
//		…
//	}
//
// It runs the initdb and postgres programs that are installed (Debian: postgresql),
// without a container.
package postgrestest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds the start and the stop of a program.
const startTimeout = time.Minute

// Start starts a server with an empty database and returns its URL. It listens on
// a Unix socket only, and ends with the test. The test is skipped where PostgreSQL
// is not installed.
func Start(t testing.TB) string {
	t.Helper()
	return NewServer(t).URL
}

// Server is a server that can be stopped and started again.
type Server struct {
	// URL is the address of its database.
	URL string

	program
}

// NewServer starts a server like [Start].
func NewServer(t testing.TB) *Server {
	t.Helper()
	initdb, postgres := find(t, "initdb", "postgresql"), find(t, "postgres", "postgresql")
	dir, user := serverDir(t)
	data := filepath.Join(dir, "data")
	run := exec.Command(initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	run.Dir, run.SysProcAttr = dir, user
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("postgrestest: initdb: %v\n%s", err, out)
	}
	s := &Server{URL: address(dir, ""), program: program{
		dir: dir, user: user, ready: "database system is ready to accept connections",
		args: []string{postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off"},
	}}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// StartPooler starts a pooling proxy, PgBouncer, between a program and the server at
// serverURL, which it has as many connections to as said. It lends one of them for each
// transaction, as RDS Proxy does. The result is the proxy's own URL. The test is
// skipped where PgBouncer is not installed (Debian: pgbouncer).
func StartPooler(t testing.TB, serverURL string, connections int) string {
	t.Helper()
	return NewPooler(t, serverURL, connections).URL
}

// NewPooler starts a pooling proxy like [StartPooler], which can be stopped and
// started again.
func NewPooler(t testing.TB, serverURL string, connections int) *Server {
	t.Helper()
	pgbouncer := find(t, "pgbouncer", "pgbouncer")
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	dir, user := serverDir(t)
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s user=%s\n[pgbouncer]\nunix_socket_dir=%s\nlisten_port=5432\nlisten_addr=\nauth_type=any\npool_mode=transaction\ndefault_pool_size=%d\n",
		u.Query().Get("host"), u.User.Username(), dir, connections)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	s := &Server{URL: address(dir, u.Path), program: program{dir: dir, user: user, ready: "process up", args: []string{pgbouncer, config}}}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// serverDir makes a folder for a server, and says as whom to run it.
func serverDir(t testing.TB) (string, *syscall.SysProcAttr) {
	t.Helper()
	// Not t.TempDir: its parent shuts out the user that the server runs as, and its
	// length may be too much for a socket's path.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	user, err := serverUser(dir)
	if err != nil {
		t.Skipf("postgrestest: %v", err)
	}
	return dir, user
}

// address is the URL of a database behind a Unix socket in dir.
func address(dir, path string) string {
	if path == "" {
		path = "/postgres"
	}
	u := url.URL{Scheme: "postgres", User: url.User("test"), Path: path, RawQuery: url.Values{"host": {dir}}.Encode()}
	return u.String()
}

// program is a program that says on its standard error when it is ready.
type program struct {
	dir   string
	user  *syscall.SysProcAttr
	args  []string
	ready string

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts the program again after Stop.
func (p *program) Start(t testing.TB) {
	t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Dir, p.cmd.SysProcAttr = p.dir, p.user
	// Messages that the start is recognized by.
	p.cmd.Env = append(os.Environ(), "LC_ALL=C", "LC_MESSAGES=C")
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("postgrestest: start: %v", err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	p.ended = ended
	var seen strings.Builder
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), p.ready) {
				close(ready)
				break
			}
		}
		_, _ = io.Copy(io.Discard, log) // a full pipe would stop the server
		_ = p.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("postgrestest: %s did not start:\n%s", filepath.Base(p.args[0]), seen.String())
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-ended
		t.Fatalf("postgrestest: %s was not ready within %v:\n%s", filepath.Base(p.args[0]), startTimeout, seen.String())
	}
}

// Stop ends the program and all its connections at once.
func (p *program) Stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(os.Interrupt) // a fast shutdown
	select {
	case <-p.ended:
	case <-time.After(startTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// find looks for a program in PATH and where Debian and Homebrew keep it.
func find(t testing.TB, name, from string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/opt/homebrew/opt/postgresql@*/bin/", "/usr/sbin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Skipf("postgrestest: skipped, as %s is not installed: no %s in PATH (Debian: apt-get install %s)", from, name, from)
	return ""
}
