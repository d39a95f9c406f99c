package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"
)

// answer is a function's decoded response.
type answer struct {
	status int
	header http.Header
	body   []byte
	// encoded is the function's body in base64; "" if the function sent text.
	encoded string
}

var errMalformed = errors.New("it is no proxy response")

// readResponse decodes a function's response. API Gateway's fields are case-sensitive.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
func readResponse(data []byte, version string) (*answer, error) {
	var in struct {
		StatusCode        json.RawMessage            `json:"statusCode"`
		Headers           map[string]json.RawMessage `json:"headers"`
		MultiValueHeaders map[string][]string        `json:"multiValueHeaders"`
		Cookies           []string                   `json:"cookies"`
		Body              *json.RawMessage           `json:"body"`
		IsBase64Encoded   bool                       `json:"isBase64Encoded"`
	}
	data = bytes.TrimSpace(data)
	object := len(data) > 0 && data[0] == '{'
	if object {
		if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &in); err != nil {
			if version != "2.0" && version != "" || in.StatusCode != nil || !json.Valid(data) {
				return nil, fmt.Errorf("%w: %w", errMalformed, err)
			}
			in.StatusCode = nil // the function's own object has a field of this name
		}
	}
	if in.StatusCode == nil {
		if version != "2.0" && version != "" || !json.Valid(data) {
			return nil, fmt.Errorf("%w: it must be JSON with a statusCode", errMalformed)
		}
		return inferred(data), nil
	}
	status, err := strconv.Atoi(strings.Trim(string(in.StatusCode), `"`))
	if err != nil || status < 100 || status > 599 {
		return nil, fmt.Errorf("%w: statusCode must be 100 to 599, got %s", errMalformed, in.StatusCode)
	}
	a := &answer{status: status, header: http.Header{}}
	for name, raw := range in.Headers {
		if value, ok := headerValue(raw); ok {
			a.header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
		}
	}
	if version == "1.0" || version == versionREST {
		for name, values := range in.MultiValueHeaders {
			a.header[textproto.CanonicalMIMEHeaderKey(name)] = values
		}
	}
	if len(in.Cookies) > 0 && (version == "2.0" || version == "") {
		a.header["Set-Cookie"] = append(a.header["Set-Cookie"], in.Cookies...)
	}
	if in.Body != nil && string(*in.Body) != "null" {
		var text string
		if err := json.Unmarshal(*in.Body, &text); err != nil {
			return nil, fmt.Errorf("%w: body must be a string", errMalformed)
		}
		a.body = []byte(text)
		if in.IsBase64Encoded {
			a.encoded = text
			if a.body, err = base64.StdEncoding.DecodeString(text); err != nil {
				return nil, fmt.Errorf("%w: body is not base64, though isBase64Encoded is true", errMalformed)
			}
		}
	}
	if a.header["Content-Type"] == nil {
		a.header["Content-Type"] = []string{"text/plain;charset=UTF-8"}
		if version == versionREST {
			a.header["Content-Type"] = []string{"application/json"}
		}
	}
	return a, nil
}

// inferred makes the answer from a response without a status code: all of it is the body.
func inferred(data []byte) *answer {
	a := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: data}
	var text string
	if json.Unmarshal(data, &text) == nil && len(data) > 0 && data[0] == '"' {
		a.body = []byte(text)
	}
	return a
}

// headerValue decodes a header value, which may be a string, number or boolean.
func headerValue(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
		return text, true
	}
	s := string(raw)
	return s, s != "null" && s != "" && s[0] != '{' && s[0] != '['
}

func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodHead && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	a.writeHeader(w)
	if r.Method != http.MethodHead {
		w.Write(a.body) //nolint:errcheck // the client has gone
	}
}

func (a *answer) writeHeader(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.header {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Trailer":
			continue // the gateway sets it itself
		}
		h[name] = values
	}
	w.WriteHeader(max(a.status, 200))
}
