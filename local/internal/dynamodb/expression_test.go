package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestConditions evaluates conditions on one item, and on none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html (2026-11)
func TestConditions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing := item{
		"n": number("2"), "m": number("2.0"), "ten": number("10"), "s": text("b"), "big": text("B"), "bytes": &types.AttributeValueMemberB{Value: []byte{200}},
		"yes": &types.AttributeValueMemberBOOL{Value: true}, "map1": object(item{"x": number("1"), "y.z": text("dot")}), "map2": object(item{"y.z": text("dot"), "x": number("1")}),
		"list1": list(number("1"), text("a")), "set1": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "and_": text("x"),
	}
	names := map[string]string{"#and": "and_", "#yz": "y.z", "#1": "map1", "#_": "n"}
	values := item{
		":two": number("2e0"), ":ten": number("10"), ":b": text("b"), ":c": text("c"), ":bytes": &types.AttributeValueMemberB{Value: []byte{100}}, ":2s": text("2"),
		":set": &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, ":list": list(number("1.0"), text("a")), ":map": object(item{"x": number("1"), "y.z": text("dot")}),
		":yes": &types.AttributeValueMemberBOOL{Value: true}, ":x": text("x"), ":empty": object(item{}), ":L": text("L"),
	}
	used := func(expression string) (map[string]string, item) {
		n, v := map[string]string{}, item{}
		for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" \t\r\n()=<>,.[]", r) }) {
			if name, ok := names[word]; ok {
				n[word] = name
			}
			if value, ok := values[word]; ok {
				v[word] = value
			}
		}
		if len(n) == 0 {
			n = nil
		}
		if len(v) == 0 {
			v = nil
		}
		return n, v
	}
	for expression, want := range map[string]struct{ item, none bool }{
		"attribute_exists(n)":                {true, false},
		"attribute_not_exists(n)":            {false, true},
		"attribute_exists(map1.x)":           {true, false},
		"attribute_exists(map1.x.deeper)":    {false, false},
		"attribute_exists(n.x)":              {false, false},
		"attribute_exists(#1.#yz)":           {true, false},
		"attribute_exists((n))":              {true, false},
		"attribute_not_exists(PK) OR s = :b": {true, true},
		"n = :two":                           {true, false},
		":two = n":                           {true, false},
		"#_ = :two":                          {true, false},
		"n = m":                              {true, false},
		"n = :2s":                            {false, false},
		"n <> :2s":                           {true, true},
		"n <> :two":                          {false, true},
		"absent = gone":                      {false, false},
		"absent <> gone":                     {true, true},
		"n < :ten":                           {true, false},
		"ten > n":                            {true, false},
		"n<=m":                               {true, false},
		"n >= ten":                           {false, false},
		"n > :2s":                            {false, false},
		"s < :c":                             {true, false},
		"big < s":                            {true, false},
		"bytes > :bytes":                     {true, false},
		"absent < :ten":                      {false, false},
		"yes = :yes":                         {true, false},
		"yes < n":                            {false, false},
		"map1 = map2":                        {true, false},
		"map1 = :map":                        {true, false},
		"map1 = :empty":                      {false, false},
		"list1 = :list":                      {true, false},
		"set1 = :set":                        {true, false},
		"NOT n = :two":                       {false, true},
		"not NOT n = :two":                   {true, false},
		"n = :ten AND n = :ten OR s = :b":    {true, false}, // AND first
		"n = :ten AND (n = :ten OR s = :b)":  {false, false},
		"s = :b OR n = :ten AND n = :ten":    {true, false},
		"NOT n = :two AND s = :c":            {false, false}, // NOT first
		"NOT (n = :two AND s = :c)":          {true, true},
		"(n) = (:two)":                       {true, false},
		"(n = :two) and (s = :b Or attribute_exists(x))": {true, false},
		"#and = :x":     {true, false},
		"\tn\n=\r:two ": {true, false},
		"attribute_exists(n) AND NOT attribute_exists(absent)":   {true, false},
		"attribute_exists(absent) OR attribute_not_exists(gone)": {true, true},
		"n BETWEEN :two AND :ten":                                {true, false},
		"ten between n and m":                                    {false, false},
		"n BETWEEN :two AND :ten AND s = :b":                     {true, false},
		"s IN (:x, :b)":                                          {true, false},
		"s in (:x, absent)":                                      {false, false},
		"NOT s IN (:x)":                                          {true, true},
		"begins_with(and_, :x)":                                  {true, false},
		"begins_with(n, :x)":                                     {false, false},
		"contains(set1, :b)":                                     {true, false},
		"contains(list1, :two)":                                  {false, false},
		"contains(s, :b)":                                        {true, false},
		"size(list1) = :two":                                     {true, false},
		"size(set1) < :ten AND size(s) < :two":                   {true, false},
		"size(n) = :two":                                         {false, false}, // a number has none
		"size(absent) = :two":                                    {false, false},
		"attribute_type(list1, :L)":                              {true, false},
		"attribute_type(n, :L)":                                  {false, false},
		"list1[0] < :two":                                        {true, false},
		"list1[2] = :two":                                        {false, false},
		"attribute_exists(list1[1])":                             {true, false},
		"attribute_exists(s[0])":                                 {false, false},
	} {
		for _, there := range []bool{true, false} {
			if there {
				b.put(thing)
			} else if _, err := b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}}); err != nil {
				t.Fatal(err)
			}
			n, v := used(expression)
			_, err := b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{
				TableName: aws.String("things"), Key: item{"id": text("a")}, ConditionExpression: &expression, ExpressionAttributeNames: n, ExpressionAttributeValues: v,
			})
			holds := want.none
			if there {
				holds = want.item
			}
			var failed *types.ConditionalCheckFailedException
			if err != nil && !errors.As(err, &failed) || (err == nil) != holds {
				t.Errorf("%s, item %t: got %v, want %t", expression, there, err, holds)
			}
		}
	}
}

func TestConditionErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for expression, want := range map[string]string{
		"n":                          `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "n"`,
		"n = ":                       `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "= "`,
		"n = m x":                    `Invalid ConditionExpression: Syntax error; token: "x", near: "m x"`,
		"n == m":                     `Invalid ConditionExpression: Syntax error; token: "=", near: "== m"`,
		"n = m AND":                  `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "AND"`,
		"n AND m = s":                `Invalid ConditionExpression: Syntax error; token: "AND", near: "n AND m"`,
		"AND = n":                    `Invalid ConditionExpression: Syntax error; token: "AND", near: "AND ="`,
		"(n = m":                     `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "m"`,
		"n = m)":                     `Invalid ConditionExpression: Syntax error; token: ")", near: "m)"`,
		"n. = m":                     `Invalid ConditionExpression: Syntax error; token: "=", near: ". = m"`,
		"_n = m":                     `Invalid ConditionExpression: Syntax error; token: "_", near: "_n"`,
		"1n = m":                     `Invalid ConditionExpression: Syntax error; token: "1", near: "1n"`,
		"n = é":                      `Invalid ConditionExpression: Syntax error; token: "é", near: "= é"`,
		"# = n":                      `Invalid ConditionExpression: Syntax error; token: "#", near: "# ="`,
		"NOT n":                      `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "n"`,
		"((n = m))":                  `Invalid ConditionExpression: The expression has redundant parentheses;`,
		"((n)) = m":                  `Invalid ConditionExpression: The expression has redundant parentheses;`,
		"n.a = n.a":                  `Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n, a]`,
		"Status = n":                 `Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: Status`,
		"n.ttl = m":                  `Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: ttl`,
		"n = :v":                     `Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v`,
		"n.#x = m":                   `Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #x`,
		"exists(n)":                  `Invalid ConditionExpression: Invalid function name; function: exists`,
		"Attribute_exists(n)":        `Invalid ConditionExpression: Invalid function name; function: Attribute_exists`,
		"attribute_exists(n, m)":     `Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2`,
		"attribute_exists()":         `Invalid ConditionExpression: Syntax error; token: ")", near: "()"`,
		"attribute_exists(n":         `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "n"`,
		"begins_with(n)":             `Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1`,
		"size(n)":                    `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ")"`,
		"attribute_type(n, m)":       `Invalid ConditionExpression: Invalid attribute type name found; type: , valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}`,
		"n IN ()":                    `Invalid ConditionExpression: Syntax error; token: ")", near: "()"`,
		"n BETWEEN m":                `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "m"`,
		"n[] = m":                    `Invalid ConditionExpression: Syntax error; token: "]", near: "[] ="`,
		"n[x] = m":                   `Invalid ConditionExpression: Syntax error; token: "x", near: "[x]"`,
		"attribute_exists(n) = m":    `Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: attribute_exists`,
		"if_not_exists(n, m) = s":    `Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: if_not_exists`,
		"  ":                         `Invalid ConditionExpression: The expression can not be empty;`,
		strings.Repeat("n", 4<<10+1): `Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097`,
	} {
		_, err := b.update(change{condition: expression})
		b.refused(expression, err, invalid, want)
	}
	if got := b.thing(); got != nil {
		t.Errorf("a refused update wrote %v", got)
	}
	for name, c := range map[string]struct {
		change
		want string
	}{
		"an unused name": {change{condition: "n = m", names: map[string]string{"#b": "b", "#a": "a"}},
			"Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"},
		"an unused value": {change{condition: "n = :a", values: item{":b": text("b"), ":a": text("a")}},
			"Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
		"no expressions for names":  {change{names: map[string]string{"#b": "b"}}, "ExpressionAttributeNames can only be specified when using expressions"},
		"no expressions for values": {change{values: item{":b": text("b")}}, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
		"no names":                  {change{condition: "n = m", names: map[string]string{}}, "ExpressionAttributeNames must not be empty"},
		"no values":                 {change{condition: "n = m", values: item{}}, "ExpressionAttributeValues must not be empty"},
		"a name without its mark":   {change{condition: "n = m", names: map[string]string{"b": "b"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "b"`},
		"a name of two words":       {change{condition: "n = m", names: map[string]string{"#a-b": "b"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		"a value's mark alone":      {change{condition: "n = m", values: item{":": text("b")}}, `ExpressionAttributeValues contains invalid key: Syntax error; key: ":"`},
		"an order of booleans": {change{condition: "n < :yes", values: item{":yes": &types.AttributeValueMemberBOOL{Value: true}}},
			"Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
		"a function of a value": {change{condition: "attribute_exists(:b)", values: item{":b": text("b")}},
			"Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists"},
	} {
		_, err := b.update(c.change)
		b.refused(name, err, invalid, c.want)
	}
}

// TestUpdates holds what becomes of an item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (2026-11)
func TestUpdates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := item{"n": number("1"), "s": text("x"), "m": object(item{"a": number("1"), "b": object(item{"c": number("2")})})}
	for expression, want := range map[string]item{
		"SET n = :v":                    {"n": text("v"), "s": text("x"), "m": before["m"]},
		"set fresh = :v, #dot = (n)":    {"n": number("1"), "s": text("x"), "m": before["m"], "fresh": text("v"), "a.b": number("1")},
		"SET n = s, s = n":              {"n": text("x"), "s": number("1"), "m": before["m"]}, // both as they were
		"SET m.a = :v, m.b.d = m.b.c":   {"n": number("1"), "s": text("x"), "m": object(item{"a": text("v"), "b": object(item{"c": number("2"), "d": number("2")})})},
		"SET m.#dot = id":               {"n": number("1"), "s": text("x"), "m": object(item{"a": number("1"), "a.b": text("a"), "b": object(item{"c": number("2")})})},
		"REMOVE n, absent, m.a, m.gone": {"s": text("x"), "m": object(item{"b": object(item{"c": number("2")})})},
		"REMOVE m.b.c SET m.a = n":      {"n": number("1"), "s": text("x"), "m": object(item{"a": number("1"), "b": object(item{})})},
		"SET m.a = n REMOVE n, s":       {"m": object(item{"a": number("1"), "b": object(item{"c": number("2")})})},
	} {
		r := change{update: expression, returns: types.ReturnValueAllNew}
		if strings.Contains(expression, "#dot") {
			r.names = map[string]string{"#dot": "a.b"}
		}
		if strings.Contains(expression, ":v") {
			r.values = item{":v": text("v")}
		}
		want["id"] = text("a")
		b.put(before)
		got, err := b.update(r)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		b.same(expression+" returns", got, want)
		b.same(expression, b.thing(), want)
		b.put(before)
		r.returns = types.ReturnValueAllOld
		if got, err = b.update(r); err != nil {
			t.Fatal(err)
		}
		b.same(expression+" returns of before", got, item{"id": text("a"), "n": before["n"], "s": before["s"], "m": before["m"]})
		r.returns = types.ReturnValueNone
		if got, err = b.update(r); err == nil && got != nil { // some cannot be repeated
			t.Errorf("%s returns %v, asked for nothing", expression, got)
		}
	}
}

func TestUpdatesOfNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reset := func() {
		t.Helper()
		if _, err := b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}}); err != nil {
			t.Fatal(err)
		}
	}
	for expression, want := range map[string]item{
		"":                    {"id": text("a")},
		"SET x = :v":          {"id": text("a"), "x": text("v")},
		"SET x = :v REMOVE y": {"id": text("a"), "x": text("v")},
		"REMOVE x, y.z":       nil, // does not make an item
	} {
		reset()
		r := change{update: expression, returns: types.ReturnValueAllNew}
		if strings.Contains(expression, ":v") {
			r.values = item{":v": text("v")}
		}
		got, err := b.update(r)
		if err != nil {
			t.Errorf("%q: %v", expression, err)
		}
		b.same(expression, got, want)
		b.same(expression, b.thing(), want)
		reset()
		r.returns = types.ReturnValueAllOld
		if got, err := b.update(r); err != nil || got != nil {
			t.Errorf("%q: returned %v, %v of what was not there", expression, got, err)
		}
	}
}

func TestUpdateErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := item{"n": number("1"), "s": text("x"), "m": object(item{"a": number("1")})}
	b.put(before)
	const badPath = "The document path provided in the update expression is invalid for update"
	for expression, want := range map[string]string{
		"n = m":                     `Invalid UpdateExpression: Syntax error; token: "n", near: "n ="`,
		"SET":                       `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"`,
		"SET n":                     `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "n"`,
		"SET n = m,":                `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: ","`,
		"SET n = m s":               `Invalid UpdateExpression: Syntax error; token: "s", near: "m s"`,
		"SET n = (m":                `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "m"`,
		"SET set = m":               `Invalid UpdateExpression: Syntax error; token: "set", near: "SET set ="`,
		"REMOVE n = m":              `Invalid UpdateExpression: Syntax error; token: "=", near: "n = m"`,
		"SET n = s SET s = n":       `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`,
		"SET n = s REMOVE n":        `Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]`,
		"SET m = n, m.a = s":        `Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, a]`,
		"SET name = s":              `Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name`,
		"SET n = exists(s)":         `Invalid UpdateExpression: Invalid function name; function: exists`,
		"SET n = size(s)":           `Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: size`,
		"SET n = n + s":             "An operand in the update expression has an incorrect data type",
		"SET n = list_append(n, s)": "An operand in the update expression has an incorrect data type",
		"SET n = if_not_exists(n)":  `Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1`,
		"ADD n s":                   `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "s"`,
		"SET n[0] = s":              badPath,
		"SET n = absent":            "The provided expression refers to an attribute that does not exist in the item",
		"SET fresh = n, n = fresh":  "The provided expression refers to an attribute that does not exist in the item",
		"SET n.a = s":               badPath,
		"SET absent.a = s":          badPath,
		"SET m.b.c = s":             badPath,
		"REMOVE s.a":                badPath,
		"REMOVE absent.a":           badPath,
		"SET id = s":                "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
		"REMOVE id":                 "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
		" ":                         "Invalid UpdateExpression: The expression can not be empty;",
	} {
		_, err := b.update(change{update: expression})
		b.refused(expression, err, invalid, want)
	}
	_, err := b.client.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}, AttributeUpdates: map[string]types.AttributeValueUpdate{"n": {}}})
	b.refused("AttributeUpdates", err, invalid, "hearth does not simulate the parameter AttributeUpdates"+wayOut)
	before["id"] = text("a")
	b.same("after refused updates", b.thing(), before)
}

func TestReturnValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(item{"n": number("1")})
	_, err := b.update(change{returns: "SOME"})
	b.refused("an update", err, invalid, "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]")
	_, err = b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text("a")}, ReturnValues: types.ReturnValueAllNew})
	b.refused("a put", err, invalid, "ReturnValues can only be ALL_OLD or NONE")

	put := func(returns types.ReturnValuesOnConditionCheckFailure) error {
		_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{
			TableName: aws.String("things"), Item: item{"id": text("a")}, ConditionExpression: aws.String("n = :n"), ExpressionAttributeValues: item{":n": number("2")},
			ReturnValuesOnConditionCheckFailure: returns,
		})
		return err
	}
	b.refused("a put", put("SOME"), invalid, "1 validation error detected: Value 'SOME' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]")
	old := item{"id": text("a"), "n": number("1")}
	for returns, want := range map[types.ReturnValuesOnConditionCheckFailure]item{"": nil, "NONE": nil, "ALL_OLD": old} {
		err := put(returns)
		b.refused("a put whose condition does not hold", err, "ConditionalCheckFailedException", "The conditional request failed")
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			b.same(fmt.Sprintf("the item of a failure with %q", returns), failed.Item, want)
		}
	}
	if got := b.service.Counters("things"); got.Unmet != 3 || got.Writes != 1 {
		t.Errorf("counters %+v, want 3 unmet and 1 write", got)
	}
	b.same("after failures", b.thing(), old)
}
