package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// serveHTTP answers one HTTP event. Whatever goes wrong becomes a response, as
// it would in net/http: an error returned to Lambda would reach the client as
// the gateway's own 500 or 502, without a reason.
func (r *router) serveHTTP(ctx context.Context, e *envelope) []byte {
	format := formatOf(e)
	if len(e.payload) > maxPayloadBytes {
		return format.message(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("request of %d bytes is over the limit of %d bytes", len(e.payload), maxPayloadBytes))
	}
	x := &exchange{}
	c := call{what: "request", limit: limitBefore(ctx, r.app.requestTimeout(), responseMargin)}
	c.begin(ctx, r)
	req, err := x.read(c.ctx, e)
	if err != nil {
		c.end(err)
		r.log.WarnContext(ctx, "unreadable HTTP event", "error", err.Error())
		return format.message(http.StatusBadRequest, err.Error())
	}
	method, path := req.Method, req.URL.Path // an abandoned handler may still change the request
	w := &x.response
	w.format, w.head, w.header = format, method == http.MethodHead, http.Header{}
	c.fn = func(ctx context.Context) error {
		r.app.HTTP.ServeHTTP(w, req)
		// A response that is finished too late may be that of a handler which
		// was told to stop.
		return context.Cause(ctx)
	}
	err, _ = r.run(&c)
	var panicked *panicError
	switch {
	case errors.As(err, &panicked):
		w.close()
		return format.message(http.StatusInternalServerError, "internal error")
	case err != nil:
		w.close()
		r.log.ErrorContext(ctx, "request timed out", "method", method, "path", path, "limitMs", milliseconds(c.limit))
		r.metrics.timeout(e.kind)
		return format.message(http.StatusGatewayTimeout, err.Error())
	}
	response, size := w.finish()
	if size > maxPayloadBytes {
		r.log.ErrorContext(ctx, "response too large", "method", method, "path", path, "bytes", size, "limitBytes", maxPayloadBytes)
		return format.message(http.StatusBadGateway,
			fmt.Sprintf("response of %d bytes is over Lambda's limit of %d bytes", size, maxPayloadBytes))
	}
	return response
}

// exchange is a request and its response. What a request needs beside itself lies
// in one piece of memory.
type exchange struct {
	request  http.Request
	url      url.URL
	body     stringBody
	values   [16]string // of the headers
	response responseWriter
}

// responseFormat is how a response is written for the service that sent the
// event.
type responseFormat uint8

const (
	formatV2     responseFormat = iota // headers joined by commas, cookies apart
	formatV1                           // multiValueHeaders
	formatALB                          // headers, with a status description
	formatALBMVH                       // multiValueHeaders, with a status description
)

// formatOf tells the response's format. A load balancer takes multi-value
// headers exactly when its target group sends them.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html (2026-11)
func formatOf(e *envelope) responseFormat {
	switch {
	case e.kind == KindHTTPv1:
		return formatV1
	case e.kind == KindALB && e.rawMVHeaders != "" && e.rawMVHeaders != "null":
		return formatALBMVH
	case e.kind == KindALB:
		return formatALB
	}
	return formatV2
}

func (f responseFormat) multiValue() bool { return f == formatV1 || f == formatALBMVH }

// open starts a response up to its headers, which the caller writes and closes.
func (f responseFormat) open(b []byte, status int) []byte {
	b = append(b, `{"statusCode":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	if f == formatALB || f == formatALBMVH {
		b = append(b, `,"statusDescription":`...)
		b = jsonscan.AppendString(b, strconv.Itoa(status)+" "+http.StatusText(status))
	}
	if f.multiValue() {
		return append(b, `,"multiValueHeaders":{`...)
	}
	return append(b, `,"headers":{`...)
}

// header appends one header of an open response.
func (f responseFormat) header(b []byte, key string, values ...string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = jsonscan.AppendString(b, key)
	b = append(b, ':')
	if !f.multiValue() {
		if len(values) == 1 {
			return jsonscan.AppendString(b, oneLine(values[0]))
		}
		return jsonscan.AppendString(b, oneLine(strings.Join(values, ", "))) // RFC 9110, section 5.3
	}
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonscan.AppendString(b, oneLine(v))
	}
	return append(b, ']')
}

// oneLine makes line breaks in a header's value spaces, as net/http does.
func oneLine(v string) string {
	if strings.IndexByte(v, '\n') < 0 && strings.IndexByte(v, '\r') < 0 {
		return v
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
}

// message is a response of the runtime's own: {"message": "…"}, the shape of
// API Gateway's own errors.
func (f responseFormat) message(status int, text string) []byte {
	body := jsonscan.AppendString([]byte(`{"message":`), text)
	body = append(body, '}')
	b := f.open(nil, status)
	b = f.header(b, "Content-Type", "application/json")
	b = append(b, `},"body":`...)
	b = jsonscan.AppendBytes(b, body)
	return append(b, `,"isBase64Encoded":false}`...)
}

var errBody = errors.New("the event's body is marked as base64 but is not")
