// Command database counts visits in PostgreSQL.
package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
)

// db is the database. The runtime connects to it before the first event. An instance serves
// one request at a time, so it has one connection.
var db = postgres.New("db", postgres.Options{})

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /visits", visit)
	lambdaruntime.Start(&lambdaruntime.App{HTTP: mux, Warm: []lambdaruntime.Warmer{db}})
}

// visit counts in a transaction. With ?fail=1 it panics within the transaction: the runtime
// takes the connection back, and PostgreSQL rolls back.
func visit(w http.ResponseWriter, r *http.Request) {
	pool, err := db.Get(r.Context())
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	tx, err := pool.Begin(r.Context())
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	n, err := count(r.Context(), tx)
	if r.URL.Query().Has("fail") {
		panic("in the middle of a transaction")
	}
	if err == nil {
		err = tx.Commit(r.Context())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, n)
}

func count(ctx context.Context, tx pgx.Tx) (n int, err error) {
	if _, err = tx.Exec(ctx, "create table if not exists visits (at timestamptz not null default now())"); err != nil {
		return 0, err
	}
	if _, err = tx.Exec(ctx, "insert into visits default values"); err != nil {
		return 0, err
	}
	return n, tx.QueryRow(ctx, "select count(*) from visits").Scan(&n)
}
