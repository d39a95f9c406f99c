// Package runtimeapi is the loop of a Lambda function: it takes each event from the
// Runtime API, calls a handler, and posts the answer. It has one connection for each
// invocation that may run at once. It writes the few requests itself, and reads the
// responses with net/http's parser.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (2026-11)
package runtimeapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// Invocation is one event with the data that Lambda sends along.
type Invocation struct {
	// Payload is the event's JSON.
	Payload string
	// RequestID identifies the invocation: 8476a536-e9f4-11e8-9739-2dfe598c3fcd.
	RequestID string
	// Deadline is when Lambda ends the invocation.
	Deadline time.Time
	// FunctionARN is the ARN of the invoked function, with its version or alias.
	FunctionARN string
	// TraceID is the X-Ray trace header, "" without one.
	TraceID string
	// TenantID is the tenant of a function with tenant isolation, "" otherwise.
	TenantID string
	// ClientContext and CognitoIdentity are JSON, "" unless a mobile SDK invoked.
	ClientContext, CognitoIdentity string

	// invocationID is unlike RequestID never used again. Answers echo it.
	invocationID string
	conn         *conn
}

// Answer is the answer to an invocation: a body, an error, or the end of a streamed
// response.
type Answer struct {
	// Body is the response's JSON.
	Body []byte
	// Err fails the invocation or, after [Invocation.Stream], means that the response is
	// incomplete.
	Err *Error
}

// Error is a failed invocation or init phase.
type Error struct {
	// Type names the kind of error: Hearth.TimedOut, PathError.
	Type string
	// Message describes the error.
	Message string
}

// body returns the error in the form that Lambda gives to the caller.
func (e *Error) body() []byte {
	body, err := json.Marshal(struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType"`
		Stack   []string `json:"stackTrace"`
	}{e.Message, e.Type, []string{}})
	if err != nil {
		panic(err) // strings always have JSON
	}
	return body
}

// cause returns the error in the form that X-Ray shows.
func (e *Error) cause() []byte {
	type exception struct {
		Type    string   `json:"type"`
		Message string   `json:"message"`
		Stack   []string `json:"stack"`
	}
	dir, _ := os.Getwd()
	body, err := json.Marshal(struct {
		Dir        string      `json:"working_directory"`
		Exceptions []exception `json:"exceptions"`
		Paths      []string    `json:"paths"`
	}{dir, []exception{{e.Type, e.Message, []string{}}}, []string{}})
	if err != nil {
		panic(err)
	}
	return body
}

// Handler handles an invocation and returns the answer, with true. If the code that it
// runs does not return in time, it calls late with the answer, on another goroutine. It
// then returns false when that code returns, if ever.
type Handler func(inv *Invocation, late func(Answer)) (Answer, bool)

// Client talks to the Runtime API.
type Client struct {
	// Address is the host and port in AWS_LAMBDA_RUNTIME_API.
	Address string
	// Connections is how many invocations may run at once.
	Connections int
	// Handle handles each invocation. It must be safe for concurrent use if Connections
	// is over 1.
	Handle Handler
	// Done reports, after each answer, that the process must take no further event. It is
	// not called again after it has returned true.
	Done func() bool

	mu       sync.Mutex
	busy     int // connections that handle an invocation
	draining bool
	ended    chan error
}

// Run handles invocations until the Runtime API fails, and returns that error. If Done
// reports true, it returns nil once each invocation has been answered. Either way the
// process should end.
func (c *Client) Run() error {
	c.ended = make(chan error, c.Connections)
	for range c.Connections {
		conn, err := c.dial()
		if err != nil {
			return err
		}
		go c.serve(conn)
	}
	return <-c.ended
}

// serve handles one invocation after the other.
func (c *Client) serve(conn *conn) {
	for {
		inv, err := conn.next()
		if err != nil {
			c.ended <- err
			return
		}
		c.begin()
		answer, ok := c.handle(inv, func(a Answer) {
			if c.answer(inv, a) {
				c.serve(conn)
			}
		})
		if !ok || !c.answer(inv, answer) {
			return
		}
	}
}

func (c *Client) handle(inv *Invocation, late func(Answer)) (Answer, bool) {
	if inv.Deadline.IsZero() {
		return Answer{Err: &Error{"Hearth.InvalidEvent", "the Runtime API's " + headerDeadline + " is no time in milliseconds"}}, true
	}
	return c.Handle(inv, late)
}

func (c *Client) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
}

// answer posts the answer and reports whether to go on.
func (c *Client) answer(inv *Invocation, a Answer) bool {
	err := inv.conn.answer(inv, a)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	if err != nil {
		c.ended <- err
		return false
	}
	c.draining = c.draining || c.Done()
	if c.draining && c.busy == 0 {
		c.ended <- nil
	}
	return !c.draining
}

// InitError tells Lambda why the instance cannot start.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror (2026-11)
func (c *Client) InitError(e *Error) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.net.Close() //nolint:errcheck // its request is done, or has failed
	if err := conn.net.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	return conn.post("/"+version+"/runtime/init/error", "", e.body(), e.headers())
}

// Register registers an internal extension that receives no events. Because of it, Lambda
// sends SIGTERM to the function before it ends it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html (2026-11)
func (c *Client) Register(name string) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	writeHeader(&b, "Content-Type", "application/json")
	writeHeader(&b, "Lambda-Extension-Name", name)
	if err := conn.request(http.MethodPost, "/"+extensions+"/extension/register", "", []byte(`{"events":[]}`), b.Bytes()); err != nil {
		return err
	}
	h, _, err := conn.response("register an extension", http.StatusOK)
	if err != nil {
		return err
	}
	b.Reset()
	writeHeader(&b, "Lambda-Extension-Identifier", h.Get("Lambda-Extension-Identifier"))
	// This request means ready; there is never a response. The connection stays open.
	return conn.request(http.MethodGet, "/"+extensions+"/extension/event/next", "", nil, b.Bytes())
}

func (c *Client) dial() (*conn, error) {
	n, err := net.Dial("tcp", c.Address) // never through a proxy
	if err != nil {
		return nil, fmt.Errorf("connect to the Runtime API: %w", err)
	}
	return newConn(n, c.Address), nil
}

// userAgent names the runtime to Lambda.
var userAgent = "lambdahearth/" + runtime.Version()

// Versions of the two APIs.
const (
	version    = "2018-06-01"
	extensions = "2020-01-01"
)

// Headers of the Runtime API. AWS's runtimes have sent the invocation id since 2026-07:
// https://github.com/aws/aws-lambda-rust-runtime/pull/1159 (2026-11)
const (
	headerRequestID    = "Lambda-Runtime-Aws-Request-Id"
	headerInvocationID = "Lambda-Runtime-Invocation-Id"
	headerDeadline     = "Lambda-Runtime-Deadline-Ms"
	headerARN          = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace        = "Lambda-Runtime-Trace-Id"
	headerTenant       = "Lambda-Runtime-Aws-Tenant-Id"
	headerClient       = "Lambda-Runtime-Client-Context"
	headerCognito      = "Lambda-Runtime-Cognito-Identity"
	headerErrorType    = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody    = "Lambda-Runtime-Function-Error-Body"
	headerMode         = "Lambda-Runtime-Function-Response-Mode"
	headerXRayCause    = "Lambda-Runtime-Function-XRay-Error-Cause"
	maxXRayCause       = 1 << 20
	contentTypeError   = "application/vnd.aws.lambda.error+json"
)

// headers returns the headers of a request that reports the error.
func (e *Error) headers() []byte {
	var b bytes.Buffer
	writeHeader(&b, "Content-Type", contentTypeError)
	writeHeader(&b, headerErrorType, e.Type)
	if cause := e.cause(); len(cause) < maxXRayCause {
		writeHeader(&b, headerXRayCause, string(cause))
	}
	return b.Bytes()
}

func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	b.WriteString(": ")
	for _, c := range []byte(value) {
		if c < ' ' || c == 0x7f { // no value may end its line
			c = ' '
		}
		b.WriteByte(c)
	}
	b.WriteString("\r\n")
}

// statusError is an unexpected status of the Runtime API.
type statusError struct {
	what   string
	status int
	body   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: the Runtime API answered status %d: %s", e.what, e.status, e.body)
}

// refused reports whether the Runtime API refused only this request: the invocation has
// ended, its answer is too large, and so on. It still takes further requests.
func refused(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.status >= 400 && s.status < 500
}

func deadline(ms string) time.Time {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}
