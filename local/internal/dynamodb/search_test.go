package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lambdahearth/hearth/local/internal/dynamodb"
)

// orders is a table with a global index by state and a local one by amount.
var orders = dynamodb.Definition{
	Name: "orders", ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/orders", TimeToLive: "expiresAt",
	Keys: []dynamodb.Key{{Name: "PK", Type: "S"}, {Name: "SK", Type: "S"}},
	Indexes: []dynamodb.Index{
		{Name: "byState", Keys: []dynamodb.Key{{Name: "state1", Type: "S"}, {Name: "amount", Type: "N"}}, Projected: []string{"note"}},
		{Name: "byAmount", Keys: []dynamodb.Key{{Name: "PK", Type: "S"}, {Name: "amount", Type: "N"}}, Projected: []string{}, Local: true},
		{Name: "all", Keys: []dynamodb.Key{{Name: "state1", Type: "S"}}},
	},
}

// setupOrders has the orders of anna, 1 to 5, and one of ben.
func setupOrders(t *testing.T) *bench {
	t.Helper()
	b := setup(t)
	if err := b.service.Define(append(definitions, orders)); err != nil {
		t.Fatal(err)
	}
	put := func(i item) {
		t.Helper()
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("orders"), Item: i}); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= 5; n++ {
		i := item{"PK": text("anna"), "SK": text(fmt.Sprint("order#", n)), "amount": number(fmt.Sprint(60 - 10*n)), "note": text(fmt.Sprint("note ", n)), "more": text("x")}
		if n != 3 { // which no index by state has
			i["state1"] = text([]string{"open", "paid"}[n%2])
		}
		put(i)
	}
	put(item{"PK": text("ben"), "SK": text("order#1"), "amount": number("20"), "state1": text("open")})
	put(item{"PK": text("anna"), "SK": text("profile")})
	return b
}

// keysOf are the sort keys of items, with the partition key where it is not anna's.
func keysOf(items []map[string]types.AttributeValue) string {
	var keys []string
	for _, i := range items {
		key := strings.TrimPrefix(i["SK"].(*types.AttributeValueMemberS).Value, "order#")
		if who := i["PK"].(*types.AttributeValueMemberS).Value; who != "anna" {
			key = who + " " + key
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, ", ")
}

// TestQuery asks for keys in each way.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html (2026-11)
func TestQuery(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	for name, c := range map[string]struct {
		key    string
		values item
		change func(*sdk.QueryInput)
		want   string
	}{
		"a partition":         {"PK = :p", nil, nil, "1, 2, 3, 4, 5, profile"},
		"backward":            {"PK = :p", nil, func(in *sdk.QueryInput) { in.ScanIndexForward = aws.Bool(false) }, "profile, 5, 4, 3, 2, 1"},
		"one":                 {"PK = :p AND SK = :s", item{":s": text("order#2")}, nil, "2"},
		"the other way round": {":s = SK AND :p = PK", item{":s": text("order#2")}, nil, "2"},
		"begins_with":         {"PK = :p AND begins_with(SK, :s)", item{":s": text("order#")}, nil, "1, 2, 3, 4, 5"},
		"between":             {"PK = :p AND SK BETWEEN :s AND :t", item{":s": text("order#2"), ":t": text("order#4")}, nil, "2, 3, 4"},
		"in parentheses":      {"(PK = :p) AND (SK > :s)", item{":s": text("order#4")}, nil, "5, profile"},
		"nobody":              {"PK = :s", item{":s": text("carl")}, nil, ""},
		"a filter": {"PK = :p", item{":n": text("note 4")}, func(in *sdk.QueryInput) {
			in.FilterExpression = aws.String("note = :n OR attribute_not_exists(amount)")
		}, "4, profile"},
		"a global index":    {"state1 = :s", item{":s": text("open")}, func(in *sdk.QueryInput) { in.IndexName = aws.String("byState") }, "4, ben 1, 2"},
		"with its sort key": {"state1 = :s AND amount < :a", item{":s": text("open"), ":a": number("40")}, func(in *sdk.QueryInput) { in.IndexName = aws.String("byState") }, "4, ben 1"},
		"a local index":     {"PK = :p AND amount >= :a", item{":a": number("30")}, func(in *sdk.QueryInput) { in.IndexName = aws.String("byAmount") }, "3, 2, 1"},
		"with names":        {"#p = :p AND SK < :s", item{":s": text("order#3")}, func(in *sdk.QueryInput) { in.ExpressionAttributeNames = map[string]string{"#p": "PK"} }, "1, 2"},
	} {
		values := item{}
		if strings.Contains(c.key, ":p") {
			values[":p"] = text("anna")
		}
		for n, v := range c.values {
			values[n] = v
		}
		in := &sdk.QueryInput{TableName: aws.String("orders"), KeyConditionExpression: &c.key, ExpressionAttributeValues: values}
		if c.change != nil {
			c.change(in)
		}
		out, err := b.client.Query(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := keysOf(out.Items); got != c.want || int(out.Count) != len(out.Items) || out.LastEvaluatedKey != nil {
			t.Errorf("%s: got %s, count %d, last %v, want %s", name, got, out.Count, out.LastEvaluatedKey, c.want)
		}
	}
}

// TestPages goes on where the last page ended, in each order and index.
func TestPages(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	for _, index := range []*string{nil, aws.String("byAmount")} {
		for _, forward := range []bool{true, false} {
			var pages []string
			var start item
			for {
				out, err := b.client.Query(t.Context(), &sdk.QueryInput{
					TableName: aws.String("orders"), IndexName: index, KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: item{":p": text("anna")},
					Limit: aws.Int32(2), ScanIndexForward: &forward, ExclusiveStartKey: start,
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(out.Items) > 0 {
					pages = append(pages, keysOf(out.Items))
				}
				if start = out.LastEvaluatedKey; start == nil {
					break
				}
			}
			want := map[bool]string{true: "1, 2; 3, 4; 5, profile", false: "profile, 5; 4, 3; 2, 1"}[forward]
			if index != nil {
				want = map[bool]string{true: "5, 4; 3, 2; 1", false: "1, 2; 3, 4; 5"}[forward]
			}
			if got := strings.Join(pages, "; "); got != want {
				t.Errorf("index %v, forward %t: got %s, want %s", index, forward, got, want)
			}
		}
	}
	// The limit counts before the filter.
	out, err := b.client.Query(t.Context(), &sdk.QueryInput{
		TableName: aws.String("orders"), KeyConditionExpression: aws.String("PK = :p"), FilterExpression: aws.String("note = :n"),
		ExpressionAttributeValues: item{":p": text("anna"), ":n": text("note 3")}, Limit: aws.Int32(2),
	})
	if err != nil || out.Count != 0 || out.ScannedCount != 2 || out.LastEvaluatedKey == nil {
		t.Errorf("filtered: %+v, %v", out, err)
	}
	// A page ends at 1 MB.
	big := text(strings.Repeat("x", 300<<10))
	for n := range 5 {
		if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("orders"), Item: item{"PK": text("big"), "SK": text(fmt.Sprint(n)), "v": big}}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.client.Query(t.Context(), &sdk.QueryInput{TableName: aws.String("orders"), KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: item{":p": text("big")}})
	if err != nil || page.Count != 4 || page.LastEvaluatedKey == nil {
		t.Errorf("big items: %d, last %v, %v", page.Count, page.LastEvaluatedKey, err)
	}
}

// TestShown: an index shows what is projected into it, and Select says what comes back.
func TestShown(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	query := func(change func(*sdk.QueryInput)) *sdk.QueryOutput {
		t.Helper()
		in := &sdk.QueryInput{TableName: aws.String("orders"), IndexName: aws.String("byState"), KeyConditionExpression: aws.String("state1 = :s AND amount = :a"), ExpressionAttributeValues: item{":s": text("paid"), ":a": number("50")}}
		change(in)
		out, err := b.client.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	keys := item{"PK": text("anna"), "SK": text("order#1"), "state1": text("paid"), "amount": number("50")}
	b.same("the projected attributes", query(func(*sdk.QueryInput) {}).Items[0], item{"PK": keys["PK"], "SK": keys["SK"], "state1": keys["state1"], "amount": keys["amount"], "note": text("note 1")})
	b.same("a projection", query(func(in *sdk.QueryInput) { in.ProjectionExpression = aws.String("note, more") }).Items[0], item{"note": text("note 1")})
	if out := query(func(in *sdk.QueryInput) { in.Select = types.SelectCount }); out.Items != nil || out.Count != 1 {
		t.Errorf("count: %+v", out)
	}
	local := query(func(in *sdk.QueryInput) {
		in.IndexName, in.KeyConditionExpression = aws.String("byAmount"), aws.String("PK = :s AND amount = :a")
		in.ExpressionAttributeValues = item{":s": text("anna"), ":a": number("50")}
		in.Select = types.SelectAllAttributes
	})
	if len(local.Items) != 1 || len(local.Items[0]) != 6 {
		t.Errorf("all attributes through a local index: %v", local.Items)
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	scan := func(change func(*sdk.ScanInput)) *sdk.ScanOutput {
		t.Helper()
		in := &sdk.ScanInput{TableName: aws.String("orders")}
		change(in)
		out, err := b.client.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := scan(func(*sdk.ScanInput) {}); out.Count != 7 || out.ScannedCount != 7 {
		t.Errorf("all: %d of %d", out.Count, out.ScannedCount)
	}
	if out := scan(func(in *sdk.ScanInput) { in.IndexName = aws.String("byState") }); out.Count != 5 {
		t.Errorf("the index: %d", out.Count)
	}
	filtered := scan(func(in *sdk.ScanInput) {
		in.FilterExpression, in.ExpressionAttributeValues = aws.String("amount > :a AND SK <> :s"), item{":a": number("20"), ":s": text("order#1")}
	})
	if got := keysOf(filtered.Items); got != "2, 3" || filtered.ScannedCount != 7 {
		t.Errorf("filtered: %s of %d", got, filtered.ScannedCount)
	}
	parts := map[string]bool{}
	for segment := range int32(3) {
		for _, i := range scan(func(in *sdk.ScanInput) { in.Segment, in.TotalSegments = &segment, aws.Int32(3) }).Items {
			parts[keysOf([]map[string]types.AttributeValue{i})] = true
		}
	}
	if len(parts) != 7 {
		t.Errorf("three segments have %v", parts)
	}
	pages, start := 0, item(nil)
	for count := 0; count < 7; pages++ {
		out := scan(func(in *sdk.ScanInput) { in.Limit, in.ExclusiveStartKey = aws.Int32(3), start })
		if count += int(out.Count); pages > 5 {
			t.Fatal("the pages do not end")
		}
		start = out.LastEvaluatedKey
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

// TestSearchErrors are in DynamoDB's words.
func TestSearchErrors(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	for name, c := range map[string]struct {
		key, want string
		values    item
		change    func(*sdk.QueryInput)
	}{
		"no partition":     {"SK = :v", "Query condition missed key schema element: PK", item{":v": text("x")}, nil},
		"another type":     {"PK = :v", "One or more parameter values were invalid: Condition parameter type does not match schema type", item{":v": number("1")}, nil},
		"a range of it":    {"PK > :v", "Query key condition not supported", item{":v": text("x")}, nil},
		"another key":      {"PK = :v AND note = :v", "Query condition missed key schema element: SK", item{":v": text("x")}, nil},
		"three conditions": {"PK = :v AND SK > :v AND note = :v", "Conditions can be of length 1 or 2 only", item{":v": text("x")}, nil},
		"twice":            {"PK = :v AND PK = :v", "KeyConditionExpressions must only contain one condition per key", item{":v": text("x")}, nil},
		"OR":               {"PK = :v OR SK = :v", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR", item{":v": text("x")}, nil},
		"contains":         {"PK = :v AND contains(SK, :v)", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: contains", item{":v": text("x")}, nil},
		"unequal":          {"PK <> :v", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: <>", item{":v": text("x")}, nil},
		"upside down": {"PK = :v AND SK BETWEEN :v AND :a", "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {S:a}",
			item{":v": text("x"), ":a": text("a")}, nil},
		"no index":        {"PK = :v", "The table does not have the specified index: none", item{":v": text("x")}, func(in *sdk.QueryInput) { in.IndexName = aws.String("none") }},
		"consistent":      {"state1 = :v", "Consistent reads are not supported on global secondary indexes", item{":v": text("x")}, func(in *sdk.QueryInput) { in.IndexName, in.ConsistentRead = aws.String("byState"), aws.Bool(true) }},
		"filter on a key": {"PK = :v", "Filter Expression can only contain non-primary key attributes: Primary key attribute: SK", item{":v": text("x")}, func(in *sdk.QueryInput) { in.FilterExpression = aws.String("SK = :v") }},
		"start":           {"PK = :v", "The provided starting key is invalid", item{":v": text("x")}, func(in *sdk.QueryInput) { in.ExclusiveStartKey = item{"PK": text("x")} }},
		"legacy": {"PK = :v", "hearth does not simulate the parameter QueryFilter" + wayOut, item{":v": text("x")}, func(in *sdk.QueryInput) {
			in.QueryFilter = map[string]types.Condition{"a": {ComparisonOperator: "NULL"}}
		}},
		"all of an index":  {"state1 = :v", "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index byState because its projection type is not ALL", item{":v": text("x")}, func(in *sdk.QueryInput) { in.IndexName, in.Select = aws.String("byState"), types.SelectAllAttributes }},
		"an unused value":  {"PK = :v", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}", item{":v": text("x"), ":w": text("y")}, nil},
		"an empty key":     {"PK = :v", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: PK", item{":v": text("")}, nil},
		"a wrong function": {"PK = :v AND begins_with(SK, :n)", "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N", item{":v": text("x"), ":n": number("1")}, nil},
	} {
		in := &sdk.QueryInput{TableName: aws.String("orders"), KeyConditionExpression: &c.key, ExpressionAttributeValues: c.values}
		if c.change != nil {
			c.change(in)
		}
		_, err := b.client.Query(t.Context(), in)
		b.refused(name, err, invalid, c.want)
	}
	for want, i := range map[string]item{
		"One or more parameter values were invalid: Type mismatch for Index Key amount Expected: N Actual: S IndexName: byState":                                                                                                      {"PK": text("x"), "SK": text("y"), "amount": text("1")},
		"One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: byState, IndexKey: state1": {"PK": text("x"), "SK": text("y"), "state1": text("")},
	} {
		_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("orders"), Item: i})
		b.refused(want, err, invalid, want)
	}
}

// TestSearchLeavesOutExpired: an item whose time is over is not found.
func TestSearchLeavesOutExpired(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	if _, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("orders"), Item: item{"PK": text("ttl"), "SK": text("1"), "expiresAt": number(fmt.Sprint(noon.Add(time.Minute).Unix()))}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int32{1, 0} {
		out, err := b.client.Query(t.Context(), &sdk.QueryInput{TableName: aws.String("orders"), KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: item{":p": text("ttl")}})
		if err != nil || out.Count != want {
			t.Errorf("got %d, %v, want %d", out.Count, err, want)
		}
		b.clock.Advance(2 * time.Minute)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	b := setupOrders(t)
	out, err := b.client.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	if d := out.Table; d.TableStatus != types.TableStatusActive || *d.ItemCount != 7 || len(d.KeySchema) != 2 || len(d.GlobalSecondaryIndexes) != 2 || len(d.LocalSecondaryIndexes) != 1 || len(d.AttributeDefinitions) != 4 || *d.TableArn != orders.ARN {
		t.Errorf("got %+v", d)
	}
	ttl, err := b.client.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: aws.String("orders")})
	if err != nil || *ttl.TimeToLiveDescription.AttributeName != "expiresAt" {
		t.Errorf("got %+v, %v", ttl, err)
	}
	tables, err := b.client.ListTables(t.Context(), &sdk.ListTablesInput{Limit: aws.Int32(2)})
	if err != nil || strings.Join(tables.TableNames, " ") != "bytes numbers" || *tables.LastEvaluatedTableName != "numbers" {
		t.Errorf("got %+v, %v", tables, err)
	}
	if err := sdk.NewTableExistsWaiter(b.client).Wait(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("orders")}, time.Minute); err != nil {
		t.Error(err)
	}
}
