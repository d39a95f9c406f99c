// Package store keeps bookmarks and WebSocket connections in a SQL database. It uses only
// SQL that both PostgreSQL and SQLite support.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound says that the user has no such row.
var ErrNotFound = errors.New("not found")

// Bookmark is one user's bookmark.
type Bookmark struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Title     string    `json:"title"` // "" until the page has been fetched
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Op is the kind of a [Change].
type Op string

// The kinds of changes.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is a change of a user's bookmark, as a message of the queue.
type Change struct {
	// ID identifies the change: the store applies a change that arrives twice only once.
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Op         Op        `json:"op"`
	BookmarkID string    `json:"bookmarkId"`
	URL        string    `json:"url,omitempty"`
	At         time.Time `json:"at"`
}

// schema uses only types and functions that both databases have. Times are milliseconds
// since 1970.
var schema = []string{
	`create table bookmarks (
		user_id    text   not null,
		id         text   not null,
		url        text   not null,
		title      text   not null,
		created_at bigint not null,
		updated_at bigint not null,
		deleted_at bigint,
		primary key (user_id, id)
	)`,
	`create index bookmarks_deleted on bookmarks (deleted_at) where deleted_at is not null`,
	`create table changes (
		id         text   not null primary key,
		applied_at bigint not null
	)`,
	`create index changes_applied on changes (applied_at)`,
	`create table connections (
		id           text   not null primary key,
		user_id      text   not null,
		connected_at bigint not null
	)`,
	`create index connections_user on connections (user_id)`,
	`create index connections_connected on connections (connected_at)`,
}

// Store is safe for concurrent use.
type Store struct{ db *sql.DB }

// Open returns a store in db, and creates missing tables.
func Open(ctx context.Context, db *sql.DB) (*Store, error) {
	s := &Store{db: db}
	if s.ready(ctx) {
		return s, nil
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range schema {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	// If several instances start at once, one creates the tables, and the others fail
	// because the tables exist.
	if err != nil && !s.ready(ctx) {
		return nil, fmt.Errorf("create the tables: %w", err)
	}
	return s, nil
}

// ready reports whether the last table exists. One transaction creates all tables, so then
// all of them exist.
func (s *Store) ready(ctx context.Context) bool {
	rows, err := s.db.QueryContext(ctx, `select id from connections limit 0`)
	if err != nil {
		return false
	}
	return rows.Close() == nil
}

// inTx runs fn in a transaction. The end of ctx rolls it back.
func (s *Store) inTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

const columns = `id, url, title, created_at, updated_at`

func scan(row interface{ Scan(...any) error }) (*Bookmark, error) {
	var b Bookmark
	var created, updated int64
	err := row.Scan(&b.ID, &b.URL, &b.Title, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	b.CreatedAt, b.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return &b, nil
}

// Get returns a bookmark, or [ErrNotFound].
func (s *Store) Get(ctx context.Context, user, id string) (*Bookmark, error) {
	b, err := scan(s.db.QueryRowContext(ctx,
		`select `+columns+` from bookmarks where user_id = $1 and id = $2 and deleted_at is null`, user, id))
	if err != nil {
		return nil, fmt.Errorf("get bookmark: %w", err)
	}
	return b, nil
}

// List returns up to limit of a user's bookmarks, the newest first. It starts after the
// bookmark with the id before; "" starts with the newest.
func (s *Store) List(ctx context.Context, user, before string, limit int) ([]*Bookmark, error) {
	if before == "" {
		before = "~" // greater than any id
	}
	rows, err := s.db.QueryContext(ctx, `select `+columns+` from bookmarks
		where user_id = $1 and id < $2 and deleted_at is null order by id desc limit $3`, user, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list bookmarks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	list := []*Bookmark{}
	for rows.Next() {
		b, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list bookmarks: %w", err)
		}
		list = append(list, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list bookmarks: %w", err)
	}
	return list, nil
}

// Apply applies a change once. If it has applied the change before, it only returns the
// current bookmark. The bookmark is nil if the change leaves none.
func (s *Store) Apply(ctx context.Context, c *Change) (*Bookmark, error) {
	var b *Bookmark
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		first, err := changed(tx.ExecContext(ctx,
			`insert into changes (id, applied_at) values ($1, $2) on conflict (id) do nothing`, c.ID, c.At.UnixMilli()))
		if err != nil {
			return err
		}
		if first {
			if err := apply(ctx, tx, c); err != nil {
				return err
			}
		}
		b, err = scan(tx.QueryRowContext(ctx,
			`select `+columns+` from bookmarks where user_id = $1 and id = $2 and deleted_at is null`, c.User, c.BookmarkID))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("apply change %s: %w", c.ID, err)
	}
	return b, nil
}

func apply(ctx context.Context, tx *sql.Tx, c *Change) error {
	var err error
	at := c.At.UnixMilli()
	switch c.Op {
	case Create:
		_, err = tx.ExecContext(ctx, `insert into bookmarks (user_id, id, url, title, created_at, updated_at)
			values ($1, $2, $3, '', $4, $4) on conflict (user_id, id) do nothing`, c.User, c.BookmarkID, c.URL, at)
	case Update:
		_, err = tx.ExecContext(ctx, `update bookmarks
			set title = case when url = $1 then title else '' end, url = $1, updated_at = $2
			where user_id = $3 and id = $4 and deleted_at is null`, c.URL, at, c.User, c.BookmarkID)
	case Delete:
		_, err = tx.ExecContext(ctx, `update bookmarks set deleted_at = $1
			where user_id = $2 and id = $3 and deleted_at is null`, at, c.User, c.BookmarkID)
	default:
		err = fmt.Errorf("op must be create, update or delete, got %q", c.Op)
	}
	return err
}

// SetTitle stores the title of the page at url. It returns [ErrNotFound] if the bookmark is
// deleted or has another URL now.
func (s *Store) SetTitle(ctx context.Context, user, id, url, title string, at time.Time) (*Bookmark, error) {
	b, err := scan(s.db.QueryRowContext(ctx, `update bookmarks set title = $1, updated_at = $2
		where user_id = $3 and id = $4 and url = $5 and deleted_at is null returning `+columns,
		title, at.UnixMilli(), user, id, url))
	if err != nil {
		return nil, fmt.Errorf("set title: %w", err)
	}
	return b, nil
}

// Connect stores a user's WebSocket connection.
func (s *Store) Connect(ctx context.Context, connectionID, user string, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `insert into connections (id, user_id, connected_at) values ($1, $2, $3)
		on conflict (id) do update set user_id = excluded.user_id, connected_at = excluded.connected_at`,
		connectionID, user, at.UnixMilli())
	if err != nil {
		return fmt.Errorf("store connection: %w", err)
	}
	return nil
}

// Disconnect deletes a WebSocket connection.
func (s *Store) Disconnect(ctx context.Context, connectionID string) error {
	if _, err := s.db.ExecContext(ctx, `delete from connections where id = $1`, connectionID); err != nil {
		return fmt.Errorf("forget connection: %w", err)
	}
	return nil
}

// UserOf returns the user of a connection, or [ErrNotFound].
func (s *Store) UserOf(ctx context.Context, connectionID string) (string, error) {
	var user string
	err := s.db.QueryRowContext(ctx, `select user_id from connections where id = $1`, connectionID).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("find connection: %w", err)
	}
	return user, nil
}

// Connections returns the ids of a user's WebSocket connections.
func (s *Store) Connections(ctx context.Context, user string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `select id from connections where user_id = $1 order by id`, user)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list connections: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return ids, nil
}

// Purged has the numbers of rows that [Store.Purge] deleted.
type Purged struct{ Connections, Bookmarks, Changes int64 }

// Purge deletes expired rows: connections opened before connected, bookmarks deleted before
// deleted, and the ids of changes applied before applied.
func (s *Store) Purge(ctx context.Context, connected, deleted, applied time.Time) (Purged, error) {
	var p Purged
	for _, step := range []struct {
		count  *int64
		query  string
		before time.Time
	}{
		{&p.Connections, `delete from connections where connected_at < $1`, connected},
		{&p.Bookmarks, `delete from bookmarks where deleted_at < $1`, deleted},
		{&p.Changes, `delete from changes where applied_at < $1`, applied},
	} {
		result, err := s.db.ExecContext(ctx, step.query, step.before.UnixMilli())
		if err == nil {
			*step.count, err = result.RowsAffected()
		}
		if err != nil {
			return p, fmt.Errorf("purge: %w", err)
		}
	}
	return p, nil
}

// changed reports whether a statement changed a row.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
