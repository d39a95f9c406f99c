package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

func TestWithARealDatabase(t *testing.T) {
	t.Setenv("DATABASE_URL", postgrestest.Start(t))
	pool, err := postgres.New("db", postgres.Options{}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	t.Run("parameters and results keep their types", func(t *testing.T) {
		type row struct {
			ID    int64
			Name  string
			Tags  []string
			Doc   string
			At    time.Time
			Blob  []byte
			Ratio float64
			None  *string
		}
		want := row{ID: 1 << 40, Name: "näme", Tags: []string{"a", "b c"}, Doc: `{"a": 1}`, At: time.Date(2026, 11, 1, 2, 3, 4, 5000, time.UTC), Blob: []byte{0, 1, 255}, Ratio: 0.25}
		if _, err := pool.Exec(t.Context(), `create table kinds (id bigint, name text, tags text[], doc jsonb, at timestamptz, blob bytea, ratio float8, none text)`); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), `insert into kinds values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			want.ID, want.Name, want.Tags, want.Doc, want.At, want.Blob, want.Ratio, want.None); err != nil {
			t.Fatal(err)
		}
		var got row
		if err := pool.QueryRow(t.Context(), `select id, name, tags, doc, at, blob, ratio, none from kinds where id = $1`, want.ID).
			Scan(&got.ID, &got.Name, &got.Tags, &got.Doc, &got.At, &got.Blob, &got.Ratio, &got.None); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("nothing is prepared by name", func(t *testing.T) {
		var prepared int
		if err := pool.QueryRow(t.Context(), `select count(*) from pg_prepared_statements where $1 = 1`, 1).Scan(&prepared); err != nil {
			t.Fatal(err)
		}
		if prepared != 0 {
			t.Errorf("got %d prepared statements, want 0", prepared)
		}
	})

	t.Run("nothing is prepared by name through database/sql", func(t *testing.T) {
		db := stdlib.OpenDBFromPool(pool)
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var one, prepared int
		if err := tx.QueryRowContext(t.Context(), `select $1 + 0`, 1).Scan(&one); err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(t.Context(), `select count(*) from pg_prepared_statements`).Scan(&prepared); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if one != 1 || prepared != 0 {
			t.Errorf("got %d and %d prepared statements, want 1 and 0", one, prepared)
		}
	})
}

func TestADatabaseThatDoesNotAnswer(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://u:hidden@/app?host="+t.TempDir())
	_, err := postgres.New("db", postgres.Options{}).Get(t.Context())
	if err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an error", err)
	}
	t.Setenv("DATABASE_URL", "postgres://u:hidden@[::broken")
	_, err = postgres.New("db", postgres.Options{}).Get(t.Context())
	if err == nil {
		t.Fatal("got no error for a broken URL")
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error shows the password: %v", err)
	}
}
