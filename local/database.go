package local

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/loopback"
	"github.com/lambdahearth/hearth/local/internal/relay"
)

// DatabaseAuto asks for PostgreSQL where the app has an RDS Proxy for it and its
// programs are installed, and leaves the database to the programs otherwise.
const DatabaseAuto = "auto"

// autoDatabase decides what DatabaseAuto comes to.
func autoDatabase(app *assembly.App) string {
	for _, proxy := range app.OfType("AWS::RDS::DBProxy") {
		if proxy.Properties["EngineFamily"] != "POSTGRESQL" {
			continue
		}
		for _, program := range []string{"initdb", "postgres"} {
			if _, err := findProgram(program); err != nil {
				return ""
			}
		}
		return wire.EnginePostgres
	}
	return ""
}

// noDatabase is the host of an RDS Proxy that leads nowhere. It resolves to nothing
// and says in a program's error what to do.
const noDatabase = "no-database-is-named.use-hearth-dev--database.invalid"

// database is where RDS Proxy endpoints lead to. Nil means nowhere.
//
// It differs from RDS Proxy in that there is no proxy: programs connect to the
// database itself, with its password in DATABASE_URL instead of an IAM token.
type database struct {
	url     *url.URL
	cluster *cluster // the one that was started for it, or nil
	relay   *relay.Relay
	behind  *url.URL // the database's own where there is a relay, nil otherwise
}

// reachThrough puts a relay before a database on this machine, so that a fault can break
// its connections. Others are left alone: their certificates are for their own names.
func (d *database) reachThrough(down func() bool) error {
	if d == nil || !loopback.Names(d.url.Hostname()) {
		return nil
	}
	r, err := relay.Listen(net.JoinHostPort(d.host(), d.port()), down)
	if err == nil {
		d.relay = r
		there := *d.url
		there.Host = r.Addr()
		d.behind, d.url = d.url, &there
	}
	return err
}

// breakConnections closes what is open.
func (d *database) breakConnections() {
	if d != nil && d.relay != nil {
		d.relay.Break()
	}
}

// openDatabase reads Options.Database and starts PostgreSQL if it asks for that.
func openDatabase(ctx context.Context, spec string) (*database, error) {
	switch spec {
	case "":
		return nil, nil
	case wire.EnginePostgres:
		c, err := startPostgres(ctx)
		if err != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
		return &database{url: c.url, cluster: c}, nil
	}
	u, err := url.Parse(spec)
	if err != nil || u.Host == "" && u.RawQuery == "" || engineOf(u) == "" {
		return nil, errors.New("database: must be postgres://…, mysql://… or the word postgres") // not the URL: it holds a password
	}
	return &database{url: u}, nil
}

func engineOf(u *url.URL) string {
	switch u.Scheme {
	case "postgres", "postgresql":
		return wire.EnginePostgres
	case "mysql":
		return wire.EngineMySQL
	}
	return ""
}

func (d *database) host() string {
	if d == nil {
		return noDatabase
	}
	if host := d.url.Hostname(); host != "" {
		return host
	}
	return d.url.Query().Get("host")
}

func (d *database) port() string {
	if d != nil {
		if port := d.url.Port(); port != "" {
			return port
		}
		if engineOf(d.url) == wire.EngineMySQL {
			return "3306"
		}
	}
	return "5432"
}

// setEnv leads a function that has a database to this one.
func (d *database) setEnv(env map[string]string) {
	if _, ok := env[wire.EnvDatabaseHost]; !ok || d == nil {
		return
	}
	env["DATABASE_URL"] = d.url.String()
	env[wire.EnvDatabaseHost], env[wire.EnvDatabasePort], env[wire.EnvDatabaseEngine] = d.host(), d.port(), engineOf(d.url)
	if name := strings.Trim(d.url.Path, "/"); name != "" {
		env[wire.EnvDatabaseName] = name
	}
	if user := d.url.User.Username(); user != "" {
		env[wire.EnvDatabaseUser] = user
	}
}

// describe names the database without its password.
func (d *database) describe() string {
	if d == nil {
		return ""
	}
	if d.behind != nil {
		return d.behind.Redacted()
	}
	return d.url.Redacted()
}

func (d *database) stop() {
	if d != nil && d.relay != nil {
		d.relay.Close()
	}
	if d != nil && d.cluster != nil {
		d.cluster.stop()
	}
}

// cluster is a PostgreSQL server with an empty database.
type cluster struct {
	url *url.URL
	dir string
	cmd *exec.Cmd
}

// The folders of temporary files begin so.
const (
	enginePrefix   = "hearth-dev-"
	databasePrefix = "hearth-pg-"
)

// clusterGrace is how long PostgreSQL has to shut down.
const clusterGrace = 5 * time.Second

// startPostgres starts PostgreSQL on a free port of loopback, with a password that
// nobody else knows, in a temporary folder.
func startPostgres(ctx context.Context) (_ *cluster, err error) {
	initdb, err := findProgram("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := findProgram("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := process.TempDir(databasePrefix)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	secret := make([]byte, 16)
	rand.Read(secret)
	password := hex.EncodeToString(secret)
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	attr, err := serverUser(dir, passwordFile)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, initdb, "-D", data, "-U", "hearth", "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir, init.SysProcAttr = dir, attr
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c.cmd = exec.Command(postgres, "-D", data, "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1", "-p", port, "-c", "fsync=off")
	c.cmd.Dir, c.cmd.SysProcAttr = dir, attr
	process.Group(c.cmd)                                          // Ctrl-C is for the engine, which stops it last
	c.cmd.Env = append(os.Environ(), "LC_ALL=C", "LC_MESSAGES=C") // by which the start is recognized
	log, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.url = &url.URL{Scheme: "postgres", User: url.UserPassword("hearth", password), Host: "127.0.0.1:" + port, Path: "/postgres", RawQuery: "sslmode=disable"}
	var seen strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "database system is ready to accept connections") {
			go io.Copy(io.Discard, log) //nolint:errcheck // a full pipe would stop the server
			return c, nil
		}
		seen.WriteString(lines.Text() + "\n")
	}
	return nil, fmt.Errorf("the server did not start:\n%s", seen.String())
}

func (c *cluster) stop() {
	if c.cmd != nil && c.cmd.Process != nil {
		c.cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it may have ended by itself
		timer := time.AfterFunc(clusterGrace, func() { process.Kill(c.cmd.Process.Pid) })
		c.cmd.Wait() //nolint:errcheck // that it was stopped is no news
		timer.Stop()
	}
	os.RemoveAll(c.dir)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // it served its purpose
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// findProgram looks for a program of PostgreSQL in PATH and where Debian and
// Homebrew keep it.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/opt/homebrew/opt/postgresql@*/bin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("no %s in PATH; install PostgreSQL, or name a database of your own", name)
}
