// A chat that only knows who is there: a client comes with ?user=…, and each message
// is answered with this program's version, the user's connections and who of two
// users is online. Changes of presence go to the log.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

const version = "one"

var online = registry.New()

type chat struct{}

func (chat) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	user := r.Query.Get("user")
	first, err := online.Connect(ctx, r.ConnectionID, user, time.Now())
	if err == nil && first {
		fmt.Printf("%s came online\n", user)
	}
	return err
}

func (chat) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	connections, err := online.Connections(ctx, string(m.Data))
	if err != nil {
		return err
	}
	users, err := online.Online(ctx, "ana", "ben")
	if err != nil {
		return err
	}
	reply, err := json.Marshal(map[string]any{"version": version, "connections": len(connections), "online": users})
	m.Reply(reply)
	return err
}

func (chat) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	user, last, err := online.Disconnect(ctx, d.ConnectionID)
	if err == nil && last {
		fmt.Printf("%s went offline\n", user)
	}
	return err
}

func main() { lambdaruntime.Start(&lambdaruntime.App{WebSocket: chat{}}) }
