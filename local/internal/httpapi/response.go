package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"
)

// answer is a function's decoded response.
type answer struct {
	status int
	header http.Header
	body   []byte
	// encoded says that a REST API's body is still in base64.
	encoded bool
}

var errMalformed = errors.New("it is no proxy response")

// errNotBase64 says that a body is not in base64, although the function says so.
var errNotBase64 = fmt.Errorf("%w: body is not base64, though isBase64Encoded is true", errMalformed)

// fieldsREST are the only fields that a response to a REST API may have.
var fieldsREST = map[string]bool{"statusCode": true, "headers": true, "multiValueHeaders": true, "body": true, "isBase64Encoded": true}

// readResponse decodes a function's response. API Gateway's fields are case-sensitive.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
//
// For a REST API, an object needs no status code, but may have no further fields. Source:
// LocalStack's captures of AWS, 2026-03. There, the body stays in base64.
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
	if version == versionREST && object {
		if err := checkFieldsREST(data); err != nil {
			return nil, err
		}
		if in.StatusCode == nil {
			in.StatusCode = json.RawMessage("200")
		}
	}
	if in.StatusCode == nil {
		switch {
		case version == versionREST:
			return nil, fmt.Errorf("%w: it must be a JSON object", errMalformed)
		case version != "2.0" && version != "" || !json.Valid(data):
			return nil, fmt.Errorf("%w: it must be JSON with a statusCode", errMalformed)
		}
		return inferred(data), nil
	}
	status, err := strconv.Atoi(strings.Trim(string(in.StatusCode), `"`))
	if err != nil || status < 100 || status > 599 {
		return nil, fmt.Errorf("%w: statusCode must be 100 to 599, got %s", errMalformed, in.StatusCode)
	}
	a := &answer{status: status, header: http.Header{}}
	if version == "1.0" || version == versionREST {
		for name, values := range in.MultiValueHeaders {
			a.header[textproto.CanonicalMIMEHeaderKey(name)] = values
		}
	}
	for name, raw := range in.Headers {
		if value, ok := headerValue(raw); ok {
			a.addHeader(textproto.CanonicalMIMEHeaderKey(name), value, version)
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
		switch {
		case !in.IsBase64Encoded:
		case version == versionREST:
			a.encoded = true
		default:
			if a.body, err = base64.StdEncoding.DecodeString(text); err != nil {
				return nil, errNotBase64
			}
		}
	}
	return a, nil
}

func checkFieldsREST(object []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !fieldsREST[name] {
			return fmt.Errorf("%w: a REST API knows no field %q", errMalformed, name)
		}
	}
	return nil
}

// addHeader adds a value of the field headers to those of multiValueHeaders. A REST API
// sends both. For an HTTP API, multiValueHeaders override headers here; AWS does not
// document it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (2026-11)
func (a *answer) addHeader(name, value, version string) {
	values, found := a.header[name]
	switch {
	case !found:
		a.header[name] = []string{value}
	case version == versionREST && !slices.Contains(values, value):
		a.header[name] = append(values, value)
	}
}

// defaultType sets the header Content-Type of a response without one.
func (a *answer) defaultType(kind string) {
	if a.header["Content-Type"] == nil {
		a.header["Content-Type"] = []string{kind}
	}
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
