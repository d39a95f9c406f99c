// Package postgrestest starts throw-away PostgreSQL servers for tests:
//
//	func TestStore(t *testing.T) {
//		t.Setenv("DATABASE_URL", postgrestest.Start(t))
//		…
//	}
//
// It runs the initdb and postgres programs that are installed, without a container.
package postgrestest

import (
	"bufio"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Start starts a server with an empty database and returns its URL. It listens on
// a Unix socket only, and ends with the test. The test is skipped where PostgreSQL
// is not installed.
func Start(t testing.TB) string {
	t.Helper()
	initdb, postgres := find(t, "initdb"), find(t, "postgres")

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
	data := filepath.Join(dir, "data")
	run := exec.Command(initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	run.Dir, run.SysProcAttr = dir, user
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("postgrestest: initdb: %v\n%s", err, out)
	}

	server := exec.Command(postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	server.Dir, server.SysProcAttr = dir, user
	// Messages that the start is recognized by.
	server.Env = append(os.Environ(), "LC_ALL=C", "LC_MESSAGES=C")
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("postgrestest: start: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt) // a fast shutdown
		_, _ = io.Copy(io.Discard, log)
		_ = server.Wait()
	})
	var seen strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "database system is ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, log) }() // a full pipe would stop the server
			u := url.URL{Scheme: "postgres", User: url.User("test"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
			return u.String()
		}
		seen.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("postgrestest: the server did not start:\n%s", seen.String())
	return ""
}

// find looks for a program in PATH and where Debian and Homebrew keep it.
func find(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/opt/homebrew/opt/postgresql@*/bin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Skipf("postgrestest: PostgreSQL is not installed: no %s in PATH", name)
	return ""
}
