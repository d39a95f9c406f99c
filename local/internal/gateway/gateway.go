// Package gateway has the common parts of API Gateway's HTTP, REST and WebSocket APIs:
// encoding events, invoking functions, and reading authorizers' answers.
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
	// RequestID is the id of the invocation, Trace its X-Amzn-Trace-Id header.
	RequestID, Trace string
	Event            []byte
}

// Encode encodes JSON like API Gateway, which does not escape "<", ">" and "&".
func Encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // events hold nothing that cannot be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Refuse sends an answer of the gateway itself, such as {"message": "Forbidden"}.
func Refuse(w http.ResponseWriter, status int, body map[string]string) {
	data := Encode(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client has gone
}

// Trace returns a request's trace header: the client's, or a new one.
func Trace(header string, at time.Time) string {
	if strings.Contains(header, "Root=") {
		return header
	}
	return fmt.Sprintf("Root=1-%08x-%x", at.Unix(), Random(12))
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// SourceIP returns the client's address.
func SourceIP(r *http.Request) string {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	return ip
}

// Text formats a claim, or a value of an authorizer's context, for an event. A list is in
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
	data, _ := json.Marshal(v) // it was decoded from JSON
	return string(data)
}
