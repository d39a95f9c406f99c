package main

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

// pushes records the pushed messages: "CONNECTION TEXT".
type pushes struct{ sent []string }

func (p *pushes) SendAll(_ context.Context, ids []string, data []byte) (gone []string, err error) {
	for _, id := range ids {
		p.sent = append(p.sent, id+" "+string(data))
	}
	return nil, nil
}

func TestRooms(t *testing.T) {
	t.Parallel()
	clients := &pushes{}
	backend := lambdatest.New(t, (&service{online: registry.NewMemory(), clients: clients}).app())
	for id, path := range map[string]string{"anna": "/?room=tea", "ben": "/?room=tea", "carl": "/"} {
		if status := backend.Connect(id, httptest.NewRequest("GET", path, nil)); status != 200 {
			t.Errorf("%s: %d", id, status)
		}
	}
	if status := backend.Connect("dora", httptest.NewRequest("GET", "/?room="+strings.Repeat("x", 51), nil)); status != 400 {
		t.Errorf("a long room: %d", status)
	}
	if reply := backend.Message("anna", "hello"); string(reply) != "you said: hello" {
		t.Errorf("got %s", reply)
	}
	backend.Disconnect("ben", 1000)
	resp := backend.HTTP(httptest.NewRequest("POST", "/rooms/tea", strings.NewReader("the kettle is on")))
	if want := []string{"anna the kettle is on"}; resp.StatusCode != 200 || !slices.Equal(clients.sent, want) {
		t.Errorf("got %s, pushed %q, want %q", resp.Status, clients.sent, want)
	}
}
