package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/dynamodb"
)

// envDynamoDB is the variable with the endpoint for DynamoDB clients.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html (2026-11)
const envDynamoDB = "AWS_ENDPOINT_URL_DYNAMODB"

// TableTypes are the resource types of DynamoDB tables: the CDK's Table makes the first,
// its TableV2 the second.
var TableTypes = []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"}

// Table is a DynamoDB table.
type Table struct {
	Resource   *assembly.Resource
	Definition dynamodb.Definition
}

func tableName(r *assembly.Resource) (string, error) { return physicalName(r, "TableName", 255) }

func tableARN(r *assembly.Resource) (string, error) {
	name, err := tableName(r)
	return arn("dynamodb", r, "table/"+name), err
}

// unsimulatedTableParts are the properties of a table that have no effect here, with their
// names for warnings.
var unsimulatedTableParts = []struct{ property, name string }{
	{"StreamSpecification", "stream"}, {"KinesisStreamSpecification", "Kinesis stream"}, {"ImportSourceSpecification", "imported items"},
}

func (p *planner) planTables() error {
	var errs []error
	owners := map[string]*assembly.Stack{}
	for _, r := range p.app.Resources() {
		if !slices.Contains(TableTypes, r.Type) {
			continue
		}
		d, err := tableDefinition(r)
		switch {
		case errors.Is(err, assembly.ErrUnknown):
			p.skip(r, "part of it is not known here")
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		case owners[d.Name] == r.Stack:
			p.skip(r, "another table has its name")
			continue
		}
		owners[d.Name] = r.Stack
		p.Tables = append(p.Tables, &Table{r, d})
		var parts []string
		for _, part := range unsimulatedTableParts {
			if _, ok := r.Properties[part.property]; ok {
				parts = append(parts, part.name)
			}
		}
		if replicas, _ := r.Properties["Replicas"].([]any); len(replicas) > 1 { // one replica is the table itself
			parts = append(parts, "replicas")
		}
		if len(parts) > 0 {
			p.skip(r, "the table is there, without its "+strings.Join(parts, ", "))
		}
	}
	return errors.Join(errs...)
}

// tableDefinition reads a table.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html (2026-11)
func tableDefinition(r *assembly.Resource) (dynamodb.Definition, error) {
	var props struct {
		KeySchema               []keyElement
		AttributeDefinitions    []attributeDefinition
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       assembly.Bool
		}
		GlobalSecondaryIndexes, LocalSecondaryIndexes []tableIndex
	}
	d := dynamodb.Definition{}
	err := r.Decode(&props)
	if err == nil {
		d.Name, err = tableName(r)
	}
	if err == nil {
		d.ARN, err = tableARN(r)
	}
	if err != nil {
		return d, err
	}
	d.Keys = tableKeys(props.KeySchema, props.AttributeDefinitions)
	for _, x := range props.GlobalSecondaryIndexes {
		d.Indexes = append(d.Indexes, x.definition(props.AttributeDefinitions, false))
	}
	for _, x := range props.LocalSecondaryIndexes {
		d.Indexes = append(d.Indexes, x.definition(props.AttributeDefinitions, true))
	}
	if props.TimeToLiveSpecification.Enabled {
		d.TimeToLive = props.TimeToLiveSpecification.AttributeName
	}
	if err := d.Check(); err != nil {
		return d, fmt.Errorf("%s: %w", r, err)
	}
	return d, nil
}

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

// tableIndex is a secondary index of a table in a template.
type tableIndex struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
}

func (x *tableIndex) definition(attributes []attributeDefinition, local bool) dynamodb.Index {
	index := dynamodb.Index{Name: x.IndexName, Keys: tableKeys(x.KeySchema, attributes), Local: local}
	if x.Projection.ProjectionType != "ALL" && x.Projection.ProjectionType != "" {
		index.Projected = append([]string{}, x.Projection.NonKeyAttributes...)
	}
	return index
}

// tableKeys returns the keys of a schema, the partition key first.
func tableKeys(schema []keyElement, attributes []attributeDefinition) []dynamodb.Key {
	var keys []dynamodb.Key
	for _, keyType := range []string{"HASH", "RANGE"} {
		for _, k := range schema {
			if k.KeyType != keyType {
				continue
			}
			key := dynamodb.Key{Name: k.AttributeName}
			for _, a := range attributes {
				if a.AttributeName == k.AttributeName {
					key.Type = a.AttributeType
				}
			}
			keys = append(keys, key)
		}
	}
	return keys
}
