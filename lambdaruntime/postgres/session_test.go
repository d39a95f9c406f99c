package postgres

import (
	"strings"
	"testing"
)

func TestChangesSession(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"":                                      false,
		"select 1":                              false,
		"update t set a = $1 where b = 'set x'": false,
		"insert into t (a) values ($1) on conflict (a) do update set a = $1": false,
		"select a as temp from t": false,
		"create table t (a int)":  false,
		"create or replace function f() returns void as $$ set x = 1 $$":       false,
		"create function f() as $f$ begin; $$ set $$; end $f$; select 1":       false,
		"/* set a = 1 /* nested */ ; set b = 2 */ select 1":                    false,
		"select 1 -- ; set a = 1":                                              false,
		`select "set_config" from t`:                                           false,
		`select E'\'; set a = 1; select '`:                                     false,
		`select '\'; select 1`:                                                 false,
		"begin; set local a = 1; set transaction read only; commit":            false,
		"set constraints all deferred":                                         false,
		"select set_config('a', $1, true)":                                     false,
		"select set_config('a', coalesce($1, 'x'), TRUE), pg_notify('a', 'b')": false,
		"select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)": false,
		"select nextval from t":                                                false,
		"select setting from pg_settings":                                      false,
		"select a from t for update; select setting from pg_settings":          false,
		"update pg_settings set setting = 'x' where name = 'search_path'":      true,
		`with a as (select 1) update pg_catalog."pg_settings" set setting = 1`: true,
		"set a = 1":          true,
		"SET SESSION a TO 1": true,
		"set session characteristics as transaction read only": true,
		"set role app":                                             true,
		"set time zone 'UTC'":                                      true,
		"select 1; set a = 1":                                      true,
		"select E'\\'; set a = 1' ; set a = 1":                     true,
		`select '\'; set a = 1`:                                    true,
		"/* first */ set a = 1":                                    true,
		"-- first\nreset all":                                      true,
		"select set_config('a', $1, false)":                        true,
		"select set_config('a', $1, $2)":                           true,
		"select set_config('a', $1, not true)":                     true,
		"select set_config('a', set_config('b', $1, false), true)": true,
		"select set_config('a', nextval('s')::text, true)":         true,
		`select pg_catalog."set_config"('a', 'b', false)`:          true,
		"select pg_advisory_lock($1)":                              true,
		"select PG_TRY_ADVISORY_LOCK ($1)":                         true,
		"insert into t values (nextval('s'))":                      true,
		"select currval('s')":                                      true,
		"select lastval()":                                         true,
		"select setval('s', 1)":                                    true,
		"create temp table t (a int)":                              true,
		"create local temporary table t (a int)":                   true,
		"create or replace temp view v as select 1":                true,
		"create temp sequence s":                                   true,
		"create table pg_temp.t (a int)":                           true,
		"select 1 as a into temp t":                                true,
		"listen ch":                                                true,
		"prepare p as select 1":                                    true,
		"execute p":                                                true,
		"deallocate all":                                           true,
		"declare c cursor with hold for select 1":                  true,
		"discard all":                                              true,
		"load 'auto_explain'":                                      true,
		"do $$ begin perform set_config('a', 'b', false); end $$":  true,
		"call p()": true,
		"with a as (select 1) select set_config('a', 'b', false) from a":        true,
		"select $1; " + strings.Repeat("select 1; ", 100) + "discard temporary": true,
	} {
		if got := changesSession(sql); got != want {
			t.Errorf("%s: got %v, want %v", sql, got, want)
		}
	}
}

func FuzzChangesSession(f *testing.F) {
	f.Add("select $a$ '\\' \"x /* -- */ $a$; set a = 1")
	f.Fuzz(func(t *testing.T, sql string) {
		changesSession(sql)
		if !changesSession("set a = 1; " + sql) {
			t.Error("what follows a statement hides it")
		}
	})
}

func BenchmarkChangesSession(b *testing.B) {
	const sql = "SELECT id, name, created_at FROM bookmarks WHERE owner = $1 AND (tags && $2 OR $2 IS NULL) ORDER BY created_at DESC LIMIT $3"
	b.ReportAllocs()
	for b.Loop() {
		changesSession(sql)
	}
}
