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

// Definition is a table: its name, its ARN, by which requests may call it too, and
// its keys, the partition key first.
type Definition struct {
	Name string
	ARN  string
	Keys []Key
	// TimeToLive is the attribute that says when an item expires; "" is none.
	TimeToLive string
	// Indexes are the secondary indexes.
	Indexes []Index
}

// Key is an attribute that is part of the key. Type is S, N or B.
type Key struct{ Name, Type string }

// tableName is what a table may be called.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (2026-11)
var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// Check says what is wrong with a definition.
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
// It differs from DynamoDB in this:
//
//   - Everything is in memory, and every read is consistent, with ConsistentRead and
//     without. All writes happen one after the other.
//   - Time to live is exact: an item is gone when its time has passed on the
//     service's clock, before the next operation, where DynamoDB deletes it within
//     days and returns it until then. A program that writes times of another clock
//     than the service's loses items early.
//   - Requests are neither signed nor authorized, and the tables are the only ones
//     there are: none can be created or changed.
//   - There is no capacity and so no throttling: BatchGetItem answers all keys,
//     however large their items are, BatchWriteItem writes all items, and
//     ReturnConsumedCapacity and ReturnItemCollectionMetrics are accepted and not
//     answered.
//   - Indexes have an item as soon as it is written. Scan goes by the key, where
//     DynamoDB goes by its hash. Query and Scan look at every item of the table.
//   - Transactions never conflict with each other. Streams and replicas are not there.
type Service struct {
	clock clock.Clock

	mu     sync.Mutex
	tables map[string]*table // by name
	swept  time.Time         // when expired items were looked for last
	// transactions are those that were done lately, by their tokens.
	transactions map[string]doneTransaction
	started      time.Time
}

// Counters are what a table holds and has seen.
type Counters struct {
	// Items are those that there are now.
	Items int `json:"items"`
	// Reads are the items that were asked for.
	Reads int `json:"reads"`
	// Writes are the puts, updates and deletions that were made.
	Writes int `json:"writes"`
	// Unmet are the writes that were not, because their condition did not hold.
	Unmet int `json:"unmet"`
}

type table struct {
	Definition
	items    map[string]item // by key
	counters Counters
}

// New returns a service without tables. A nil clock is the machine's.
func New(c clock.Clock) *Service {
	if c == nil {
		c = clock.Real{}
	}
	return &Service{clock: c, tables: map[string]*table{}, swept: c.Now(), transactions: map[string]doneTransaction{}, started: c.Now()}
}

// Define makes tables. One that is there keeps its items, unless its keys are other
// ones now: AWS makes a new table then. If a definition is wrong, nothing changes.
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

// Delete deletes a table with what is in it.
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

// sweepInterval is how often items that nobody asks for are looked through for
// expired ones.
const sweepInterval = time.Minute

// lock takes the service's lock; the time is that of the operation.
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

// table returns the table of a name or an ARN.
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

// expired reports whether an item's time to live is over. What is no number of
// seconds says nothing.
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

// key returns what a key, which checkKey passed, is stored under.
func (t *table) key(i item) string {
	text := ""
	for _, k := range t.Keys {
		part := i[k.Name].text
		text += strconv.Itoa(len(part)) + ":" + part
	}
	return text
}

// checkKey checks a key alone.
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
