package dynamodb_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lambdahearth/hearth/local/internal/dynamodb"
)

// TestTransaction: all writes are done, or none.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (2026-11)
func TestTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(item{"n": number("5")})
	things := aws.String("things")
	take := func(amount string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: things, Key: item{"id": text("a")}, UpdateExpression: aws.String("SET n = n - :v"), ConditionExpression: aws.String("n >= :v"),
			ExpressionAttributeValues: item{":v": number(amount)}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	give := func(amount string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("numbers"), Item: item{"id": number("1"), "n": number(amount)}}}
	}
	exists := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: things, Key: item{"id": text("b")}, ConditionExpression: aws.String("attribute_not_exists(id)")}}
	write := func(token string, items ...types.TransactWriteItem) error {
		in := &sdk.TransactWriteItemsInput{TransactItems: append([]types.TransactWriteItem{}, items...)}
		if token != "" {
			in.ClientRequestToken = &token
		}
		_, err := b.client.TransactWriteItems(t.Context(), in)
		return err
	}
	if err := write("", take("2"), give("2"), exists); err != nil {
		t.Fatal(err)
	}
	b.same("what was taken", b.thing(), item{"id": text("a"), "n": number("3")})

	err := write("", give("9"), take("9"))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v", err)
	}
	if r := cancelled.CancellationReasons; len(r) != 2 || *r[0].Code != "None" || *r[1].Code != "ConditionalCheckFailed" || *r[1].Message != "The conditional request failed" {
		t.Errorf("reasons %+v", r)
	} else {
		b.same("the item of the reason", r[1].Item, item{"id": text("a"), "n": number("3")})
	}
	if want := "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"; *cancelled.Message != want {
		t.Errorf("message %s", *cancelled.Message)
	}
	out, err := b.client.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: things, Key: item{"id": text("a")}, ProjectionExpression: aws.String("n")}},
		{Get: &types.Get{TableName: aws.String("numbers"), Key: item{"id": number("1")}}},
		{Get: &types.Get{TableName: things, Key: item{"id": text("nobody")}}},
	}})
	if err != nil || len(out.Responses) != 3 || out.Responses[2].Item != nil {
		t.Fatalf("got %+v, %v", out, err)
	}
	b.same("the first", out.Responses[0].Item, item{"n": number("3")})
	b.same("the second, which was not written again", out.Responses[1].Item, item{"id": number("1"), "n": number("2")})

	// A token makes a repetition do nothing, for ten minutes.
	for range 2 {
		if err := write("token", take("1")); err != nil {
			t.Fatal(err)
		}
	}
	b.same("once", b.thing(), item{"id": text("a"), "n": number("2")})
	b.refused("other operations", write("token", take("2")), "IdempotentParameterMismatchException", "Client attempted to use idempotency token with different parameters")
	b.clock.Advance(11 * time.Minute)
	if err := write("token", take("1")); err != nil {
		t.Fatal(err)
	}
	b.same("later", b.thing(), item{"id": text("a"), "n": number("1")})

	b.refused("one item twice", write("", give("1"), give("2")), invalid, "Transaction request cannot include multiple operations on one item")
	b.refused("nothing", write(""), invalid, "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
}

// TestTokenIgnoresOrder: a repetition is the same one if only the order of attributes
// differs, which the SDK for Go changes with each request.
func TestTokenIgnoresOrder(t *testing.T) {
	t.Parallel()
	s := dynamodb.New(nil)
	if err := s.Define([]dynamodb.Definition{{Name: "things", Keys: []dynamodb.Key{{Name: "id", Type: "S"}}}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ attributes, want string }{
		{`"id":{"S":"a"},"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}`, `{}`},
		{`"m":{"M":{"y":{"N":"2"},"x":{"N":"1"}}},"id":{"S":"a"}`, `{}`},
		{`"id":{"S":"a"}`, "IdempotentParameterMismatchException"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"things","Item":{`+c.attributes+`}}}]}`))
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.TransactWriteItems")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		if s.ServeHTTP(w, r); !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %s, want %s", c.attributes, w.Body, c.want)
		}
	}
	if n := s.Counters("things").Writes; n != 1 {
		t.Errorf("got %d writes", n)
	}
}
