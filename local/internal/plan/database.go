package plan

import (
	"net/url"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
)

// noDatabase is the host of an RDS Proxy without a database. It does not resolve, and the
// program's error shows the name, which tells the user what to do.
const noDatabase = "no-database-is-named.use-hearth-dev--database.invalid"

// EngineOf returns the engine of a database's URL; "" if Hearth does not support it.
func EngineOf(u *url.URL) string {
	switch u.Scheme {
	case "postgres", "postgresql":
		return wire.EnginePostgres
	case "mysql":
		return wire.EngineMySQL
	}
	return ""
}

// Database is the database behind RDS Proxy endpoints. Without a URL there is none.
type Database struct{ URL *url.URL }

// Host returns the name or address of the database's host, or the folder of its socket.
func (d Database) Host() string {
	if d.URL == nil {
		return noDatabase
	}
	if host := d.URL.Hostname(); host != "" {
		return host
	}
	return d.URL.Query().Get("host")
}

// Port returns the database's port, or the default port of its engine.
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

// SetEnv sets the variables of a function that has a database, so that it connects to this
// one.
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
