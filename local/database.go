package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/internal/pgserver"
	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/loopback"
	"github.com/lambdahearth/hearth/local/internal/relay"
)

// DatabaseAuto starts PostgreSQL if the app has an RDS Proxy for PostgreSQL and
// PostgreSQL is installed. Otherwise the engine starts no database, and the programs find
// their own.
const DatabaseAuto = "auto"

// autoDatabase returns the Options.Database that DatabaseAuto stands for.
func autoDatabase(app *assembly.App) string {
	for _, proxy := range app.OfType("AWS::RDS::DBProxy") {
		if proxy.Properties["EngineFamily"] != "POSTGRESQL" {
			continue
		}
		if pgserver.Installed() != nil {
			return ""
		}
		return wire.EnginePostgres
	}
	return ""
}

// database is the database behind the app's RDS Proxy endpoints. Nil means none.
//
// Unlike on AWS there is no proxy: programs connect to the database itself, with its
// password in DATABASE_URL instead of an IAM token.
type database struct {
	url     *url.URL
	cluster *cluster // the server that the engine started for it, or nil
	relay   *relay.Relay
	behind  *url.URL // the database's own URL if there is a relay, else nil
}

// reachThrough puts a relay before a database on this machine, so that a fault can break
// its connections. It skips databases on other hosts: their TLS certificates name those
// hosts.
func (d *database) reachThrough(down func() bool) error {
	if d == nil || !loopback.Names(d.url.Hostname()) {
		return nil
	}
	there := d.at()
	r, err := relay.Listen(net.JoinHostPort(there.Host(), there.Port()), down)
	if err == nil {
		d.relay = r
		through := *d.url
		through.Host = r.Addr()
		d.behind, d.url = d.url, &through
	}
	return err
}

// breakConnections closes the open connections of the relay.
func (d *database) breakConnections() {
	if d != nil && d.relay != nil {
		d.relay.Break()
	}
}

// openDatabase reads Options.Database, and starts PostgreSQL if the value asks for that.
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
	if err != nil || u.Host == "" && u.RawQuery == "" || plan.EngineOf(u) == "" {
		return nil, errors.New("database: must be postgres://…, mysql://… or the word postgres") // not the URL: it holds a password
	}
	return &database{url: u}, nil
}

// at returns the database's address as the plan needs it.
func (d *database) at() plan.Database {
	if d == nil {
		return plan.Database{}
	}
	return plan.Database{URL: d.url, Own: d.cluster != nil}
}

// describe returns the database's URL without its password. names are the databases of
// the plan; a server with several has no path.
func (d *database) describe(names []string) string {
	if d == nil {
		return ""
	}
	if d.cluster != nil && len(names) > 0 {
		u := *d.url
		if u.Path = "/"; !slices.ContainsFunc(names, func(name string) bool { return name != names[0] }) {
			u.Path += names[0]
		}
		return u.Redacted()
	}
	if d.behind != nil {
		return d.behind.Redacted()
	}
	return d.url.Redacted()
}

// makeDatabases creates the databases that the cluster does not have yet. It does nothing
// without a cluster. A database that cannot be made costs its own functions alone.
func (d *database) makeDatabases(ctx context.Context, names []string, logf func(format string, args ...any)) {
	if d == nil || d.cluster == nil {
		return
	}
	for _, name := range names {
		if err := d.cluster.makeDatabase(ctx, name); err != nil {
			logf("database %q cannot be made, so functions cannot connect to it: %v", name, err)
		}
	}
}

func (d *database) stop() {
	if d != nil && d.relay != nil {
		d.relay.Close()
	}
	if d != nil && d.cluster != nil {
		d.cluster.stop()
	}
}

// cluster is a PostgreSQL server that the engine started, with an empty database.
type cluster struct {
	url       *url.URL
	dir       string
	server    *pgserver.Process
	databases map[string]bool
}

// The prefixes of the engine's temporary folders.
const (
	enginePrefix   = "hearth-dev-"
	databasePrefix = "hearth-pg-"
)

// clusterGrace is the time that PostgreSQL gets to shut down.
const clusterGrace = 5 * time.Second

// defaultDatabase is the database that each cluster has from the start.
const defaultDatabase = "postgres"

// startPostgres starts PostgreSQL in a temporary folder, on a free loopback port and with
// a random password.
func startPostgres(ctx context.Context) (_ *cluster, err error) {
	if err := pgserver.Installed(); err != nil {
		return nil, fmt.Errorf("%w; install PostgreSQL, or name a database of your own", err)
	}
	dir, err := process.TempDir(databasePrefix)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, databases: map[string]bool{defaultDatabase: true}}
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
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c.server, err = pgserver.New(ctx, dir, []string{passwordFile},
		[]string{"-U", "hearth", "-A", "scram-sha-256", "--pwfile", passwordFile},
		[]string{"-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1", "-p", port})
	if err != nil {
		return nil, err
	}
	if err := c.server.Start(ctx); err != nil {
		return nil, err
	}
	c.url = &url.URL{Scheme: "postgres", User: url.UserPassword("hearth", password), Host: "127.0.0.1:" + port, Path: "/" + defaultDatabase, RawQuery: "sslmode=disable"}
	return c, nil
}

// makeDatabase creates a database, unless it has done so before.
func (c *cluster) makeDatabase(ctx context.Context, name string) error {
	if c.databases[name] {
		return nil
	}
	createdb, err := pgserver.Find("createdb")
	if err != nil {
		return err
	}
	password, _ := c.url.User.Password()
	cmd := exec.CommandContext(ctx, createdb, "-h", c.url.Hostname(), "-p", c.url.Port(), "-U", c.url.User.Username(), "--no-password", "--", name)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("createdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	c.databases[name] = true
	return nil
}

func (c *cluster) stop() {
	c.server.Stop(clusterGrace)
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
