package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/internal/wire"
	kjson "sigs.k8s.io/json"
)

// URLKind is the kind of a Function URL; NoURL means an HTTP or REST API.
//
// A Function URL is an [API] whose only route is $default, with payload format 2.0. Its
// events keep the escapes of the path in rawPath, and have the header cookie. It waits as
// long as its function may run. It answers 502 if the function fails, and 429 if Lambda
// throttles it. The body for a throttle and the headers of AWS's own errors are not
// simulated, nor is IAM authorization.
//
// A streaming Function URL sends a response while the function writes it. If the function
// fails after that has begun, the connection is cut off. As on AWS, the header
// Content-Length becomes X-Amzn-Remapped-Content-Length. Two details of AWS are not
// simulated: it decompresses bodies, and sends the end of an empty body late.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
type URLKind int

// The kinds of Function URLs; NoURL is an HTTP or REST API.
const (
	NoURL URLKind = iota
	BufferedURL
	StreamingURL
)

// failedURL answers a failed invocation. LocalStack's captures of AWS (2026-03) have the
// text of the body, but not its Content-Type. Here that is the usual one of Function URLs.
func failedURL(w http.ResponseWriter) int {
	const message = "Internal Server Error"
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(message)))
	w.WriteHeader(http.StatusBadGateway)
	io.WriteString(w, message) //nolint:errcheck // the client has gone
	return http.StatusBadGateway
}

// requestIDs makes the ids of a request and of its invocation. An HTTP API's request ids
// look like "JKJaXmPLvHcESHA=", a REST API's are UUIDs. A Function URL uses the
// invocation's id.
func (c *Config) requestIDs() (request, invocation string) {
	invocation = uuid.NewString()
	switch {
	case c.REST != nil:
		return uuid.NewString(), invocation
	case c.URL == NoURL:
		return base64.URLEncoding.EncodeToString(gateway.Random(11)), invocation
	}
	return invocation, invocation
}

func (c *Config) requestIDHeader() string {
	if c.URL == NoURL && c.REST == nil {
		return "Apigw-Requestid"
	}
	return "X-Amzn-Requestid"
}

// maxPreludeBytes bounds the part before the body of a streamed response. AWS documents a
// limit only for API Gateway, 16 KB.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (2026-11)
const maxPreludeBytes = 64 * 1024

// stream answers with a streamed response.
func (a *API) stream(ctx context.Context, w http.ResponseWriter, x *exchange, payload []byte) (status int) {
	s, err := a.invoker.InvokeStream(ctx, x.invoke(payload))
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	// A client that disconnects does not stop the function.
	defer s.Close()
	answer, body, err := readPrelude(s)
	if err != nil {
		return a.failed(ctx, w, x, err)
	}
	x.config.CORS.adjust(answer.header, x.r)
	if length := answer.header["Content-Length"]; length != nil {
		answer.header["X-Amzn-Remapped-Content-Length"] = length
	}
	answer.writeHeader(w)
	x.cutOff = forward(w, body) != nil
	return answer.status
}

// forward sends each part of the body at once, as long as the client reads. It returns
// the function's error.
func forward(w http.ResponseWriter, body io.Reader) error {
	flusher := http.NewResponseController(w)
	err := flusher.Flush()
	for buffer := make([]byte, 32*1024); err == nil; {
		n, failure := body.Read(buffer)
		if n > 0 {
			if _, err = w.Write(buffer[:n]); err == nil {
				err = flusher.Flush()
			}
		}
		if failure == io.EOF {
			return nil
		}
		if failure != nil {
			return failure
		}
	}
	return nil // the client has gone, or may have no body
}

// readPrelude reads a streamed response up to its body. A response without the HTTP
// content type is all body.
func readPrelude(s *Stream) (*answer, io.Reader, error) {
	if s.ContentType != wire.ResponseStreamType {
		return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {s.ContentType}}}, s, nil
	}
	r := bufio.NewReader(s)
	var prelude []byte
	for !bytes.HasSuffix(prelude, []byte(wire.ResponseStreamDelimiter)) {
		b, err := r.ReadByte()
		if err != nil || len(prelude) == maxPreludeBytes {
			return nil, nil, fmt.Errorf("%w: it must begin with JSON and eight zeros, within %d bytes", errMalformed, maxPreludeBytes)
		}
		prelude = append(prelude, b)
	}
	var in struct {
		StatusCode int                        `json:"statusCode"`
		Headers    map[string]json.RawMessage `json:"headers"`
		Cookies    []string                   `json:"cookies"`
	}
	in.StatusCode = http.StatusOK
	if err := kjson.UnmarshalCaseSensitivePreserveInts(bytes.TrimSuffix(prelude, []byte(wire.ResponseStreamDelimiter)), &in); err != nil || in.StatusCode < 100 || in.StatusCode > 599 {
		return nil, nil, fmt.Errorf("%w: statusCode must be 100 to 599 in %q", errMalformed, bytes.TrimSuffix(prelude, []byte(wire.ResponseStreamDelimiter)))
	}
	a := &answer{status: in.StatusCode, header: http.Header{}}
	for name, raw := range in.Headers {
		if value, ok := headerValue(raw); ok {
			a.header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
		}
	}
	if len(in.Cookies) > 0 {
		a.header["Set-Cookie"] = append(a.header["Set-Cookie"], in.Cookies...)
	}
	if a.header["Content-Type"] == nil {
		a.header["Content-Type"] = []string{"application/octet-stream"}
	}
	return a, r, nil
}
