package dynamodb

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// operation is an operation of the API, with its supported parameters.
type operation struct {
	parameters []string
	do         func(*Service, *request) (any, error)
}

// operations are the operations by name.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html (2026-11)
var operations = map[string]operation{
	"GetItem":      {[]string{"TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames", "ConsistentRead", "ReturnConsumedCapacity"}, (*Service).getItem},
	"BatchGetItem": {[]string{"RequestItems", "ReturnConsumedCapacity"}, (*Service).batchGetItem},
	"PutItem":      {append([]string{"Item"}, writeParameters...), (*Service).putItem},
	"UpdateItem":   {append([]string{"Key", "UpdateExpression"}, writeParameters...), (*Service).updateItem},
	"DeleteItem":   {append([]string{"Key"}, writeParameters...), (*Service).deleteItem},

	"Query": {append([]string{"KeyConditionExpression", "ScanIndexForward"}, searchParameters...), (*Service).query},
	"Scan":  {append([]string{"Segment", "TotalSegments"}, searchParameters...), (*Service).scan},

	"BatchWriteItem":     {[]string{"RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"}, (*Service).batchWriteItem},
	"TransactGetItems":   {[]string{"TransactItems", "ReturnConsumedCapacity"}, (*Service).transactGetItems},
	"TransactWriteItems": {[]string{"TransactItems", "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"}, (*Service).transactWriteItems},

	"DescribeTable":      {[]string{"TableName"}, (*Service).describeTable},
	"DescribeTimeToLive": {[]string{"TableName"}, (*Service).describeTimeToLive},
	"ListTables":         {[]string{"ExclusiveStartTableName", "Limit"}, (*Service).listTables},
}

var searchParameters = []string{
	"TableName", "IndexName", "FilterExpression", "ProjectionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
	"ConsistentRead", "ExclusiveStartKey", "Limit", "Select", "ReturnConsumedCapacity",
}

var writeParameters = []string{
	"TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
	"ReturnValues", "ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
}

// batchParameters are the parameters of one table in BatchGetItem.
var batchParameters = []string{"Keys", "ProjectionExpression", "ExpressionAttributeNames", "ConsistentRead"}

// request is the request of any operation.
type request struct {
	TableName string
	Key, Item item

	ConditionExpression       *string
	UpdateExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item

	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string

	// Only the types of these are checked.
	ConsistentRead              bool
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string

	RequestItems map[string]json.RawMessage // of batchParameters, or of writes
	Keys         []item

	// For Query and Scan.
	IndexName              *string
	KeyConditionExpression *string
	FilterExpression       *string
	ExclusiveStartKey      item
	Limit                  *int
	ScanIndexForward       *bool
	Select                 string
	Segment, TotalSegments *int

	// For transactions.
	TransactItems      []map[string]json.RawMessage
	ClientRequestToken string

	ExclusiveStartTableName string
}

// decode decodes a request, and refuses parameters that are not in the list.
func decode(data []byte, parameters []string) (*request, error) {
	refuse := func(err error) error {
		var e *Error
		if errors.As(err, &e) {
			return e
		}
		return failure(serviceNamespace+"SerializationException", "%v", err)
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil {
		return nil, refuse(err)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(parameters, name) && string(given[name]) != "null" {
			return nil, errNotSimulated("the parameter " + name)
		}
	}
	in := &request{}
	if err := json.Unmarshal(data, in); err != nil {
		return nil, refuse(err)
	}
	for _, i := range append([]item{in.Key, in.Item, in.ExpressionAttributeValues, in.ExclusiveStartKey}, in.Keys...) {
		if i.nesting() > maxNesting {
			return nil, invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
		}
	}
	return in, nil
}

// parsed are the parsed expressions of a request; nil for missing ones.
type parsed struct {
	condition    condition
	update       *update
	projection   []path
	filter       condition
	filtered     []path // paths in the filter
	keyCondition *keyCondition
}

// parse parses the expressions. takesValues names the operation's expressions that may
// have value placeholders.
func (in *request) parse(takesValues string) (*parsed, error) {
	some := in.ConditionExpression != nil || in.UpdateExpression != nil || in.FilterExpression != nil || in.KeyConditionExpression != nil
	switch {
	case in.ExpressionAttributeNames != nil && !some && in.ProjectionExpression == nil:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case in.ExpressionAttributeValues != nil && !some:
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions: %s null", takesValues)
	}
	e, err := newExpressions(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	p := &parsed{}
	if in.UpdateExpression != nil {
		if p.update, err = e.update(*in.UpdateExpression); err != nil {
			return nil, err
		}
	}
	if in.ConditionExpression != nil {
		if p.condition, err = e.condition("ConditionExpression", *in.ConditionExpression); err != nil {
			return nil, err
		}
	}
	if in.KeyConditionExpression != nil {
		if p.keyCondition, err = e.keyCondition(*in.KeyConditionExpression); err != nil {
			return nil, err
		}
	}
	if in.FilterExpression != nil {
		before := len(e.usedPaths)
		if p.filter, err = e.condition("FilterExpression", *in.FilterExpression); err != nil {
			return nil, err
		}
		p.filtered = e.usedPaths[before:]
	}
	if in.ProjectionExpression != nil {
		if p.projection, err = e.projection(*in.ProjectionExpression); err != nil {
			return nil, err
		}
	}
	return p, e.checkUsed()
}

// Values of ReturnValues.
const (
	returnNone       = "NONE"
	returnAllOld     = "ALL_OLD"
	returnAllNew     = "ALL_NEW"
	returnUpdatedOld = "UPDATED_OLD"
	returnUpdatedNew = "UPDATED_NEW"
)

var allReturnValues = []string{returnAllNew, returnUpdatedOld, returnAllOld, returnNone, returnUpdatedNew}

// checkReturns checks the ReturnValues parameters of a write.
func (in *request) checkReturns(updates bool) error {
	switch v := in.ReturnValues; {
	case v == "" || v == returnNone || v == returnAllOld || updates && slices.Contains(allReturnValues, v):
	case !slices.Contains(allReturnValues, v):
		return invalid("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [%s]", v, strings.Join(allReturnValues, ", "))
	default:
		return invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	switch v := in.ReturnValuesOnConditionCheckFailure; v {
	case "", returnNone, returnAllOld:
		return nil
	default:
		return invalid("1 validation error detected: Value '%s' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]", v)
	}
}

type itemResult struct {
	Item item `json:",omitempty"`
}

func (s *Service) getItem(in *request) (any, error) {
	if err := in.require("key", in.Key); err != nil {
		return nil, err
	}
	p, err := in.parse("")
	if err != nil {
		return nil, err
	}
	now := s.lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return nil, err
	}
	t.counters.Reads++
	found := t.get(t.key(in.Key), now)
	if found == nil {
		return itemResult{}, nil
	}
	if p.projection == nil {
		return itemResult{found}, nil
	}
	return struct{ Item item }{found.project(p.projection)}, nil // perhaps with nothing in it
}

// require checks that the table's name and the named item are present.
func (in *request) require(name string, i item) error {
	switch {
	case in.TableName == "":
		return errMissing("tableName")
	case i == nil:
		return errMissing(name)
	}
	return nil
}

type batchResult struct {
	Responses       map[string][]item
	UnprocessedKeys struct{}
}

func (s *Service) batchGetItem(in *request) (any, error) {
	if in.RequestItems == nil {
		return nil, errMissing("requestItems")
	}
	if len(in.RequestItems) == 0 {
		return nil, errTooFew("{}", "requestItems")
	}
	total := 0
	requests, projections := map[string]*request{}, map[string][]path{}
	names := slices.Sorted(maps.Keys(in.RequestItems))
	for _, name := range names {
		r, err := decode(in.RequestItems[name], batchParameters)
		if err != nil {
			return nil, err
		}
		if len(r.Keys) == 0 {
			return nil, errTooFew("[]", "requestItems."+name+".member.keys")
		}
		if total += len(r.Keys); total > maxBatchKeys {
			return nil, invalid("Too many items requested for the BatchGetItem call")
		}
		p, err := r.parse("")
		if err != nil {
			return nil, err
		}
		requests[name], projections[name] = r, p.projection
	}
	now := s.lock()
	defer s.mu.Unlock()
	result := batchResult{Responses: map[string][]item{}}
	for _, name := range names {
		t, err := s.table(name)
		if err != nil {
			return nil, err
		}
		found := []item{}
		seen := map[string]bool{}
		for _, key := range requests[name].Keys {
			if err := t.checkKey(key); err != nil {
				return nil, err
			}
			id := t.key(key)
			if seen[id] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[id] = true
			if i := t.get(id, now); i != nil {
				if projections[name] != nil {
					i = i.project(projections[name])
				}
				found = append(found, i)
			}
		}
		t.counters.Reads += len(seen)
		result.Responses[name] = found
	}
	return result, nil
}
