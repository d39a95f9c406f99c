package database

import (
	"iter"
	"strings"
)

// Dialect is the lexical syntax of one database's SQL.
type Dialect struct {
	// Quotes are the characters that quote strings besides '.
	Quotes string
	// NameQuote quotes names.
	NameQuote byte
	// Backslashes escape the next character of a string.
	Backslashes bool
	// HashComments run from # to the end of the line. -- then needs a space after it.
	HashComments bool
	// DollarQuotes quote strings: $$ … $$ and $name$ … $name$.
	DollarQuotes bool
	// NestedComments may contain comments.
	NestedComments bool
	// CodeComments, which start with /*! or /*M!, are run as code.
	CodeComments bool
}

// Word is a part of a statement: a name or keyword, a number, or one other character. A
// string is the word "'"; comments are left out.
type Word struct {
	// Text is the word without quotes, and in lower case unless it is a quoted name.
	Text string
	// Quoted means that it is a quoted name, and so not a keyword.
	Quoted bool
}

// Words yields the words of an SQL text.
func (d *Dialect) Words(sql string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		for i := 0; i < len(sql); {
			c := sql[i]
			rest := sql[i:]
			switch {
			case c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
				i++
			case d.lineComment(rest):
				i += lineLength(rest)
			case d.CodeComments && strings.HasPrefix(rest, "/*!"):
				i += 3 + digits(rest[3:])
			case d.CodeComments && strings.HasPrefix(rest, "/*M!"):
				i += 4 + digits(rest[4:])
			case d.CodeComments && strings.HasPrefix(rest, "*/"):
				i += 2
			case strings.HasPrefix(rest, "/*"):
				i += d.commentLength(rest)
			case c == '\'' || strings.IndexByte(d.Quotes, c) >= 0:
				// An E'…' string of PostgreSQL has backslashes.
				escapes := d.Backslashes || i > 0 && (sql[i-1] == 'e' || sql[i-1] == 'E') && (i == 1 || !nameByte(sql[i-2]))
				i += quotedLength(rest, escapes)
				if !yield(Word{Text: "'"}) {
					return
				}
			case c == d.NameQuote:
				n := quotedLength(rest, false)
				if !yield(Word{Text: strings.Trim(rest[:n], string(c)), Quoted: true}) {
					return
				}
				i += n
			case d.DollarQuotes && c == '$' && dollarLength(rest) > 0:
				i += dollarLength(rest)
				if !yield(Word{Text: "'"}) {
					return
				}
			default:
				n := 1
				if nameByte(c) {
					for n < len(rest) && (nameByte(rest[n]) || rest[n] == '$') {
						n++
					}
				}
				if !yield(Word{Text: strings.ToLower(rest[:n])}) {
					return
				}
				i += n
			}
		}
	}
}

func (d *Dialect) lineComment(s string) bool {
	if d.HashComments {
		return s[0] == '#' || strings.HasPrefix(s, "--") && (len(s) == 2 || s[2] <= ' ')
	}
	return strings.HasPrefix(s, "--")
}

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func lineLength(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n + 1
	}
	return len(s)
}

func (d *Dialect) commentLength(s string) int {
	depth := 1
	for i := 2; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "*/"):
			i += 2
			if depth--; depth == 0 {
				return i
			}
		case d.NestedComments && strings.HasPrefix(s[i:], "/*"):
			i += 2
			depth++
		default:
			i++
		}
	}
	return len(s)
}

// quotedLength returns the length of the quoted text that starts at s[0], the quote.
func quotedLength(s string, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == s[0]:
			if i+1 < len(s) && s[i+1] == s[0] {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}

// dollarLength returns the length of a dollar-quoted string at the start of s, or 0.
func dollarLength(s string) int {
	n := 1
	for n < len(s) && nameByte(s[n]) {
		n++
	}
	if n == len(s) || s[n] != '$' || n > 1 && s[1] >= '0' && s[1] <= '9' {
		return 0
	}
	tag := s[:n+1]
	if end := strings.Index(s[len(tag):], tag); end >= 0 {
		return len(tag) + end + len(tag)
	}
	return len(s)
}
