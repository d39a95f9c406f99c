// Command handler is the whole backend. It serves the App that app returns, and the
// constructs make the infrastructure from that App.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// orders is the queue between the API and the job.
var orders = lambdaruntime.Queue[order]{Name: "orders", Timeout: 10 * time.Second}

// service has the dependencies of the handlers. Tests replace the sender.
type service struct {
	orders interface {
		Send(ctx context.Context, o order, opts ...producer.Option) error
	}
}

func main() { lambdaruntime.Start((&service{orders: producer.New(orders)}).app()) }

func (s *service) app() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.postOrder)
	return &lambdaruntime.App{
		HTTP:   mux,
		Queues: []lambdaruntime.Consumer{orders.Consume(s.ship)},
		Schedules: []lambdaruntime.Schedule{
			{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: s.report},
		},
		Visibility: producer.Visibility, // for RetryAfter
	}
}
