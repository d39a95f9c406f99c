package dev

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// terminal is where everything is printed: what several write at the same time stays
// apart, and control characters are escaped, because a client may have sent them.
type terminal struct {
	mu sync.Mutex
	w  io.Writer
}

// NewTerminal returns a writer that prints text for people, with control characters
// escaped; lines and tabs stay.
func NewTerminal(w io.Writer) io.Writer { return &terminal{w: w} }

// Write implements [io.Writer].
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := io.WriteString(t.w, printable(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// printable escapes the characters that a terminal would act on, such as the escape
// sequences that move its cursor or set its title, and bytes that are not UTF-8.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, acts) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "\\x%02x", text[0])
		case acts(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// acts reports whether a terminal acts on a character: control characters, and those
// that change the direction of text.
func acts(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// logWriter prints the log lines of handler programs for people: JSON records as
// one short line, metrics not at all. Each Write is one line.
type logWriter struct {
	w   io.Writer
	raw bool
}

func newLogWriter(w io.Writer, raw bool) io.Writer { return &logWriter{w, raw} }

// Write implements [io.Writer].
func (l *logWriter) Write(line []byte) (int, error) {
	if !l.raw {
		text, ok := format(line)
		if !ok {
			return len(line), nil
		}
		if text != "" {
			_, err := io.WriteString(l.w, text)
			return len(line), err
		}
	}
	return l.w.Write(line)
}

// hidden are fields that say nothing to whoever watches one line after the other.
var hidden = map[string]bool{
	"timestamp": true, "time": true, "level": true, "message": true, "msg": true, "requestId": true, "traceId": true, "functionVersion": true,
}

// format returns a record as a line, "" for a line that is none, and false for what
// is not to be shown.
func format(line []byte) (text string, show bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return "", true
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var record map[string]any
	if d.Decode(&record) != nil {
		return "", true
	}
	if _, metrics := record["_aws"]; metrics {
		return "", false
	}
	message, ok := record["message"].(string)
	if !ok {
		if message, ok = record["msg"].(string); !ok {
			return "", true
		}
	}
	var b strings.Builder
	at := time.Now()
	for _, name := range []string{"timestamp", "time"} {
		if s, ok := record[name].(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
				at = t.Local()
			}
		}
	}
	level, _ := record["level"].(string)
	fmt.Fprintf(&b, "%s %-5s %s", at.Format("15:04:05.000"), level, indented(message))
	var long []string // fields of several lines, such as a stack
	for _, name := range slices.Sorted(maps.Keys(record)) {
		if hidden[name] {
			continue
		}
		value := ""
		switch v := record[name].(type) {
		case string:
			if strings.Contains(v, "\n") {
				long = append(long, name)
				continue
			}
			if value = v; v == "" || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsSpace(r) || acts(r) || r == '"' || r == '=' }) {
				value = strconv.Quote(v)
			}
		default:
			data, _ := json.Marshal(v) // it was decoded from JSON
			value = string(data)
		}
		b.WriteString(" " + name + "=" + value)
	}
	b.WriteByte('\n')
	for _, name := range long {
		fmt.Fprintf(&b, "    %s: %s\n", name, indented(strings.TrimSpace(record[name].(string))))
	}
	return b.String(), true
}

// indented moves the lines after the first to the right, so that none of them looks
// like a record of its own.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
