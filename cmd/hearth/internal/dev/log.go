package dev

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
)

// logWriter prints the log lines of handler programs for people. It prints a JSON record
// as one short line and hides metrics. Each Write is one line.
type logWriter struct {
	w   *terminal.Terminal
	raw bool
}

func newLogWriter(w *terminal.Terminal, raw bool) io.Writer { return &logWriter{w, raw} }

// colors are the colours of the levels that need attention.
var colors = map[string]terminal.Color{"WARN": terminal.Yellow, "ERROR": terminal.Red, "FATAL": terminal.Red}

// Write implements [io.Writer].
func (l *logWriter) Write(line []byte) (int, error) {
	if !l.raw {
		text, level, ok := format(line)
		if !ok {
			return len(line), nil
		}
		if color, found := colors[level]; found {
			return len(line), l.w.WriteColored(text, level, color)
		}
		if text != "" {
			_, err := io.WriteString(l.w, text)
			return len(line), err
		}
	}
	return l.w.Write(line)
}

// hidden are the fields that do not help a reader who follows the log.
var hidden = map[string]bool{
	"timestamp": true, "time": true, "level": true, "message": true, "msg": true, "requestId": true, "traceId": true, "functionVersion": true,
}

// format returns a record as a line, with its level. A line that is not a record has the
// level "". show is false for a hidden record.
func format(line []byte) (text, level string, show bool) {
	line = bytes.TrimSpace(line)
	if text := formatPanic(line); text != "" {
		return text, "", true
	}
	if len(line) == 0 || line[0] != '{' {
		return "", "", true
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var record map[string]any
	if d.Decode(&record) != nil {
		return "", "", true
	}
	if _, metrics := record["_aws"]; metrics {
		return "", "", false
	}
	message, ok := record["message"].(string)
	if !ok {
		if message, ok = record["msg"].(string); !ok {
			return "", "", true
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
	if level, _ = record["level"].(string); level != "" {
		level = plain(level)
	}
	fmt.Fprintf(&b, "%s %-5s %s", at.Format("15:04:05.000"), level, indented(message))
	var long []string // fields with several lines, such as a stack
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
			value = plain(v)
		default:
			data, _ := json.Marshal(v) // v was decoded from JSON
			value = string(data)
		}
		b.WriteString(" " + plain(name) + "=" + value)
	}
	b.WriteByte('\n')
	for _, name := range long {
		fmt.Fprintf(&b, "    %s: %s\n", plain(name), indented(strings.TrimSpace(record[name].(string))))
	}
	return b.String(), level, true
}

// panicLine matches the line that aws-lambda-go prints for a panic of a handler.
var panicLine = regexp.MustCompile(`^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (\{"errorMessage":.*\})$`)

// formatPanic returns the line of a panic with a line for each call; "" for other lines.
func formatPanic(line []byte) string {
	match := panicLine.FindSubmatch(line)
	if match == nil {
		return ""
	}
	var failure struct {
		ErrorMessage, ErrorType string
		StackTrace              []struct {
			Path, Label string
			Line        int
		}
	}
	if json.Unmarshal(match[2], &failure) != nil || len(failure.StackTrace) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s panic: %s (%s)\n", match[1], indented(failure.ErrorMessage), plain(failure.ErrorType))
	for _, call := range failure.StackTrace {
		fmt.Fprintf(&b, "    %s:%d %s\n", plain(call.Path), call.Line, plain(call.Label))
	}
	return b.String()
}

// plain returns a word as it is, and quotes any other text. A client may have chosen a
// field's name too, such as that of a header.
func plain(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || terminal.Acts(r) || r == '"' || r == '=' }) {
		return strconv.Quote(text)
	}
	return text
}

// indented indents the lines after the first, so that none of them looks like a separate
// record.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
