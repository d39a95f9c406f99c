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
	body         string
	rawBody      string // of a body that is not a string
	base64       bool
	ctx          requestContext

	records     []record
	eventSource string // of the first record

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
		e.version = d.Text()
	case "type":
		e.authType = d.Text()
	case "methodArn", "routeArn":
		e.arn = d.Text()
	case "resource":
		e.hasResource = true
		d.Skip()
	case "httpMethod":
		e.method = d.Text()
	case "path", "rawPath":
		e.path = d.Text()
	case "rawQueryString":
		e.query = d.Text()
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
		// Decoded at once, like headers.
		if d.Peek() == '"' {
			e.body, e.rawBody = d.Text(), ""
		} else {
			e.body, e.rawBody = "", d.Raw()
		}
	case "isBase64Encoded":
		e.base64 = d.Raw() == "true"
	case "requestContext":
		if d.Peek() != '{' {
			d.Skip()
			return
		}
		e.ctx.read(d)
	case "Records":
		e.readRecords(d)
	case "source":
		e.source = d.Text()
	case "detail-type":
		e.detailType = d.Text()
	case "detail":
		e.hasDetail = true
		e.rawDetail = d.Raw()
	case "time":
		e.time = d.Text()
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
					c.method = d.Text()
				case "path":
					c.httpPath = d.Text()
				case "sourceIp":
					c.sourceIP = d.Text()
				case "protocol":
					c.protocol = d.Text()
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
					c.sourceIP = d.Text()
				} else {
					d.Skip()
				}
			}
		case "elb":
			c.hasELB = d.Peek() == '{'
			d.Skip()
		case "protocol":
			c.protocol = d.Text()
		case "domainName":
			c.domain = d.Text()
		case "stage":
			c.stage = d.Text()
		case "connectionId":
			c.connectionID = d.Text()
		case "eventType":
			c.eventType = d.Text()
		case "routeKey":
			c.routeKey = d.Text()
		case "disconnectStatusCode":
			c.disconnectCode = d.Raw()
		case "disconnectReason":
			c.disconnectReason = d.Text()
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
