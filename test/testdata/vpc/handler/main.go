// Command handler reads a row over HTTP, and pushes to the clients of a WebSocket API
// through a relay.
package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/relay"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
)

var (
	db      = postgres.New("db", postgres.Options{})
	clients = relay.New()
)

func main() {
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			row, err := read(r.Context())
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, row)
		}),
		WebSocket: live{},
		Queues:    []lambdaruntime.Consumer{relay.Consumer()},
	})
}

// read writes a row and reads it back.
func read(ctx context.Context) (row string, err error) {
	pool, err := db.Get(ctx)
	if err != nil {
		return "", err
	}
	for _, statement := range []string{
		"create table if not exists rows (name text primary key, text text)",
		"insert into rows values ('one', 'the row') on conflict do nothing",
	} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	err = pool.QueryRow(ctx, "select text from rows where name = $1", "one").Scan(&row)
	return row, err
}

// live pushes each message back.
type live struct{}

func (live) Connect(context.Context, *lambdaruntime.ConnectRequest) error { return nil }

func (live) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	return clients.Send(ctx, m.ConnectionID, append([]byte("relayed "), m.Data...))
}

func (live) Disconnect(context.Context, *lambdaruntime.DisconnectRequest) error { return nil }
