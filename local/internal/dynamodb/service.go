package dynamodb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Definition is a table: its name, its ARN, which requests may use instead, and its keys,
// the partition key first.
type Definition struct {
	Name string
	ARN  string
	Keys []Key
	// TimeToLive is the attribute with an item's expiry time; "" means none.
	TimeToLive string
	// Indexes are the secondary indexes.
	Indexes []Index
}

// Key is a key attribute. Type is S, N or B.
type Key struct{ Name, Type string }

// tableName matches valid names of tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (2026-11)
var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// Check returns the first mistake in a definition.
func (d *Definition) Check() error {
	switch {
	case !tableName.MatchString(d.Name):
		return fmt.Errorf("table %q: name must be 3 to 255 letters, digits, \"_\", \"-\" or \".\"", d.Name)
	case len(d.Keys) < 1 || len(d.Keys) > 2:
		return fmt.Errorf("table %q: keys must be a partition key and at most a sort key, got %d", d.Name, len(d.Keys))
	case len(d.Keys) == 2 && d.Keys[0].Name == d.Keys[1].Name:
		return fmt.Errorf("table %q: keys must be two attributes, got %q twice", d.Name, d.Keys[0].Name)
	}
	for _, k := range d.Keys {
		if !ordered(k.Type) {
			return fmt.Errorf("table %q: the type of the key %q must be S, N or B, got %q", d.Name, k.Name, k.Type)
		}
	}
	for i := range d.Indexes {
		if err := d.Indexes[i].check(d.Name); err != nil {
			return err
		}
	}
	return nil
}

func (d *Definition) isKey(attribute string) bool {
	for _, k := range d.Keys {
		if k.Name == attribute {
			return true
		}
	}
	return false
}

// Service is a set of tables. It is an http.Handler, and safe for concurrent use.
//
// It differs from DynamoDB:
//
//   - Everything is in memory, and every read is consistent, with or without
//     ConsistentRead. Writes run one after the other.
//   - Time to live is exact: an item disappears before the next operation after its
//     expiry time on the service's clock. DynamoDB deletes it within days and returns it
//     until then. If a program computes expiry times with another clock than the
//     service's, it loses items early.
//   - Requests are neither signed nor authorized. Only the defined tables exist:
//     requests cannot create or change tables.
//   - There is no capacity and so no throttling. BatchGetItem returns all keys, however
//     large their items are, and BatchWriteItem writes all items. ReturnConsumedCapacity
//     and ReturnItemCollectionMetrics are accepted and ignored.
//   - Indexes contain an item as soon as it is written. Scan goes in key order; DynamoDB
//     goes in the order of key hashes. Query and Scan look at every item of the table.
//   - Transactions never conflict with each other. There are no streams and replicas.
type Service struct {
	clock clock.Clock

	mu     sync.Mutex
	tables map[string]*table // by name
	swept  time.Time         // the last search for expired items
	// transactions are the recent transactions, by their tokens.
	transactions map[string]doneTransaction
	started      time.Time
}

// Counters count a table's current items and its past operations.
type Counters struct {
	// Items is the current number of items.
	Items int `json:"items"`
	// Reads counts the requested items.
	Reads int `json:"reads"`
	// Writes counts the successful puts, updates and deletions.
	Writes int `json:"writes"`
	// Unmet counts the writes whose condition did not hold.
	Unmet int `json:"unmet"`
}

type table struct {
	Definition
	items    map[string]item // by key
	counters Counters
}

// New returns a service without tables. A nil clock means the machine's.
func New(c clock.Clock) *Service {
	if c == nil {
		c = clock.Real{}
	}
	return &Service{clock: c, tables: map[string]*table{}, swept: c.Now(), transactions: map[string]doneTransaction{}, started: c.Now()}
}

// Define makes tables. An existing table keeps its items, unless its keys change: AWS
// then makes a new table. If any definition is invalid, nothing changes.
func (s *Service) Define(definitions []Definition) error {
	for _, d := range definitions {
		if err := d.Check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range definitions {
		t := s.tables[d.Name]
		if t == nil || fmt.Sprint(t.Keys) != fmt.Sprint(d.Keys) {
			t = &table{items: map[string]item{}}
			s.tables[d.Name] = t
		}
		t.Definition = d
	}
	return nil
}

// Delete deletes a table and its items.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, name)
}

// Counters returns the counters of a table, all zero if there is none.
func (s *Service) Counters(name string) Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[name]
	if t == nil {
		return Counters{}
	}
	t.sweep(s.clock.Now())
	c := t.counters
	c.Items = len(t.items)
	return c
}

// sweepInterval is the time between two searches for expired items that no request
// touches.
const sweepInterval = time.Minute

// lock acquires the service's lock and returns the time of the operation.
func (s *Service) lock() time.Time {
	s.mu.Lock()
	now := s.clock.Now()
	if now.Sub(s.swept) >= sweepInterval {
		s.swept = now
		for _, t := range s.tables {
			t.sweep(now)
		}
	}
	return now
}

// table returns the table with a name or an ARN.
func (s *Service) table(name string) (*table, error) {
	t := s.tables[name[strings.LastIndexByte(name, '/')+1:]]
	if t == nil || name != t.Name && name != t.ARN {
		return nil, errNoTable(name)
	}
	return t, nil
}

// get returns an item that has not expired, or nil.
func (t *table) get(key string, now time.Time) item {
	i := t.items[key]
	if t.expired(i, now) {
		delete(t.items, key)
		return nil
	}
	return i
}

func (t *table) sweep(now time.Time) {
	for key, i := range t.items {
		if t.expired(i, now) {
			delete(t.items, key)
		}
	}
}

// expired reports whether an item's time to live has passed. A value that is not a number
// of seconds is ignored.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html (2026-11)
func (t *table) expired(i item, now time.Time) bool {
	v, ok := i[t.TimeToLive]
	if !ok || v.kind != typeNumber {
		return false
	}
	at, err := strconv.ParseFloat(v.text, 64)
	seconds := float64(now.Unix())
	return err == nil && at < seconds && at >= seconds-maxExpiredAge.Seconds()
}

// key returns the map key for an item's key, which must have passed checkKey.
func (t *table) key(i item) string {
	text := ""
	for _, k := range t.Keys {
		part := i[k.Name].text
		text += strconv.Itoa(len(part)) + ":" + part
	}
	return text
}

// checkKey checks a key without other attributes.
func (t *table) checkKey(key item) error {
	if len(key) != len(t.Keys) {
		return errKey()
	}
	for _, k := range t.Keys {
		if v, ok := key[k.Name]; !ok || v.kind != k.Type {
			return errKey()
		}
	}
	return t.checkKeyValues(key)
}

// checkItem checks a whole item.
func (t *table) checkItem(i item) error {
	for _, k := range t.Keys {
		v, ok := i[k.Name]
		switch {
		case !ok:
			return invalidValue("Missing the key %s in the item", k.Name)
		case v.kind != k.Type:
			return invalidValue("Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, v.kind)
		}
	}
	return t.checkKeyValues(i)
}

// checkBatchItem checks a whole item of a batch. For keys that are missing or have another
// type, the error is another one than that of PutItem. Source: LocalStack's captures of
// AWS, 2026-03; they have only a missing key.
func (t *table) checkBatchItem(i item) error {
	for _, k := range t.Keys {
		if v, ok := i[k.Name]; !ok || v.kind != k.Type {
			return errKey()
		}
	}
	return t.checkKeyValues(i)
}

func (t *table) checkKeyValues(i item) error {
	for n, k := range t.Keys {
		switch text := i[k.Name].text; {
		case text == "":
			what := map[string]string{typeString: "string", typeBinary: "binary"}[k.Type]
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", what, k.Name)
		case k.Type == typeNumber:
		case n == 0 && len(text) > maxPartitionKeyBytes:
			return invalidValue("Size of hashkey has exceeded the maximum size limit of%d bytes", maxPartitionKeyBytes)
		case n == 1 && len(text) > maxSortKeyBytes:
			return invalidValue("Aggregated size of all range keys has exceeded the size limit of %d bytes", maxSortKeyBytes)
		}
	}
	return nil
}
