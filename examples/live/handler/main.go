// Command handler is the whole backend. It serves the App that app returns, and the
// constructs make the infrastructure from that App.
package main

import (
	"context"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

// service has the dependencies of the handlers. Tests replace them.
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

// broadcast pushes text to all clients in a room.
func (s *service) broadcast(ctx context.Context, room, text string) error {
	_, err := registry.Broadcast(ctx, s.online, s.clients, []byte(text), room)
	return err
}
