package local

import (
	"net/http"
	"slices"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/dynamodb"
	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// serveTables serves the DynamoDB endpoint.
func (e *Engine) serveTables(w http.ResponseWriter, r *http.Request) {
	if why := loopback.FromPage(r); why != "" {
		writeJSON(w, http.StatusForbidden, map[string]string{"message": why})
		return
	}
	e.tables.ServeHTTP(w, r)
}

// defineTables makes the plan's tables; existing tables keep their items.
func (e *Engine) defineTables(p *plan.Plan) error {
	var definitions []dynamodb.Definition
	for _, t := range p.Tables {
		definitions = append(definitions, t.Definition)
	}
	return e.tables.Define(definitions)
}

// dropTables deletes the old plan's tables that the new plan does not have.
func (e *Engine) dropTables(old, p *plan.Plan) {
	for _, t := range old.Tables {
		name := t.Definition.Name
		if !slices.ContainsFunc(p.Tables, func(t *plan.Table) bool { return t.Definition.Name == name }) {
			e.tables.Delete(name)
		}
	}
}

// DynamoDBEndpoint returns the endpoint URL for DynamoDB clients, with any region and
// credentials; "" if the app has no tables.
func (e *Engine) DynamoDBEndpoint() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.plan.At.DynamoDB
}

// TableState is a DynamoDB table.
type TableState struct {
	LogicalID string `json:"logicalId"`
	Name      string `json:"name"`
	ARN       string `json:"arn"`
	// Keys are the key attributes, the partition key first.
	Keys []string `json:"keys"`
	// TimeToLive is the attribute with an item's expiry time; "" is none.
	TimeToLive string        `json:"timeToLive,omitempty"`
	Counters   TableCounters `json:"counters"`
}

// TableCounters count a table's current items and its past events.
type TableCounters = dynamodb.Counters

func (e *Engine) tableState(t *plan.Table) TableState {
	d := t.Definition
	state := TableState{LogicalID: t.Resource.ID, Name: d.Name, ARN: d.ARN, TimeToLive: d.TimeToLive, Counters: e.tables.Counters(d.Name)}
	for _, k := range d.Keys {
		state.Keys = append(state.Keys, k.Name)
	}
	return state
}
