package dynamodb_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func strs(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }
func nums(s ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: s} }

// TestUpdateActions goes through what an update expression can do with numbers, lists and
// sets.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (2026-11)
func TestUpdateActions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := item{"n": number("1.5"), "s": text("x"), "l": list(text("a"), text("b"), text("c"), text("d")), "set": strs("a", "b"), "ns": nums("1"), "m": object(item{"l": list(number("1"))})}
	for name, c := range map[string]struct {
		update string
		values item
		want   item // what is changed; nil is removed
	}{
		"plus":                    {"SET n = n + :v", item{":v": number("2.25")}, item{"n": number("3.75")}},
		"minus":                   {"SET n = :v - n", item{":v": number("1")}, item{"n": number("-0.5")}},
		"plus in parentheses":     {"SET n = (n + :v)", item{":v": number("1e2")}, item{"n": number("101.5")}},
		"a counter that is new":   {"SET c = if_not_exists(c, :zero) + :v", item{":v": number("1"), ":zero": number("0")}, item{"c": number("1")}},
		"a default that is not":   {"SET s = if_not_exists(s, :v)", item{":v": text("y")}, item{}},
		"append":                  {"SET l = list_append(l, :v)", item{":v": list(text("e"))}, item{"l": list(text("a"), text("b"), text("c"), text("d"), text("e"))}},
		"prepend":                 {"SET l = list_append(:v, l)", item{":v": list(text("z"))}, item{"l": list(text("z"), text("a"), text("b"), text("c"), text("d"))}},
		"a list that is new":      {"SET k = list_append(if_not_exists(k, :none), :v)", item{":none": list(), ":v": list(text("a"))}, item{"k": list(text("a"))}},
		"an element":              {"SET l[1] = :v", item{":v": text("B")}, item{"l": list(text("a"), text("B"), text("c"), text("d"))}},
		"past the end":            {"SET l[9] = :v", item{":v": text("e")}, item{"l": list(text("a"), text("b"), text("c"), text("d"), text("e"))}},
		"an element within a map": {"SET m.l[0] = :v", item{":v": number("2")}, item{"m": object(item{"l": list(number("2"))})}},
		"elements are removed by their positions before": {"REMOVE l[0], l[2]", nil, item{"l": list(text("b"), text("d"))}},
		"an element that is not there":                   {"REMOVE l[7]", nil, item{}},
		"add to a number":                                {"ADD n :v", item{":v": number("-0.5")}, item{"n": number("1")}},
		"add to nothing":                                 {"ADD c :v", item{":v": number("2")}, item{"c": number("2")}},
		"add to a set":                                   {"ADD #set :v", item{":v": strs("b", "c")}, item{"set": strs("a", "b", "c")}},
		"add a set":                                      {"ADD fresh :v", item{":v": nums("1", "2")}, item{"fresh": nums("1", "2")}},
		"delete from a set":                              {"DELETE #set :v", item{":v": strs("b", "z")}, item{"set": strs("a")}},
		"delete all of a set":                            {"DELETE ns :v", item{":v": nums("1")}, item{"ns": nil}},
		"delete from nothing":                            {"DELETE absent :v", item{":v": strs("a")}, item{}},
		"all clauses":                                    {"SET s = :s REMOVE m ADD n :v DELETE #set :d", item{":s": text("y"), ":v": number("1"), ":d": strs("a")}, item{"s": text("y"), "m": nil, "n": number("2.5"), "set": strs("b")}},
	} {
		b.put(before)
		want := item{"id": text("a")}
		for name, v := range before {
			want[name] = v
		}
		for name, v := range c.want {
			if want[name] = v; v == nil {
				delete(want, name)
			}
		}
		r := change{update: c.update, values: c.values, returns: types.ReturnValueAllNew}
		if containsName(c.update) {
			r.names = map[string]string{"#set": "set"}
		}
		got, err := b.update(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b.same(name, got, want)
	}
	for want, r := range map[string]change{
		"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: ADD, operand type: STRING":    {update: "ADD n :v", values: item{":v": text("x")}},
		"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: DELETE, operand type: NUMBER": {update: "DELETE n :v", values: item{":v": number("1")}},
		"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S":           {update: "SET n = n + :v", values: item{":v": text("x")}},
		"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: S": {update: "SET l = list_append(l, :v)", values: item{":v": text("x")}},
		"An operand in the update expression has an incorrect data type":                                                                {update: "ADD s :v", values: item{":v": number("1")}},
		"Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists":                  {update: "SET n = if_not_exists(:v, n)", values: item{":v": text("x")}},
		"Number overflow. Attempting to store a number with magnitude larger than supported range":                                      {update: "SET n = :v + :v", values: item{":v": number("9e125")}},
	} {
		b.put(before)
		_, err := b.update(r)
		b.refused(r.update, err, invalid, want)
	}
}

func containsName(expression string) bool {
	for i := range expression {
		if expression[i] == '#' {
			return true
		}
	}
	return false
}

// TestUpdated: UPDATED_OLD and UPDATED_NEW have the attributes that the update names.
func TestUpdated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for returns, want := range map[types.ReturnValue]item{
		types.ReturnValueUpdatedOld: {"n": number("1"), "m": object(item{"a": text("old")}), "gone": text("x")},
		types.ReturnValueUpdatedNew: {"n": number("2"), "m": object(item{"a": text("new")}), "fresh": text("y")},
	} {
		b.put(item{"n": number("1"), "m": object(item{"a": text("old"), "b": text("stays")}), "gone": text("x"), "s": text("stays")})
		got, err := b.update(change{
			update: "SET n = n + :one, m.a = :a, fresh = :y REMOVE gone", values: item{":one": number("1"), ":a": text("new"), ":y": text("y")}, returns: returns,
		})
		if err != nil {
			t.Fatal(err)
		}
		b.same(string(returns), got, want)
	}
}

// TestBatchWrite puts and deletes items of two tables.
func TestBatchWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(i item) types.WriteRequest { return types.WriteRequest{PutRequest: &types.PutRequest{Item: i}} }
	del := func(key item) types.WriteRequest {
		return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
	}
	write := func(requests map[string][]types.WriteRequest) error {
		out, err := b.client.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: requests})
		if err == nil && len(out.UnprocessedItems) > 0 {
			t.Errorf("unprocessed: %v", out.UnprocessedItems)
		}
		return err
	}
	b.put(item{"n": number("1")})
	if err := write(map[string][]types.WriteRequest{
		"things":  {del(item{"id": text("a")}), put(item{"id": text("b"), "n": number("2")})},
		"numbers": {put(item{"id": number("1")})},
	}); err != nil {
		t.Fatal(err)
	}
	if b.thing() != nil || b.service.Counters("things").Items != 1 || b.service.Counters("numbers").Items != 1 {
		t.Errorf("things %+v, numbers %+v", b.service.Counters("things"), b.service.Counters("numbers"))
	}
	many := make([]types.WriteRequest, 26)
	for i := range many {
		many[i] = put(item{"id": text(string(rune('a' + i)))})
	}
	for want, requests := range map[string]map[string][]types.WriteRequest{
		"Provided list of item keys contains duplicates":       {"things": {put(item{"id": text("x")}), del(item{"id": text("x")})}},
		"Too many items requested for the BatchWriteItem call": {"things": many},
		"The provided key element does not match the schema":   {"things": {put(item{"n": number("1")})}, "numbers": {put(item{"id": number("2")})}},
		"1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1": {},
	} {
		err := write(requests)
		b.refused(want, err, invalid, want)
	}
	if n := b.service.Counters("numbers").Items; n != 1 {
		t.Errorf("a refused batch wrote: %d items", n)
	}
}
