package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
)

// partsReader is the response of a streaming program. Each Read carries out the next part
// if it is a command, such as "fail", and sends it otherwise.
type partsReader struct{ parts []any }

func (r *partsReader) Read(p []byte) (int, error) {
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	part := r.parts[0].(string)
	r.parts = r.parts[1:]
	switch {
	case part == "fail":
		return 0, errors.New("no luck")
	case part == "exit":
		os.Exit(4)
	case part == "sleep":
		time.Sleep(time.Hour)
	case strings.HasPrefix(part, "http://"):
		resp, err := within.Client.Get(part)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return r.Read(p)
	case part == "much":
		return len(p), nil
	}
	return copy(p, part), nil
}

func streamEvent(t *testing.T, parts ...string) Invocation {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"do": "stream", "parts": parts})
	if err != nil {
		t.Fatal(err)
	}
	return Invocation{Payload: payload}
}

const prelude = `{"statusCode":200,"headers":{"a":"b"}}` + "\x00\x00\x00\x00\x00\x00\x00\x00"

// gate is an address that answers when the test lets it.
func gate(t *testing.T) (url string, open func()) {
	t.Helper()
	opened := make(chan struct{})
	srv := within.Server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-opened:
		case <-r.Context().Done():
		}
	}))
	return srv.URL, func() { close(opened) }
}

func TestStreamArrivesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	url, open := gate(t)
	i := start(t, Options{})
	s, err := i.InvokeStream(t.Context(), streamEvent(t, "one", url, "two").Payload)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len(prelude)+len("one"))
	if _, err := io.ReadFull(s, first); err != nil || string(first) != prelude+"one" {
		t.Errorf("got %q, %v", first, err)
	}
	if s.ContentType != "application/vnd.awslambda.http-integration-response" {
		t.Errorf("Content-Type %s", s.ContentType)
	}
	open()
	if rest, err := io.ReadAll(s); err != nil || string(rest) != "two" {
		t.Errorf("got %q, %v", rest, err)
	}
	// The same response, taken whole; and one that is no stream, taken as one.
	if out, err := i.Do(t.Context(), streamEvent(t, "one", "two")); err != nil || string(out) != prelude+"onetwo" {
		t.Errorf("got %q, %v", out, err)
	}
	if s, err = i.InvokeStream(t.Context(), []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(s); err != nil || string(out) != `{"a":1}` || s.ContentType != "application/json" {
		t.Errorf("got %s %s, %v", s.ContentType, out, err)
	}
}

func TestStreamThatFails(t *testing.T) {
	t.Parallel()
	for part, want := range map[string][2]string{
		"fail":  {"errorString", "no luck"},
		"exit":  {"Runtime.ExitError", "Runtime exited with error: exit status 4"},
		"sleep": {"Sandbox.Timedout", "Task timed out after 1.00 seconds"},
		"much":  {"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (100 bytes)."},
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			i := start(t, Options{Timeout: time.Second})
			i.api.maxStream = 100
			url, open := gate(t) // so that the response has begun when it fails
			s, err := i.InvokeStream(t.Context(), streamEvent(t, "one", url, part).Payload)
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, len(prelude)+len("one"))
			if _, err := io.ReadFull(s, first); err != nil || string(first) != prelude+"one" {
				t.Errorf("got %q, %v", first, err)
			}
			open()
			rest, err := io.ReadAll(s)
			if len(first)+len(rest) > 100 {
				t.Errorf("got %d bytes more", len(rest))
			}
			wantFunctionError(t, err, want[0], want[1])
			if _, err := i.Do(t.Context(), Invocation{Payload: []byte(`{}`)}); part == "fail" && err != nil || part != "fail" && !errors.Is(err, ErrStopped) {
				t.Errorf("the next event: %v", err)
			}
		})
	}
	i := start(t, Options{})
	_, err := i.InvokeStream(t.Context(), []byte(`{"do":"fail"}`))
	wantFunctionError(t, err, "errorString", "no luck")
	_, err = i.InvokeStream(t.Context(), []byte(`{"do":"exit"}`))
	wantFunctionError(t, err, "Runtime.ExitError", "exit status 4")
}

// TestStreamWithoutReader lets the function go on when its reader has gone, and does
// not let it run ahead of a reader that is there.
func TestStreamWithoutReader(t *testing.T) {
	t.Parallel()
	f := setup(t, &Host{}, Config{Provisioned: map[string]int{"1": 1}, Reserved: number(1)})
	many := []string{}
	for range 1000 {
		many = append(many, "much") // 32 KB each
	}
	s, err := f.InvokeStream(t.Context(), "live", streamEvent(t, many...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	var throttled *ThrottleError
	if _, err := f.InvokeStream(t.Context(), "live", streamEvent(t)); !errors.As(err, &throttled) {
		t.Errorf("while it streams: %v", err)
	}
	s.Close()
	await(t, func() bool { _, instances := f.State(); return instances[0].State == "idle" })

	// A caller who gives up before the response begins.
	url, open := gate(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("impatient"))
	if _, err := f.InvokeStream(ctx, "live", streamEvent(t, url)); err == nil || err.Error() != "impatient" {
		t.Errorf("got %v", err)
	}
	open()
	await(t, func() bool { _, instances := f.State(); return instances[0].State == "idle" })
	if _, err := f.InvokeStream(t.Context(), "gone", streamEvent(t)); !errors.Is(err, ErrNoQualifier) {
		t.Errorf("got %v", err)
	}
	c, _ := f.State()
	if c.Invocations != 2 || c.Errors != 0 || c.Crashes != 0 {
		t.Errorf("%+v", c)
	}
}
