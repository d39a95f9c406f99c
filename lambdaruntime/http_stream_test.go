package lambdaruntime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/gateway"
)

// fromURL is a request that came through a Function URL.
func fromURL(method, path, body string) []byte {
	return bytes.Replace(v2(method, path, body), []byte(`"requestContext":{`), []byte(`"requestContext":{"domainName":"u1.lambda-url.eu-central-1.on.aws",`), 1)
}

// stream begins a response the way aws-lambda-go does: through a buffer that is
// overwritten afterwards.
func (b *bench) stream(ctx context.Context, payload []byte) io.ReadCloser {
	b.t.Helper()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	buffer := bytes.Clone(payload)
	r, err := b.router.InvokeStream(ctx, buffer)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range buffer {
		buffer[i] = '!'
	}
	return r
}

// readHeader reads a stream up to its body.
func readHeader(t testing.TB, r io.Reader) response {
	t.Helper()
	if r, ok := r.(interface{ ContentType() string }); !ok || r.ContentType() != "application/vnd.awslambda.http-integration-response" {
		t.Fatalf("%T has another Content-Type", r)
	}
	var prelude []byte
	for one := make([]byte, 1); !bytes.HasSuffix(prelude, make([]byte, 8)); {
		if _, err := io.ReadFull(r, one); err != nil {
			t.Fatalf("after %q: %v", prelude, err)
		}
		prelude = append(prelude, one...)
	}
	return parseResponse(t, string(prelude[:len(prelude)-8]))
}

// readStream reads a whole stream.
func readStream(t testing.TB, r io.ReadCloser) (response, error) {
	t.Helper()
	defer r.Close()
	got := readHeader(t, r)
	body, err := io.ReadAll(r)
	got.Body = string(body)
	return got, err
}

func TestStreamLikeNetHTTP(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"status alone":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) },
		"not modified":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304); io.WriteString(w, "x") },
		"flush then html": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); io.WriteString(w, "<html>") },
		"html then flush": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<html>")
			w.(http.Flusher).Flush()
			io.WriteString(w, "</html>")
		},
		"long": func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				io.WriteString(w, "all work and no play\n")
			}
		},
	}
	for name, h := range ordinaryHandlers {
		handlers[name] = h
	}
	for name, h := range handlers {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				resp, body, headers := fromNetHTTP(t, h, method)
				want := response{StatusCode: resp.StatusCode, Headers: headers, Body: string(body)}
				b := setup(t, &App{HTTP: h})
				got, err := readStream(t, b.stream(t.Context(), fromURL(method, "/", "")))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestStreamForm(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Many", "1")
		w.Header().Add("X-Many", "2")
		w.Header().Add("Set-Cookie", "a=1, 2")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(202)
		w.Header().Set("X-Late", "no")
		body, _ := io.ReadAll(r.Body)
		w.Write(append(body, 0, 0xff, 0x80))
	})})
	out, err := io.ReadAll(b.stream(t.Context(), fromURL("POST", "/", "grüß")))
	want := `{"statusCode":202,"headers":{"X-Many":"1, 2","Content-Type":"application/octet-stream"},"cookies":["a=1, 2","b=2"]}` + "\x00\x00\x00\x00\x00\x00\x00\x00" + "grüß\x00\xff\x80"
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v", out, err)
	}
	if err := iotest.TestReader(b.stream(t.Context(), fromURL("POST", "/", "grüß")), out); err != nil {
		t.Error(err)
	}
}

// TestStreamArrivesBeforeTheEnd reads the flushed part while the handler waits.
func TestStreamArrivesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	more := make(chan string)
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for s := range more {
			io.WriteString(w, s)
			if r.URL.Path == "/flusher" {
				w.(http.Flusher).Flush()
			} else if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}
	})})
	for _, path := range []string{"/flusher", "/controller"} {
		more = make(chan string)
		go func() { more <- "first" }()
		r := b.stream(t.Context(), fromURL("GET", path, ""))
		if got := readHeader(t, r); got.StatusCode != 200 || got.Headers["Content-Type"] != "text/plain; charset=utf-8" {
			t.Errorf("%s: %+v", path, got)
		}
		for i, next := range []string{"first", "second", "third"} {
			if i > 0 {
				more <- next
			}
			got := make([]byte, 100)
			if n, err := r.Read(got); err != nil || string(got[:n]) != next {
				t.Errorf("%s: got %q, %v; want %q", path, got[:n], err, next)
			}
		}
		close(more)
		if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
			t.Errorf("%s: %q, %v", path, rest, err)
		}
	}
}

// TestStreamInPieces shows the size of each Read if the handler does not flush.
func TestStreamInPieces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pieces := 0
		b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range pieces {
				time.Sleep(time.Millisecond)
				io.WriteString(w, "0123456789")
			}
			time.Sleep(time.Second)
			io.WriteString(w, "end")
		})})
		for _, c := range []struct {
			pieces int
			want   []int // bytes of the body in each Read
			first  time.Duration
		}{
			{0, []int{3}, time.Second},
			{100, []int{1003}, 1100 * time.Millisecond},
			{409, []int{4093}, 1409 * time.Millisecond},
			{410, []int{4100, 3}, 410 * time.Millisecond},
			{500, []int{4100, 903}, 410 * time.Millisecond},
		} {
			pieces = c.pieces
			start := time.Now()
			r := b.stream(t.Context(), fromURL("GET", "/", ""))
			if took := time.Since(start); took != c.first {
				t.Errorf("%d pieces: the header came after %s, want %s", pieces, took, c.first)
			}
			var got []int
			for buffer := make([]byte, (32<<10)+1000); ; {
				n, err := r.Read(buffer)
				if err == io.EOF {
					break
				}
				if i := bytes.Index(buffer[:n], make([]byte, 8)); len(got) == 0 && i > 0 {
					n -= i + 8
				}
				got = append(got, n)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%d pieces: %s", pieces, diff)
			}
		}
	})
}

// TestStreamLargeResponse sends more than fits into a buffered response, past a reader
// that is slower than the handler: the unread part is bounded.
func TestStreamLargeResponse(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	var ahead, most atomic.Int64
	wrote := sha256.New()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rng := rand.NewChaCha8([32]byte{})
		for left := size; left > 0; {
			p := make([]byte, min(left, 1+rand.IntN(100_000)))
			rng.Read(p)
			wrote.Write(p)
			left -= len(p)
			for len(p) > 0 { // as small as the writer counts
				n, err := w.Write(p[:min(len(p), 1000)])
				if err != nil {
					t.Error(err)
					return
				}
				p = p[n:]
				if now := ahead.Add(int64(n)); now > most.Load() {
					most.Store(now)
				}
			}
		}
	})})
	r := b.stream(t.Context(), fromURL("GET", "/", ""))
	readHeader(t, r)
	read, total := sha256.New(), 0
	for buffer := make([]byte, 10_000); ; {
		n, err := r.Read(buffer[:1+rand.IntN(len(buffer))])
		read.Write(buffer[:n])
		ahead.Add(int64(-n))
		if total += n; err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if total != size || !bytes.Equal(read.Sum(nil), wrote.Sum(nil)) {
		t.Errorf("%d bytes arrived, or others", total)
	}
	// One more read and one more write may be on their way without being counted.
	if limit := int64(2*(32<<10) + 11_000); most.Load() > limit {
		t.Errorf("%d bytes waited, more than %d", most.Load(), limit)
	}
}

func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write    func(w http.ResponseWriter)
		deadline time.Duration
		want     time.Duration
		begun    bool
		body     string // what arrives
	}{
		"before anything":          {func(http.ResponseWriter) {}, time.Minute, 10 * time.Second, false, ""},
		"what is not sent":         {func(w http.ResponseWriter) { w.WriteHeader(201); io.WriteString(w, "too early") }, time.Minute, 10 * time.Second, false, ""},
		"before Lambda's deadline": {func(http.ResponseWriter) {}, 4 * time.Second, 3500 * time.Millisecond, false, ""},
		"after the deadline":       {func(http.ResponseWriter) {}, -time.Second, 0, false, ""},
		"after the header":         {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, time.Minute, 10 * time.Second, true, ""},
		"after a piece": {func(w http.ResponseWriter) {
			io.WriteString(w, "piece")
			w.(http.Flusher).Flush()
			io.WriteString(w, "lost")
		}, time.Minute, 10 * time.Second, true, "piece"},
		"after much":                 {func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("a", (4<<10))) }, 3 * time.Second, 2500 * time.Millisecond, true, strings.Repeat("a", (4 << 10))},
		"in a write that blocks":     {func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("a", 10*(32<<10))) }, time.Minute, 10 * time.Second, true, ""},
		"in a write near a deadline": {func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("a", 10*(32<<10))) }, time.Second, 750 * time.Millisecond, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				type late struct {
					after  time.Duration
					n      int
					err    error
					flush  error
					cause  error
					writer http.ResponseWriter
				}
				wrote := make(chan late, 1)
				b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c.write(w)
					<-r.Context().Done()
					l := late{after: time.Since(start), cause: context.Cause(r.Context()), writer: w}
					time.Sleep(time.Hour) // ignores the cancellation
					w.Header().Set("X-Late", "1")
					w.WriteHeader(200)
					l.n, l.err = io.WriteString(w, strings.Repeat("a", 10*(32<<10)))
					l.flush = http.NewResponseController(w).Flush()
					wrote <- l
				})})
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				r := b.stream(ctx, fromURL("GET", "/slow", ""))
				defer r.Close()
				got := readHeader(t, r)
				if strings.HasPrefix(name, "in a write") {
					time.Sleep(2 * c.want) // Lambda takes nothing for so long
				}
				body, err := io.ReadAll(r)
				got.Body = string(body)
				if took := time.Since(start); (took < c.want || took > c.want+requestGrace+time.Millisecond) && !strings.HasPrefix(name, "in a write") {
					t.Errorf("ended after %s, want %s", took, c.want)
				}
				if !c.begun && (got.StatusCode != 504 || err != nil || !strings.HasPrefix(got.Body, `{"message":"`)) {
					t.Errorf("got %d %q, %v", got.StatusCode, got.Body, err)
				}
				if c.begun && (got.StatusCode != 200 || err == nil || c.deadline > 0 && !errors.Is(err, ErrTimeout)) {
					t.Errorf("got %d, %v", got.StatusCode, err)
				}
				if c.body != "" && got.Body != c.body {
					t.Errorf("%.50q arrived", got.Body)
				}
				if logs := b.logged("request timed out"); len(logs) != 1 || logs[0]["path"] != "/slow" || logs[0]["requestId"] != "req-1" || logs[0]["responseBegun"] != c.begun {
					t.Errorf("logs: %v", logs)
				}
				if strings.Count(b.metrics.String(), `"Kind":"http-v2","Timeouts":1}`) != 1 {
					t.Errorf("metrics: %s", b.metrics)
				}
				l := <-wrote
				blocked := l.after.Round(time.Millisecond) - c.want // in its write, until Lambda stops reading
				if blocked != 0 && (blocked > requestGrace+100*time.Millisecond || !strings.HasPrefix(name, "in a write")) || l.n != 0 || l.err != http.ErrHandlerTimeout || l.flush != http.ErrHandlerTimeout {
					t.Errorf("the handler: %+v", l)
				}
				if c.deadline > 0 && !errors.Is(l.cause, ErrTimeout) {
					t.Errorf("cause %v", l.cause)
				}
				if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil {
					t.Errorf("%d bytes more, %v", n, err)
				}
			})
		})
	}
}

// TestStreamFinishedTooLate discards a response whose handler returned after it was told
// to stop, as the buffered path does.
func TestStreamFinishedTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			http.Error(w, "cancelled", 500)
		})})
		got, err := readStream(t, b.stream(t.Context(), fromURL("GET", "/", "")))
		if got.StatusCode != 504 || err != nil || got.Body != `{"message":"request: timed out after 10s"}` {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestStreamLateWithoutBody writes late to a response without a body. A write in time
// succeeds, or fails because there is no body.
func TestStreamLateWithoutBody(t *testing.T) {
	t.Parallel()
	for method, status := range map[string]int{"HEAD": 200, "GET": 204} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				late := make(chan error, 1)
				b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(status)
					<-r.Context().Done()
					time.Sleep(time.Minute)
					_, err := io.WriteString(w, "late")
					late <- err
				})})
				if got, err := readStream(t, b.stream(t.Context(), fromURL(method, "/", ""))); got.StatusCode != 504 || err != nil {
					t.Errorf("got %+v, %v", got, err)
				}
				if err := <-late; err != http.ErrHandlerTimeout {
					t.Errorf("got %v, want %v", err, http.ErrHandlerTimeout)
				}
			})
		})
	}
}

func TestStreamPanic(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		io.WriteString(w, "half a resp")
		if r.URL.Query().Has("flush") {
			w.(http.Flusher).Flush()
			io.WriteString(w, "lost")
		}
		switch r.URL.Path {
		case "/panic":
			panic("secret detail")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	})})
	for path, want := range map[string]struct {
		status int
		body   string
		err    string
		logs   int
	}{
		"/panic":       {500, `{"message":"internal error"}`, "", 1},
		"/abort":       {500, `{"message":"internal error"}`, "", 0},
		"/panic?flush": {201, "half a resp", "Hearth.RequestPanicked: request: the handler panicked; the function's log has the stack", 1},
		"/abort?flush": {201, "half a resp", "Hearth.RequestAborted: request: the handler gave the response up", 0},
		"/fine?flush":  {201, "half a resplost", "", 0},
	} {
		before := len(b.logged("panic in request"))
		path, query, _ := strings.Cut(path, "?")
		got, err := readStream(t, b.stream(t.Context(), bytes.Replace(fromURL("GET", path, ""), []byte(`"rawQueryString":""`), []byte(`"rawQueryString":"`+query+`"`), 1)))
		said := ""
		var failed *typedError
		if errors.As(err, &failed) {
			said = failed.kind + ": " + failed.Error()
		}
		if got.StatusCode != want.status || got.Body != want.body || said != want.err {
			t.Errorf("%s %s: got %+v, %v", path, query, got, err)
		}
		if logs := b.logged("panic in request")[before:]; len(logs) != want.logs || want.logs > 0 && logs[0]["panic"] != "secret detail" {
			t.Errorf("%s %s: logs %v", path, query, logs)
		}
	}
}

// TestStreamClosed stops reading a response: a handler that waits to write, or that
// writes later, gets an error, and its context ends.
func TestStreamClosed(t *testing.T) {
	t.Parallel()
	type end struct{ write, cause error }
	ended := make(chan end)
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.WriteString(w, strings.Repeat("a", 1<<20))
		ended <- end{err, context.Cause(r.Context())}
	})})
	r := b.stream(t.Context(), fromURL("GET", "/", ""))
	readHeader(t, r)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if e := <-ended; e.write == nil || e.cause == nil || e.cause.Error() != "request: Lambda no longer takes the response" {
		t.Errorf("got %+v", e)
	}
	if len(b.logged("timed out")) > 0 {
		t.Errorf("logs: %s", b.logs)
	}
}

func TestStreamContextEndsWithTheHandler(t *testing.T) {
	t.Parallel()
	var kept context.Context
	b := setup(t, &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept = r.Context()
		w.(http.Flusher).Flush()
		if kept.Err() != nil {
			t.Error("cancelled while the handler runs")
		}
		if e, ok := EventFromContext(kept); !ok || !strings.Contains(e.Payload, "lambda-url") || !e.ColdStart {
			t.Errorf("its event is %+v", e)
		}
	})})
	if _, err := readStream(t, b.stream(t.Context(), fromURL("GET", "/", ""))); err != nil {
		t.Fatal(err)
	}
	<-kept.Done()
}

// TestStreamOnlyFunctionURLs sends every other event through InvokeStream: the answers
// are those of Invoke, and of a function URL without streaming.
func TestStreamOnlyFunctionURLs(t *testing.T) {
	t.Parallel()
	app := func() *App {
		return &App{
			HTTP:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Method, r.Host) }),
			Queues: []Consumer{(&Queue[string]{Name: "jobs"}).Consume(func(context.Context, *Job[string]) error { return errors.New("no") })},
			Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error {
				return errors.New("not tonight")
			}}},
		}
	}
	for name := range eventKinds {
		payload := sample(t, name)
		whole, wholeErr := setup(t, app()).invoke(t.Context(), payload)
		r, err := setup(t, app()).router.InvokeStream(t.Context(), payload)
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) {
			t.Errorf("%s: got %v, want %v", name, err, wholeErr)
		}
		if err != nil {
			continue
		}
		if name == "function-url-get" {
			if got, err := readStream(t, r); err != nil || got.Body != "GET u1.lambda-url.eu-central-1.on.aws" || !strings.Contains(whole, got.Body) {
				t.Errorf("%s: got %+v, %v", name, got, err)
			}
			continue
		}
		out, err := io.ReadAll(r)
		if err != nil || string(out) != whole || r.Close() != nil {
			t.Errorf("%s: got %s, %v; want %s", name, out, err, whole)
		}
		if _, ok := r.(interface{ ContentType() string }); ok {
			t.Errorf("%s: has a Content-Type of its own", name)
		}
	}
	if _, err := setup(t, app()).router.InvokeStream(t.Context(), []byte(`{`)); err == nil || !strings.HasPrefix(err.Error(), "lambdaruntime: read event: ") {
		t.Errorf("got %v", err)
	}
}

func TestStreamBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, &App{HTTP: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })})
	for want, payload := range map[string][]byte{
		"413 request of ": fromURL("POST", "/", strings.Repeat("a", gateway.MaxPayload)),
	} {
		got, err := readStream(t, b.stream(t.Context(), payload))
		var body struct{ Message string }
		if err == nil {
			err = json.Unmarshal([]byte(got.Body), &body)
		}
		if said := fmt.Sprintf("%d %s", got.StatusCode, body.Message); err != nil || !strings.HasPrefix(said, want) || got.Headers["Content-Type"] != "application/json" {
			t.Errorf("got %s, %v; want %s", said, err, want)
		}
	}
}

func TestStreamTracer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer := &spans{}
		b := setup(t, &App{Tracer: tracer, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Context().Value(spanKey{}) != "request" {
				t.Error("the handler has another context")
			}
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			switch r.URL.Path {
			case "/panic":
				panic("oh")
			case "/slow":
				<-r.Context().Done()
			}
		})})
		for _, path := range []string{"/", "/panic", "/slow"} {
			readStream(t, b.stream(t.Context(), fromURL("GET", path, "")))
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"http-v2 request ", "http-v2 request  panic: oh", "http-v2 request  request: timed out after 10s"}, tracer.sorted()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestStreamAbandonedHandlersKeepWriting runs requests in sequence and concurrently,
// while handlers of earlier requests write on, also from goroutines of their own. Every
// response belongs to its own request, whole or cut off.
func TestStreamAbandonedHandlersKeepWriting(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	b := setup(t, &App{RequestTimeout: 3 * time.Millisecond, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.URL.Path + "\n"
		write := func() {
			defer running.Done()
			for refused := 0; refused < 1000; runtime.Gosched() {
				if _, err := io.WriteString(w, line); err != nil {
					refused++
				}
				w.(http.Flusher).Flush()
			}
		}
		switch r.URL.Path[1] {
		case 'q': // quick
			for range 100 {
				io.WriteString(w, line)
			}
		case 's': // stubborn
			running.Add(1)
			write()
		case 'l': // leaves a goroutine behind
			io.WriteString(w, line)
			running.Add(1)
			go write()
		case 'p':
			io.WriteString(w, strings.Repeat(line, rand.IntN(1000)))
			panic("oh")
		}
	})})
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := range 40 {
				path := fmt.Sprintf("/%c-%d-%d", "qslp"[rand.IntN(4)], client, i)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				r := b.stream(ctx, fromURL("GET", path, ""))
				if rand.IntN(4) == 0 {
					time.Sleep(time.Millisecond) // Lambda takes its time
				}
				got := readHeader(t, r)
				var body []byte
				var err error
				if rand.IntN(4) > 0 {
					body, err = io.ReadAll(r)
				}
				r.Close()
				cancel()
				if rest := strings.ReplaceAll(string(body), path+"\n", ""); got.StatusCode == 200 && rest != "" && err == nil {
					t.Errorf("%s: %q arrived as well", path, rest)
				}
				if path[1] == 'q' && got.StatusCode == 200 && err == nil && body != nil && len(body) != 100*len(path+"\n") {
					t.Errorf("%s: %d bytes arrived", path, len(body))
				}
			}
		})
	}
	clients.Wait()
	if got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", "/q", ""))); !strings.HasPrefix(got.Body, "/q\n/q\n") && got.StatusCode != 504 {
		t.Errorf("a buffered request afterwards: %+v", got)
	}
	running.Wait()
}

func TestStreamVariables(t *testing.T) {
	// Not parallel: the environment is the process's.
	app := &App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
	for value, want := range map[string]bool{"": false, "false": false, "true": true} {
		t.Setenv("HEARTH_RESPONSE_STREAM_REST", value)
		b := setup(t, app)
		for name, streams := range map[string]bool{"http-v1-rest": want, "http-v1-http-api": false, "http-v2-get": false, "alb-get": false, "function-url-get": true} {
			r, err := b.router.InvokeStream(t.Context(), sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := r.(interface{ ContentType() string }); ok != streams {
				t.Errorf("%q: %s streams: %v", value, name, ok)
			}
			if streams {
				if got, err := readStream(t, r); err != nil || got.Body != "hello" {
					t.Errorf("%q: %s: %+v, %v", value, name, got, err)
				}
			}
		}
	}
	t.Setenv("HEARTH_RESPONSE_STREAM_REST", "yes")
	t.Setenv("HEARTH_RESPONSE_STREAM", "no")
	_, err := NewHandler(app)
	for _, want := range []string{`lambdaruntime: HEARTH_RESPONSE_STREAM_REST must be true or false, got "yes"`, `lambdaruntime: HEARTH_RESPONSE_STREAM must be true or false, got "no"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
}
