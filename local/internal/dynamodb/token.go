package dynamodb

import "strings"

// tokenKind is the kind of a token.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenName             // a9, and keywords
	tokenAlias            // #a9, which stands for a name
	tokenValue            // :a9, which stands for a value
	tokenSymbol           // any other character, and <=, >=, <>
)

// token is a token of an expression, with its position.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// tokenize splits an expression into tokens. A name begins with a letter; a placeholder's
// name, after its first character, need not.
func tokenize(source string) []token {
	var tokens []token
	for i := 0; i < len(source); {
		if strings.IndexByte(" \t\r\n", source[i]) >= 0 {
			i++
			continue
		}
		t := token{kind: tokenSymbol, start: i, end: i + 1}
		switch c := source[i]; {
		case isLetter(c):
			t.kind = tokenName
		case c == '#' && i+1 < len(source) && isNamePart(source[i+1]):
			t.kind = tokenAlias
		case c == ':' && i+1 < len(source) && isNamePart(source[i+1]):
			t.kind = tokenValue
		case c == '<' && i+1 < len(source) && (source[i+1] == '=' || source[i+1] == '>'), c == '>' && i+1 < len(source) && source[i+1] == '=':
			t.end++
		default:
			for t.end < len(source) && source[t.end]&0xC0 == 0x80 { // the rest of a character
				t.end++
			}
		}
		for t.kind != tokenSymbol && t.end < len(source) && isNamePart(source[t.end]) {
			t.end++
		}
		t.text = source[t.start:t.end]
		tokens = append(tokens, t)
		i = t.end
	}
	return append(tokens, token{text: "<EOF>", start: len(source), end: len(source)})
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isNamePart(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '_' }

// isPlaceholder reports whether s is exactly one placeholder, such as #a9 for the mark
// '#'.
func isPlaceholder(s string, mark byte) bool {
	return len(s) > 1 && s[0] == mark && strings.IndexFunc(s[1:], func(r rune) bool { return r > 0x7F || !isNamePart(byte(r)) }) < 0
}
