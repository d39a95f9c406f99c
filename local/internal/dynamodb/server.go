package dynamodb

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The AWS JSON 1.0 protocol.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html (2026-11)
const (
	contentType  = "application/x-amz-json-1.0"
	targetHeader = "X-Amz-Target"
	targetPrefix = "DynamoDB_20120810."
	sumHeader    = "X-Amz-Crc32"
)

// ServeHTTP implements http.Handler: it answers one request of the protocol. Only this
// machine may reach it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	out, err := s.answer(w, r)
	if err != nil {
		status, out = bodyOf(err)
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic("dynamodb: " + err.Error()) // only plain values come here
	}
	w.Header().Set("x-amzn-RequestId", rand.Text())
	w.Header().Set("Content-Type", contentType)
	w.Header().Set(sumHeader, fmt.Sprint(crc32.ChecksumIEEE(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client is gone
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) (any, error) {
	target := r.Header.Get(targetHeader)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || target == "" || strings.TrimSpace(kind) != contentType {
		return nil, failure(serviceNamespace+"UnknownOperationException",
			"this DynamoDB simulator speaks the AWS JSON 1.0 protocol: POST with %s and Content-Type %s", targetHeader, contentType)
	}
	name, found := strings.CutPrefix(target, targetPrefix)
	op, known := operations[name]
	if !found || !known {
		return nil, errOperation(name)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := failure(serviceNamespace+"RequestEntityTooLargeException", "a request must be at most %d bytes", maxRequestBytes)
		e.Status = http.StatusRequestEntityTooLarge
		return nil, e
	case err != nil:
		return nil, failure(serviceNamespace+"SerializationException", "read request: %v", err)
	case !utf8.Valid(body):
		return nil, failure(serviceNamespace+"SerializationException", "the request is not UTF-8")
	}
	in, err := decode(body, op.parameters)
	if err != nil {
		return nil, err
	}
	return op.do(s, in)
}

// errorBody is the JSON of an error.
type errorBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	Item    item   `json:",omitempty"`
	// CancellationReasons are a transaction's, one for each of its operations.
	CancellationReasons []reason `json:",omitempty"`
}

func bodyOf(err error) (int, errorBody) {
	var e *Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, errorBody{Type: modelNamespace + "InternalServerError", Message: err.Error()}
	}
	return e.Status, errorBody{e.Type, e.Message, e.item, e.reasons}
}
