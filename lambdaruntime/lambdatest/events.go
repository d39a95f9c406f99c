package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
)

// Constants of every event's source.
const (
	region      = "eu-central-1"
	account     = "123456789012"
	requestID   = "8f507cfc-1f3e-4e2a-9a5d-2f1f4f5b6c7d"
	functionARN = "arn:aws:lambda:" + region + ":" + account + ":function:backend:live"
	sourceIP    = "203.0.113.7" // unless a request has an address of its own
)

type object = map[string]any

// encode makes an event's JSON. It panics for a value that cannot be JSON, such as a
// channel.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("lambdatest: encode event: %w", err))
	}
	return data
}

// parts are the parts of a request that every HTTP event contains.
type parts struct {
	host, ip string
	path     string // escaped
	body     string
	base64   bool
}

func split(req *http.Request) (parts, error) {
	p := parts{host: req.Host, ip: sourceIP, path: req.URL.EscapedPath()}
	if host, _, err := net.SplitHostPort(req.RemoteAddr); err == nil && host != "192.0.2.1" { // httptest's
		p.ip = host
	}
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return p, fmt.Errorf("read the request's body: %w", err)
		}
		p.body = string(data)
		if p.base64 = !utf8.Valid(data); p.base64 {
			p.body = base64.StdEncoding.EncodeToString(data)
		}
	}
	return p, nil
}

func must(event []byte, err error) []byte {
	if err != nil {
		panic(fmt.Errorf("lambdatest: %w", err))
	}
	return event
}

// HTTPv2 returns a request in payload format 2.0, as an HTTP API with the stage $default
// sends it: with the path decoded, so a client's %2F is a slash. It panics when the
// request's body cannot be read.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
func HTTPv2(req *http.Request) []byte { return must(httpV2(req, "")) }

// FunctionURL returns a request in payload format 2.0, as a function URL sends it: with
// the path as the client escaped it. It panics when the request's body cannot be read.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (2026-11)
func FunctionURL(req *http.Request) []byte { return must(httpV2(req, urlDomain)) }

const urlDomain = "u1" + wire.FunctionURLDomain + region + ".on.aws"

// httpV2 makes the event of a function URL's domain or, for "", of an HTTP API. It treats
// the path and cookies as live captures of both show (2026-07).
func httpV2(req *http.Request, domain string) ([]byte, error) {
	p, err := split(req)
	if err != nil {
		return nil, err
	}
	rawPath := p.path
	headers, query, cookies := object{"host": p.host}, object{}, []string{}
	for k, v := range req.Header {
		if k == "Cookie" {
			for _, line := range v {
				cookies = append(cookies, strings.Split(line, "; ")...)
			}
			if domain == "" {
				continue
			}
			headers["cookie"] = strings.Join(v, "; ")
			continue
		}
		headers[strings.ToLower(k)] = strings.Join(v, ",")
	}
	for k, v := range req.URL.Query() {
		query[k] = strings.Join(v, ",")
	}
	if domain == "" {
		domain, rawPath = p.host, req.URL.Path
	}
	context := object{
		"accountId": account, "apiId": "api", "domainName": domain, "requestId": requestID, "routeKey": "$default", "stage": "$default",
		"http": object{"method": req.Method, "path": req.URL.Path, "protocol": "HTTP/1.1", "sourceIp": p.ip, "userAgent": req.UserAgent()},
	}
	if a := authorizerV2(callerOf(req)); a != nil {
		context["authorizer"] = a
	}
	event := object{
		"version": "2.0", "routeKey": "$default", "rawPath": rawPath, "rawQueryString": req.URL.RawQuery, "headers": headers,
		"requestContext": context, "isBase64Encoded": p.base64,
	}
	if len(query) > 0 {
		event["queryStringParameters"] = query
	}
	if len(cookies) > 0 {
		event["cookies"] = cookies
	}
	if p.body != "" {
		event["body"] = p.body
	}
	return encode(event), nil
}

// HTTPv1 returns a request in payload format 1.0, as a REST API sends it. It panics when
// the request's body cannot be read.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (2026-11)
func HTTPv1(req *http.Request) []byte {
	p, err := split(req)
	headers, multi := joined(req, p.host)
	query := object{}
	for k, v := range req.URL.Query() {
		query[k] = v[len(v)-1]
	}
	context := object{
		"accountId": account, "apiId": "api", "domainName": p.host, "requestId": requestID, "stage": "prod", "httpMethod": req.Method,
		"protocol": "HTTP/1.1", "resourcePath": "/{proxy+}", "path": "/prod" + p.path, "identity": object{"sourceIp": p.ip, "userAgent": req.UserAgent()},
	}
	addCallerV1(context, callerOf(req))
	return must(encode(object{
		"resource": "/{proxy+}", "path": p.path, "httpMethod": req.Method, "headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": query, "multiValueQueryStringParameters": req.URL.Query(),
		"requestContext": context,
		"body":           p.body, "isBase64Encoded": p.base64,
	}), err)
}

// ALB returns a request as an Application Load Balancer sends it to a target group with
// multi-value headers. It panics when the request's body cannot be read.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html (2026-11)
func ALB(req *http.Request) []byte {
	p, err := split(req)
	_, multi := joined(req, p.host)
	multi["x-forwarded-for"] = []string{p.ip}
	query := map[string][]string{} // a load balancer does not decode it
	for _, pair := range strings.FieldsFunc(req.URL.RawQuery, func(r rune) bool { return r == '&' }) {
		k, v, _ := strings.Cut(pair, "=")
		query[k] = append(query[k], v)
	}
	return must(encode(object{
		"requestContext": object{"elb": object{"targetGroupArn": "arn:aws:elasticloadbalancing:" + region + ":" + account + ":targetgroup/backend/1"}},
		"httpMethod":     req.Method, "path": p.path, "multiValueHeaders": multi, "multiValueQueryStringParameters": query,
		"body": p.body, "isBase64Encoded": p.base64,
	}), err)
}

// joined returns a request's headers with the host: once with the last value of each,
// once with all values.
func joined(req *http.Request, host string) (last object, all map[string][]string) {
	last, all = object{"Host": host}, map[string][]string{"Host": {host}}
	for k, v := range req.Header {
		last[k], all[k] = v[len(v)-1], v
	}
	return last, all
}

// WebSocketConnect returns a client's handshake on the route $connect. It uses only the
// request's headers, query, host and remote address.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html (2026-11)
func WebSocketConnect(connectionID string, handshake *http.Request) []byte {
	p, err := split(handshake)
	headers, multi := joined(handshake, p.host)
	query := object{}
	for k, v := range handshake.URL.Query() {
		query[k] = v[len(v)-1]
	}
	context := webSocketContext("CONNECT", "$connect", connectionID)
	context["domainName"] = p.host
	context["identity"] = object{"sourceIp": p.ip, "userAgent": handshake.UserAgent()}
	addCallerV1(context, callerOf(handshake))
	return must(encode(object{
		"headers": headers, "multiValueHeaders": multi, "queryStringParameters": query, "multiValueQueryStringParameters": handshake.URL.Query(),
		"requestContext": context, "isBase64Encoded": false,
	}), err)
}

// WebSocketMessage returns a text message on the route $default.
func WebSocketMessage(connectionID, message string) []byte {
	return webSocketMessage(connectionID, message, lambdaruntime.Caller{})
}

// webSocketMessage adds a caller: API Gateway repeats it in each message.
func webSocketMessage(connectionID, message string, caller lambdaruntime.Caller) []byte {
	context := webSocketContext("MESSAGE", "$default", connectionID)
	addCallerV1(context, caller)
	context["messageId"] = "message"
	return encode(object{"requestContext": context, "body": message, "isBase64Encoded": false})
}

// WebSocketDisconnect returns the end of a connection, with the client's close code and
// reason.
func WebSocketDisconnect(connectionID string, code int, reason string) []byte {
	context := webSocketContext("DISCONNECT", "$disconnect", connectionID)
	context["disconnectStatusCode"], context["disconnectReason"] = code, reason
	return encode(object{"requestContext": context, "isBase64Encoded": false})
}

func webSocketContext(kind, route, connectionID string) object {
	return object{
		"eventType": kind, "routeKey": route, "connectionId": connectionID, "apiId": "ws", "stage": "live", "requestId": requestID, "messageDirection": "IN",
		"domainName": "ws.execute-api." + region + ".amazonaws.com", "identity": object{"sourceIp": sourceIP},
	}
}

// Message is one message of an SQS batch. Body is text; make any other value text with
// [JSON].
type Message struct {
	// ID is the message id; "" gives m0, m1 … by its position in the batch.
	ID string
	// Body is the message's body.
	Body string
	// GroupID is the message group of a FIFO message.
	GroupID string
	// DeduplicationID is the deduplication id of a FIFO message.
	DeduplicationID string
	// ReceiveCount is how often SQS has delivered it; 0 means 1.
	ReceiveCount int
	// SentAt is when it was sent; the zero time leaves it out.
	SentAt time.Time
	// Attributes are message attributes of type String.
	Attributes map[string]string
}

// JSON makes a message's body from a value. It panics for a value that cannot be JSON.
func JSON(v any) string { return string(encode(v)) }

// SQS returns a batch of messages from one queue.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (2026-11)
func SQS(queue string, messages ...Message) []byte {
	records := []object{}
	for i, m := range messages {
		if m.ID == "" {
			m.ID = fmt.Sprintf("m%d", i)
		}
		attributes := map[string]string{"ApproximateReceiveCount": strconv.Itoa(max(m.ReceiveCount, 1)), "SenderId": "AIDAEXAMPLE"}
		if m.GroupID != "" {
			attributes["MessageGroupId"] = m.GroupID
		}
		if m.DeduplicationID != "" {
			attributes["MessageDeduplicationId"] = m.DeduplicationID
		}
		if !m.SentAt.IsZero() {
			attributes["SentTimestamp"] = strconv.FormatInt(m.SentAt.UnixMilli(), 10)
		}
		custom := object{}
		for k, v := range m.Attributes {
			custom[k] = object{"dataType": "String", "stringValue": v}
		}
		records = append(records, object{
			"messageId": m.ID, "receiptHandle": "receipt-" + m.ID, "body": m.Body, "attributes": attributes, "messageAttributes": custom,
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:" + region + ":" + account + ":" + queue, "awsRegion": region,
		})
	}
	return encode(object{"Records": records})
}

// Schedule returns a run of a schedule that the Hearth constructs created.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html (2026-11)
func Schedule(name string, at time.Time) []byte {
	return encode(object{
		"version": "0", "id": requestID, "detail-type": wire.ScheduleDetailType, "source": wire.ScheduleSource, "time": at.UTC().Format(time.RFC3339),
		"resources": []string{"arn:aws:scheduler:" + region + ":" + account + ":schedule/default/" + name}, "detail": object{"schedule": name},
	})
}

// EventBridge returns an event of an EventBridge bus.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html (2026-11)
func EventBridge(source, detailType string, detail any) []byte {
	return encode(object{
		"version": "0", "id": requestID, "detail-type": detailType, "source": source, "account": account, "time": "2026-11-23T03:00:00Z", "region": region,
		"resources": []string{}, "detail": detail,
	})
}

// SNS returns notifications of one topic.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html (2026-11)
func SNS(topic string, messages ...string) []byte {
	records := []object{}
	for i, m := range messages {
		records = append(records, object{
			"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": "arn:aws:sns:" + region + ":" + account + ":" + topic + ":1",
			"Sns": object{
				"Type": "Notification", "MessageId": fmt.Sprintf("m%d", i), "TopicArn": "arn:aws:sns:" + region + ":" + account + ":" + topic,
				"Message": m, "Timestamp": "2026-11-23T03:00:00.000Z", "MessageAttributes": object{},
			},
		})
	}
	return encode(object{"Records": records})
}

// S3 returns notifications of created objects in one bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html (2026-11)
func S3(bucket string, keys ...string) []byte {
	records := []object{}
	for _, key := range keys {
		records = append(records, object{
			"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": region, "eventTime": "2026-11-23T03:00:00.000Z", "eventName": "ObjectCreated:Put",
			"s3": object{"s3SchemaVersion": "1.0", "bucket": object{"name": bucket, "arn": "arn:aws:s3:::" + bucket}, "object": object{"key": key, "size": 1}},
		})
	}
	return encode(object{"Records": records})
}

// DynamoDB returns records of one table's stream. Each change is the value of a record's
// "dynamodb" field, such as {"Keys": {"Id": {"N": "1"}}}.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (2026-11)
func DynamoDB(table string, changes ...any) []byte {
	records := []object{}
	for i, change := range changes {
		records = append(records, object{
			"eventID": fmt.Sprintf("e%d", i), "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": region,
			"eventSourceARN": "arn:aws:dynamodb:" + region + ":" + account + ":table/" + table + "/stream/2026-11-23T03:00:00.000", "dynamodb": change,
		})
	}
	return encode(object{"Records": records})
}

// Kinesis returns records of one data stream.
// https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html (2026-11)
func Kinesis(stream string, data ...[]byte) []byte {
	records := []object{}
	for i, d := range data {
		records = append(records, object{
			"eventID": fmt.Sprintf("shardId-0:%d", i), "eventName": "aws:kinesis:record", "eventVersion": "1.0", "eventSource": "aws:kinesis", "awsRegion": region,
			"eventSourceARN": "arn:aws:kinesis:" + region + ":" + account + ":stream/" + stream,
			"kinesis":        object{"kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": strconv.Itoa(i), "data": d},
		})
	}
	return encode(object{"Records": records})
}

// Authorizer returns a request to a Lambda authorizer of an HTTP API, in payload format
// 2.0, for a client that sends token as its Authorization header.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html (2026-11)
func Authorizer(method, path, token string) []byte {
	return encode(object{
		"version": "2.0", "type": "REQUEST", "routeArn": "arn:aws:execute-api:" + region + ":" + account + ":api/$default/" + method + path,
		"identitySource": []string{token}, "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": object{"authorization": token},
		"requestContext": object{"accountId": account, "apiId": "api", "stage": "$default", "http": object{"method": method, "path": path, "sourceIp": sourceIP}},
	})
}
