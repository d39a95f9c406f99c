package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

// everybody is the user whose connections are all that there are.
const everybody = "everybody"

// Connect lets every client in. Any instance may get its messages, so the registry
// remembers who is there. An error would refuse it; see [lambdaruntime.StatusError].
func (s *service) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	_, err := s.online.Connect(ctx, r.ConnectionID, everybody, time.Now())
	return err
}

// Message answers the client itself. Whoever else is to hear of it gets a push.
func (s *service) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply(append([]byte("you said: "), m.Data...))
	return nil
}

// Disconnect forgets the client.
func (s *service) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	_, _, err := s.online.Disconnect(ctx, d.ConnectionID)
	return err
}

// tell pushes text to all clients. A job does not fail because a client was not reached:
// it would be done again.
func (s *service) tell(ctx context.Context, text string) {
	if _, err := registry.Broadcast(ctx, s.online, s.clients, []byte(text), everybody); err != nil {
		slog.WarnContext(ctx, "some clients were not told", "error", err.Error())
	}
}
