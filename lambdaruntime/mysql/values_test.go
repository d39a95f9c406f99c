package mysql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/lambdahearth/hearth/lambdaruntime/mysql"
	"github.com/lambdahearth/hearth/lambdaruntime/mysql/mysqltest"
)

type (
	number int32
	label  string
	valuer struct{ s string }
)

func (v valuer) Value() (driver.Value, error) { return "valuer " + v.s, nil }

func values() map[string]any {
	night := time.Date(2026, 3, 1, 0, 30, 0, 123456000, time.FixedZone("", 3600))
	text := "text"
	return map[string]any{
		"nil": nil, "true": true, "false": false, "int": 7, "int8": int8(-7), "int64": int64(1) << 40, "uint32": uint32(7), "huge uint64": uint64(math.MaxUint64),
		"float32": float32(0.1), "float64": 0.1, "whole float64": 7.0, "big float64": 1e300, "small float64": 1e-300, "third": 1.0 / 3,
		"string": text, "empty string": "", "digits": "7", "JSON string": `{"a": "b"}`, "date string": "2026-03-01", "quotes": `a'b"c\d%_`, "unicode": "日本 🔥", "control": "\x00\n\r\x1a\t",
		"[]byte": []byte("abc"), "empty []byte": []byte{}, "nil []byte": []byte(nil), "binary []byte": []byte{0, 1, '\'', '\\', 255}, "digits []byte": []byte("7"),
		"json.RawMessage": json.RawMessage(`{"a": "it's \\ "}`), "nil json.RawMessage": json.RawMessage(nil),
		"time": night, "UTC time": night.UTC(), "zero time": time.Time{}, "whole second": night.Truncate(time.Second), "duration": 90 * time.Minute,
		"*string": &text, "nil *string": (*string)(nil), "*time": &night, "named int": number(7), "named string": label("text"), "Valuer": valuer{"v"},
		"sql.NullString": sql.NullString{String: text, Valid: true}, "null sql.NullString": sql.NullString{}, "sql.NullTime": sql.NullTime{Time: night, Valid: true},
		"map": map[string]any{"a": "b"}, "[]string": []string{"a"}, "[16]byte": [16]byte{1},
	}
}

var columns = []string{
	"text", "varchar(3)", "char(5)", "blob", "binary(4)", "varbinary(20)", "tinyint", "bool", "int", "int unsigned", "bigint", "bigint unsigned", "float", "double", "decimal(10,2)",
	"date", "datetime", "datetime(6)", "timestamp", "time", "time(6)", "year", "enum('text', 'sad')", "set('text', 'sad')", "bit(3)", "json", "uuid", "inet6",
}

// refused are the columns that are too short for a number with many digits: the server
// refuses it. In the plain driver's protocol the server drops digits until it fits.
var refused = map[string]bool{"varchar(3)": true, "char(5)": true, "binary(4)": true}

// stored is how the database shows the effect of an argument: the value, or the error.
// Its message may differ, as long as nothing is stored.
func stored(ctx context.Context, tx *sql.Tx, kind, column string, arg any) string {
	var query string
	switch kind {
	case "insert":
		query = `insert into v (v) values (?)`
	case "update":
		if _, err := tx.ExecContext(ctx, `insert into v (v) values (null)`); err != nil {
			return "no row"
		}
		query = `update v set v = ?`
	}
	if query != "" {
		if _, err := tx.ExecContext(ctx, query, arg); err != nil {
			return "error"
		}
	}
	var got sql.NullString
	if err := tx.QueryRowContext(ctx, `select hex(cast(v as binary)) from v`).Scan(&got); err != nil {
		return "error of SELECT"
	}
	var found int
	if err := tx.QueryRowContext(ctx, `select count(*) from v where v = ?`, arg).Scan(&found); err != nil {
		return got.String + ", error of WHERE"
	}
	return fmt.Sprint(got, found)
}

// TestStoresWhatThePlainDriverStores compares the pool with the plain driver, which
// prepares statements on the server, for each value and each type of column.
func TestStoresWhatThePlainDriverStores(t *testing.T) {
	server := mysqltest.Start(t)
	pool := open(t, server, mysql.Options{})
	config := mysqldriver.NewConfig()
	var addr string
	if err := pool.QueryRowContext(t.Context(), `select @@socket`).Scan(&addr); err != nil {
		t.Fatal(err)
	}
	config.Net, config.Addr, config.User, config.DBName, config.ParseTime = "unix", addr, "root", "test", true
	connector, err := mysqldriver.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	plain := sql.OpenDB(connector)
	defer plain.Close()
	for _, column := range columns {
		t.Run(column, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := plain.ExecContext(ctx, fmt.Sprintf(`create or replace table v (v %s null)`, column)); err != nil {
				t.Fatal(err)
			}
			values := values()
			for _, name := range slices.Sorted(maps.Keys(values)) {
				for _, kind := range []string{"insert", "update"} {
					var results [2]string
					for i, db := range []*sql.DB{plain, pool} {
						tx, err := db.BeginTx(ctx, nil)
						if err != nil {
							t.Fatal(err)
						}
						results[i] = stored(ctx, tx, kind, column, values[name])
						if err := tx.Rollback(); err != nil {
							t.Fatal(err)
						}
					}
					if results[1] == "error" && refused[column] && (name == "float32" || name == "third") {
						continue
					}
					if results[0] != results[1] {
						t.Errorf("%s by %s: got %s, want %s as the plain driver has it", name, kind, results[1], results[0])
					}
				}
			}
		})
	}
}
