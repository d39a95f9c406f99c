package connections_test

import (
	"context"
	"errors"
	"log/slog"

	"github.com/lambdahearth/hearth/lambdaruntime/connections"
)

var clients = connections.New()

// forget stands for deleting an id from the program's database.
func forget(ids ...string) {}

func ExampleClient_SendJSON() {
	ctx := context.Background()
	err := clients.SendJSON(ctx, "L0SM9cOFvHcCIhw=", map[string]string{"event": "changed"})
	switch {
	case errors.Is(err, connections.ErrGone):
		forget("L0SM9cOFvHcCIhw=")
	case err != nil:
		slog.ErrorContext(ctx, "not told", "error", err)
	}
}

func ExampleClient_SendAll() {
	ctx := context.Background()
	gone, err := clients.SendAll(ctx, []string{"L0SM9cOFvHcCIhw=", "L0SM9dOFvHcCIhx="}, []byte("hello"))
	forget(gone...)
	if err != nil {
		slog.ErrorContext(ctx, "some were not told", "error", err)
	}
}
