package mysql_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime/mysql"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql/mysqltest"
)

func TestWithARealDatabase(t *testing.T) {
	pool := open(t, mysqltest.Start(t), mysql.Options{})
	exec := func(t *testing.T, query string, args ...any) {
		t.Helper()
		if _, err := pool.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("parameters and results keep their types", func(t *testing.T) {
		type row struct {
			ID    int64
			Name  string
			Doc   string
			Raw   string
			At    time.Time
			Blob  []byte
			Ratio float64
			Yes   bool
			None  *string
		}
		want := row{
			ID: 1 << 40, Name: `nä'me\" ? -- 日本 🔥` + "\x00\n\x1a", Doc: `{"a": "it's \\ ?"}`, Raw: `[1]`, At: time.Date(2026, 11, 1, 2, 3, 4, 5000, time.UTC),
			Blob: []byte{0, 1, '\'', '\\', 255}, Ratio: 0.1, Yes: true,
		}
		exec(t, `create table kinds (id bigint, name text, doc json, raw json, at datetime(6), data blob, ratio double, yes bool, none text)`)
		exec(t, `insert into kinds values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			want.ID, want.Name, want.Doc, json.RawMessage(want.Raw), want.At, want.Blob, want.Ratio, want.Yes, want.None)
		var got row
		if err := pool.QueryRowContext(t.Context(), `select id, name, doc, raw, at, data, ratio, yes, none from kinds where id = ? and name = ?`, want.ID, want.Name).
			Scan(&got.ID, &got.Name, &got.Doc, &got.Raw, &got.At, &got.Blob, &got.Ratio, &got.Yes, &got.None); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("nothing is prepared on the server", func(t *testing.T) {
		exec(t, `create table visits (id int auto_increment primary key, page text)`)
		exec(t, `set global log_output = 'TABLE'`)
		exec(t, `set global general_log = 1`)
		insert, err := pool.PrepareContext(t.Context(), `insert into visits (page) values (?)`)
		if err != nil {
			t.Fatal(err)
		}
		for want := range int64(3) {
			result, err := insert.ExecContext(t.Context(), "/?")
			if err != nil {
				t.Fatal(err)
			}
			if id, err := result.LastInsertId(); err != nil || id != want+1 {
				t.Errorf("got id %d, %v; want %d", id, err, want+1)
			}
		}
		if err := insert.Close(); err != nil {
			t.Error(err)
		}
		tx, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRowContext(t.Context(), `select count(*) from visits where page = ?`, "/?").Scan(&n); err != nil || n != 3 {
			t.Errorf("got %d, %v; want 3", n, err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.ExecContext(t.Context(), `insert into visits (page) values (?)`, "a", "b"); err == nil || err.Error() != "mysql: a statement must have one argument for each ? and stay below Config.MaxAllowedPacket with them, got 2 arguments" {
			t.Errorf("one argument too many: got %v", err)
		}
		exec(t, `set global general_log = 0`)

		rows, err := pool.QueryContext(t.Context(), `select command_type, cast(argument as char) from mysql.general_log where argument like ? or command_type not in (?, ?, ?)`, "%visits%", "Query", "Connect", "Quit")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for rows.Next() {
			var command, text string
			if err := rows.Scan(&command, &text); err != nil {
				t.Fatal(err)
			}
			got = append(got, command+" "+text)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		write := `Query insert into visits (page) values ('/?')`
		want := []string{write, write, write, `Query select count(*) from visits where page = '/?'`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what the server saw (-want +got):\n%s", diff)
		}
	})
}

func TestADatabaseThatDoesNotAnswer(t *testing.T) {
	t.Setenv("DATABASE_URL", "mysql://u:hidden@/app?socket="+t.TempDir()+"/none")
	_, err := mysql.New("db", mysql.Options{}).Get(t.Context())
	if err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an error", err)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error shows the password: %v", err)
	}
}
