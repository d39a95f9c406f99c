package database

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

func setenv(t *testing.T, changes map[string]string) {
	t.Helper()
	for name, value := range map[string]string{
		"DATABASE_URL": "", "HEARTH_DATABASE_HOST": "h", "HEARTH_DATABASE_PORT": "5432", "HEARTH_DATABASE_NAME": "app",
		"HEARTH_DATABASE_USER": "u", "HEARTH_DATABASE_ENGINE": "postgres",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		t.Setenv(name, value)
	}
	for name, value := range changes {
		t.Setenv(name, value)
	}
}

func TestFromEnv(t *testing.T) {
	plain := Source{Host: "h", Port: "5432", Name: "app", User: "u", region: "eu-central-1"}
	for name, tc := range map[string]struct {
		env  map[string]string
		want Source
		err  string
	}{
		"the proxy":      {want: plain},
		"no engine":      {env: map[string]string{"HEARTH_DATABASE_ENGINE": ""}, want: plain},
		"a URL":          {env: map[string]string{"DATABASE_URL": "postgres://x", "HEARTH_DATABASE_HOST": ""}, want: Source{URL: "postgres://x"}},
		"another engine": {env: map[string]string{"HEARTH_DATABASE_ENGINE": "mysql"}, err: `HEARTH_DATABASE_ENGINE must be "postgres", got "mysql"; this package speaks to PostgreSQL only`},
		"nothing": {
			env: map[string]string{"HEARTH_DATABASE_HOST": "", "HEARTH_DATABASE_PORT": "", "HEARTH_DATABASE_NAME": "", "HEARTH_DATABASE_USER": ""},
			err: "HEARTH_DATABASE_HOST, HEARTH_DATABASE_PORT, HEARTH_DATABASE_NAME, HEARTH_DATABASE_USER must be set; set BackendProps.Database, or DATABASE_URL to run without AWS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, tc.env)
			got, err := FromEnv(wire.EnginePostgres, "")
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Errorf("got error\n%v\nwant\n%s", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

// TestFromEnvNamed has a program with two databases.
func TestFromEnvNamed(t *testing.T) {
	setenv(t, map[string]string{
		"HEARTH_DATABASE_HOST_REPORTS": "h2", "HEARTH_DATABASE_PORT_REPORTS": "5433", "HEARTH_DATABASE_NAME_REPORTS": "app2",
		"HEARTH_DATABASE_USER_REPORTS": "u2", "HEARTH_DATABASE_ENGINE_REPORTS": "postgres",
	})
	for name, want := range map[string]Source{
		"":        {Host: "h", Port: "5432", Name: "app", User: "u", region: "eu-central-1"},
		"reports": {Host: "h2", Port: "5433", Name: "app2", User: "u2", region: "eu-central-1"},
	} {
		if got, err := FromEnv(wire.EnginePostgres, name); got != want || err != nil {
			t.Errorf("%q: got %+v, %v", name, got, err)
		}
	}
	if _, err := FromEnv(wire.EngineMySQL, "reports"); err == nil || !strings.HasPrefix(err.Error(), `HEARTH_DATABASE_ENGINE_REPORTS must be "mysql"`) {
		t.Errorf("got %v", err)
	}
	if _, err := FromEnv(wire.EnginePostgres, "audit"); err == nil || !strings.HasSuffix(err.Error(), "or DATABASE_URL_AUDIT to run without AWS") {
		t.Errorf("got %v", err)
	}
	t.Setenv("DATABASE_URL_REPORTS", "postgres://x")
	if got, err := FromEnv(wire.EnginePostgres, "reports"); got.URL != "postgres://x" || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestToken(t *testing.T) {
	setenv(t, nil)
	s, err := FromEnv(wire.EnginePostgres, "")
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse("https://" + token); err != nil || u.Host != "h:5432" || u.Query().Get("DBUser") != "u" {
		t.Errorf("got token %q, %v", token, err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := s.Token(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "make an IAM token: ") {
		t.Errorf("without credentials: got error %v", err)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for idle, want := range map[time.Duration]State{
		0: Fresh, PingAfter / 2: Fresh, PingAfter + time.Second: Stale, MaxIdle - time.Second: Stale, MaxIdle + time.Second: Expired,
		-time.Hour: Stale, // the clock was set back
	} {
		a := NewAge()
		a.IdleSince = a.IdleSince.Add(-idle)
		if got := a.State(); got != want {
			t.Errorf("idle for %v: got %d, want %d", idle, got, want)
		}
		a.Rest()
		if got := a.State(); got != Fresh {
			t.Errorf("just used: got %d, want %d", got, Fresh)
		}
	}
	old := NewAge()
	old.until = WallClock().Add(-time.Second)
	if got := old.State(); got != Expired {
		t.Errorf("at the end of its life: got %d, want %d", got, Expired)
	}
	if life := time.Until(NewAge().until); life < MaxLifetime-time.Minute || life > MaxLifetime+MaxLifetimeJitter {
		t.Errorf("lives for %v", life)
	}
}

func TestLeaseOfTheLastCandidate(t *testing.T) {
	t.Parallel()
	_, first := run.WithScope(t.Context(), "first")
	_, second := run.WithScope(t.Context(), "second")
	l := NewLeases("test", 1)
	lease, err := l.lease(t.Context(), []*run.Scope{first, second})
	if err != nil {
		t.Fatal(err)
	}
	closed := 0
	lease.Hold(func() { closed++ })
	first.End(nil)
	if closed != 0 || l.Over() != 0 {
		t.Error("a lease that may still belong to an operation was taken back")
	}
	second.End(nil)
	if closed != 1 || l.Over() != 1 {
		t.Errorf("the socket was closed %d times and %d leases are over, want 1 and 1", closed, l.Over())
	}
	next, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	released := []bool{}
	note := func(mine bool) { released = append(released, mine) }
	lease.Release(note)
	lease.Release(note)
	next.Release(note)
	if !slices.Equal(released, []bool{false, true}) || l.Over() != 0 || len(l.held) != 0 || len(l.slots) != 0 {
		t.Errorf("released %v; %d over, %d held, %d in use", released, l.Over(), len(l.held), len(l.slots))
	}
}

func TestLeaseThatEndsBeforeItsConnectionIsMade(t *testing.T) {
	t.Parallel()
	ctx, scope := run.WithScope(t.Context(), "request")
	l := NewLeases("test", 1)
	lease, err := l.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	scope.End(errors.New("late"))
	closed := false
	lease.Hold(func() { closed = true })
	if !closed {
		t.Error("the connection stays open")
	}
	lease.Release(func(mine bool) {
		if mine {
			t.Error("the connection would be used again")
		}
	})
}

func TestHolders(t *testing.T) {
	t.Parallel()
	l := NewLeases("test", 5)
	for range 5 {
		ctx, scope := run.WithScope(t.Context(), "request")
		defer scope.End(nil)
		lease, err := l.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release(func(bool) {})
	}
	if got := l.holders(); strings.Count(got, "request has had one for ") != 3 || !strings.HasSuffix(got, "; and 2 more") {
		t.Errorf("got %q", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	d := &Dialect{NameQuote: '"', DollarQuotes: true, NestedComments: true}
	for sql, want := range map[string]string{
		"":                          "",
		"SELECT a.B, $1::int":       "select a . b , $ 1 : : int",
		"'it''s' \"Na\"\"me\"":      `' Na""me`,
		"$$ x $$ $a$ $$ $a$ a$b$":   "' ' a$b$",
		"x -- y\nz /* /* */ y */ w": "x z w",
		"E'\\'' e 'a' n'\\'":        "e ' e ' n '",
		"'open":                     "'",
		"/* open":                   "",
		"$a$ open":                  "'",
		"näme":                      "näme",
	} {
		var got []string
		for w := range d.Words(sql) {
			got = append(got, w.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", sql, strings.Join(got, " "), want)
		}
	}
}

func BenchmarkLease(b *testing.B) {
	ctx, scope := run.WithScope(b.Context(), "request")
	defer scope.End(nil)
	l := NewLeases("test", 1)
	b.ReportAllocs()
	for b.Loop() {
		lease, err := l.Take(ctx)
		if err != nil {
			b.Fatal(err)
		}
		lease.Hold(func() {})
		lease.Release(func(bool) {})
	}
}
