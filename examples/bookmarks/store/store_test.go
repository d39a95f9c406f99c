package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/examples/bookmarks/store/sqlite"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

func TestSQLite(t *testing.T) {
	suite(t, func(t *testing.T) func() *sql.DB {
		path := filepath.Join(t.TempDir(), "a file?.db")
		return func() *sql.DB {
			db, err := sqlite.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return db
		}
	})
}

func TestPostgres(t *testing.T) {
	// Use the pool of the deployed program, with its query mode.
	t.Setenv("DATABASE_URL", postgrestest.Start(t))
	suite(t, func(t *testing.T) func() *sql.DB {
		return func() *sql.DB {
			pool, err := postgres.New("db", postgres.Options{MaxConns: 2}).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			return stdlib.OpenDBFromPool(pool)
		}
	}, "drop table if exists bookmarks, changes, connections")
}

var at = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// suite runs every test on a new store. connect returns a function that opens one database
// again, as each process does.
func suite(t *testing.T, connect func(t *testing.T) func() *sql.DB, reset ...string) {
	setup := func(t *testing.T) *store.Store {
		t.Helper()
		db := connect(t)()
		t.Cleanup(func() { _ = db.Close() })
		for _, statement := range reset {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		s, err := store.Open(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	apply := func(t *testing.T, s *store.Store, c store.Change) *store.Bookmark {
		t.Helper()
		b, err := s.Apply(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	t.Run("the life of a bookmark", func(t *testing.T) {
		s := setup(t)
		created := apply(t, s, store.Change{ID: "c1", User: "ann", Op: store.Create, BookmarkID: "b1", URL: "https://a.example/ü?x=1", At: at})
		want := &store.Bookmark{ID: "b1", URL: "https://a.example/ü?x=1", CreatedAt: at, UpdatedAt: at}
		if diff := cmp.Diff(want, created); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		titled, err := s.SetTitle(t.Context(), "ann", "b1", want.URL, "A “title” 'q'", at.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		want.Title, want.UpdatedAt = "A “title” 'q'", at.Add(time.Second)
		if diff := cmp.Diff(want, titled); diff != "" {
			t.Errorf("titled (-want +got):\n%s", diff)
		}
		got, err := s.Get(t.Context(), "ann", "b1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("read: %v (-want +got):\n%s", err, diff)
		}
		same := apply(t, s, store.Change{ID: "c2", User: "ann", Op: store.Update, BookmarkID: "b1", URL: want.URL, At: at})
		if same.Title != want.Title {
			t.Errorf("the same URL lost its title")
		}
		moved := apply(t, s, store.Change{ID: "c3", User: "ann", Op: store.Update, BookmarkID: "b1", URL: "https://b.example", At: at})
		if moved.Title != "" || moved.URL != "https://b.example" || !moved.CreatedAt.Equal(at) {
			t.Errorf("moved: %+v", moved)
		}
		if _, err := s.SetTitle(t.Context(), "ann", "b1", want.URL, "late", at); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("title of the old URL: got %v, want %v", err, store.ErrNotFound)
		}
		if b := apply(t, s, store.Change{ID: "c4", User: "ann", Op: store.Delete, BookmarkID: "b1", At: at}); b != nil {
			t.Errorf("deleted: %+v", b)
		}
		if _, err := s.Get(t.Context(), "ann", "b1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("get: got %v, want %v", err, store.ErrNotFound)
		}
	})

	t.Run("a change is applied once", func(t *testing.T) {
		s := setup(t)
		first := store.Change{ID: "c1", User: "ann", Op: store.Create, BookmarkID: "b1", URL: "https://one.example", At: at}
		second := store.Change{ID: "c2", User: "ann", Op: store.Update, BookmarkID: "b1", URL: "https://two.example", At: at}
		third := store.Change{ID: "c3", User: "ann", Op: store.Delete, BookmarkID: "b1", At: at}
		apply(t, s, first)
		apply(t, s, second)
		// A batch whose response was lost comes again from its start.
		for _, c := range []store.Change{first, second} {
			if b := apply(t, s, c); b.URL != "https://two.example" {
				t.Errorf("change %s again: got %s", c.ID, b.URL)
			}
		}
		apply(t, s, third)
		for _, c := range []store.Change{first, second, third} {
			if b := apply(t, s, c); b != nil {
				t.Errorf("change %s brought the bookmark back: %+v", c.ID, b)
			}
		}
	})

	t.Run("users do not see each other", func(t *testing.T) {
		s := setup(t)
		apply(t, s, store.Change{ID: "c1", User: "ann", Op: store.Create, BookmarkID: "b1", URL: "https://a.example", At: at})
		apply(t, s, store.Change{ID: "c2", User: "bob", Op: store.Update, BookmarkID: "b1", URL: "https://evil.example", At: at})
		apply(t, s, store.Change{ID: "c3", User: "bob", Op: store.Delete, BookmarkID: "b1", At: at})
		if _, err := s.Get(t.Context(), "bob", "b1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want %v", err, store.ErrNotFound)
		}
		if b, err := s.Get(t.Context(), "ann", "b1"); err != nil || b.URL != "https://a.example" {
			t.Errorf("got %+v, %v", b, err)
		}
	})

	t.Run("lists are paged, newest first", func(t *testing.T) {
		s := setup(t)
		for _, id := range []string{"b1", "b2", "b3", "b4"} {
			apply(t, s, store.Change{ID: id, User: "ann", Op: store.Create, BookmarkID: id, URL: "https://a.example", At: at})
		}
		apply(t, s, store.Change{ID: "d", User: "ann", Op: store.Delete, BookmarkID: "b2", At: at})
		var pages [][]string
		for before := ""; ; {
			list, err := s.List(t.Context(), "ann", before, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			var ids []string
			for _, b := range list {
				ids = append(ids, b.ID)
			}
			pages, before = append(pages, ids), ids[len(ids)-1]
		}
		if diff := cmp.Diff([][]string{{"b4", "b3"}, {"b1"}}, pages); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
	})

	t.Run("connections", func(t *testing.T) {
		s := setup(t)
		for _, id := range []string{"x=", "y="} {
			if err := s.Connect(t.Context(), id, "ann", at); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Connect(t.Context(), "x=", "ann", at); err != nil {
			t.Errorf("an event that comes twice: %v", err)
		}
		ids, err := s.Connections(t.Context(), "ann")
		if diff := cmp.Diff([]string{"x=", "y="}, ids); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if user, err := s.UserOf(t.Context(), "x="); user != "ann" || err != nil {
			t.Errorf("got %q, %v", user, err)
		}
		if err := s.Disconnect(t.Context(), "x="); err != nil {
			t.Fatal(err)
		}
		if _, err := s.UserOf(t.Context(), "x="); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want %v", err, store.ErrNotFound)
		}
	})

	t.Run("purge", func(t *testing.T) {
		s := setup(t)
		for i, id := range []string{"old", "new"} {
			when := at.Add(time.Duration(i) * time.Hour)
			if err := s.Connect(t.Context(), id, "ann", when); err != nil {
				t.Fatal(err)
			}
			apply(t, s, store.Change{ID: "c" + id, User: "ann", Op: store.Create, BookmarkID: id, URL: "https://a.example", At: when})
			apply(t, s, store.Change{ID: "d" + id, User: "ann", Op: store.Delete, BookmarkID: id, At: when})
		}
		apply(t, s, store.Change{ID: "kept", User: "ann", Op: store.Create, BookmarkID: "kept", URL: "https://a.example", At: at})
		between := at.Add(time.Minute)
		got, err := s.Purge(t.Context(), between, between, between)
		if diff := cmp.Diff(store.Purged{Connections: 1, Bookmarks: 1, Changes: 3}, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if _, err := s.Get(t.Context(), "ann", "kept"); err != nil {
			t.Errorf("a bookmark that nobody deleted: %v", err)
		}
	})

	t.Run("instances start and write at once", func(t *testing.T) {
		open := connect(t)
		if len(reset) > 0 {
			db := open()
			if _, err := db.ExecContext(t.Context(), reset[0]); err != nil {
				t.Fatal(err)
			}
			_ = db.Close()
		}
		var wg sync.WaitGroup
		for i := range 4 {
			db := open()
			defer func() { _ = db.Close() }()
			wg.Go(func() {
				s, err := store.Open(t.Context(), db)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				for j := range 20 {
					id := string(rune('a'+i)) + string(rune('a'+j))
					if _, err := s.Apply(t.Context(), &store.Change{ID: id, User: "ann", Op: store.Create, BookmarkID: id, URL: "https://a.example", At: at}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		s, err := store.Open(t.Context(), open())
		if err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(t.Context(), "ann", "", 100); len(list) != 80 || err != nil {
			t.Errorf("got %d bookmarks, %v; want 80", len(list), err)
		}
	})
}
