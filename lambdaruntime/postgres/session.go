package postgres

import "github.com/lambdahearth/hearth/lambdaruntime/internal/database"

var dialect = database.Dialect{NameQuote: '"', DollarQuotes: true, NestedComments: true}

// changesSession reports whether an SQL text may leave something in its session: a
// setting, a temporary table, a lock, a named statement or cursor, the position of a
// sequence, a subscription. The same things make RDS Proxy pin the session. It cannot see
// what the database's own functions and triggers do.
func changesSession(sql string) bool {
	var s sessionScan
	for w := range dialect.Words(sql) {
		if s.read(w) {
			return true
		}
	}
	return s.settings != nil // a call of set_config that does not end
}

// sessionScan reads SQL word by word.
type sessionScan struct {
	n        int // words of the statement so far
	first    string
	updates  bool // it has the word UPDATE
	prev     database.Word
	depth    int // of parentheses
	settings []settingCall
}

// settingCall is a call of set_config that has not ended yet.
type settingCall struct {
	depth int    // in its parentheses
	last  string // its last argument so far, if that is one word
}

// read reads the next word and reports whether the session changes for certain.
func (s *sessionScan) read(w database.Word) bool {
	prev := s.prev
	s.prev = w
	switch {
	case w.Quoted:
	case w.Text == ";":
		*s = sessionScan{}
		return false
	case w.Text == "(":
		s.depth++
		switch prev.Text {
		case "set_config":
			s.settings = append(s.settings, settingCall{depth: s.depth})
			return false
		case "nextval", "setval", "currval", "lastval", "setseed",
			"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared":
			return true
		}
	case w.Text == ")":
		if i := len(s.settings) - 1; i >= 0 && s.settings[i].depth == s.depth {
			if s.settings[i].last != "true" { // true: until the transaction's end
				return true
			}
			s.settings = s.settings[:i]
			if i == 0 {
				s.settings = nil
			}
		}
		s.depth--
	}
	if i := len(s.settings) - 1; i >= 0 {
		switch last := &s.settings[i]; {
		case w.Text == "," && s.depth == last.depth:
			last.last = ""
		case last.last == "":
			last.last = w.Text
		default:
			last.last = "more"
		}
	}
	s.n++
	if s.n == 1 {
		s.first = w.Text
	}
	return s.command(w, prev.Text)
}

// command reports whether the statement changes the session.
func (s *sessionScan) command(w database.Word, prev string) bool {
	switch s.n {
	case 1:
		switch w.Text {
		case "call", "deallocate", "declare", "discard", "do", "execute", "listen", "load", "prepare", "reset":
			return true
		}
	case 2:
		if s.first == "set" {
			switch w.Text {
			case "local", "transaction", "constraints": // until the transaction's end
				return false
			}
			return true
		}
	}
	switch w.Text {
	case "temp", "temporary":
		return prev == "create" || prev == "replace" || prev == "local" || prev == "global" || prev == "into"
	case "pg_temp":
		return true
	case "update":
		s.updates = true
	case "pg_settings": // an UPDATE of this view is a SET
		return s.updates
	}
	return false
}
