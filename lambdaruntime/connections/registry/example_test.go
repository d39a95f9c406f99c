package registry_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

var (
	online  = registry.New()
	clients = connections.New()
)

// chat tells friends of each other's coming and going.
type chat struct{}

func (chat) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	user := r.Query.Get("user") // a real program verifies a token
	first, err := online.Connect(ctx, r.ConnectionID, user, time.Now())
	if err != nil || !first {
		return err
	}
	return tellFriends(ctx, user, `{"online":true}`)
}

func (chat) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error { return nil }

func (chat) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	user, last, err := online.Disconnect(ctx, d.ConnectionID)
	if err != nil || !last {
		return err
	}
	return tellFriends(ctx, user, `{"online":false}`)
}

func tellFriends(ctx context.Context, user, news string) error {
	offline, err := registry.Broadcast(ctx, online, clients, []byte(news), "ben", "cleo")
	for _, friend := range offline {
		slog.InfoContext(ctx, "went offline unnoticed", "user", friend)
	}
	return err
}

func Example() {
	lambdaruntime.Start(&lambdaruntime.App{WebSocket: chat{}})
}

func ExampleNewMemory() {
	ctx := context.Background()
	r := registry.NewMemory()
	for _, tab := range []string{"tab1=", "tab2="} {
		first, _ := r.Connect(ctx, tab, "ana", time.Now())
		fmt.Println("came online:", first)
	}
	for _, tab := range []string{"tab1=", "tab2="} {
		user, last, _ := r.Disconnect(ctx, tab)
		fmt.Println(user, "went offline:", last)
	}
	// Output:
	// came online: true
	// came online: false
	// ana went offline: false
	// ana went offline: true
}
