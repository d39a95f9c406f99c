// Package dynamostore keeps idempotency keys in a DynamoDB table:
//
//	var once = idempotency.New("charge", dynamostore.New(), idempotency.Options{})
//
// # The table
//
// The table's name comes from the variable HEARTH_IDEMPOTENCY_TABLE. Its only key is the
// string PK (partition), its time-to-live attribute is expiresAt. The construct
// hearth.IdempotencyTable creates it, and a backend does with one prop:
//
//	IdempotencyTable: &hearth.IdempotencyTableProps{},
//
// An item is a key that is in progress or done:
//
//	{"PK": "9f86d0…", "owner": "K7…", "fingerprint": "", "leaseUntil": 1793448000000, "expiresAt": 1793534400}
//	{"PK": "9f86d0…", "owner": "K7…", "fingerprint": "", "result": "PTQy", "expiresAt": 1793534400}
//
// leaseUntil is in milliseconds since 1970, expiresAt in seconds, rounded up. The store
// compares both with the clock of the function's instance. So a key is free at its time,
// not when DynamoDB deletes the item, which takes up to a few days. The default lease
// allows for clocks that differ by a second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html (2026-11)
//
// # Requests
//
// The function needs dynamodb:PutItem, UpdateItem and DeleteItem on the table. A key
// costs two writes: one of a small item, and one of the item with its result, a write
// unit for each KB of it. A repetition costs as much as the second write: DynamoDB
// refuses it by its condition, and the answer has the item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (2026-11)
//
// Lambda sets the credentials and the region. AWS_ENDPOINT_URL_DYNAMODB and
// AWS_ENDPOINT_URL replace the endpoint; hearth dev simulates the table, and sets the
// former. In a table that is replicated to other regions with eventual consistency, a key
// takes effect once in each region.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html (2026-11)
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/dynamotable"
)

// EnvTable is the variable that holds the name of the table; see [New].
const EnvTable = wire.EnvIdempotencyTable

const (
	// claimKept is how long DynamoDB must keep a claim after its lease: its owner may
	// still complete it.
	claimKept = 24 * time.Hour
)

// Store is an [idempotency.Store] in a DynamoDB table. [New] makes it. It costs nothing
// until its first use.
type Store struct {
	name string // of the connection, "" for the only one
	now  func() time.Time

	mu     sync.Mutex
	client *dynamodb.Client
	table  string
}

var _ idempotency.Store = (*Store)(nil)

// New returns the store in the table that the program's environment names.
func New() *Store { return Named("") }

// Named returns the store in the table that the constructs know by this name
// (ConnectOptions.Name), for a program with more than one. The table of "payments" comes
// from the variable HEARTH_IDEMPOTENCY_TABLE_PAYMENTS.
func Named(name string) *Store { return &Store{name: name, now: time.Now} }

// connect makes the client, once the environment names the table and the region.
func (s *Store) connect() (*dynamodb.Client, *string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, &s.table, nil
	}
	client, table, err := dynamotable.Open(wire.Named(EnvTable, s.name), "IdempotencyTable")
	if err != nil {
		return nil, nil, fmt.Errorf("dynamostore: %w", err)
	}
	s.client, s.table = client, table
	return s.client, &s.table, nil
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// seconds returns a time in seconds since 1970, rounded up.
func seconds(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

// The attributes. Expressions use placeholders for them: some are reserved words.
const (
	attrOwner       = "owner"
	attrFingerprint = "fingerprint"
	attrLease       = "leaseUntil"
	attrResult      = "result"
)

// Begin implements [idempotency.Store].
func (s *Store) Begin(ctx context.Context, c idempotency.Claim) (idempotency.Outcome, error) {
	client, table, err := s.connect()
	if err != nil {
		return idempotency.Outcome{}, err
	}
	now := s.now()
	lease := now.Add(c.Lease)
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: table,
		Item: item{
			wire.IdempotencyPartitionKey: text(c.Key), attrOwner: text(c.Owner), attrFingerprint: text(c.Fingerprint),
			attrLease: number(lease.UnixMilli()), wire.IdempotencyTimeToLive: number(seconds(lease.Add(claimKept))),
		},
		// If the answer to the owner's own claim was lost, the item exists already.
		ConditionExpression: aws.String("attribute_not_exists(#key) OR #expires <= :seconds OR attribute_not_exists(#result) AND (#owner = :owner OR #lease <= :millis)"),
		ExpressionAttributeNames: map[string]string{
			"#key": wire.IdempotencyPartitionKey, "#owner": attrOwner, "#result": attrResult, "#lease": attrLease, "#expires": wire.IdempotencyTimeToLive,
		},
		ExpressionAttributeValues:           item{":owner": text(c.Owner), ":millis": number(now.UnixMilli()), ":seconds": number(now.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var unmet *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return idempotency.Outcome{Fingerprint: c.Fingerprint}, nil
	case errors.As(err, &unmet):
		return outcomeOf(unmet.Item, now)
	}
	return idempotency.Outcome{}, fmt.Errorf("dynamostore: %w", err)
}

// outcomeOf reads the item of another owner's claim.
func outcomeOf(i item, now time.Time) (idempotency.Outcome, error) {
	fingerprint, ok := i[attrFingerprint].(*types.AttributeValueMemberS)
	if !ok {
		return idempotency.Outcome{}, fmt.Errorf("dynamostore: the item of the key has no %s; the table must be for idempotency keys alone", attrFingerprint)
	}
	if result, ok := i[attrResult].(*types.AttributeValueMemberB); ok {
		return idempotency.Outcome{Status: idempotency.Done, Fingerprint: fingerprint.Value, Result: result.Value}, nil
	}
	lease, ok := i[attrLease].(*types.AttributeValueMemberN)
	if !ok {
		return idempotency.Outcome{}, fmt.Errorf("dynamostore: the item of the key has neither %s nor %s; the table must be for idempotency keys alone", attrResult, attrLease)
	}
	millis, err := strconv.ParseInt(lease.Value, 10, 64)
	if err != nil {
		return idempotency.Outcome{}, fmt.Errorf("dynamostore: %s must be milliseconds since 1970, got %s", attrLease, lease.Value)
	}
	return idempotency.Outcome{Status: idempotency.InProgress, Fingerprint: fingerprint.Value, Lease: time.UnixMilli(millis).Sub(now)}, nil
}

// Complete implements [idempotency.Store].
func (s *Store) Complete(ctx context.Context, c idempotency.Claim, result []byte, keep time.Duration) error {
	client, table, err := s.connect()
	if err != nil {
		return err
	}
	_, err = client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: table, Key: item{wire.IdempotencyPartitionKey: text(c.Key)},
		UpdateExpression:    aws.String("SET #result = :result, #expires = :expires REMOVE #lease"),
		ConditionExpression: aws.String("#owner = :owner"),
		ExpressionAttributeNames: map[string]string{
			"#owner": attrOwner, "#result": attrResult, "#lease": attrLease, "#expires": wire.IdempotencyTimeToLive,
		},
		ExpressionAttributeValues: item{
			":owner": text(c.Owner), ":result": &types.AttributeValueMemberB{Value: result}, ":expires": number(seconds(s.now().Add(keep))),
		},
	})
	var unmet *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &unmet):
		return idempotency.ErrLost
	case err != nil:
		return fmt.Errorf("dynamostore: %w", err)
	}
	return nil
}

// Release implements [idempotency.Store].
func (s *Store) Release(ctx context.Context, c idempotency.Claim) error {
	client, table, err := s.connect()
	if err != nil {
		return err
	}
	_, err = client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: table, Key: item{wire.IdempotencyPartitionKey: text(c.Key)},
		ConditionExpression:       aws.String("#owner = :owner AND attribute_not_exists(#result)"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner, "#result": attrResult},
		ExpressionAttributeValues: item{":owner": text(c.Owner)},
	})
	var unmet *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &unmet) {
		return fmt.Errorf("dynamostore: %w", err)
	}
	return nil
}
