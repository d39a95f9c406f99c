package registry

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// attr is an attribute value in DynamoDB's JSON: {"S": "…"}, {"N": "1"}, {"M": {…}}.
type attr map[string]any

// table implements the part of DynamoDB's JSON protocol that the registry uses, with
// conditional writes and document paths.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html (2026-11)
type table struct {
	t *testing.T

	mu    sync.Mutex
	items map[string]map[string]attr // by partition and sort key
	calls map[string]int
	// batch bounds the items of one BatchGetItem, if set.
	batch int
	// fail, if set, returns the error of an operation.
	fail func(op string) string
	// lose, if set, reports whether the answer of an operation is lost.
	lose func(op string) bool
}

// setup starts a table and sets the environment of a function that has it.
func setup(t *testing.T) (*table, *DynamoDB) {
	t.Helper()
	s := &table{t: t, items: map[string]map[string]attr{}, calls: map[string]int{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"HEARTH_CONNECTIONS_TABLE": "presence", "AWS_ENDPOINT_URL_DYNAMODB": srv.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	d := New()
	d.pause = func(int) time.Duration { return 0 }
	return s, d
}

type fault struct{ kind, message string }

func (f fault) Error() string { return f.kind + ": " + f.message }

func (s *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKID/") || !strings.Contains(auth, "/eu-central-1/dynamodb/aws4_request") {
		s.t.Errorf("Authorization header %q", auth)
	}
	op, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !ok {
		s.t.Errorf("X-Amz-Target %q", r.Header.Get("X-Amz-Target"))
	}
	// The SDK repeats a request if the response comes before it has finished sending.
	if attempt := r.Header.Get("Amz-Sdk-Request"); attempt == "" || strings.HasPrefix(attempt, "attempt=1;") {
		s.calls[op]++
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	var out any
	var err error
	if s.fail != nil {
		if kind := s.fail(op); kind != "" {
			err = fault{kind, "refused"}
		}
	}
	if err == nil {
		out, err = s.do(op, &in)
	}
	if s.lose != nil && s.lose(op) {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusOK
	if f, ok := err.(fault); ok {
		status = http.StatusBadRequest
		out = map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + f.kind, "message": f.message}
	}
	data, err := json.Marshal(out)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

type request struct {
	TableName                 string
	Key, Item                 map[string]attr
	ConditionExpression       string
	UpdateExpression          string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attr
	ReturnValues              string
	ConsistentRead            bool
	RequestItems              map[string]struct {
		Keys           []map[string]attr
		ConsistentRead bool
	}
}

func keyOf(i map[string]attr) string { return fmt.Sprint(i["PK"]["S"], " ", i["SK"]["S"]) }

func (s *table) do(op string, in *request) (any, error) {
	if op == "BatchGetItem" {
		keys := in.RequestItems["presence"].Keys
		if len(keys) == 0 || len(keys) > 100 {
			return nil, fault{"ValidationException", "1 to 100 keys"}
		}
		n := len(keys)
		if s.batch > 0 {
			n = min(n, s.batch)
		}
		var found []map[string]attr
		for _, key := range keys[:n] {
			if i, ok := s.items[keyOf(key)]; ok {
				found = append(found, i)
			}
		}
		out := map[string]any{"Responses": map[string]any{"presence": found}, "UnprocessedKeys": map[string]any{}}
		if n < len(keys) {
			out["UnprocessedKeys"] = map[string]any{"presence": map[string]any{"Keys": keys[n:], "ConsistentRead": true}}
		}
		return out, nil
	}
	if in.TableName != "presence" {
		return nil, fault{"ResourceNotFoundException", "no table " + in.TableName}
	}
	key := keyOf(in.Key)
	if op == "PutItem" {
		key = keyOf(in.Item)
	}
	old, exists := s.items[key]
	if in.ConditionExpression != "" && !s.holds(in, old) {
		return nil, fault{"ConditionalCheckFailedException", "The conditional request failed"}
	}
	switch op {
	case "GetItem":
		if !in.ConsistentRead {
			s.t.Error("a read is not consistent")
		}
		if !exists {
			return map[string]any{}, nil
		}
		return map[string]any{"Item": old}, nil
	case "PutItem":
		s.items[key] = in.Item
	case "DeleteItem":
		delete(s.items, key)
		if in.ReturnValues == "ALL_OLD" && exists {
			return map[string]any{"Attributes": old}, nil
		}
	case "UpdateItem":
		updated := map[string]attr{}
		for name, value := range old {
			updated[name] = value
			if m, ok := value["M"].(map[string]any); ok {
				updated[name] = attr{"M": maps.Clone(m)}
			}
		}
		maps.Copy(updated, in.Key)
		if err := update(in, updated); err != nil {
			return nil, err
		}
		s.items[key] = updated
		if in.ReturnValues == "ALL_OLD" && exists {
			return map[string]any{"Attributes": old}, nil
		}
	default:
		return nil, fault{"UnknownOperationException", op}
	}
	return map[string]any{}, nil
}

// holds evaluates alternatives of attribute_exists(a), attribute_not_exists(a) and
// a = :v.
func (s *table) holds(in *request, item map[string]attr) bool {
	for term := range strings.SplitSeq(in.ConditionExpression, " OR ") {
		if name, ok := strings.CutPrefix(term, "attribute_exists("); ok {
			if _, ok := item[strings.TrimSuffix(name, ")")]; ok {
				return true
			}
		} else if name, ok := strings.CutPrefix(term, "attribute_not_exists("); ok {
			if _, ok := item[strings.TrimSuffix(name, ")")]; !ok {
				return true
			}
		} else if name, value, ok := strings.Cut(term, " = "); ok {
			if a, ok := item[name]; ok && a["S"] == in.ExpressionAttributeValues[value]["S"] {
				return true
			}
		} else {
			s.t.Errorf("condition %q", term)
		}
	}
	return false
}

// update applies SET path = :v, … or REMOVE path, …
func update(in *request, item map[string]attr) error {
	verb, rest, _ := strings.Cut(in.UpdateExpression, " ")
	for clause := range strings.SplitSeq(rest, ", ") {
		path, value, _ := strings.Cut(clause, " = ")
		name, member, nested := strings.Cut(path, ".")
		if nested {
			m, ok := item[name]["M"].(map[string]any)
			if !ok {
				return fault{"ValidationException", "The document path provided in the update expression is invalid for update"}
			}
			member, ok = in.ExpressionAttributeNames[member]
			switch {
			case !ok:
				return fault{"ValidationException", "An expression attribute name used in the document path is not defined"}
			case verb == "SET":
				m[member] = map[string]any(in.ExpressionAttributeValues[value])
			case verb == "REMOVE":
				delete(m, member)
			}
			continue
		}
		if verb != "SET" {
			return fault{"ValidationException", "unexpected " + clause}
		}
		item[name] = in.ExpressionAttributeValues[value]
	}
	return nil
}

// connected counts the connections in a user's item.
func (s *table) connected(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _ := s.items["user#"+user+" user"]["connections"]["M"].(map[string]any)
	return len(m)
}
