package plan

import (
	"net/url"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
)

// noDatabase is the host of an RDS Proxy that leads nowhere. It resolves to nothing
// and says in a program's error what to do.
const noDatabase = "no-database-is-named.use-hearth-dev--database.invalid"

// EngineOf is the engine of a database's URL, "" for one that is none of ours.
func EngineOf(u *url.URL) string {
	switch u.Scheme {
	case "postgres", "postgresql":
		return wire.EnginePostgres
	case "mysql":
		return wire.EngineMySQL
	}
	return ""
}

// Database is where RDS Proxy endpoints lead to. Without a URL that is nowhere.
type Database struct{ URL *url.URL }

// Host is the name or address of the database's machine, or a folder with its socket.
func (d Database) Host() string {
	if d.URL == nil {
		return noDatabase
	}
	if host := d.URL.Hostname(); host != "" {
		return host
	}
	return d.URL.Query().Get("host")
}

// Port is the database's port, or its engine's usual one.
func (d Database) Port() string {
	if d.URL != nil {
		if port := d.URL.Port(); port != "" {
			return port
		}
		if EngineOf(d.URL) == wire.EngineMySQL {
			return "3306"
		}
	}
	return "5432"
}

// SetEnv leads a function that has a database to this one.
func (d Database) SetEnv(env map[string]string) {
	if _, ok := env[wire.EnvDatabaseHost]; !ok || d.URL == nil {
		return
	}
	env["DATABASE_URL"] = d.URL.String()
	env[wire.EnvDatabaseHost], env[wire.EnvDatabasePort], env[wire.EnvDatabaseEngine] = d.Host(), d.Port(), EngineOf(d.URL)
	if name := strings.Trim(d.URL.Path, "/"); name != "" {
		env[wire.EnvDatabaseName] = name
	}
	if user := d.URL.User.Username(); user != "" {
		env[wire.EnvDatabaseUser] = user
	}
}
