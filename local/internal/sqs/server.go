package sqs

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// The AWS JSON 1.0 protocol.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html (2026-11)
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html (2026-11)
const (
	contentType  = "application/x-amz-json-1.0"
	targetHeader = "X-Amz-Target"
	targetPrefix = "AmazonSQS."
	queryError   = "x-amzn-query-error"
	queryType    = "application/x-www-form-urlencoded"

	// maxRequestBytes is larger than a full batch in which every character is escaped.
	maxRequestBytes = 16 << 20

	stopGrace = 500 * time.Millisecond
)

// Server serves a [Service] over HTTP in the AWS JSON 1.0 protocol, on loopback only.
//
// It differs from AWS: it does not check signatures, and does not support the older query
// protocol; clients of that get an error that says so. It refuses requests that a web
// page of another origin could cause.
type Server struct {
	service *Service
	http    *http.Server
	url     string
	served  chan struct{}
	stop    sync.Once
}

// Serve listens on addr, a loopback address with a port such as 127.0.0.1:9324 or
// localhost:0. The service's queue URLs begin with that endpoint.
func Serve(service *Service, addr string) (*Server, error) {
	listener, err := loopback.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("sqs: %w", err)
	}
	s := &Server{service: service, url: "http://" + listener.Addr().String(), served: make(chan struct{})}
	service.SetEndpoint(s.url)
	s.http = &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		s.http.Serve(listener) //nolint:errcheck // it ends when Stop closes it
	}()
	return s, nil
}

// URL returns the endpoint, such as http://127.0.0.1:9324.
func (s *Server) URL() string { return s.url }

// Stop stops the service and the server. Waiting receives return no messages; requests
// still running half a second later are cut off. It may be called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.service.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close()
		}
	})
	<-s.served
}

// ServeHTTP implements http.Handler: it answers one request of the protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-amzn-RequestId", newID())
	out, err := s.answer(w, r)
	if r.Context().Err() != nil {
		return // the client is gone
	}
	status := http.StatusOK
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{serviceNamespace + "InternalFailure", "InternalFailure", http.StatusInternalServerError, err.Error()}
		}
		fault := "Sender"
		if e.Status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set(queryError, e.Code+";"+fault)
		status, out = e.Status, struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}{e.Type, e.Message}
	}
	if err != nil && isQuery(r) {
		writeQueryError(w, err)
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic("sqs: " + err.Error()) // only plain structs come here
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client is gone
}

// isQuery reports whether a request is of the older query protocol: a form, or a URL that
// names the action, which may be presigned.
func isQuery(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), queryType) || r.Header.Get(targetHeader) == "" && r.URL.Query().Has("Action")
}

// writeQueryError answers a client of the older query protocol in that protocol's format.
func writeQueryError(w http.ResponseWriter, err error) {
	e := &Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: err.Error()}
	errors.As(err, &e)
	type fault struct{ Type, Code, Message string }
	out := struct {
		XMLName   xml.Name `xml:"http://queue.amazonaws.com/doc/2012-11-05/ ErrorResponse"`
		Error     fault
		RequestID string `xml:"RequestId"`
	}{Error: fault{"Sender", e.Code, e.Message}, RequestID: w.Header().Get("x-amzn-RequestId")}
	body, _ := xml.Marshal(out) // strings always encode
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(e.Status)
	w.Write(append([]byte(xml.Header), body...)) //nolint:errcheck // the client is gone
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) (any, error) {
	refuse := func(status int, name, format string, args ...any) error {
		return &Error{serviceNamespace + name, name, status, fmt.Sprintf(format, args...)}
	}
	if why := loopback.FromPage(r); why != "" {
		return nil, refuse(http.StatusForbidden, "AccessDeniedException", "%s", why)
	}
	target := r.Header.Get(targetHeader)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || target == "" || strings.TrimSpace(kind) != contentType {
		return nil, refuse(http.StatusBadRequest, "UnknownOperationException",
			"this SQS simulator speaks the AWS JSON 1.0 protocol: POST with %s and Content-Type %s; use an SDK from 2023-11 or later", targetHeader, contentType)
	}
	name, found := strings.CutPrefix(target, targetPrefix)
	op := operations[name]
	if !found || op == nil {
		return nil, refuse(http.StatusBadRequest, "UnknownOperationException", "unknown operation %q", target)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "a request must be at most %d bytes", maxRequestBytes)
		}
		return nil, refuse(http.StatusBadRequest, "SerializationException", "read request: %v", err)
	}
	if !utf8.Valid(body) {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "the request is not UTF-8")
	}
	return op(&call{s, r, body})
}

// call is one request.
type call struct {
	*Service
	request *http.Request
	body    []byte
}

// sender returns the identity of the request's signer: the access key id, because there
// are no users.
//
//	AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261102/us-east-1/sqs/aws4_request, …
func (c *call) sender() string {
	_, credential, _ := strings.Cut(c.request.Header.Get("Authorization"), "Credential=")
	id, _, found := strings.Cut(credential, "/")
	if !found {
		return ""
	}
	return id
}
