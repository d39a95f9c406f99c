// Command websocket answers the messages of WebSocket clients, and nothing else.
package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() { lambdaruntime.Start(&lambdaruntime.App{WebSocket: calculator{}}) }

type calculator struct{}

// Connect refuses clients without a user. An authorizer of the API would check them
// earlier.
func (calculator) Connect(_ context.Context, r *lambdaruntime.ConnectRequest) error {
	if r.Query.Get("user") == "" {
		return &lambdaruntime.StatusError{Status: http.StatusUnauthorized, Message: "say ?user="}
	}
	return nil
}

// Message replies in the answer to the client's own message, which needs no push.
func (calculator) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	var add []int
	if err := json.Unmarshal(m.Data, &add); err != nil {
		return &lambdaruntime.StatusError{Status: http.StatusBadRequest, Message: "send numbers, such as [1, 2]"}
	}
	sum := 0
	for _, n := range add {
		sum += n
	}
	reply, err := json.Marshal(map[string]int{"sum": sum})
	m.Reply(reply)
	return err
}

func (calculator) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }
