package pgstore_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/pgstore"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
)

var (
	db    = postgres.New("db", postgres.Options{})
	store = pgstore.New(db.Get)
	once  = idempotency.New("orders", store, idempotency.Options{})
)

type order struct {
	ID    string
	Cents int
}

// post books an order; the row and its key's result are committed together.
func post(ctx context.Context, job *lambdaruntime.Job[order]) error {
	pool, err := db.Get(ctx)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update accounts set cents = cents - $1`, job.Payload.Cents); err != nil {
			return err
		}
		return store.CompleteTx(ctx, tx, nil)
	})
}

// create makes an order; its response is committed with it.
func create(w http.ResponseWriter, r *http.Request) {
	pool, err := db.Get(r.Context())
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	response := idempotency.Response{Status: http.StatusCreated, Header: http.Header{"Content-Type": {"text/plain"}}}
	err = pgx.BeginFunc(r.Context(), pool, func(tx pgx.Tx) error {
		var id int
		if err := tx.QueryRow(r.Context(), `insert into orders default values returning id`).Scan(&id); err != nil {
			return err
		}
		response.Body = fmt.Appendf(nil, "order %d", id)
		return store.CompleteTx(r.Context(), tx, response)
	})
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	response.Write(w)
}

// cleanUp runs once a day.
func cleanUp(ctx context.Context, _ time.Time) error {
	const limit = 10_000
	for {
		if n, err := store.DeleteExpired(ctx, limit); err != nil || n < limit {
			return err
		}
	}
}

func Example() {
	postings := lambdaruntime.Queue[order]{Name: "postings"}
	orderID := func(job *lambdaruntime.Job[order]) string { return job.Payload.ID }
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP:      idempotency.HTTP(once, http.HandlerFunc(create), idempotency.HTTPOptions{Required: true}),
		Queues:    []lambdaruntime.Consumer{postings.Consume(idempotency.Job(once, orderID, post))},
		Schedules: []lambdaruntime.Schedule{{Name: "clean-up", Expression: "rate(1 day)", Run: cleanUp}},
		Warm:      []lambdaruntime.Warmer{db},
	})
}
