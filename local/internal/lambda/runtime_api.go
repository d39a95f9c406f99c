package lambda

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// invocation is one event in progress on an instance.
type invocation struct {
	id       string // of the request; a retry has the same
	attempt  string // never used again
	payload  []byte
	arn      string
	deadline time.Time
	trace    string

	// response or failure is set before done is closed.
	response []byte
	failure  *FunctionError
	done     chan struct{}

	expired bool // its caller has got a time-out

	stream *Stream // nil for a buffered response
	cutOff bool    // the connection ended before the response
}

// invalidTransition is the type of the error for a call at a wrong time.
const invalidTransition = "InvalidStateTransition"

// headerAttempt tells the attempts of one request apart. AWS sends it since 2026-07, and
// its runtimes echo it.
// https://github.com/aws/aws-lambda-rust-runtime/pull/1159 (2026-11)
const headerAttempt = "Lambda-Runtime-Invocation-Id"

// runtimeAPI is the Runtime API that the program's runtime calls.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (2026-11)
type runtimeAPI struct {
	functionARN string
	next        chan *invocation
	ready       chan struct{} // closed at the first request for an event
	readyOnce   sync.Once
	initFailed  chan *FunctionError
	several     bool       // the process handles several invocations at a time
	waits       func(bool) // called when the process begins and ends to wait for an event
	extended    atomic.Bool
	maxStream   int64

	mu        sync.Mutex
	pending   []*invocation
	answered  string // the id of the newest invocation with an answer
	answering int    // responses that the runtime is sending
}

func newRuntimeAPI(opts Options) *runtimeAPI {
	return &runtimeAPI{
		functionARN: "arn:aws:lambda:" + opts.Region + ":" + opts.Account + ":function:" + opts.FunctionName,
		next:        make(chan *invocation),
		ready:       make(chan struct{}),
		initFailed:  make(chan *FunctionError, 1),
		several:     opts.Concurrency > 1,
		maxStream:   maxStreamBytes,
	}
}

func (a *runtimeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.serveInitError)
	mux.HandleFunc("POST /2020-01-01/extension/register", a.serveRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

// serveRegister registers an internal extension. It gets no events: its only effect is
// that Lambda sends the process SIGTERM before SIGKILL.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html (2026-11)
func (a *runtimeAPI) serveRegister(w http.ResponseWriter, _ *http.Request) {
	a.extended.Store(true)
	w.Header().Set("Lambda-Extension-Identifier", NewRequestID())
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, "{}")
}

// serveNext delivers the next event. While an invocation runs it delivers the same event
// again, as Lambda does, and while its response is on the way it refuses.
// https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/develop/internal/lambda/core/states.go (2026-11)
func (a *runtimeAPI) serveNext(w http.ResponseWriter, r *http.Request) {
	if inv, answering := a.current(); answering {
		writeStatus(w, http.StatusForbidden, invalidTransition, "State transition from InvocationResponse to Ready failed for runtime. Error: State transition is not allowed")
		return
	} else if inv != nil {
		inv.writeTo(w)
		return
	}
	a.readyOnce.Do(func() { close(a.ready) })
	if a.waits != nil {
		a.waits(true)
	}
	select {
	case inv := <-a.next:
		if a.waits != nil {
			a.waits(false)
		}
		a.mu.Lock()
		a.pending = append(a.pending, inv)
		a.mu.Unlock()
		inv.writeTo(w)
	case <-r.Context().Done():
	}
}

// writeTo delivers the event.
func (inv *invocation) writeTo(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set(headerAttempt, inv.attempt)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	w.Write(inv.payload) //nolint:errcheck // the process has gone, which Instance notices
}

// current returns the running invocation of a process that handles one at a time, and
// whether the runtime is sending its response.
func (a *runtimeAPI) current() (inv *invocation, answering bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.several {
		return nil, false
	}
	if len(a.pending) > 0 {
		inv = a.pending[0]
	}
	return inv, a.answering > 0
}

// answers counts a response that the runtime begins (+1) or ends (-1) to send.
func (a *runtimeAPI) answers(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answering += n
}

// find returns the pending invocation that a request answers, or nil. Not every runtime
// echoes the attempt; without it, an invocation whose time is over comes last.
func (a *runtimeAPI) find(r *http.Request) *invocation {
	id, attempt := r.PathValue("id"), r.Header.Get(headerAttempt)
	var found *invocation
	for _, inv := range a.pending {
		if inv.id == id && (attempt == inv.attempt || attempt == "" && (found == nil || found.expired)) {
			found = inv
		}
	}
	return found
}

// take removes a pending invocation. If a request answers none, it gets an error, and take
// returns false. A second answer has another error than an unknown id.
func (a *runtimeAPI) take(w http.ResponseWriter, r *http.Request) (*invocation, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.PathValue("id")
	inv := a.find(r)
	switch {
	case inv == nil && id == a.answered && !a.several:
		writeStatus(w, http.StatusForbidden, invalidTransition, fmt.Sprintf("the invocation %q has been answered", id))
		return nil, false
	case inv == nil:
		writeStatus(w, http.StatusBadRequest, "InvalidRequestID", fmt.Sprintf("no invocation in progress has the id %q", id))
		return nil, false
	}
	a.pending = slices.DeleteFunc(a.pending, func(other *invocation) bool { return other == inv })
	if inv.expired {
		writeStatus(w, http.StatusGone, "InvokeTimeout", "Invoke timeout")
		close(inv.done)
		return nil, false
	}
	a.answered = id
	return inv, true
}

// expire makes the answer of a pending invocation come too late.
func (a *runtimeAPI) expire(inv *invocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	inv.expired = true
}

// streams reports whether a request is the response of a pending invocation that is
// streamed.
func (a *runtimeAPI) streams(r *http.Request) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	inv := a.find(r)
	return inv != nil && inv.stream != nil
}

func (a *runtimeAPI) serveResponse(w http.ResponseWriter, r *http.Request) {
	a.answers(+1)
	defer a.answers(-1)
	if a.streams(r) {
		if inv, ok := a.take(w, r); ok {
			a.receive(w, r, inv)
		}
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayloadBytes))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		writeStatus(w, http.StatusBadRequest, "InvalidRequest", "read response: "+err.Error())
		return
	}
	inv, ok := a.take(w, r)
	if !ok {
		return
	}
	defer close(inv.done)
	if err != nil {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayloadBytes)
		inv.failure = newFunctionError("Function.ResponseSizeTooLarge", message)
		writeStatus(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message)
		return
	}
	inv.response = body
	w.WriteHeader(http.StatusAccepted)
}

func (a *runtimeAPI) serveError(w http.ResponseWriter, r *http.Request) {
	failure, ok := readFailure(w, r)
	if !ok {
		return
	}
	inv, ok := a.take(w, r)
	if !ok {
		return
	}
	inv.failure = failure
	close(inv.done)
	w.WriteHeader(http.StatusAccepted)
}

func (a *runtimeAPI) serveInitError(w http.ResponseWriter, r *http.Request) {
	select {
	case <-a.ready:
		writeStatus(w, http.StatusForbidden, invalidTransition, "the init phase is over")
		return
	default:
	}
	failure, ok := readFailure(w, r)
	if !ok {
		return
	}
	select {
	case a.initFailed <- failure:
	default: // only the first counts
	}
	w.WriteHeader(http.StatusAccepted)
}

// readFailure reads the body of an error, usually {"errorMessage": …, "errorType": …}. As on
// Lambda any other body is an error too, and the caller gets it as it is.
func readFailure(w http.ResponseWriter, r *http.Request) (*FunctionError, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayloadBytes))
	if err != nil {
		writeStatus(w, http.StatusBadRequest, "InvalidRequest", "read error: "+err.Error())
		return nil, false
	}
	var e struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(body, &e) != nil {
		e.Message = string(body)
	}
	return &FunctionError{Type: cmp.Or(e.Type, r.Header.Get(trailerErrorType), "Runtime.Unknown"), Message: e.Message, Payload: body}, true
}

func newFunctionError(kind, message string) *FunctionError {
	payload, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	if err != nil {
		panic(err) // strings always encode
	}
	return &FunctionError{Type: kind, Message: message, Payload: payload}
}

func writeStatus(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(newFunctionError(kind, message).Payload) //nolint:errcheck // the process has gone, which Instance notices
}
