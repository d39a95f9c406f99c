// Command handler is the whole backend. What it serves stands in app, from which the
// infrastructure is made.
package main

import (
	"context"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

// service is what the handlers share. Tests put their own parts in.
type service struct {
	online  registry.Registry
	clients registry.Sender
}

func main() {
	lambdaruntime.Start((&service{online: registry.New(), clients: connections.New()}).app())
}

func (s *service) app() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rooms/{room}", s.announce)
	return &lambdaruntime.App{HTTP: mux, WebSocket: s}
}

// broadcast sends text to whoever is in a room.
func (s *service) broadcast(ctx context.Context, room, text string) error {
	_, err := registry.Broadcast(ctx, s.online, s.clients, []byte(text), room)
	return err
}
