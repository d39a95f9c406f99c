package dynamodb

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// operation is an operation of the API, with the parameters that it has here.
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
}

var writeParameters = []string{
	"TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
	"ReturnValues", "ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
}

// batchParameters are those of one table in BatchGetItem.
var batchParameters = []string{"Keys", "ProjectionExpression", "ExpressionAttributeNames", "ConsistentRead"}

// request is a request of any operation.
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

	// Those that are only checked to be of their type.
	ConsistentRead              bool
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string

	RequestItems map[string]json.RawMessage // of batchParameters
	Keys         []item
}

// decode reads a request, in which only the parameters may be.
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
	for _, i := range append([]item{in.Key, in.Item, in.ExpressionAttributeValues}, in.Keys...) {
		if i.nesting() > maxNesting {
			return nil, invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
		}
	}
	return in, nil
}

// parsed are the expressions of a request; nil for those that it does not have.
type parsed struct {
	condition  condition
	update     *update
	projection []path
}

// parse reads the expressions. takesValues names those of the operation that have
// placeholders of values.
func (in *request) parse(takesValues string) (*parsed, error) {
	switch {
	case in.ExpressionAttributeNames != nil && in.ConditionExpression == nil && in.UpdateExpression == nil && in.ProjectionExpression == nil:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case in.ExpressionAttributeValues != nil && in.ConditionExpression == nil && in.UpdateExpression == nil:
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
		if p.condition, err = e.condition(*in.ConditionExpression); err != nil {
			return nil, err
		}
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
	returnNone   = "NONE"
	returnAllOld = "ALL_OLD"
	returnAllNew = "ALL_NEW"
)

var allReturnValues = []string{returnAllNew, "UPDATED_OLD", returnAllOld, returnNone, "UPDATED_NEW"}

// checkReturns checks what a write is to return.
func (in *request) checkReturns(updates bool) error {
	switch v := in.ReturnValues; {
	case v == "" || v == returnNone || v == returnAllOld || updates && v == returnAllNew:
	case !slices.Contains(allReturnValues, v):
		return invalid("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [%s]", v, strings.Join(allReturnValues, ", "))
	case updates:
		return errNotSimulated("ReturnValues " + v)
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

// require checks that the table's name and what else a request must have are there.
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
	tooFew := func(value, where string) error {
		return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", value, where)
	}
	if len(in.RequestItems) == 0 {
		return nil, tooFew("{}", "requestItems")
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
			return nil, tooFew("[]", "requestItems."+name+".member.keys")
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

type writeResult struct {
	Attributes item `json:",omitempty"`
}

func (s *Service) putItem(in *request) (any, error) {
	if err := in.require("item", in.Item); err != nil {
		return nil, err
	}
	if in.Item.bytes() > maxItemBytes {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	p, err := in.parse("ConditionExpression is")
	if err != nil {
		return nil, err
	}
	return s.write(in, p, in.Item, (*table).checkItem, func(item) (item, error) { return in.Item, nil })
}

func (s *Service) deleteItem(in *request) (any, error) {
	if err := in.require("key", in.Key); err != nil {
		return nil, err
	}
	p, err := in.parse("ConditionExpression is")
	if err != nil {
		return nil, err
	}
	return s.write(in, p, in.Key, (*table).checkKey, func(item) (item, error) { return nil, nil })
}

func (s *Service) updateItem(in *request) (any, error) {
	if err := in.require("key", in.Key); err != nil {
		return nil, err
	}
	p, err := in.parse("UpdateExpression and ConditionExpression are")
	if err != nil {
		return nil, err
	}
	if p.update == nil {
		p.update = &update{} // makes an item that is not there
	}
	check := func(t *table, key item) error {
		for _, target := range p.update.targets() {
			if t.isKey(target[0]) {
				return invalidValue("Cannot update attribute %s. This attribute is part of the key", target[0])
			}
		}
		return t.checkKey(key)
	}
	return s.write(in, p, in.Key, check, func(old item) (item, error) {
		changed, err := p.update.apply(old, in.Key)
		switch {
		case err != nil:
			return nil, err
		case changed.bytes() > maxItemBytes:
			return nil, invalid("Item size to update has exceeded the maximum allowed size")
		case changed.nesting() > maxNesting:
			return nil, invalid("Nesting Levels have exceeded supported limits")
		}
		return changed, nil
	})
}

// write makes of the item that is there, or of nil, the one that change returns, nil
// for none, if the condition holds of it.
func (s *Service) write(in *request, p *parsed, key item, check func(*table, item) error, change func(old item) (item, error)) (any, error) {
	if err := in.checkReturns(p.update != nil); err != nil {
		return nil, err
	}
	now := s.lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := check(t, key); err != nil {
		return nil, err
	}
	id := t.key(key)
	old := t.get(id, now)
	if p.condition != nil && !p.condition(old) {
		t.counters.Unmet++
		if in.ReturnValuesOnConditionCheckFailure != returnAllOld {
			return nil, errUnmet(nil)
		}
		return nil, errUnmet(old)
	}
	changed, err := change(old)
	if err != nil {
		return nil, err
	}
	t.counters.Writes++
	if changed == nil {
		delete(t.items, id)
	} else {
		t.items[id] = changed
	}
	switch in.ReturnValues {
	case returnAllOld:
		return writeResult{old}, nil
	case returnAllNew:
		return writeResult{changed}, nil
	}
	return writeResult{}, nil
}

// errorBody is how an error travels.
type errorBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	Item    item   `json:",omitempty"`
}

func bodyOf(err error) (int, errorBody) {
	var e *Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, errorBody{Type: modelNamespace + "InternalServerError", Message: err.Error()}
	}
	return e.Status, errorBody{e.Type, e.Message, e.item}
}
