package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/dynamodb"

	"github.com/lambdahearth/hearth/internal/within"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
func object(i item) types.AttributeValue   { return &types.AttributeValueMemberM{Value: i} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}

// noon is when tests begin.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// The tables of a bench: one of the registry's schema, one with a partition key
// alone, and two with keys of the other types.
var definitions = []dynamodb.Definition{
	{Name: "presence", ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/presence", Keys: []dynamodb.Key{{Name: "PK", Type: "S"}, {Name: "SK", Type: "S"}}, TimeToLive: "expiresAt"},
	{Name: "things", Keys: []dynamodb.Key{{Name: "id", Type: "S"}}},
	{Name: "numbers", Keys: []dynamodb.Key{{Name: "id", Type: "N"}}},
	{Name: "bytes", Keys: []dynamodb.Key{{Name: "id", Type: "B"}, {Name: "at", Type: "N"}}},
}

// bench is a service with the AWS SDK in front of it.
type bench struct {
	*testing.T
	service *dynamodb.Service
	clock   *clock.Manual
	url     string
	client  *sdk.Client
}

func setup(t *testing.T) *bench {
	t.Helper()
	return setupAt(t, noon)
}

func setupAt(t *testing.T, start time.Time) *bench {
	t.Helper()
	b := &bench{T: t, clock: clock.NewManual(start)}
	b.service = dynamodb.New(b.clock)
	if err := b.service.Define(definitions); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.service)
	t.Cleanup(server.Close)
	b.url = server.URL
	b.client = sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	return b
}

// change is an update of the thing "a".
type change struct {
	update, condition string
	names             map[string]string
	values            item
	returns           types.ReturnValue
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// update makes a change and returns what it returns.
func (b *bench) update(r change) (item, error) {
	b.Helper()
	out, err := b.client.UpdateItem(b.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"id": text("a")}, UpdateExpression: optional(r.update), ConditionExpression: optional(r.condition),
		ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values, ReturnValues: r.returns,
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// put makes the thing "a" have these attributes.
func (b *bench) put(attributes item) {
	b.Helper()
	whole := item{"id": text("a")}
	for name, v := range attributes {
		whole[name] = v
	}
	if _, err := b.client.PutItem(b.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: whole}); err != nil {
		b.Fatal(err)
	}
}

// thing returns the thing "a".
func (b *bench) thing() item {
	b.Helper()
	out, err := b.client.GetItem(b.Context(), &sdk.GetItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		b.Fatal(err)
	}
	return out.Item
}

// same compares what the SDK returned; its types have fields that do not matter.
func (b *bench) same(what string, got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{},
	)); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// refused checks an error of the API: its code and its whole message.
func (b *bench) refused(what string, err error, code, message string) {
	b.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		b.Errorf("%s:\n got %v\nwant %s: %s", what, err, code, message)
	}
}

const (
	invalid = "ValidationException"
	wayOut  = "; set AWS_ENDPOINT_URL_DYNAMODB in .env to lead the program to another one, such as DynamoDB Local"
)

func TestItems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.thing(); got != nil {
		t.Errorf("an item that is not there: %v", got)
	}
	whole := item{
		"id": text("a"), "empty": text(""), "number": number("-12.50"), "bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"yes": &types.AttributeValueMemberBOOL{Value: true}, "no": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"list": list(text("x"), list([]types.AttributeValue{}...), object(item{})), "map": object(item{"b": object(item{"c": number("1")})}),
		"texts": &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "numbers": &types.AttributeValueMemberNS{Value: []string{"1", "2e1"}},
		"blobs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {}}},
	}
	put := &sdk.PutItemInput{TableName: aws.String("things"), Item: whole, ReturnValues: types.ReturnValueAllOld}
	out, err := b.client.PutItem(t.Context(), put)
	if err != nil || out.Attributes != nil {
		t.Fatalf("a first put: %v, %v", out, err)
	}
	whole["number"], whole["numbers"] = number("-12.5"), &types.AttributeValueMemberNS{Value: []string{"1", "20"}}
	b.same("what was put", b.thing(), whole)
	if out, err = b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text("a")}, ReturnValues: types.ReturnValueAllOld}); err != nil {
		t.Fatal(err)
	}
	b.same("what a put returns", out.Attributes, whole)
	b.same("what a put replaced", b.thing(), item{"id": text("a")})
	remove := &sdk.DeleteItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}, ReturnValues: types.ReturnValueAllOld}
	for _, want := range []item{{"id": text("a")}, nil} { // the second finds nothing
		deleted, err := b.client.DeleteItem(t.Context(), remove)
		if err != nil {
			t.Fatal(err)
		}
		b.same("what a deletion returns", deleted.Attributes, want)
	}
	if got := b.thing(); got != nil {
		t.Errorf("an item that was deleted: %v", got)
	}
	if got, want := b.service.Counters("things"), (dynamodb.Counters{Reads: 4, Writes: 4}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}

// TestNumbers holds how a number comes back, or what is wrong with it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (2026-11)
func TestNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for given, want := range map[string]string{
		"0": "0", "-0": "0", "00.10": "0.1", "+5": "5", "1e3": "1000", "12E-1": "1.2", ".5": "0.5", "5.": "5", "-1200": "-1200", "0.00123": "0.00123",
		"1e125": "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1", strings.Repeat("9", 38): strings.Repeat("9", 38),
		"1" + strings.Repeat("0", 60): "1" + strings.Repeat("0", 60),
	} {
		b.put(item{"n": number(given)})
		b.same(given, b.thing()["n"], number(want))
	}
	for given, want := range map[string]string{
		"":                      "The parameter cannot be converted to a numeric value",
		"abc":                   "The parameter cannot be converted to a numeric value: abc",
		"1_000":                 "The parameter cannot be converted to a numeric value: 1_000",
		"--1":                   "The parameter cannot be converted to a numeric value: --1",
		".":                     "The parameter cannot be converted to a numeric value: .",
		"0x10":                  "The parameter cannot be converted to a numeric value: 0x10",
		"1e126":                 "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"1e-131":                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		strings.Repeat("9", 39): "Attempting to store more than 38 significant digits in a Number",
	} {
		_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text("a"), "n": number(given)}})
		b.refused(given, err, invalid, want)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const mismatch = "The provided key element does not match the schema"
	for what, c := range map[string]struct {
		table     string
		key       item
		get, puts string // the errors of a read and of a put
	}{
		"both":            {"presence", item{"PK": text("a"), "SK": text("b")}, "", ""},
		"by ARN":          {"arn:aws:dynamodb:us-east-1:000000000000:table/presence", item{"PK": text("a"), "SK": text("b")}, "", ""},
		"without sort":    {"presence", item{"PK": text("a")}, mismatch, "One or more parameter values were invalid: Missing the key SK in the item"},
		"too many":        {"things", item{"id": text("a"), "x": text("b")}, mismatch, ""},
		"another type":    {"things", item{"id": number("1")}, mismatch, "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N"},
		"another name":    {"things", item{"name": text("a")}, mismatch, "One or more parameter values were invalid: Missing the key id in the item"},
		"empty":           {"things", item{"id": text("")}, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id", "same"},
		"empty bytes":     {"bytes", item{"id": &types.AttributeValueMemberB{Value: []byte{}}, "at": number("1")}, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: id", "same"},
		"bytes":           {"bytes", item{"id": &types.AttributeValueMemberB{Value: []byte{0}}, "at": number("1")}, "", ""},
		"number":          {"numbers", item{"id": number("1")}, "", ""},
		"longest":         {"presence", item{"PK": text(strings.Repeat("é", 1024)), "SK": text(strings.Repeat("a", 1024))}, "", ""},
		"long partition":  {"presence", item{"PK": text(strings.Repeat("a", 2049)), "SK": text("b")}, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes", "same"},
		"long sort":       {"presence", item{"PK": text("a"), "SK": text(strings.Repeat("a", 1025))}, "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes", "same"},
		"a key of no use": {"things", item{"id": list()}, mismatch, "One or more parameter values were invalid: Type mismatch for key id expected: S actual: L"},
	} {
		check := func(op string, err error, want string) {
			t.Helper()
			if want == "same" {
				want = c.get
			}
			if want != "" {
				b.refused(what+": "+op, err, invalid, want)
			} else if err != nil {
				t.Errorf("%s: %s: %v", what, op, err)
			}
		}
		_, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: &c.table, Key: c.key})
		check("GetItem", err, c.get)
		_, err = b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: &c.table, Key: c.key})
		check("DeleteItem", err, c.get)
		_, err = b.client.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: &c.table, Key: c.key})
		check("UpdateItem", err, c.get)
		_, err = b.client.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{c.table: {Keys: []item{c.key}}}})
		check("BatchGetItem", err, c.get)
		_, err = b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &c.table, Item: c.key})
		check("PutItem", err, c.puts)
	}
	// Keys that are equal numbers are the same key, and the parts of a key do not run
	// into each other.
	for _, id := range []string{"10", "1e1", "10.0"} {
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("numbers"), Item: item{"id": number(id)}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.service.Counters("numbers").Items; n != 2 { // 1 and 10
		t.Errorf("%d numbers, want 2", n)
	}
	before := b.service.Counters("presence").Items
	for _, key := range []item{{"PK": text("1:a"), "SK": text("b")}, {"PK": text("1"), "SK": text(":ab")}, {"PK": text("1:"), "SK": text("ab")}} {
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("presence"), Item: key}); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.service.Counters("presence").Items - before; n != 3 {
		t.Errorf("%d more items, want 3", n)
	}
}

func TestUnknownTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"nothing", "arn:aws:dynamodb:us-east-1:000000000000:table/nothing", "arn:aws:dynamodb:eu-west-1:000000000000:table/presence", "x/presence"} {
		want := "Requested resource not found: Table: " + name + " not found: the tables here are those of the app's template; set AWS_ENDPOINT_URL_DYNAMODB in .env to lead the program to another one, such as DynamoDB Local"
		_, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: &name, Key: item{"id": text("a")}})
		b.refused(name, err, "ResourceNotFoundException", want)
		_, err = b.client.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{name: {Keys: []item{{"id": text("a")}}}}})
		b.refused(name, err, "ResourceNotFoundException", want)
		_, err = b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: &name, Key: item{"id": text("a")}})
		b.refused(name, err, "ResourceNotFoundException", want)
		var missing *types.ResourceNotFoundException
		if !errors.As(err, &missing) {
			t.Errorf("%s: the SDK does not know %v", name, err)
		}
	}
	b.service.Delete("things")
	if _, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}}); err == nil {
		t.Error("a deleted table answers")
	}
	if got := b.service.Counters("things"); got != (dynamodb.Counters{}) {
		t.Errorf("counters of no table: %+v", got)
	}
}

func TestBatchGetItem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var keys []item
	for i := range 101 {
		keys = append(keys, item{"id": text(fmt.Sprint(i))})
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text(fmt.Sprint(i)), "n": number("1"), "m": object(item{"a": number("2"), "b": number("3")})}}); err != nil {
			t.Fatal(err)
		}
	}
	keys[1] = item{"id": text("missing")}
	get := func(tables map[string]types.KeysAndAttributes) (*sdk.BatchGetItemOutput, error) {
		return b.client.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: tables})
	}
	out, err := get(map[string]types.KeysAndAttributes{
		"things":  {Keys: keys[:99], ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("id, m.#a, absent"), ExpressionAttributeNames: map[string]string{"#a": "a"}},
		"numbers": {Keys: []item{{"id": number("1")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Responses["things"]) != 98 || len(out.UnprocessedKeys) != 0 {
		t.Errorf("%d items and %d unprocessed, want 98 and none", len(out.Responses["things"]), len(out.UnprocessedKeys))
	}
	b.same("a projected item", out.Responses["things"][0], item{"id": text("0"), "m": object(item{"a": number("2")})})
	if found, ok := out.Responses["numbers"]; !ok || len(found) != 0 {
		t.Errorf("a table of which nothing was found: %v, %t", found, ok)
	}
	if got := b.service.Counters("things"); got.Reads != 99 || got.Items != 101 {
		t.Errorf("counters %+v", got)
	}
	for want, tables := range map[string]map[string]types.KeysAndAttributes{
		"Too many items requested for the BatchGetItem call": {"things": {Keys: keys[:100]}, "numbers": {Keys: []item{{"id": number("1")}}}},
		"Provided list of item keys contains duplicates":     {"things": {Keys: append([]item{keys[3]}, keys[2:4]...)}},
		"1 validation error detected: Value '[]' at 'requestItems.things.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1": {"things": {Keys: []item{}}},
		"1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1":                    {},
		"hearth does not simulate the parameter AttributesToGet" + wayOut:                                                                                               {"things": {Keys: keys[:1], AttributesToGet: []string{"n"}}},
		"Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: Name":                                                                    {"things": {Keys: keys[:1], ProjectionExpression: aws.String("Name")}},
		"ExpressionAttributeNames can only be specified when using expressions":                                                                                         {"things": {Keys: keys[:1], ExpressionAttributeNames: map[string]string{"#a": "a"}}},
	} {
		_, err := get(tables)
		b.refused(want, err, invalid, want)
	}
}

func TestProjection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(item{"n": number("1"), "m": object(item{"a": object(item{"x": number("2"), "y": number("3")}), "b": number("4")}), "l": list(object(item{"x": text("first"), "y": text("no")}), text("second"), text("third"))})
	for expression, want := range map[string]item{
		"id, m.a.x, m.a.y": {"id": text("a"), "m": object(item{"a": object(item{"x": number("2"), "y": number("3")})})},
		"n":                {"n": number("1")},
		"m.b, n.x, m.c":    {"m": object(item{"b": number("4")})},
		"absent":           {},
		"l[2], l[0].x":     {"l": list(object(item{"x": text("first")}), text("third"))},
		"l[7]":             {},
	} {
		out, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}, ProjectionExpression: &expression})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		b.same(expression, out.Item, want)
	}
	for expression, want := range map[string]string{
		"n, m.a, m": "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m]",
		"n m":       `Invalid ProjectionExpression: Syntax error; token: "m", near: "n m"`,
		"n,":        `Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","`,
		" ":         "Invalid ProjectionExpression: The expression can not be empty;",
	} {
		_, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("things"), Key: item{"id": text("a")}, ProjectionExpression: &expression})
		b.refused(expression, err, invalid, want)
	}
}

// TestSizes puts items at the limits.
func TestSizes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// 400 KB: "id" and "a", the name "x", and the rest.
	const rest = 400<<10 - 3 - 1
	put := func(v types.AttributeValue) error {
		_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text("a"), "x": v}})
		return err
	}
	fill := func(n int) string { return strings.Repeat("a", n) }
	for what, size := range map[string]func(n int) types.AttributeValue{
		"a text":         func(n int) types.AttributeValue { return text(fill(n)) },
		"a binary":       func(n int) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(fill(n))} },
		"a list":         func(n int) types.AttributeValue { return list(text(fill(n - 3 - 1))) },
		"a map":          func(n int) types.AttributeValue { return object(item{"y": text(fill(n - 3 - 1 - 1))}) },
		"a set of texts": func(n int) types.AttributeValue { return &types.AttributeValueMemberSS{Value: []string{fill(n)}} },
		"a list of kinds": func(n int) types.AttributeValue {
			return list(number("-1234.50"), &types.AttributeValueMemberBOOL{}, &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberNS{Value: []string{"100", "0"}}, text(fill(n-3-(4+1+1+3)-5)))
		},
	} {
		if err := put(size(rest)); err != nil {
			t.Errorf("%s of 400 KB: %v", what, err)
		}
		b.refused(what, put(size(rest+1)), invalid, "Item size has exceeded the maximum allowed size")
	}
	if err := put(text(fill(rest))); err != nil {
		t.Fatal(err)
	}
	_, err := b.update(change{update: "SET y = :y", values: item{":y": text("")}})
	b.refused("an update", err, invalid, "Item size to update has exceeded the maximum allowed size")
	if _, err := b.update(change{update: "SET x = :x", values: item{":x": text("")}}); err != nil {
		t.Errorf("an update to less: %v", err)
	}
	deep := text("x")
	for range 32 {
		deep = list(deep)
	}
	if err := put(deep); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	b.refused("33 levels", put(object(item{"m": deep})), invalid, "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
}

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(id string, expiry types.AttributeValue) {
		t.Helper()
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("presence"), Item: item{"PK": text(id), "SK": text("x"), "expiresAt": expiry}}); err != nil {
			t.Fatal(err)
		}
	}
	in := func(d time.Duration) types.AttributeValue { return number(fmt.Sprint(b.clock.Now().Add(d).Unix())) }
	put("short", in(time.Minute))
	put("long", in(time.Hour))
	put("a text", text(fmt.Sprint(noon.Unix())))
	put("ancient", in(-5*365*24*time.Hour-time.Minute))
	get := func(id string) bool {
		t.Helper()
		out, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("presence"), Key: item{"PK": text(id), "SK": text("x")}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Item != nil
	}
	b.clock.Advance(time.Minute) // to the second: it has not passed
	if !get("short") {
		t.Error("an item expired early")
	}
	b.clock.Advance(time.Second)
	out, err := b.client.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("presence"), Key: item{"PK": text("short"), "SK": text("x")}, UpdateExpression: aws.String("SET expiresAt = :t"),
		ConditionExpression: aws.String("attribute_not_exists(PK)"), ExpressionAttributeValues: item{":t": in(time.Second)}, ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil || out.Attributes != nil {
		t.Errorf("an update finds an expired item: %v, %v", out, err)
	}
	if n := b.service.Counters("presence").Items; n != 4 {
		t.Errorf("%d items, want 4", n)
	}
	b.clock.Advance(2 * time.Hour)
	get("ancient") // an operation looks through the table
	if n := b.service.Counters("presence").Items; n != 2 || get("long") || !get("a text") || !get("ancient") {
		t.Errorf("%d items are left, want those that do not expire", n)
	}
}

func TestDefine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(nil)
	for want, d := range map[string]dynamodb.Definition{
		`table "ab": name must be 3 to 255 letters, digits, "_", "-" or "."`:         {Name: "ab", Keys: definitions[1].Keys},
		`table "a b c": name must be 3 to 255 letters, digits, "_", "-" or "."`:      {Name: "a b c", Keys: definitions[1].Keys},
		`table "things": keys must be a partition key and at most a sort key, got 0`: {Name: "things"},
		`table "things": keys must be two attributes, got "id" twice`:                {Name: "things", Keys: []dynamodb.Key{{Name: "id", Type: "S"}, {Name: "id", Type: "S"}}},
		`table "things": the type of the key "id" must be S, N or B, got "BOOL"`:     {Name: "things", Keys: []dynamodb.Key{{Name: "id", Type: "BOOL"}}},
	} {
		if err := b.service.Define([]dynamodb.Definition{{Name: "other", Keys: definitions[1].Keys}, d}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("other"), Key: item{"id": text("a")}}); err == nil {
		t.Error("part of a wrong definition was taken")
	}
	define := func(d dynamodb.Definition) {
		t.Helper()
		if err := b.service.Define([]dynamodb.Definition{d}); err != nil {
			t.Fatal(err)
		}
	}
	changed := definitions[1]
	changed.TimeToLive = "until"
	define(changed)
	if b.thing() == nil {
		t.Error("an item is lost, though the keys are the same")
	}
	changed.Keys = []dynamodb.Key{{Name: "id", Type: "S"}, {Name: "at", Type: "N"}}
	define(changed)
	if n := b.service.Counters("things").Items; n != 0 {
		t.Errorf("%d items with other keys", n)
	}
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const kind, get = "application/x-amz-json-1.0", "DynamoDB_20120810.GetItem"
	for what, c := range map[string]struct {
		method, target, kind, body string
		status                     int
		want                       string
	}{
		"a browser":         {"GET", "", "", "", 400, `{"__type":"com.amazon.coral.service#UnknownOperationException","message":"this DynamoDB simulator speaks the AWS JSON 1.0 protocol: POST with X-Amz-Target and Content-Type application/x-amz-json-1.0"}`},
		"another service":   {"POST", "AmazonSQS.ListQueues", kind, "{}", 400, "hearth does not simulate AmazonSQS.ListQueues;"},
		"another operation": {"POST", "DynamoDB_20120810.CreateTable", kind, "{}", 400, `{"__type":"com.amazon.coral.service#UnknownOperationException","message":"hearth does not simulate CreateTable` + wayOut + `"}`},
		"no JSON":           {"POST", get, kind, "{", 400, "com.amazon.coral.service#SerializationException"},
		"no object":         {"POST", get, kind, "[]", 400, "SerializationException"},
		"no UTF-8":          {"POST", get, kind, "\"\xff\"", 400, "the request is not UTF-8"},
		"a wrong type":      {"POST", get, kind, `{"TableName":1}`, 400, "SerializationException"},
		"no table":          {"POST", get, kind, `{}`, 400, "Value null at 'tableName'"},
		"no key":            {"POST", get, kind, `{"TableName":"things"}`, 400, "Value null at 'key'"},
		"nulls":             {"POST", get, kind, `{"TableName":"things","Key":{"id":{"S":"a","N":null}},"AttributesToGet":null,"ConsistentRead":null}`, 200, "{}"},
		"a value of no type": {"POST", get, kind, `{"TableName":"things","Key":{"id":{}}}`, 400,
			"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		"a value of an unknown type": {"POST", get, kind, `{"TableName":"things","Key":{"id":{"X":"a"}}}`, 400, "Supplied AttributeValue is empty"},
		"a value of two types": {"POST", get, kind, `{"TableName":"things","Key":{"id":{"S":"a","N":"1"}}}`, 400,
			`com.amazon.coral.validate#ValidationException","message":"Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes`},
		"a value of a wrong type": {"POST", get, kind, `{"TableName":"things","Key":{"id":{"S":1}}}`, 400, "SerializationException"},
		"no base64":               {"POST", get, kind, `{"TableName":"things","Key":{"id":{"B":"?"}}}`, 400, "SerializationException"},
		"null that is not":        {"POST", get, kind, `{"TableName":"things","Key":{"id":{"NULL":false}}}`, 400, "Null attribute value types must have the value of true"},
		"nothing in a list":       {"POST", get, kind, `{"TableName":"things","Key":{"id":{"L":[null]}}}`, 400, "Supplied AttributeValue is empty"},
		"no batch":                {"POST", "DynamoDB_20120810.BatchGetItem", kind, `{}`, 400, "Value null at 'requestItems'"},
		"no item":                 {"POST", "DynamoDB_20120810.PutItem", kind, `{"TableName":"things"}`, 400, "Value null at 'item'"},
		"what is new in the API":  {"POST", get, kind, `{"TableName":"things","Key":{"id":{"S":"a"}},"Vector":1}`, 400, "hearth does not simulate the parameter Vector;"},
		"too large":               {"POST", get, kind, strings.Repeat(" ", 17<<20), 413, "a request must be at most 16777216 bytes"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, b.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.kind)
		if c.target != "" {
			req.Header.Set("X-Amz-Target", c.target)
		}
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.want) || resp.Header.Get("Content-Type") != kind || resp.Header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s: status %d, header %v, body %s", what, resp.StatusCode, resp.Header, body)
		}
	}
	// The SDK knows these errors too.
	_, err := b.client.ExecuteStatement(t.Context(), &sdk.ExecuteStatementInput{Statement: aws.String("SELECT * FROM things")})
	b.refused("PartiQL", err, "UnknownOperationException", "hearth does not simulate ExecuteStatement"+wayOut)
}

func TestSets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, v := range map[string]types.AttributeValue{
		"One or more parameter values were invalid: An string set  may not be empty":                 &types.AttributeValueMemberSS{Value: []string{}},
		"One or more parameter values were invalid: An number set  may not be empty":                 &types.AttributeValueMemberNS{Value: []string{}},
		"One or more parameter values were invalid: Binary sets should not be empty":                 &types.AttributeValueMemberBS{Value: [][]byte{}},
		"One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.": &types.AttributeValueMemberSS{Value: []string{"a", "b", "a"}},
		"Input collection contains duplicates":                                                       &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}},
		"The parameter cannot be converted to a numeric value: x":                                    &types.AttributeValueMemberNS{Value: []string{"x"}},
	} {
		_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: item{"id": text("a"), "v": list(v)}})
		b.refused(want, err, invalid, want)
	}
}
