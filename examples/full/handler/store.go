package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// store keeps orders. Tests use one in memory.
type store interface {
	// add reports whether the order is new.
	add(ctx context.Context, o order) (bool, error)
	list(ctx context.Context) ([]order, error)
	count(ctx context.Context) (int, error)
}

// listed is the number of orders that GET /orders returns.
const listed = 100

// schema creates the table. Several instances may run it at the same time, and then "if not
// exists" alone may fail; so the lock lets one instance at a time run it.
const schema = `
	select pg_advisory_xact_lock(1);
	create table if not exists orders (
		id         text        primary key,
		item       text        not null,
		count      integer     not null,
		created_at timestamptz not null default now()
	)`

// openStore connects to the database and creates the table.
func openStore(ctx context.Context) (store, error) {
	p, err := pool.Get(ctx)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, p, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().Exec(ctx, schema).ReadAll()
		return err
	})
	return &pgStore{p}, err
}

// pgStore keeps orders in PostgreSQL.
type pgStore struct{ pool *pgxpool.Pool }

func (s *pgStore) add(ctx context.Context, o order) (bool, error) {
	tag, err := s.pool.Exec(ctx, "insert into orders (id, item, count) values ($1, $2, $3) on conflict do nothing", o.ID, o.Item, o.Count)
	return tag.RowsAffected() == 1, err
}

func (s *pgStore) list(ctx context.Context) ([]order, error) {
	rows, err := s.pool.Query(ctx, "select id, item, count from orders order by created_at desc limit $1", listed)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[order])
}

func (s *pgStore) count(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, "select count(*) from orders").Scan(&n)
	return n, err
}
