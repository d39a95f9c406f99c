package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// defaultRoom is the room of clients that name none.
const defaultRoom = "lobby"

// Connect adds a client to the room that it names: ws://…?room=tea. Any instance may get a
// client's messages, so the registry stores its connection.
func (s *service) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	room := r.Query.Get("room")
	if room == "" {
		room = defaultRoom
	}
	if len(room) > 50 {
		return &lambdaruntime.StatusError{Status: http.StatusBadRequest, Message: "room must be at most 50 bytes long"}
	}
	_, err := s.online.Connect(ctx, r.ConnectionID, room, time.Now())
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

// announce answers POST /rooms/{room}: it pushes the body to all clients in the room.
func (s *service) announce(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<10))
	if err != nil {
		http.Error(w, "an announcement must be at most 32 KB long", http.StatusRequestEntityTooLarge)
		return
	}
	if err := s.broadcast(r.Context(), r.PathValue("room"), string(text)); err != nil {
		http.Error(w, "some were not reached", http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, "announced\n")
}
