package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// DatabaseSettings is the database that a function connects to.
type DatabaseSettings struct {
	// Proxy says that RDS Proxy is in between, which may use Percent of the database's
	// connections, and lets a client wait for one for up to Borrow. A Borrow of 0 is
	// without end.
	Proxy   bool
	Percent float64
	Borrow  time.Duration
	// MaxConnections is max_connections of the database, if a parameter group sets it; 0 is
	// not known.
	MaxConnections int
}

// The defaults of an RDS Proxy's target group.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html (2026-11)
const (
	defaultPercent = 100
	defaultBorrow  = 120 * time.Second
)

// readDatabases sets the database of the functions whose variables have its address.
func (s *settingsReader) readDatabases() {
	var databases []DatabaseSettings
	for _, r := range s.app.OfType("AWS::RDS::DBProxyTargetGroup") {
		var props struct {
			ConnectionPoolConfigurationInfo struct {
				MaxConnectionsPercent   *assembly.Int
				ConnectionBorrowTimeout *assembly.Int
			}
		}
		if err := s.decode(r, &props); err != nil {
			s.leaveOut(err)
			continue
		}
		d := DatabaseSettings{Proxy: true, Percent: defaultPercent, Borrow: defaultBorrow}
		if n := props.ConnectionPoolConfigurationInfo.MaxConnectionsPercent; n != nil {
			d.Percent = float64(*n)
		}
		if n := props.ConnectionPoolConfigurationInfo.ConnectionBorrowTimeout; n != nil {
			d.Borrow = time.Duration(*n) * time.Second
		}
		if !slices.Contains(databases, d) {
			databases = append(databases, d)
		}
	}
	if len(databases) == 0 {
		databases = append(databases, DatabaseSettings{})
	}
	most := s.maxConnections()
	for _, name := range s.names {
		f := s.byName[name]
		switch {
		case !s.connects[name]:
		case len(databases) > 1:
			f.Notes = append(f.Notes, fmt.Sprintf("The app has %d RDS Proxies with different settings, so that the database of %s is left out.", len(databases), f.LogicalID))
		default:
			d := databases[0]
			d.MaxConnections = most
			f.Database = &d
		}
	}
}

// maxConnections returns the number that the app's parameter groups set for
// max_connections; 0 if there is none, or there are several.
func (s *settingsReader) maxConnections() int {
	var all []int
	for _, kind := range []string{"AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBParameterGroup"} {
		for _, r := range s.app.OfType(kind) {
			var props struct{ Parameters map[string]any }
			if err := s.decode(r, &props); err != nil {
				s.leaveOut(err)
				continue
			}
			n, err := strconv.Atoi(fmt.Sprint(props.Parameters["max_connections"]))
			if err == nil && n > 0 && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	if len(all) != 1 {
		return 0
	}
	return all[0]
}

// namesDatabase reports whether a variable has the address of a database of the app.
func namesDatabase(variables map[string]any) bool {
	for _, value := range variables {
		if text, ok := value.(string); ok && strings.Contains(text, noDatabase) {
			return true
		}
	}
	return false
}
