// Package event reads the payloads of Lambda events: their kinds, and the positions of
// their parts. It decodes in one pass, and only the parts that a handler of that kind
// needs.
package event

import (
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Detect returns the kind of an event from its payload, in one pass and from
// discriminating fields only. A payload that is not a valid JSON object is [KindUnknown].
func Detect(payload []byte) Kind {
	var e Envelope
	if err := e.Read(string(payload)); err != nil {
		return KindUnknown
	}
	return e.Kind
}

// Envelope is the result of one pass over a payload: the event's kind, and the text of
// the parts that a handler of that kind decodes. Fields named Raw… hold JSON text. All
// strings share the payload's memory.
type Envelope struct {
	Kind    Kind
	Payload string

	Version         string
	authType        string
	arn             string // methodArn or routeArn of an authorizer
	hasResource     bool
	hasRawPath      bool
	Method          string
	Path            string // path (1.0, ALB) or rawPath (2.0)
	Query           string // rawQueryString (2.0)
	RawCookies      string
	RawHeaders      string
	pairs           [32]Pair // RawHeaders decoded
	pairCount       int      // -1 where they do not fit
	RawMultiHeaders string
	RawQuery        string
	RawMultiQuery   string
	Body            string
	RawBody         string // of a body that is not a string
	Base64          bool
	oddBase64       bool // isBase64Encoded is no boolean
	NotTexts        bool // a reader found headers, cookies or parameters of other types
	Context         RequestContext

	Records     []Record
	EventSource string // of the first record
	sourceARN   string // of a stream's event

	source       string
	detailType   string
	hasDetail    bool
	rawDetail    string
	Time         string
	rawResources string
}

// Pair is one field of an object of strings.
type Pair struct{ Key, Value string }

// RequestContext is the requestContext of an HTTP or WebSocket event.
type RequestContext struct {
	present  bool
	hasHTTP  bool
	hasELB   bool
	Method   string
	HTTPPath string
	SourceIP string
	Protocol string
	Domain   string
	Stage    string

	ConnectionID     string
	EventType        string
	RouteKey         string
	DisconnectCode   string
	DisconnectReason string

	RawAuthorizer string
	RawIdentity   string
}

// Read fills an empty envelope from a payload. It fills it in place, because an envelope
// is large and used once.
func (e *Envelope) Read(payload string) error {
	e.Payload = payload
	d := jsonscan.NewDecoder(payload)
	if d.Peek() != '{' {
		d.Skip() // valid JSON of another type is an unknown event, not an error
		return d.End()
	}
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		e.field(key, &d)
	}
	if err := d.End(); err != nil {
		return err
	}
	e.Kind = e.classify()
	return nil
}

func (e *Envelope) field(key string, d *jsonscan.Decoder) {
	switch key {
	case "version":
		e.Version = scalar(d)
	case "type":
		e.authType = d.Text()
	case "methodArn", "routeArn":
		e.arn = d.Text()
	case "resource":
		e.hasResource = true
		d.Skip()
	case "httpMethod":
		e.Method = d.Text()
	case "path":
		e.Path = d.Text()
	case "rawPath":
		e.Path, e.hasRawPath = d.Text(), true
	case "rawQueryString":
		e.Query = d.Text()
	case "cookies":
		e.RawCookies = d.Raw()
	case "headers":
		// Decoded at once: only HTTP and WebSocket events have headers, and those need
		// them decoded.
		start := d.Mark()
		e.pairCount = readPairs(d, e.pairs[:0])
		e.RawHeaders = d.Since(start)
	case "multiValueHeaders":
		e.RawMultiHeaders = d.Raw()
	case "queryStringParameters":
		e.RawQuery = d.Raw()
	case "multiValueQueryStringParameters":
		e.RawMultiQuery = d.Raw()
	case "body":
		// Decoded at once, like headers.
		if d.Peek() == '"' {
			e.Body, e.RawBody = d.Text(), ""
		} else {
			e.Body, e.RawBody = "", d.Raw()
		}
	case "isBase64Encoded":
		switch raw := d.Raw(); raw {
		case "true", "false", "null":
			e.Base64, e.oddBase64 = raw == "true", false
		default:
			e.Base64, e.oddBase64 = raw == "1" || strings.EqualFold(raw, `"true"`), true
		}
	case "requestContext":
		if d.Peek() != '{' {
			d.Skip()
			return
		}
		e.Context.read(d)
	case "Records":
		e.readRecords(d)
	case "eventSourceARN":
		e.sourceARN = d.Text()
	case "source":
		e.source = d.Text()
	case "detail-type":
		e.detailType = d.Text()
	case "detail":
		e.hasDetail = true
		e.rawDetail = d.Raw()
	case "time":
		e.Time = d.Text()
	case "resources":
		e.rawResources = d.Raw()
	default:
		d.Skip()
	}
}

func (c *RequestContext) read(d *jsonscan.Decoder) {
	c.present = true
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		switch key {
		case "http":
			if d.Peek() != '{' {
				d.Skip()
				continue
			}
			c.hasHTTP = true
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				switch key {
				case "method":
					c.Method = d.Text()
				case "path":
					c.HTTPPath = d.Text()
				case "sourceIp":
					c.SourceIP = d.Text()
				case "protocol":
					c.Protocol = d.Text()
				default:
					d.Skip()
				}
			}
		case "authorizer":
			c.RawAuthorizer = d.Raw()
		case "identity":
			if d.Peek() != '{' {
				d.Skip()
				continue
			}
			start := d.Mark()
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				if key == "sourceIp" {
					c.SourceIP = d.Text()
				} else {
					d.Skip()
				}
			}
			c.RawIdentity = d.Since(start)
		case "elb":
			c.hasELB = d.Peek() == '{'
			d.Skip()
		case "protocol":
			c.Protocol = d.Text()
		case "domainName":
			c.Domain = d.Text()
		case "stage":
			c.Stage = d.Text()
		case "connectionId":
			c.ConnectionID = d.Text()
		case "eventType":
			c.EventType = d.Text()
		case "routeKey":
			c.RouteKey = d.Text()
		case "disconnectStatusCode":
			c.DisconnectCode = d.Raw()
		case "disconnectReason":
			c.DisconnectReason = d.Text()
		default:
			d.Skip()
		}
	}
}

// readPairs decodes an object of strings into space and returns their number. For any
// other value, or for too many strings, it consumes the value and returns -1.
func readPairs(d *jsonscan.Decoder, space []Pair) int {
	if d.Peek() != '{' {
		d.Skip()
		return -1
	}
	fits := true
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if fits = fits && d.Peek() == '"' && len(space) < cap(space); fits {
			space = append(space, Pair{key, d.String()})
		} else {
			d.Skip()
		}
	}
	if !fits {
		return -1
	}
	return len(space)
}

// Pairs returns the headers of an event, in their order, if they are an object of at most
// 32 strings. ok is false otherwise.
func (e *Envelope) Pairs() (pairs []Pair, ok bool) {
	if e.pairCount < 0 {
		return nil, false
	}
	return e.pairs[:e.pairCount], true
}

// scalar consumes any value and returns the value of a string, the text of a number, or
// "": people write numbers where services send strings.
func scalar(d *jsonscan.Decoder) string {
	if c := d.Peek(); c == '-' || c >= '0' && c <= '9' {
		return d.Raw()
	}
	return d.Text()
}

// Text returns the value of a JSON string, or "" for a value of any other type, which
// says nothing about the event's kind.
func Text(raw string) string {
	if !strings.HasPrefix(raw, `"`) {
		return ""
	}
	d := jsonscan.NewDecoder(raw)
	return d.String()
}

func (e *Envelope) classify() Kind {
	switch {
	case e.arn != "" && (e.authType == "REQUEST" || e.authType == "TOKEN"):
		return KindAuthorizer
	case e.Context.hasELB:
		return KindALB
	case e.Context.ConnectionID != "":
		return KindWebSocket
	case e.Context.hasHTTP:
		return KindHTTPv2
	case e.Method != "" && (e.Context.present || e.hasResource || strings.HasPrefix(e.Path, "/")):
		return KindHTTPv1
	case e.hasRawPath && (e.Version == "2.0" || e.Version == "2" || strings.HasPrefix(e.Path, "/")):
		return KindHTTPv2
	}
	source := e.EventSource
	if source == "" { // the last event of a stream's window may have no records
		if parts := strings.SplitN(e.sourceARN, ":", 4); len(parts) == 4 && (parts[2] == "dynamodb" || parts[2] == "kinesis") {
			source = "aws:" + parts[2]
		}
	}
	switch source {
	case "aws:sqs":
		return KindSQS
	case "aws:sns":
		return KindSNS
	case "aws:s3":
		return KindS3
	case "aws:dynamodb":
		return KindDynamoDB
	case "aws:kinesis":
		return KindKinesis
	}
	if e.detailType != "" && e.source != "" && e.hasDetail {
		if e.detailType == wire.ScheduleDetailType && (e.source == wire.ScheduleSource || e.source == "aws.events") {
			return KindSchedule
		}
		return KindEventBridge
	}
	return KindUnknown
}

// SocketEvent returns the type of a WebSocket event: CONNECT, MESSAGE or DISCONNECT. An
// event without its type has the one of its route.
func (e *Envelope) SocketEvent() string {
	switch {
	case e.Context.EventType != "" || e.Context.RouteKey == "":
		return e.Context.EventType
	case e.Context.RouteKey == "$connect":
		return "CONNECT"
	case e.Context.RouteKey == "$disconnect":
		return "DISCONNECT"
	}
	return "MESSAGE"
}

// IsFunctionURL reports whether a request in payload format 2.0 came through a Lambda
// function URL, and not through an HTTP API.
func (e *Envelope) IsFunctionURL() bool {
	return e.Kind == KindHTTPv2 && strings.Contains(e.Context.Domain, wire.FunctionURLDomain)
}

// IsHTTPAPI reports whether a request came through an API Gateway HTTP API, in
// either payload format. The events of a REST API are like those of format 1.0, but
// have no version.
func (e *Envelope) IsHTTPAPI() bool {
	return e.Kind == KindHTTPv2 && !e.IsFunctionURL() || e.Kind == KindHTTPv1 && e.Version == "1.0"
}

// IsREST reports whether a request came through an API Gateway REST API.
func (e *Envelope) IsREST() bool { return e.Kind == KindHTTPv1 && e.Version == "" }

// Oddities lists what no AWS service sends, only people who write or paste an event by
// hand to try a function. Such events are served all the same.
func (e *Envelope) Oddities() []string {
	var odd []string
	switch {
	case e.Kind == KindHTTPv1 && !e.Context.present || e.Kind == KindHTTPv2 && !e.Context.hasHTTP:
		odd = append(odd, "it has no requestContext")
	}
	if e.Kind == KindWebSocket && e.Context.EventType == "" {
		odd = append(odd, "its requestContext has no eventType")
	}
	if e.RawBody != "" && e.RawBody != "null" {
		odd = append(odd, "its body is JSON and not a string")
	}
	if e.oddBase64 {
		odd = append(odd, "its isBase64Encoded is not a boolean")
	}
	if e.NotTexts {
		odd = append(odd, "its headers, cookies or query parameters are not all strings, or not in lists where they should be")
	}
	return odd
}

// Seen describes an event for errors, without its values.
func (e *Envelope) Seen() string {
	if e.Kind != KindUnknown {
		return "kind " + e.Kind.String()
	}
	if e.EventSource != "" {
		return "records of event source " + e.EventSource
	}
	d := jsonscan.NewDecoder(e.Payload)
	if d.Peek() != '{' {
		return "a payload that is not a JSON object"
	}
	const maxKeys = 8
	var keys []string
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if len(keys) == maxKeys {
			keys = append(keys, "…")
			break
		}
		keys = append(keys, key)
		d.Skip()
	}
	if len(keys) == 0 {
		return "an empty object"
	}
	return "an object with the fields " + strings.Join(keys, ", ")
}
