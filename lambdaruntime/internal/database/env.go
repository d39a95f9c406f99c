package database

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
)

// Source is the address of a database and its log-in.
type Source struct {
	// URL replaces all other fields: a local database with a password. It may be "".
	URL string

	Host, Port, Name, User string

	region string
}

// products are the engines' product names.
var products = map[string]string{wire.EnginePostgres: "PostgreSQL", wire.EngineMySQL: "MySQL"}

// EnvURL is the variable of [Source.URL].
const EnvURL = "DATABASE_URL"

// FromEnv reads the source of a database with the given engine, [wire.EnginePostgres] or
// [wire.EngineMySQL], from the environment. connection is its name among the program's
// databases, "" for the unnamed one; see [wire.Named].
func FromEnv(engine, connection string) (Source, error) {
	named := func(variable string) string { return wire.Named(variable, connection) }
	if url := os.Getenv(named(EnvURL)); url != "" {
		return Source{URL: url}, nil
	}
	var s Source
	var missing []string
	for _, v := range []struct {
		name string
		to   *string
	}{
		{wire.EnvDatabaseHost, &s.Host}, {wire.EnvDatabasePort, &s.Port}, {wire.EnvDatabaseName, &s.Name},
		{wire.EnvDatabaseUser, &s.User},
	} {
		if *v.to = os.Getenv(named(v.name)); *v.to == "" {
			missing = append(missing, named(v.name))
		}
	}
	if missing != nil {
		return Source{}, fmt.Errorf("%s must be set; set BackendProps.Database, or %s to run without AWS", strings.Join(missing, ", "), named(EnvURL))
	}
	if got := os.Getenv(named(wire.EnvDatabaseEngine)); got != "" && got != engine {
		return Source{}, fmt.Errorf("%s must be %q, got %q; this package speaks to %s only", named(wire.EnvDatabaseEngine), engine, got, products[engine])
	}
	var err error
	s.region, err = awsenv.Region()
	return s, err
}

// Endpoint is the database's host and port.
func (s Source) Endpoint() string { return net.JoinHostPort(s.Host, s.Port) }

// Token makes the password of one log-in. It is valid for 15 minutes; the database checks
// it only at log-in.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html (2026-11)
func (s Source) Token(ctx context.Context) (string, error) {
	token, err := auth.BuildAuthToken(ctx, s.Endpoint(), s.region, s.User, awsenv.Credentials)
	if err != nil {
		return "", fmt.Errorf("make an IAM token: %w", err)
	}
	return token, nil
}
