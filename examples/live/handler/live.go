package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// defaultRoom is where clients are that name no room.
const defaultRoom = "lobby"

// Connect lets a client into the room that it asks for: ws://…?room=tea. Any instance
// may get its messages, so the registry remembers who is there.
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

// Message answers the client itself. Whoever is to hear of it too gets a push.
func (s *service) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply(append([]byte("you said: "), m.Data...))
	return nil
}

// Disconnect forgets the client.
func (s *service) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	_, _, err := s.online.Disconnect(ctx, d.ConnectionID)
	return err
}

// announce answers POST /rooms/{room}: its body goes to whoever is in the room.
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
