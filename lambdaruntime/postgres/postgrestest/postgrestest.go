// Package postgrestest starts throw-away PostgreSQL servers for tests:
//
//	func TestStore(t *testing.T) {
//		t.Setenv("DATABASE_URL", postgrestest.Start(t))
//		…
//	}
//
// It runs the installed initdb and postgres programs (Debian: postgresql), without a
// container.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/pgserver"
)

// startTimeout bounds the start and the stop of a program.
const startTimeout = time.Minute

// Start starts a server with an empty database and returns its URL. The server listens on
// a Unix socket only, and ends with the test. Start skips the test if PostgreSQL is not
// installed.
func Start(t testing.TB) string {
	t.Helper()
	return NewServer(t).URL
}

// Server is a server that can be stopped and started again.
type Server struct {
	// URL is the address of its database.
	URL string

	process *pgserver.Process
}

// NewServer starts a server like [Start].
func NewServer(t testing.TB) *Server {
	t.Helper()
	find(t, "initdb", "postgresql")
	dir := serverDir(t)
	process, err := pgserver.New(t.Context(), dir, nil, []string{"-U", "test", "-A", "trust"}, []string{"-k", dir, "-c", "listen_addresses="})
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	return started(t, &Server{URL: address(dir, ""), process: process})
}

// started starts a server that ends with the test.
func started(t testing.TB, s *Server) *Server {
	t.Helper()
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server again after Stop.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.process.Start(ctx); err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
}

// Stop ends the server and all its connections at once.
func (s *Server) Stop() { s.process.Stop(startTimeout) }

// StartPooler starts a pooling proxy, PgBouncer, in front of the server at serverURL,
// with the given number of connections to it. Like RDS Proxy, it lends one of them for
// each transaction. StartPooler returns the proxy's URL. It skips the test if PgBouncer
// is not installed (Debian: pgbouncer).
func StartPooler(t testing.TB, serverURL string, connections int) string {
	t.Helper()
	return NewPooler(t, serverURL, connections).URL
}

// NewPooler starts a pooling proxy like [StartPooler] that can be stopped and started
// again.
func NewPooler(t testing.TB, serverURL string, connections int) *Server {
	t.Helper()
	pgbouncer := find(t, "pgbouncer", "pgbouncer")
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	dir := serverDir(t)
	user, err := pgserver.User(dir)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s user=%s\n[pgbouncer]\nunix_socket_dir=%s\nlisten_port=5432\nlisten_addr=\nauth_type=any\npool_mode=transaction\ndefault_pool_size=%d\n",
		u.Query().Get("host"), u.User.Username(), dir, connections)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	return started(t, &Server{URL: address(dir, u.Path), process: &pgserver.Process{Dir: dir, User: user, Ready: "process up", Args: []string{pgbouncer, config}}})
}

// serverDir makes a folder for a server. It skips the test if no server can run.
func serverDir(t testing.TB) string {
	t.Helper()
	// Not t.TempDir: the server's user may not enter its parent, and its path may be too
	// long for a socket.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if _, err := pgserver.User(dir); err != nil {
		t.Skipf("postgrestest: skipped: %v", err)
	}
	return dir
}

// address returns the URL of a database behind a Unix socket in dir.
func address(dir, path string) string {
	if path == "" {
		path = "/postgres"
	}
	u := url.URL{Scheme: "postgres", User: url.User("test"), Path: path, RawQuery: url.Values{"host": {dir}}.Encode()}
	return u.String()
}

// find returns the path of a program, and skips the test if it is not installed.
func find(t testing.TB, name, from string) string {
	t.Helper()
	path, err := pgserver.Find(name)
	if err != nil {
		t.Skipf("postgrestest: skipped, as %s is not installed: %v (Debian: apt-get install %s)", from, err, from)
	}
	return path
}
