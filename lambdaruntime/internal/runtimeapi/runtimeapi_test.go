package runtimeapi

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/within"
)

// patience is the longest that a test waits: a lost byte must not cost ten minutes.
const patience = 20 * time.Second

// event is one invocation that a fake Runtime API hands out.
type event struct {
	body    string
	headers map[string]string
	chunked bool
	status  int // of the response's request; 0 for 202
}

// posted is a program's answer to an invocation.
type posted struct {
	path    string
	body    string
	header  http.Header
	trailer http.Header
}

// fakeAPI is a Runtime API that hands out events in order and then keeps /next waiting.
type fakeAPI struct {
	*httptest.Server
	events  chan event
	answers chan posted
	asked   chan struct{}

	mu     sync.Mutex
	status map[string]int
}

func newFakeAPI(t *testing.T, events ...event) *fakeAPI {
	f := &fakeAPI{events: make(chan event, len(events)), answers: make(chan posted, 100), asked: make(chan struct{}, 100), status: map[string]int{}}
	for _, e := range events {
		f.events <- e
	}
	n := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		f.asked <- struct{}{}
		select {
		case e := <-f.events:
			f.mu.Lock()
			n++
			id := fmt.Sprintf("id-%d", n)
			f.status[id] = e.status
			f.mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			for k, v := range e.headers {
				w.Header().Set(k, v)
			}
			if e.chunked {
				w.(http.Flusher).Flush()
			}
			io.WriteString(w, e.body)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.answers <- posted{strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), string(body), r.Header, r.Trailer}
		f.mu.Lock()
		defer f.mu.Unlock()
		status := f.status[strings.Split(r.URL.Path, "/")[4]]
		if status == 0 {
			status = http.StatusAccepted
		}
		w.WriteHeader(status)
		io.WriteString(w, `{"status":"OK"}`)
	})
	f.Server = within.Server(t, mux)
	return f
}

func (f *fakeAPI) client(connections int, handle Handler) *Client {
	return &Client{Address: f.Listener.Addr().String(), Connections: connections, Handle: handle, Done: func() bool { return false }}
}

// receive receives from c, and fails the test after patience.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// start runs a client and returns how it ends.
func start(c *Client) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- c.Run() }()
	return ended
}

func echo(inv *Invocation, _ func(Answer)) (Answer, bool) {
	return Answer{Body: []byte(inv.Payload)}, true
}

func TestLoop(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789", 600_000)
	f := newFakeAPI(t, event{body: `{"n":1}`}, event{body: large}, event{body: large, chunked: true}, event{body: "", chunked: true},
		event{body: "4", headers: map[string]string{
			"Lambda-Runtime-Invoked-Function-Arn": "arn:f", "Lambda-Runtime-Trace-Id": "Root=1", "Lambda-Runtime-Aws-Tenant-Id": "tenant",
			"Lambda-Runtime-Client-Context": `{"custom":{}}`, "Lambda-Runtime-Cognito-Identity": `{"a":1}`, "Lambda-Runtime-Deadline-Ms": "1795421704123",
		}})
	got := make(chan Invocation, 10)
	start(f.client(1, func(inv *Invocation, late func(Answer)) (Answer, bool) {
		got <- *inv
		return echo(inv, late)
	}))
	for i, want := range []string{`{"n":1}`, large, large, "", "4"} {
		a := receive(t, f.answers)
		if a.path != fmt.Sprintf("invocation/id-%d/response", i+1) || a.body != want || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%d: %s, %d bytes, %v", i, a.path, len(a.body), a.header)
		}
		inv := receive(t, got)
		inv.conn, inv.Payload = nil, ""
		if i == 4 {
			want := Invocation{
				RequestID: "id-5", Deadline: time.UnixMilli(1795421704123), FunctionARN: "arn:f", TraceID: "Root=1", TenantID: "tenant",
				ClientContext: `{"custom":{}}`, CognitoIdentity: `{"a":1}`,
			}
			if inv != want {
				t.Errorf("got %+v, want %+v", inv, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "1"}, event{body: "2", headers: map[string]string{"Lambda-Runtime-Deadline-Ms": "soon"}}, event{body: "3"})
	start(f.client(1, func(inv *Invocation, late func(Answer)) (Answer, bool) {
		if inv.Payload == "3" {
			return echo(inv, late)
		}
		return Answer{Err: &Error{"Some.Type\r\nX: y", "it failed\n\"badly\" €"}}, true
	}))
	a := receive(t, f.answers)
	if a.path != "invocation/id-1/error" || a.body != `{"errorMessage":"it failed\n\"badly\" €","errorType":"Some.Type\r\nX: y","stackTrace":[]}` {
		t.Errorf("%s %s", a.path, a.body)
	}
	var cause struct {
		Exceptions []struct{ Type, Message string }
	}
	if err := json.Unmarshal([]byte(a.header.Get("Lambda-Runtime-Function-Xray-Error-Cause")), &cause); err != nil || len(cause.Exceptions) != 1 || cause.Exceptions[0].Message != "it failed\n\"badly\" €" {
		t.Errorf("X-Ray cause %q, %v", a.header, err)
	}
	if h := a.header; h.Get("Lambda-Runtime-Function-Error-Type") != "Some.Type  X: y" || h.Get("X") != "" {
		t.Errorf("headers %v", h)
	}
	if a := receive(t, f.answers); a.path != "invocation/id-2/error" || !strings.Contains(a.body, "Lambda-Runtime-Deadline-Ms is no time in milliseconds") {
		t.Errorf("%s %s", a.path, a.body)
	}
	if a := receive(t, f.answers); a.path != "invocation/id-3/response" {
		t.Errorf("%s %s", a.path, a.body)
	}
}

// TestLate: a handler never returns. Another goroutine answers for it, and the connection
// goes on.
func TestLate(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "stuck"}, event{body: "2"}, event{body: "stuck"}, event{body: "4"})
	release := make(chan struct{})
	defer close(release)
	start(f.client(1, func(inv *Invocation, late func(Answer)) (Answer, bool) {
		if inv.Payload == "stuck" {
			go late(Answer{Body: []byte("late")})
			<-release
			return Answer{}, false
		}
		return echo(inv, late)
	}))
	for i, want := range []string{"late", "2", "late", "4"} {
		if a := receive(t, f.answers); a.body != want || a.path != fmt.Sprintf("invocation/id-%d/response", i+1) {
			t.Errorf("got %s %s, want %s", a.path, a.body, want)
		}
	}
}

// TestInvocationID checks that every kind of answer echoes the invocation id, if there is
// one, and that the loop goes on after an answer that comes too late.
func TestInvocationID(t *testing.T) {
	t.Parallel()
	var events []event
	for i, kind := range []string{"response", "error", "stream", "late", "none"} {
		e := event{body: kind, headers: map[string]string{"Lambda-Runtime-Invocation-Id": fmt.Sprintf("try-%d", i+1)}, status: http.StatusGone}
		if kind == "none" {
			e.headers = nil
		}
		events = append(events, e)
	}
	f := newFakeAPI(t, events...)
	release := make(chan struct{})
	defer close(release)
	start(f.client(1, func(inv *Invocation, late func(Answer)) (Answer, bool) {
		switch inv.Payload {
		case "error":
			return Answer{Err: &Error{"Some.Type", "it failed"}}, true
		case "stream":
			io.WriteString(inv.Stream("text/x"), "part")
		case "late":
			go late(Answer{Body: []byte("late")})
			<-release
			return Answer{}, false
		}
		return echo(inv, late)
	}))
	for i, want := range []string{"try-1", "try-2", "try-3", "try-4", ""} {
		a := receive(t, f.answers)
		if got := strings.Join(a.header["Lambda-Runtime-Invocation-Id"], ","); got != want || !strings.HasPrefix(a.path, fmt.Sprintf("invocation/id-%d/", i+1)) {
			t.Errorf("%s: got %q, want %q", a.path, got, want)
		}
	}
}

// TestDone ends the loop when the process must take no further event, once every
// invocation is answered.
func TestDone(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "slow"}, event{body: "last"}, event{body: "never"})
	slow, begun := make(chan struct{}), make(chan struct{})
	done := false
	c := f.client(2, func(inv *Invocation, late func(Answer)) (Answer, bool) {
		if inv.Payload == "slow" {
			close(begun)
			<-slow
		} else {
			<-begun
			done = true
		}
		return echo(inv, late)
	})
	c.Done = func() bool { return done }
	ended := start(c)
	if a := receive(t, f.answers); a.body != "last" {
		t.Errorf("got %s", a.body)
	}
	select {
	case err := <-ended:
		t.Errorf("ended with an invocation unanswered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(slow)
	if a := receive(t, f.answers); a.body != "slow" {
		t.Errorf("got %s", a.body)
	}
	if err := receive(t, ended); err != nil || len(f.events) != 1 || len(f.asked) != 2 {
		t.Errorf("ended with %v, %d events left, asked %d times", err, len(f.events), len(f.asked))
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "whole"}, event{body: "broken"}, event{body: "empty"})
	start(f.client(1, func(inv *Invocation, _ func(Answer)) (Answer, bool) {
		s := inv.Stream("text/x")
		if inv.Payload != "empty" {
			for _, p := range []string{"a", "", strings.Repeat("b", 100_000), inv.Payload} {
				if n, err := io.WriteString(s, p); err != nil || n != len(p) {
					t.Errorf("wrote %d, %v", n, err)
				}
			}
		}
		if inv.Payload == "broken" {
			return Answer{Err: &Error{"Hearth.Cut", "cut off"}}, true
		}
		return Answer{Body: []byte("not streamed")}, true
	}))
	for _, c := range []struct{ body, mode, errorType, errorBody string }{
		{"a" + strings.Repeat("b", 100_000) + "whole", "streaming", "", ""},
		{"a" + strings.Repeat("b", 100_000) + "broken", "streaming", "Hearth.Cut", `{"errorMessage":"cut off","errorType":"Hearth.Cut","stackTrace":[]}`},
		{"not streamed", "", "", ""},
	} {
		a := receive(t, f.answers)
		errorBody, err := base64.StdEncoding.DecodeString(a.trailer.Get("Lambda-Runtime-Function-Error-Body"))
		got := []string{a.body, a.header.Get("Lambda-Runtime-Function-Response-Mode"), a.trailer.Get("Lambda-Runtime-Function-Error-Type"), string(errorBody)}
		if diff := cmp.Diff([]string{c.body, c.mode, c.errorType, c.errorBody}, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	}
}

// TestRefusedAnswers: the client goes on after an answer that the Runtime API refuses,
// and ends after any other error.
func TestRefusedAnswers(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "1", status: 413}, event{body: "2", status: 400}, event{body: "3"}, event{body: "4", status: 500}, event{body: "5"})
	ended := start(f.client(1, echo))
	for range 4 {
		receive(t, f.answers)
	}
	if err := receive(t, ended); err == nil || err.Error() != `post the answer: the Runtime API answered status 500: {"status":"OK"}` {
		t.Errorf("got %v", err)
	}
	if len(f.events) != 1 {
		t.Error("it took another event")
	}
}

func TestInitError(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	if err := f.client(1, echo).InitError(&Error{"Hearth.InvalidApp", "no"}); err != nil {
		t.Fatal(err)
	}
	a := receive(t, f.answers)
	if a.path != "init/error" || a.header.Get("Lambda-Runtime-Function-Error-Type") != "Hearth.InvalidApp" || a.header.Get("Content-Type") != "application/vnd.aws.lambda.error+json" {
		t.Errorf("%s %v", a.path, a.header)
	}
	f.CloseClientConnections()
	f.Close()
	if err := f.client(1, echo).InitError(&Error{"x", "y"}); err == nil || !strings.HasPrefix(err.Error(), "connect to the Runtime API: ") {
		t.Errorf("got %v", err)
	}
}

// TestBrokenAPI has a Runtime API that does not answer the request for an event with an
// event.
func TestBrokenAPI(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
	for name, c := range map[string]struct{ answer, want string }{
		"closed at once":     {"", "get the next event: read the Runtime API's response: unexpected EOF"},
		"half a header":      {"HTTP/1.1 200 OK\r\nLambda-Run", "get the next event: read the Runtime API's response: malformed MIME header"},
		"half a body":        {head + "Lambda-Runtime-Aws-Request-Id: 1\r\nContent-Length: 10\r\n\r\n{}", "get the next event: read the Runtime API's response: unexpected EOF"},
		"half a chunk":       {head + "Lambda-Runtime-Aws-Request-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{}", "get the next event: read the Runtime API's response: unexpected EOF"},
		"garbage":            {"\x00\x01\x02 nonsense\r\n\r\n", "get the next event: read the Runtime API's response: malformed HTTP"},
		"another protocol":   {"SSH-2.0-OpenSSH\r\n", "get the next event: read the Runtime API's response: "},
		"403":                {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "get the next event: the Runtime API answered status 403: no"},
		"500":                {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "get the next event: the Runtime API answered status 500: "},
		"no request id":      {head + "Content-Length: 2\r\n\r\n{}", `get the next event: the Runtime API's Lambda-Runtime-Aws-Request-Id must be a request id, got ""`},
		"a path for an id":   {head + "Lambda-Runtime-Aws-Request-Id: ../x\r\nContent-Length: 2\r\n\r\n{}", `get the next event: the Runtime API's Lambda-Runtime-Aws-Request-Id must be a request id, got "../x"`},
		"an endless body":    {head + "Lambda-Runtime-Aws-Request-Id: 1\r\nContent-Length: 99999999999999\r\n\r\n{}", "get the next event: read the Runtime API's response: unexpected EOF"},
		"a negative length":  {head + "Content-Length: -1\r\n\r\n", "get the next event: read the Runtime API's response: "},
		"an informal answer": {"HTTP/1.1 100 Continue\r\n\r\n", "get the next event: the Runtime API answered status 100: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				http.ReadRequest(bufio.NewReader(conn))
				io.WriteString(conn, c.answer)
				conn.Close()
			}()
			client := &Client{Address: l.Addr().String(), Connections: 1, Done: func() bool { return false }, Handle: func(*Invocation, func(Answer)) (Answer, bool) {
				t.Error("there was no event")
				return Answer{}, true
			}}
			if err := receive(t, start(client)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestConnectionClose has a Runtime API that closes the connection after each response.
func TestConnectionClose(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t, event{body: "1"}, event{body: "2"})
	f.Config.SetKeepAlivesEnabled(false)
	start(f.client(1, echo))
	for _, want := range []string{"1", "2"} {
		if a := receive(t, f.answers); a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
}

// TestStreamNobodyTakes has a Runtime API that stops reading. The handler's write ends at
// its deadline, and its chunk arrives whole once the API reads again.
func TestStreamNobodyTakes(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	read, got := make(chan struct{}), make(chan posted, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		http.ReadRequest(r)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\nContent-Length: 2\r\n\r\n{}")
		<-read
		req, err := http.ReadRequest(r)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		got <- posted{body: fmt.Sprint(len(body)), trailer: req.Trailer}
	}()
	client := &Client{Address: l.Addr().String(), Connections: 1, Done: func() bool { return false }, Handle: func(inv *Invocation, _ func(Answer)) (Answer, bool) {
		defer close(read)
		s := inv.Stream("text/x")
		s.Write([]byte("begun"))
		s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		for range 2 {
			if n, err := s.Write(make([]byte, size)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("wrote %d, %v", n, err)
			}
		}
		return Answer{Err: &Error{"Hearth.Cut", "cut off"}}, true
	}}
	start(client)
	if a := receive(t, got); a.body != fmt.Sprint(size+len("begun")) || a.trailer.Get("Lambda-Runtime-Function-Error-Type") != "Hearth.Cut" {
		t.Errorf("got %s bytes, %v", a.body, a.trailer)
	}
}

// TestStreamConnectionLost has a Runtime API that closes the connection in the middle of
// a response: the next event comes over a new one.
func TestStreamConnectionLost(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	second := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			http.ReadRequest(bufio.NewReader(conn))
			if n == 2 {
				close(second)
				continue
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\nContent-Length: 2\r\n\r\n{}")
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	client := &Client{Address: l.Addr().String(), Connections: 1, Done: func() bool { return false }, Handle: func(inv *Invocation, _ func(Answer)) (Answer, bool) {
		s := inv.Stream("text/x")
		for range 1000 {
			if _, err := s.Write(make([]byte, 1<<20)); err != nil {
				break
			}
		}
		return Answer{Err: &Error{"x", "cut off"}}, true
	}}
	start(client)
	receive(t, second)
}

// FuzzNext answers the request for an event with any bytes. It expects an event or an
// error, and never a panic or a wait.
func FuzzNext(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 1\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 500 Oh\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := newConn(&oneAnswer{r: strings.NewReader(string(answer))}, "127.0.0.1:1")
		inv, err := c.next()
		if err == nil && (inv.RequestID == "" || strings.ContainsAny(inv.RequestID, " /?#%")) {
			t.Errorf("request id %q", inv.RequestID)
		}
	})
}

// oneAnswer is a connection with one answer, and then its end.
type oneAnswer struct {
	net.Conn
	r io.Reader
}

func (c *oneAnswer) Read(p []byte) (int, error)  { return c.r.Read(p) }
func (c *oneAnswer) Write(p []byte) (int, error) { return len(p), nil }
func (c *oneAnswer) Close() error                { return nil }
