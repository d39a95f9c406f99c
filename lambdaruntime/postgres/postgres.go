// Package postgres connects a Hearth program to a PostgreSQL database behind an
// RDS Proxy:
//
//	var db = postgres.New("db", postgres.Options{})
//
//	func main() {
//		lambdaruntime.Start(&lambdaruntime.App{
//			HTTP: routes(),
//			Warm: []lambdaruntime.Warmer{db},
//		})
//	}
//
//	pool, err := db.Get(ctx)
//
// Where the database is comes from the variables HEARTH_DATABASE_HOST, _PORT,
// _NAME and _USER, which hearth.Backend sets with its Database property together
// with the permission to connect. DATABASE_URL replaces all of them: a local
// database with a password.
//
// # Log-in
//
// Each new connection logs in with a fresh IAM token over TLS; no password is kept
// anywhere. The server's certificate is checked against the system's roots, which
// is right for RDS Proxy: its certificates come from AWS Certificate Manager. A
// database without a proxy has one of RDS's own authority, so point PGSSLROOTCERT
// at that authority's bundle.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-connecting.html (2026-11)
//
// # How many connections
//
// An instance handles one HTTP request, WebSocket event or FIFO job at a time, so
// one connection is enough and is the default; on Lambda Managed Instances, as many
// as AWS_LAMBDA_MAX_CONCURRENCY says. A standard queue runs several jobs
// at once: set [Options.MaxConns] to its Concurrency. A request that asks for a
// second connection while it holds the first waits for itself until it times out.
//
// When a request or job times out and its code goes on regardless, the connection
// it holds is closed, so that its locks are freed and the next event has one.
//
// # Pinning
//
// RDS Proxy shares its database connections between transactions, until a client
// does something that makes a connection its own; it is then "pinned" to that
// client. The pool therefore runs queries in pgx.QueryExecModeExec: one round trip
// through the unnamed prepared statement. Named ones, pgx's usual choice, live on
// in the connection that they were prepared on, and the modes that ask for a
// statement's description first rely on state between two round trips. What the
// mode asks in return: parameters travel as text with the types that Go knows, so
// give JSON as a string and not as []byte or a map.
//
// To stay unpinned, a program must also avoid SET, LISTEN, temporary tables,
// session-level advisory locks, SQL-level PREPARE and statements over 16 KB.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html (2026-11)
//
// # Statement timeout
//
// A query ends with its context, on the client's side: RDS Proxy does not pass a
// cancellation on, so the database may go on working. Bound that on the server, once
// and outside the program, since SET pins: as the role's own setting,
//
//	ALTER ROLE app SET statement_timeout = '15s'
//
// or in the proxy's initialization query.
package postgres

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
)

const (
	// connectTimeout bounds one attempt to connect. The proxy answers within
	// milliseconds even when the database does not.
	connectTimeout = 5 * time.Second
	// pingTimeout bounds the check of a connection that was idle, which may have
	// broken unnoticed while the instance was frozen.
	pingTimeout = time.Second
	// maxConnIdle is below the proxy's own 30 minutes, so that a running instance
	// does not find its connection closed.
	// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-creating.html (2026-11)
	maxConnIdle = 25 * time.Minute
	// maxConnLifetime makes connections move on after the proxy has scaled. Its
	// own limit is 24 hours. The jitter keeps instances that started together from
	// reconnecting together.
	maxConnLifetime       = time.Hour
	maxConnLifetimeJitter = 10 * time.Minute
)

// Options say how to connect. The zero value is right for most programs.
type Options struct {
	// MaxConns is the most connections that one instance uses at once. 0 means 1,
	// and on Lambda Managed Instances one for each invocation that the instance
	// handles at the same time.
	// All instances together must stay below what the proxy takes.
	MaxConns int

	// Configure changes the pool's configuration before it is used, for example to
	// register types in AfterConnect or to set ConnConfig.Tracer; nil changes
	// nothing. The query mode and MaxConns are this package's own. BeforeConnect
	// makes the IAM token: call it from one that replaces it.
	Configure func(*pgxpool.Config) error
}

// New returns the resource that is the program's connection pool. Name identifies
// it in logs and errors. List it in [lambdaruntime.App.Warm] to connect in the
// init phase; otherwise it connects at its first use. Loading it fails, with an
// error that says why, unless the database answers.
//
// The pool is safe for concurrent use and lives as long as the instance.
func New(name string, opts Options) *lambdaruntime.Resource[*pgxpool.Pool] {
	return lambdaruntime.NewResource(name, func(ctx context.Context) (*pgxpool.Pool, error) {
		return open(ctx, opts)
	})
}

func open(ctx context.Context, opts Options) (*pgxpool.Pool, error) {
	config, err := configure(opts)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: connect to %s: %w", config.ConnConfig.Host, err)
	}
	return pool, nil
}

// configure makes the pool's configuration from the environment.
func configure(opts Options) (*pgxpool.Config, error) {
	if opts.MaxConns < 0 {
		return nil, fmt.Errorf("Options.MaxConns must be 0 or more, got %d", opts.MaxConns)
	}
	config, err := source()
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > connectTimeout {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.MaxConnIdleTime = maxConnIdle
	config.MaxConnLifetime = maxConnLifetime
	config.MaxConnLifetimeJitter = maxConnLifetimeJitter
	config.PingTimeout = pingTimeout
	if opts.Configure != nil {
		if err := opts.Configure(config); err != nil {
			return nil, fmt.Errorf("Options.Configure: %w", err)
		}
	}
	conns := opts.MaxConns
	if conns == 0 {
		conns = awsenv.MaxConcurrency()
	}
	leases := newLeases(conns)
	config.MaxConns = int32(conns + maxAbandoned)
	if tracer := config.ConnConfig.Tracer; tracer != nil {
		config.ConnConfig.Tracer = multitracer.New(leases, tracer)
	} else {
		config.ConnConfig.Tracer = leases
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0
	config.ConnConfig.DescriptionCacheCapacity = 0
	return config, nil
}

// source says where the database is and how to log in.
func source() (*pgxpool.Config, error) {
	if dsn := os.Getenv("DATABASE_URL"); dsn != "" {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil { // pgx leaves the password out
			return nil, fmt.Errorf("DATABASE_URL: %w", err)
		}
		return config, nil
	}
	var missing []string
	env := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			missing = append(missing, name)
		}
		return value
	}
	host, port := env(wire.EnvDatabaseHost), env(wire.EnvDatabasePort)
	name, user := env(wire.EnvDatabaseName), env(wire.EnvDatabaseUser)
	if missing != nil {
		return nil, fmt.Errorf("%s must be set; set BackendProps.Database, or DATABASE_URL to run without AWS", strings.Join(missing, ", "))
	}
	if engine := os.Getenv(wire.EnvDatabaseEngine); engine != "" && engine != wire.EnginePostgres {
		return nil, fmt.Errorf("%s must be %q, got %q; this package speaks to PostgreSQL only", wire.EnvDatabaseEngine, wire.EnginePostgres, engine)
	}
	region, err := awsenv.Region()
	if err != nil {
		return nil, err
	}
	endpoint := net.JoinHostPort(host, port)
	dsn := url.URL{
		Scheme: "postgres", User: url.User(user), Host: endpoint, Path: "/" + name,
		RawQuery: "sslmode=verify-full",
	}
	config, err := pgxpool.ParseConfig(dsn.String())
	if err != nil {
		return nil, err
	}
	// A token is good for 15 minutes, and only at the moment of logging in.
	// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html (2026-11)
	config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) error {
		token, err := auth.BuildAuthToken(ctx, endpoint, region, user, awsenv.Credentials)
		if err != nil {
			return fmt.Errorf("make an IAM token: %w", err)
		}
		c.Password = token
		return nil
	}
	return config, nil
}
