package dynamodb

import (
	"encoding/json"
	"maps"
	"slices"
)

// write is a requested change of one item.
type write struct {
	in     *request
	parsed *parsed
	// key is the item's key, or the whole item; check validates it.
	key   item
	check func(*table, item) error
	// change returns the new item for the old one; nil means no item in both.
	change func(old item) (item, error)
}

// writers decode the requests of writes.
var writers = map[string]func(*request) (*write, error){"Put": readPut, "Delete": readDelete, "Update": readUpdate, "ConditionCheck": readCheck}

func readPut(in *request) (*write, error) {
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
	return &write{in, p, in.Item, (*table).checkItem, func(item) (item, error) { return in.Item, nil }}, nil
}

func readDelete(in *request) (*write, error) {
	if err := in.require("key", in.Key); err != nil {
		return nil, err
	}
	p, err := in.parse("ConditionExpression is")
	if err != nil {
		return nil, err
	}
	return &write{in, p, in.Key, (*table).checkKey, func(item) (item, error) { return nil, nil }}, nil
}

// readCheck decodes a ConditionCheck of a transaction, which changes nothing.
func readCheck(in *request) (*write, error) {
	if in.ConditionExpression == nil {
		return nil, errMissing("transactItems.1.member.conditionCheck.conditionExpression")
	}
	w, err := readDelete(in)
	if err != nil {
		return nil, err
	}
	w.change = func(old item) (item, error) { return old, nil }
	return w, nil
}

func readUpdate(in *request) (*write, error) {
	if err := in.require("key", in.Key); err != nil {
		return nil, err
	}
	p, err := in.parse("UpdateExpression and ConditionExpression are")
	if err != nil {
		return nil, err
	}
	if p.update == nil {
		p.update = &update{} // it makes a missing item
	}
	check := func(t *table, key item) error {
		for _, target := range p.update.targets() {
			if t.isKey(target[0].name) {
				return invalidValue("Cannot update attribute %s. This attribute is part of the key", target[0].name)
			}
		}
		return t.checkKey(key)
	}
	return &write{in, p, in.Key, check, func(old item) (item, error) {
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
	}}, nil
}

func (s *Service) putItem(in *request) (any, error)    { return s.writeOne(readPut(in)) }
func (s *Service) deleteItem(in *request) (any, error) { return s.writeOne(readDelete(in)) }
func (s *Service) updateItem(in *request) (any, error) { return s.writeOne(readUpdate(in)) }

type writeResult struct {
	Attributes item `json:",omitempty"`
}

// writeOne does a single write.
func (s *Service) writeOne(w *write, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	in := w.in
	if err := in.checkReturns(w.parsed.update != nil); err != nil {
		return nil, err
	}
	now := s.lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := w.check(t, w.key); err != nil {
		return nil, err
	}
	id := t.key(w.key)
	old := t.get(id, now)
	changed, err := w.next(t, old)
	if err != nil {
		return nil, err
	}
	t.store(id, changed)
	switch in.ReturnValues {
	case returnAllOld:
		return writeResult{old}, nil
	case returnAllNew:
		return writeResult{changed}, nil
	case returnUpdatedOld:
		return writeResult{w.parsed.update.updated(old)}, nil
	case returnUpdatedNew:
		return writeResult{w.parsed.update.updated(changed)}, nil
	}
	return writeResult{}, nil
}

// next returns the item after the write, if the write's condition holds.
func (w *write) next(t *table, old item) (item, error) {
	if w.parsed.condition != nil && !w.parsed.condition(old) {
		t.counters.Unmet++
		if w.in.ReturnValuesOnConditionCheckFailure != returnAllOld {
			return nil, errUnmet(nil)
		}
		return nil, errUnmet(old)
	}
	changed, err := w.change(old)
	if err != nil {
		return nil, err
	}
	return changed, t.checkIndexes(changed)
}

// store stores an item; nil deletes it.
func (t *table) store(id string, i item) {
	t.counters.Writes++
	if i == nil {
		delete(t.items, id)
	} else {
		t.items[id] = i
	}
}

// batchWriteItem puts and deletes items without conditions.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (2026-11)
func (s *Service) batchWriteItem(in *request) (any, error) {
	if in.RequestItems == nil {
		return nil, errMissing("requestItems")
	}
	if len(in.RequestItems) == 0 {
		return nil, errTooFew("{}", "requestItems")
	}
	names := slices.Sorted(maps.Keys(in.RequestItems))
	byTable := map[string][]*write{}
	total := 0
	for _, name := range names {
		var requests []map[string]json.RawMessage
		if err := json.Unmarshal(in.RequestItems[name], &requests); err != nil {
			return nil, failure(serviceNamespace+"SerializationException", "%v", err)
		}
		if len(requests) == 0 {
			return nil, errTooFew("[]", "requestItems."+name+".member")
		}
		if total += len(requests); total > maxBatchWrites {
			return nil, invalid("Too many items requested for the BatchWriteItem call")
		}
		for _, r := range requests {
			w, err := readBatchWrite(name, r)
			if err != nil {
				return nil, err
			}
			byTable[name] = append(byTable[name], w)
		}
	}
	now := s.lock()
	defer s.mu.Unlock()
	type stored struct {
		t       *table
		id      string
		changed item
	}
	var all []stored
	for _, name := range names {
		t, err := s.table(name)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, w := range byTable[name] {
			if err := w.check(t, w.key); err != nil {
				return nil, err
			}
			id := t.key(w.key)
			if seen[id] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[id] = true
			changed, err := w.next(t, t.get(id, now))
			if err != nil {
				return nil, err
			}
			all = append(all, stored{t, id, changed})
		}
	}
	for _, w := range all {
		w.t.store(w.id, w.changed)
	}
	return struct{ UnprocessedItems struct{} }{}, nil
}

// readBatchWrite decodes one put or deletion of a batch.
func readBatchWrite(name string, r map[string]json.RawMessage) (*write, error) {
	maps.DeleteFunc(r, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	for kind, raw := range r {
		read, parameter := readPut, "Item"
		switch {
		case len(r) != 1:
			return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		case kind == "DeleteRequest":
			read, parameter = readDelete, "Key"
		case kind != "PutRequest":
			return nil, errNotSimulated("the parameter " + kind)
		}
		in, err := decode(raw, []string{parameter})
		if err != nil {
			return nil, err
		}
		in.TableName = name
		w, err := read(in)
		if err == nil && kind == "PutRequest" {
			w.check = (*table).checkBatchItem
		}
		return w, err
	}
	return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func errTooFew(value, where string) *Error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", value, where)
}
