package mysql

import "testing"

func TestChangesSession(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"":         false,
		"select 1": false,
		"update t set a = ? where b = 'begin; set x = 1'":            false,
		`update t set a = "; set x = 1"`:                             false,
		`select 'it''s \'; set x = 1'`:                               false,
		"insert into t set a = ?":                                    false,
		"insert into t (a) values (?) on duplicate key update a = 1": false,
		"select `begin`, `@x` from `set`":                            false,
		"select 1 # ; set x = 1":                                     false,
		"select 1 -- ; set x = 1":                                    false,
		"select 1 /* ; set x = 1 */":                                 false,
		"select @@autocommit, @@session.sql_mode":                    false,
		"select last_insert_id()":                                    false,
		"select last_insert_id ( )":                                  false,
		"select release_lock('a')":                                   false,
		"create table t (a int)":                                     false,
		"drop temporary table t":                                     false,
		"commit":                                                     false,
		"select a from t for update":                                 false,
		"begin":                                                      true,
		"START TRANSACTION":                                          true,
		"start transaction with consistent snapshot":                 true,
		"commit and chain":                                           true,
		"rollback work and chain no release":                         true,
		"xa start 'a'":                                               true,
		"set autocommit = 0":                                         true,
		"SET @x = 1":                                                 true,
		"set names utf8mb4":                                          true,
		"set transaction isolation level read committed":             true,
		"/* a */ set x = 1":                                          true,
		"-- a\nset x = 1":                                            true,
		"# a\nset x = 1":                                             true,
		"/*!40101 set x = 1 */":                                      true,
		"/*M!100100 set x = 1 */":                                    true,
		"select 1; set x = 1":                                        true,
		"select 1--1; set x = 1":                                     true,
		`select '\\'; set x = 1`:                                     true,
		"select @x := 1":                                             true,
		"select a into @x from t":                                    true,
		"select @`x` := 1":                                           true,
		"call p()":                                                   true,
		"create temporary table t (a int)":                           true,
		"create or replace temporary table t (a int)":                true,
		"lock tables t write":                                        true,
		"flush tables with read lock":                                true,
		"select get_lock('a', 1)":                                    true,
		"do GET_LOCK ('a', 1)":                                       true,
		"prepare p from 'select 1'":                                  true,
		"execute immediate 'set @x = 1'":                             true,
		"deallocate prepare p":                                       true,
		"handler t open":                                             true,
		"use app":                                                    true,
		"drop database app":                                          true,
		"update t set a = last_insert_id(a + 1)":                     true,
		"select nextval(s)":                                          true,
		"select next value for s":                                    true,
		"select `get_lock`('a', 1)":                                  true,
		"select a from `get_lock`":                                   false,
		"if 1 then set autocommit = 0; end if":                       true,
		"while 0 do set x = 1; end while":                            true,
		"begin not atomic set x = 1; end":                            true,
		"select case when a then 1 end, if(a, 1, 2) from t":          false,
	} {
		if got := changesSession(sql); got != want {
			t.Errorf("%s: got %v, want %v", sql, got, want)
		}
	}
}

func FuzzChangesSession(f *testing.F) {
	f.Add("select `a` \"\\\" '' /*! x */ # y\n -- z; set a = 1")
	f.Fuzz(func(t *testing.T, sql string) {
		changesSession(sql)
		if !changesSession("begin; " + sql) {
			t.Error("what follows a statement hides it")
		}
	})
}
