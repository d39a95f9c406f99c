// Command handler is the whole backend. What it serves stands in app, from which the
// infrastructure is made.
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
	// pool has a connection for each job that an instance does at once.
	pool = postgres.New("postgres", postgres.Options{MaxConns: 10})
	// db is the store, which is opened before the first event.
	db = lambdaruntime.NewResource("db", openStore)
)

// service is what the handlers share. Tests put their own parts in.
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
		Visibility: producer.Visibility, // for jobs that say when to come again
		Warm:       []lambdaruntime.Warmer{db},
	}
}
