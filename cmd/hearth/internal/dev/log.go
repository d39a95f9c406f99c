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
)

// lockedWriter keeps what several write at once apart.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements [io.Writer].
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
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
	fmt.Fprintf(&b, "%s %-5s %s", at.Format("15:04:05.000"), level, message)
	for _, name := range slices.Sorted(maps.Keys(record)) {
		if hidden[name] {
			continue
		}
		value := ""
		switch v := record[name].(type) {
		case string:
			if value = v; v == "" || strings.ContainsAny(v, " \t\n\"=") {
				value = strconv.Quote(v)
			}
		default:
			data, _ := json.Marshal(v) // it was decoded from JSON
			value = string(data)
		}
		b.WriteString(" " + name + "=" + value)
	}
	b.WriteByte('\n')
	return b.String(), true
}
