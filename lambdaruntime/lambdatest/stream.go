package lambdatest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime"
)

// Stream sends a request as a streaming function URL does. It returns the client's
// response as soon as the header is there. A Read of its Body waits for the handler, and
// fails when the response is cut off. Close acts like Lambda when it stops reading.
func (b *Backend) Stream(req *http.Request) *http.Response {
	b.t.Helper()
	event, err := httpV2(req, urlDomain)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := b.invocation()
	b.t.Cleanup(cancel)
	stream, err := b.handler.(lambdaruntime.StreamHandler).InvokeStream(ctx, event)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { stream.Close() })
	r := bufio.NewReader(stream)
	var prelude []byte
	for !bytes.HasSuffix(prelude, []byte(wire.ResponseStreamDelimiter)) {
		c, err := r.ReadByte()
		if err != nil {
			b.t.Fatalf("response %s: %v; a program without App.HTTP does not stream", prelude, err)
		}
		prelude = append(prelude, c)
	}
	var out struct {
		StatusCode int
		Headers    map[string]string
		Cookies    []string
	}
	prelude = bytes.TrimSuffix(prelude, []byte(wire.ResponseStreamDelimiter))
	if err := json.Unmarshal(prelude, &out); err != nil {
		b.t.Fatalf("response %s: %v", prelude, err)
	}
	resp := newResponse(req, out.StatusCode, out.Headers, out.Cookies)
	resp.ContentLength, resp.Body = -1, &streamBody{r, stream, cancel}
	return resp
}

type streamBody struct {
	io.Reader
	stream io.Closer
	cancel context.CancelFunc
}

// Close implements [io.Closer].
func (s *streamBody) Close() error {
	defer s.cancel()
	return s.stream.Close()
}

// newResponse makes a response without its body.
func newResponse(req *http.Request, status int, headers map[string]string, cookies []string) *http.Response {
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
	}
	for k, v := range headers {
		resp.Header.Set(k, v)
	}
	for _, c := range cookies {
		resp.Header.Add("Set-Cookie", c)
	}
	return resp
}
