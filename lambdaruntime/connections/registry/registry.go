// Package registry remembers who is connected to a WebSocket API: which connections
// a user has, and whether the user is online. API Gateway does not tell, and an
// instance sees only some of the events, so it is kept in a DynamoDB table:
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
// A user may have many connections, of several tabs and devices, whose events come
// at the same time and on different instances. A user is online while any of them
// is there. Each change is one atomic write that says what it found, so that of all
// the Connects and Disconnects of a user exactly that one reports a change of
// presence which made it.
//
// A Connect that a Disconnect of its connection comes in the middle of leaves nobody
// online. API Gateway tells of a connection's end on a best-effort basis. One whose end
// was missed is found when something is sent to it, see [Broadcast], or else is
// forgotten soon after the two hours that API Gateway lets a connection live; that
// user's going offline is then reported by nobody.
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
// The map connections says when each connection is forgotten at the latest, in
// seconds since 1970. The item stays when its last connection is gone, until
// time-to-live deletes it. Its 400 KB are enough for some 10,000 connections of one
// user.
//
// The function needs dynamodb:GetItem, BatchGetItem, PutItem, UpdateItem and
// DeleteItem on the table. Credentials and the region are those that Lambda gives the
// function. AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL replace the endpoint; hearth
// dev simulates the table, and sets the former.
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

// EnvTable names the variable that holds the name of the table; see [New].
const EnvTable = wire.EnvConnectionsTable

// lifetime is a little more than API Gateway lets a connection live.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const lifetime = 2*time.Hour + 10*time.Minute

// maxParallel bounds the reads of one Broadcast.
const maxParallel = 16

// Registry remembers connections. It is safe for concurrent use, by many instances
// where it is made by [New] and by one where it is made by [NewMemory].
type Registry interface {
	// Connect remembers a connection of a user since now, and reports whether the
	// user came online with it. A Connect can be repeated: the connection counts
	// once, and first says whether the user has no other one by then. A connection
	// has one user: another one is an error.
	Connect(ctx context.Context, connectionID, user string, now time.Time) (first bool, err error)

	// Disconnect forgets a connection, and reports whose it was and whether that
	// user went offline with it. For a connection that is not known, because it
	// has been forgotten before, user is "". A Disconnect that fails can be
	// repeated. Where two for one connection overlap, both may report last.
	Disconnect(ctx context.Context, connectionID string) (user string, last bool, err error)

	// Connections lists the ids of a user's connections, oldest first.
	Connections(ctx context.Context, user string) ([]string, error)

	// Online lists those of users who have a connection, in the order given and
	// each of them once.
	Online(ctx context.Context, users ...string) ([]string, error)
}

// Sender sends a message to many connections and says which of them are gone.
// connections.Client and relay.Client are Senders.
type Sender interface {
	SendAll(ctx context.Context, connectionIDs []string, data []byte) (gone []string, err error)
}

// forgetter is a Registry that can forget a connection of which only a part is left.
type forgetter interface {
	Forget(ctx context.Context, connectionID, user string) (last bool, err error)
}

// Broadcast sends data to all connections of users, and makes r forget those that
// are gone. It returns the users who went offline thereby. The error is one of all
// failures, whose text has the first few; none of them keeps the message from the other
// connections.
//
// A relay.Client learns only later that a connection is gone: call Disconnect in
// relay.OnGone as well.
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

// forget makes r forget a connection of user that is gone.
func forget(ctx context.Context, r Registry, connectionID, user string) (owner string, last bool, err error) {
	if f, ok := r.(forgetter); ok && user != "" {
		last, err = f.Forget(ctx, connectionID, user)
		return user, last, err
	}
	return r.Disconnect(ctx, connectionID)
}

// unique drops what comes again.
func unique(users []string) []string {
	seen := make(map[string]bool, len(users))
	return slices.DeleteFunc(slices.Clone(users), func(user string) bool {
		again := seen[user]
		seen[user] = true
		return again
	})
}

// expiries are the connections of one user, each with the second at which it is
// forgotten at the latest.
type expiries map[string]int64

// live lists the connections that are not forgotten, oldest first, without one of
// them.
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

// forgotten lists the connections whose end was missed.
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

// check refuses ids that cannot be told from none.
func check(op, connectionID string, user ...string) error {
	if connectionID == "" {
		return fmt.Errorf("registry: %s: the connection id must not be empty", op)
	}
	if slices.Contains(user, "") {
		return fmt.Errorf("registry: %s %q: the user must not be empty; leave connections without a user out", op, connectionID)
	}
	return nil
}

// errOtherUser is why a connection cannot be connected again.
var errOtherUser = errors.New("a connection must have one user, got another one than before; call Disconnect first")
