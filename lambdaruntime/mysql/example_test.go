package mysql_test

import (
	"context"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql"
)

func ExampleNew() {
	db := mysql.New("db", mysql.Options{})
	count := func(ctx context.Context) (n int, err error) {
		pool, err := db.Get(ctx)
		if err != nil {
			return 0, err
		}
		err = pool.QueryRowContext(ctx, `select count(*) from visits where page = ?`, "/").Scan(&n)
		return n, err
	}
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := count(r.Context()); err != nil {
				http.Error(w, "try again", http.StatusServiceUnavailable)
			}
		}),
		Warm: []lambdaruntime.Warmer{db},
	})
}
