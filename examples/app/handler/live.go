package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

// everybody is the user that all connections belong to.
const everybody = "everybody"

// Connect accepts every client. Any instance may get a client's messages, so the registry
// stores its connection. An error would refuse the client; see
// [lambdaruntime.StatusError].
func (s *service) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	_, err := s.online.Connect(ctx, r.ConnectionID, everybody, time.Now())
	return err
}

// Message replies to the client. A message to any other client needs a push.
func (s *service) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply(append([]byte("you said: "), m.Data...))
	return nil
}

// Disconnect removes the client from the registry.
func (s *service) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	_, _, err := s.online.Disconnect(ctx, d.ConnectionID)
	return err
}

// tell pushes text to all clients. It only logs an error: if the job failed because of an
// unreachable client, it would run again.
func (s *service) tell(ctx context.Context, text string) {
	if _, err := registry.Broadcast(ctx, s.online, s.clients, []byte(text), everybody); err != nil {
		slog.WarnContext(ctx, "some clients were not told", "error", err.Error())
	}
}
