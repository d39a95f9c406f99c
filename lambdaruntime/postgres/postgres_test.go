package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// proxy stands in for an RDS Proxy: TLS with a certificate for "localhost", then a
// clear-text password, which is where an IAM token goes. It answers every query
// with nothing.
type proxy struct {
	mu       sync.Mutex
	startups []map[string]string
	tokens   []string
	messages []string // what clients sent after the log-in
}

func (p *proxy) record(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, fmt.Sprintf(format, args...))
}

// setup starts a proxy and sets the environment that the constructs would.
func setup(t *testing.T) *proxy {
	t.Helper()
	cert := certificate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
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
				p.serve(conn, cert)
			})
		}
	})
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for name, value := range map[string]string{
		"DATABASE_URL": "", "HEARTH_DATABASE_HOST": "localhost", "HEARTH_DATABASE_PORT": port,
		"HEARTH_DATABASE_NAME": "app", "HEARTH_DATABASE_USER": "app_user", "HEARTH_DATABASE_ENGINE": "postgres",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	return p
}

// certificate makes one for "localhost" that PGSSLROOTCERT trusts.
func certificate(t *testing.T) tls.Certificate {
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
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSSLROOTCERT", file)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (p *proxy) serve(conn net.Conn, cert tls.Certificate) {
	b := pgproto3.NewBackend(conn, conn)
	first, err := b.ReceiveStartupMessage()
	if err != nil {
		return
	}
	if _, ok := first.(*pgproto3.SSLRequest); !ok {
		p.record("no TLS: %T", first)
		return
	}
	if _, err := conn.Write([]byte{'S'}); err != nil {
		return
	}
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
	b = pgproto3.NewBackend(secure, secure)
	startup, err := b.ReceiveStartupMessage()
	if err != nil {
		p.record("start-up: %v", err)
		return
	}
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	if b.Flush() != nil || b.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return
	}
	password, err := b.Receive()
	if err != nil {
		return
	}
	p.mu.Lock()
	p.startups = append(p.startups, startup.(*pgproto3.StartupMessage).Parameters)
	p.tokens = append(p.tokens, password.(*pgproto3.PasswordMessage).Password)
	p.mu.Unlock()
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	var parsed string
	for b.Flush() == nil {
		m, err := b.Receive()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *pgproto3.Query:
			p.record("query %s", m.String)
			b.Send(&pgproto3.EmptyQueryResponse{})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case *pgproto3.Parse:
			p.record("parse %q %v %s", m.Name, m.ParameterOIDs, m.Query)
			parsed = m.Query
			b.Send(&pgproto3.ParseComplete{})
		case *pgproto3.Bind:
			p.record("bind %q", m.PreparedStatement)
			b.Send(&pgproto3.BindComplete{})
		case *pgproto3.Describe:
			p.record("describe %c", m.ObjectType)
			if m.ObjectType == 'S' {
				b.Send(&pgproto3.ParameterDescription{ParameterOIDs: slices.Repeat([]uint32{pgtype.Int4OID}, strings.Count(parsed, "$"))})
			}
			b.Send(&pgproto3.NoData{})
		case *pgproto3.Execute:
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("UPDATE 1")})
		case *pgproto3.Sync:
			p.record("sync")
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case *pgproto3.Terminate:
			return
		}
	}
}

func TestLogsInWithAFreshTokenForEachConnection(t *testing.T) {
	p := setup(t)
	db := New("db", Options{MaxConns: 2})
	pool, err := db.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	t.Setenv("AWS_SESSION_TOKEN", "rotated")
	first, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Release()
	second.Release()

	if len(p.tokens) != 2 {
		t.Fatalf("got %d log-ins, want 2", len(p.tokens))
	}
	for i, session := range []string{"session", "rotated"} {
		u, err := url.Parse("https://" + p.tokens[i])
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		got := map[string]string{"host": u.Host, "Action": q.Get("Action"), "DBUser": q.Get("DBUser"), "token": q.Get("X-Amz-Security-Token"), "expires": q.Get("X-Amz-Expires")}
		want := map[string]string{"host": "localhost:" + os.Getenv("HEARTH_DATABASE_PORT"), "Action": "connect", "DBUser": "app_user", "token": session, "expires": "900"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("token %d (-want +got):\n%s", i, diff)
		}
		if !strings.Contains(q.Get("X-Amz-Credential"), "/eu-central-1/rds-db/") {
			t.Errorf("token %d: credential scope %q", i, q.Get("X-Amz-Credential"))
		}
	}
	// Parameters besides these would be session state.
	want := map[string]string{"user": "app_user", "database": "app"}
	if diff := cmp.Diff(want, p.startups[0]); diff != "" {
		t.Errorf("start-up parameters (-want +got):\n%s", diff)
	}
}

func TestOneConnectionForEachInvocation(t *testing.T) {
	for concurrency, want := range map[string]int{"": 1, "3": 3} {
		t.Run(concurrency, func(t *testing.T) {
			setup(t)
			t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)
			pool, err := New("db", Options{}).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			for range want {
				conn, err := pool.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Release()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if conn, err := pool.Acquire(ctx); err == nil {
				conn.Release()
				t.Errorf("got more than %d connections", want)
			}
		})
	}
}

func TestQueriesDoNotPin(t *testing.T) {
	p := setup(t)
	pool, err := New("db", Options{}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	p.mu.Lock()
	p.messages = nil
	p.mu.Unlock()
	for range 2 {
		if _, err := pool.Exec(t.Context(), "update t set a = $1", 1); err != nil {
			t.Fatal(err)
		}
	}
	// The pool asks for the types once. No step needs session state of an earlier one,
	// since a proxy may use another session for it.
	ask := []string{`parse "" [] update t set a = $1`, "describe S", "sync"}
	round := []string{`parse "" [23] update t set a = $1`, `bind ""`, "describe P", "sync"}
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(slices.Concat(ask, round, round), p.messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestRefusesAnUntrustedCertificate(t *testing.T) {
	p := setup(t)
	t.Setenv("PGSSLROOTCERT", "")
	_, err := New("db", Options{}).Get(t.Context())
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got error %v, want one about the certificate's authority", err)
	}
	if len(p.tokens) != 0 {
		t.Errorf("a token was sent to a server that is not trusted")
	}
}

func TestConfigurationErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  map[string]string
		opts Options
		want string
	}{
		{
			name: "nothing set",
			env:  map[string]string{"HEARTH_DATABASE_HOST": "", "HEARTH_DATABASE_USER": ""},
			want: `resource "db": postgres: HEARTH_DATABASE_HOST, HEARTH_DATABASE_USER must be set; set BackendProps.Database, or DATABASE_URL to run without AWS`,
		},
		{
			name: "other engine",
			env:  map[string]string{"HEARTH_DATABASE_ENGINE": "mysql"},
			want: `resource "db": postgres: HEARTH_DATABASE_ENGINE must be "postgres", got "mysql"; this package speaks to PostgreSQL only`,
		},
		{
			name: "negative connections",
			opts: Options{MaxConns: -1},
			want: `resource "db": postgres: Options.MaxConns must be 0 or more, got -1`,
		},
		{
			name: "Configure fails",
			opts: Options{Configure: func(*pgxpool.Config) error { return errors.New("no") }},
			want: `resource "db": postgres: Options.Configure: no`,
		},
		{
			name: "no region",
			env:  map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
			want: `resource "db": postgres: AWS_REGION must be set; Lambda sets it, elsewhere set it yourself`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			setup(t)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			_, err := New("db", tc.opts).Get(t.Context())
			if err == nil || err.Error() != tc.want {
				t.Errorf("got error\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
}

func TestOneConnectionAtATime(t *testing.T) {
	p := setup(t)
	pool, err := New("db", Options{}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := pool.Exec(t.Context(), "update t set a = $1", 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	// One, and one more at most where the machine held a release up for long.
	if len(p.tokens) > 2 {
		t.Errorf("got %d connections, want 1", len(p.tokens))
	}
}

func TestConnectionOutlivesTheContextOfItsAcquire(t *testing.T) {
	setup(t)
	pool, err := New("db", Options{}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	cancel()
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("got %v, want a usable connection", err)
	}
}

func TestAcquireGivesUpWithItsContext(t *testing.T) {
	setup(t)
	pool, err := New("db", Options{}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pool.Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	conn.Release()
	if _, err := pool.Exec(t.Context(), "update t set a = $1", 1); err != nil {
		t.Errorf("a connection was lost: %v", err)
	}
}

func TestKeepsTheTracerOfConfigure(t *testing.T) {
	setup(t)
	var tracer countingTracer
	pool, err := New("db", Options{Configure: func(c *pgxpool.Config) error {
		c.ConnConfig.Tracer = &tracer
		return nil
	}}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "update t set a = $1", 1); err != nil {
		t.Fatal(err)
	}
	if tracer.queries == 0 {
		t.Error("the tracer saw no query")
	}
}

type countingTracer struct{ queries int }

func (c *countingTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.queries++
	return ctx
}

func (c *countingTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
