// Package registry records who is connected to a WebSocket API: the connections of each
// user, and whether the user is online. API Gateway does not list them, and an instance
// sees only some of the events, so the registry is a DynamoDB table:
//
//	var (
//		online  = registry.New()
//		clients = connections.New()
//	)
//
//	func (chat) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
//		first, err := online.Connect(ctx, r.ConnectionID, userOf(r), time.Now())
//		…
//	}
//
//	func (chat) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
//		user, last, err := online.Disconnect(ctx, d.ConnectionID)
//		…
//	}
//
//	offline, err := registry.Broadcast(ctx, online, clients, message, "ana", "ben")
//
// # Presence
//
// A user may have many connections, of several tabs and devices. Their events come at the
// same time and on different instances. A user is online while one of them exists. Each
// change is one atomic write that returns the previous state. So of all Connects and
// Disconnects of a user, exactly the one that changes the presence reports the change.
//
// If a Disconnect overlaps the Connect of its connection, the user is not left online.
// API Gateway reports the end of a connection on a best-effort basis. [Broadcast] finds a
// missed end when it sends to the connection. Otherwise the registry forgets the
// connection soon after the two hours that API Gateway lets it live; then no call reports
// that the user went offline.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
//
// # The table
//
// The construct hearth.ConnectionRegistry creates the table, and lets functions use it.
// The table's name comes from the variable HEARTH_CONNECTIONS_TABLE. Its keys are the
// strings PK (partition) and SK (sort), its time-to-live attribute is expiresAt. It
// may hold other items too. There are two kinds of item:
//
//	{"PK": "connection#L0SM9cOFvHcCIhw=", "SK": "connection", "userId": "ana", "expiresAt": 1793500800}
//	{"PK": "user#ana", "SK": "user", "connections": {"L0SM9cOFvHcCIhw=": 1793500800}, "expiresAt": 1793500800}
//
// The map connections holds when each connection expires, in seconds since 1970. The item
// stays after its last connection has ended, until time-to-live deletes it. Its 400 KB
// are enough for some 10,000 connections of one user.
//
// The function needs dynamodb:GetItem, BatchGetItem, PutItem, UpdateItem and DeleteItem
// on the table. Lambda sets the credentials and the region. AWS_ENDPOINT_URL_DYNAMODB and
// AWS_ENDPOINT_URL replace the endpoint; hearth dev simulates the table, and sets the
// former.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/failures"
)

// EnvTable is the variable that holds the name of the table; see [New].
const EnvTable = wire.EnvConnectionsTable

// lifetime is slightly longer than API Gateway lets a connection live.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const lifetime = 2*time.Hour + 10*time.Minute

// maxParallel bounds the reads of one Broadcast.
const maxParallel = 16

// Registry records connections. It is safe for concurrent use: one from [New] by many
// instances, one from [NewMemory] by one.
type Registry interface {
	// Connect records a connection of a user from now on, and reports whether the user
	// came online with it. A Connect can be repeated: the connection counts once, and
	// first means that the user has no other one at that time. A connection has one user:
	// a different user is an error.
	Connect(ctx context.Context, connectionID, user string, now time.Time) (first bool, err error)

	// Disconnect forgets a connection. It returns its user, and whether the user went
	// offline with it. user is "" for an unknown connection, such as one that was
	// forgotten before. A Disconnect that fails can be repeated. If two for one
	// connection overlap, both may report last.
	Disconnect(ctx context.Context, connectionID string) (user string, last bool, err error)

	// Connections lists the ids of a user's connections, oldest first.
	Connections(ctx context.Context, user string) ([]string, error)

	// Online returns the given users who have a connection, in the given order and each
	// once.
	Online(ctx context.Context, users ...string) ([]string, error)
}

// Sender sends a message to many connections and returns the ids of those that have
// ended.
// connections.Client and relay.Client are Senders.
type Sender interface {
	SendAll(ctx context.Context, connectionIDs []string, data []byte) (gone []string, err error)
}

// forgetter is a Registry that can forget a connection with only one of its two items.
type forgetter interface {
	Forget(ctx context.Context, connectionID, user string) (last bool, err error)
}

// Broadcast sends data to all connections of users, and makes r forget the connections
// that have ended. offline lists the users who went offline because of that. err joins
// all failures, and its text has the first few; no failure affects the other connections.
//
// A relay.Client learns only later that a connection has ended: call Disconnect in
// relay.OnGone too.
func Broadcast(ctx context.Context, r Registry, s Sender, data []byte, users ...string) (offline []string, err error) {
	users = unique(users)
	found := make([][]string, len(users))
	errs := make([]error, len(users))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, user := range users {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i], errs[i] = r.Connections(ctx, user)
		})
	}
	wg.Wait()
	owners := map[string]string{}
	for i, ids := range found {
		for _, id := range ids {
			owners[id] = users[i]
		}
	}
	if ids := slices.Concat(found...); len(ids) > 0 {
		gone, err := s.SendAll(ctx, ids, data)
		errs = append(errs, err)
		for _, id := range gone {
			user, last, err := forget(ctx, r, id, owners[id])
			if last {
				offline = append(offline, user)
			}
			errs = append(errs, err)
		}
	}
	return offline, failures.Join("calls", errs)
}

// forget makes r forget an ended connection of user.
func forget(ctx context.Context, r Registry, connectionID, user string) (owner string, last bool, err error) {
	if f, ok := r.(forgetter); ok && user != "" {
		last, err = f.Forget(ctx, connectionID, user)
		return user, last, err
	}
	return r.Disconnect(ctx, connectionID)
}

// unique drops repeated users.
func unique(users []string) []string {
	seen := make(map[string]bool, len(users))
	return slices.DeleteFunc(slices.Clone(users), func(user string) bool {
		again := seen[user]
		seen[user] = true
		return again
	})
}

// expiries are the connections of one user, each with the second in which it expires.
type expiries map[string]int64

// live lists the connections that have not expired, oldest first, except without.
func (e expiries) live(now time.Time, without string) []string {
	var ids []string
	for id, expiry := range e {
		if id != without && expiry > now.Unix() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(e[a], e[b]), cmp.Compare(a, b))
	})
	return ids
}

// forgotten lists the expired connections: their end was missed.
func (e expiries) forgotten(now time.Time) []string {
	var ids []string
	for id, expiry := range e {
		if expiry <= now.Unix() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// check refuses empty ids.
func check(op, connectionID string, user ...string) error {
	if connectionID == "" {
		return fmt.Errorf("registry: %s: the connection id must not be empty", op)
	}
	if slices.Contains(user, "") {
		return fmt.Errorf("registry: %s %q: the user must not be empty; leave connections without a user out", op, connectionID)
	}
	return nil
}

// errOtherUser refuses a connection that already has another user.
var errOtherUser = errors.New("a connection must have one user, got another one than before; call Disconnect first")
