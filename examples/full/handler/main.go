// Command handler is the whole backend. It serves the App that app returns, and the
// constructs make the infrastructure from that App.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

var (
	// orders is the queue between the API and the job.
	orders = lambdaruntime.Queue[order]{Name: "orders", Timeout: 10 * time.Second}
	// pool has a connection for each concurrent job of an instance.
	pool = postgres.New("postgres", postgres.Options{MaxConns: 10})
	// db is the store. The runtime opens it before the first event.
	db = lambdaruntime.NewResource("db", openStore)
)

// service has the dependencies of the handlers. Tests replace them.
type service struct {
	orders interface {
		Send(ctx context.Context, o order, opts ...producer.Option) error
	}
	online  registry.Registry
	clients registry.Sender
	store   interface {
		Get(ctx context.Context) (store, error)
	}
}

func main() {
	s := &service{orders: producer.New(orders), online: registry.New(), clients: connections.New(), store: db}
	lambdaruntime.Start(s.app())
}

func (s *service) app() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.postOrder)
	mux.HandleFunc("GET /orders", s.listOrders)
	return &lambdaruntime.App{
		HTTP:      mux,
		WebSocket: s,
		Queues:    []lambdaruntime.Consumer{orders.Consume(s.ship)},
		Schedules: []lambdaruntime.Schedule{
			{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: s.report},
		},
		Visibility: producer.Visibility, // for RetryAfter
		Warm:       []lambdaruntime.Warmer{db},
	}
}
