package gateway

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Sizes of a response's JSON, base64 included.
const (
	// MaxPayload is Lambda's limit for a synchronous invocation's request and
	// response: 6 MB.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	MaxPayload = 6*1024*1024 + 100
	// maxLoadBalancer is a load balancer's limit, 1 MB: it answers a larger response
	// with a bare 502.
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html (2026-11)
	maxLoadBalancer = 1 << 20
)

// Format is the response format of the service that sent the event.
type Format uint8

const (
	formatV2     Format = iota // headers joined by commas, cookies apart
	formatV1                   // multiValueHeaders
	formatALB                  // headers, with a status description
	formatALBMVH               // multiValueHeaders, with a status description
)

// formatOf returns the response's format. A load balancer takes multi-value headers
// exactly when its target group sends them.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html (2026-11)
func formatOf(e *event.Envelope) Format {
	switch {
	case e.Kind == event.KindHTTPv1:
		return formatV1
	case e.Kind == event.KindALB && e.RawMultiHeaders != "" && e.RawMultiHeaders != "null":
		return formatALBMVH
	case e.Kind == event.KindALB:
		return formatALB
	}
	return formatV2
}

func (f Format) multiValue() bool { return f == formatV1 || f == formatALBMVH }

func (f Format) isALB() bool { return f == formatALB || f == formatALBMVH }

// limit returns the size limit of a response, in bytes.
func (f Format) limit() int {
	if f.isALB() {
		return maxLoadBalancer
	}
	return MaxPayload
}

// whose names the service that has that limit.
func (f Format) whose() string {
	if f.isALB() {
		return "a load balancer's"
	}
	return "Lambda's"
}

// begin starts a response up to its headers, which the caller writes and closes.
func (f Format) begin(b []byte, status int) []byte {
	b = append(b, `{"statusCode":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	if f.isALB() {
		b = append(b, `,"statusDescription":`...)
		b = jsonscan.AppendString(b, strconv.Itoa(status)+" "+http.StatusText(status))
	}
	if f.multiValue() {
		return append(b, `,"multiValueHeaders":{`...)
	}
	return append(b, `,"headers":{`...)
}

// header appends one header of an open response.
func (f Format) header(b []byte, key string, values ...string) []byte {
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

// oneLine makes line breaks in a header's value spaces, and trims the value, as net/http
// does.
func oneLine(v string) string {
	if strings.IndexByte(v, '\n') >= 0 || strings.IndexByte(v, '\r') >= 0 {
		v = strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
	}
	return textproto.TrimString(v)
}

// message is a response that the runtime itself makes: {"message": "…"}, the shape of API
// Gateway's own errors.
func (f Format) message(status int, text string) []byte {
	b := f.begin(nil, status)
	b = f.header(b, "Content-Type", "application/json")
	b = append(b, `},"body":`...)
	b = jsonscan.AppendBytes(b, messageBody(text))
	return append(b, `,"isBase64Encoded":false}`...)
}

func messageBody(text string) []byte {
	return append(jsonscan.AppendString([]byte(`{"message":`), text), '}')
}
