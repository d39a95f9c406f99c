package dynamodb

import (
	"hash/fnv"
	"slices"
)

// keyCondition is the key condition of a Query: a value for the partition key, and
// optionally a range for the sort key.
type keyCondition struct {
	parts []keyPart
}

type keyPart struct {
	name     string
	operator string // =, <, <=, >, >=, BETWEEN or begins_with
	values   []value
}

func (k *keyPart) holds(i item) bool {
	v := i[k.name]
	switch k.operator {
	case functionBegins:
		return v.kind == k.values[0].kind && len(v.text) >= len(k.values[0].text) && v.text[:len(k.values[0].text)] == k.values[0].text
	case "BETWEEN":
		low, ok := v.compare(k.values[0])
		high, _ := v.compare(k.values[1])
		return ok && low >= 0 && high <= 0
	}
	order, ok := v.compare(k.values[0])
	return ok && map[string]bool{"=": order == 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[k.operator]
}

// keyCondition reads a key condition expression: part [AND part].
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html (2026-11)
func (e *expressions) keyCondition(source string) (*keyCondition, error) {
	p, err := e.parser("KeyConditionExpression", source, "AND", "OR", "NOT", "BETWEEN", "IN")
	if err != nil {
		return nil, err
	}
	k := &keyCondition{}
	if err := p.keyParts(k); err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		if word := p.peekKeyword(); word != "" {
			return nil, p.invalid("Invalid operator used in KeyConditionExpression: %s", word)
		}
		return nil, err
	}
	if len(k.parts) > 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	return k, nil
}

// keyParts reads the parts; each of them, or all together, may be in parentheses.
func (p *parser) keyParts(k *keyCondition) error {
	for {
		if _, ok := p.symbol("("); ok {
			if err := p.keyParts(k); err != nil {
				return err
			}
			if _, ok := p.symbol(")"); !ok {
				return p.unexpected()
			}
		} else if err := p.keyPart(k); err != nil {
			return err
		}
		if _, ok := p.keyword("AND"); !ok {
			return nil
		}
	}
}

func (p *parser) keyPart(k *keyCondition) error {
	if word, ok := p.keyword("NOT"); ok {
		return p.invalid("Invalid operator used in KeyConditionExpression: %s", word)
	}
	name, isFunction := p.function()
	if isFunction {
		if name != functionBegins {
			if slices.Contains(conditionFunctions, name) {
				return p.invalid("Invalid operator used in KeyConditionExpression: %s", name)
			}
			return p.refuseFunction(name)
		}
		operands, err := p.arguments(name, 2, p.operand)
		if err != nil {
			return err
		}
		if literal := operands[1].literal; literal != nil && literal.kind != typeString && literal.kind != typeBinary {
			return p.wrongType(name, literal.kind)
		}
		return p.addPart(k, name, operands[0], operands[1])
	}
	left, err := p.operand()
	if err != nil {
		return err
	}
	if word, ok := p.keyword("BETWEEN", "IN"); ok {
		if word == "IN" {
			return p.invalid("Invalid operator used in KeyConditionExpression: IN")
		}
		lower, upper, err := p.bounds()
		if err != nil {
			return err
		}
		return p.addPart(k, word, left, lower, upper)
	}
	comparator, ok := p.symbol("=", "<>", "<", "<=", ">", ">=")
	if !ok {
		return p.unexpected()
	}
	if comparator == "<>" {
		return p.invalid("Invalid operator used in KeyConditionExpression: <>")
	}
	right, err := p.operand()
	if err != nil {
		return err
	}
	if left.literal != nil && right.path != nil { // :v = key
		left, right = right, left
		comparator = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[comparator]
	}
	return p.addPart(k, comparator, left, right)
}

func (p *parser) addPart(k *keyCondition, operator string, key *operand, values ...*operand) error {
	part := keyPart{operator: operator}
	if len(key.path) != 1 {
		return p.invalid("Invalid condition in KeyConditionExpression: %s operator must have one operand that is a key attribute", operator)
	}
	part.name = key.path[0].name
	for _, v := range values {
		if v.literal == nil {
			return p.invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
		part.values = append(part.values, *v.literal)
	}
	if slices.ContainsFunc(k.parts, func(other keyPart) bool { return other.name == part.name }) {
		return invalid("KeyConditionExpressions must only contain one condition per key")
	}
	k.parts = append(k.parts, part)
	return nil
}

// check checks the condition against the keys of a table or an index.
func (k *keyCondition) check(keys []Key) error {
	for n, key := range keys {
		i := slices.IndexFunc(k.parts, func(p keyPart) bool { return p.name == key.Name })
		if i < 0 {
			if n == 0 || len(k.parts) > 1 {
				return invalid("Query condition missed key schema element: %s", key.Name)
			}
			continue
		}
		part := &k.parts[i]
		if n == 0 && part.operator != "=" {
			return invalid("Query key condition not supported")
		}
		for _, v := range part.values {
			switch {
			case v.kind != key.Type:
				return invalidValue("Condition parameter type does not match schema type")
			case v.text == "" && n == 0:
				return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", key.Name)
			}
		}
	}
	if len(keys) == 1 && len(k.parts) > 1 {
		return invalid("Query key condition not supported")
	}
	return nil
}

func (k *keyCondition) holds(i item) bool {
	return !slices.ContainsFunc(k.parts, func(p keyPart) bool { return !p.holds(i) })
}

// search is a Query or Scan to run.
type search struct {
	in     *request
	parsed *parsed
	t      *table
	index  *Index // nil for the table itself
	// among reports whether an item belongs to the searched items.
	among func(i item, id string) bool
	// order orders the answer's items.
	order func(a, b item) int
}

// keys returns the keys of the searched table or index.
func (q *search) keys() []Key {
	if q.index != nil {
		return q.index.Keys
	}
	return q.t.Keys
}

func (s *Service) query(in *request) (any, error) {
	switch {
	case in.TableName == "":
		return nil, errMissing("tableName")
	case in.KeyConditionExpression == nil:
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	p, err := in.parse("FilterExpression and KeyConditionExpression are")
	if err != nil {
		return nil, err
	}
	s.lock()
	defer s.mu.Unlock()
	q, err := s.search(in, p)
	if err != nil {
		return nil, err
	}
	if err := p.keyCondition.check(q.keys()); err != nil {
		return nil, err
	}
	for _, named := range p.filtered {
		if slices.ContainsFunc(q.keys(), func(k Key) bool { return k.Name == named[0].name }) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", named[0].name)
		}
	}
	q.among = func(i item, _ string) bool { return p.keyCondition.holds(i) }
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	q.order = func(a, b item) int {
		order := 0
		if keys := q.keys(); len(keys) > 1 {
			order, _ = a[keys[1].Name].compare(b[keys[1].Name])
		}
		if order == 0 { // equal sort keys in an index
			order = q.t.compareKeys(a, b)
		}
		if !forward {
			return -order
		}
		return order
	}
	return q.run()
}

func (s *Service) scan(in *request) (any, error) {
	if in.TableName == "" {
		return nil, errMissing("tableName")
	}
	segment, segments := 0, 1
	switch {
	case (in.Segment == nil) != (in.TotalSegments == nil):
		missing := "TotalSegments"
		if in.Segment == nil {
			missing = "Segment"
		}
		return nil, invalid("The %s parameter is required but was not present in the request when parameter %s is present", missing, map[string]string{"TotalSegments": "Segment", "Segment": "TotalSegments"}[missing])
	case in.Segment != nil:
		segment, segments = *in.Segment, *in.TotalSegments
		if segments < 1 || segments > maxSegments {
			return nil, invalid("1 validation error detected: Value '%d' at 'totalSegments' failed to satisfy constraint: Member must have value between 1 and %d", segments, maxSegments)
		}
		if segment < 0 || segment >= segments {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, segments)
		}
	}
	p, err := in.parse("FilterExpression is")
	if err != nil {
		return nil, err
	}
	s.lock()
	defer s.mu.Unlock()
	q, err := s.search(in, p)
	if err != nil {
		return nil, err
	}
	q.among = func(_ item, id string) bool { return segmentOf(id, segments) == segment }
	q.order = q.t.compareKeys
	return q.run()
}

// compareKeys orders items by the table's keys.
func (t *table) compareKeys(a, b item) int {
	for _, k := range t.Keys {
		if order, _ := a[k.Name].compare(b[k.Name]); order != 0 {
			return order
		}
	}
	return 0
}

// segmentOf returns the segment of an item in a parallel scan.
func segmentOf(id string, segments int) int {
	h := fnv.New32a()
	h.Write([]byte(id)) //nolint:errcheck // it cannot fail
	return int(h.Sum32() % uint32(segments))
}

// search makes the checks that Query and Scan have in common.
func (s *Service) search(in *request, p *parsed) (*search, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	t.sweep(s.clock.Now())
	q := &search{in: in, parsed: p, t: t}
	if in.IndexName != nil {
		i := slices.IndexFunc(t.Indexes, func(x Index) bool { return x.Name == *in.IndexName })
		if i < 0 {
			return nil, invalid("The table does not have the specified index: %s", *in.IndexName)
		}
		q.index = &t.Indexes[i]
		if in.ConsistentRead && !q.index.Local {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	switch in.Select {
	case "", "ALL_ATTRIBUTES", "COUNT":
		if in.Select != "" && in.ProjectionExpression != nil {
			return nil, invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
		}
		if in.Select == "ALL_ATTRIBUTES" && q.index != nil && !q.index.Local && q.index.Projected != nil {
			return nil, invalidValue("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", q.index.Name)
		}
	case "ALL_PROJECTED_ATTRIBUTES":
		if q.index == nil {
			return nil, invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case "SPECIFIC_ATTRIBUTES":
		if in.ProjectionExpression == nil {
			return nil, invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	default:
		return nil, invalid("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]", in.Select)
	}
	return q, q.checkStart()
}

// checkStart checks ExclusiveStartKey.
func (q *search) checkStart() error {
	start := q.in.ExclusiveStartKey
	if start == nil {
		return nil
	}
	want := q.startKeys()
	if len(start) != len(want) {
		return invalid("The provided starting key is invalid")
	}
	for _, k := range want {
		if v, ok := start[k.Name]; !ok || v.kind != k.Type {
			return invalid("The provided starting key is invalid: The provided key element does not match the schema")
		}
	}
	return nil
}

// startKeys returns the attributes of LastEvaluatedKey: the keys of the table and of the
// index.
func (q *search) startKeys() []Key {
	keys := slices.Clone(q.t.Keys)
	if q.index != nil {
		for _, k := range q.index.Keys {
			if !slices.ContainsFunc(keys, func(other Key) bool { return other.Name == k.Name }) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// searchResult is the answer of Query and Scan.
type searchResult struct {
	Items            []item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey item `json:",omitempty"`
}

// run reads one page: up to Limit items or 1 MB, whichever comes first, before the
// filter.
func (q *search) run() (any, error) {
	var found []item
	for id, i := range q.t.items {
		if (q.index == nil || q.index.has(i)) && q.among(i, id) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, q.order)
	if start := q.in.ExclusiveStartKey; start != nil {
		i, _ := slices.BinarySearchFunc(found, start, func(i, start item) int {
			if q.order(i, start) <= 0 {
				return -1
			}
			return 1
		})
		found = found[i:]
	}
	result := &searchResult{}
	items := []item{}
	size := 0
	for n, i := range found {
		if q.in.Limit != nil && n == *q.in.Limit || size >= maxPageBytes {
			result.LastEvaluatedKey = q.keyOf(found[n-1])
			break
		}
		size += i.bytes()
		result.ScannedCount++
		if q.parsed.filter != nil && !q.parsed.filter(i) {
			continue
		}
		result.Count++
		items = append(items, q.shown(i))
	}
	// DynamoDB also returns the last key if the limit was reached at the very end.
	if q.in.Limit != nil && result.ScannedCount == *q.in.Limit && result.LastEvaluatedKey == nil && result.ScannedCount > 0 {
		result.LastEvaluatedKey = q.keyOf(found[result.ScannedCount-1])
	}
	q.t.counters.Reads += result.ScannedCount
	if q.in.Select == "COUNT" {
		return result, nil
	}
	return struct {
		Items []item
		*searchResult
	}{items, result}, nil
}

func (q *search) keyOf(i item) item {
	key := item{}
	for _, k := range q.startKeys() {
		key[k.Name] = i[k.Name]
	}
	return key
}

// shown returns the attributes of an item that the answer contains.
func (q *search) shown(i item) item {
	all := q.index == nil || q.index.Local && q.in.Select == "ALL_ATTRIBUTES" || q.index.Local && q.parsed.projection != nil
	if !all {
		i = q.index.project(i, q.startKeys())
	}
	if q.parsed.projection != nil {
		return i.project(q.parsed.projection)
	}
	return i
}
