package lambdaruntime

import (
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Kind is the type of a Lambda event, told from its payload by [Detect].
type Kind uint8

// The kinds of events that [Detect] tells apart.
const (
	// KindUnknown is any payload that is none of the others.
	KindUnknown Kind = iota
	// KindHTTPv2 is an HTTP request in payload format 2.0: an API Gateway HTTP API
	// or a Lambda Function URL.
	KindHTTPv2
	// KindHTTPv1 is an HTTP request in payload format 1.0: an API Gateway REST API,
	// or an HTTP API integration of that format.
	KindHTTPv1
	// KindALB is an HTTP request from an Application Load Balancer's target group.
	KindALB
	// KindWebSocket is a connect, message or disconnect event of an API Gateway
	// WebSocket API.
	KindWebSocket
	// KindSQS is a batch of messages from a standard or FIFO queue.
	KindSQS
	// KindSchedule is a run of an EventBridge Scheduler schedule or of an
	// EventBridge rule with a schedule.
	KindSchedule
	// KindEventBridge is any other event from an EventBridge bus.
	KindEventBridge
	// KindSNS is a notification from an SNS topic.
	KindSNS
	// KindS3 is a notification from an S3 bucket.
	KindS3
	// KindDynamoDB is a batch of records from a DynamoDB stream.
	KindDynamoDB
	// KindKinesis is a batch of records from a Kinesis data stream.
	KindKinesis
	// KindAuthorizer is a request to an API Gateway Lambda authorizer.
	KindAuthorizer
)

var kindNames = [...]string{
	KindUnknown:     "unknown",
	KindHTTPv2:      "http-v2",
	KindHTTPv1:      "http-v1",
	KindALB:         "alb",
	KindWebSocket:   "websocket",
	KindSQS:         "sqs",
	KindSchedule:    "schedule",
	KindEventBridge: "eventbridge",
	KindSNS:         "sns",
	KindS3:          "s3",
	KindDynamoDB:    "dynamodb",
	KindKinesis:     "kinesis",
	KindAuthorizer:  "authorizer",
}

// String returns the kind's name: http-v2, http-v1, alb, websocket, sqs,
// schedule, eventbridge, sns, s3, dynamodb, kinesis, authorizer or unknown.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Detect tells the kind of an event from its payload, in one pass and from
// discriminating fields only. A payload that is not a valid JSON object is
// [KindUnknown].
func Detect(payload []byte) Kind {
	var e envelope
	if err := e.read(string(payload)); err != nil {
		return KindUnknown
	}
	return e.kind
}

// envelope is what one pass over a payload finds: the event's kind and where
// the parts lie that a handler of that kind decodes. Fields named raw… hold
// JSON text; all strings share the payload's memory.
type envelope struct {
	kind    Kind
	payload string

	version      string
	authType     string
	arn          string // methodArn or routeArn of an authorizer
	hasResource  bool
	method       string
	path         string // path (1.0, ALB) or rawPath (2.0)
	query        string // rawQueryString (2.0)
	rawCookies   string
	rawHeaders   string
	pairs        [32]pair // rawHeaders decoded
	pairCount    int      // or -1, where they do not fit
	rawMVHeaders string
	rawQuery     string
	rawMVQuery   string
	rawBody      string
	base64       bool
	ctx          requestContext

	rawRecords  string
	eventSource string

	source       string
	detailType   string
	hasDetail    bool
	rawDetail    string
	time         string
	rawResources string
}

// pair is one field of an object of strings.
type pair struct{ key, value string }

// requestContext is what an HTTP or WebSocket event says of its connection.
type requestContext struct {
	present  bool
	hasHTTP  bool
	hasELB   bool
	method   string
	httpPath string
	sourceIP string
	protocol string
	domain   string
	stage    string

	connectionID     string
	eventType        string
	routeKey         string
	disconnectCode   string
	disconnectReason string
}

// read fills an empty envelope from a payload. An envelope is filled in place:
// it is large, and most of it is used once.
func (e *envelope) read(payload string) error {
	e.payload = payload
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
	e.kind = e.classify()
	return nil
}

func (e *envelope) field(key string, d *jsonscan.Decoder) {
	switch key {
	case "version":
		e.version = stringOf(d.Raw())
	case "type":
		e.authType = stringOf(d.Raw())
	case "methodArn", "routeArn":
		e.arn = stringOf(d.Raw())
	case "resource":
		e.hasResource = true
		d.Skip()
	case "httpMethod":
		e.method = stringOf(d.Raw())
	case "path", "rawPath":
		e.path = stringOf(d.Raw())
	case "rawQueryString":
		e.query = stringOf(d.Raw())
	case "cookies":
		e.rawCookies = d.Raw()
	case "headers":
		// Decoded at once: whatever kind of event this is, none but HTTP and
		// WebSocket events have headers.
		start := d.Mark()
		e.pairCount = readPairs(d, e.pairs[:0])
		e.rawHeaders = d.Since(start)
	case "multiValueHeaders":
		e.rawMVHeaders = d.Raw()
	case "queryStringParameters":
		e.rawQuery = d.Raw()
	case "multiValueQueryStringParameters":
		e.rawMVQuery = d.Raw()
	case "body":
		e.rawBody = d.Raw()
	case "isBase64Encoded":
		e.base64 = d.Raw() == "true"
	case "requestContext":
		if d.Peek() != '{' {
			d.Skip()
			return
		}
		e.ctx.read(d)
	case "Records":
		e.rawRecords = d.Raw()
		e.eventSource = firstEventSource(e.rawRecords)
	case "source":
		e.source = stringOf(d.Raw())
	case "detail-type":
		e.detailType = stringOf(d.Raw())
	case "detail":
		e.hasDetail = true
		e.rawDetail = d.Raw()
	case "time":
		e.time = stringOf(d.Raw())
	case "resources":
		e.rawResources = d.Raw()
	default:
		d.Skip()
	}
}

func (c *requestContext) read(d *jsonscan.Decoder) {
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
					c.method = stringOf(d.Raw())
				case "path":
					c.httpPath = stringOf(d.Raw())
				case "sourceIp":
					c.sourceIP = stringOf(d.Raw())
				case "protocol":
					c.protocol = stringOf(d.Raw())
				default:
					d.Skip()
				}
			}
		case "identity":
			if d.Peek() != '{' {
				d.Skip()
				continue
			}
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				if key == "sourceIp" {
					c.sourceIP = stringOf(d.Raw())
				} else {
					d.Skip()
				}
			}
		case "elb":
			c.hasELB = d.Peek() == '{'
			d.Skip()
		case "protocol":
			c.protocol = stringOf(d.Raw())
		case "domainName":
			c.domain = stringOf(d.Raw())
		case "stage":
			c.stage = stringOf(d.Raw())
		case "connectionId":
			c.connectionID = stringOf(d.Raw())
		case "eventType":
			c.eventType = stringOf(d.Raw())
		case "routeKey":
			c.routeKey = stringOf(d.Raw())
		case "disconnectStatusCode":
			c.disconnectCode = d.Raw()
		case "disconnectReason":
			c.disconnectReason = stringOf(d.Raw())
		default:
			d.Skip()
		}
	}
}

// readPairs decodes an object of strings into space and returns their number. It
// returns -1, with the value consumed, when the value is anything else or does
// not fit.
func readPairs(d *jsonscan.Decoder, space []pair) int {
	if d.Peek() != '{' {
		d.Skip()
		return -1
	}
	fits := true
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if fits = fits && d.Peek() == '"' && len(space) < cap(space); fits {
			space = append(space, pair{key, d.String()})
		} else {
			d.Skip()
		}
	}
	if !fits {
		return -1
	}
	return len(space)
}

// stringOf returns the value of a JSON string, or "" for a value of any other
// type: a field of another type discriminates nothing.
func stringOf(raw string) string {
	if !strings.HasPrefix(raw, `"`) {
		return ""
	}
	d := jsonscan.NewDecoder(raw)
	return d.String()
}

// firstEventSource returns the eventSource (EventSource in SNS records) of the
// first record.
func firstEventSource(rawRecords string) string {
	d := jsonscan.NewDecoder(rawRecords)
	if d.Peek() != '[' || !d.Array() || !d.Elem() || d.Peek() != '{' {
		return ""
	}
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if key == "eventSource" || key == "EventSource" {
			return stringOf(d.Raw())
		}
		d.Skip()
	}
	return ""
}

func (e *envelope) classify() Kind {
	switch {
	case e.arn != "" && (e.authType == "REQUEST" || e.authType == "TOKEN"):
		return KindAuthorizer
	case e.ctx.hasELB:
		return KindALB
	case e.ctx.connectionID != "":
		return KindWebSocket
	case e.ctx.hasHTTP:
		return KindHTTPv2
	case e.method != "" && (e.ctx.present || e.hasResource):
		return KindHTTPv1
	}
	switch e.eventSource {
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

// seen describes an event for errors, without its values.
func (e *envelope) seen() string {
	if e.kind != KindUnknown {
		return "kind " + e.kind.String()
	}
	if e.eventSource != "" {
		return "records of event source " + e.eventSource
	}
	d := jsonscan.NewDecoder(e.payload)
	if d.Peek() != '{' {
		return "a payload that is not a JSON object"
	}
	const most = 8
	var keys []string
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		if len(keys) == most {
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
