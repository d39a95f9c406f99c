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
// The variables HEARTH_DATABASE_HOST, _PORT, _NAME and _USER name the database.
// hearth.Backend sets them with its Database property, together with the permission to
// connect. DATABASE_URL replaces all of them: a local database with a password.
//
// # Log-in
//
// Each new connection logs in with a fresh IAM token over TLS; no password is stored
// anywhere. The server's certificate is checked against the system's roots, which is
// right for RDS Proxy: its certificates come from AWS Certificate Manager. Without a
// proxy, RDS's own authority signs the certificate: set PGSSLROOTCERT to that authority's
// bundle.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-connecting.html (2026-11)
//
// # How many database connections
//
// An instance handles one HTTP request, WebSocket event or FIFO job at a time, so one
// database connection is enough and is the default; on Lambda Managed Instances the
// default is AWS_LAMBDA_MAX_CONCURRENCY. A standard queue runs several jobs at once: set
// [Options.MaxConns] to its Concurrency. A request that acquires a second connection
// while it holds the first waits for itself until it times out. When Acquire times out,
// its error names the holders of the connections and the places that acquired them.
//
// # Nothing outlives its request or job
//
// When a request or job ends, the pool takes back everything that it still holds:
// connections, transactions, rows, batches. It does so after a return, an early error, a
// panic, and when the runtime abandons the code because it ignored its timeout. The pool
// closes the connection, so that the database rolls back and frees the locks, and the
// next request can connect. One log record names the request or job and the place that
// acquired the connection: at level ERROR when the code had ended, at level WARN when it
// was abandoned.
//
// A connection belongs to the request or job of the context given to Acquire, Begin or
// Query, also through [context.WithoutCancel]. With context.Background() it belongs to
// the handler that runs on the same goroutine. In a goroutine that the program starts it
// then belongs to none, and only the program can release it. Each connection that code
// does not release costs some 50 KB until the instance ends, since a pool of pgx cannot
// forget it: fix the code that the records name. Pool.Stat counts these connections as
// acquired, and Pool.Close waits for them for ever.
//
// A connection that the program hijacks counts against [Options.MaxConns] until its
// request or job ends, and closes then; outside of both it counts until the instance ends.
// Connections of AcquireAllIdle belong to nobody: the program must release them.
//
// # No state reaches the next request or job
//
// The pool does not use a connection again after a statement that may change its session:
// SET, RESET and an UPDATE of pg_settings (not SET LOCAL), set_config (unless its last argument is the word true),
// temporary tables, views and sequences, session-level advisory locks, LISTEN, PREPARE,
// EXECUTE, DEALLOCATE, statements that pgx prepares by name, DECLARE, DISCARD, LOAD,
// nextval, setval, currval, lastval, setseed, and DO and CALL, which may do any of these.
// The pool closes it at its release, so such state lasts as long as one Acquire or
// transaction. The next one pays for a new connection: some milliseconds. The pool reads
// the text of statements. It sees neither the effects of your own functions and triggers
// in the database, nor statements that bypass pgx through PgConn.
//
// # Frozen instances
//
// Lambda freezes an instance between events, and its connections may break meanwhile. The
// pool checks a connection that was idle for more than a second before its next use, and
// replaces it after 25 minutes. It measures both with the wall clock: the monotonic clock
// may stand still in a freeze.
//
// # Query mode
//
// The pool runs queries in pgx.QueryExecModeCacheDescribe. At the first use of a
// statement in a connection, it asks the server for the types, which costs one more round
// trip. Each further use is one round trip. So each argument is stored as plain pgx
// stores it, for every Go type: time.Time in a date or timestamp, []byte in text or
// jsonb, a map in jsonb, [16]byte in uuid.
//
// The other modes of pgx do not fit:
//
//   - QueryExecModeCacheStatement, pgx's default, leaves named prepared statements
//     in the session.
//   - QueryExecModeDescribeExec prepares an unnamed statement in one round trip and
//     executes it in a second. A proxy may use another connection for the second, and
//     run another client's statement: with PgBouncer, clients got each other's results.
//   - QueryExecModeExec guesses the types and sends text: it stores a time.Time in a date
//     or timestamp shifted to UTC, and []byte("abc") in a text column as \x616263.
//
// In the pool's mode each round trip is complete in itself: Parse with the types, Bind,
// Describe, Execute and Sync, all with the unnamed statement. The pool respects a mode
// given with a query. When a table changes, the next use of a known statement may fail
// once, as in plain pgx.
//
// # Pinning
//
// RDS Proxy shares its database connections between transactions, until a client changes
// the session of one; the proxy then "pins" that connection to the client. Since November
// 2023 the steps of the extended protocol do not pin by themselves. According to AWS,
// these do:
//
//   - SET, and set_config that sets a value or the default
//   - PREPARE, DISCARD, DEALLOCATE and EXECUTE
//   - temporary sequences, tables and views
//   - declaring cursors
//   - discarding the session's state
//   - LISTEN
//   - loading a library, such as auto_explain
//   - nextval, setval and other functions that change sequences
//   - pg_advisory_lock, pg_try_advisory_lock and the like
//   - a statement of more than 16 KB
//
// Identity and serial columns call nextval inside the database, which the proxy does not
// see. The pool closes its connection after most of these (see above), which also ends
// the pinning.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html (2026-11),
// https://aws.amazon.com/blogs/database/amazon-rds-proxy-multiplexing-support-for-postgresql-extended-query-protocol/ (2023-11)
//
// # Statement timeout
//
// A query ends with its context, on the client's side: RDS Proxy does not pass a
// cancellation on, so the database may go on working. Limit that on the server, once and
// outside the program, since SET pins: as the role's own setting,
//
//	ALTER ROLE app SET statement_timeout = '15s'
//
// or in the proxy's initialization query.
package postgres

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// maxLeft is how many unreleased connections of ended operations the pool may count as in
// use, besides those really in use. They are closed and cost the database nothing, but
// the pool has no way to forget them.
const maxLeft = 10_000

// descriptions is how many statements' types a connection remembers: pgx's own default.
const descriptions = 512

// Options say how to connect. The zero value is right for most programs.
type Options struct {
	// Connection is this database's name in the constructs (ConnectOptions.Name), for a
	// program with more than one. The variables of "reports" are
	// HEARTH_DATABASE_HOST_REPORTS and so on, and DATABASE_URL_REPORTS. Empty means the
	// unnamed database.
	Connection string

	// MaxConns is the most database connections that one instance uses at once. 0 means
	// 1, and on Lambda Managed Instances one for each invocation that the instance
	// handles at the same time. All instances together must stay below the proxy's limit.
	MaxConns int

	// Configure changes the pool's configuration before its use, for example to register
	// types in AfterConnect or to set ConnConfig.Tracer; nil changes nothing. This
	// package sets the query mode and MaxConns. BeforeConnect makes the IAM token: a
	// function that replaces it must call it. The session keeps changes by AfterConnect,
	// since they are the same in every connection.
	Configure func(*pgxpool.Config) error
}

// New returns a resource that is the program's pool of database connections. name
// identifies it in logs and errors. List it in [lambdaruntime.App.Warm] to connect in the
// init phase; otherwise it connects at its first use. Loading it fails, with the reason
// in the error, unless the database answers.
//
// The pool is safe for concurrent use and lives as long as the instance.
func New(name string, opts Options) *lambdaruntime.Resource[*pgxpool.Pool] {
	return lambdaruntime.NewResource(name, func(ctx context.Context) (*pgxpool.Pool, error) {
		return open(ctx, opts)
	})
}

func open(ctx context.Context, opts Options) (*pgxpool.Pool, error) {
	ctx = run.WithoutScope(ctx) // the pool outlives the request that opens it
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
	conns, err := database.MaxConns(opts.MaxConns)
	if err != nil {
		return nil, err
	}
	config, err := source(opts.Connection)
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > database.ConnectTimeout {
		config.ConnConfig.ConnectTimeout = database.ConnectTimeout
	}
	config.MaxConnIdleTime = database.MaxIdle
	config.MaxConnLifetime = database.MaxLifetime
	config.MaxConnLifetimeJitter = database.MaxLifetimeJitter
	config.PingTimeout = database.PingTimeout
	if opts.Configure != nil {
		if err := opts.Configure(config); err != nil {
			return nil, fmt.Errorf("Options.Configure: %w", err)
		}
	}
	w := &watcher{database.NewLeases("postgres", conns)}
	config.MaxConns = int32(conns + maxLeft)
	if tracer := config.ConnConfig.Tracer; tracer != nil {
		config.ConnConfig.Tracer = multitracer.New(w, tracer)
	} else {
		config.ConnConfig.Tracer = w
	}
	theirs := config.ShouldPing
	config.ShouldPing = func(ctx context.Context, p pgxpool.ShouldPingParams) bool {
		return shouldPing(p.Conn) || theirs != nil && theirs(ctx, p)
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	config.ConnConfig.StatementCacheCapacity = 0
	if config.ConnConfig.DescriptionCacheCapacity == 0 {
		config.ConnConfig.DescriptionCacheCapacity = descriptions
	}
	return config, nil
}

// source reads the database's address and log-in.
func source(connection string) (*pgxpool.Config, error) {
	db, err := database.FromEnv(wire.EnginePostgres, connection)
	if err != nil {
		return nil, err
	}
	if db.URL != "" {
		config, err := pgxpool.ParseConfig(db.URL)
		if err != nil { // pgx leaves the password out
			return nil, fmt.Errorf("%s: %w", database.EnvURL, err)
		}
		return config, nil
	}
	dsn := url.URL{
		Scheme: "postgres", User: url.User(db.User), Host: db.Endpoint(), Path: "/" + db.Name,
		RawQuery: "sslmode=verify-full",
	}
	config, err := pgxpool.ParseConfig(dsn.String())
	if err != nil {
		return nil, err
	}
	config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) (err error) {
		c.Password, err = db.Token(ctx)
		return err
	}
	return config, nil
}
