package dynamodb

import (
	"fmt"
	"maps"
	"slices"
)

// Index is a secondary index of a table.
type Index struct {
	Name string
	// Keys are the partition key and optionally the sort key.
	Keys []Key
	// Projected are the index's attributes besides the keys; nil means all attributes.
	Projected []string
	// Local marks a local secondary index, which has the table's partition key.
	Local bool
}

// check returns the mistakes in a table's index.
func (x *Index) check(table string) error {
	if len(x.Keys) < 1 || len(x.Keys) > 2 {
		return fmt.Errorf("table %q: index %q: keys must be a partition key and at most a sort key, got %d", table, x.Name, len(x.Keys))
	}
	for _, k := range x.Keys {
		if !ordered(k.Type) {
			return fmt.Errorf("table %q: index %q: the type of the key %q must be S, N or B, got %q", table, x.Name, k.Name, k.Type)
		}
	}
	return nil
}

// has reports whether an item is in the index: whether it has the index's keys. An item
// older than the index may have other types.
func (x *Index) has(i item) bool {
	return !slices.ContainsFunc(x.Keys, func(k Key) bool { return i[k.Name].kind != k.Type })
}

// project returns the attributes of an item that the index has.
func (x *Index) project(i item, keys []Key) item {
	if x.Projected == nil {
		return i
	}
	shown := maps.Clone(i)
	maps.DeleteFunc(shown, func(name string, _ value) bool {
		return !slices.Contains(x.Projected, name) && !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name })
	})
	return shown
}

// checkIndexes refuses an item whose attributes are invalid keys of the indexes.
func (t *table) checkIndexes(i item) error {
	for _, x := range t.Indexes {
		for _, k := range x.Keys {
			v, ok := i[k.Name]
			switch {
			case !ok:
			case v.kind != k.Type:
				return invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.Name, k.Type, v.kind, x.Name)
			case v.text == "":
				what := map[string]string{typeString: "string", typeBinary: "binary"}[k.Type]
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", what, x.Name, k.Name)
			}
		}
	}
	return nil
}

// describeTable describes a table. Programs and tools request that before they start.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html (2026-11)
func (s *Service) describeTable(in *request) (any, error) {
	s.lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	type keySchema struct{ AttributeName, KeyType string }
	type attribute struct{ AttributeName, AttributeType string }
	type indexDescription struct {
		IndexName   string
		IndexArn    string
		IndexStatus string `json:",omitempty"`
		KeySchema   []keySchema
		Projection  struct {
			ProjectionType   string
			NonKeyAttributes []string `json:",omitempty"`
		}
	}
	var attributes []attribute
	schema := func(keys []Key) (list []keySchema) {
		for n, k := range keys {
			list = append(list, keySchema{k.Name, []string{"HASH", "RANGE"}[n]})
			if a := (attribute{k.Name, k.Type}); !slices.Contains(attributes, a) {
				attributes = append(attributes, a)
			}
		}
		return list
	}
	table := struct {
		TableName              string
		TableArn               string
		TableStatus            string
		KeySchema              []keySchema
		AttributeDefinitions   []attribute
		ItemCount              int
		TableSizeBytes         int
		CreationDateTime       float64
		BillingModeSummary     struct{ BillingMode string }
		GlobalSecondaryIndexes []indexDescription `json:",omitempty"`
		LocalSecondaryIndexes  []indexDescription `json:",omitempty"`
	}{TableName: t.Name, TableArn: t.ARN, TableStatus: "ACTIVE", KeySchema: schema(t.Keys), ItemCount: len(t.items), CreationDateTime: float64(s.started.Unix())}
	table.BillingModeSummary.BillingMode = "PAY_PER_REQUEST"
	for _, i := range t.items {
		table.TableSizeBytes += i.bytes()
	}
	for _, x := range t.Indexes {
		d := indexDescription{IndexName: x.Name, IndexArn: t.ARN + "/index/" + x.Name, KeySchema: schema(x.Keys)}
		d.Projection.ProjectionType = "ALL"
		if x.Projected != nil {
			d.Projection.ProjectionType = "KEYS_ONLY"
			if len(x.Projected) > 0 {
				d.Projection.ProjectionType, d.Projection.NonKeyAttributes = "INCLUDE", x.Projected
			}
		}
		if x.Local {
			table.LocalSecondaryIndexes = append(table.LocalSecondaryIndexes, d)
		} else {
			d.IndexStatus = "ACTIVE"
			table.GlobalSecondaryIndexes = append(table.GlobalSecondaryIndexes, d)
		}
	}
	table.AttributeDefinitions = attributes
	return struct{ Table any }{table}, nil
}

func (s *Service) describeTimeToLive(in *request) (any, error) {
	s.lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	type description struct {
		AttributeName    string `json:",omitempty"`
		TimeToLiveStatus string
	}
	d := description{t.TimeToLive, "ENABLED"}
	if t.TimeToLive == "" {
		d.TimeToLiveStatus = "DISABLED"
	}
	return struct{ TimeToLiveDescription description }{d}, nil
}

func (s *Service) listTables(in *request) (any, error) {
	s.lock()
	defer s.mu.Unlock()
	result := struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}{TableNames: []string{}}
	limit := maxListedTables
	if in.Limit != nil {
		limit = *in.Limit
		if limit < 1 || limit > maxListedTables {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxListedTables)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if name <= in.ExclusiveStartTableName {
			continue
		}
		if len(result.TableNames) == limit {
			result.LastEvaluatedTableName = result.TableNames[limit-1]
			break
		}
		result.TableNames = append(result.TableNames, name)
	}
	return result, nil
}
