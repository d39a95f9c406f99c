package mysql

import (
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/database"
)

var dialect = database.Dialect{Quotes: `"`, NameQuote: '`', Backslashes: true, HashComments: true, CodeComments: true}

// changesSession reports whether an SQL text may leave something in its session: a
// transaction, a variable, a temporary table, a lock, a prepared statement, another
// default database. Nearly all of that also makes RDS Proxy pin the session. It cannot
// see what the database's own functions and triggers do.
func changesSession(sql string) bool {
	var s sessionScan
	for w := range dialect.Words(sql) {
		if s.read(w) {
			return true
		}
	}
	return false
}

// sessionScan reads SQL word by word.
type sessionScan struct {
	n          int // words of the statement so far
	first      string
	prev, last string // the previous word, and the one before it
	call       string // the function whose parentheses have just been opened
}

// read reads the next word and reports whether the session changes for certain.
func (s *sessionScan) read(w database.Word) bool {
	prev, last, call := s.prev, s.last, s.call
	s.prev, s.last, s.call = w.Text, prev, ""
	switch {
	case w.Quoted:
		s.prev = strings.ToLower(w.Text)  // `get_lock`('a', 1)
		return prev == "@" && last != "@" // @`x`
	case w.Text == ";":
		*s = sessionScan{}
		return false
	case w.Text == "(":
		s.call = prev
		switch prev {
		case "get_lock", "nextval", "lastval", "setval":
			return true
		}
	}
	if call == "last_insert_id" && w.Text != ")" {
		return true // it sets the id
	}
	s.n++
	if s.n == 1 {
		s.first = w.Text
		switch w.Text {
		case "begin", "call", "deallocate", "execute", "flush", "handler", "lock", "prepare", "set", "start", "use", "xa",
			"case", "declare", "for", "if", "loop", "repeat", "while": // compound statements
			return true
		}
	}
	switch w.Text {
	case "temporary":
		return prev == "create" || prev == "replace"
	case "chain": // COMMIT AND CHAIN, ROLLBACK AND CHAIN
		return prev == "and" && (s.first == "commit" || s.first == "rollback")
	case "value": // of a sequence
		return prev == "next" || prev == "previous"
	case "database", "schema": // which may be the default one
		return prev == "drop"
	case "@", ":", "=", ",", "(", ")":
		return false
	}
	return prev == "@" && last != "@" // @x, and not @@x
}
