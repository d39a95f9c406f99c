package mysql

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

// proxy stands in for an RDS Proxy: TLS with a certificate for "localhost", then a
// clear-text password, which is where an IAM token goes. It says OK to everything.
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
type proxy struct {
	roots *x509.CertPool

	mu       sync.Mutex
	users    []string
	tokens   []string
	commands []string // what clients sent after the log-in
	// deaf are connections that no longer answer.
	deaf bool
}

// setup starts a proxy and sets the environment that the constructs would.
func setup(t *testing.T) *proxy {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{roots: x509.NewCertPool()}
	p.roots.AddCert(root)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				p.serve(conn, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
			})
		}
	})
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for name, value := range map[string]string{
		"DATABASE_URL": "", "HEARTH_DATABASE_HOST": "localhost", "HEARTH_DATABASE_PORT": port,
		"HEARTH_DATABASE_NAME": "app", "HEARTH_DATABASE_USER": "app_user", "HEARTH_DATABASE_ENGINE": "mysql",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	return p
}

// options trust the proxy's certificate.
func (p *proxy) options(conns int) Options {
	return Options{MaxConns: conns, Configure: func(c *mysqldriver.Config) error {
		c.TLS.RootCAs = p.roots
		return nil
	}}
}

func (p *proxy) record(command string) (deaf bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, command)
	return p.deaf
}

func (p *proxy) logins() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tokens)
}

// packets reads and writes packets, each after its length and number.
type packets struct {
	net.Conn // unbuffered: what follows a packet may be TLS
	seq      byte
}

func (c *packets) read() ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(c, header[:]); err != nil {
		return nil, err
	}
	c.seq = header[3] + 1
	body := make([]byte, int(header[0])|int(header[1])<<8|int(header[2])<<16)
	_, err := io.ReadFull(c, body)
	return body, err
}

func (c *packets) write(body ...byte) error {
	n := len(body)
	_, err := c.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), c.seq}, body...))
	c.seq++
	return err
}

func (p *proxy) serve(conn net.Conn, cert tls.Certificate) {
	const (
		withDatabase, protocol41, withTLS, secure, pluginAuth = 1 << 3, 1 << 9, 1 << 11, 1 << 15, 1 << 19

		capabilities = withDatabase | protocol41 | withTLS | secure | pluginAuth
	)
	c := &packets{Conn: conn}
	ok := []byte{0, 0, 0, 2, 0, 0, 0} // with autocommit
	greeting := append([]byte{10}, "8.0.fake\x00\x01\x00\x00\x0012345678\x00"...)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities&0xffff)
	greeting = append(greeting, 45, 2, 0)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities>>16)
	greeting = append(greeting, 21)
	greeting = append(greeting, make([]byte, 10)...)
	greeting = append(greeting, "901234567890\x00mysql_native_password\x00"...)
	if c.write(greeting...) != nil {
		return
	}
	hello, err := c.read()
	if err != nil || len(hello) != 32 || binary.LittleEndian.Uint32(hello)&withTLS == 0 {
		p.record("no TLS")
		return
	}
	tlsConn := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
	c = &packets{Conn: tlsConn, seq: c.seq}
	hello, err = c.read()
	if err != nil {
		return
	}
	user, _, _ := strings.Cut(string(hello[32:]), "\x00")
	if c.write(append([]byte{0xfe}, "mysql_clear_password\x00"...)...) != nil {
		return
	}
	token, err := c.read()
	if err != nil {
		return
	}
	p.mu.Lock()
	p.users = append(p.users, user)
	p.tokens = append(p.tokens, strings.TrimSuffix(string(token), "\x00"))
	p.mu.Unlock()
	for c.write(ok...) == nil {
		m, err := c.read()
		if err != nil || len(m) == 0 || m[0] == 1 {
			return
		}
		command := fmt.Sprintf("command %d", m[0])
		switch m[0] {
		case 3:
			command = string(m[1:])
		case 14:
			command = "ping"
		}
		if p.record(command) && command == "ping" {
			io.Copy(io.Discard, c) // until the client gives up
			return
		}
	}
}

func TestOneConnectionForEachInvocation(t *testing.T) {
	for concurrency, want := range map[string]int{"": 1, "3": 3} {
		t.Run(concurrency, func(t *testing.T) {
			p := setup(t)
			t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)
			db, err := New("db", p.options(0)).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for range want {
				conn, err := db.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if conn, err := db.Conn(ctx); err == nil {
				_ = conn.Close()
				t.Errorf("got more than %d connections", want)
			}
		})
	}
}

func TestLogsInWithAFreshTokenForEachConnection(t *testing.T) {
	p := setup(t)
	pool, err := New("db", p.options(2)).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	t.Setenv("AWS_SESSION_TOKEN", "rotated")
	for range 2 {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if p.logins() != 2 {
		t.Fatalf("got %d log-ins, want 2", p.logins())
	}
	for i, session := range []string{"session", "rotated"} {
		u, err := url.Parse("https://" + p.tokens[i])
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		got := map[string]string{"host": u.Host, "Action": q.Get("Action"), "DBUser": q.Get("DBUser"), "token": q.Get("X-Amz-Security-Token"), "expires": q.Get("X-Amz-Expires"), "user": p.users[i]}
		want := map[string]string{"host": "localhost:" + os.Getenv("HEARTH_DATABASE_PORT"), "Action": "connect", "DBUser": "app_user", "token": session, "expires": "900", "user": "app_user"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("token %d (-want +got):\n%s", i, diff)
		}
		if !strings.Contains(q.Get("X-Amz-Credential"), "/eu-central-1/rds-db/") {
			t.Errorf("token %d: credential scope %q", i, q.Get("X-Amz-Credential"))
		}
	}
}

func TestQueriesDoNotPin(t *testing.T) {
	p := setup(t)
	pool, err := New("db", p.options(0)).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	update, err := pool.PrepareContext(t.Context(), "update t set a = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer update.Close()
	if _, err := update.Exec(1); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.ExecContext(t.Context(), "update t set b = ?", "it's"); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Nothing but these: a SET would pin, and so would a prepared statement.
	want := []string{"ping", "update t set a = 1", `update t set b = 'it\'s'`}
	if diff := cmp.Diff(want, p.commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestRefusesAnUntrustedCertificate(t *testing.T) {
	p := setup(t)
	_, err := New("db", Options{}).Get(t.Context())
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got error %v, want one about the certificate's authority", err)
	}
	if p.logins() != 0 {
		t.Errorf("a token was sent to a server that is not trusted")
	}
}

func TestConfigurationErrors(t *testing.T) {
	const tlsMust = `TLS must be on to log in with an IAM token or a password in the clear; leave Config.TLS as it is, or set tls=true in DATABASE_URL`
	change := func(f func(c *mysqldriver.Config)) Options {
		return Options{Configure: func(c *mysqldriver.Config) error { f(c); return nil }}
	}
	for _, tc := range []struct {
		name string
		env  map[string]string
		opts Options
		want string
	}{
		{
			name: "nothing set",
			env:  map[string]string{"HEARTH_DATABASE_HOST": "", "HEARTH_DATABASE_USER": ""},
			want: `HEARTH_DATABASE_HOST, HEARTH_DATABASE_USER must be set; set BackendProps.Database, or DATABASE_URL to run without AWS`,
		},
		{
			name: "other engine",
			env:  map[string]string{"HEARTH_DATABASE_ENGINE": "postgres"},
			want: `HEARTH_DATABASE_ENGINE must be "mysql", got "postgres"; this package speaks to MySQL only`,
		},
		{
			name: "negative connections",
			opts: Options{MaxConns: -1},
			want: `Options.MaxConns must be 0 or more, got -1`,
		},
		{
			name: "Configure fails",
			opts: Options{Configure: func(*mysqldriver.Config) error { return errors.New("no") }},
			want: `Options.Configure: no`,
		},
		{
			name: "no region",
			env:  map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
			want: `AWS_REGION must be set; Lambda sets it, elsewhere set it yourself`,
		},
		{name: "no TLS", opts: change(func(c *mysqldriver.Config) { c.TLS = nil }), want: tlsMust},
		{name: "TLS if possible", opts: change(func(c *mysqldriver.Config) { c.AllowFallbackToPlaintext = true }), want: tlsMust},
		{name: "clear text without TLS", env: map[string]string{"DATABASE_URL": "mysql://u@h/d?allowCleartextPasswords=true"}, want: tlsMust},
		{name: "clear text with TLS if possible", env: map[string]string{"DATABASE_URL": "mysql://u@h/d?allowCleartextPasswords=true&tls=preferred"}, want: tlsMust},
		{
			name: "autocommit off",
			env:  map[string]string{"DATABASE_URL": "mysql://u@h/d?autocommit=OFF"},
			want: `the parameter autocommit must be on, got "off"; begin a transaction with BeginTx instead`,
		},
		{
			name: "a character set that escapes are not safe in",
			env:  map[string]string{"DATABASE_URL": "mysql://u@h/d?charset=utf8mb4,GBK"},
			want: `the connection's character set must be one that escapes are safe in, got "gbk"; use utf8mb4`,
		},
		{
			name: "its collation",
			opts: change(func(c *mysqldriver.Config) { c.Collation = "gbk_bin" }),
			want: `invalid DSN: interpolateParams can not be used with unsafe collations`,
		},
		{
			name: "another database's URL",
			env:  map[string]string{"DATABASE_URL": "postgres://u:hidden@h/d"},
			want: `DATABASE_URL: must start with mysql://, got "postgres://"; this package speaks to MySQL only`,
		},
		{
			name: "a broken URL",
			env:  map[string]string{"DATABASE_URL": "mysql://u:hid/den@h/d"},
			want: `DATABASE_URL: must be mysql://user:password@host:port/name, got something else; write special characters as in %40`,
		},
		{
			name: "no host",
			env:  map[string]string{"DATABASE_URL": "mysql:///d"},
			want: `DATABASE_URL: must name a host, or a socket as in mysql://user@/name?socket=/path, got neither`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			setup(t)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			_, err := New("db", tc.opts).Get(t.Context())
			if want := `resource "db": mysql: ` + tc.want; err == nil || err.Error() != want {
				t.Errorf("got error\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, net, addr, name, user, password, server, loc string }{
		{"mysql://u:p%40%2F@h/d", "tcp", "h:3306", "d", "u", "p@/", "", "UTC"},
		{"mysql://u@h:3307/d?loc=Europe%2FBerlin", "tcp", "h:3307", "d", "u", "", "", "Europe/Berlin"},
		{"mysql://u@h/d?tls=true&loc=Europe/Berlin", "tcp", "h:3306", "d", "u", "", "h", "Europe/Berlin"},
		{"mysql://u@[::1]/d?tls=true", "tcp", "[::1]:3306", "d", "u", "", "::1", "UTC"},
		{"mysql://u@/d?socket=%2Fa%2Fb", "unix", "/a/b", "d", "u", "", "", "UTC"},
		{"mysql://u@/d?socket=/a/b&readTimeout=1s", "unix", "/a/b", "d", "u", "", "", "UTC"},
		{"mysql://h", "tcp", "h:3306", "", "", "", "", "UTC"},
	} {
		c, err := parseURL(tc.url)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		server := ""
		if c.TLS != nil {
			server = c.TLS.ServerName
		}
		got := []string{c.Net, c.Addr, c.DBName, c.User, c.Passwd, server, c.Loc.String()}
		if want := []string{tc.net, tc.addr, tc.name, tc.user, tc.password, tc.server, tc.loc}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", tc.url, got, want)
		}
		if len(c.Params) > 0 {
			t.Errorf("%s: sets %v", tc.url, c.Params)
		}
	}
}

func TestOneConnectionAtATime(t *testing.T) {
	p := setup(t)
	pool, err := New("db", p.options(0)).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := pool.ExecContext(t.Context(), "update t set a = ?", 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if p.logins() != 1 {
		t.Errorf("got %d connections, want 1", p.logins())
	}
}

func TestConnectionOutlivesTheContextOfItsRequest(t *testing.T) {
	p := setup(t)
	pool, err := New("db", p.options(0)).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := conn.PingContext(t.Context()); err != nil {
		t.Errorf("got %v, want a usable connection", err)
	}
}

func TestAConnectionThatWasReturnedIsNotTakenBack(t *testing.T) {
	p := setup(t)
	pool, err := New("db", p.options(0)).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, scope := run.WithScope(t.Context(), "request")
	if _, err := pool.ExecContext(ctx, "update t set a = ?", 1); err != nil {
		t.Fatal(err)
	}
	scope.End(errors.New("timed out"))
	if _, err := pool.ExecContext(t.Context(), "update t set a = ?", 2); err != nil {
		t.Fatal(err)
	}
	if p.logins() != 1 {
		t.Errorf("got %d connections, want 1", p.logins())
	}
}

func TestIdleConnectionIsChecked(t *testing.T) {
	setUp := func(t *testing.T) (*proxy, *pool, *sql.DB) {
		proxy := setup(t)
		p, err := configure(proxy.options(0))
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(p)
		t.Cleanup(func() { _ = db.Close() })
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		proxy.mu.Lock()
		defer proxy.mu.Unlock()
		proxy.commands = nil
		return proxy, p, db
	}
	for name, tc := range map[string]struct {
		idle   time.Duration
		deaf   bool
		want   []string
		logins int
	}{
		"at once":                         {want: []string{"do 1"}, logins: 1},
		"after a freeze":                  {idle: 2 * database.PingAfter, want: []string{"ping", "do 1"}, logins: 1},
		"after a freeze that broke it":    {idle: 2 * database.PingAfter, deaf: true, want: []string{"ping", "do 1"}, logins: 2},
		"after the proxy has given it up": {idle: database.MaxIdle + time.Second, want: []string{"do 1"}, logins: 2},
		"in a clock that was set back":    {idle: -time.Hour, want: []string{"ping", "do 1"}, logins: 1},
	} {
		t.Run(name, func(t *testing.T) {
			proxy, p, db := setUp(t)
			p.idle[0].age.IdleSince = p.idle[0].age.IdleSince.Add(-tc.idle)
			proxy.mu.Lock()
			proxy.deaf = tc.deaf
			proxy.mu.Unlock()
			if _, err := db.ExecContext(t.Context(), "do 1"); err != nil {
				t.Fatal(err)
			}
			proxy.mu.Lock()
			got := slices.DeleteFunc(slices.Clone(proxy.commands), func(c string) bool { return c == "command 1" })
			proxy.mu.Unlock()
			if !slices.Equal(got, tc.want) || proxy.logins() != tc.logins {
				t.Errorf("got commands %q and %d log-ins, want %q and %d", got, proxy.logins(), tc.want, tc.logins)
			}
		})
	}
}
