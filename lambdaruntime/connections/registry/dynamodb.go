package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/dynamotable"
)

const (
	// maxBatchKeys is how many items one BatchGetItem reads.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (2026-11)
	maxBatchKeys = 100
	// maxBatchAttempts is how many attempts in a row may read nothing of a batch.
	maxBatchAttempts = 6
	// maxPruned is how many expired connections one Connect removes.
	maxPruned = 50
)

// client lists the methods of [dynamodb.Client] that the registry calls.
type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// DynamoDB is a [Registry] in a DynamoDB table; see the package's documentation for its
// schema. [New] makes it. It costs nothing until its first use. All its reads are
// consistent.
type DynamoDB struct {
	name string // of the connection; see Named
	now  func() time.Time
	// pause is how long to wait before a batch is tried again.
	pause func(attempt int) time.Duration

	mu     sync.Mutex
	client client
	table  string
}

var _ Registry = (*DynamoDB)(nil)

// New returns the registry in the table that the program's environment names.
func New() *DynamoDB { return Named("") }

// Named returns the registry in the table with this name in the constructs
// (ConnectOptions.Name), for a program with more than one. The table of "admin" comes
// from the variable HEARTH_CONNECTIONS_TABLE_ADMIN.
func Named(name string) *DynamoDB {
	return &DynamoDB{name: name, now: time.Now, pause: batchPause}
}

// batchPause grows from about 50 ms, with jitter.
func batchPause(attempt int) time.Duration {
	return time.Duration(float64(50*time.Millisecond<<attempt) * (0.5 + rand.Float64()))
}

// connect makes the client, once the environment names the table and the region.
func (d *DynamoDB) connect() (client, *string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		return d.client, &d.table, nil
	}
	opened, table, err := dynamotable.Open(wire.Named(EnvTable, d.name), "ConnectionRegistry")
	if err != nil {
		return nil, nil, fmt.Errorf("registry: %w", err)
	}
	d.client, d.table = opened, table
	return d.client, &d.table, nil
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func seconds(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

const userPrefix = "user#"

func connectionKey(id string) item {
	return item{wire.ConnectionsPartitionKey: text("connection#" + id), wire.ConnectionsSortKey: text("connection")}
}
func userKey(user string) item {
	return item{wire.ConnectionsPartitionKey: text(userPrefix + user), wire.ConnectionsSortKey: text("user")}
}

// connectionsOf reads the map of a user's item; a missing item has an empty one.
func connectionsOf(i item) expiries {
	m, ok := i["connections"].(*types.AttributeValueMemberM)
	if !ok {
		return nil
	}
	all := make(expiries, len(m.Value))
	for id, v := range m.Value {
		if n, ok := v.(*types.AttributeValueMemberN); ok {
			all[id], _ = strconv.ParseInt(n.Value, 10, 64)
		}
	}
	return all
}

// unmet reports whether a write's condition did not hold.
func unmet(err error) bool {
	var failed *types.ConditionalCheckFailedException
	return errors.As(err, &failed)
}

// Connect implements [Registry].
func (d *DynamoDB) Connect(ctx context.Context, connectionID, user string, now time.Time) (first bool, err error) {
	if err := check("connect", connectionID, user); err != nil {
		return false, err
	}
	client, table, err := d.connect()
	if err != nil {
		return false, err
	}
	expiry := seconds(now.Add(lifetime).Unix())
	// The owner is written first: a connection with an owner, but missing in its user's
	// map, is harmless.
	entry := connectionKey(connectionID)
	entry["userId"], entry[wire.ConnectionsTimeToLive] = text(user), expiry
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: table, Item: entry,
		ConditionExpression:       aws.String("attribute_not_exists(PK) OR userId = :user"),
		ExpressionAttributeValues: item{":user": text(user)},
	})
	if unmet(err) {
		err = errOtherUser
	}
	if err != nil {
		return false, fmt.Errorf("registry: connect %q: %w", connectionID, err)
	}
	before, err := d.add(ctx, client, table, connectionID, user, expiry)
	if err != nil {
		return false, fmt.Errorf("registry: connect %q: %w", connectionID, err)
	}
	d.prune(ctx, client, table, user, before.forgotten(now))
	first = len(before.live(now, connectionID)) == 0
	// A Disconnect between the two writes found nothing in the map and deleted the owner.
	// Then no later call would remove the connection, so Connect does.
	found, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: connectionKey(connectionID), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, fmt.Errorf("registry: connect %q: %w", connectionID, err)
	}
	if found.Item["userId"] != nil {
		return first, nil
	}
	before, err = d.remove(ctx, client, table, connectionID, user)
	if err != nil {
		return false, fmt.Errorf("registry: connect %q: %w", connectionID, err)
	}
	if _, ok := before[connectionID]; ok && len(before.live(now, connectionID)) == 0 {
		first = false // the user is offline, as before
	}
	return first, nil
}

// add puts a connection into its user's map and returns the map before the change.
func (d *DynamoDB) add(ctx context.Context, client client, table *string, connectionID, user string, expiry types.AttributeValue) (expiries, error) {
	for {
		out, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: table, Key: userKey(user),
			UpdateExpression:          aws.String("SET connections.#id = :expiry, " + wire.ConnectionsTimeToLive + " = :expiry"),
			ConditionExpression:       aws.String("attribute_exists(PK)"), // the map exists
			ExpressionAttributeNames:  map[string]string{"#id": connectionID},
			ExpressionAttributeValues: item{":expiry": expiry},
			ReturnValues:              types.ReturnValueAllOld,
		})
		if !unmet(err) {
			if err != nil {
				return nil, err
			}
			return connectionsOf(out.Attributes), nil
		}
		entry := userKey(user)
		entry["connections"], entry[wire.ConnectionsTimeToLive] = &types.AttributeValueMemberM{Value: item{connectionID: expiry}}, expiry
		_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: table, Item: entry, ConditionExpression: aws.String("attribute_not_exists(PK)"),
		})
		if !unmet(err) {
			return nil, err
		} // else another connection of the user was faster
	}
}

// prune removes connections whose end was missed from their user's map. They no longer
// count in any case, so a failure is ignored: the next Connect tries again.
func (d *DynamoDB) prune(ctx context.Context, client client, table *string, user string, ids []string) {
	if len(ids) == 0 {
		return
	}
	ids = ids[:min(len(ids), maxPruned)]
	names := map[string]string{}
	var paths []string
	for i, id := range ids {
		name := "#" + strconv.Itoa(i)
		names[name] = id
		paths = append(paths, "connections."+name)
	}
	_, _ = client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: table, Key: userKey(user),
		UpdateExpression:         aws.String("REMOVE " + strings.Join(paths, ", ")),
		ConditionExpression:      aws.String("attribute_exists(PK)"),
		ExpressionAttributeNames: names,
	})
}

// Disconnect implements [Registry].
func (d *DynamoDB) Disconnect(ctx context.Context, connectionID string) (user string, last bool, err error) {
	if err := check("disconnect", connectionID); err != nil {
		return "", false, err
	}
	client, table, err := d.connect()
	if err != nil {
		return "", false, err
	}
	found, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: connectionKey(connectionID), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return "", false, fmt.Errorf("registry: disconnect %q: %w", connectionID, err)
	}
	owner, ok := found.Item["userId"].(*types.AttributeValueMemberS)
	if !ok {
		return "", false, nil
	}
	before, _, err := d.forget(ctx, client, table, connectionID, owner.Value)
	if err != nil {
		return "", false, fmt.Errorf("registry: disconnect %q: %w", connectionID, err)
	}
	return owner.Value, len(before.live(d.now(), connectionID)) == 0, nil
}

// Forget forgets a user's connection like Disconnect, for callers that know its user and
// that it has ended. It also forgets a connection that only the user's item still lists.
// last reports whether the user went offline with it.
func (d *DynamoDB) Forget(ctx context.Context, connectionID, user string) (last bool, err error) {
	if err := check("forget", connectionID, user); err != nil {
		return false, err
	}
	client, table, err := d.connect()
	if err != nil {
		return false, err
	}
	before, known, err := d.forget(ctx, client, table, connectionID, user)
	if err != nil {
		return false, fmt.Errorf("registry: forget %q: %w", connectionID, err)
	}
	return known && len(before.live(d.now(), connectionID)) == 0, nil
}

// forget removes a connection from its user's map and returns the map before the change.
// known reports whether one of the two items had the connection. It deletes the owner
// last: until then, an interrupted call can be repeated and reports the same.
func (d *DynamoDB) forget(ctx context.Context, client client, table *string, connectionID, user string) (before expiries, known bool, err error) {
	if before, err = d.remove(ctx, client, table, connectionID, user); err != nil {
		return nil, false, err
	}
	out, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: connectionKey(connectionID), ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		return nil, false, err
	}
	if _, ok := before[connectionID]; ok {
		return before, true, nil
	}
	// The map did not have it. A Connect may be about to add it, which read the owner
	// just before it was deleted.
	again, err := d.remove(ctx, client, table, connectionID, user)
	if err != nil {
		return nil, false, err
	}
	if _, ok := again[connectionID]; ok {
		return again, true, nil
	}
	return before, len(out.Attributes) > 0, nil
}

// remove removes a connection from its user's map and returns the map before the change.
func (d *DynamoDB) remove(ctx context.Context, client client, table *string, connectionID, user string) (expiries, error) {
	out, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: table, Key: userKey(user),
		UpdateExpression:         aws.String("REMOVE connections.#id"),
		ConditionExpression:      aws.String("attribute_exists(PK)"),
		ExpressionAttributeNames: map[string]string{"#id": connectionID},
		ReturnValues:             types.ReturnValueAllOld,
	})
	switch {
	case unmet(err): // there is no connection at all
		return nil, nil
	case err != nil:
		return nil, err
	}
	return connectionsOf(out.Attributes), nil
}

// Connections implements [Registry].
func (d *DynamoDB) Connections(ctx context.Context, user string) ([]string, error) {
	client, table, err := d.connect()
	if err != nil {
		return nil, err
	}
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: userKey(user), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("registry: connections of %q: %w", user, err)
	}
	return connectionsOf(out.Item).live(d.now(), ""), nil
}

// Online implements [Registry].
func (d *DynamoDB) Online(ctx context.Context, users ...string) ([]string, error) {
	client, table, err := d.connect()
	if err != nil {
		return nil, err
	}
	users = unique(users)
	isOnline := map[string]bool{}
	var rest []item
	for _, user := range users {
		rest = append(rest, userKey(user))
	}
	for attempt := 0; len(rest) > 0; {
		n := min(len(rest), maxBatchKeys)
		out, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			*table: {Keys: rest[:n], ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("registry: who is online: %w", err)
		}
		for _, i := range out.Responses[*table] {
			if key, ok := i[wire.ConnectionsPartitionKey].(*types.AttributeValueMemberS); ok {
				isOnline[strings.TrimPrefix(key.Value, userPrefix)] = len(connectionsOf(i).live(d.now(), "")) > 0
			}
		}
		left := out.UnprocessedKeys[*table].Keys
		rest = append(rest[n:len(rest):len(rest)], left...)
		if len(left) < n {
			attempt = 0
			continue
		}
		if attempt++; attempt == maxBatchAttempts {
			return nil, fmt.Errorf("registry: who is online: nothing was read in %d attempts; the table has too little read capacity", attempt)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("registry: who is online: %w", context.Cause(ctx))
		case <-time.After(d.pause(attempt)):
		}
	}
	var online []string
	for _, user := range users {
		if isOnline[user] {
			online = append(online, user)
		}
	}
	return online, nil
}
