package plan

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
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
type Database struct {
	URL *url.URL
	// Own means that the engine started the server, and makes each database that a
	// function names.
	Own bool
}

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

// SetEnv sets the variables of a function's databases, so that the program connects to
// this server. A function has an unnamed database, and others with a name; see
// [wire.Named]. SetEnv returns the names of the databases that the engine must make, and
// the URL variables of those that have no URL here.
func (d Database) SetEnv(env map[string]string) (databases, missing []string) {
	if d.URL == nil {
		return nil, nil
	}
	for _, host := range slices.Sorted(maps.Keys(env)) {
		suffix, ok := strings.CutPrefix(host, wire.EnvDatabaseHost)
		if !ok || suffix != "" && suffix[0] != '_' {
			continue
		}
		engine := env[wire.EnvDatabaseEngine+suffix]
		if suffix != "" && (!d.Own || engine != "" && engine != EngineOf(d.URL)) { // one URL cannot name two databases
			missing = append(missing, envDatabaseURL+suffix)
			continue
		}
		there := *d.URL
		if d.Own {
			if name := env[wire.EnvDatabaseName+suffix]; name != "" && !strings.HasPrefix(name, assembly.Placeholder) {
				there.Path = "/" + name
			} else if suffix != "" {
				there.Path = "/" + strings.ToLower(suffix[1:])
			}
			databases = append(databases, there.Path[1:])
		}
		env[envDatabaseURL+suffix] = there.String()
		env[host], env[wire.EnvDatabasePort+suffix], env[wire.EnvDatabaseEngine+suffix] = d.Host(), d.Port(), EngineOf(d.URL)
		if name := strings.Trim(there.Path, "/"); name != "" {
			env[wire.EnvDatabaseName+suffix] = name
		}
		if user := d.URL.User.Username(); user != "" {
			env[wire.EnvDatabaseUser+suffix] = user
		}
	}
	return databases, missing
}

// envDatabaseURL is the variable of a database's URL, which replaces the other variables.
const envDatabaseURL = "DATABASE_URL"

// isDatabaseVariable reports whether [Database.SetEnv] sets a variable. In the template,
// its value may come from a secret.
func isDatabaseVariable(name string) bool {
	for _, v := range []string{wire.EnvDatabaseHost, wire.EnvDatabasePort, wire.EnvDatabaseName, wire.EnvDatabaseUser, wire.EnvDatabaseEngine} {
		if name == v || strings.HasPrefix(name, v+"_") {
			return true
		}
	}
	return false
}
