// Package mysqltest starts throw-away MariaDB servers for tests:
//
//	func TestStore(t *testing.T) {
//		t.Setenv("DATABASE_URL", mysqltest.Start(t))
//		…
//	}
//
// It runs the mariadb-install-db and mariadbd programs that are installed (Debian:
// mariadb-server), without a container. MariaDB speaks MySQL's protocol and most of
// its SQL; test what differs, such as JSON columns, against MySQL.
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
)

// Start starts a server with an empty database and returns its URL, whose user may
// do everything. It listens on a Unix socket only, and ends with the test. The test
// is skipped where MariaDB is not installed.
func Start(t testing.TB) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("mysqltest: needs Unix sockets")
	}
	install, server := find(t, "mariadb-install-db"), find(t, "mariadbd")

	// Not t.TempDir, whose length may be too much for a socket's path.
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
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("mysqltest: mariadb-install-db: %v\n%s", err, out)
	}

	cmd := exec.Command(server, append(common, "--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"),
		"--skip-networking", "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--lc-messages=en_US")...)
	cmd.Dir = dir
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("mysqltest: start: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // nothing of it is kept
		_, _ = io.Copy(io.Discard, log)
		_ = cmd.Wait()
	})
	var seen strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "ready for connections") {
			go func() { _, _ = io.Copy(io.Discard, log) }() // a full pipe would stop the server
			u := url.URL{Scheme: "mysql", User: url.User("root"), Path: "/mysql", RawQuery: url.Values{"socket": {socket}}.Encode()}
			return u.String()
		}
		seen.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("mysqltest: the server did not start:\n%s", seen.String())
	return ""
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
	t.Skipf("mysqltest: MariaDB is not installed: no %s in PATH", name)
	return ""
}
