package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// tokenKept is how long a repetition of a transaction with the same token does nothing.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (2026-11)
const tokenKept = 10 * time.Minute

// doneTransaction is a completed transaction with a token.
type doneTransaction struct {
	at  time.Time
	sum [sha256.Size]byte // of its operations
}

// reason is why an operation of a transaction was cancelled.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

// member returns the one operation of an element of TransactItems.
func member(element map[string]json.RawMessage) (kind string, raw json.RawMessage, err error) {
	maps.DeleteFunc(element, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	if len(element) != 1 {
		return "", nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	for kind, raw = range element {
	}
	return kind, raw, nil
}

func (in *request) checkTransaction() error {
	switch {
	case in.TransactItems == nil:
		return errMissing("transactItems")
	case len(in.TransactItems) == 0:
		return errTooFew("[]", "transactItems")
	case len(in.TransactItems) > maxTransaction:
		return invalid("1 validation error detected: Value '[...]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", maxTransaction)
	}
	return nil
}

// transactGetItems reads several items at one moment.
func (s *Service) transactGetItems(in *request) (any, error) {
	if err := in.checkTransaction(); err != nil {
		return nil, err
	}
	type get struct {
		in         *request
		projection []path
	}
	var gets []get
	for _, element := range in.TransactItems {
		kind, raw, err := member(element)
		if err != nil {
			return nil, err
		}
		if kind != "Get" {
			return nil, errNotSimulated("the parameter " + kind)
		}
		r, err := decode(raw, []string{"TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"})
		if err != nil {
			return nil, err
		}
		if err := r.require("key", r.Key); err != nil {
			return nil, err
		}
		p, err := r.parse("")
		if err != nil {
			return nil, err
		}
		gets = append(gets, get{r, p.projection})
	}
	now := s.lock()
	defer s.mu.Unlock()
	responses := make([]itemResult, len(gets))
	seen := map[string]bool{}
	for i, g := range gets {
		t, err := s.table(g.in.TableName)
		if err != nil {
			return nil, err
		}
		if err := t.checkKey(g.in.Key); err != nil {
			return nil, err
		}
		id := t.key(g.in.Key)
		if seen[t.Name+" "+id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[t.Name+" "+id] = true
		t.counters.Reads++
		if found := t.get(id, now); found != nil {
			if g.projection != nil {
				found = found.project(g.projection)
			}
			responses[i].Item = found
		}
	}
	return struct{ Responses []itemResult }{responses}, nil
}

// writeTransactionParameters are the parameters of each operation in a transaction.
var writeTransactionParameters = map[string][]string{
	"Put": {"Item"}, "Delete": {"Key"}, "Update": {"Key", "UpdateExpression"}, "ConditionCheck": {"Key"},
}

// transactWriteItems does all writes, or does none and returns the reasons.
func (s *Service) transactWriteItems(in *request) (any, error) {
	if err := in.checkTransaction(); err != nil {
		return nil, err
	}
	var writes []*write
	for _, element := range in.TransactItems {
		kind, raw, err := member(element)
		if err != nil {
			return nil, err
		}
		own, known := writeTransactionParameters[kind]
		if !known {
			return nil, errNotSimulated("the parameter " + kind)
		}
		r, err := decode(raw, append([]string{
			"TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure",
		}, own...))
		if err != nil {
			return nil, err
		}
		w, err := writers[kind](r)
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
	}
	now := s.lock()
	defer s.mu.Unlock()
	done, err := s.repeated(in, now)
	if done || err != nil {
		return struct{}{}, err
	}
	ids := make([]string, len(writes))
	tables := make([]*table, len(writes))
	seen := map[string]bool{}
	for i, w := range writes {
		if tables[i], err = s.table(w.in.TableName); err != nil {
			return nil, err
		}
		if err := w.check(tables[i], w.key); err != nil {
			return nil, err
		}
		ids[i] = tables[i].key(w.key)
		if seen[tables[i].Name+" "+ids[i]] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[tables[i].Name+" "+ids[i]] = true
	}
	reasons := make([]reason, len(writes))
	changes := make([]item, len(writes))
	failed := false
	for i, w := range writes {
		reasons[i].Code = "None"
		if changes[i], err = w.next(tables[i], tables[i].get(ids[i], now)); err != nil {
			reasons[i], failed = reasonOf(err), true
		}
	}
	if failed {
		return nil, errCancelled(reasons)
	}
	for i := range writes {
		tables[i].store(ids[i], changes[i])
	}
	if in.ClientRequestToken != "" {
		s.transactions[in.ClientRequestToken] = doneTransaction{now, in.sum()}
	}
	return struct{}{}, nil
}

// repeated reports whether a transaction with this token is already done.
func (s *Service) repeated(in *request, now time.Time) (bool, error) {
	maps.DeleteFunc(s.transactions, func(_ string, d doneTransaction) bool { return now.Sub(d.at) > tokenKept })
	d, ok := s.transactions[in.ClientRequestToken]
	if !ok {
		return false, nil
	}
	if d.sum != in.sum() {
		return false, failure(modelNamespace+"IdempotentParameterMismatchException", "Client attempted to use idempotency token with different parameters")
	}
	return true, nil
}

// sum returns a hash of the transaction's operations. The order of attributes, which an SDK
// may change with each request, does not matter. Source: LocalStack's captures of AWS,
// 2026-03.
func (in *request) sum() [sha256.Size]byte {
	data, err := json.Marshal(in.TransactItems)
	var operations any
	if err == nil {
		err = json.Unmarshal(data, &operations)
	}
	if err == nil {
		data, err = json.Marshal(operations) // with sorted names
	}
	if err != nil {
		panic("dynamodb: " + err.Error()) // it was decoded from JSON
	}
	return sha256.Sum256(data)
}

func reasonOf(err error) reason {
	var e *Error
	if !errors.As(err, &e) {
		return reason{Code: "InternalServerError", Message: err.Error()}
	}
	if strings.HasSuffix(e.Type, "#ConditionalCheckFailedException") {
		return reason{"ConditionalCheckFailed", e.Message, e.item}
	}
	return reason{Code: "ValidationError", Message: e.Message}
}

func errCancelled(reasons []reason) *Error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	e := failure(modelNamespace+"TransactionCanceledException", "%s",
		fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")))
	e.reasons = reasons
	return e
}
