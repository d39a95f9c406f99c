package hearth

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// connectionsClient is a function that connects to a database.
type connectionsClient struct {
	function    awslambda.Function
	perInstance float64
}

// newConnectionsClient reads from the program how many database connections one instance
// opens: one, or as many as jobs of a standard queue run at once. It assumes one for any
// other program.
func (a *app) newConnectionsClient(fn awslambda.Function) connectionsClient {
	client := connectionsClient{function: fn, perInstance: 1}
	if c := a.contractOf(fn); c != nil {
		client.perInstance = connectionsOf(halfOf(c.manifest, c.half))
	}
	return client
}

func connectionsOf(m *Manifest) float64 {
	most := 1.0
	for _, q := range m.Queues {
		if !q.FIFO {
			most = max(most, float64(q.Concurrency))
		}
	}
	return most
}

// share is one function's share of the database connections, in plain values.
type share struct {
	name        string
	instances   number
	perInstance float64
}

func (a *app) sharesOf(clients []connectionsClient) []share {
	shares := make([]share, len(clients))
	for i, c := range clients {
		shares[i] = share{
			name:        pathOf(c.function),
			instances:   a.reservedOf(c.function),
			perInstance: c.perInstance,
		}
	}
	return shares
}

// excess returns how many database connections the functions need when all their
// instances are busy, and the sum in words; 0 and "" when that is within limit. It leaves
// out functions whose number of instances is unknown.
func excess(limit number, shares []share) (sum float64, words string) {
	var parts []string
	for _, s := range shares {
		if s.instances.known {
			sum += s.instances.value * s.perInstance
			parts = append(parts, fmt.Sprintf("%s × %s (%s)", s.instances, format(s.perInstance), s.name))
		}
	}
	if !limit.known || sum <= limit.value {
		return 0, ""
	}
	return sum, strings.Join(parts, " + ")
}

// unboundedShares names the functions that can have any number of instances.
func unboundedShares(shares []share) []string {
	var names []string
	for _, s := range shares {
		if !s.instances.set {
			names = append(names, s.name)
		}
	}
	return names
}
