// Package gateway has the common code of the simulated HTTP, REST and WebSocket APIs: it
// encodes events, describes invocations, and reads the responses of authorizers.
package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Invocation is one event for a function.
type Invocation struct {
	// Function is the ARN of the function, alias or version.
	Function string
	// RequestID is the id of the invocation, and Trace its X-Amzn-Trace-Id header.
	RequestID, Trace string
	Event            []byte
}

// Limit returns the time limit of an invocation: a limit of API Gateway, or none worth
// the name while a debugger may hold the function's process.
func Limit(d time.Duration, debug bool) time.Duration {
	if debug {
		return 24 * time.Hour
	}
	return d
}

// Encode encodes JSON as API Gateway does: it does not escape "<", ">" and "&".
func Encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // JSON can encode every event
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Refuse answers with an error body of API Gateway, such as {"message": "Forbidden"}.
func Refuse(w http.ResponseWriter, status int, body any) {
	data := Encode(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client has gone
}

// Trace returns the trace of a request: the client's, or a new one.
func Trace(header string, at time.Time) string {
	if strings.Contains(header, "Root=") {
		return header
	}
	return fmt.Sprintf("Root=1-%08x-%x", at.Unix(), Random(12))
}

// Segment returns the trace of an invocation for a request's trace. It adds a parent, and
// that the trace is not sampled, unless the client said so. Events have the request's
// trace. Source for REST APIs: LocalStack's captures of AWS, 2026-03.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader (2026-11)
func Segment(trace string) string {
	root, rest, _ := strings.Cut(trace, ";")
	if !strings.Contains(rest, "Parent=") {
		root += fmt.Sprintf(";Parent=%x", Random(8))
	}
	if rest != "" {
		root += ";" + rest
	}
	if !strings.Contains(rest, "Sampled=") {
		root += ";Sampled=0"
	}
	return root
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// SourceIP returns the IP address of the client.
func SourceIP(r *http.Request) string {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	return ip
}

// Text formats a claim, or a value of an authorizer's context, as in events: a list is in
// brackets, with spaces between its items.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = Text(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	data, _ := json.Marshal(v) // v was decoded from JSON
	return string(data)
}
