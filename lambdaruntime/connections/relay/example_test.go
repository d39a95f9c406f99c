package relay_test

import (
	"context"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/relay"
)

var (
	online  = registry.New()
	clients = relay.New()
)

type chat struct{}

func (chat) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error { return nil }

func (chat) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	_, err := registry.Broadcast(ctx, online, clients, m.Data, "ana", "ben")
	return err
}

func (chat) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	_, _, err := online.Disconnect(ctx, d.ConnectionID)
	return err
}

// One program is both functions: the one in the VPC, which serves the WebSocket API, and
// the one outside, which sends the pushes of the first.
func Example() {
	forget := func(ctx context.Context, connectionID string) error {
		_, _, err := online.Disconnect(ctx, connectionID)
		return err
	}
	lambdaruntime.Start(&lambdaruntime.App{
		WebSocket: chat{},
		Queues:    []lambdaruntime.Consumer{relay.Consumer(relay.OnGone(forget))},
	})
}
