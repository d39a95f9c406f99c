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
	"path/filepath"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/pgserver"
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
			if _, err := pgserver.Find(program); err != nil {
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
	url    *url.URL
	dir    string
	server *pgserver.Process
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
	if _, err := pgserver.Find("initdb"); err != nil {
		return nil, fmt.Errorf("%w; install PostgreSQL, or name a database of your own", err)
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
	c.url = &url.URL{Scheme: "postgres", User: url.UserPassword("hearth", password), Host: "127.0.0.1:" + port, Path: "/postgres", RawQuery: "sslmode=disable"}
	return c, nil
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
