package local_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

// envStream makes the test binary a program whose responses stream.
const envStream = "TEST_STREAM"

func init() {
	if os.Getenv(envStream) == "" {
		return
	}
	mux := http.NewServeMux()
	// The query has a URL; the handler waits for its answer after the first line.
	mux.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		w.WriteHeader(201)
		fmt.Fprintf(w, "first\n")
		w.(http.Flusher).Flush()
		if gate := r.URL.Query().Get("gate"); gate != "" {
			resp, err := within.Client.Get(gate)
			if err != nil {
				panic(err)
			}
			resp.Body.Close()
		}
		if r.URL.Query().Has("panic") {
			panic("asked to")
		}
		if r.URL.Query().Has("slow") {
			<-r.Context().Done()
		}
		fmt.Fprintf(w, "last\n")
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/large/{bytes}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("bytes"))
		if err != nil {
			panic(err)
		}
		io.Copy(w, large(n))
	})
	lambdaruntime.Start(&lambdaruntime.App{HTTP: mux, RequestTimeout: 4 * time.Second})
}

// large is n bytes, always the same.
func large(n int) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{}), int64(n)) }

// streamTemplate is a function with a Function URL that streams and an HTTP API.
func streamTemplate() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	return map[string]any{"Resources": map[string]any{
		"Fn": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Code": map[string]any{"S3Bucket": "b", "S3Key": "k"}, "ReservedConcurrentExecutions": 1,
			"Environment": map[string]any{"Variables": map[string]any{"HEARTH_RESPONSE_STREAM": "true"}}, "Timeout": 20,
		}},
		"Version": map[string]any{"Type": "AWS::Lambda::Version", "Properties": map[string]any{"FunctionName": ref("Fn")}},
		"Live": map[string]any{"Type": "AWS::Lambda::Alias", "Properties": map[string]any{
			"FunctionName": ref("Fn"), "FunctionVersion": map[string]any{"Fn::GetAtt": []any{"Version", "Version"}}, "Name": "live",
		}},
		"Url": map[string]any{"Type": "AWS::Lambda::Url", "DependsOn": "Live", "Properties": map[string]any{
			"TargetFunctionArn": map[string]any{"Fn::GetAtt": []any{"Fn", "Arn"}}, "Qualifier": "live", "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM",
		}},
		"Api": map[string]any{"Type": "AWS::ApiGatewayV2::Api", "Properties": map[string]any{"Name": "Api", "ProtocolType": "HTTP"}},
		"Int": map[string]any{"Type": "AWS::ApiGatewayV2::Integration", "Properties": map[string]any{
			"ApiId": ref("Api"), "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": ref("Live"),
		}},
		"Route": map[string]any{"Type": "AWS::ApiGatewayV2::Route", "Properties": map[string]any{"ApiId": ref("Api"), "RouteKey": "$default", "Target": map[string]any{"Fn::Sub": "integrations/${Int}"}}},
		"Stage": map[string]any{"Type": "AWS::ApiGatewayV2::Stage", "Properties": map[string]any{"ApiId": ref("Api"), "StageName": "$default"}},
	}}
}

// TestStreamingFunctionURL runs a real program behind a Function URL that streams,
// on one instance, so that whatever a request leaves behind meets the next.
func TestStreamingFunctionURL(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Streams", streamTemplate()), Programs: map[string]string{"Fn": self}, Output: log,
		Env: map[string]string{envStream: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	defer func() {
		if t.Failed() {
			t.Log(log)
		}
	}()
	s := e.State()
	i := slices.IndexFunc(s.HTTPAPIs, func(a local.HTTPAPIState) bool { return a.Streaming })
	if i < 0 || len(s.HTTPAPIs) != 2 || len(s.NotSimulated) > 0 || !strings.HasPrefix(s.HTTPAPIs[i].Name, "function URL of ") {
		t.Fatalf("%+v", s)
	}
	url, api := s.HTTPAPIs[i].URL, s.HTTPAPIs[1-i].URL
	get := func(url string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	all := func(resp *http.Response) string {
		body, err := io.ReadAll(resp.Body)
		return fmt.Sprintf("%d %q %v", resp.StatusCode, body, err)
	}

	t.Run("first line", func(t *testing.T) {
		opened := make(chan struct{})
		gate := within.Server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-opened:
			case <-r.Context().Done():
			}
		}))
		resp := get(url + "/lines?gate=" + gate.URL)
		body := bufio.NewReader(resp.Body)
		line, err := body.ReadString('\n')
		if resp.StatusCode != 201 || line != "first\n" || err != nil || resp.Header.Get("Set-Cookie") != "a=1" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("got %v %q, %v", resp, line, err)
		}
		close(opened)
		if rest, err := io.ReadAll(body); string(rest) != "last\n" || err != nil {
			t.Errorf("got %q, %v", rest, err)
		}
	})
	t.Run("whole through the API", func(t *testing.T) {
		resp := get(api + "/lines")
		if got := all(resp); got != `201 "first\nlast\n" <nil>` || resp.ContentLength != 11 || resp.Header.Get("Set-Cookie") != "a=1" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("larger than 6 MB", func(t *testing.T) {
		const size = 8_000_000
		sum, want := sha256.New(), sha256.New()
		n, err := io.Copy(sum, get(fmt.Sprint(url, "/large/", size)).Body)
		io.Copy(want, large(size))
		if n != size || err != nil || !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
			t.Errorf("got %d bytes, %v", n, err)
		}
		if got := all(get(fmt.Sprint(api, "/large/", size))); !strings.HasPrefix(got, `502 "{\"message\":\"response of `) {
			t.Errorf("through the API: %.100s", got)
		}
	})
	for path, want := range map[string]string{
		"/lines?panic": `201 "first\n" unexpected EOF`,
		"/lines?slow":  `201 "first\n" unexpected EOF`,
		"/slow":        `504 "{\"message\":\"request: timed out after 4s\"}" <nil>`,
	} {
		t.Run(path, func(t *testing.T) {
			if got := all(get(url + path)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	t.Run("a client that does not read", func(t *testing.T) {
		const size = 100_000_000 // more than sockets hold
		resp := get(fmt.Sprint(url, "/large/", size))
		for deadline := time.Now().Add(20 * time.Second); strings.Count(log.String(), `"responseBegun":true`) < 2; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the handler's write was not released")
			}
		}
		if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 || n >= size {
			t.Errorf("got %d bytes, %v", n, err)
		}
	})
	t.Run("a client that goes away", func(t *testing.T) {
		reached := make(chan struct{})
		gate := within.Server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- struct{}{} }))
		defer gate.Close()
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/lines?gate="+gate.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := within.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		resp.Body.Close()
		within.Receive(t, reached) // the function was not interrupted
	})
	t.Run("after all that", func(t *testing.T) {
		want, got := `201 "first\nlast\n" <nil>`, ""
		for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			got = all(get(url + "/lines")) // 429 while the instance is at the one before
		}
		fn := e.State().Functions[0]
		if got != want || fn.Counters.ColdStarts != 1 || fn.Counters.Crashes != 0 || fn.Counters.Errors != 3 {
			t.Errorf("got %s, %+v", got, fn.Counters)
		}
	})
}
