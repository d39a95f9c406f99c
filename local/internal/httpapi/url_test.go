package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/internal/wire"

	"github.com/lambdahearth/hearth/internal/within"
)

func streamed(prelude, body string) string {
	return wire.ResponseStreamType + "|" + prelude + wire.ResponseStreamDelimiter + body
}

func TestFunctionURL(t *testing.T) {
	t.Parallel()
	for kind, reply := range map[URLKind]string{
		BufferedURL:  `{"statusCode":201,"headers":{"x":"y"},"cookies":["a=1"],"body":"ok"}`,
		StreamingURL: streamed(`{"statusCode":201,"headers":{"x":"y"},"cookies":["a=1"]}`, "ok"),
	} {
		a, f := setup(t, Config{URL: kind, CORS: &CORS{AllowOrigins: []string{"*"}}})
		f.reply = func(string, map[string]any) (string, error) { return reply, nil }
		resp := do(t, a, "POST", "/a%2Fb?c=d", "body", "Origin", "https://a.example", "Cookie", "a=1; b=2", "Cookie", "c=3")
		if resp.StatusCode != 201 || text(t, resp) != "ok" || resp.Header.Get("X") != "y" || resp.Header.Get("Set-Cookie") != "a=1" || resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("%d: %v", kind, resp)
		}
		e := f.last()
		c := e["requestContext"].(map[string]any)
		if c["domainName"] != "abc.lambda-url.eu-central-1.on.aws" || c["stage"] != "$default" || e["rawPath"] != "/a%2Fb" || e["version"] != "2.0" {
			t.Errorf("%d: %v", kind, e)
		}
		if path := c["http"].(map[string]any)["path"]; path != "/a/b" {
			t.Errorf("%d: http.path is %v", kind, path)
		}
		if id, _ := c["requestId"].(string); uuid.Validate(id) != nil || id != resp.Header.Get("X-Amzn-Requestid") {
			t.Errorf("%d: the request id is %q in the event, %q in the answer", kind, id, resp.Header.Get("X-Amzn-Requestid"))
		}
		h := e["headers"].(map[string]any)
		if h["cookie"] != "a=1; b=2; c=3" || h["x-amzn-tls-version"] != "TLSv1.3" || h["x-amzn-tls-cipher-suite"] == nil {
			t.Errorf("%d: headers %v", kind, h)
		}
		if diff := cmp.Diff([]any{"a=1", "b=2", "c=3"}, e["cookies"]); diff != "" {
			t.Errorf("%d: %s", kind, diff)
		}
		f.reply = func(string, map[string]any) (string, error) { return "", throttled{} }
		if resp := do(t, a, "GET", "/", ""); resp.StatusCode != 429 {
			t.Errorf("%d, throttled: %v", kind, resp.Status)
		}
		f.reply = func(string, map[string]any) (string, error) { return "", errors.New("it panicked") }
		resp = do(t, a, "GET", "/", "")
		if body := text(t, resp); resp.StatusCode != 502 || body != "Internal Server Error" {
			t.Errorf("%d, failed: %v %s", kind, resp.Status, body)
		}
	}
}

// TestTypeOfURL: a response without a Content-Type gets another one than in an HTTP API.
func TestTypeOfURL(t *testing.T) {
	t.Parallel()
	for kind, want := range map[URLKind]string{BufferedURL: "application/json", NoURL: "text/plain;charset=UTF-8"} {
		a, f := setup(t, Config{URL: kind})
		f.reply = func(string, map[string]any) (string, error) { return `{"statusCode":200,"body":"body123"}`, nil }
		resp := do(t, a, "GET", "/", "")
		if got := text(t, resp); got != "body123" || resp.Header.Get("Content-Type") != want {
			t.Errorf("%d: %v %s", kind, resp.Header, got)
		}
	}
}

// TestStreamArrivesBeforeTheEnd reads what the function has sent while it waits.
func TestStreamArrivesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{URL: StreamingURL})
	f.more = make(chan struct{})
	f.reply = func(string, map[string]any) (string, error) {
		return streamed(`{"statusCode":200,"headers":{"Content-Type":"text/event-stream","Content-Length":"12"}}`, "one\n…two\n"), nil
	}
	srv := httptest.NewServer(a)
	defer srv.Close()
	resp, err := within.Client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" || resp.ContentLength != -1 || resp.Header.Get("X-Amzn-Remapped-Content-Length") != "12" {
		t.Errorf("%v", resp)
	}
	body := bufio.NewReader(resp.Body)
	if line, err := body.ReadString('\n'); line != "one\n" {
		t.Errorf("got %q, %v", line, err)
	}
	close(f.more)
	if rest, err := io.ReadAll(body); string(rest) != "two\n" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

// TestStreamCutOff shows a function's failure to the client, and hides a client's
// going away from the function.
func TestStreamCutOff(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{URL: StreamingURL})
	f.more, f.failure = make(chan struct{}), errors.New("it panicked")
	f.reply = func(string, map[string]any) (string, error) { return streamed(`{}`, "one…two"), nil }
	srv := httptest.NewServer(a)
	defer srv.Close()
	resp, err := within.Client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	close(f.more)
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "onetwo" {
		t.Errorf("got %q, %v", body, err)
	}
	within.Receive(t, f.ended)

	f.more, f.failure = make(chan struct{}), nil
	f.reply = func(string, map[string]any) (string, error) {
		return streamed(`{}`, "one…"+strings.Repeat("two", 1<<20)), nil
	}
	if resp, err = within.Client.Get(srv.URL); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	close(f.more)
	within.Receive(t, f.ended)
	if c := a.Count(); c != (Count{Requests: 2}) {
		t.Errorf("%+v", c)
	}
}

func TestReadPrelude(t *testing.T) {
	t.Parallel()
	zeros := wire.ResponseStreamDelimiter
	for name, c := range map[string]struct {
		reply  string
		status int
		header http.Header
		body   string
	}{
		"all":            {streamed(`{"statusCode":404,"headers":{"a":"b","n":1,"t":true,"none":null,"o":{}},"cookies":["c=1","d=2"]}`, "x"), 404, http.Header{"A": {"b"}, "N": {"1"}, "T": {"true"}, "Set-Cookie": {"c=1", "d=2"}, "Content-Type": {"application/octet-stream"}}, "x"},
		"nothing":        {streamed(`{}`, ""), 200, http.Header{"Content-Type": {"application/octet-stream"}}, ""},
		"zeros in body":  {streamed(`{}`, "\x00"+zeros), 200, http.Header{"Content-Type": {"application/octet-stream"}}, "\x00" + zeros},
		"proxy response": {`application/octet-stream|{"statusCode":404,"body":"x"}`, 200, http.Header{"Content-Type": {"application/octet-stream"}}, `{"statusCode":404,"body":"x"}`},
		"not JSON":       {streamed(`{`, "x"), 502, nil, ""},
		"no status":      {streamed(`{"statusCode":99}`, "x"), 502, nil, ""},
		"no end":         {wire.ResponseStreamType + `|{}` + zeros[1:], 502, nil, ""},
		"too long":       {streamed(`{"headers":{"a":"`+strings.Repeat("a", maxPreludeBytes)+`"}}`, "x"), 502, nil, ""},
	} {
		kind, reply, _ := strings.Cut(c.reply, "|")
		a, r, err := readPrelude(&Stream{kind, io.NopCloser(strings.NewReader(reply))})
		if err != nil {
			if c.status != 502 || !errors.Is(err, errMalformed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		body, err := io.ReadAll(r)
		if a.status != c.status || cmp.Diff(c.header, a.header) != "" || string(body) != c.body || err != nil {
			t.Errorf("%s: %+v %q %v", name, a, body, err)
		}
	}
	a, f := setup(t, Config{URL: StreamingURL})
	f.reply = func(string, map[string]any) (string, error) { return streamed(`{`, "x"), nil }
	if resp := do(t, a, "GET", "/", ""); resp.StatusCode != 502 {
		t.Errorf("got %v", resp.Status)
	}
}

// TestStreamWithoutBody sends no body where HTTP has none.
func TestStreamWithoutBody(t *testing.T) {
	t.Parallel()
	a, f := setup(t, Config{URL: StreamingURL})
	srv := httptest.NewServer(a)
	defer srv.Close()
	for request, prelude := range map[string]string{"HEAD": `{"statusCode":200}`, "GET": `{"statusCode":204}`, "POST": `{"statusCode":304}`} {
		f.reply = func(string, map[string]any) (string, error) { return streamed(prelude, "body"), nil }
		req, err := http.NewRequest(request, srv.URL, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the connection is good for another
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); len(body) > 0 || err != nil {
				t.Errorf("%s %s: got %q, %v", request, prelude, body, err)
			}
			resp.Body.Close()
			within.Receive(t, f.ended)
		}
	}
}
