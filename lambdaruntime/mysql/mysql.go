// Package mysql connects a Hearth program to a MySQL or MariaDB database behind an
// RDS Proxy:
//
//	var db = mysql.New("db", mysql.Options{})
//
//	func main() {
//		lambdaruntime.Start(&lambdaruntime.App{
//			HTTP: routes(),
//			Warm: []lambdaruntime.Warmer{db},
//		})
//	}
//
//	pool, err := db.Get(ctx) // a *sql.DB
//
// The variables HEARTH_DATABASE_HOST, _PORT, _NAME, _USER and _ENGINE name the database.
// hearth.Backend sets them with its Database property, together with the permission to
// connect. DATABASE_URL replaces all of them: a local database with a password,
// mysql://user:password@host:3306/name. The driver gets the parameters after a question
// mark; socket=/path is a Unix socket.
// https://pkg.go.dev/github.com/go-sql-driver/mysql#readme-parameters (2026-11)
//
// # Log-in
//
// Each new connection logs in with a fresh IAM token; no password is stored anywhere. The
// token travels in the clear inside TLS, as RDS Proxy requires, and never without TLS.
// The server's certificate is checked against the system's roots, which is right for RDS
// Proxy: its certificates come from AWS Certificate Manager. Without a proxy, RDS's own
// authority signs the certificate: set Config.TLS.RootCAs in [Options.Configure].
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-connecting.html (2026-11)
//
// # How many database connections
//
// An instance handles one HTTP request, WebSocket event or FIFO job at a time, so one
// database connection is enough and is the default; on Lambda Managed Instances the
// default is AWS_LAMBDA_MAX_CONCURRENCY. A standard queue runs several jobs at once: set
// [Options.MaxConns] to its Concurrency. A request that needs a second connection while
// it holds the first waits for itself until it times out. A query inside a loop over rows
// or beside a transaction does that. The error of a timed-out caller names the holders of
// the connections and the places that acquired them.
//
// This package pools the connections itself, and sql.DB keeps none of them:
// SetMaxIdleConns, SetConnMaxIdleTime and SetConnMaxLifetime have no effect, and
// sql.DB.Stats counts the connections in use.
//
// # Nothing outlives its request or job
//
// When a request or job ends, the pool takes back everything that it still holds:
// connections, transactions, rows. It does so after a return, an early error, a panic,
// and when the runtime abandons the code because it ignored its timeout. The pool closes
// the connection, so that the database rolls back and frees the locks, and the next
// request can connect. One log record names the request or job and the place that
// acquired the connection: at level ERROR when the code had ended, at level WARN when it
// was abandoned.
//
// A connection belongs to the request or job of the context given to Conn, BeginTx or
// QueryContext, also through [context.WithoutCancel]. With methods without a context
// (Begin, Query) and with context.Background(), it belongs to the handler that runs on
// the same goroutine. In a goroutine that the program starts it then belongs to none, and
// only the program can release it.
//
// # No state reaches the next request or job
//
// The pool does not use a connection again after a statement that may change its session:
// BEGIN and START TRANSACTION (not sql.DB.BeginTx, whose end the pool sees), SET, user
// variables, temporary tables, LOCK TABLES, FLUSH, GET_LOCK, PREPARE and EXECUTE, USE,
// HANDLER, XA, sequences, LAST_INSERT_ID with an argument, and CALL and compound
// statements, which may do any of these. The pool closes it at its release, so such state lasts as long as
// one Conn or Tx. The next one pays for a new connection: some milliseconds.
//
// The pool reads the text of statements, because the driver shows neither the server's
// status nor a way to reset a session. It does not see how your own functions and
// triggers change variables. LAST_INSERT_ID(), ROW_COUNT() and FOUND_ROWS() are about the
// last statement in the connection, which may be another job's. Use them with a Conn or
// Tx, after the statement.
//
// # Frozen instances
//
// Lambda freezes an instance between events, and its connections may break meanwhile. The
// pool checks a connection that was idle for more than a second before its next use, and
// replaces it after 25 minutes. It measures both with the wall clock: the monotonic clock
// may stand still in a freeze.
//
// # Pinning
//
// RDS Proxy shares its database connections between transactions, until a client changes
// the session of one; the proxy then "pins" that connection to the client. Any prepared
// statement does that, in SQL or in the binary protocol, and the driver would prepare one
// for every query with arguments. So the pool puts the arguments, escaped, into the
// statement's text in the client: one round trip, and no prepared statement on the
// server, not even through sql.DB.Prepare. This has a few limits; all other values are
// stored as with prepared statements:
//
//   - In the connection's character set, no other character may end in the byte of a
//     backslash: in utf8mb4, the default, none does. Others are refused;
//     do not change it with SET NAMES.
//   - []byte is a binary string, which a JSON column refuses: pass JSON as a
//     string or json.RawMessage.
//   - A floating-point number with more digits than its string column takes is
//     refused; as an argument of a prepared statement it would lose digits.
//   - A statement that is over 16 KB with its arguments pins.
//
// According to AWS, these pin too:
//
//   - LOCK TABLE, LOCK TABLES and FLUSH TABLES WITH READ LOCK
//   - GET_LOCK
//   - SET of user variables, and of system variables that the proxy does not track
//   - temporary tables
//   - prepared statements
//   - at times ROW_COUNT, FOUND_ROWS and LAST_INSERT_ID; sql.Result's LastInsertId does
//     not, since it comes with the answer
//
// The pool closes its connection after most of these (see above), which also ends the
// pinning.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html (2026-11)
//
// # Statement timeout
//
// A query ends with its context by closing its connection, which rolls its changes back;
// the database may notice only later. Limit that on the server, outside the program,
// since SET may pin: with max_execution_time (queries) and innodb_lock_wait_timeout, in
// the parameter group or in the proxy's initialization query.
package mysql

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// unsafeCharsets have characters that end in the byte of a backslash, which undoes the
// escape of a quote. The driver refuses their collations, but not their names.
var unsafeCharsets = []string{"big5", "cp932", "gb18030", "gb2312", "gbk", "sjis"}

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

	// Configure changes the driver's configuration before its use, for example Loc or
	// TLS; nil changes nothing. ParseTime is on unless Configure turns it off, so that
	// DATETIME columns are time.Time in UTC. This package sets InterpolateParams, and the
	// password with IAM.
	Configure func(*mysqldriver.Config) error
}

// New returns a resource that is the program's pool of database connections. name
// identifies it in logs and errors. List it in [lambdaruntime.App.Warm] to connect in the
// init phase; otherwise it connects at its first use. Loading it fails, with the reason
// in the error, unless the database answers.
//
// The pool is safe for concurrent use and lives as long as the instance.
func New(name string, opts Options) *lambdaruntime.Resource[*sql.DB] {
	return lambdaruntime.NewResource(name, func(ctx context.Context) (*sql.DB, error) {
		return open(ctx, opts)
	})
}

func open(ctx context.Context, opts Options) (*sql.DB, error) {
	ctx = run.WithoutScope(ctx) // the pool outlives the request that opens it
	p, err := configure(opts)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	db := sql.OpenDB(p)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("mysql: connect to %s: %w", p.config.Addr, err)
	}
	return db, nil
}

// configure makes the pool from the environment.
func configure(opts Options) (*pool, error) {
	conns, err := database.MaxConns(opts.MaxConns)
	if err != nil {
		return nil, err
	}
	p, err := source(opts.Connection)
	if err != nil {
		return nil, err
	}
	p.leases = database.NewLeases("mysql", conns)
	config := p.config
	config.ParseTime = true
	config.Logger = debugLog{}
	if opts.Configure != nil {
		if err := opts.Configure(config); err != nil {
			return nil, fmt.Errorf("Options.Configure: %w", err)
		}
	}
	config.InterpolateParams = true
	for _, charset := range charsetsOf(config) {
		if slices.Contains(unsafeCharsets, charset) {
			return nil, fmt.Errorf("the connection's character set must be one that escapes are safe in, got %q; use utf8mb4", charset)
		}
	}
	switch mode := strings.ToLower(strings.Trim(config.Params["autocommit"], "'")); mode {
	case "", "1", "on", "true":
	default: // the next request would go on with this one's transaction
		return nil, fmt.Errorf("the parameter autocommit must be on, got %q; begin a transaction with BeginTx instead", mode)
	}
	config.AllowCleartextPasswords = config.AllowCleartextPasswords || p.token != nil
	if config.AllowCleartextPasswords && (config.TLS == nil && !namesTLS(config.TLSConfig) || config.AllowFallbackToPlaintext || config.TLSConfig == "preferred") {
		return nil, errors.New("TLS must be on to log in with an IAM token or a password in the clear; leave Config.TLS as it is, or set tls=true in DATABASE_URL")
	}
	// The driver finds all other mistakes in it, here and not later.
	if _, err := mysqldriver.NewConnector(config); err != nil {
		return nil, err
	}
	return p, nil
}

func namesTLS(name string) bool { return name != "" && name != "false" }

// charsetsOf returns the character sets that a configuration names. The driver shows them
// in the DSN only.
func charsetsOf(config *mysqldriver.Config) []string {
	plain := config.Clone()
	plain.User, plain.Passwd, plain.Net, plain.Addr, plain.DBName = "", "", "", "", ""
	_, query, _ := strings.Cut(plain.FormatDSN(), "?")
	values, _ := url.ParseQuery(query)
	return strings.Split(strings.ToLower(values.Get("charset")), ",")
}

// source reads the database's address and log-in.
func source(connection string) (*pool, error) {
	db, err := database.FromEnv(wire.EngineMySQL, connection)
	if err != nil {
		return nil, err
	}
	if db.URL != "" {
		config, err := parseURL(db.URL)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", database.EnvURL, err)
		}
		return &pool{config: config}, nil
	}
	config := mysqldriver.NewConfig()
	config.Net, config.Addr = "tcp", db.Endpoint()
	config.DBName, config.User = db.Name, db.User
	config.TLS = &tls.Config{ServerName: db.Host, MinVersion: tls.VersionTLS12}
	return &pool{config: config, token: db.Token}, nil
}

// parseURL reads mysql://user:password@host:port/name?parameters. Its errors do not
// contain the URL, which may hold part of a password.
func parseURL(dsn string) (*mysqldriver.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Opaque != "" {
		return nil, errors.New("must be mysql://user:password@host:port/name, got something else; write special characters as in %40")
	}
	if u.Scheme != "mysql" {
		return nil, fmt.Errorf("must start with mysql://, got %q; this package speaks to MySQL only", u.Scheme+"://")
	}
	// The driver wants its parameters as they are, but no slash among them.
	var params []string
	for p := range strings.SplitSeq(u.RawQuery, "&") {
		if !strings.HasPrefix(p, "socket=") && p != "" {
			params = append(params, strings.ReplaceAll(p, "/", "%2F"))
		}
	}
	config, err := mysqldriver.ParseDSN("/?" + strings.Join(params, "&"))
	if err != nil {
		return nil, err
	}
	config.DBName = strings.TrimPrefix(u.Path, "/")
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", u.Host
	socket := u.Query().Get("socket")
	switch {
	case socket != "":
		config.Net, config.Addr = "unix", socket
	case u.Port() == "" && u.Host != "":
		config.Addr = net.JoinHostPort(u.Hostname(), "3306")
	case u.Host == "":
		return nil, errors.New("must name a host, or a socket as in mysql://user@/name?socket=/path, got neither")
	}
	if config.TLS != nil && !config.TLS.InsecureSkipVerify {
		config.TLS.ServerName = u.Hostname() // ParseDSN("/?…") set the default host
	}
	return config, nil
}

// debugLog logs the driver's messages, which the driver also returns as errors.
type debugLog struct{}

// Print implements [mysqldriver.Logger].
func (debugLog) Print(v ...any) { slog.Debug("mysql driver", "message", fmt.Sprint(v...)) }
