// Package pgstore keeps idempotency keys in the program's PostgreSQL database. The result
// of an attempt can be stored in the same transaction as its effect:
//
//	var (
//		db    = postgres.New("db", postgres.Options{})
//		store = pgstore.New(db.Get)
//		once  = idempotency.New("charge", store, idempotency.Options{})
//	)
//
//	receipt, err := idempotency.Do(ctx, once, order.ID, func(ctx context.Context) (r Receipt, err error) {
//		pool, err := db.Get(ctx)
//		if err != nil {
//			return r, err
//		}
//		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
//			if r, err = charge(ctx, tx, order); err != nil {
//				return err
//			}
//			return store.CompleteTx(ctx, tx, r)
//		})
//		return r, err
//	})
//
// So the effect and its result are committed together or not at all, however the process
// ends. An attempt is rolled back if another one has taken its key after the lease. The
// effect then happens exactly once.
//
// # The table
//
// [Schema] is the table's DDL, for the program's migrations; [Store.EnsureTable] runs it.
// The table is hearth_idempotency, in the first schema of the search path. Rows stay
// until [Store.DeleteExpired] deletes them; call it in a schedule.
//
// # Database connections
//
// Each step is a single statement outside transactions, so the store works behind RDS
// Proxy and PgBouncer and pins no session. It acquires a database connection for each
// step, and holds none while the guarded code runs: a pool of one connection is enough.
// With such a pool, the caller of Do must hold no connection, and guarded code must
// release its own before it returns. All times are those of the database's clock.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/attempt"
)

// Schema creates the table and its index, unless they exist. A row without a result is in
// progress until lease_until; it may be deleted at expires_at.
const Schema = `create table if not exists hearth_idempotency (
	key text primary key,
	owner text not null,
	fingerprint text not null,
	lease_until timestamptz not null,
	result bytea,
	expires_at timestamptz not null
);
create index if not exists hearth_idempotency_expires_at on hearth_idempotency (expires_at);
`

// schemaLock makes EnsureTable take an advisory lock: when two sessions create the same
// table at the same time, PostgreSQL lets one of them fail.
const schemaLock = "select pg_advisory_xact_lock(7219305661284402817);\n"

// Store is an [idempotency.Store] in a PostgreSQL table. [New] makes it.
type Store struct {
	pool func(context.Context) (*pgxpool.Pool, error)
	now  func() *time.Time // nil is the time of the database's clock
}

var _ idempotency.Store = (*Store)(nil)

// New returns a store in pool's database. The method Get of a postgres.New is such a
// function.
func New(pool func(context.Context) (*pgxpool.Pool, error)) *Store {
	return &Store{pool: pool, now: func() *time.Time { return nil }}
}

// EnsureTable runs [Schema]. Any number of instances may call it at the same time. The
// user needs the right to create tables in the schema; in production, migrations should
// create the table instead.
func (s *Store) EnsureTable(ctx context.Context) error {
	pool, err := s.pool(ctx)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	if _, err := pool.Exec(ctx, schemaLock+Schema); err != nil {
		return fmt.Errorf("pgstore: create the table: %w", err)
	}
	return nil
}

// Statements: $1 is the key and $2 the owner. The last parameter is the time; only tests
// set it.
const (
	beginSQL = `insert into hearth_idempotency as t (key, owner, fingerprint, lease_until, expires_at)
select $1, $2, $3, lease_until, lease_until + interval '1 day'
from (select coalesce($5::timestamptz, clock_timestamp()) + $4::float8 * interval '1 second' as lease_until) as claim
on conflict (key) do update
set owner = excluded.owner, fingerprint = excluded.fingerprint, lease_until = excluded.lease_until, result = null, expires_at = excluded.expires_at
where t.expires_at <= coalesce($5::timestamptz, clock_timestamp())
	or t.result is null and (t.owner = excluded.owner or t.lease_until <= coalesce($5::timestamptz, clock_timestamp()))`

	readSQL = `select fingerprint, result, extract(epoch from lease_until - coalesce($2::timestamptz, clock_timestamp()))::float8
from hearth_idempotency where key = $1`

	completeSQL = `update hearth_idempotency
set result = $3, expires_at = coalesce($5::timestamptz, clock_timestamp()) + $4::float8 * interval '1 second'
where key = $1 and owner = $2`

	releaseSQL = `delete from hearth_idempotency where key = $1 and owner = $2 and result is null`

	deleteSQL = `delete from hearth_idempotency where key in (
	select key from hearth_idempotency where expires_at <= coalesce($2::timestamptz, clock_timestamp())
	order by expires_at limit $1 for update skip locked)`
)

// maxRounds is how often Begin tries a key that another attempt held at its first
// statement and had released at its second.
const maxRounds = 3

// Begin implements [idempotency.Store].
func (s *Store) Begin(ctx context.Context, c idempotency.Claim) (idempotency.Outcome, error) {
	pool, err := s.pool(ctx)
	if err != nil {
		return idempotency.Outcome{}, fmt.Errorf("pgstore: %w", err)
	}
	for range maxRounds {
		done, err := pool.Exec(ctx, beginSQL, c.Key, c.Owner, c.Fingerprint, c.Lease.Seconds(), s.now())
		if err != nil {
			return idempotency.Outcome{}, fmt.Errorf("pgstore: %w", err)
		}
		if done.RowsAffected() == 1 {
			return idempotency.Outcome{Fingerprint: c.Fingerprint}, nil
		}
		out := idempotency.Outcome{Status: idempotency.InProgress}
		var lease float64
		err = pool.QueryRow(ctx, readSQL, c.Key, s.now()).Scan(&out.Fingerprint, &out.Result, &lease)
		switch {
		case errors.Is(err, pgx.ErrNoRows): // released in between
			continue
		case err != nil:
			return idempotency.Outcome{}, fmt.Errorf("pgstore: %w", err)
		case out.Result != nil:
			out.Status = idempotency.Done
		default:
			out.Lease = max(time.Duration(lease*float64(time.Second)), 0)
		}
		return out, nil
	}
	return idempotency.Outcome{Status: idempotency.InProgress, Fingerprint: c.Fingerprint}, nil
}

// Complete implements [idempotency.Store].
func (s *Store) Complete(ctx context.Context, c idempotency.Claim, result []byte, keep time.Duration) error {
	pool, err := s.pool(ctx)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	done, err := pool.Exec(ctx, completeSQL, c.Key, c.Owner, result, keep.Seconds(), s.now())
	switch {
	case err != nil:
		return fmt.Errorf("pgstore: %w", err)
	case done.RowsAffected() == 0:
		return idempotency.ErrLost
	}
	return nil
}

// CompleteTx stores the result of ctx's attempt as part of tx. Code that idempotency.Do,
// Job or HTTP guards calls it last, before it commits; the guard then stores nothing
// itself. Until tx is committed, the key stays in progress. If the commit fails, the
// attempt must fail too.
//
// result is the value that the function given to Do returns, any value for a Job, or an
// idempotency.Response for HTTP, which the handler writes after the commit.
//
// If another attempt has taken the key since, the error is an [idempotency.ErrLost]: roll
// back. It also fails outside guarded code and for a guard on another store.
func (s *Store) CompleteTx(ctx context.Context, tx pgx.Tx, result any) error {
	a := attempt.From(ctx)
	if a == nil || a.Store != idempotency.Store(s) {
		return errors.New("pgstore: CompleteTx: the context must be that of code which a guard on this store runs")
	}
	data, err := a.Encode(result)
	if err != nil {
		return fmt.Errorf("pgstore: CompleteTx: %w", err)
	}
	done, err := tx.Exec(ctx, completeSQL, a.Key, a.Owner, data, a.Keep.Seconds(), s.now())
	switch {
	case err != nil:
		return fmt.Errorf("pgstore: CompleteTx: %w", err)
	case done.RowsAffected() == 0:
		return fmt.Errorf("pgstore: CompleteTx: %w", idempotency.ErrLost)
	}
	a.MarkCompleted()
	return nil
}

// Release implements [idempotency.Store].
func (s *Store) Release(ctx context.Context, c idempotency.Claim) error {
	pool, err := s.pool(ctx)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	if _, err := pool.Exec(ctx, releaseSQL, c.Key, c.Owner); err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	return nil
}

// DeleteExpired deletes at most limit rows, and returns how many it deleted. It deletes
// rows whose result has expired, or whose lease ended more than a day ago without a
// result. Call it until it returns less than limit. Concurrent calls do not wait for each
// other.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	pool, err := s.pool(ctx)
	if err != nil {
		return 0, fmt.Errorf("pgstore: %w", err)
	}
	done, err := pool.Exec(ctx, deleteSQL, limit, s.now())
	if err != nil {
		return 0, fmt.Errorf("pgstore: delete what has expired: %w", err)
	}
	return int(done.RowsAffected()), nil
}
