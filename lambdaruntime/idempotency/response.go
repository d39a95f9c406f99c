package idempotency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// Response is a response of [HTTP], for a handler that completes its request in a
// database transaction: pgstore's CompleteTx takes it as the result.
type Response struct {
	// Status is the status, such as 201. 0 means 200.
	Status int
	// Header are the headers; nil for none.
	Header http.Header
	// Body is the body.
	Body []byte
}

// Write sends the response. Headers already in w stay, unless the response has them too.
func (r Response) Write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.Header)
	w.WriteHeader(r.status())
	_, _ = w.Write(r.Body) // the client is gone
}

func (r Response) status() int {
	if r.Status == 0 {
		return http.StatusOK
	}
	return r.Status
}

// head is the line of JSON before the body.
type head struct {
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
}

// encodeResponse encodes a Response: {"status":201,"header":{"Location":["/1"]}}, a line
// feed, and the body.
func encodeResponse(result any) ([]byte, error) {
	var r Response
	switch result := result.(type) {
	case Response:
		r = result
	case passedOn:
		return nil, fmt.Errorf("it has more than %d bytes", MaxResult)
	default:
		return nil, fmt.Errorf("the result of a request must be an idempotency.Response, got %T", result)
	}
	data, err := json.Marshal(head{r.status(), r.Header})
	if err != nil {
		return nil, err
	}
	return append(append(data, '\n'), r.Body...), nil
}

func decodeResponse(data []byte) (Response, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return Response{}, errors.New("it has no line with its status and headers")
	}
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return Response{}, err
	}
	if h.Status < 200 || h.Status > 999 {
		return Response{}, fmt.Errorf("its status must be 200 to 999, got %d", h.Status)
	}
	return Response{h.Status, h.Header, body}, nil
}

// asksAgain reports whether a status asks the client to try again.
func asksAgain(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// recorder buffers a response until it is stored. If it grows too large to be stored, the
// recorder passes it on from then on.
type recorder struct {
	w      http.ResponseWriter
	header http.Header // as the handler sees it
	status int         // 0 until it is written
	sent   http.Header // the header at that time
	body   []byte
	passed bool // the response is being passed on
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // 100 to 199 are not the response yet
		r.status, r.sent = status, r.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !r.passed && len(r.body)+len(p) > MaxResult {
		r.send()
		r.passed = true
	}
	if r.passed {
		return r.w.Write(p)
	}
	r.body = append(r.body, p...)
	return len(p), nil
}

// send sends the recorded response.
func (r *recorder) send() {
	if r.passed {
		return
	}
	r.WriteHeader(http.StatusOK)
	Response{r.status, r.sent, r.body}.Write(r.w)
}

// passedOn replaces a response that is too large to be stored.
type passedOn struct{}

// response returns the response once the handler has returned.
func (r *recorder) response() any {
	r.WriteHeader(http.StatusOK)
	if r.passed {
		return passedOn{}
	}
	return Response{r.status, r.sent, r.body}
}
