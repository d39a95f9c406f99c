// Package pgstore keeps idempotency keys in the program's PostgreSQL database, where the
// result of an attempt can be stored in the same transaction as its effect:
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
// ends, and an attempt whose lease was over and whose key another attempt has taken is
// rolled back. The effect then happens exactly once.
//
// # The table
//
// [Schema] is the table's DDL, to put into the program's migrations; [Store.EnsureTable]
// runs it. The table is hearth_idempotency, in the first schema of the search path. Rows
// stay until [Store.DeleteExpired] deletes them, which a schedule should call.
//
// # Connections
//
// Each step is a single statement outside of transactions, so the store works behind RDS
// Proxy and PgBouncer and pins no session. It takes a connection for each, and has none
// while the guarded code runs: a pool of one connection is enough. So whoever calls Do must
// hold no connection of a pool that has no other, and guarded code must have released its
// own when it returns. All times are those of the database's clock.
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

// Schema creates the table and its index, unless they are there. A row without a result
// is in progress until lease_until; at expires_at it may be deleted.
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

// schemaLock is the advisory lock under which EnsureTable works: PostgreSQL lets one of
// two sessions fail that create the same table at the same time.
const schemaLock = "select pg_advisory_xact_lock(7219305661284402817);\n"

// Store is an [idempotency.Store] in a PostgreSQL table. It is made by [New].
type Store struct {
	pool func(context.Context) (*pgxpool.Pool, error)
	now  func() *time.Time // nil is the time of the database's clock
}

var _ idempotency.Store = (*Store)(nil)

// New returns a store in the database that pool is connected to. The method Get of a
// postgres.New is such a function.
func New(pool func(context.Context) (*pgxpool.Pool, error)) *Store {
	return &Store{pool: pool, now: func() *time.Time { return nil }}
}

// EnsureTable runs [Schema]. Any number of instances may call it at the same time. The
// user needs the right to create tables in the schema, which a program in production
// better leaves to its migrations.
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

// Statements: $1 is the key and $2 the owner. The time that the last parameter gives is
// null but in tests.
const (
	beginSQL = `insert into hearth_idempotency as t (key, owner, fingerprint, lease_until, expires_at)
select $1, $2, $3, lease_until, lease_until + interval '1 day'
from (select coalesce($5::timestamptz, clock_timestamp()) + $4::float8 * interval '1 second' as lease_until) as claim
on conflict (key) do update
set owner = excluded.owner, fingerprint = excluded.fingerprint, lease_until = excluded.lease_until, result = null, expires_at = excluded.expires_at
where t.expires_at <= coalesce($5::timestamptz, clock_timestamp())
	or t.result is null and (t.owner = excluded.owner or t.lease_until <= coalesce($5::timestamptz, clock_timestamp()))`

	lookSQL = `select fingerprint, result, extract(epoch from lease_until - coalesce($2::timestamptz, clock_timestamp()))::float8
from hearth_idempotency where key = $1`

	completeSQL = `update hearth_idempotency
set result = $3, expires_at = coalesce($5::timestamptz, clock_timestamp()) + $4::float8 * interval '1 second'
where key = $1 and owner = $2`

	releaseSQL = `delete from hearth_idempotency where key = $1 and owner = $2 and result is null`

	deleteSQL = `delete from hearth_idempotency where key in (
	select key from hearth_idempotency where expires_at <= coalesce($2::timestamptz, clock_timestamp())
	order by expires_at limit $1 for update skip locked)`
)

// maxRounds is how often Begin tries to claim a key that others hold at its first
// statement and have released at its second.
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
		err = pool.QueryRow(ctx, lookSQL, c.Key, s.now()).Scan(&out.Fingerprint, &out.Result, &lease)
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

// CompleteTx remembers the result of the attempt that ctx belongs to as part of tx: the
// code that idempotency.Do, Job or HTTP guards calls it last, before it commits. The
// guard then stores nothing itself. Before tx is committed, the key stays in progress;
// if it is not, the attempt must fail.
//
// result is the value that the function given to Do returns, any value for a Job, and an
// idempotency.Response for HTTP, which the handler writes after the commit.
//
// When another attempt has taken the key since, the error is an [idempotency.ErrLost]:
// roll back. It also fails outside of guarded code and for a guard on another store.
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

// DeleteExpired deletes at most limit rows whose result has expired, or whose process has
// died more than a day ago, and returns how many there were. Call it until that is less
// than limit. Instances that call it at the same time do not wait for each other.
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
