package plan

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// TestSetEnv sets the variables of a function with an unnamed database and two named ones,
// of which one's name is unknown.
func TestSetEnv(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("postgres://me:secret@db.local:6432/all")
	if err != nil {
		t.Fatal(err)
	}
	made := func() map[string]string {
		return map[string]string{
			wire.EnvDatabaseHost: "a", wire.EnvDatabaseName: "shop",
			wire.EnvDatabaseHost + "_REPORTS": "b", wire.EnvDatabaseName + "_REPORTS": "sales",
			wire.EnvDatabaseHost + "_OLD_ONES": "c", wire.EnvDatabaseName + "_OLD_ONES": assembly.Placeholder + "x",
			wire.EnvDatabaseHost + "_SQL": "d", wire.EnvDatabaseEngine + "_SQL": wire.EngineMySQL,
			wire.EnvDatabaseHost + "NAME": "not a database's", "OTHER": "1",
		}
	}
	for _, c := range []struct {
		name      string
		database  Database
		urls      map[string]string
		databases []string
		missing   []string
	}{
		{name: "none", urls: map[string]string{}},
		{
			name: "the user's", database: Database{URL: u}, urls: map[string]string{"": "/all"},
			missing: []string{"DATABASE_URL_OLD_ONES", "DATABASE_URL_REPORTS", "DATABASE_URL_SQL"},
		},
		{
			name: "the engine's", database: Database{URL: u, Own: true}, databases: []string{"shop", "old_ones", "sales"},
			missing: []string{"DATABASE_URL_SQL"},
			urls:    map[string]string{"": "/shop", "_REPORTS": "/sales", "_OLD_ONES": "/old_ones"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, want := made(), made()
			databases, missing := c.database.SetEnv(env)
			if diff := cmp.Diff([][]string{c.databases, c.missing}, [][]string{databases, missing}); diff != "" {
				t.Errorf("databases and missing (-want +got):\n%s", diff)
			}
			for suffix, path := range c.urls {
				want[envDatabaseURL+suffix] = "postgres://me:secret@db.local:6432" + path
				want[wire.EnvDatabaseHost+suffix], want[wire.EnvDatabasePort+suffix] = "db.local", "6432"
				want[wire.EnvDatabaseEngine+suffix], want[wire.EnvDatabaseName+suffix], want[wire.EnvDatabaseUser+suffix] = wire.EnginePostgres, path[1:], "me"
			}
			if diff := cmp.Diff(want, env); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
}
