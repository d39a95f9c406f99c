package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres/postgrestest"
)

type (
	number int32
	roman  int32
	label  string
	blob   []byte
	point  struct{ X, Y int }
	valuer struct{ s string }
	texter struct{ s string }
	names  []string
)

func (r roman) String() string                { return strings.Repeat("I", int(r)) }
func (v valuer) Value() (driver.Value, error) { return "valuer " + v.s, nil }
func (v texter) MarshalText() ([]byte, error) { return []byte("texter " + v.s), nil }

// values are arguments of every kind, by a name that sorts and reads well.
func values() map[string]any {
	berlin := time.FixedZone("", 3600)
	night := time.Date(2026, 3, 1, 0, 30, 0, 123456000, berlin)
	text, whole := "text", int64(7)
	return map[string]any{
		"nil": nil, "bool": true, "int": 7, "int8": int8(7), "int16": int16(7), "int32": int32(7), "int64": int64(7), "big int64": int64(1) << 40,
		"uint32": uint32(7), "uint64": uint64(7), "huge uint64": uint64(math.MaxUint64), "negative": -7, "zero": 0,
		"float32": float32(0.1), "float64": 0.1, "whole float64": 7.0, "NaN": math.NaN(), "infinity": math.Inf(1),
		"string": text, "empty string": "", "digits": "7", "JSON string": `{"a": "b"}`, "date string": "2026-03-01", "uuid string": "00112233-4455-6677-8899-aabbccddeeff",
		"quotes": `a'b"c\d`, "unicode": "日本 🔥", "\\x string": `\x616263`, "array string": "{a,b}",
		"[]byte": []byte("abc"), "empty []byte": []byte{}, "nil []byte": []byte(nil), "binary []byte": []byte{0, 1, 255}, "JSON []byte": []byte(`{"a": "b"}`), "digits []byte": []byte("7"), "uuid []byte": []byte("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"),
		"json.RawMessage": json.RawMessage(`{"a": "b"}`), "map": map[string]any{"a": "b"}, "map of strings": map[string]string{"a": "b"}, "struct": point{1, 2}, "pointer to struct": &point{1, 2}, "[]any": []any{"a", 1}, "json.Number": json.Number("7"),
		"[16]byte": [16]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		"time":     night, "UTC time": night.UTC(), "local time": night.Local(), "zero time": time.Time{}, "old time": time.Date(-43, 3, 15, 12, 0, 0, 0, time.UTC), "pointer to time": &night,
		"duration": 90 * time.Minute,
		"[]string": []string{"a", "b c", `"{},\`}, "empty []string": []string{}, "nil []string": []string(nil), "[]*string": []*string{&text, nil}, "[]int": []int{1, 2}, "[]int32": []int32{1, 2}, "[]int64": []int64{1, 2}, "[]float64": []float64{0.1, 2}, "[]bool": []bool{true, false}, "[][]byte": [][]byte{[]byte("abc"), {0}}, "[]time": []time.Time{night}, "[][]int": [][]int{{1, 2}, {3, 4}}, "[]uint8 as numbers": []uint16{1, 2},
		"*string": &text, "nil *string": (*string)(nil), "*int64": &whole, "nil *int64": (*int64)(nil), "nil *time": (*time.Time)(nil),
		"named int": number(7), "named int with String": roman(7), "named string": label("text"), "named []byte": blob("abc"), "named []string": names{"a", "b"},
		"Valuer": valuer{"v"}, "pointer to Valuer": &valuer{"v"}, "nil *Valuer": (*valuer)(nil), "TextMarshaler": texter{"t"},
		"sql.NullString": sql.NullString{String: "text", Valid: true}, "null sql.NullString": sql.NullString{}, "sql.NullInt64": sql.NullInt64{Int64: 7, Valid: true}, "sql.NullTime": sql.NullTime{Time: night, Valid: true}, "sql.Null": sql.Null[string]{V: "text", Valid: true},
		"pgtype.Date": pgtype.Date{Time: night, Valid: true}, "pgtype.Timestamp": pgtype.Timestamp{Time: night, Valid: true}, "pgtype.Timestamptz": pgtype.Timestamptz{Time: night, Valid: true}, "pgtype.Text": pgtype.Text{String: "text", Valid: true}, "pgtype.UUID": pgtype.UUID{Bytes: [16]byte{1}, Valid: true}, "pgtype.Numeric": pgtype.Numeric{Int: big.NewInt(1234), Exp: -2, Valid: true}, "pgtype.Interval": pgtype.Interval{Days: 1, Valid: true}, "infinite pgtype.Date": pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}, "pgtype.Range": pgtype.Range[int32]{Lower: 1, Upper: 3, LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true}, "pgtype.FlatArray": pgtype.FlatArray[string]{"a"}, "pgtype.Bits": pgtype.Bits{Bytes: []byte{0xa0}, Len: 3, Valid: true},
		"netip.Addr": netip.MustParseAddr("10.0.0.1"), "netip.Prefix": netip.MustParsePrefix("10.0.0.0/8"), "big.Int": big.NewInt(7),
	}
}

// columns are the types that the values are stored in.
var columns = []string{
	"text", "varchar(3)", "char(5)", "name", "bytea", "json", "jsonb", "uuid", "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "numeric(6,1)",
	"date", "timestamp", "timestamptz", "timestamp(0)", "time", "interval", "text[]", "varchar[]", "int4[]", "int8[]", "float8[]", "bytea[]", "jsonb[]", "uuid[]", "timestamptz[]", "bool[]",
	"inet", "cidr", "int4range", "bit(3)", "mood", "positive", "oid", "xml",
}

// stored is how the database shows the effect of an argument: the value in the column, or
// the error. Its message may differ, as long as nothing is stored.
func stored(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, sql string, arg any) string {
	var got *string
	if err := db.QueryRow(ctx, sql, arg).Scan(&got); err != nil {
		return "error"
	}
	if got == nil {
		return "NULL"
	}
	return *got
}

// TestStoresWhatPlainPgxStores compares the pool with a plain connection of pgx, for
// each value and each type of column, for INSERT, UPDATE, WHERE and SELECT.
func TestStoresWhatPlainPgxStores(t *testing.T) {
	t.Setenv("TZ", "America/New_York")
	server := postgrestest.Start(t)
	plain, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close(context.Background())
	for _, ddl := range []string{`create type mood as enum ('text', 'sad')`, `create domain positive as int check (value > 0)`} {
		if _, err := plain.Exec(t.Context(), ddl); err != nil {
			t.Fatal(err)
		}
	}
	pools := map[string]*pgxpool.Pool{"the server": open(t, server, postgres.Options{})}
	pools["a pooling proxy"] = open(t, postgrestest.StartPooler(t, server, 2), postgres.Options{})
	for place, pool := range pools {
		t.Run("through "+place, func(t *testing.T) {
			for i, column := range columns {
				t.Run(column, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					table := fmt.Sprintf("v%d", i)
					// pgx remembers in each connection how it has encoded a type, and what
					// came first has an effect: both begin anew.
					pool.Reset()
					plain, err := pgx.Connect(ctx, server)
					if err != nil {
						t.Fatal(err)
					}
					defer plain.Close(context.Background())
					if _, err := plain.Exec(ctx, fmt.Sprintf(`create table if not exists %s (v %s)`, table, column)); err != nil {
						t.Fatal(err)
					}
					statements := map[string]string{
						"insert": fmt.Sprintf(`insert into %s (v) values ($1) returning v::text`, table),
						"update": fmt.Sprintf(`with one as (insert into %s default values returning 1) update %[1]s set v = $1 from one where ctid = (select min(ctid) from %[1]s) returning v::text`, table),
						"select": fmt.Sprintf(`select ($1::%s)::text`, column),
						"where":  fmt.Sprintf(`select count(*)::text from %s where v is not distinct from $1`, table),
						"any":    fmt.Sprintf(`select count(*)::text from %s where v = any($1)`, table),
					}
					values := values()
					for _, name := range slices.Sorted(maps.Keys(values)) {
						for _, kind := range slices.Sorted(maps.Keys(statements)) {
							statement, value := statements[kind], values[name]
							want := stored(ctx, plain, statement, value)
							got := stored(ctx, pool, statement, value)
							if got != want {
								t.Errorf("%s into %s by %s: got %q, want %q as plain pgx has it", name, column, kind, got, want)
							}
						}
					}
				})
			}
		})
	}
}

// TestValuesByHand checks the values themselves, which a comparison with plain pgx
// cannot.
func TestValuesByHand(t *testing.T) {
	pool := open(t, postgrestest.Start(t), postgres.Options{})
	night := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600))
	for _, tc := range []struct {
		column string
		value  any
		want   string
	}{
		{"date", night, "2026-03-01"},
		{"timestamp", night, "2026-03-01 00:30:00"},
		{"timestamptz", night, "2026-02-28 23:30:00+00"},
		{"text", []byte("abc"), "abc"},
		{"bytea", []byte("abc"), `\x616263`},
		{"jsonb", map[string]any{"a": "b"}, `{"a": "b"}`},
		{"jsonb", []byte(`{"a": "b"}`), `{"a": "b"}`},
		{"jsonb", `{"a": "b"}`, `{"a": "b"}`},
		{"json", json.RawMessage(`{"a":"b"}`), `{"a":"b"}`},
		{"uuid", [16]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}, "00112233-4455-6677-8899-aabbccddeeff"},
		{"text[]", []string{"a", "b c"}, `{a,"b c"}`},
	} {
		name := fmt.Sprintf("%T in %s", tc.value, tc.column)
		if got := stored(t.Context(), pool, fmt.Sprintf(`select ($1::%s)::text`, tc.column), tc.value); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
		if _, err := pool.Exec(t.Context(), fmt.Sprintf(`set timezone = 'UTC'; drop table if exists v; create table v (v %s)`, tc.column)); err != nil {
			t.Fatal(err)
		}
		if got := stored(t.Context(), pool, `insert into v values ($1) returning v::text`, tc.value); got != tc.want {
			t.Errorf("%s: stored %q, want %q", name, got, tc.want)
		}
		if tc.column == "json" { // has no =
			continue
		}
		if got := stored(t.Context(), pool, `select count(*)::text from v where v = $1`, tc.value); got != "1" {
			t.Errorf("%s: where found %s rows, want 1", name, got)
		}
	}
}

// TestTypesChange has the table of a known statement change.
func TestTypesChange(t *testing.T) {
	server := postgrestest.Start(t)
	pool := open(t, server, postgres.Options{})
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	change := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	change(`create table t (a int)`)
	read := func() ([]map[string]any, error) {
		rows, err := pool.Query(t.Context(), `select * from t where a > $1`, 0)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowToMap)
	}
	change(`insert into t values (1)`)
	if _, err := read(); err != nil {
		t.Fatal(err)
	}
	change(`alter table t add b text default 'x', add c date default '2026-01-01'`)
	_, _ = read() // it may fail once, as in plain pgx
	got, err := read()
	want := []map[string]any{{"a": int32(1), "b": "x", "c": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	change(`alter table t alter a type text`)
	if got, err := read(); err == nil {
		t.Errorf("got %v of a text column that is compared with a number", got)
	}
}
