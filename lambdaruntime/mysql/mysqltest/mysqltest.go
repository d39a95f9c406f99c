// Package mysqltest starts throw-away MariaDB servers for tests:
//
//	func TestStore(t *testing.T) {
//		t.Setenv("DATABASE_URL", mysqltest.Start(t))
//		…
//	}
//
// It runs the installed mariadb-install-db and mariadbd programs (Debian:
// mariadb-server), without a container. MariaDB speaks MySQL's protocol and most of its
// SQL; test the differences, such as JSON columns, against MySQL.
package mysqltest

import (
	"bufio"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// startTimeout bounds the start of the server.
const startTimeout = time.Minute

// Start starts a server with an empty database and returns its URL. The URL's user has
// all permissions. The server listens on a Unix socket only, and ends with the test.
// Start skips the test if MariaDB is not installed.
func Start(t testing.TB) string {
	t.Helper()
	return NewServer(t).URL
}

// Server is a server that can be stopped and started again.
type Server struct {
	// URL is the address of its database.
	URL string

	cmd   *exec.Cmd
	args  []string
	dir   string
	ended chan struct{}
}

// NewServer starts a server like [Start].
func NewServer(t testing.TB) *Server {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("mysqltest: skipped, as it needs Unix sockets")
	}
	install, server := find(t, "mariadb-install-db"), find(t, "mariadbd")

	// Not t.TempDir: its path may be too long for a socket.
	dir, err := os.MkdirTemp("", "my")
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "sock")
	common := []string{"--no-defaults", "--datadir=" + data}
	if os.Geteuid() == 0 {
		common = append(common, "--user=root") // refused unless asked for
	}
	run := exec.Command(install, append(common, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	run.Dir, run.Env = dir, environment(dir)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("mysqltest: mariadb-install-db: %v\n%s", err, out)
	}
	// mariadb-install-db would create it with the distribution's character set.
	init := filepath.Join(dir, "init.sql")
	if err := os.WriteFile(init, []byte("CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4;\n"), 0o600); err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	u := url.URL{Scheme: "mysql", User: url.User("root"), Path: "/test", RawQuery: url.Values{"socket": {socket}}.Encode()}
	s := &Server{URL: u.String(), dir: dir, args: append([]string{server}, append(common, "--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"),
		"--skip-networking", "--init-file="+init, "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--lc-messages=en_US")...)}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// environment gives a server its own folder for temporary tables: servers that start at
// the same moment delete each other's.
func environment(dir string) []string { return append(os.Environ(), "TMPDIR="+dir) }

// Start starts the server again after Stop.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Dir, s.cmd.Env = s.dir, environment(s.dir)
	log, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("mysqltest: start: %v", err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	s.ended = ended
	var seen strings.Builder
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "ready for connections") {
				close(ready)
				break
			}
		}
		_, _ = io.Copy(io.Discard, log) // a full pipe would stop the server
		_ = s.cmd.Wait()
	}()
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("mysqltest: the server did not start:\n%s", seen.String())
	case <-time.After(startTimeout):
		_ = s.cmd.Process.Kill()
		<-ended
		t.Fatalf("mysqltest: the server was not ready within %v:\n%s", startTimeout, seen.String())
	}
}

// Stop ends the server and all its connections at once.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // committed data stays
	<-s.ended
}

// find looks for a program in PATH and where Debian and Homebrew keep it.
func find(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin/", "/opt/homebrew/opt/mariadb/bin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	t.Skipf("mysqltest: skipped, as MariaDB is not installed: no %s in PATH (Debian: apt-get install mariadb-server)", name)
	return ""
}
